#include <aixcell/io/write_png.hpp>
#include "support.hpp"

namespace aixcell::test {
namespace {

template <class T>
void check_round_trip(const shape& extents, std::uint32_t seed) {
  std::mt19937 random(seed);
  tensor<T> pixels(extents);
  // Runs, as labels have them, and noise below them: every filter gets its turn.
  for (index_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<T>(i < pixels.size() / 2 ? static_cast<std::uint32_t>(i / 7 * 300) : random());
  }
  const image back = read_png({encode_png(pixels), "round trip"});
  CHECK(back.channels() == (extents.rank() == 3 ? extents[2] : 1));
  CHECK(std::equal(pixels.begin(), pixels.end(), back.pixels.begin(), back.pixels.end()));
}

}  // namespace

TEST_CASE("PNG keeps 8 and 16 bits, gray and RGB", "[io]") {
  const auto extents = GENERATE(shape{1, 1}, shape{5, 7}, shape{64, 33, 1}, shape{40, 21, 3}, shape{200, 300});
  check_round_trip<std::uint8_t>(extents, 1);
  check_round_trip<std::uint16_t>(extents, 2);
}

TEST_CASE("PNG of labels is small and exact", "[io]") {
  const temporary_folder folder;
  label_map labels({256, 256});
  for (index_t y = 0; y < 256; ++y)
    for (index_t x = 0; x < 256; ++x)
      labels(y, x) = static_cast<std::int32_t>((y - 128) * (y - 128) + (x - 128) * (x - 128) < 8000 ? 65535 : 0);
  write_png_labels(folder / "l.png", labels);
  const label_map back = read_png_labels(folder / "l.png");
  CHECK(std::equal(labels.begin(), labels.end(), back.begin(), back.end()));
  CHECK(std::filesystem::file_size(folder / "l.png") < 256 * 256 * 2 / 20);
}

TEST_CASE("labels that no PNG holds are refused, with the cure, and nothing is written", "[io]") {
  const temporary_folder folder;
  label_map labels({1, 2});
  labels[1] = GENERATE(65536, -1);
  CHECK(contains(message_of<data_error>([&] { write_png_labels(folder / "l.png", labels); }), "write a .tif"));
  CHECK(folder.files() == 0);
  CHECK_THROWS_AS(encode_png(tensor<std::uint8_t>({2, 2, 2})), shape_error);
  CHECK_THROWS_AS(encode_png(tensor<std::uint8_t>({0, 2})), shape_error);
}

}  // namespace aixcell::test
