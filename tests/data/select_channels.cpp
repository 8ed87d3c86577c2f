#include <aixcell/data/select_channels.hpp>

#include <aixcell/data/read_dataset.hpp>
#include <aixcell/data/synthetic.hpp>

#include "data/examples.hpp"
#include "io/support.hpp"

using namespace aixcell;
using namespace aixcell::test;
namespace fs = std::filesystem;

namespace {

/// Pages of one size, as a TIFF that says `description`.
void write_pages(const fs::path& file, const std::vector<float>& values, const std::string& description) {
  std::vector<std::byte> bytes;
  {
    detail::tiff_handle tiff(bytes, detail::tiff_handle::layout::classic);
    for (std::size_t page = 0; page < values.size(); ++page) {
      if (page == 0 && !description.empty()) TIFFSetField(tiff.get(), TIFFTAG_IMAGEDESCRIPTION, description.c_str());
      tensor<float> pixels({6, 8, 1});
      pixels.fill(values[page]);
      detail::write_tiff_page(tiff, {6, 8, 1}, pixels.data(), 1);
      tiff.require(TIFFWriteDirectory(tiff.get()));
    }
  }
  write_file_atomically(file, bytes);
}

/// Images of two channels and three slices with one object; dataset.json names the channels.
class stacks : public temporary_folder {
 public:
  stacks() {
    fs::create_directories(path() / "images");
    fs::create_directories(path() / "masks");
    label_map labels({6, 8});
    labels[3] = 1;
    for (const float level : {10.0f, 20.0f}) {
      const std::string id = std::to_string(static_cast<int>(level)) + ".tif";
      write_pages(path() / "images" / id, {level, level + 1, level + 4, level + 5, level + 2, level + 3},
                  "ImageJ=1.53t\nimages=6\nchannels=2\nslices=3\nhyperstack=true\n");
      write_labels(path() / "masks" / id, labels);
    }
    write_file_atomically(path() / "dataset.json", std::string_view(R"({"channel_names": ["actin", "DNA"]})"));
  }
};

}  // namespace

TEST_CASE("a data set of stacks is projected and its channels are selected") {
  const stacks folder;
  context<cpu> ctx(2);
  const dataset both = read_dataset(ctx, folder.path(), {.z = z_projection::max}).train;
  CHECK(both.channels == 2);
  CHECK(both.channel_names == std::vector<std::string>{"actin", "DNA"});
  CHECK(both.load(0).picture.pixels(2, 3, 1) == 15);

  const acquisition how{.channels = {"dna"}, .z = z_projection::max};
  const dataset one = read_dataset(ctx, folder.path(), how).train;
  CHECK(one.channels == 1);
  CHECK(one.channel_names == std::vector<std::string>{"DNA"});
  CHECK(one.samples[1].size == shape{6, 8, 1});
  CHECK(one.load(0).picture.pixels(2, 3, 0) == 15);
  CHECK(one.load(1).picture.pixels(2, 3, 0) == 25);
  CHECK(one.subset({1}).load(0).picture.pixels(2, 3, 0) == 25);

  // The model remembers this; a new file is then read the same way.
  CHECK(one.acquired.z == z_projection::max);
  CHECK(one.acquired.channels == std::vector<std::string>{"dna"});
  CHECK(one.acquired.channel_names == std::vector<std::string>{"actin", "DNA"});
  CHECK(read_image(folder.path() / "images" / "20.tif", one.acquired).pixels(0, 0, 0) == 25);
}

TEST_CASE("a data set of stacks without a projection and channels that are not there are refused") {
  const stacks folder;
  context<cpu> ctx(1);
  const auto refusal = [&](const acquisition& how) {
    return message_of<data_error>([&] { read_dataset(ctx, folder.path(), how); });
  };
  CHECK(contains(refusal({}), ".tif: is a stack of 3 slices"));
  CHECK(contains(refusal({.channels = {"GFP"}, .z = z_projection::mean}),
                 ".tif: there is no one channel \"GFP\"; the channels are 1 (actin), 2 (DNA)"));
  CHECK(contains(refusal({.channels = {"3"}, .z = z_projection::mean}), "\"3\""));
}

TEST_CASE("channels of a data set in memory") {
  context<cpu> ctx(1);
  const dataset all =
      dataset::from_examples("set", {boxes({9, 7, 3}, {{1, 1, 3, 3}}), boxes({5, 7, 3}, {{0, 0, 2, 2}})});
  const dataset two = select_channels(ctx, all, {"3", "1"});
  CHECK(two.channels == 2);
  for (aixcell::index_t i = 0; i < two.size(); ++i)
    for (aixcell::index_t p = 0; p < 35; ++p) {
      REQUIRE(two.load(i).picture.pixels[2 * p] == all.load(i).picture.pixels[3 * p + 2]);
      REQUIRE(two.load(i).picture.pixels[2 * p + 1] == all.load(i).picture.pixels[3 * p]);
    }
  CHECK(select_channels(ctx, all, {}).channels == 3);
  CHECK_THROWS_AS(select_channels(ctx, all, {"DNA"}), data_error);
  const dataset cells = select_channels(ctx, synthetic_dataset(2, {.height = 48, .width = 48}, 1), {"2"});
  CHECK(cells.channels == 1);
}
