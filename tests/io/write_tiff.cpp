#include <aixcell/io/write_tiff.hpp>
#include <aixcell/io/tiff.hpp>
#include "support.hpp"

namespace aixcell::test {

TEMPLATE_TEST_CASE("TIFF keeps every number", "[io]", std::uint8_t, std::uint16_t, float) {
  const temporary_folder folder;
  const auto extents = GENERATE(shape{1, 1}, shape{5, 7, 1}, shape{130, 311, 2}, shape{40, 21, 3}, shape{9, 9, 5});
  std::mt19937 random(3);
  tensor<TestType> pixels(extents);
  for (TestType& v : pixels)
    v = static_cast<TestType>(static_cast<double>(random()) / 7e4 - (std::is_signed_v<TestType> ? 9.0 : 0.0));
  write_tiff(folder / "t.tif", pixels, {.pixel_size_um = 0.5});
  const image back = read_tiff(folder / "t.tif");
  CHECK(back.channels() == (extents.rank() == 3 ? extents[2] : 1));
  CHECK(std::equal(pixels.begin(), pixels.end(), back.pixels.begin(), back.pixels.end()));
  CHECK(back.pixel_size_um == 0.5);
  CHECK(folder.files() == 1);
}

TEST_CASE("TIFF labels take the bits they need", "[io]") {
  const temporary_folder folder;
  label_map labels({2, 3});
  const auto [label, bytes_per_label] = GENERATE(Catch::Generators::table<int, int>({{65535, 2}, {65536, 4}, {2147483647, 4}, {-1, 4}}));
  labels[4] = label;
  write_tiff_labels(folder / "l.tif", labels);
  const label_map back = read_tiff_labels(folder / "l.tif");
  CHECK(std::equal(labels.begin(), labels.end(), back.begin(), back.end()));
  detail::tiff_handle file(folder / "l.tif");
  CHECK(detail::describe_tiff_page(file).bits == 8 * bytes_per_label);
}

TEST_CASE("labels below -1 are refused", "[io]") {
  const temporary_folder folder;
  label_map labels({2, 3});
  labels[4] = -2;
  write_tiff_labels(folder / "l.tif", labels);
  CHECK(contains(message_of<data_error>([&] { read_tiff_labels(folder / "l.tif"); }), "label -2 at row 1, column 1"));
  CHECK_THROWS_AS(write_tiff_labels(folder / "e.tif", label_map({0, 3})), shape_error);
  CHECK_THROWS_AS(encode_tiff(tensor<float>({2})), shape_error);
}

}  // namespace aixcell::test
