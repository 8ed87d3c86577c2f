#pragma once
#include <aixcell/io/acquisition.hpp>
#include <aixcell/io/detail/tiff_axes.hpp>
#include <aixcell/io/detail/tiff_page.hpp>
#include <aixcell/io/image_limits.hpp>

// TIFF, BigTIFF, ImageJ hyperstacks and OME-TIFF through libtiff and pugixml (target aixcell::tiff).

namespace aixcell {

/// Which planes of a stack become one image.
struct tiff_selection {
  index_t z = 0;     ///< slice; of a file that says nothing about its pages: the page
  index_t time = 0;  ///< time point
  /// What the pages are when the file does not say: slices, of which one is read, or the channels of one image.
  enum class plain_pages { slices, channels };
  plain_pages pages = plain_pages::slices;
};

/// An open TIFF: its pages and what they mean. Reads page by page, so a stack may be larger than memory.
class tiff_stack {
 public:
  /// Throws io_error for a damaged or other file.
  explicit tiff_stack(image_source from, const image_limits& limits = {}) : file_(std::move(from)), limits_(limits) {
    pages_ = static_cast<index_t>(TIFFNumberOfDirectories(file_.get()));
    file_.require(pages_ > 0);
    const detail::tiff_page first = select(0);
    const char* text = nullptr;
    const std::string_view description = TIFFGetField(file_.get(), TIFFTAG_IMAGEDESCRIPTION, &text) ? text : "";
    float pixels_per_unit = 0;
    TIFFGetField(file_.get(), TIFFTAG_XRESOLUTION, &pixels_per_unit);
    if (description.starts_with("ImageJ=")) {
      axes_ = detail::imagej_axes(file_.source(), description, pages_, double{pixels_per_unit});
    } else if (description.substr(0, 4096).find("<OME") != std::string_view::npos) {
      axes_ = detail::ome_axes(file_.source(), description, pages_, first.samples);
    } else {
      axes_.depth = pages_;
      for (index_t i = 0; i < pages_; ++i) axes_.page_of.push_back(i);
    }
  }

  index_t pages() const noexcept { return pages_; }
  const tiff_axes& axes() const noexcept { return axes_; }

  /// The image at one slice and time, [H,W,C] with all channels. Throws data_error if there is no such slice, if its
  /// pages differ in size or if a pixel is not finite.
  image read(const tiff_selection& wanted = {}) {
    const std::vector<index_t> planes = pages_at(wanted);
    image result;
    result.pixel_size_um = axes_.pixel_size_um;
    for (std::size_t i = 0; i < planes.size(); ++i) {
      const detail::tiff_page page = select(planes[i]);
      const index_t per_page = page.channels(), channels = per_page * static_cast<index_t>(planes.size());
      if (i == 0) {
        detail::check_image_size(name(), limits_, {page.height, page.width, channels});
        result.pixels = tensor<float>({page.height, page.width, channels});
      }
      if (shape{page.height, page.width, channels} != result.pixels.shape()) {
        throw data_error(name() + ": page " + std::to_string(planes[i]) + " is " + std::to_string(page.width) + "x" +
                         std::to_string(page.height) + ", page " + std::to_string(planes[0]) + " is " +
                         std::to_string(result.width()) + "x" + std::to_string(result.height()) +
                         "; save images of different size as separate files");
      }
      detail::read_tiff_page<float>(file_, page, result.pixels.data() + static_cast<index_t>(i) * per_page, channels);
    }
    detail::require_finite(name(), result.pixels);
    if (static_cast<index_t>(axes_.channel_names.size()) == result.channels())
      result.channel_names = axes_.channel_names;
    return result;
  }

  /// The one image that an acquisition makes of the file, with all channels; its slices are read one after the other.
  /// Throws data_error for what it does not say: several slices without a projection, several times.
  image read(context<cpu>& ctx, const acquisition& how) {
    require_one_image(how);
    const auto pages =
        how.pages_are_channels ? tiff_selection::plain_pages::channels : tiff_selection::plain_pages::slices;
    image first = read({.pages = pages});
    if (axes_.depth == 1 || channels_by_request(pages)) return first;
    stack_projector projector(how.z);
    projector.add(ctx, first.pixels);
    for (index_t z = 1; z < axes_.depth; ++z) projector.add(ctx, read({.z = z}).pixels);
    first.pixels = projector.take();
    return first;
  }

  /// Throws data_error unless an acquisition says how the planes of the file become one image.
  void require_one_image(const acquisition& how) const {
    if (axes_.times > 1)
      throw data_error(name() + ": has " + std::to_string(axes_.times) +
                       " time points, expected one image; save each time point as a file of its own");
    if (axes_.depth == 1 || how.z != z_projection::none) return;
    if (axes_.said_by != tiff_axes::origin::none)
      throw data_error(name() + ": is a stack of " + std::to_string(axes_.depth) +
                       " slices, expected one image; say how they become one (--z max, mean, focus or focus-stack)");
    if (!how.pages_are_channels)
      throw data_error(name() + ": has " + std::to_string(axes_.depth) +
                       " pages and does not say what they are; say that they are slices (--z max, mean, focus or "
                       "focus-stack) or channels (--pages channels)");
  }

  /// The labels at one slice and time: integers in one channel, or RGB with equal channels. Throws data_error for
  /// fractions, several channels or inverted (white is zero) pages.
  label_map read_labels(const tiff_selection& wanted = {}) {
    const std::vector<index_t> planes = pages_at(wanted);
    const detail::tiff_page page = select(planes[0]);
    if (planes.size() != 1) {
      throw data_error(name() + ": expected one label channel, found " + std::to_string(planes.size()) +
                       "; save the labels as a file of their own");
    }
    if (page.sample_format == SAMPLEFORMAT_IEEEFP || page.photometric == PHOTOMETRIC_MINISWHITE) {
      throw data_error(name() + ": expected labels as integers with black = 0, found " +
                       (page.photometric == PHOTOMETRIC_MINISWHITE ? "an inverted lookup table" : "fractions") +
                       "; save them as 16- or 32-bit gray TIFF");
    }
    detail::check_image_size(name(), limits_, {page.height, page.width, page.channels()});
    tensor<std::int64_t> samples({page.height, page.width, page.channels()});
    detail::read_tiff_page<std::int64_t>(file_, page, samples.data(), page.channels());
    return detail::labels_from_samples<std::int64_t>(name(), samples);
  }

  const std::string& name() const { return file_.source().name(); }

 private:
  detail::tiff_page select(index_t page) {
    file_.require(TIFFSetDirectory(file_.get(), static_cast<tdir_t>(page)));
    return detail::describe_tiff_page(file_);
  }

  bool channels_by_request(tiff_selection::plain_pages pages) const {
    return axes_.said_by == tiff_axes::origin::none && pages == tiff_selection::plain_pages::channels;
  }

  std::vector<index_t> pages_at(const tiff_selection& wanted) const {
    std::vector<index_t> planes;
    if (channels_by_request(wanted.pages)) return axes_.page_of;
    if (wanted.z < 0 || wanted.z >= axes_.depth || wanted.time < 0 || wanted.time >= axes_.times) {
      throw data_error(name() + ": slice " + std::to_string(wanted.z) + " at time " + std::to_string(wanted.time) +
                       " was asked for, the file has " + std::to_string(axes_.depth) + " slices and " +
                       std::to_string(axes_.times) + " times (counted from 0)");
    }
    for (index_t c = 0; c < axes_.channels; ++c) {
      const index_t page = axes_.page_of[c + axes_.channels * (wanted.z + axes_.depth * wanted.time)];
      if (page < 0 || page >= pages_) {
        throw io_error(name() + ": channel " + std::to_string(c) + " of slice " + std::to_string(wanted.z) +
                       " is not in this file, which has " + std::to_string(pages_) +
                       " pages; export all planes as one OME-TIFF");
      }
      planes.push_back(page);
    }
    return planes;
  }

  detail::tiff_handle file_;
  image_limits limits_;
  index_t pages_ = 0;
  tiff_axes axes_;
};

/// One image [H,W,C] of a TIFF in the numbers of the file; declared transparency is dropped, white-is-zero is inverted.
/// Channels come from the samples of a page and from the pages that ImageJ or OME metadata call channels. Integers
/// above 2^24 are rounded. Palettes, CMYK, half floats and other bit depths are refused with what to do. Throws
/// io_error, data_error.
inline image read_tiff(image_source from, const tiff_selection& wanted = {}, const image_limits& limits = {}) {
  return tiff_stack(std::move(from), limits).read(wanted);
}

/// One label map of a TIFF, see tiff_stack::read_labels.
inline label_map read_tiff_labels(image_source from, const tiff_selection& wanted = {},
                                  const image_limits& limits = {}) {
  return tiff_stack(std::move(from), limits).read_labels(wanted);
}

/// The entry of `codecs` (io/read_image.hpp): files that hold one image or one label map, see tiff_stack.
struct tiff_codec {
  static constexpr std::string_view name = "TIFF";
  static bool recognises(std::span<const std::byte> head) {
    for (const std::string_view magic : {std::string_view{"II*\0", 4}, std::string_view{"MM\0*", 4},
                                         std::string_view{"II+\0", 4}, std::string_view{"MM\0+", 4}}) {
      if (detail::begins_with(head, magic)) return true;
    }
    return false;
  }
  static image read(image_source from, const image_limits& limits) {
    context<cpu> serial(1);
    return tiff_stack(std::move(from), limits).read(serial, {});
  }
  static label_map read_labels(image_source from, const image_limits& limits) {
    tiff_stack stack(std::move(from), limits);
    if (stack.axes().depth > 1 || stack.axes().times > 1)
      throw data_error(stack.name() + ": has " + std::to_string(stack.pages()) +
                       " pages, expected one label map; save the labels of the image as a file of one page");
    return stack.read_labels();
  }
};

}  // namespace aixcell
