#pragma once
#include <string_view>
#include <utility>

#include <aixcell/layers/batch_norm.hpp>
#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/group_norm.hpp>

namespace aixcell {

struct conv_norm_act_options {
  int inputs = 1;   ///< channels
  int outputs = 1;  ///< channels
  int kernel = 3;
  int stride = 1;
  int dilation = 1;
  int groups = 1;  ///< of the convolution
  activation act = activation::relu;
  int norm_groups = 0;         ///< of a group normalisation; batch normalisation has none
  bool bias = false;           ///< of the convolution: the normalisation takes it out again, but some weights have one
  bool input_gradient = true;  ///< false for the first layer of a network
};

/// y = act(norm(conv(x)) + residual), the unit every network here is made of. Training keeps x and the convolution's
/// result; inference with batch normalisation is one convolution, the normalisation folded into its filter.
template <class Device, class Real, template <class, class> class Norm = batch_norm>
struct conv_norm_act {
  using image = tensor<Real, Device>;

  struct saved {
    typename convolution<Device, Real>::saved conv;
    typename Norm<Device, Real>::saved norm;
  };
  struct saved_joined {
    typename convolution<Device, Real>::saved_joined conv;
    typename Norm<Device, Real>::saved norm;
  };

  conv_norm_act() = default;
  conv_norm_act(context<Device>& ctx, const conv_norm_act_options& o, random_stream& random)
      : conv(ctx,
             {.inputs = o.inputs,
              .outputs = o.outputs,
              .kernel = o.kernel,
              .stride = o.stride,
              .dilation = o.dilation,
              .groups = o.groups,
              .bias = o.bias,
              .input_gradient = o.input_gradient},
             random),
        norm(ctx, norm_options(o), random),
        act(o.act) {}

  /// An x that is moved here is let go as soon as the convolution has read it.
  tensor<Real, Device> forward(context<Device>& ctx, tensor<Real, Device> x, saved* keep) const {
    return forward(ctx, std::move(x), {}, keep);
  }
  /// `residual` has the shape of y, or is empty.
  tensor<Real, Device> forward(context<Device>& ctx, tensor<Real, Device> x, const tensor<Real, Device>& residual,
                               saved* keep) const {
    const index_t images = x.extent(0);
    return convolve(ctx, std::move(x), images, residual, keep);
  }
  tensor<Real, Device> forward(context<Device>& ctx, joined_images<Device, Real> x, saved_joined* keep) const {
    const index_t images = x.images();
    return convolve(ctx, std::move(x), images, {}, keep);
  }

  /// Keeps what forward keeps of x, without computing y: for a way back that computes values again.
  void keep_again(context<Device>& ctx, const tensor<Real, Device>& x, saved& kept) const {
    tensor<double, Device> sums(ctx, {x.extent(0), 2, conv.weight.value.extent(0)});
    const auto y = conv.forward(ctx, x, conv.own_epilogue(), &kept.conv, sums);
    kept.norm = norm.prepared(ctx, y, sums, {{}, act});
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return backward_residual(ctx, std::move(dy), kept).dx;
  }
  residual_gradients<Real, Device> backward_residual(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    auto d = norm.backward_residual(ctx, std::move(dy), kept.norm);
    d.dx = conv.backward(ctx, std::move(d.dx), kept.conv);
    return d;
  }
  /// Gradients of the parts of joined images.
  short_list<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved_joined& kept) {
    return conv.backward(ctx, norm.backward_residual(ctx, std::move(dy), kept.norm).dx, kept.conv);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("conv", self.conv);
    visit("norm", self.norm);
  }

  convolution<Device, Real> conv;
  Norm<Device, Real> norm;
  activation act = activation::relu;

 private:
  template <class Images, class Saved>
  tensor<Real, Device> convolve(context<Device>& ctx, Images x, index_t images, const tensor<Real, Device>& residual,
                                Saved* keep) const {
    if constexpr (requires { norm.folded(ctx); }) {
      if (!keep) {
        auto f = norm.folded(ctx);
        if (!conv.bias.value.empty()) {  // the normalisation scales and shifts it like any value
          const shape row{1, f.shift.size()}, pixel{1, 1, 1, f.shift.size()};
          const auto bias = conv.bias.value.reshaped(pixel), scale = f.scale.reshaped(row),
                     shift = f.shift.reshaped(row);
          f.shift = tensor<master_of<Real>, Device>(ctx, f.shift.shape());
          auto moved = f.shift.reshaped(pixel);
          scale_shift_activate<master_of<Real>>(
              ctx, {.x = bias, .scale = scale, .shift = shift, .residual = {}, .act = activation::none}, moved);
        }
        return conv.forward(ctx, std::move(x),
                            {.bias = f.shift, .scale = f.scale, .residual = residual, .act = act}, nullptr);
      }
    }
    tensor<double, Device> sums(ctx, {images, 2, conv.weight.value.extent(0)});
    const auto y = conv.forward(ctx, std::exchange(x, {}), conv.own_epilogue(), keep ? &keep->conv : nullptr, sums);
    return norm.forward(ctx, y, sums, {residual, act}, keep ? &keep->norm : nullptr);
  }

  static auto norm_options(const conv_norm_act_options& o) {
    if constexpr (std::is_same_v<Norm<Device, Real>, group_norm<Device, Real>>)
      return group_norm_options{.channels = o.outputs, .groups = o.norm_groups};
    else
      return batch_norm_options{.channels = o.outputs};
  }
};

/// Visits convolution and normalisation of a unit under names of their own, where published weights have other ones.
void visit_conv_norm(auto&& visit, std::string_view conv, std::string_view norm, auto& unit) {
  visit(conv, unit.conv);
  visit(norm, unit.norm);
}

#if defined(AIXCELL_KERNELS_APART)
#include <aixcell/layers/compiled_layers.inl>
#endif

}  // namespace aixcell
