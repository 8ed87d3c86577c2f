#include <aixcell/io/tiff.hpp>
#include <cmath>
#include "support.hpp"

namespace aixcell::test {
namespace {

struct tiff_kind {
  int pages = 1, height = 5, width = 7, samples = 1;
  int compression = COMPRESSION_NONE, planar = PLANARCONFIG_CONTIG, photometric = PHOTOMETRIC_MINISBLACK;
  int tile = 0;  ///< edge of a tile, 0 for strips of two rows
  int predictor = 1;
  int alpha = 0;
  std::string description = {};
  detail::tiff_handle::layout layout = detail::tiff_handle::layout::classic;
};

template <class T>
T sample_at(index_t page, index_t y, index_t x, index_t s) {
  return static_cast<T>(static_cast<T>(page * 50 + y * 10 + x + s * 3) / (std::is_floating_point_v<T> ? 2 : 1));
}

template <class T>
std::vector<std::byte> make_tiff(const tiff_kind& kind) {
  std::vector<std::byte> bytes;
  {
    detail::tiff_handle file(bytes, kind.layout);
    TIFF* t = file.get();
    for (int page = 0; page < kind.pages; ++page) {
      TIFFSetField(t, TIFFTAG_IMAGEWIDTH, kind.width);
      TIFFSetField(t, TIFFTAG_IMAGELENGTH, kind.height);
      TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, kind.samples);
      TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * sizeof(T)));
      TIFFSetField(t, TIFFTAG_SAMPLEFORMAT,
                   std::is_floating_point_v<T> ? SAMPLEFORMAT_IEEEFP
                   : std::is_signed_v<T>       ? SAMPLEFORMAT_INT
                                               : SAMPLEFORMAT_UINT);
      TIFFSetField(t, TIFFTAG_PHOTOMETRIC, kind.photometric);
      TIFFSetField(t, TIFFTAG_PLANARCONFIG, kind.planar);
      TIFFSetField(t, TIFFTAG_COMPRESSION, kind.compression);
      if (kind.predictor != 1) TIFFSetField(t, TIFFTAG_PREDICTOR, kind.predictor);
      if (kind.photometric == PHOTOMETRIC_PALETTE) {
        std::vector<std::uint16_t> map(256);
        TIFFSetField(t, TIFFTAG_COLORMAP, map.data(), map.data(), map.data());
      }
      const std::uint16_t alpha[] = {EXTRASAMPLE_UNASSALPHA};
      if (kind.alpha) TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, alpha);
      if (page == 0 && !kind.description.empty()) TIFFSetField(t, TIFFTAG_IMAGEDESCRIPTION, kind.description.c_str());
      if (!kind.description.empty()) TIFFSetField(t, TIFFTAG_XRESOLUTION, 4.0);
      const bool separate = kind.planar == PLANARCONFIG_SEPARATE;
      const int planes = separate ? kind.samples : 1, per = separate ? 1 : kind.samples;
      const int bh = kind.tile ? kind.tile : 2, bw = kind.tile ? kind.tile : kind.width;
      if (kind.tile) {
        TIFFSetField(t, TIFFTAG_TILEWIDTH, bw);
        TIFFSetField(t, TIFFTAG_TILELENGTH, bh);
      } else {
        TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, bh);
      }
      std::uint32_t number = 0;
      for (int plane = 0; plane < planes; ++plane)
        for (int y0 = 0; y0 < kind.height; y0 += bh)
          for (int x0 = 0; x0 < kind.width; x0 += bw) {
            const int rows = kind.tile ? bh : std::min(bh, kind.height - y0);
            std::vector<T> block;
            for (int y = y0; y < y0 + rows; ++y)
              for (int x = x0; x < x0 + bw; ++x)
                for (int s = 0; s < per; ++s) block.push_back(sample_at<T>(page, y, x, plane + s));
            const auto size = static_cast<tmsize_t>(block.size() * sizeof(T));
            kind.tile ? TIFFWriteEncodedTile(t, number++, block.data(), size)
                      : TIFFWriteEncodedStrip(t, number++, block.data(), size);
          }
      file.require(TIFFWriteDirectory(t));
    }
  }
  return bytes;
}

/// Channels [c] of the image are (page, sample) in this order.
template <class T>
void check_image(const image& picture, const tiff_kind& kind, const std::vector<std::pair<int, int>>& channels) {
  REQUIRE(picture.pixels.shape() == shape{kind.height, kind.width, static_cast<index_t>(channels.size())});
  for (index_t y = 0; y < kind.height; ++y)
    for (index_t x = 0; x < kind.width; ++x)
      for (std::size_t c = 0; c < channels.size(); ++c) {
        const T expected = sample_at<T>(channels[c].first, y, x, channels[c].second);
        CHECK(picture.pixels(y, x, static_cast<index_t>(c)) == static_cast<float>(expected));
      }
}

const std::string imagej = "ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\nunit=micron\n";

std::string ome(const std::string& order, const std::string& inside) {
  return "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image "
         "ID=\"Image:0\">"
         "<Pixels DimensionOrder=\"" +
         order +
         "\" SizeX=\"7\" SizeY=\"5\" SizeC=\"2\" SizeZ=\"3\" SizeT=\"2\" "
         "PhysicalSizeX=\"325\" PhysicalSizeXUnit=\"nm\" Type=\"uint16\"><Channel Name=\"DAPI\"/><Channel "
         "Name=\"membrane\"/>" +
         inside + "</Pixels></Image></OME>";
}

}  // namespace

TEMPLATE_TEST_CASE("TIFF of every sample type and layout", "[io]", std::uint8_t, std::int8_t, std::uint16_t,
                   std::int16_t, std::uint32_t, std::int32_t, float, double) {
  tiff_kind kind;
  kind.samples = GENERATE(1, 2, 5);
  kind.tile = GENERATE(0, 16);
  kind.planar = GENERATE(PLANARCONFIG_CONTIG, PLANARCONFIG_SEPARATE);
  kind.compression = GENERATE(COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS);
  kind.layout = GENERATE(detail::tiff_handle::layout::classic, detail::tiff_handle::layout::large);
  kind.height = 19, kind.width = 21;
  if (kind.compression == COMPRESSION_LZW) kind.predictor = std::is_floating_point_v<TestType> ? 3 : 2;
  const image picture = read_tiff({make_tiff<TestType>(kind), "t.tif"});
  REQUIRE(picture.pixels.shape() == shape{19, 21, kind.samples});
  bool same = true;
  for (index_t i = 0; i < picture.pixels.size(); ++i) {
    const index_t s = i % kind.samples, x = i / kind.samples % 21, y = i / kind.samples / 21;
    same = same && picture.pixels[i] == static_cast<float>(sample_at<TestType>(0, y, x, s));
  }
  CHECK(same);
}

TEST_CASE("ImageJ hyperstacks: channels fastest, then slices, then frames", "[io]") {
  tiff_kind kind{.pages = 12, .description = imagej};
  const auto bytes = make_tiff<std::uint16_t>(kind);
  const image picture = read_tiff({bytes, "i.tif"}, {.z = 2, .time = 1});
  check_image<std::uint16_t>(picture, kind, {{10, 0}, {11, 0}});
  CHECK(picture.pixel_size_um == 0.25);
  check_image<std::uint16_t>(read_tiff({bytes, "i.tif"}), kind, {{0, 0}, {1, 0}});
  CHECK(contains(message_of<data_error>([&] { read_tiff({bytes, "i.tif"}, {.z = 3}); }), "3 slices and 2 times"));
  kind.pages = 3;
  CHECK(contains(message_of<io_error>([&] {
                   read_tiff({make_tiff<float>(kind), "i.tif"});
                 }),
                 "12 images, the TIFF has 3"));
}

TEST_CASE("OME-TIFF in every order of dimensions", "[io]") {
  const std::string order = GENERATE(as<std::string>{}, "XYCZT", "XYCTZ", "XYZCT", "XYZTC", "XYTCZ", "XYTZC");
  const tiff_kind kind{.pages = 12, .description = ome(order, GENERATE(as<std::string>{}, "", "<TiffData/>"))};
  const int z = 2, t = 1;
  std::vector<std::pair<int, int>> expected;
  for (int c = 0; c < 2; ++c) {
    int page = 0, step = 1;
    for (const char axis : order.substr(2)) {
      page += step * (axis == 'C' ? c : axis == 'Z' ? z : t);
      step *= axis == 'C' ? 2 : axis == 'Z' ? 3 : 2;
    }
    expected.emplace_back(page, 0);
  }
  const image picture = read_tiff({make_tiff<std::uint16_t>(kind), "o.ome.tif"}, {.z = z, .time = t});
  check_image<std::uint16_t>(picture, kind, expected);
  CHECK(picture.pixel_size_um == Approx(0.325));
  CHECK(picture.channel_names == std::vector<std::string>{"DAPI", "membrane"});
}

TEST_CASE("OME-TIFF may place every plane, or leave some out", "[io]") {
  tiff_kind kind{.pages = 2,
                 .description = ome("XYCZT", "<TiffData IFD=\"1\" FirstC=\"0\"/><TiffData IFD=\"0\" FirstC=\"1\"/>")};
  check_image<float>(read_tiff({make_tiff<float>(kind), "o"}), kind, {{1, 0}, {0, 0}});
  CHECK(contains(message_of<io_error>([&] {
                   read_tiff({make_tiff<float>(kind), "o"}, {.z = 1});
                 }),
                 "not in this file"));
  for (const char* damaged :
       {"<TiffData IFD=\"99\"/>", "<TiffData FirstZ=\"-1\"/>", "<TiffData FirstC=\"7\"/>", "<Broken"}) {
    kind.description = ome("XYCZT", damaged);
    CHECK(is_good_message(message_of<io_error>([&] { read_tiff({make_tiff<float>(kind), "o.tif"}); }), "o.tif"));
  }
  for (const char* order : {"XYZ", "XYCCZ", "CZTXY", ""}) {
    kind.description = ome(order, "");
    CHECK(contains(message_of<io_error>([&] { read_tiff({make_tiff<float>(kind), "o"}); }), "DimensionOrder"));
  }
}

TEST_CASE("plain pages are slices, or channels on request", "[io]") {
  const tiff_kind kind{.pages = 3};
  const auto bytes = make_tiff<std::uint8_t>(kind);
  check_image<std::uint8_t>(read_tiff({bytes, "p"}), kind, {{0, 0}});
  check_image<std::uint8_t>(read_tiff({bytes, "p"}, {.z = 2}), kind, {{2, 0}});
  check_image<std::uint8_t>(read_tiff({bytes, "p"}, {.pages = tiff_selection::plain_pages::channels}), kind,
                            {{0, 0}, {1, 0}, {2, 0}});
}

TEST_CASE("a stack becomes one image as the acquisition says, slice by slice", "[io]") {
  context<cpu> ctx(1);
  tiff_kind kind{.pages = 6, .description = "ImageJ=1.53t\nimages=6\nchannels=2\nslices=3\nunit=micron\n"};
  const auto bytes = make_tiff<std::uint16_t>(kind);
  // A page is 50 brighter than the one before: the greatest are those of the last slice, the mean the middle one.
  const image brightest = tiff_stack({bytes, "s.tif"}).read(ctx, {.z = z_projection::max});
  check_image<std::uint16_t>(brightest, kind, {{4, 0}, {5, 0}});
  CHECK(brightest.pixel_size_um == 0.25);
  check_image<std::uint16_t>(tiff_stack({bytes, "s.tif"}).read(ctx, {.z = z_projection::mean}), kind, {{2, 0}, {3, 0}});
  const std::string refusal = message_of<data_error>([&] { tiff_codec::read({bytes, "s.tif"}, {}); });
  CHECK(contains(refusal, "s.tif: is a stack of 3 slices"));
  CHECK(contains(refusal, "--z max"));
  CHECK(contains(message_of<data_error>([&] { tiff_codec::read_labels({bytes, "s.tif"}, {}); }), "s.tif: has 6 pages"));
  kind.description = imagej, kind.pages = 12;
  CHECK(contains(message_of<data_error>([&] {
                   tiff_stack({make_tiff<float>(kind), "t.tif"}).read(ctx, {.z = z_projection::max});
                 }),
                 "t.tif: has 2 time points"));
  // An image of one slice is no stack, whatever is said about stacks.
  for (const auto method : {z_projection::none, z_projection::focus_slice})
    check_image<float>(tiff_stack({make_tiff<float>({}), "o"}).read(ctx, {.z = method}), {}, {{0, 0}});
}

TEST_CASE("pages that say nothing are slices or channels as the acquisition says", "[io]") {
  context<cpu> ctx(1);
  const tiff_kind kind{.pages = 3};
  const auto bytes = make_tiff<std::uint8_t>(kind);
  CHECK(contains(message_of<data_error>([&] {
                   tiff_codec::read({bytes, "p.tif"}, {});
                 }),
                 "p.tif: has 3 pages and does not say what they are"));
  check_image<std::uint8_t>(tiff_stack({bytes, "p"}).read(ctx, {.z = z_projection::max}), kind, {{2, 0}});
  check_image<std::uint8_t>(tiff_stack({bytes, "p"}).read(ctx, {.pages_are_channels = true}), kind,
                            {{0, 0}, {1, 0}, {2, 0}});
}

TEST_CASE("transparency is dropped, inverted tables are undone, palettes refused", "[io]") {
  tiff_kind kind{.samples = 4, .photometric = PHOTOMETRIC_RGB, .alpha = 1};
  check_image<std::uint8_t>(read_tiff({make_tiff<std::uint8_t>(kind), "a"}), kind, {{0, 0}, {0, 1}, {0, 2}});
  kind.planar = PLANARCONFIG_SEPARATE;
  check_image<std::uint8_t>(read_tiff({make_tiff<std::uint8_t>(kind), "a"}), kind, {{0, 0}, {0, 1}, {0, 2}});
  const tiff_kind inverted{.photometric = PHOTOMETRIC_MINISWHITE};
  CHECK(read_tiff({make_tiff<std::uint8_t>(inverted), "w"}).pixels(0, 1, 0) == 254);
  CHECK_THROWS_AS(read_tiff_labels({make_tiff<std::uint8_t>(inverted), "w"}), data_error);
  CHECK_THROWS_AS(read_tiff({make_tiff<float>(inverted), "w"}), io_error);
  const tiff_kind palette{.photometric = PHOTOMETRIC_PALETTE};
  CHECK(contains(message_of<io_error>([&] {
                   read_tiff({make_tiff<std::uint8_t>(palette), "p.tif"});
                 }),
                 "p.tif: TIFF with a colour palette is not read; save it as gray (ImageJ"));
}

TEST_CASE("labels of a TIFF are exact or refused", "[io]") {
  CHECK(read_tiff_labels({make_tiff<std::uint32_t>({}), "l"})(4, 6) == 46);
  CHECK(contains(message_of<data_error>([] { read_tiff_labels({make_tiff<float>({}), "l"}); }), "found fractions"));
  CHECK_THROWS_AS(read_tiff_labels({make_tiff<std::uint8_t>({.samples = 2}), "l"}), data_error);
}

TEST_CASE("a TIFF cut anywhere is refused or complete", "[io]") {
  const auto compression = GENERATE(COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS);
  const tiff_kind kind{.pages = 2, .compression = compression};
  const auto whole = make_tiff<std::uint16_t>(kind);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CHECK(is_good_message(message_of<io_error>([&] {
                            read_tiff({std::span(whole).first(n), "cut.tif"}, {.z = 1});
                          }),
                          "cut.tif"));
  }
}

TEST_CASE("random damage to a TIFF is an error or an image, never a crash", "[io]") {
  const tiff_kind kind{.pages = 12,
                       .compression = GENERATE(COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE),
                       .tile = GENERATE(0, 16),
                       .description = GENERATE(as<std::string>{}, imagej, ome("XYCZT", ""))};
  const auto whole = make_tiff<std::uint16_t>(kind);
  std::mt19937 random(11);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    auto damaged = whole;
    for (int k = 0; k < 3; ++k) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    refused += !message_of([&] {
                  read_tiff({damaged, "d.tif"}, {}, {.max_pixels = 1 << 20, .max_values = 1 << 22});
                }).empty();
  }
  CHECK(refused > 0);
}

}  // namespace aixcell::test
