#pragma once
#include <aixcell/kernels/channels.hpp>
#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/normalisation.hpp>
#include <aixcell/layers/joined_images.hpp>
#include <aixcell/layers/parameter.hpp>

namespace aixcell {

struct convolution_options {
  int inputs = 1;   ///< channels
  int outputs = 1;  ///< channels
  int kernel = 3;   ///< edge of the filter, odd
  int stride = 1;
  int dilation = 1;
  int groups = 1;  ///< divides inputs and outputs; `inputs` of them: depthwise
  bool bias = true;
  bool input_gradient = true;  ///< false for the first layer of a network: backward returns an empty tensor
};

/// Convolution with zeros around the image, dilation * (kernel / 2) on each side: [N,H,W,inputs] to
/// [N,ceil(H/stride),ceil(W/stride),outputs]. Keeps its input. Throws shape_error if the groups do not divide the channels.
template <class Device, class Real>
struct convolution {
  struct saved {
    tensor<Real, Device> x;
  };
  /// Of joined images: their parts if the kernels took them as they lie, else the whole.
  struct saved_joined {
    joined_images<Device, Real> x;
    saved whole;
    short_list<shape> parts;
  };

  convolution() = default;
  convolution(context<Device>& ctx, const convolution_options& o, random_stream& random)
      : weight(he_parameter<Device, Real>(ctx, {o.outputs, o.kernel, o.kernel, o.inputs / o.groups},
                                          index_t{o.kernel} * o.kernel * o.inputs / o.groups, random)),
        geometry{
            .stride = o.stride, .padding = o.dilation * (o.kernel / 2), .dilation = o.dilation, .groups = o.groups},
        input_gradient(o.input_gradient) {
    if (o.inputs % o.groups != 0 || o.outputs % o.groups != 0)
      throw shape_error("convolution: " + std::to_string(o.groups) + " groups do not divide " +
                        std::to_string(o.inputs) + " inputs and " + std::to_string(o.outputs) + " outputs");
    if (o.bias) bias = constant_parameter<Device, Real>(ctx, {o.outputs}, 0);
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    return forward(ctx, x, own_epilogue(), keep);
  }

  /// With what follows in the same pass over the result; `epilogue.bias` replaces the layer's own. `sums` [N,2,outputs], if
  /// not empty, is overwritten with what channel_sums says of y.
  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x,
                               const conv2d_epilogue<Real, Device>& epilogue, saved* keep,
                               view<double, Device> sums = {}) const {
    require_rank("convolution", 4, "an image batch [N,H,W,C]", x.shape());
    tensor<Real, Device> y(ctx, conv2d_output_shape(x.shape(), weight.value.shape(), geometry));
    if constexpr (std::is_same_v<Device, cpu>) {
      conv2d<Real>(ctx, x, weight.value, geometry, epilogue, y, weight.constant ? &weight.prepared : nullptr, sums);
    } else {
      conv2d<Real>(ctx, x, weight.value, geometry, epilogue, y, sums);
    }
    if (keep) keep->x = x.for_later();
    return y;
  }

  /// Of joined images, which are not copied if the kernels need not.
  tensor<Real, Device> forward(context<Device>& ctx, joined_images<Device, Real> x,
                               const conv2d_epilogue<Real, Device>& epilogue, saved_joined* keep,
                               view<double, Device> sums = {}) const {
    if (keep)
      for (const auto& part : x.parts) keep->parts.push_back(part.shape());
    if constexpr (takes_parts)
      if (const auto y = forward_of_parts(ctx, x, epilogue, sums); !y.empty()) {
        if (keep) keep->x = x.for_later();
        return y;
      }
    const bool again = keep && ctx.settings().recompute == recomputation::selective;
    const auto parts = again ? x.for_later() : joined_images<Device, Real>{};
    auto whole = join(ctx, std::move(x));
    if (again) whole.made_by([parts](context<Device>& later) { return join(later, parts.restored(later)); });
    return forward(ctx, whole, epilogue, keep ? &keep->whole : nullptr, sums);
  }

  /// Gradients of the parts.
  short_list<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved_joined& kept) {
    const short_list<shape> parts = std::exchange(kept.parts, {});
    if (kept.x.parts.empty()) return separate(ctx, backward(ctx, std::move(dy), kept.whole), parts);
    if constexpr (takes_parts) {
      const auto [height, width] = kept.x.size;
      std::exchange(kept.x, {}).restored(ctx).with_views([&](const auto& x) {
        conv2d_backward_filter<Real>(ctx, x, dy, geometry, weight.gradient);
      });
      if (!bias.value.empty()) add_bias_gradient<Real>(ctx, dy, bias.gradient);
      short_list<tensor<Real, Device>> gradients;
      short_list<view<Real, Device>> views;
      for (shape part : parts) {
        part[1] = height, part[2] = width;
        views.push_back(gradients.emplace_back(ctx, part).as_view());
      }
      conv2d_backward_data<Real>(ctx, dy, weight.value, geometry, joined_views<Real, Device>{views, height, width});
      return halve(ctx, std::move(gradients), parts);
    }
    return {};
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    const shape extents = kept.x.shape();
    conv2d_backward_filter<Real>(ctx, std::exchange(kept.x, {}).restored(ctx), dy, geometry, weight.gradient);
    if (!bias.value.empty()) add_bias_gradient<Real>(ctx, dy, bias.gradient);
    if (!input_gradient) return {};
    tensor<Real, Device> dx(ctx, extents);
    conv2d_backward_data<Real>(ctx, dy, weight.value, geometry, dx);
    return dx;
  }

  /// The layer's bias and nothing else.
  conv2d_epilogue<Real, Device> own_epilogue() const { return {.bias = bias.value, .scale = {}, .residual = {}}; }

  static void for_each_member(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }

  parameter<Device, Real> weight;  ///< [outputs,kernel,kernel,inputs/groups]
  parameter<Device, Real> bias;    ///< [outputs] or empty
  conv2d_geometry geometry;
  bool input_gradient = true;

 private:
  static constexpr bool takes_parts = has_kernels_for_parts<Real, Device>;

  /// Empty if the images have to be joined first.
  tensor<Real, Device> forward_of_parts(context<Device>& ctx, const joined_images<Device, Real>& x,
                                        const conv2d_epilogue<Real, Device>& epilogue,
                                        view<double, Device> sums) const {
    return x.with_views([&](const auto& views) -> tensor<Real, Device> {
      if (!convolves_parts<Real>(ctx, views, weight.value.shape(), geometry)) return {};
      tensor<Real, Device> y(ctx, conv2d_output_shape(views.whole(), weight.value.shape(), geometry));
      if constexpr (std::is_same_v<Device, cpu>) {
        conv2d<Real>(ctx, views, weight.value, geometry, epilogue, y, weight.constant ? &weight.prepared : nullptr,
                     sums);
      } else {
        conv2d<Real>(ctx, views, weight.value, geometry, epilogue, y);
        if (!sums.empty()) channel_sums<Real>(ctx, y, sums);
      }
      return y;
    });
  }
};

}  // namespace aixcell
