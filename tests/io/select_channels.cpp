#include <aixcell/io/select_channels.hpp>
#include "support.hpp"

namespace aixcell::test {

namespace {

const std::vector<std::string> names{"bright field (Ch3)", "DNA (Ch4)", "dark field (Ch6)", "2", "dna"};

}  // namespace

TEST_CASE("a channel is found by its name, by the beginning of one, or by its number from 1", "[io]") {
  CHECK(find_channel("DNA (Ch4)", names, 5) == 1);
  CHECK(find_channel("dna (ch4)", names, 5) == 1);
  CHECK(find_channel("bright", names, 5) == 0);
  CHECK(find_channel("dna", names, 5) == 4);  // exactly so, although another begins so
  CHECK(find_channel("DNA", names, 5) == 4);  // so but for capitals
  CHECK(find_channel("2", names, 5) == 3);    // a name that looks like a number is a name
  CHECK(find_channel("1", names, 5) == 0);
  CHECK(find_channel("5", names, 5) == 4);
  CHECK(find_channel("3", {}, 3) == 2);
  CHECK(find_channel("d", {"bright", "dark"}, 2) == 1);
}

TEST_CASE("a channel that is not there, or that could be several, is refused with those there are", "[io]") {
  for (const char* wrong : {"", "0", "6", "-1", "1.5", "GFP", "d", "99999999999999999999"}) {
    CAPTURE(wrong);
    const std::string message = message_of<data_error>([&] { find_channel(wrong, names, 5); });
    CHECK(contains(message, "\"" + std::string(wrong) + "\""));
    CHECK(contains(message, "2 (DNA (Ch4))"));
  }
  CHECK(contains(message_of<data_error>([] { find_channel("DNA", {}, 3); }), "3 without names (take numbers from 1)"));
  CHECK_THROWS_AS(find_channel("a", {"a", "a"}, 2), data_error);
}

TEST_CASE("selected channels keep their pixels, names and order", "[io]") {
  image picture;
  picture.pixels = tensor<float>({3, 5, 3});
  for (index_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = static_cast<float>(i);
  picture.pixel_size_um = 0.5;
  picture.channel_names = {"a", "b", "c"};
  const image part = select_channels(picture, {"c", "1", "c"}, {}, "p.tif");
  REQUIRE(part.pixels.shape() == shape{3, 5, 3});
  CHECK(part.channel_names == std::vector<std::string>{"c", "a", "c"});
  CHECK(part.pixel_size_um == 0.5);
  for (index_t p = 0; p < 15; ++p) {
    CHECK(part.pixels[3 * p] == static_cast<float>(3 * p + 2));
    CHECK(part.pixels[3 * p + 1] == static_cast<float>(3 * p));
    CHECK(part.pixels[3 * p + 2] == static_cast<float>(3 * p + 2));
  }
  CHECK(select_channels(picture, {}, {}, "p.tif").pixels.data() == picture.pixels.data());

  // The names of the data set help where those of the file do not, unless they are of another number of channels.
  const image by_other_names = select_channels(picture, {"DNA", "c"}, {"x", "DNA", "y"}, "p.tif");
  CHECK(by_other_names.pixels(0, 0, 0) == 1);
  CHECK(by_other_names.pixels(0, 0, 1) == 2);
  CHECK(by_other_names.channel_names == std::vector<std::string>{"DNA", "c"});
  CHECK(select_channels(picture, {"b"}, {"b", "x", "y"}, "p.tif").pixels(0, 0, 0) == 1);
  CHECK(contains(message_of<data_error>([&] { select_channels(picture, {"DNA"}, {"DNA"}, "p.tif"); }),
                 "p.tif: there is no one channel \"DNA\"; the channels are 1 (a), 2 (b), 3 (c)"));
  picture.channel_names.clear();
  CHECK(select_channels(picture, {"y"}, {"x", "DNA", "y"}, "p.tif").channel_names == std::vector<std::string>{"y"});
}

}  // namespace aixcell::test
