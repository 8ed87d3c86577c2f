#pragma once
#include <aixcell/layers/normalisation.hpp>

namespace aixcell {

struct group_norm_options {
  int channels = 1;
  int groups = 1;  ///< divides the channels; 1 is layer normalisation, `channels` instance normalisation
  double epsilon = 1e-5;
};

/// Group normalisation (Wu and He 2018): the channels of a group, in each image, to mean 0 and variance 1, then a
/// learned scale and shift per channel. Inference and training compute the same.
template <class Device, class Real>
struct group_norm {
  using saved = typename normalisation<Device, Real>::saved;
  using epilogue = normalisation_epilogue<Real, Device>;

  group_norm() = default;
  group_norm(context<Device>& ctx, const group_norm_options& o, random_stream&)
      : norm(ctx, o.channels, o.epsilon), channels_per_group(o.channels / o.groups) {
    if (o.channels % o.groups)
      throw shape_error("group_norm: " + std::to_string(o.channels) + " channels do not divide into " +
                        std::to_string(o.groups) + " groups; choose a divisor");
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    return forward(ctx, x, epilogue{}, keep);
  }
  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, const epilogue& e,
                               saved* keep) const {
    require_rank("group_norm", 4, "an image batch [N,H,W,C]", x.shape());
    return norm.forward(ctx, x, {.images = 1, .channels = channels_per_group}, e, keep);
  }

  /// With the sums [N,2,C] of x that whoever wrote x had at hand.
  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, const tensor<double, Device>& sums,
                               const epilogue& e, saved* keep) const {
    return norm.forward(ctx, x, sums, {.images = 1, .channels = channels_per_group}, e, keep);
  }
  /// What training keeps, without y.
  saved prepared(context<Device>& ctx, const tensor<Real, Device>& x, const tensor<double, Device>& sums,
                 const epilogue& e) const {
    return norm.prepared(ctx, x, sums, {.images = 1, .channels = channels_per_group}, e);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return backward_residual(ctx, std::move(dy), kept).dx;
  }
  residual_gradients<Real, Device> backward_residual(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return norm.backward(ctx, std::move(dy), {.images = 1, .channels = channels_per_group}, kept);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("weight", self.norm.weight);
    visit("bias", self.norm.bias);
  }

  normalisation<Device, Real> norm;
  index_t channels_per_group = 1;
};

}  // namespace aixcell
