#pragma once
#include <optional>

#include <aixcell/pipeline/any_pipeline.hpp>
#include <aixcell/pipeline/network.hpp>
#include <aixcell/preprocess/apply.hpp>

namespace aixcell {

/// Four stages in a row: the type says everything that must be known before the first byte of data. Checks, the
/// backward pass, cost, memory and the search space follow from it.
///
///     pipeline<percentile, plain<4, 16>, unet, star_convex<32>> model;
///     fit(ctx, model, training_data, {.budget_s = 600});
///     prediction p = predict(ctx, model, read_image("cells.tif"));
template <Preprocess Pre, Encoder Enc, DecoderStage Dec, Postprocess Post>
class pipeline final : public any_pipeline {
  static_assert(EncoderHasEnoughLevels<Dec, Enc>, "the decoder needs more feature levels than this encoder has");
  static_assert(StridesDouble<Enc>, "every feature level of the encoder must have twice the stride of the one before");
  static_assert(PostprocessTakesWhatTheDecoderGives<Dec, Post>,
                "the decoder gives one vector for the whole image and the postprocess takes a dense map, or the other way "
                "round: pooled goes with image_class");

 public:
  explicit pipeline(Pre pre = {}, Post post = {}) : preprocess_(std::move(pre)), postprocess_(std::move(post)) {}

  static std::string stable_name() {
    return std::string(Pre::name) + "+" + std::string(Enc::name) + "+" + std::string(Dec::name) + "+" +
           std::string(Post::name);
  }

  std::string name() const override { return stable_name(); }
  task solves() const override { return Post::solves; }
  bool needs_nuclei() const override { return says_it_needs_nuclei; }
  bool needs_object_classes() const override { return says_it_needs_object_classes; }
  bool needs_image_classes() const override { return says_it_needs_image_classes; }
  bool accepts_channels(int channels) const override { return aixcell::accepts_channels<Pre>(channels); }
  const pipeline_setup& setup() const override { return setup_; }

  resource_estimate estimate(const shape& batch) const override {
    return estimate_network<Enc, Dec>(batch, head_for(postprocess_), postprocess_.target_channels());
  }
  trace record(const shape& batch) const override { return record_network<Enc, Dec>(batch, head_for(postprocess_)); }

  std::unique_ptr<any_pipeline> blank() const override { return std::make_unique<pipeline>(preprocess_, postprocess_); }

  void set_up(context<cpu>& ctx, const pipeline_setup& setup) override {
    if (!accepts_channels(setup.channels))
      throw data_error(name() + ": its preprocessing does not work on images of " + std::to_string(setup.channels) +
                       " channel(s); select others, or take another pipeline");
    setup_ = setup;
    give_classes(postprocess_, setup);
    random_stream random = random_stream(setup.seed).child(0x6E6574);  // "net"
    network_.emplace(ctx, Pre::channels_out(setup.channels), head_for(postprocess_), random);
  }

  void fit_preprocess(context<cpu>& ctx, const example_source& training) override {
    state_ = aixcell::fit_preprocess(ctx, preprocess_, training);
  }

  double learn(context<cpu>& ctx, const tensor<float>& x, const tensor<float>& target) override {
    return network_->learn(ctx, x, [&](const tensor<float>& y, tensor<float>& gradient) {
      return postprocess_.loss(ctx, view<const float, cpu>(y), view<const float, cpu>(target), gradient.as_view());
    });
  }

  tensor<float> preprocess(context<cpu>& ctx, view<const float, cpu> pixels) const override {
    return apply_preprocess(ctx, preprocess_, state_, pixels);
  }
  tensor<float> forward(context<cpu>& ctx, const tensor<float>& x) const override {
    return network_->forward(ctx, x, nullptr);
  }
  tensor<float> target(context<cpu>& ctx, const annotation& truth) const override {
    return postprocess_.target(ctx, truth);
  }
  prediction decode(context<cpu>& ctx, view<const float, cpu> dense) const override {
    return postprocess_.decode(ctx, dense);
  }
  void restore_directions([[maybe_unused]] view<float, cpu> dense, [[maybe_unused]] mirror m) const override {
    if constexpr (requires { postprocess_.flip(dense, m); }) postprocess_.flip(dense, m);
  }

  std::vector<tunable> tunables() override {
    std::vector<tunable> all;
    const auto add = [&](const std::string& prefix, auto& policy) {
      for_each_hyperparameter(policy, [&](const auto& h, auto& value) {
        all.push_back({prefix + std::string(h.name), &value, static_cast<double>(h.low), static_cast<double>(h.high),
                       h.scale, h.decodes_only});
      });
    };
    add("preprocess.", preprocess_);
    add("postprocess.", postprocess_);
    return all;
  }

  std::vector<fitted_value> fitted_values() override {
    std::vector<fitted_value> all;
    fitted_state_t<Pre>::for_each_member(state_, [&](std::string_view name, auto& value) {
      all.push_back({std::string(name), &value});
    });
    return all;
  }

  std::vector<network_tensor> tensors() override { return tensors_of(*network_); }

  Pre& preprocess_policy() { return preprocess_; }
  Post& postprocess_policy() { return postprocess_; }

 private:
  using network_type = aixcell::network<Enc, Dec, cpu>;

  static constexpr bool says_it_needs_nuclei = [] {
    if constexpr (requires { Post::needs_nuclei; }) return Post::needs_nuclei;
    return false;
  }();
  static constexpr bool says_it_needs_object_classes = [] {
    if constexpr (requires { Post::needs_object_classes; }) return Post::needs_object_classes;
    return false;
  }();

  static constexpr bool says_it_needs_image_classes = [] {
    if constexpr (requires { Post::needs_image_classes; }) return Post::needs_image_classes;
    return false;
  }();

  static void give_classes(auto& part, const pipeline_setup& setup) {
    if constexpr (requires { part.classes; })
      part.classes = says_it_needs_object_classes ? setup.object_classes : setup.pixel_classes;
    if constexpr (requires { part.image_classes; }) {
      part.image_classes = setup.image_classes;
      part.image_class_shares = setup.image_class_shares;
    }
    if constexpr (requires { part.dense; }) give_classes(part.dense, setup);
  }

  Pre preprocess_;
  Post postprocess_;
  pipeline_setup setup_;
  fitted_state_t<Pre> state_{};
  std::optional<network_type> network_;
};

}  // namespace aixcell
