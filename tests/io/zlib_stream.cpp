#include <aixcell/io/detail/zlib_stream.hpp>

#include <aixcell/io/write_png.hpp>
#include "support.hpp"

namespace aixcell::test {
namespace {

/// Through the decoder of stb_image: the bytes as a PNG of one row, without a filter.
void check_holds(const std::vector<std::byte>& bytes) {
  CAPTURE(bytes.size());
  std::vector<std::byte> png(reinterpret_cast<const std::byte*>(detail::png_magic.data()),
                             reinterpret_cast<const std::byte*>(detail::png_magic.data()) + 8),
      header, row{std::byte{0}};
  row.insert(row.end(), bytes.begin(), bytes.end());
  detail::append_big_endian_32(header, static_cast<std::uint32_t>(bytes.size()));
  detail::append_big_endian_32(header, 1);
  for (const int v : {8, 0, 0, 0, 0}) header.push_back(static_cast<std::byte>(v));
  detail::append_png_chunk(png, "IHDR", header);
  detail::append_png_chunk(png, "IDAT", detail::zlib_stream(context<cpu>(1), row));
  detail::append_png_chunk(png, "IEND", {});
  const image back = read_png({png, "stream"});
  REQUIRE(back.pixels.size() == std::ssize(bytes));
  index_t wrong = 0;
  for (index_t i = 0; i < back.pixels.size(); ++i)
    wrong += back.pixels[i] != static_cast<float>(bytes[static_cast<std::size_t>(i)]);
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("a zlib stream holds what it was made from: noise, runs, repeats near and far, rare symbols", "[io]") {
  std::mt19937 random(1);
  for (const std::size_t size : {1u, 2u, 3u, 4u, 5u, 258u, 259u, 4096u, 40'000u, 300'000u, 1'100'000u})
    for (int kind = 0; kind < 6; ++kind) {
      std::vector<std::byte> bytes(size);
      for (std::size_t i = 0; i < size; ++i) {
        auto v = static_cast<std::uint32_t>(random());
        if (kind == 1) v = 0;
        if (kind == 2) v = v % 50 ? 7 : v >> 24;
        if (kind == 3) v = static_cast<std::uint32_t>(i % 32'771 * 2654435761u >> 24);  // just out of reach
        if (kind == 4) v = static_cast<std::uint32_t>(i % 32'768 * 2654435761u >> 24);  // just within
        // Each symbol half as frequent as the one before: Huffman's tree is deeper than codes may be long.
        if (kind == 5) v = static_cast<std::uint32_t>(__builtin_ctz(v | 1u << 31));
        bytes[i] = static_cast<std::byte>(v);
      }
      check_holds(bytes);
    }
}

TEST_CASE("PNG of a large picture: the same bytes for any number of threads", "[io]") {
  std::mt19937 random(3);
  tensor<std::uint8_t> pixels({517, 1031, 3});
  for (index_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i / 50 + static_cast<int>(random() % 9));
  const auto one = encode_png(context<cpu>(1), pixels);
  CHECK(one == encode_png(context<cpu>(2), pixels));
  CHECK(one == encode_png(context<cpu>(5), pixels));
  const image back = read_png({one, "large"});
  CHECK(std::equal(pixels.begin(), pixels.end(), back.pixels.begin(), back.pixels.end()));
}

TEST_CASE("noise grows by little, runs shrink to almost nothing", "[io]") {
  std::mt19937 random(2);
  std::vector<std::byte> noise(100'000), runs(100'000);
  for (std::byte& b : noise) b = static_cast<std::byte>(random());
  CHECK(detail::zlib_stream(context<cpu>(1), noise).size() < 101'000);
  CHECK(detail::zlib_stream(context<cpu>(1), runs).size() < 2000);
}

}  // namespace aixcell::test
