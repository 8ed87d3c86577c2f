#include <aixcell/io/png.hpp>
#include <aixcell/io/write_png.hpp>
#include "support.hpp"

namespace aixcell::test {
namespace {

using byte_list = std::vector<std::byte>;

/// A PNG of any kind from its raw, filtered rows.
byte_list make_png(std::uint32_t width, std::uint32_t height, int bits, int colour, const std::vector<int>& rows,
               const std::vector<int>& palette = {}) {
  const auto raw = [](const std::vector<int>& values) {
    byte_list b;
    for (const int v : values) b.push_back(static_cast<std::byte>(v));
    return b;
  };
  byte_list png(reinterpret_cast<const std::byte*>(detail::png_magic.data()),
            reinterpret_cast<const std::byte*>(detail::png_magic.data()) + 8);
  byte_list header;
  detail::append_big_endian_32(header, width);
  detail::append_big_endian_32(header, height);
  for (const int v : {bits, colour, 0, 0, 0}) header.push_back(static_cast<std::byte>(v));
  detail::append_png_chunk(png, "IHDR", header);
  if (!palette.empty()) detail::append_png_chunk(png, "PLTE", raw(palette));
  detail::append_png_chunk(png, "IDAT", detail::zlib_stream(context<cpu>(1), raw(rows)));
  detail::append_png_chunk(png, "IEND", {});
  return png;
}

std::vector<float> values(const image& picture) { return {picture.pixels.begin(), picture.pixels.end()}; }

/// 3 x 2 pixels, bottom row first, 24 or 8 bits.
byte_list make_bmp(int bits) {
  byte_list b(54);
  const auto put = [&](std::size_t at, std::uint32_t v) {
    for (std::size_t i = 0; i < 4; ++i) b[at + i] = static_cast<std::byte>(v >> (8 * i));
  };
  b[0] = std::byte{'B'}, b[1] = std::byte{'M'};
  const std::uint32_t palette = bits == 8 ? 1024 : 0;
  put(10, 54 + palette), put(14, 40), put(18, 3), put(22, 2), put(26, 1u | static_cast<std::uint32_t>(bits) << 16);
  for (std::uint32_t i = 0; i < palette / 4; ++i)
    for (int k = 0; k < 4; ++k) b.push_back(static_cast<std::byte>(k < 3 ? i : 0));
  for (int row = 0; row < 2; ++row) {
    const int row_bytes = bits == 8 ? 4 : 12;
    for (int i = 0; i < row_bytes; ++i) b.push_back(static_cast<std::byte>(100 * row + i));
  }
  return b;
}

}  // namespace

TEST_CASE("PNG of every kind gives the numbers of the file", "[io]") {
  CHECK(values(read_png({make_png(3, 1, 8, 0, {0, 7, 8, 255}), "gray"})) == std::vector<float>{7, 8, 255});
  CHECK(values(read_png({make_png(2, 1, 16, 0, {0, 1, 2, 255, 255}), "gray 16"})) == std::vector<float>{258, 65535});
  CHECK(values(read_png({make_png(1, 1, 8, 2, {0, 1, 2, 3}), "rgb"})) == std::vector<float>{1, 2, 3});
  CHECK(values(read_png({make_png(1, 1, 16, 2, {0, 1, 0, 2, 0, 3, 0}), "rgb 16"})) ==
        std::vector<float>{256, 512, 768});
  CHECK(values(read_png({make_png(1, 1, 8, 6, {0, 1, 2, 3, 99}), "rgba"})) == std::vector<float>{1, 2, 3});
  CHECK(values(read_png({make_png(2, 1, 8, 4, {0, 1, 99, 2, 99}), "gray alpha"})) == std::vector<float>{1, 2});
  CHECK(values(read_png({make_png(4, 1, 2, 0, {0, 0b00011011}), "2 bits"})) == std::vector<float>{0, 1, 2, 3});
  CHECK(values(read_png({make_png(8, 1, 1, 0, {0, 0b01000001}), "1 bit"})) ==
        std::vector<float>{0, 1, 0, 0, 0, 0, 0, 1});
  CHECK(values(read_png({make_png(2, 1, 8, 3, {0, 1, 0}, {9, 9, 9, 20, 20, 20}), "gray palette"})) ==
        std::vector<float>{20, 9});
  CHECK(values(read_png({make_png(1, 1, 8, 3, {0, 1}, {9, 9, 9, 1, 2, 3}), "palette"})) == std::vector<float>{1, 2, 3});
}

TEST_CASE("BMP gives gray or RGB, top row first", "[io]") {
  const image colour = read_png({make_bmp(24), "colour.bmp"});
  CHECK(colour.pixels.shape() == shape{2, 3, 3});
  CHECK(colour.pixels(0, 0, 0) == 102);  // file order is blue, green, red and bottom up
  CHECK(colour.pixels(1, 2, 2) == 6);
  const image gray = read_png({make_bmp(8), "gray.bmp"});
  CHECK(values(gray) == std::vector<float>{100, 101, 102, 0, 1, 2});
  for (const int bits : {8, 24}) {
    const byte_list whole = make_bmp(bits);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      CHECK_THROWS_AS(read_png({std::span(whole).first(n), "cut.bmp"}), io_error);
    }
  }
}

TEST_CASE("labels keep their numbers", "[io]") {
  const label_map labels = read_png_labels({make_png(2, 1, 16, 0, {0, 1, 2, 255, 255}), "labels"});
  CHECK(labels[0] == 258);
  CHECK(labels[1] == 65535);
  CHECK(read_png_labels({make_png(1, 1, 8, 2, {0, 5, 5, 5}), "equal"})[0] == 5);
  CHECK(contains(message_of<data_error>([] {
                   read_png_labels({make_png(1, 1, 8, 2, {0, 5, 5, 6}), "m.png"});
                 }),
                 "m.png: expected a gray label image, found 3 different channels; save"));
  CHECK(contains(message_of<data_error>([] {
                   read_png_labels({make_png(1, 1, 8, 3, {0, 1}, {9, 9, 9, 1, 2, 3}), "p"});
                 }),
                 "palette"));
}

TEST_CASE("a PNG cut anywhere or with any byte changed is refused", "[io]") {
  tensor<std::uint16_t> pixels({9, 13});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint16_t>(i * 577);
  const byte_list whole = encode_png(pixels);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CHECK(is_good_message(message_of<io_error>([&] { read_png({std::span(whole).first(n), "cut.png"}); }), "cut.png"));
    byte_list changed = whole;
    changed[n] ^= std::byte{0x10};
    CHECK(is_good_message(message_of([&] { read_png({changed, "flip.png"}); }), "flip.png"));
  }
}

TEST_CASE("a header that asks for too much is refused before anything is allocated", "[io]") {
  const auto message = message_of<data_error>([] { read_png({make_png(1u << 20, 1u << 20, 8, 0, {0}), "big.png"}); });
  CHECK(contains(message, "big.png: 1048576x1048576 pixels"));
  CHECK(contains(message, "image_limits"));
  CHECK_THROWS_AS(read_png({make_png(0, 4, 8, 0, {0}), "none.png"}), data_error);
  CHECK_THROWS_AS(read_png({make_png(3, 3, 8, 0, {0, 1, 2, 3}), "short.png"}), io_error);  // rows are missing
  CHECK_THROWS_AS(read_png({make_png(3, 1, 8, 0, {0, 7, 8, 255}), "small"}, {.max_pixels = 2}), data_error);
}

TEST_CASE("real micrographs and masks", "[io]") {
  const char* data = std::getenv("AIXCELL_DATA");
  if (!data) {
    WARN("AIXCELL_DATA is not set");
    return;
  }
  int read = 0;
  for (const char* set : {"dsb2018_fluo", "dsb2018_histo", "phase_t98g", "wbc_smear"}) {
    const std::filesystem::path folder = std::filesystem::path(data) / set / "test";
    if (!std::filesystem::exists(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "images")) {
      if (++read % 10 != 0) continue;
      const image picture = read_png(entry.path());
      const label_map labels = read_png_labels(folder / "masks" / entry.path().filename());
      CHECK(labels.shape() == shape{picture.height(), picture.width()});
      CHECK(*std::max_element(labels.begin(), labels.end()) > 0);
      CHECK(*std::max_element(picture.pixels.begin(), picture.pixels.end()) <= 255);
    }
  }
  CHECK(read > 0);
}

}  // namespace aixcell::test
