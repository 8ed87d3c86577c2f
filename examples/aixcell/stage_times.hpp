#pragma once
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/report/text.hpp>

namespace aixcell::program {

/// Where the time of a command goes: stages in the order in which they first came.
class stage_times {
 public:
  /// What f gives; the time it takes is the stage's.
  template <class Function>
  decltype(auto) in(const std::string& stage, Function&& f) {
    const timer t(seconds_of(stage));
    return std::forward<Function>(f)();
  }

  void add(const std::string& stage, double seconds) { seconds_of(stage) += seconds; }

  /// `2.1 s: reading 3 %, network 85 %, writing 12 %`
  std::string text() const {
    double all = 0;
    for (const auto& [name, seconds] : stages_) all += seconds;
    std::string parts;
    for (const auto& [name, seconds] : stages_)
      parts += (parts.empty() ? "" : ", ") + name + " " +
               std::to_string(std::lround(100 * seconds / std::max(all, 1e-9))) + " %";
    return fixed_text(all, all < 10 ? 2 : 0) + " s: " + parts;
  }

 private:
  using clock = std::chrono::steady_clock;

  class timer {
   public:
    explicit timer(double& seconds) : seconds_(seconds) {}
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    ~timer() { seconds_ += std::chrono::duration<double>(clock::now() - begin_).count(); }

   private:
    double& seconds_;
    clock::time_point begin_ = clock::now();
  };

  double& seconds_of(const std::string& stage) {
    for (auto& [name, seconds] : stages_)
      if (name == stage) return seconds;
    return stages_.emplace_back(stage, 0.0).second;
  }

  std::vector<std::pair<std::string, double>> stages_;
};

}  // namespace aixcell::program
