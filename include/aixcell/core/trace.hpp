#pragma once
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/view.hpp>

namespace aixcell {

/// Something a kernel reads or writes, as the kernel sees it: a value and the shape under which it is used, which may be
/// another one of equal count. `value` is -1 where an operand is left out (no bias, no residual).
struct recorded_operand {
  int value = -1;
  aixcell::shape shape;
  friend bool operator==(const recorded_operand&, const recorded_operand&) = default;
};

/// One call of a kernel: its name, what it read, what it wrote, and its numbers by name (stride, padding, ...).
struct recorded_kernel {
  std::string_view name;
  std::vector<recorded_operand> inputs;
  std::vector<recorded_operand> outputs;
  std::vector<std::pair<std::string_view, double>> attributes;

  /// Throws error if the kernel has no attribute of this name.
  double attribute(std::string_view wanted) const {
    for (const auto& [key, value] : attributes)
      if (key == wanted) return value;
    throw error("trace: kernel " + std::string(name) + " notes no attribute '" + std::string(wanted) +
                "'; its dry twin must note it");
  }
};

/// The kernels of one forward pass in the order in which they ran: a network, for one image size. Every value is written
/// once (single assignment): a kernel that changes its output in place makes a new value.
struct trace {
  std::vector<recorded_kernel> kernels;
  std::map<int, std::string> parameters;  ///< parameters and running statistics: their values' names in the model file
  int values = 0;                         ///< values are 0 .. values - 1
  int input = -1;
  int output = -1;
  aixcell::shape input_shape, output_shape;
};

/// A view of the dry device that a kernel notes. Its address stands for the elements that are not there.
struct noted_view {
  template <class T>
  [[gnu::noinline]] noted_view(const view<T, dry>& v)
      : address(reinterpret_cast<std::uintptr_t>(v.data())),
        bytes(static_cast<std::size_t>(v.size()) * sizeof(T)),
        shape(v.shape()) {}

  std::uintptr_t address;
  std::size_t bytes;
  aixcell::shape shape;
};

/// Turns addresses of the dry device, which never gives one out twice, into the values of a trace.
class trace_recorder {
 public:
  /// A parameter, a running statistic or the input: what is there before the first kernel runs.
  int introduce(const noted_view& v, std::string name = {}) {
    const int value = new_value(v);
    if (!name.empty()) trace_.parameters[value] = std::move(name);
    return value;
  }
  void set_input(const noted_view& v) { trace_.input = introduce(v), trace_.input_shape = v.shape; }

  /// Not inlined: every kernel of every network calls it, mostly to no avail.
  [[gnu::noinline]] void note(std::string_view kernel, std::initializer_list<noted_view> inputs,
                              std::initializer_list<noted_view> outputs,
                              std::initializer_list<std::pair<std::string_view, double>> attributes) {
    recorded_kernel k{kernel, {}, {}, attributes};
    for (const noted_view& v : inputs) k.inputs.push_back({known_value(kernel, v), v.shape});
    for (const noted_view& v : outputs) k.outputs.push_back({v.bytes == 0 ? -1 : new_value(v), v.shape});
    trace_.kernels.push_back(std::move(k));
  }

  /// The trace whose result is `output`.
  trace finish(const noted_view& output) {
    trace_.output = known_value("output", output);
    trace_.output_shape = output.shape;
    return std::move(trace_);
  }

 private:
  struct block {
    std::size_t bytes;
    int value;
  };

  int new_value(const noted_view& v) {
    blocks_[v.address] = {v.bytes, trace_.values};
    return trace_.values++;
  }

  int known_value(std::string_view kernel, const noted_view& v) const {
    if (v.bytes == 0) return -1;
    const auto found = blocks_.find(v.address);
    if (found == blocks_.end() || found->second.bytes != v.bytes)
      throw not_available("trace: kernel " + std::string(kernel) + " reads " + to_string(v.shape) +
                          " that no recorded kernel wrote as a whole; networks that read parts of tensors or write "
                          "them outside kernels cannot be recorded");
    return found->second.value;
  }

  trace trace_;
  std::map<std::uintptr_t, block> blocks_;
};

}  // namespace aixcell
