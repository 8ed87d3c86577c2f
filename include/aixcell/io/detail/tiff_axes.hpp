#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <pugixml.hpp>

#include <aixcell/core/image.hpp>
#include <aixcell/io/image_source.hpp>

namespace aixcell {

/// What the pages of a TIFF mean: page_of[c + channels * (z + depth * t)] is the page of a plane, -1 if it lies in
/// another file. A file that does not say is a stack of slices.
struct tiff_axes {
  enum class origin { none, imagej, ome };
  origin said_by = origin::none;
  index_t channels = 1, depth = 1, times = 1;
  std::vector<index_t> page_of;
  double pixel_size_um = 0;                ///< 0 if the file does not say
  std::vector<std::string> channel_names;  ///< empty if the file does not say
};

namespace detail {

/// Planes beyond this are a damaged description; it also bounds the table.
inline constexpr index_t most_tiff_planes = index_t{1} << 20;

/// Micrometres in a unit of length as ImageJ and OME write it, 0 for `pixel` and the like.
inline double micrometres_per(std::string_view unit) {
  constexpr std::pair<std::string_view, double> units[] = {
      {"um", 1},    {"micron", 1}, {"microns", 1}, {"\xC2\xB5m", 1}, {"\xCE\xBCm", 1}, {"\\u00B5m", 1},   {"\xB5m", 1},
      {"nm", 1e-3}, {"mm", 1e3},   {"cm", 1e4},    {"m", 1e6},       {"inch", 25400},  {"\xC3\x85", 1e-4}};
  for (const auto& [name, factor] : units)
    if (unit == name) return factor;
  return 0;
}

/// A count 1..2^31, or nothing.
inline std::optional<index_t> parse_count(std::string_view text) {
  index_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || value < 1 || value > index_t{1} << 31) return {};
  return value;
}

/// The value of `key=` in an ImageJ description, empty if absent.
inline std::string_view imagej_value(std::string_view description, std::string_view key) {
  while (!description.empty()) {
    const std::size_t end = std::min(description.find('\n'), description.size());
    std::string_view line = description.substr(0, end);
    description.remove_prefix(std::min(end + 1, description.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=') {
      return line.substr(key.size() + 1);
    }
  }
  return {};
}

/// ImageJ's hyperstacks: channels vary fastest, then slices, then frames.
inline tiff_axes imagej_axes(const image_source& from, std::string_view description, index_t pages,
                             double pixels_per_unit) {
  const auto count = [&](std::string_view key) { return parse_count(imagej_value(description, key)).value_or(1); };
  tiff_axes axes;
  axes.said_by = tiff_axes::origin::imagej;
  const index_t images = count("images");
  if (images > pages) {
    throw io_error(from.name() + ": ImageJ says " + std::to_string(images) + " images, the TIFF has " +
                   std::to_string(pages) + " pages (ImageJ does so above 4 GB); save it as OME-TIFF");
  }
  axes.channels = count("channels"), axes.depth = count("slices"), axes.times = count("frames");
  const bool consistent = axes.channels <= images && axes.depth <= images && axes.times <= images &&
                          axes.channels * axes.depth <= images && axes.channels * axes.depth * axes.times == images;
  if (!consistent) axes.channels = axes.times = 1, axes.depth = images;  // ImageJ then sees a plain stack, too
  for (index_t i = 0; i < images; ++i) axes.page_of.push_back(i);
  if (pixels_per_unit > 0) {
    axes.pixel_size_um = micrometres_per(imagej_value(description, "unit")) / pixels_per_unit;
  }
  return axes;
}

/// The first image of an OME-XML description (schema 2016-06); `samples` are the samples per pixel of a page.
inline tiff_axes ome_axes(const image_source& from, std::string_view description, index_t pages, index_t samples) {
  const auto wrong = [&](const std::string& what) { throw io_error(from.name() + ": OME-XML " + what); };
  pugi::xml_document document;
  if (!document.load_buffer(description.data(), description.size())) wrong("is damaged; export the file again");
  const pugi::xml_node ome = document.child("OME");
  const pugi::xml_node pixels = ome.child("Image").child("Pixels");
  if (!pixels) wrong("describes no pixels (they lie in another file); export as one OME-TIFF");

  const auto size = [&](const char* name) {
    const auto value = parse_count(pixels.attribute(name).value());
    if (!value) wrong(std::string("has no valid ") + name + "; export the file again");
    return *value;
  };
  tiff_axes axes;
  axes.said_by = tiff_axes::origin::ome;
  axes.channels = size("SizeC"), axes.depth = size("SizeZ"), axes.times = size("SizeT");
  if (axes.channels % samples == 0) axes.channels /= samples;  // the samples of a page are channels, too
  if (axes.channels > most_tiff_planes || axes.depth > most_tiff_planes / axes.channels ||
      axes.times > most_tiff_planes / (axes.channels * axes.depth)) {
    wrong("describes more than " + std::to_string(most_tiff_planes) + " planes; export fewer");
  }
  const index_t planes = axes.channels * axes.depth * axes.times;

  // Planes in the order of the file.
  const std::string_view order = pixels.attribute("DimensionOrder").value();
  const auto extent = [&](char axis) { return axis == 'C' ? axes.channels : axis == 'Z' ? axes.depth : axes.times; };
  const auto has = [&](char axis) { return order.find(axis, 2) != order.npos; };
  if (order.size() != 5 || !order.starts_with("XY") || !has('C') || !has('Z') || !has('T')) {
    wrong("has DimensionOrder \"" + std::string(order) + "\", expected one such as XYCZT; export the file again");
  }
  const auto stride = [&](char axis) {
    index_t product = 1;
    for (std::size_t i = 2; order[i] != axis; ++i) product *= extent(order[i]);
    return product;
  };
  std::vector<index_t> page_of_position(static_cast<std::size_t>(planes), -1);
  const std::string_view own_id = ome.attribute("UUID").value();
  bool any_block = false;
  for (const pugi::xml_node block : pixels.children("TiffData")) {
    any_block = true;
    const pugi::xml_node id = block.child("UUID");
    if (id && !own_id.empty() && own_id != id.child_value()) continue;
    const auto number = [&](const char* name) { return static_cast<index_t>(block.attribute(name).as_llong(0)); };
    const index_t c = number("FirstC"), z = number("FirstZ"), t = number("FirstT"), page = number("IFD");
    index_t count = block.attribute("PlaneCount") ? number("PlaneCount") : block.attribute("IFD") ? 1 : planes;
    if (c < 0 || c >= axes.channels || z < 0 || z >= axes.depth || t < 0 || t >= axes.times || page < 0 ||
        page > pages) {
      wrong("places a plane outside the image; export the file again");
    }
    const index_t first = c * stride('C') + z * stride('Z') + t * stride('T');
    count = std::min(count, planes - first);
    for (index_t i = 0; i < count; ++i) page_of_position[first + i] = page + i;
  }
  for (index_t i = 0; !any_block && i < planes; ++i) page_of_position[i] = i;

  for (index_t t = 0; t < axes.times; ++t)
    for (index_t z = 0; z < axes.depth; ++z)
      for (index_t c = 0; c < axes.channels; ++c)
        axes.page_of.push_back(page_of_position[c * stride('C') + z * stride('Z') + t * stride('T')]);

  const std::string_view unit = pixels.attribute("PhysicalSizeXUnit").as_string("um");
  axes.pixel_size_um = pixels.attribute("PhysicalSizeX").as_double(0) * micrometres_per(unit);
  if (!(axes.pixel_size_um > 0 && axes.pixel_size_um < 1e9)) axes.pixel_size_um = 0;
  bool named = true;
  for (const pugi::xml_node channel : pixels.children("Channel")) {
    axes.channel_names.emplace_back(channel.attribute("Name").value());
    named = named && !axes.channel_names.back().empty();
  }
  if (!named) axes.channel_names.clear();
  return axes;
}

}  // namespace detail
}  // namespace aixcell
