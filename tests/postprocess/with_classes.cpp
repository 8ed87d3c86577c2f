#include <aixcell/postprocess/with_classes.hpp>

#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Two maps of one size, one behind the other.
tensor<float> joined(const tensor<float>& a, const tensor<float>& b) {
  const index_t ca = a.extent(2), cb = b.extent(2);
  tensor<float> both({a.extent(0), a.extent(1), ca + cb});
  for (index_t p = 0; p < a.extent(0) * a.extent(1); ++p) {
    std::copy_n(a.data() + p * ca, ca, both.data() + p * (ca + cb));
    std::copy_n(b.data() + p * cb, cb, both.data() + p * (ca + cb) + ca);
  }
  return both;
}

annotation with_random_classes(index_t height, index_t width, int objects) {
  annotation truth = annotated(ellipses({.height = height, .width = width, .objects = objects}, random_stream(6)));
  random_stream random(7);
  for (int i = 0; i < 3 * objects; ++i) truth.object_class.push_back(static_cast<int>(random.below(4)) - 1);
  return truth;
}

}  // namespace

TEMPLATE_TEST_CASE("with_classes finds objects and their classes", "[postprocess]", interior_border, star_convex<16>,
                   refined_star_convex<16>, distance_watershed, flow_field) {
  context<cpu> ctx;
  with_classes<TestType> policy;
  static_assert(Postprocess<with_classes<TestType>>);
  static_assert(with_classes<TestType>::needs_object_classes);
  CHECK(policy.name == std::string(TestType::name) + "_classes");
  policy.classes = 3;
  const annotation truth = with_random_classes(96, 112, 24);
  const tensor<float> target = policy.target(ctx, truth), objects = policy.instance.target(ctx, truth);
  REQUIRE(target.extent(2) == policy.target_channels());
  tensor<float> classes({96, 112, 3});
  random_stream random(8);
  for (index_t p = 0; p < 96 * 112; ++p) {
    const auto known = static_cast<int>(target[p * target.extent(2) + target.extent(2) - 1]);
    for (int c = 0; c < 3; ++c)
      classes[3 * p + c] = (c == known ? 1.0f : 0.0f) + 0.8f * random.normal();  // no pixel is sure
  }
  const prediction found = policy.decode(ctx, joined(perfect(policy.instance, objects), classes));
  CHECK(is_consistent(found));
  const matching_result m = matching(truth.labels, found.labels);
  CHECK(m.scores.average_precision == 1);
  int known = 0, unknown = 0;
  for (const matched_pair& pair : m.pairs) {
    const detected_object& o = found.objects[static_cast<std::size_t>(pair.predicted - 1)];
    const int wanted = truth.object_class[static_cast<std::size_t>(pair.truth - 1)];
    REQUIRE(o.class_probabilities.size() == 3);
    CHECK(o.class_probabilities[0] + o.class_probabilities[1] + o.class_probabilities[2] == Approx(1));
    if (wanted >= 0) CHECK(o.object_class == wanted);
    (wanted >= 0 ? known : unknown) += 1;
  }
  CHECK(known >= 5);
  CHECK(unknown >= 1);
  CHECK_THROWS_AS(policy.decode(ctx, perfect(policy.instance, objects)), shape_error);
}

TEST_CASE("with_classes: the vote adds probabilities", "[postprocess]") {
  context<cpu> ctx;
  const with_classes<interior_border> policy;
  tensor<float> output({4, 10, 5});
  for (index_t p = 0; p < 40; ++p) {
    output[5 * p + 1] = 9;                          // interior all over
    output[5 * p + 3] = p % 10 < 6 ? 0.1f : -3.0f;  // six columns lean to class 0, four are sure of class 1
  }
  const prediction found = policy.decode(ctx, output);
  REQUIRE(found.objects.size() == 1);
  const double lean = 1 / (1 + std::exp(-0.1)), sure = 1 / (1 + std::exp(3.0));
  CHECK(found.objects[0].class_probabilities[0] == Approx(0.6 * lean + 0.4 * sure));
  CHECK(found.objects[0].object_class == 1);
}

TEST_CASE("with_classes: gradient of the loss, weights of classes, tunables, mirrors", "[postprocess]") {
  context<cpu> ctx;
  with_classes<star_convex<16>> policy;
  policy.classes = 3;
  policy.weight_of_class = {1, 2, 0.5f};
  annotation truth = with_random_classes(13, 17, 4);
  truth.labels =
      ellipses({.height = 13, .width = 17, .objects = 4, .least_radius = 3, .greatest_radius = 5}, random_stream(1));
  truth.object_class.resize(7);  // object 9 has no class
  CHECK(loss_gradient_error(policy, policy.target(ctx, truth)) < 1e-6);
  int tunables = 0;
  for_each_hyperparameter(policy, [&](const auto& h, auto& value) {
    if (h.name == "overlap_threshold") value = static_cast<std::remove_reference_t<decltype(value)>>(0.3);
    tunables += h.decodes_only;
  });
  CHECK(tunables == 3);
  CHECK(policy.instance.overlap_threshold == 0.3f);

  static_assert(with_classes<refined_star_convex<16>>::feature_channels == star_convex<16>::feature_channels);
  int refined_tunables = 0;
  with_classes<refined_star_convex<16>> refined;
  for_each_hyperparameter(refined, [&](const auto& h, auto&) { refined_tunables += h.decodes_only; });
  CHECK(refined_tunables == 5);

  tensor<float> dense({1, 1, 20});
  for (index_t c = 0; c < 20; ++c) dense[c] = static_cast<float>(c);
  policy.flip(dense.as_view(), mirror::vertical);
  CHECK(dense[0] == 0);
  CHECK(dense[2] == 16);   // ray 1 was ray 15
  CHECK(dense[19] == 19);  // classes stay
}

TEST_CASE("with_classes: any size, no classes known", "[postprocess]") {
  context<cpu> ctx;
  const with_classes<interior_border> policy;
  label_map labels({1, 1});
  labels.fill(1);
  const tensor<float> target = policy.target(ctx, annotated(labels));
  CHECK(target[1] == -1);
  tensor<float> output({1, 1, 5}), gradient({1, 1, 1, 5});
  CHECK(std::isfinite(policy.loss<float>(ctx, output.reshaped({1, 1, 1, 5}).as_view(),
                                         target.reshaped({1, 1, 1, 2}).as_view(), gradient.as_view())));
  CHECK(gradient[3] == 0);
  CHECK(is_consistent(policy.decode(ctx, output)));
}

}  // namespace aixcell::test
