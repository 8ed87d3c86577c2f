#pragma once
#include <memory>

#include <aixcell/core/stages.hpp>
#include <aixcell/losses/any_loss_term.hpp>
#include <aixcell/pipeline/network.hpp>
#include <aixcell/pipeline/stage_reference.hpp>
#include <aixcell/pipeline/stage_values.hpp>

namespace aixcell {

/// A representation whose type is not known.
class any_postprocess {
 public:
  virtual ~any_postprocess() = default;

  virtual std::string_view name() const = 0;
  virtual task solves() const = 0;
  virtual bool needs_nuclei() const = 0;
  virtual bool needs_object_classes() const = 0;
  virtual bool needs_image_classes() const = 0;
  virtual std::unique_ptr<any_postprocess> blank() const = 0;  ///< same tunables, classes not set
  virtual void set_classes(const pipeline_setup& setup) = 0;
  virtual output_head head() const = 0;
  virtual int target_channels() const = 0;

  virtual tensor<float> target(context<cpu>& ctx, const annotation& truth) const = 0;
  virtual double loss(context<cpu>& ctx, const tensor<float>& output, const tensor<float>& target,
                      tensor<float>& gradient) const = 0;
  /// The same loss as data, for other devices. Throws not_available if the policy does not say it.
  virtual std::vector<any_loss_term> loss_terms() const = 0;
  virtual prediction decode(context<cpu>& ctx, view<const float, cpu> output) const = 0;
  virtual void restore_directions(view<float, cpu> dense, mirror m) const = 0;
  virtual stage_reference reference() const = 0;  ///< valid while this stage lives
  virtual std::vector<tunable> tunables() = 0;
};

template <Postprocess Policy>
class postprocess_stage final : public any_postprocess {
 public:
  explicit postprocess_stage(Policy p = {}) : policy(std::move(p)) {}

  std::string_view name() const override { return Policy::name; }
  task solves() const override { return Policy::solves; }
  bool needs_nuclei() const override {
    if constexpr (requires { Policy::needs_nuclei; }) return Policy::needs_nuclei;
    return false;
  }
  bool needs_object_classes() const override {
    if constexpr (requires { Policy::needs_object_classes; }) return Policy::needs_object_classes;
    return false;
  }
  bool needs_image_classes() const override {
    if constexpr (requires { Policy::needs_image_classes; }) return Policy::needs_image_classes;
    return false;
  }
  std::unique_ptr<any_postprocess> blank() const override { return std::make_unique<postprocess_stage>(policy); }
  void set_classes(const pipeline_setup& setup) override { set_classes(policy, setup); }
  output_head head() const override { return head_for(policy); }
  int target_channels() const override { return policy.target_channels(); }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const override { return policy.target(ctx, truth); }
  double loss(context<cpu>& ctx, const tensor<float>& output, const tensor<float>& target,
              tensor<float>& gradient) const override {
    return policy.loss(ctx, view<const float, cpu>(output), view<const float, cpu>(target), gradient.as_view());
  }
  std::vector<any_loss_term> loss_terms() const override {
    if constexpr (requires { policy.loss_terms({}); })
      return erased(policy.loss_terms({}));
    else
      throw not_available("postprocess " + std::string(name()) +
                          " has no loss for devices other than the processor; give it `loss_terms`, or train with "
                          "--device cpu");
  }
  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const override {
    return policy.decode(ctx, output);
  }
  void restore_directions([[maybe_unused]] view<float, cpu> dense, [[maybe_unused]] mirror m) const override {
    if constexpr (requires { policy.flip(dense, m); }) policy.flip(dense, m);
  }
  stage_reference reference() const override { return {Policy::name, &typeid(Policy), &policy}; }
  std::vector<tunable> tunables() override { return tunables_of("postprocess.", policy); }

  Policy policy;

 private:
  /// `part` is the policy, or the dense representation inside of one that tells classes of images.
  void set_classes(auto& part, const pipeline_setup& setup) const {
    if constexpr (requires { part.classes; })
      part.classes = needs_object_classes() ? setup.object_classes : setup.pixel_classes;
    if constexpr (requires { part.image_classes; }) {
      part.image_classes = setup.image_classes;
      part.image_class_shares = setup.image_class_shares;
    }
    if constexpr (requires { part.dense; }) set_classes(part.dense, setup);
  }
};

}  // namespace aixcell
