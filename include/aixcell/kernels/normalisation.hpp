#pragma once
#include <aixcell/core/bfloat16.hpp>
#include <aixcell/core/context.hpp>
#include <aixcell/core/view.hpp>
#include <aixcell/kernels/activation.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

// Batch, group, layer and instance normalisation are one family: they differ in which values share a mean and a
// variance. The work on whole images is in four passes, each reading every operand once; what lies between them is
// arithmetic on [M,C] coefficients. Reductions are in float64 and in a fixed order: the same bits for any number of
// threads.
//
//   channel_sums                sums = sum x, sum x^2                                       forward, pass 1
//   normalisation_moments       sums -> mean, variance
//   move_running_statistics     running = (1 - momentum) * running + momentum * batch, with the unbiased variance
//   normalisation_coefficients  mean, variance, weight, bias -> scale, shift
//   scale_shift_activate        y = act(z), z = scale * x + shift + residual                forward, pass 2
//   scale_shift_backward_sums   sums = sum dz, sum dz * x, dz = dy * act'(z)                backward, pass 1
//   normalisation_backward      sums -> gradients of weight and bias, factors p, q, r
//   scale_shift_backward        dx = p * dz + q * x + r, dresidual = dz                     backward, pass 2
//   add_sums_of_images          gradient[c] += sum over images of one of the two sums: a factor alone
//
// x, y, residual and their gradients are [N,H,W,C]; sums are [N,2,C] float64; mean, variance, scale, shift are [M,C]
// with M = N, or 1 where the whole batch shares them; factors are [M,3,C]. Only images are stored as
// bfloat16; what belongs to channels is kept in full precision. Shapes that do not fit throw shape_error.

/// How many neighbouring images and channels share a mean and a variance: batch normalisation {N, 1}, group
/// normalisation {1, C / groups}, layer normalisation {1, C}, instance normalisation {1, 1}.
struct normalisation_scope {
  index_t images = 1;
  index_t channels = 1;
};

/// z = scale * x + shift + residual, and the activation that follows.
template <class Real, class Device>
struct scaled_input {
  view<const Real, Device> x;                 ///< [N,H,W,C]
  view<const master_of<Real>, Device> scale;  ///< [M,C], M = 1 or N
  view<const master_of<Real>, Device> shift;  ///< [M,C]
  view<const Real, Device> residual;          ///< as x, or empty
  activation act = activation::none;
};

/// Mean and variance (biased, >= 0), [M,C] each.
template <class Real, class Device>
struct normalisation_statistics {
  view<Real, Device> mean;
  view<Real, Device> variance;
};

/// What the coefficients are made of.
template <class Real, class Device>
struct normalisation_inputs {
  view<const Real, Device> mean;      ///< [M,C]
  view<const Real, Device> variance;  ///< [M,C]
  view<const Real, Device> weight;    ///< [C]
  view<const Real, Device> bias;      ///< [C]
  double epsilon = 1e-5;              ///< added to the variance
};

/// What the backward pass gives.
template <class Real, class Device>
struct normalisation_gradients {
  view<Real, Device> weight;   ///< [C], added to
  view<Real, Device> bias;     ///< [C], added to
  view<Real, Device> factors;  ///< [M,3,C], overwritten: p, q, r
};

/// The statistics of a batch on their way into the running ones.
template <class Real, class Device>
struct batch_statistics {
  view<const Real, Device> mean;      ///< [1,C]
  view<const Real, Device> variance;  ///< [1,C], biased
  index_t count = 0;                  ///< values per channel
  double momentum = 0.1;
};

namespace detail {

inline void require_sums(std::string_view where, const shape& x, const shape& sums) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, {x[0], 2, x[3]}, sums);
}

inline void require_sums_of_images(std::string_view where, const shape& sums, const shape& gradient) {
  require_rank(where, 3, "sums [N,2,C]", sums);
  if (gradient.count() != sums[2]) throw_unequal_shapes(where, {sums[2]}, gradient);
}

template <class Real, class Device>
[[gnu::noinline]] void require_scaled_input(std::string_view where, const scaled_input<Real, Device>& in, const shape& y) {
  const shape& x = in.x.shape();
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, x, y);
  require_rank(where, 2, "scale [M,C]", in.scale.shape());
  const index_t rows = in.scale.extent(0) == 1 ? 1 : x[0];
  require_shape(where, {rows, x[3]}, in.scale.shape());
  require_shape(where, {rows, x[3]}, in.shift.shape());
  if (!in.residual.empty()) require_shape(where, x, in.residual.shape());
}

/// Returns M, the number of rows of statistics.
inline index_t require_scope(std::string_view where, const shape& sums, normalisation_scope scope, const shape& mean) {
  require_rank(where, 3, "sums [N,2,C]", sums);
  if (scope.images < 1 || scope.channels < 1 || sums[0] % scope.images || sums[2] % scope.channels ||
      (scope.images != 1 && scope.images != sums[0]))
    throw shape_error(std::string(where) + ": " + std::to_string(sums[2]) + " channels do not divide into groups of " +
                      std::to_string(scope.channels) + "; choose a number of groups that divides the channels");
  require_shape(where, {sums[0] / scope.images, sums[2]}, mean);
  return sums[0] / scope.images;
}

}  // namespace detail

// The dry twins. Members that are noted get a name first: cudafe++ 13.0 garbles braced lists of members of a template.

template <class Real>
void channel_sums(context<dry>& ctx, view<const Real, dry> x, view<double, dry> sums) {
  detail::require_sums("channel_sums", x.shape(), sums.shape());
  ctx.note("channel_sums", {x}, {sums});
  ctx.spend(detail::values_cost(x.shape(), 3, 1, detail::stored_bytes<Real>(ctx)));
}

/// `pixels` = H * W of the images that were summed.
template <class Real>
void normalisation_moments(context<dry>& ctx, view<const double, dry> sums, index_t, normalisation_scope scope,
                           const normalisation_statistics<Real, dry>& out) {
  detail::require_scope("normalisation_moments", sums.shape(), scope, out.mean.shape());
  require_equal_shapes("normalisation_moments", out.mean, out.variance);
  const view<Real, dry> mean = out.mean, variance = out.variance;
  ctx.note("normalisation_moments", {sums}, {mean, variance},
           {{"images", static_cast<double>(scope.images)}, {"channels", static_cast<double>(scope.channels)}});
}

template <class Real>
void normalisation_coefficients(context<dry>& ctx, const normalisation_inputs<Real, dry>& in, view<Real, dry> scale,
                                view<Real, dry> shift) {
  require_equal_shapes("normalisation_coefficients", in.mean, in.variance, scale, shift);
  const double epsilon = in.epsilon;
  const view<const Real, dry> mean = in.mean, variance = in.variance, weight = in.weight, bias = in.bias;
  ctx.note("normalisation_coefficients", {mean, variance, weight, bias}, {scale, shift}, {{"epsilon", epsilon}});
}

template <class Real>
void move_running_statistics(context<dry>&, const batch_statistics<Real, dry>& batch,
                             const normalisation_statistics<Real, dry>& running) {
  require_equal_shapes("move_running_statistics", batch.mean, batch.variance, running.mean, running.variance);
}

template <class Real>
void scale_shift_activate(context<dry>& ctx, const scaled_input<Real, dry>& in, view<Real, dry> y) {
  detail::require_scaled_input("scale_shift_activate", in, y.shape());
  const view<const Real, dry> x = in.x, residual = in.residual;
  const view<const master_of<Real>, dry> scale = in.scale, shift = in.shift;
  const auto act = static_cast<double>(in.act);
  ctx.note("scale_shift_activate", {x, scale, shift, residual}, {y}, {{"act", act}});
  ctx.spend(detail::values_cost(y.shape(), 4, in.residual.empty() ? 2 : 3, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void scale_shift_backward_sums(context<dry>& ctx, view<const Real, dry> dy, const scaled_input<Real, dry>& in,
                               view<double, dry> sums) {
  detail::require_scaled_input("scale_shift_backward_sums", in, dy.shape());
  detail::require_sums("scale_shift_backward_sums", dy.shape(), sums.shape());
  ctx.spend(detail::values_cost(dy.shape(), 7, in.residual.empty() ? 2 : 3, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void normalisation_backward(context<dry>&, view<const double, dry> sums, index_t, normalisation_scope scope,
                            const normalisation_inputs<Real, dry>& in, const normalisation_gradients<Real, dry>& out) {
  const index_t rows = detail::require_scope("normalisation_backward", sums.shape(), scope, in.mean.shape());
  require_shape("normalisation_backward", {rows, 3, sums.extent(2)}, out.factors.shape());
}

/// dx may be dy; dresidual may be empty.
template <class Real>
void scale_shift_backward(context<dry>& ctx, view<const Real, dry> dy, const scaled_input<Real, dry>& in,
                          view<const master_of<Real>, dry> factors, view<Real, dry> dx, view<Real, dry> dresidual) {
  detail::require_scaled_input("scale_shift_backward", in, dy.shape());
  require_shape("scale_shift_backward", {in.scale.extent(0), 3, in.x.extent(3)}, factors.shape());
  require_equal_shapes("scale_shift_backward", dy, dx);
  if (!dresidual.empty()) require_equal_shapes("scale_shift_backward", dy, dresidual);
  ctx.spend(detail::values_cost(dy.shape(), 8, in.residual.empty() ? 3 : 5, detail::stored_bytes<Real>(ctx)));
}

/// `row` = 0 for sum dz, 1 for sum dz * x.
template <class Real>
void add_sums_of_images(context<dry>&, view<const double, dry> sums, index_t, view<Real, dry> gradient) {
  detail::require_sums_of_images("add_sums_of_images", sums.shape(), gradient.shape());
}

}  // namespace aixcell
