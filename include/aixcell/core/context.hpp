#pragma once
#include <initializer_list>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include <aixcell/core/compute_settings.hpp>
#include <aixcell/core/cost.hpp>
#include <aixcell/core/memory.hpp>
#include <aixcell/core/trace.hpp>

namespace aixcell {

/// Where work runs: the device's memory, how much of the device may be used, and how networks are to compute. One
/// context serves one caller at a time; several threads that predict with one model hold one context each.
template <class Device>
class context;

class compute_device;  // pipeline/compute_device.hpp

template <>
class context<cpu> {
 public:
  using device = cpu;

  /// `threads` = 0 takes every processor.
  explicit context(int threads = 0, const compute_settings& settings = {})
      : threads_(threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))),
        settings_(settings) {}

  int threads() const noexcept { return threads_; }
  const compute_settings& settings() const noexcept { return settings_; }
  memory_pool<cpu>& memory() noexcept { return *memory_; }

  /// The device on which pipelines that are set up with this context run their networks; null: here.
  const std::shared_ptr<compute_device>& networks() const noexcept { return networks_; }
  void run_networks_on(std::shared_ptr<compute_device> where) noexcept { networks_ = std::move(where); }

 private:
  int threads_;
  compute_settings settings_;
  std::shared_ptr<compute_device> networks_;
  std::shared_ptr<memory_pool<cpu>> memory_ = std::make_shared<memory_pool<cpu>>();
};

template <>
class context<dry> {
 public:
  using device = dry;

  explicit context(const compute_settings& settings = {}) : settings_(settings) {}

  const compute_settings& settings() const noexcept { return settings_; }
  memory_pool<dry>& memory() noexcept { return *memory_; }

  /// Called by the dry twin of every kernel.
  void spend(const cost& c) noexcept { spent_ += c; }
  const cost& spent() const noexcept { return spent_; }

  /// From now on every forward kernel is noted in `recorder`; nullptr ends that.
  void record(trace_recorder* recorder) noexcept { recorder_ = recorder; }
  bool records() const noexcept { return recorder_ != nullptr; }

  /// Called by the dry twin of every forward kernel, outputs of which come last. What is changed in place is both.
  void note(std::string_view kernel, std::initializer_list<noted_view> inputs,
            std::initializer_list<noted_view> outputs,
            std::initializer_list<std::pair<std::string_view, double>> attributes = {}) {
    if (recorder_) recorder_->note(kernel, inputs, outputs, attributes);
  }

 private:
  compute_settings settings_;
  cost spent_;
  trace_recorder* recorder_ = nullptr;
  std::shared_ptr<memory_pool<dry>> memory_ = std::make_shared<memory_pool<dry>>();
};

}  // namespace aixcell
