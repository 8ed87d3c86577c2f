#include <aixcell/io/jpeg.hpp>
#include "support.hpp"

namespace aixcell::test {
namespace {

/// A JPEG of a smooth ramp.
std::vector<std::byte> make_jpeg(int width, int height, J_COLOR_SPACE space, bool progressive) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &buffer, &size);
  const int channels = space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK ? 4 : 3;
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.input_components = channels;
  encoder.in_color_space = space;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 98, TRUE);
  if (progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  std::vector<unsigned char> row(static_cast<std::size_t>(width * channels));
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < width * channels; ++i)
      row[i] = static_cast<unsigned char>(2 * (i / channels) + 20 * (i % channels));
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&encoder, &pointer, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> bytes(begin, begin + size);
  std::free(buffer);
  return bytes;
}

}  // namespace

TEST_CASE("gray and colour JPEG, baseline and progressive", "[io]") {
  const bool progressive = GENERATE(false, true);
  const auto space = GENERATE(JCS_GRAYSCALE, JCS_RGB);
  const image picture = read_jpeg({make_jpeg(61, 17, space, progressive), "ramp.jpg"});
  REQUIRE(picture.pixels.shape() == shape{17, 61, space == JCS_GRAYSCALE ? 1 : 3});
  for (index_t x = 0; x < 61; ++x)
    for (index_t c = 0; c < picture.channels(); ++c)
      CHECK(picture.pixels(9, x, c) == Approx(2.0 * static_cast<double>(x) + 20.0 * static_cast<double>(c)).margin(5));
  CHECK(read_jpeg({make_jpeg(1, 1, space, progressive), "dot.jpg"}).pixels.size() == picture.channels());
}

TEST_CASE("a JPEG cut anywhere is refused, never painted over", "[io]") {
  const auto whole = make_jpeg(33, 20, JCS_RGB, GENERATE(false, true));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CHECK(is_good_message(message_of<io_error>([&] { read_jpeg({std::span(whole).first(n), "cut.jpg"}); }), "cut.jpg"));
  }
}

TEST_CASE("random damage to a JPEG is an error or an image, never a crash", "[io]") {
  const auto whole = make_jpeg(33, 20, JCS_RGB, true);
  std::mt19937 random(5);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    auto damaged = whole;
    damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    refused += !message_of([&] { read_jpeg({damaged, "d.jpg"}, {.max_pixels = 1 << 20}); }).empty();
  }
  CHECK(refused > 0);
}

TEST_CASE("print colours, large images and labels are refused with the cure", "[io]") {
  CHECK(contains(message_of<io_error>([] {
                   read_jpeg({make_jpeg(8, 8, JCS_CMYK, false), "c.jpg"});
                 }),
                 "convert it to RGB"));
  CHECK_THROWS_AS(read_jpeg({make_jpeg(8, 8, JCS_RGB, false), "b.jpg"}, {.max_pixels = 63}), data_error);
  CHECK(contains(message_of<data_error>([] { jpeg_codec::read_labels("m.jpg", {}); }),
                 "m.jpg: JPEG changes pixel values"));
}

}  // namespace aixcell::test
