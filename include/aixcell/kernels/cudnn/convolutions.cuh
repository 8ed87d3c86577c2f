#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <aixcell/core/tensor.hpp>
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/cudnn/plan.cuh>
#include <aixcell/kernels/gpu/conv2d_bf16.hpp>
#include <aixcell/kernels/gpu/elementwise.hpp>

namespace aixcell {

namespace detail {

/// What cuDNN did not fuse, over sums that were stored.
template <class Stored>
struct apply_epilogue {
  static constexpr std::string_view name = "epilogue of conv2d";
  epilogue_values<Stored> epilogue;
  int channels;
  constexpr master_of<Stored> operator()(int i, master_of<Stored> sum) const { return epilogue(sum, i % channels, i); }
};

}  // namespace detail

/// Convolutions by cuDNN, for one context of one GPU: `ctx.convolve_by(std::make_shared<cudnn_convolutions>())`. Every
/// convolution that is not empty goes there, or throws device_error with call, shapes and what to do. The plan for equal work
/// is made once. Workspace comes from the pool of the context.
class cudnn_convolutions final : public convolution_library<cuda> {
 public:
  /// For the GPU that is current. Throws device_error where there is none.
  explicit cudnn_convolutions(const cudnn_options& options = {}) : options_(options) {}

  std::string name() const override { return "cuDNN " + detail::cudnn_version_text(cudnnGetVersion()); }

  void run(context<cuda>& ctx, const convolution_work& work, const convolution_operands& values) override {
    const std::lock_guard lock(mutex_);
    detail::check_cudnn(cudnnSetStream(handle_.get(), ctx.stream()), "cudnnSetStream", {});
    switch (work.format) {
      case stored_format::float32:
        return run_stored_as<float>(ctx, work, values);
      case stored_format::float64:
        return run_stored_as<double>(ctx, work, values);
      case stored_format::bfloat16:
        return run_stored_as<bfloat16>(ctx, work, values);
    }
  }

  /// A line for each plan: the work, and how it is done.
  std::string report() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [key, plan] : plans_) text += key + ": " + plan.how() + "\n";
    return text;
  }

 private:
  template <class Stored>
  void run_stored_as(context<cuda>& ctx, const convolution_work& work, const convolution_operands& v) {
    using Real = master_of<Stored>;
    if (work.pass == convolution_pass::to_filter) {
      if constexpr (std::is_same_v<Stored, bfloat16>)
        if (options_.rounded_filter_gradients) return add_filter_gradient<bfloat16, Real>(ctx, work, v);
      return add_filter_gradient<Real, Real>(ctx, work, v);
    }
    // Filters are trained in float32 and multiplied in bfloat16.
    tensor<Stored, cuda> stored;
    const void* filter = v.second;
    if constexpr (std::is_same_v<Stored, bfloat16>) {
      stored = detail::stored_filter<bfloat16>(
          ctx, view<const float, cuda>(static_cast<const float*>(v.second), work.filter));
      filter = stored.data();
    }
    const bool fused = execute(ctx, work, v, filter, v.result);
    if (fused || !work.has_epilogue()) return;
    Stored* const y = static_cast<Stored*>(v.result);
    const detail::apply_epilogue<Stored> epilogue{{static_cast<const Real*>(v.bias), static_cast<const Real*>(v.scale),
                                                   static_cast<const Stored*>(v.residual), work.act},
                                                  static_cast<int>(work.y[3])};
    detail::launch_map_singly(ctx, epilogue, work.y.count(), y, static_cast<const Stored*>(y));
  }

  /// cuDNN overwrites what we add to.
  template <class Found, class Real>
  void add_filter_gradient(context<cuda>& ctx, const convolution_work& work, const convolution_operands& v) {
    tensor<Found, cuda> found(ctx, work.filter);
    execute(ctx, work, v, v.second, found.data());
    Real* const sum = static_cast<Real*>(v.result);
    detail::launch_map(ctx, detail::add_values{}, work.filter.count(), sum, std::as_const(found).data(),
                       static_cast<const Real*>(sum));
  }

  const detail::convolution_plan& plan_for(const convolution_work& work, const std::string& of, bool aligned) {
    const std::string key = of + (aligned ? "" : ", not aligned");
    auto at = plans_.find(key);
    if (at == plans_.end()) at = plans_.emplace(key, detail::make_plan(handle_.get(), work, aligned, options_)).first;
    return at->second;
  }

  /// Enqueues the work; whether its epilogue went with it.
  bool execute(context<cuda>& ctx, const convolution_work& work, const convolution_operands& v, const void* second,
               void* result) {
    const std::array<const void*, 6> all{v.first, second, result, v.scale, v.bias, v.residual};
    const bool aligned = std::all_of(all.begin(), all.end(),
                                     [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; });
    const std::string of = to_string(work);
    const detail::convolution_plan& plan = plan_for(work, of, aligned);
    using name = detail::graph_tensor;
    const std::array<std::array<std::int64_t, 3>, 3> order{
        {{name::x, name::filter, name::y}, {name::y, name::filter, name::x}, {name::x, name::y, name::filter}}};
    const auto& names = order[static_cast<std::size_t>(work.pass)];
    // cuDNN takes all addresses as writable, and writes the result's alone.
    std::vector<std::int64_t> named{names[0], names[1], names[2]};
    std::vector<void*> addresses{const_cast<void*>(v.first), const_cast<void*>(second), result};
    if (plan.fused())
      for (const auto& [who, address] :
           {std::pair{name::scale, v.scale}, {name::bias, v.bias}, {name::residual, v.residual}})
        if (address) {
          named.push_back(who);
          addresses.push_back(const_cast<void*>(address));
        }
    tensor<std::uint8_t, cuda> workspace(ctx, {plan.workspace_bytes()});
    void* const scratch = workspace.data();
    detail::cudnn_descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "the addresses", of);
    pack.set_all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, named)
        .set_addresses(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, addresses)
        .set_addresses(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, std::span<void* const>(&scratch, 1));
    pack.finalise();
    detail::check_cudnn(cudnnBackendExecute(handle_.get(), plan.descriptor().get(), pack.get()), "cudnnBackendExecute",
                        of);
    return plan.fused();
  }

  cudnn_options options_;
  detail::cudnn_handle handle_;
  std::map<std::string, detail::convolution_plan> plans_;
  mutable std::mutex mutex_;
};

}  // namespace aixcell
