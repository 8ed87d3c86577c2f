#pragma once
#include <span>
#include <utility>

#include <aixcell/core/short_list.hpp>
#include <aixcell/kernels/channels.hpp>
#include <aixcell/kernels/conv2d_joined.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// Images [N,H,W,C] in parts that lie apart, as joined_views has them: what a decoder's step makes of the level below, which is
/// doubled, and of its skip connections. Tensors share their elements: to be joined costs nothing until somebody needs the
/// whole.
template <class Device, class Real>
struct joined_images {
  short_list<tensor<Real, Device>> parts;  ///< at least one
  image_size size;

  index_t images() const { return parts[0].extent(0); }
  bool doubled(const shape& part) const { return part[1] != size.height || part[2] != size.width; }

  /// As a tensor's.
  joined_images for_later() const { return with_parts([](const auto& part) { return part.for_later(); }); }
  joined_images restored(context<Device>& ctx) const {
    return with_parts([&](const auto& part) { return part.restored(ctx); });
  }

  /// Calls f(joined_views of const elements).
  decltype(auto) with_views(auto&& f) const {
    short_list<view<const Real, Device>> views;
    for (const auto& part : parts) views.push_back(part.as_view());
    return f(joined_views<const Real, Device>{views, size.height, size.width});
  }

 private:
  joined_images with_parts(auto&& of) const {
    joined_images other{.parts = {}, .size = size};
    for (const auto& part : parts) other.parts.push_back(of(part));
    return other;
  }
};

/// The whole, [N,H,W,C]. Throws shape_error if the parts do not fit each other.
template <class Device, class Real>
tensor<Real, Device> join(context<Device>& ctx, joined_images<Device, Real> x) {
  x.with_views([](const auto& views) { detail::require_parts("join", views); });
  const auto whole_part = [&](std::size_t i) {
    const tensor<Real, Device> part = std::exchange(x.parts[i], {});
    if (!x.doubled(part.shape())) return part;
    return up_sampling<Device, Real>{}.forward(ctx, part, x.size, nullptr);
  };
  tensor<Real, Device> y = whole_part(0);
  for (std::size_t i = 1; i < x.parts.size(); ++i) {
    const tensor<Real, Device> part = whole_part(i);
    tensor<Real, Device> longer(ctx, {y.extent(0), y.extent(1), y.extent(2), y.extent(3) + part.extent(3)});
    concatenate_channels<Real>(ctx, y, part, longer);
    y = std::move(longer);
  }
  return y;
}

/// The sums over 2x2 pixels of those gradients whose parts, of the given shapes, were doubled.
template <class Device, class Real>
short_list<tensor<Real, Device>> halve(context<Device>& ctx, short_list<tensor<Real, Device>> gradients,
                                       std::span<const shape> parts) {
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (gradients[i].shape() != parts[i]) {
      tensor<Real, Device> small(ctx, parts[i]);
      upsample_backward<Real>(ctx, gradients[i], interpolation::nearest, small);
      gradients[i] = std::move(small);
    }
  return gradients;
}

/// The adjoint of join: gradients of parts of the given shapes.
template <class Device, class Real>
short_list<tensor<Real, Device>> separate(context<Device>& ctx, tensor<Real, Device> dy, std::span<const shape> parts) {
  short_list<tensor<Real, Device>> gradients(parts.size());
  for (std::size_t i = parts.size(); i-- > 1;) {
    shape left = dy.shape(), right = dy.shape();
    right[3] = parts[i][3];
    left[3] -= right[3];
    tensor<Real, Device> before(ctx, left), own(ctx, right);
    split_channels<Real>(ctx, dy, before, own);
    gradients[i] = std::move(own);
    dy = std::move(before);
  }
  gradients[0] = std::move(dy);
  return halve(ctx, std::move(gradients), parts);
}

}  // namespace aixcell
