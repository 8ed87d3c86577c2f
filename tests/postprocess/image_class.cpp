#include <aixcell/postprocess/image_class.hpp>

#include <aixcell/core/random.hpp>
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Largest difference of a gradient from central differences in float64.
double gradient_error(const image_class& policy, tensor<double> output, const tensor<float>& target) {
  context<cpu> ctx(1);
  tensor<double> gradient(output.shape()), unused(output.shape());
  const auto loss = [&](tensor<double>& into) {
    return policy.loss<double>(ctx, output.as_view(), target.as_view(), into.as_view());
  };
  loss(gradient);
  double worst = 0;
  for (index_t i = 0; i < output.size(); ++i) {
    const double h = 1e-5, at = output[i];
    output[i] = at + h;
    const double above = loss(unused);
    output[i] = at - h;
    const double below = loss(unused);
    output[i] = at;
    worst = std::max(worst, std::abs(gradient[i] - (above - below) / (2 * h)));
  }
  return worst;
}

}  // namespace

TEST_CASE("the target of an image is its class", "[postprocess]") {
  context<cpu> ctx(1);
  annotation truth;
  CHECK(image_class{}.target(ctx, truth)[0] == -1);
  truth.image_class = 4;
  const tensor<float> t = image_class{}.target(ctx, truth);
  CHECK(t.shape() == shape{1, 1, 1});
  CHECK(t[0] == 4);
}

TEST_CASE("image_class: loss by hand, with shares of the classes", "[postprocess]") {
  context<cpu> ctx(1);
  image_class policy{.image_classes = 2, .image_class_shares = {}, .label_smoothing = 0};
  tensor<double> output({2, 1, 1, 2}), gradient(output.shape());
  tensor<float> target({2, 1, 1, 1});
  target[1] = -1;  // nobody knows: counts for nothing
  output[0] = 1, output[2] = 50;
  CHECK(policy.loss<double>(ctx, output.as_view(), target.as_view(), gradient.as_view()) ==
        Approx(std::log1p(std::exp(-1.0))));
  CHECK(gradient[2] == 0);
  // One image in ten is of class 0: its logit must stand out the more.
  policy.image_class_shares = {0.1f, 0.9f};
  CHECK(policy.loss<double>(ctx, output.as_view(), target.as_view(), gradient.as_view()) ==
        Approx(std::log1p(9 * std::exp(-1.0))).epsilon(1e-6));
}

TEST_CASE("image_class: gradients equal central differences, for maps of any size", "[postprocess]") {
  random_stream random(3);
  for (const shape& size : {shape{1, 1, 1, 3}, shape{4, 1, 1, 3}, shape{2, 3, 5, 3}}) {
    tensor<double> output(size);
    for (double& v : output) v = static_cast<double>(random.normal());
    tensor<float> target({size[0], size[1], size[2], 1});
    for (index_t n = 0; n < size[0]; ++n)
      for (float& t : target.slice(n)) t = static_cast<float>(n % 4) - 1;
    target.slice(0)[0] = 2;
    for (const float smoothing : {0.0f, 0.1f})
      for (const std::vector<float>& shares : {std::vector<float>{}, std::vector<float>{0.7f, 0.25f, 0.05f}}) {
        CAPTURE(to_string(size), smoothing, shares.size());
        CHECK(gradient_error({.image_classes = 3, .image_class_shares = shares, .label_smoothing = smoothing}, output,
                             target) < 1e-8);
      }
  }
}

TEST_CASE("the class of the greatest mean logit, with probabilities", "[postprocess]") {
  context<cpu> ctx(1);
  const image_class policy{.image_classes = 3, .image_class_shares = {0.98f, 0.01f, 0.01f}};
  tensor<float> output({1, 2, 3});  // two pixels, as two tiles
  output[0] = 2, output[4] = 3, output[2] = 1, output[5] = 1;
  const prediction found = policy.decode(ctx, output);
  CHECK(found.image_class == 1);  // means 1, 1.5, 1: how frequent a class is plays no part
  REQUIRE(found.image_class_probabilities.size() == 3);
  const double sum = 2 * std::exp(1.0) + std::exp(1.5);
  CHECK(found.image_class_probabilities[1] == Approx(std::exp(1.5) / sum));
  CHECK(found.labels.empty());
  CHECK(found.objects.empty());
  output[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(policy.decode(ctx, output).image_class == -1);
  CHECK_THROWS_AS(policy.decode(ctx, tensor<float>({1, 1, 2})), shape_error);
}

}  // namespace aixcell::test
