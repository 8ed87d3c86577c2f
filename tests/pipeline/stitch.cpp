#include <aixcell/pipeline/stitch.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/data/synthetic.hpp>
#include "metrics/label_images.hpp"
#include "quantify/discs.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

/// Objects with a gap of at least a pixel between them, small and large, anywhere, also cut by the field's border.
label_map random_field(random_stream& random, index_t height, index_t width, int tries) {
  label_map field({height, width});
  std::int32_t next = 0;
  for (int i = 0; i < tries; ++i) {
    label_map one({height, width});
    const double size = static_cast<double>(random.uniform(1.5f, 14));
    draw(one,
         {static_cast<double>(random.below(height)), static_cast<double>(random.below(width)), size * 1.4, size,
          static_cast<double>(random.uniform(0, 3))},
         1);
    bool free = true;
    for (index_t y = 0; y < height; ++y)
      for (index_t x = 0; x < width; ++x)
        if (one(y, x))
          for (index_t v = std::max<index_t>(y - 1, 0); v <= std::min(y + 1, height - 1); ++v)
            for (index_t u = std::max<index_t>(x - 1, 0); u <= std::min(x + 1, width - 1); ++u)
              free = free && field(v, u) == 0;
    if (!free) continue;
    ++next;
    for (index_t p = 0; p < field.size(); ++p)
      if (one[p]) field[p] = next;
  }
  return field;
}

/// The tile of a field as a prediction: labels numbered anew in random order, as a model would.
stitched_tile cut_tile(const label_map& field, const rectangle& r, random_stream& random) {
  stitched_tile tile{r.top, r.left, {}};
  tile.found.labels = crop_reflected(field, r);
  std::vector<std::int32_t> old;
  for (const std::int32_t v : tile.found.labels)
    if (v > 0 && std::find(old.begin(), old.end(), v) == old.end()) old.push_back(v);
  random.shuffle(old);
  for (std::int32_t& v : tile.found.labels)
    if (v > 0) v = static_cast<std::int32_t>(std::find(old.begin(), old.end(), v) - old.begin()) + 1;
  tile.found.objects.resize(old.size());
  return tile;
}

/// Equal up to the numbers of objects.
bool same_objects(const label_map& a, const label_map& b) {
  if (a.shape() != b.shape()) return false;
  std::map<std::int32_t, std::int32_t> to, from;
  for (index_t i = 0; i < a.size(); ++i) {
    if ((a[i] == 0) != (b[i] == 0)) return false;
    if (to.try_emplace(a[i], b[i]).first->second != b[i] || from.try_emplace(b[i], a[i]).first->second != a[i])
      return false;
  }
  return true;
}

std::vector<stitched_tile> cut(const label_map& field, tile_options options, random_stream& random) {
  std::vector<stitched_tile> tiles;
  for (const rectangle& r : tile_grid(field.extent(0), field.extent(1), options))
    tiles.push_back(cut_tile(field, r, random));
  random.shuffle(tiles);  // the order of tiles must not matter
  return tiles;
}

}  // namespace

TEST_CASE("a field cut into overlapping tiles is the same field again", "[quantify]") {
  random_stream random(18);
  for (int round = 0; round < 25; ++round) {
    const label_map field = random_field(random, 40 + random.below(60), 40 + random.below(60), 60);
    for (const index_t overlap : {1, 3, 10, 20}) {
      const prediction stitched = stitch(cut(field, {.tile = 32, .overlap = overlap}, random));
      INFO("round " << round << ", overlap " << overlap);
      REQUIRE(same_objects(field, stitched.labels));
      REQUIRE(std::ssize(stitched.objects) == *std::max_element(stitched.labels.begin(), stitched.labels.end()));
    }
  }
}

TEST_CASE("a field of touching synthetic cells and their nuclei survives the cut", "[quantify]") {
  random_stream random(19);
  example e =
      make_synthetic({.height = 200, .width = 180, .difficulty = 0.8f, .binuclear_fraction = 0.4f}, random_stream(5));
  std::vector<stitched_tile> tiles;
  for (const rectangle& r : tile_grid(200, 180, {.tile = 96, .overlap = 24})) {
    stitched_tile t = cut_tile(e.truth.labels, r, random), n = cut_tile(e.truth.nuclei, r, random);
    t.found.nuclei = n.found.labels;
    for (detected_object& o : t.found.objects) o.nuclei = 1;
    tiles.push_back(t);
  }
  const prediction stitched = stitch(tiles);
  CHECK(same_objects(e.truth.labels, stitched.labels));
  CHECK(same_objects(e.truth.nuclei, stitched.nuclei));
  std::map<std::pair<std::int32_t, std::int32_t>, int> seen;
  for (index_t i = 0; i < stitched.labels.size(); ++i)
    if (e.truth.labels[i] > 0) ++seen[{stitched.labels[i], e.truth.labels[i]}];
  for (const auto& [pair, unused] : seen) {  // the class follows from the nuclei of the whole cell
    const auto& o = stitched.objects[static_cast<std::size_t>(pair.first - 1)];
    CHECK(o.object_class == e.truth.object_class[static_cast<std::size_t>(pair.second - 1)]);
    CHECK(o.nuclei == o.object_class + 1);
  }
}

TEST_CASE("tiles that only touch: parts that face each other are one", "[quantify]") {
  random_stream random(20);
  SECTION("discs on seams and on the corner of four tiles") {
    const label_map field = with_ellipses(64, 64,
                                          {{32, 32, 9, 9, 0},
                                           {32, 10, 7, 5, 0},
                                           {10, 32, 6, 6, 0},
                                           {52, 33, 8, 5, 1},
                                           {50, 50, 6, 6, 0},
                                           {12, 50, 5, 5, 0}});
    CHECK(same_objects(field, stitch(cut(field, {.tile = 32, .overlap = 0}, random)).labels));
  }
  SECTION("parts that hardly face each other stay two") {
    stitched_tile left{0, 0, {}}, right{0, 6, {}};
    left.found.labels = drawn("....../....11/....11/....11/....../......");
    right.found.labels = drawn("....../....../....../11..../11..../11....");
    left.found.objects.resize(1), right.found.objects.resize(1);
    CHECK(stitch({left, right}).objects.size() == 2);  // one of three pixels
    right.found.labels = drawn("....../....../11..../11..../11..../......");
    CHECK(stitch({left, right}).objects.size() == 1);  // two of three
  }
  SECTION("a piece joins the part it faces most") {
    stitched_tile top{0, 0, {}}, bottom{3, 0, {}};
    top.found.labels = drawn("......./1112222/1112222");
    bottom.found.labels = drawn(".11..../.11..../.......");
    top.found.objects.resize(2), bottom.found.objects.resize(1);
    const prediction stitched = stitch({top, bottom});
    CHECK(stitched.objects.size() == 2);
    CHECK(stitched.labels(3, 1) == stitched.labels(2, 1));
  }
}

TEST_CASE("tiles that disagree", "[quantify]") {
  stitched_tile left{0, 0, {}}, right{0, 4, {}};
  SECTION("an object that one tile alone has stays if that tile knows the place best") {
    left.found.labels = drawn("......../......../......../........");
    right.found.labels =
        drawn("......../..11..../..11..../........");  // columns 6, 7 of the field: known best by the right
    right.found.objects.resize(1);
    CHECK(stitch({left, right}).objects.size() == 1);
    right.found.labels = drawn("......../11....../11....../........");  // columns 4, 5: by the left, which has none
    CHECK(stitch({left, right}).objects.empty());
  }
  SECTION("outlines that differ a little are one object, each pixel from the tile that knows it best") {
    left.found.labels = drawn("......../....1111/....1111/........");
    right.found.labels = drawn("......../.111..../.111..../........");
    left.found.objects.resize(1), right.found.objects.resize(1);
    left.found.objects[0] = {.score = 0.5f, .object_class = 0, .class_probabilities = {0.8f, 0.2f}};
    right.found.objects[0] = {.score = 1.0f, .object_class = 1, .class_probabilities = {0.4f, 0.6f}};
    const prediction stitched = stitch({left, right});
    REQUIRE(stitched.objects.size() == 1);
    CHECK(stitched.labels(1, 4) == 1);
    CHECK(stitched.labels(1, 7) == 1);
    CHECK(stitched.objects[0].score == Approx((8 * 0.5 + 6 * 1.0) / 14));
    CHECK(stitched.objects[0].class_probabilities[0] == Approx((8 * 0.8 + 6 * 0.4) / 14));
    CHECK(stitched.objects[0].object_class == 0);
  }
}

TEST_CASE("a single tile, an empty one, gaps between tiles, bad input", "[quantify]") {
  random_stream random(21);
  const label_map field = random_field(random, 30, 30, 20);
  CHECK(same_objects(field, stitch({cut_tile(field, {0, 0, 30, 30}, random)}).labels));
  stitched_tile empty{0, 0, {}}, away{10, 20, {}};
  empty.found.labels = label_map({5, 5}), away.found.labels = drawn("1");
  away.found.objects.resize(1);
  const prediction sparse = stitch({empty, away});
  CHECK(sparse.labels.shape() == shape{11, 21});
  CHECK(sparse.labels(10, 20) == 1);
  CHECK_THROWS_AS(stitch({}), shape_error);
  away.top = -1;
  CHECK_THROWS_AS(stitch({empty, away}), shape_error);
  CHECK_THROWS_AS(stitch({stitched_tile{}}), shape_error);
}

TEST_CASE("the picture of a field from its tiles", "[quantify]") {
  random_stream random(22);
  tensor<float> field({50, 70, 2});
  for (float& v : field) v = random.uniform(0, 100);
  const auto grid = tile_grid(50, 70, {.tile = 32, .overlap = 8});
  std::vector<tensor<float>> tiles;
  std::vector<view<const float, cpu>> views;
  for (const rectangle& r : grid) tiles.push_back(crop_reflected(field, r));
  for (const auto& t : tiles) views.push_back(t.as_view());
  const tensor<float> stitched = stitch_pixels(grid, views);
  REQUIRE(stitched.shape() == field.shape());
  for (index_t i = 0; i < field.size(); ++i) REQUIRE(stitched[i] == Approx(field[i]).epsilon(1e-5));
  CHECK_THROWS_AS(stitch_pixels({}, {}), shape_error);
  CHECK_THROWS_AS(stitch_pixels({grid[0]}, {view<const float, cpu>(field)}), shape_error);
}
