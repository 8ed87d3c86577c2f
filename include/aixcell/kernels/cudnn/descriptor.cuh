#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <cudnn_graph.h>

#include <aixcell/core/error.hpp>

// cuDNN 9's graph interface in C++: descriptors that end with their owner, attributes that know their type, errors in words.
// Any C++20 compiler with the headers of CUDA and cuDNN reads this.

namespace aixcell::detail {

inline std::string cudnn_version_text(std::size_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

/// What to do about an error; the thousands of a status are its kind.
inline std::string_view cudnn_hint(cudnnStatus_t status) {
  switch (static_cast<int>(status) / 1000) {
    case 1:
      return "is there a GPU, a driver as new as cuDNN's CUDA, and one cuDNN alone? `aixcell doctor` says what there "
             "is";
    case 3:
      return "this cuDNN has nothing for that on this GPU: compute with aixcell's own kernels (--convolutions own), or "
             "try "
             "a newer cuDNN";
    case 4:
    case 5:
      return "an earlier kernel may have gone wrong, or memory be short: lower the batch or the crop, run under "
             "compute-sanitizer, or compute with aixcell's own kernels (--convolutions own)";
    default:
      return "cuDNN takes this for a mistake of aixcell: please report it with this line";
  }
}

[[noreturn]] inline void throw_cudnn_error(cudnnStatus_t status, std::string_view call, std::string_view of) {
  std::array<char, 256> reason{};
  cudnnGetLastErrorString(reason.data(), reason.size());
  std::string text = "cudnn " + cudnn_version_text(cudnnGetVersion()) + ": " + std::string(call);
  if (!of.empty()) text += " for " + std::string(of);
  text += ": " + std::string(cudnnGetErrorString(status));
  if (reason[0] != 0) text += " (" + std::string(reason.data()) + ")";
  throw device_error(text + "; " + std::string(cudnn_hint(status)));
}

inline void check_cudnn(cudnnStatus_t status, std::string_view call, std::string_view of) {
  if (status != CUDNN_STATUS_SUCCESS) throw_cudnn_error(status, call, of);
}

/// How cuDNN calls the type of an attribute.
template <class T>
constexpr cudnnBackendAttributeType_t attribute_type() {
  if constexpr (std::is_same_v<T, std::int64_t>)
    return CUDNN_TYPE_INT64;
  else if constexpr (std::is_same_v<T, float>)
    return CUDNN_TYPE_FLOAT;
  else if constexpr (std::is_same_v<T, double>)
    return CUDNN_TYPE_DOUBLE;
  else if constexpr (std::is_same_v<T, bool>)
    return CUDNN_TYPE_BOOLEAN;
  else if constexpr (std::is_same_v<T, cudnnHandle_t>)
    return CUDNN_TYPE_HANDLE;
  else if constexpr (std::is_same_v<T, cudnnDataType_t>)
    return CUDNN_TYPE_DATA_TYPE;
  else if constexpr (std::is_same_v<T, cudnnConvolutionMode_t>)
    return CUDNN_TYPE_CONVOLUTION_MODE;
  else if constexpr (std::is_same_v<T, cudnnPointwiseMode_t>)
    return CUDNN_TYPE_POINTWISE_MODE;
  else if constexpr (std::is_same_v<T, cudnnBackendHeurMode_t>)
    return CUDNN_TYPE_HEUR_MODE;
  else if constexpr (std::is_same_v<T, cudnnBackendNumericalNote_t>)
    return CUDNN_TYPE_NUMERICAL_NOTE;
  else {
    // The same C++ type as an address, void*: that one has to be named.
    static_assert(std::is_same_v<T, cudnnBackendDescriptor_t>, "no attribute has this type");
    return CUDNN_TYPE_BACKEND_DESCRIPTOR;
  }
}

/// A node of a graph, or what is known of one. Set, finalised, then read. Throws device_error that names `of`.
class cudnn_descriptor {
 public:
  cudnn_descriptor(cudnnBackendDescriptorType_t type, std::string what, std::string_view of)
      : what_(std::move(what)), of_(of) {
    check_cudnn(cudnnBackendCreateDescriptor(type, &descriptor_), "cudnnBackendCreateDescriptor of " + what_, of_);
  }
  ~cudnn_descriptor() {
    if (descriptor_) cudnnBackendDestroyDescriptor(descriptor_);
  }
  cudnn_descriptor(cudnn_descriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, nullptr)),
        what_(std::move(other.what_)),
        of_(std::move(other.of_)) {}
  cudnn_descriptor& operator=(cudnn_descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(what_, other.what_);
    std::swap(of_, other.of_);
    return *this;
  }

  cudnnBackendDescriptor_t get() const noexcept { return descriptor_; }

  template <class T>
  cudnn_descriptor& set(cudnnBackendAttributeName_t name, const T& value) {
    return set_all<T>(name, std::span<const T>(&value, 1));
  }
  cudnn_descriptor& set(cudnnBackendAttributeName_t name, const cudnn_descriptor& other) {
    return set(name, other.get());
  }
  template <class T>
  cudnn_descriptor& set_all(cudnnBackendAttributeName_t name, std::span<const T> values,
                            cudnnBackendAttributeType_t type = attribute_type<T>()) {
    check_cudnn(
        cudnnBackendSetAttribute(descriptor_, name, type, static_cast<std::int64_t>(values.size()), values.data()),
        "cudnnBackendSetAttribute " + std::to_string(static_cast<int>(name)) + " of " + what_, of_);
    return *this;
  }

  cudnn_descriptor& set_addresses(cudnnBackendAttributeName_t name, std::span<void* const> addresses) {
    return set_all<void*>(name, addresses, CUDNN_TYPE_VOID_PTR);
  }

  void finalise() { check_cudnn(try_to_finalise(), "cudnnBackendFinalize of " + what_, of_); }
  /// For what cuDNN may refuse.
  cudnnStatus_t try_to_finalise() { return cudnnBackendFinalize(descriptor_); }

  /// Values of an attribute, as many as there are up to `most`.
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name, std::int64_t most) const {
    std::vector<T> found(static_cast<std::size_t>(most));
    std::int64_t count = 0;
    check_cudnn(cudnnBackendGetAttribute(descriptor_, name, attribute_type<T>(), most, &count, found.data()),
                "cudnnBackendGetAttribute " + std::to_string(static_cast<int>(name)) + " of " + what_, of_);
    found.resize(static_cast<std::size_t>(count < most ? count : most));
    return found;
  }
  /// Fills descriptors that exist, and says how many there were.
  std::int64_t fill(cudnnBackendAttributeName_t name, std::span<const cudnn_descriptor> to) const {
    std::vector<cudnnBackendDescriptor_t> raw;
    for (const cudnn_descriptor& d : to) raw.push_back(d.get());
    std::int64_t count = 0;
    check_cudnn(cudnnBackendGetAttribute(descriptor_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                         static_cast<std::int64_t>(raw.size()), &count, raw.data()),
                "cudnnBackendGetAttribute " + std::to_string(static_cast<int>(name)) + " of " + what_, of_);
    return count;
  }

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;
  std::string what_, of_;
};

/// cuDNN on the GPU that is current. Throws device_error where there is none.
class cudnn_handle {
 public:
  cudnn_handle() { check_cudnn(cudnnCreate(&handle_), "cudnnCreate", {}); }
  ~cudnn_handle() {
    if (handle_) cudnnDestroy(handle_);
  }
  cudnn_handle(const cudnn_handle&) = delete;
  cudnn_handle& operator=(const cudnn_handle&) = delete;
  cudnnHandle_t get() const noexcept { return handle_; }

 private:
  cudnnHandle_t handle_ = nullptr;
};

}  // namespace aixcell::detail
