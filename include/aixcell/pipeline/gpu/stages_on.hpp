#pragma once
#include <functional>
#include <map>
#include <string>
#include <typeindex>

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
    preprocesses_[typeid(P)] = {P::name, [](context<Device>& ctx, const stage_reference& stage, const map& pixels) {
                                  return apply_preprocess(ctx, *static_cast<const P*>(stage.policy),
                                                          *static_cast<const fitted_state_t<P>*>(stage.state), pixels);
                                }};
  }
  template <Postprocess P>
  void add() {
    static_assert(
        HasPostprocessTwin<P, Device>,
        "this postprocess has no twin for devices: include postprocess/gpu/of_stages.hpp before pipeline/gpu/, write "
        "decode_on for it, or leave it out, then it is done on the processor");
    postprocesses_[typeid(P)] = {P::name, [](context<Device>& ctx, const stage_reference& stage, const map& dense) {
                                   return decode(ctx, *static_cast<const P*>(stage.policy), dense);
                                 }};
  }

  bool has(const stage_reference& stage) const {
    return preprocesses_.contains(*stage.type) || postprocesses_.contains(*stage.type);
  }
  map preprocess(context<Device>& ctx, const stage_reference& stage, const map& pixels) const {
    return twin_of(preprocesses_, stage)(ctx, stage, pixels);
  }
  prediction decode_there(context<Device>& ctx, const stage_reference& stage, const map& dense) const {
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
    std::function<Result(context<Device>&, const stage_reference&, const map&)> run;
  };
  template <class Result>
  using twins = std::map<std::type_index, twin<Result>>;

  template <class Result>
  static const auto& twin_of(const twins<Result>& all, const stage_reference& stage) {
    const auto found = all.find(*stage.type);
    if (found == all.end())
      throw not_available(std::string(stage.name) + " has no twin on this device; do it on the processor");
    return found->second.run;
  }
  template <class Result>
  static std::string names(const twins<Result>& all) {
    std::string text;
    for (const auto& [type, one] : all) text += (text.empty() ? "" : ", ") + std::string(one.name);
    return text.empty() ? "none" : text;
  }

  twins<map> preprocesses_;
  twins<prediction> postprocesses_;
};

}  // namespace aixcell
