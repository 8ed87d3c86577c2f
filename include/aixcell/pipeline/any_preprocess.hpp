#pragma once
#include <memory>

#include <aixcell/pipeline/stage_reference.hpp>
#include <aixcell/pipeline/stage_values.hpp>
#include <aixcell/preprocess/apply.hpp>

namespace aixcell {

/// A preprocess policy whose type is not known, with what it learned.
class any_preprocess {
 public:
  virtual ~any_preprocess() = default;

  virtual std::string_view name() const = 0;
  virtual bool accepts_channels(int channels) const = 0;  ///< of the images
  virtual int channels_out(int channels) const = 0;
  virtual std::unique_ptr<any_preprocess> blank() const = 0;  ///< same tunables, nothing learned
  virtual void fit(context<cpu>& ctx, const example_source& training) = 0;
  virtual tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const = 0;
  virtual stage_reference reference() const = 0;  ///< valid while this stage lives and nothing is fitted anew
  virtual std::vector<tunable> tunables() = 0;
  virtual std::vector<fitted_value> fitted_values() = 0;
};

template <Preprocess Policy>
class preprocess_stage final : public any_preprocess {
 public:
  explicit preprocess_stage(Policy p = {}) : policy(std::move(p)) {}

  std::string_view name() const override { return Policy::name; }
  bool accepts_channels(int channels) const override { return aixcell::accepts_channels<Policy>(channels); }
  int channels_out(int channels) const override { return Policy::channels_out(channels); }
  std::unique_ptr<any_preprocess> blank() const override { return std::make_unique<preprocess_stage>(policy); }
  void fit(context<cpu>& ctx, const example_source& training) override {
    state_ = aixcell::fit_preprocess(ctx, policy, training);
  }
  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const override {
    return apply_preprocess(ctx, policy, state_, pixels);
  }
  stage_reference reference() const override { return {Policy::name, &typeid(Policy), &policy, &state_}; }
  std::vector<tunable> tunables() override { return tunables_of("preprocess.", policy); }
  std::vector<fitted_value> fitted_values() override {
    std::vector<fitted_value> all;
    fitted_state_t<Policy>::for_each_member(state_, [&](std::string_view name, auto& value) {
      all.push_back({std::string(name), &value});
    });
    return all;
  }

  Policy policy;

 private:
  fitted_state_t<Policy> state_{};
};

}  // namespace aixcell
