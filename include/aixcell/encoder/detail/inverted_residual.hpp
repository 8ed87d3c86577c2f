#pragma once
#include <optional>
#include <utility>

#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/series.hpp>
#include <aixcell/layers/squeeze_excitation.hpp>
#include <aixcell/layers/stochastic_depth.hpp>

namespace aixcell::detail {

struct inverted_residual_options {
  int inputs = 1, outputs = 1;
  int expansion = 6;  ///< channels between the 1x1 convolutions for each input; 1: there is no first one
  int kernel = 3;
  int stride = 1;
  activation act = activation::relu6;
  int squeezed = 0;  ///< channels inside the squeeze-and-excitation, 0: none
  float drop = 0;    ///< of the branch beside the input
  std::uint64_t seed = 0;
};

/// A 1x1 convolution to many channels, a depthwise one, squeeze-and-excitation, a linear 1x1 convolution to few; beside
/// it the input, where shapes allow (Sandler et al. 2018, fig. 3; with the gate: MBConv of Tan & Le 2019).
template <class Device, class Real>
struct inverted_residual {
  using image = tensor<Real, Device>;
  using unit = conv_norm_act<Device, Real>;
  using gate = squeeze_excitation<Device, Real>;
  using depth = stochastic_depth<Device, Real>;

  struct saved {
    typename unit::saved expand, depthwise, project;
    typename gate::saved se;
    typename depth::saved dropped;
  };

  inverted_residual(context<Device>& ctx, const inverted_residual_options& o, random_stream& random)
      : adds_input(o.stride == 1 && o.inputs == o.outputs), dropped(ctx, {adds_input ? o.drop : 0.0f, o.seed}) {
    const int inner = o.inputs * o.expansion;
    if (o.expansion > 1)
      expand.emplace(ctx, conv_norm_act_options{.inputs = o.inputs, .outputs = inner, .kernel = 1, .act = o.act},
                     random);
    depthwise = {
        ctx,
        {.inputs = inner, .outputs = inner, .kernel = o.kernel, .stride = o.stride, .groups = inner, .act = o.act},
        random};
    if (o.squeezed > 0)
      se.emplace(ctx, squeeze_excitation_options{.channels = inner, .squeezed = o.squeezed, .act = o.act}, random);
    project = {ctx, {.inputs = inner, .outputs = o.outputs, .kernel = 1, .act = activation::none}, random};
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto y = expand ? expand->forward(ctx, x, keep ? &keep->expand : nullptr) : x;
    y = depthwise.forward(ctx, y, keep ? &keep->depthwise : nullptr);
    if (se) y = se->forward(ctx, y, keep ? &keep->se : nullptr);
    if (!adds_input) return project.forward(ctx, y, keep ? &keep->project : nullptr);
    if (!keep || dropped.options.drop <= 0) return project.forward(ctx, y, x, keep ? &keep->project : nullptr);
    y = dropped.forward(ctx, project.forward(ctx, y, &keep->project), &keep->dropped);
    accumulate<Real>(ctx, x, y);
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    auto dx = project.backward(ctx, dropped.backward(ctx, dy, kept.dropped), kept.project);
    if (se) dx = se->backward(ctx, std::move(dx), kept.se);
    dx = depthwise.backward(ctx, std::move(dx), kept.depthwise);
    if (expand) dx = expand->backward(ctx, std::move(dx), kept.expand);
    if (adds_input) accumulate<Real>(ctx, dy, dx);
    return dx;
  }

  bool adds_input;
  std::optional<unit> expand;
  unit depthwise;
  std::optional<gate> se;
  unit project;
  depth dropped;
};

/// Convolutions and inverted residuals in a row; the first and the last network stage have a convolution at their end.
template <class Device, class Real>
struct inverted_residual_stage {
  using unit = conv_norm_act<Device, Real>;
  using block = inverted_residual<Device, Real>;

  struct saved {
    typename unit::saved before, after;
    typename series<block>::saved blocks;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto y = before ? before->forward(ctx, x, keep ? &keep->before : nullptr) : x;
    y = blocks.forward(ctx, std::move(y), keep ? &keep->blocks : nullptr);
    return after ? after->forward(ctx, y, keep ? &keep->after : nullptr) : y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    if (after) dy = after->backward(ctx, std::move(dy), kept.after);
    dy = blocks.backward(ctx, std::move(dy), kept.blocks);
    return before ? before->backward(ctx, std::move(dy), kept.before) : dy;
  }

  std::optional<unit> before;
  series<block> blocks;
  std::optional<unit> after;
};

}  // namespace aixcell::detail
