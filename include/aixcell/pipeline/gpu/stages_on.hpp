#pragma once
#include <functional>
#include <string>
#include <typeinfo>
#include <vector>

#include <aixcell/pipeline/compute_device.hpp>
#include <aixcell/postprocess/gpu/found_on.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>

namespace aixcell {

/// The stages before and behind networks that a device has twins of, by their types.
template <GpuDevice Device>
class stages_on {
 public:
  using map = tensor<float, Device>;

  template <Preprocess P>
  void add() {
    static_assert(
        HasPreprocessTwin<P, Device>,
        "this preprocess has no twin for devices: include preprocess/gpu/of_stages.hpp before pipeline/gpu/, write "
        "apply_on for it, or leave it out, then it is done on the processor");
    preprocesses_.push_back(
        {P::name, &typeid(P), [](context<Device>& ctx, const stage_reference& stage, const map& pixels) {
           return apply_preprocess(ctx, *static_cast<const P*>(stage.policy),
                                   *static_cast<const fitted_state_t<P>*>(stage.state), pixels);
         }});
  }
  template <Postprocess P>
  void add() {
    static_assert(
        HasPostprocessTwin<P, Device>,
        "this postprocess has no twin for devices: include postprocess/gpu/of_stages.hpp before pipeline/gpu/, write "
        "decode_on for it, or leave it out, then it is done on the processor");
    postprocesses_.push_back(
        {P::name, &typeid(P), [](context<Device>& ctx, const stage_reference& stage, const map& dense) {
           return decode(ctx, *static_cast<const P*>(stage.policy), dense);
         }});
  }

  bool has(const stage_reference& stage) const { return find(preprocesses_, stage) || find(postprocesses_, stage); }

  // Of stages that it has.
  map preprocess(context<Device>& ctx, const stage_reference& stage, const map& pixels) const {
    return twin_of(preprocesses_, stage)(ctx, stage, pixels);
  }
  prediction decoded(context<Device>& ctx, const stage_reference& stage, const map& dense) const {
    return twin_of(postprocesses_, stage)(ctx, stage, dense);
  }

  /// `preprocessing by percentile, z_score; decoding of star_convex32`
  std::string description() const {
    return "preprocessing by " + names(preprocesses_) + "; decoding of " + names(postprocesses_);
  }

 private:
  template <class Result>
  struct twin {
    std::string_view name;
    const std::type_info* type;
    std::function<Result(context<Device>&, const stage_reference&, const map&)> run;
  };

  template <class Result>
  static const twin<Result>* find(const std::vector<twin<Result>>& all, const stage_reference& stage) {
    for (const twin<Result>& one : all)
      if (*one.type == *stage.type) return &one;
    return nullptr;
  }
  template <class Result>
  static const auto& twin_of(const std::vector<twin<Result>>& all, const stage_reference& stage) {
    if (const twin<Result>* const one = find(all, stage)) return one->run;
    throw not_available(std::string(stage.name) + ": this device has no twin of it; do it on the processor");
  }
  template <class Result>
  static std::string names(const std::vector<twin<Result>>& all) {
    std::string text;
    for (const twin<Result>& one : all) text += (text.empty() ? "" : ", ") + std::string(one.name);
    return text.empty() ? "none" : text;
  }

  std::vector<twin<map>> preprocesses_;
  std::vector<twin<prediction>> postprocesses_;
};

}  // namespace aixcell
