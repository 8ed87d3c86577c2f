#include <aixcell/io/any_image.hpp>
#include <limits>
#include "support.hpp"

namespace aixcell::test {

TEST_CASE("the content decides the format, not the extension", "[io]") {
  const temporary_folder folder;
  tensor<std::uint8_t> pixels({2, 2});
  pixels[3] = 9;
  write_file_atomically(folder / "really_png.tif", encode_png(pixels));
  write_file_atomically(folder / "really_tiff.png", encode_tiff(pixels));
  for (const char* name : {"really_png.tif", "really_tiff.png"}) {
    CHECK(is_image_file(folder / name));
    CHECK(read_image(folder / name).pixels(1, 1, 0) == 9);
    CHECK(read_labels(folder / name)(1, 1) == 9);
  }
  CHECK(read_image({encode_png(pixels), "memory"}).pixels(1, 1, 0) == 9);
}

TEST_CASE("an acquisition selects the channels of every format", "[io]") {
  tensor<std::uint8_t> pixels({2, 3, 3});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i);
  const acquisition how{.channels = {"DNA", "1"}, .channel_names = {"bright", "actin", "DNA"}};
  for (const auto& bytes : {encode_png(pixels), encode_tiff(pixels)}) {
    const image picture = read_image({bytes, "c.img"}, how);
    REQUIRE(picture.pixels.shape() == shape{2, 3, 2});
    CHECK(picture.pixels(1, 2, 0) == 17);
    CHECK(picture.pixels(1, 2, 1) == 15);
    CHECK(picture.channel_names == std::vector<std::string>{"DNA", "bright"});
    CHECK(contains(message_of<data_error>([&] {
                     read_image({bytes, "c.img"}, {.channels = {"4"}});
                   }),
                   "c.img: there is no one channel \"4\"; the channels are 3 without names"));
  }
}

TEST_CASE("what is no image is refused in one line that names it", "[io]") {
  const temporary_folder folder;
  write_file_atomically(folder / "empty.png", std::string_view());
  write_file_atomically(folder / "text.png", std::string_view("Dear reader, this is no image."));
  write_file_atomically(folder / "magic.png", std::string_view("\x89PNG\r\n\x1a\n"));
  write_file_atomically(folder / "magic.jpg", std::string_view("\xFF\xD8\xFF"));
  write_file_atomically(folder / "magic.tif", std::string_view("II*\0", 4));
  std::filesystem::create_directory(folder / "folder.png");
  for (const char* name :
       {"empty.png", "text.png", "magic.png", "magic.jpg", "magic.tif", "folder.png", "missing.png"}) {
    INFO(name);
    CHECK(is_good_message(message_of<io_error>([&] { read_image(folder / name); }), name));
    CHECK(is_good_message(message_of([&] { read_labels(folder / name); }), name));
  }
  CHECK_FALSE(is_image_file(folder / "empty.png"));
  CHECK_FALSE(is_image_file(folder / "text.png"));
  CHECK_FALSE(is_image_file(folder / "folder.png"));
  CHECK_FALSE(is_image_file(folder / "missing.png"));
  CHECK(contains(message_of([&] { read_image(folder / "text.png"); }), "expected one of PNG or BMP, JPEG, TIFF"));
}

TEST_CASE("pixels that are not finite are named", "[io]") {
  tensor<float> pixels({3, 4, 2});
  pixels(2, 1, 1) = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  CHECK(contains(message_of<data_error>([&] {
                   read_image({encode_tiff(pixels), "n.tif"});
                 }),
                 "n.tif: pixel row 2, column 1, channel 1 is"));
}

TEST_CASE("labels are written as the extension says", "[io]") {
  const temporary_folder folder;
  label_map labels({3, 2});
  labels(2, 1) = 70000;
  write_labels(folder / "l.tif", labels);
  CHECK(read_labels(folder / "l.tif")(2, 1) == 70000);
  CHECK_THROWS_AS(write_labels(folder / "l.png", labels), data_error);
  CHECK(contains(message_of<io_error>([&] { write_labels(folder / "l.jpg", labels); }), ".png, .tif or .tiff"));
  CHECK(folder.files() == 1);
}

}  // namespace aixcell::test
