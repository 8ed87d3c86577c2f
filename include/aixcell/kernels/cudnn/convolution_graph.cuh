#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <aixcell/kernels/cudnn/descriptor.cuh>
#include <aixcell/kernels/gpu/convolution_library.hpp>

// A convolution as cuDNN's graph of operations. Graphs are made without a GPU.

namespace aixcell::detail {

/// What a graph leaves open to the caller.
struct graph_choice {
  bool fused = false;                    ///< with the epilogue of the work; else the sums alone
  bool rounded_filter_gradient = false;  ///< a filter gradient of bfloat16 images in bfloat16
  bool aligned = true;                   ///< values begin at multiples of 16 bytes
  bool operator==(const graph_choice&) const = default;
};

/// Names of tensors within a graph; what lies between operations counts on from `between`.
struct graph_tensor {
  static constexpr std::int64_t x = 1, filter = 2, y = 3, scale = 4, bias = 5, residual = 6, between = 7;
};

inline cudnnDataType_t stored_type(stored_format format) {
  return format == stored_format::bfloat16  ? CUDNN_DATA_BFLOAT16
         : format == stored_format::float64 ? CUDNN_DATA_DOUBLE
                                            : CUDNN_DATA_FLOAT;
}
/// What sums are computed in, and scale and bias stored as.
inline cudnnDataType_t sum_type(stored_format format) {
  return format == stored_format::float64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
}

/// cuDNN names dimensions [N,C,H,W] whatever their order in memory, which strides say; [K,R,S,C] likewise.
class convolution_graph {
 public:
  convolution_graph(const convolution_work& work, graph_choice choice, cudnnHandle_t handle = nullptr)
      : work_(work),
        choice_(choice),
        of_(to_string(work)),
        graph_(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "a graph", of_) {
    add_convolution();
    if (choice.fused) add_epilogue();
    std::vector<cudnnBackendDescriptor_t> operations;
    for (const cudnn_descriptor& o : operations_) operations.push_back(o.get());
    graph_.set_all<cudnnBackendDescriptor_t>(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations);
    // Optional in the newest cuDNN 9, demanded by older ones.
    if (handle) graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
    graph_.finalise();
  }

  const cudnn_descriptor& descriptor() const noexcept { return graph_; }
  std::size_t operations() const noexcept { return operations_.size(); }

  /// The mode of an activation, or none.
  static std::optional<cudnnPointwiseMode_t> mode_of(activation act) {
    switch (act) {
      case activation::relu:
      case activation::leaky_relu:
      case activation::relu6:
        return CUDNN_POINTWISE_RELU_FWD;
      case activation::silu:
        return CUDNN_POINTWISE_SWISH_FWD;
      case activation::gelu:
        return CUDNN_POINTWISE_GELU_FWD;
      case activation::sigmoid:
        return CUDNN_POINTWISE_SIGMOID_FWD;
      case activation::none:
        break;
    }
    return std::nullopt;
  }

 private:
  /// A dense tensor [a,b,c,d], d contiguous, which cuDNN is to see as [a,d,b,c].
  const cudnn_descriptor& add_tensor(std::int64_t name, const shape& s, cudnnDataType_t type, bool is_virtual = false) {
    const std::array<std::int64_t, 4> extents{s[0], s[3], s[1], s[2]},
        strides{s[1] * s[2] * s[3], 1, s[2] * s[3], s[3]};
    const std::int64_t bytes = type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2;
    cudnn_descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, "tensor " + std::to_string(name), of_);
    tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, name)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, choice_.aligned ? std::int64_t{16} : bytes)
        .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual)
        .set_all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, extents)
        .set_all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES, strides);
    tensor.finalise();
    tensors_.push_back(std::move(tensor));
    return tensors_.back();
  }

  void add_convolution() {
    const conv2d_geometry g = work_.geometry;
    const cudnnDataType_t stored = stored_type(work_.format), sums = sum_type(work_.format);
    const std::array<std::int64_t, 2> padding{g.padding, g.padding}, stride{g.stride, g.stride},
        dilation{g.dilation, g.dilation};
    cudnn_descriptor how(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, "a convolution", of_);
    how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, sums)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2})
        .set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding)
        .set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding)
        .set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, stride)
        .set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS, dilation);
    how.finalise();
    const bool continues = choice_.fused && work_.has_epilogue();
    tensors_.reserve(16);  // references stay
    const auto& x = add_tensor(graph_tensor::x, work_.x, stored);
    const auto& w =
        add_tensor(graph_tensor::filter, work_.filter,
                   work_.pass == convolution_pass::to_filter && !choice_.rounded_filter_gradient ? sums : stored);
    const auto& y = continues ? add_tensor(next_++, work_.y, sums, true) : add_tensor(graph_tensor::y, work_.y, stored);
    const auto add = [&](cudnnBackendDescriptorType_t type, const char* what, auto x_name, auto w_name, auto y_name,
                         auto how_name, auto alpha, auto beta) {
      cudnn_descriptor operation(type, what, of_);
      operation.set(x_name, x).set(w_name, w).set(y_name, y).set(how_name, how);
      if (sums == CUDNN_DATA_DOUBLE)
        operation.set(alpha, 1.0).set(beta, 0.0);
      else
        operation.set(alpha, 1.0f).set(beta, 0.0f);
      operation.finalise();
      operations_.push_back(std::move(operation));
    };
    switch (work_.pass) {
      case convolution_pass::forward:
        return add(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, "a forward operation",
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
      case convolution_pass::to_image:
        return add(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, "a data gradient",
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA);
      case convolution_pass::to_filter:
        return add(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, "a filter gradient",
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
    }
  }

  /// act(sums * scale + bias + residual), what the work has of it, in this order.
  void add_epilogue() {
    const shape channels{1, 1, 1, work_.y[3]};
    const cudnnDataType_t sums = sum_type(work_.format);
    int left = work_.scale + work_.bias + work_.residual + (work_.act != activation::none);
    const auto add = [&](cudnn_descriptor& how, const cudnn_descriptor* with) {
      const cudnn_descriptor& before = tensors_[last_place_];
      const bool ends = --left == 0;
      const cudnn_descriptor& after = ends ? add_tensor(graph_tensor::y, work_.y, stored_type(work_.format))
                                           : add_tensor(next_++, work_.y, sums, true);
      how.set(CUDNN_ATTR_POINTWISE_MATH_PREC, sums);
      how.finalise();
      cudnn_descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, "an operation of the epilogue", of_);
      operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how)
          .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, before)
          .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, after);
      if (with) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *with);
      operation.finalise();
      operations_.push_back(std::move(operation));
      last_place_ = static_cast<std::size_t>(&after - tensors_.data());
    };
    last_place_ = 2;  // the sums, behind x and filters
    const auto combine = [&](cudnnPointwiseMode_t mode, std::int64_t name, const shape& s, cudnnDataType_t type) {
      cudnn_descriptor how(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "a combination", of_);
      how.set(CUDNN_ATTR_POINTWISE_MODE, mode);
      const cudnn_descriptor& with = add_tensor(name, s, type);
      add(how, &with);
    };
    if (work_.scale) combine(CUDNN_POINTWISE_MUL, graph_tensor::scale, channels, sums);
    if (work_.bias) combine(CUDNN_POINTWISE_ADD, graph_tensor::bias, channels, sums);
    if (work_.residual) combine(CUDNN_POINTWISE_ADD, graph_tensor::residual, work_.y, stored_type(work_.format));
    if (const auto mode = mode_of(work_.act)) {
      cudnn_descriptor how(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "an activation", of_);
      how.set(CUDNN_ATTR_POINTWISE_MODE, *mode);
      if (work_.act == activation::leaky_relu) how.set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, leaky_relu_slope);
      if (work_.act == activation::relu6) how.set(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, 6.0);
      add(how, nullptr);
    }
  }

  convolution_work work_;
  graph_choice choice_;
  std::string of_;
  std::vector<cudnn_descriptor> tensors_, operations_;  // at most 4 + 3 + 4 tensors
  std::int64_t next_ = graph_tensor::between;
  std::size_t last_place_ = 0;
  cudnn_descriptor graph_;
};

}  // namespace aixcell::detail
