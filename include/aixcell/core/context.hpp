#pragma once
#include <initializer_list>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include <aixcell/core/cost.hpp>
#include <aixcell/core/memory.hpp>
#include <aixcell/core/precision.hpp>
#include <aixcell/core/trace.hpp>

namespace aixcell {

/// Where work runs: the device's memory, how much of the device may be used, and how exactly networks are to compute. One context serves one caller at a
/// time; several threads that predict with one model hold one context each.
template <class Device>
class context;

template <>
class context<cpu> {
 public:
  using device = cpu;

  /// `threads` = 0 takes every processor.
  explicit context(int threads = 0, aixcell::precision wanted = aixcell::precision::automatic)
      : threads_(threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))),
        precision_(wanted) {}

  int threads() const noexcept { return threads_; }
  aixcell::precision precision() const noexcept { return precision_; }
  memory_pool<cpu>& memory() noexcept { return *memory_; }

 private:
  int threads_;
  aixcell::precision precision_;
  std::shared_ptr<memory_pool<cpu>> memory_ = std::make_shared<memory_pool<cpu>>();
};

template <>
class context<dry> {
 public:
  using device = dry;

  memory_pool<dry>& memory() noexcept { return *memory_; }

  /// Called by the dry twin of every kernel.
  void spend(const cost& c) noexcept { spent_ += c; }
  const cost& spent() const noexcept { return spent_; }

  /// From now on every forward kernel is noted in `recorder`; nullptr ends that.
  void record(trace_recorder* recorder) noexcept { recorder_ = recorder; }

  /// Called by the dry twin of every forward kernel, outputs of which come last. What is changed in place is both.
  void note(std::string_view kernel, std::initializer_list<noted_view> inputs,
            std::initializer_list<noted_view> outputs,
            std::initializer_list<std::pair<std::string_view, double>> attributes = {}) {
    if (recorder_) recorder_->note(kernel, inputs, outputs, attributes);
  }

 private:
  cost spent_;
  trace_recorder* recorder_ = nullptr;
  std::shared_ptr<memory_pool<dry>> memory_ = std::make_shared<memory_pool<dry>>();
};

}  // namespace aixcell
