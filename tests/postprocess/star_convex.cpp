#include <aixcell/postprocess/star_convex.hpp>

#include "postprocess/objects.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// `star_dist` of StarDist's stardist2d.cpp, in float64.
double star_distance(const label_map& labels, index_t i, index_t j, int ray, int rays) {
  const double angle = 2 * 3.14159265358979323846 * ray / rays, dy = std::sin(angle), dx = std::cos(angle);
  double y = 0, x = 0;
  while (true) {
    y += dy, x += dx;
    const index_t row = std::lround(static_cast<double>(i) + y), column = std::lround(static_cast<double>(j) + x);
    if (row < 0 || row >= labels.extent(0) || column < 0 || column >= labels.extent(1) ||
        labels(row, column) != labels(i, j)) {
      const double correction = 1 - 0.5 / std::max(std::abs(dy), std::abs(dx));
      return std::hypot(y - correction * dy, x - correction * dx);
    }
  }
}

template <int Rays>
label_map mirrored(const label_map& labels, mirror m) {
  label_map turned(labels.shape());
  for (index_t i = 0; i < labels.extent(0); ++i)
    for (index_t j = 0; j < labels.extent(1); ++j)
      turned(i, j) =
          m == mirror::horizontal ? labels(i, labels.extent(1) - 1 - j) : labels(labels.extent(0) - 1 - i, j);
  return turned;
}

}  // namespace

TEST_CASE("star_convex: names and channels", "[postprocess]") {
  CHECK(star_convex<8>::name == "star_convex8");
  CHECK(star_convex<32>::name == "star_convex32");
  CHECK(star_convex<128>::name == "star_convex128");
  CHECK(star_convex<32>{}.output_channels() == 33);
}

TEST_CASE("star_convex: distances are those of StarDist, probabilities those of the depth", "[postprocess]") {
  context<cpu> ctx;
  label_map labels = ellipses({.height = 41, .width = 53, .objects = 7}, random_stream(4));
  for (index_t j = 0; j < 20; ++j) labels(20, j) = ignored_label;
  labels(40, 52) = 1000;
  const star_convex<14> policy;
  const tensor<float> t = policy.target(ctx, annotated(labels));
  REQUIRE(t.shape() == shape{41, 53, 15});
  double worst = 0;
  int inside = 0;
  for (index_t i = 0; i < 41; ++i)
    for (index_t j = 0; j < 53; ++j) {
      if (labels(i, j) == ignored_label) CHECK(t(i, j, 0) == -1);
      if (labels(i, j) == 0) CHECK(t(i, j, 0) == 0);
      if (labels(i, j) > 0) CHECK((t(i, j, 0) > 0 && t(i, j, 0) <= 1));
      for (int k = 0; k < 14; ++k) {
        const double wanted = labels(i, j) > 0 ? star_distance(labels, i, j, k, 14) : 0.0;
        worst = std::max(worst, std::abs(wanted - static_cast<double>(t(i, j, 1 + k) * policy.distance_unit)));
      }
      inside += labels(i, j) > 0;
    }
  REQUIRE(inside > 300);
  CHECK(worst < 1e-4);
  for (std::int32_t n = 3; n <= 21; n += 3) {  // each object has a pixel of probability 1
    float greatest = 0;
    bool there = false;
    for (index_t p = 0; p < labels.size(); ++p)
      if (labels[p] == n) there = true, greatest = std::max(greatest, t[p * 15]);
    if (there) CHECK(greatest == 1);
  }
}

TEMPLATE_TEST_CASE("star_convex finds the objects it encodes", "[postprocess]", star_convex<16>, star_convex<32>) {
  context<cpu> ctx;
  const TestType policy;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const label_map labels = ellipses({}, random_stream(seed));
    const prediction found = policy.decode(ctx, perfect_stars(policy.target(ctx, annotated(labels))));
    CAPTURE(seed);
    CHECK(is_consistent(found));
    const matching_result m = matching(labels, found.labels, {.threshold = 0.7});
    CHECK(m.scores.average_precision == 1);
    CHECK(m.scores.mean_matched_score > 0.92);
    for (const detected_object& o : found.objects) CHECK(o.score > 0.99);
  }
  const label_map discs = touching_discs(96, 96, 8);
  const prediction found = policy.decode(ctx, perfect_stars(policy.target(ctx, annotated(discs))));
  CHECK(matching(discs, found.labels, {.threshold = 0.85}).scores.average_precision == 1);
}

TEST_CASE("star_convex: the better of two polygons wins", "[postprocess]") {
  context<cpu> ctx;
  star_convex<32> policy;
  // Flat discs of radius 6 at two centres, the right one more probable.
  const auto output_with = [&](index_t distance) {
    tensor<float> output({32, 48, 33});
    for (index_t p = 0; p < 32 * 48; ++p) output[33 * p] = -9;
    for (const index_t j : {index_t{16}, 16 + distance}) {
      output(16, j, 0) = j == 16 ? 1.0f : 2.0f;
      for (int k = 1; k <= 32; ++k) output(16, j, k) = std::log(6.3f / policy.distance_unit);
    }
    return output;
  };
  prediction found = policy.decode(ctx, output_with(10));  // a slight overlap
  REQUIRE(found.objects.size() == 2);
  CHECK(found.objects[0].score == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(found.objects[1].score == Approx(1 / (1 + std::exp(-1.0))));
  CHECK(found.labels(16, 21) == 1);  // both cover it
  CHECK(found.labels(16, 16) == 2);
  CHECK(policy.decode(ctx, output_with(4)).objects.size() == 1);
  policy.overlap_threshold = 0.05f;
  CHECK(policy.decode(ctx, output_with(10)).objects.size() == 1);
  policy.probability_threshold = 0.8f;
  CHECK(policy.decode(ctx, output_with(20)).objects.size() == 1);
}

TEST_CASE("star_convex: mirrored channels are the mirrored labels' channels", "[postprocess]") {
  context<cpu> ctx;
  const label_map labels =
      ellipses({.height = 37, .width = 30, .objects = 5, .least_radius = 4, .greatest_radius = 9}, random_stream(9));
  const auto check = [&](auto policy) {
    const tensor<float> straight = policy.target(ctx, annotated(labels));
    for (const mirror m : {mirror::horizontal, mirror::vertical}) {
      tensor<float> turned = policy.target(ctx, annotated(mirrored<1>(labels, m)));
      // As prediction does: the pixels back in place, then the channels.
      tensor<float> back(turned.shape());
      for (index_t i = 0; i < 37; ++i)
        for (index_t j = 0; j < 30; ++j)
          for (index_t c = 0; c < turned.extent(2); ++c)
            back(i, j, c) = m == mirror::horizontal ? turned(i, 29 - j, c) : turned(36 - i, j, c);
      policy.flip(back, m);
      float worst = 0;
      for (index_t p = 0; p < back.size(); ++p) worst = std::max(worst, std::abs(back[p] - straight[p]));
      CHECK(worst < 1e-5f);
    }
  };
  check(star_convex<14>{});
  check(star_convex<32>{});
}

TEST_CASE("star_convex: gradient of the loss", "[postprocess]") {
  context<cpu> ctx;
  const star_convex<6> policy;
  label_map labels =
      ellipses({.height = 15, .width = 21, .objects = 4, .least_radius = 3, .greatest_radius = 6}, random_stream(3));
  for (index_t j = 0; j < 9; ++j) labels(3, j) = ignored_label;
  const tensor<float> target = policy.target(ctx, annotated(labels));
  CHECK(loss_gradient_error(policy, target) < 1e-6);
  tensor<float> output({1, 15, 21, 7}), gradient(output.shape());
  policy.loss<float>(ctx, output.as_view(), target.reshaped({1, 15, 21, 7}).as_view(), gradient.as_view());
  for (index_t c = 0; c < 7; ++c) CHECK(gradient(0, 3, 4, c) == 0);
}

TEST_CASE("star_convex: any size, nothing there, nothing known, nothing finite", "[postprocess]") {
  context<cpu> ctx;
  star_convex<8> policy;
  policy.min_area = 1;
  for (const shape size : {shape{1, 1}, shape{1, 7}, shape{5, 1}, shape{3, 2}})
    for (const std::int32_t label : {0, 1, ignored_label}) {
      label_map labels(size);
      labels.fill(label);
      const tensor<float> target = policy.target(ctx, annotated(labels));
      const prediction found = policy.decode(ctx, perfect_stars(target));
      CHECK(is_consistent(found));
      CHECK(found.labels.shape() == size);
      if (label == 1) CHECK(std::all_of(found.labels.begin(), found.labels.end(), [](int l) { return l == 1; }));
      if (label != 1) CHECK(found.objects.empty());
      tensor<float> gradient({1, size[0], size[1], 9});
      CHECK(std::isfinite(policy.loss<float>(ctx, perfect_stars(target).reshaped(gradient.shape()).as_view(),
                                             target.reshaped(gradient.shape()).as_view(), gradient.as_view())));
    }
  tensor<float> output({9, 9, 9});
  for (const float strange : {std::nanf(""), INFINITY, -INFINITY, 1e30f}) {
    output.fill(strange);
    CHECK(is_consistent(policy.decode(ctx, output)));
    for (index_t p = 0; p < 81; ++p) output[9 * p] = 3;
    CHECK(is_consistent(policy.decode(ctx, output)));
  }
  CHECK_THROWS_AS(policy.decode(ctx, tensor<float>({8, 8, 8})), shape_error);
}

}  // namespace aixcell::test
