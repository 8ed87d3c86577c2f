#pragma once
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/visit.hpp>
#include <aixcell/pipeline/any_pipeline.hpp>

namespace aixcell {

/// What stands between the decoder's map and the postprocess.
struct output_head {
  int channels = 1;  ///< of the output
  int features = 0;  ///< of a 3x3 convolution before the output; 0: none
};

/// The head that a postprocess wants: `output_channels()` and, if it says so, `feature_channels`.
template <Postprocess Post>
output_head head_for(const Post& post) {
  output_head head{.channels = post.output_channels()};
  if constexpr (requires { Post::feature_channels; }) head.features = Post::feature_channels;
  return head;
}

/// Encoder, decoder and a 1x1 convolution that gives the postprocess its channels: [N,H,W,C] to [N,H,W,K].
/// A layer like any other, of any image size from 1x1. With Real = bfloat16 all that lies between the images that come in
/// and go out is stored in half the bytes; parameters, their gradients and all sums stay float32.
template <Encoder Enc, DecoderStage Dec, class Device, class Real = float>
struct network {
  static_assert(EncoderHasEnoughLevels<Dec, Enc>, "the decoder needs more feature levels than this encoder has");
  static_assert(StridesDouble<Enc>, "every feature level of the encoder must have twice the stride of the one before");

  using encoder_network = typename Enc::template network<Device, Real>;
  using decoder_network = typename Dec::template network<Device, Real>;
  using image = tensor<master_of<Real>, Device>;
  using parameter_type = parameter<Device, Real>;  // what a walk finds: one walk serves all (layers/visit.hpp)
  using buffer_type = buffer<Device, Real>;

  struct saved {
    typename encoder_network::saved encoder;
    typename decoder_network::saved decoder;
    typename conv_norm_act<Device, Real>::saved features;
    typename convolution<Device, Real>::saved head;
  };

  // Dozens of pipelines share a network: what is big is compiled once and not copied into each of them.
  [[gnu::noinline]] network(context<Device>& ctx, int channels_in, const output_head& wanted, random_stream& random)
      : encoder(ctx, channels_in, random), decoder(ctx, Enc::levels, random) {
    int inputs = decoder.output_channels();
    if (wanted.features > 0)
      features.emplace(ctx, conv_norm_act_options{.inputs = inputs, .outputs = wanted.features}, random);
    if (features) inputs = wanted.features;
    head = convolution<Device, Real>(ctx, {.inputs = inputs, .outputs = wanted.channels, .kernel = 1, .bias = true},
                                     random);
  }

  [[gnu::noinline]] image forward(context<Device>& ctx, const image& x, saved* keep) const {
    auto levels = encoder.forward(ctx, stored(ctx, x), keep ? &keep->encoder : nullptr);
    auto dense = decoder.forward(ctx, std::move(levels), x.extent(1), x.extent(2), keep ? &keep->decoder : nullptr);
    if (features) dense = features->forward(ctx, dense, keep ? &keep->features : nullptr);
    return in_full(ctx, head.forward(ctx, dense, keep ? &keep->head : nullptr));
  }

  [[gnu::noinline]] void backward(context<Device>& ctx, image gradient, saved& kept) {
    auto dy = stored(ctx, std::exchange(gradient, {}));
    dy = head.backward(ctx, std::move(dy), kept.head);
    if (features) dy = features->backward(ctx, std::move(dy), kept.features);
    encoder.backward(ctx, decoder.backward(ctx, std::move(dy), kept.decoder), kept.encoder);
  }

  /// Forward, loss, backward. `loss(output, gradient)` overwrites the gradient and returns the value.
  [[gnu::noinline]] double learn(context<Device>& ctx, const image& x,
                                 const std::function<double(const image&, image&)>& loss) {
    saved kept;
    auto y = forward(ctx, x, &kept);
    image gradient(ctx, y.shape());
    const double value = loss(y, gradient);
    y = {};
    backward(ctx, std::move(gradient), kept);
    return value;
  }

  /// From now on parameters stay as they are: filters are kept in the order in which kernels read them, which is most of
  /// what a small image costs. Ends with `thaw`.
  [[gnu::noinline]] void freeze(context<Device>& ctx, int channels_in) {
    thaw();
    for_each_parameter(*this, [](std::string_view, auto& p) { p.constant = true; });
    forward(ctx, image::zeros(ctx, {1, 32, 32, channels_in}), nullptr);  // prepares each filter once
  }
  [[gnu::noinline]] void thaw() {
    for_each_parameter(*this, [](std::string_view, auto& p) { p.constant = false, p.prepared = {}; });
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
    if (self.features) visit("features", *self.features);
    visit("head", self.head);
  }

  encoder_network encoder;
  decoder_network decoder;
  std::optional<conv_norm_act<Device, Real>> features;
  convolution<Device, Real> head;

 private:
  /// As the layers want it.
  static tensor<Real, Device> stored(context<Device>& ctx, const image& x) { return as<Real>(ctx, x); }
  static image in_full(context<Device>& ctx, const tensor<Real, Device>& x) { return as<master_of<Real>>(ctx, x); }
  template <class To, class From>
  static tensor<To, Device> as(context<Device>& ctx, const tensor<From, Device>& x) {
    if constexpr (std::is_same_v<To, From>) {
      return x;
    } else {
      if constexpr (std::is_same_v<Device, dry>)
        if (detail::stored_bytes<To>(ctx) == detail::stored_bytes<From>(ctx)) return x.template counted_as<To>();
      tensor<To, Device> y(ctx, x.shape());
      convert<To, From>(ctx, x, y);
      return y;
    }
  }
};

/// Every tensor of a network by its name, parameters first.
template <class Network>
[[gnu::noinline]] std::vector<network_tensor> tensors_of(Network& net) {
  std::vector<network_tensor> all;
  for_each_parameter(net, [&](std::string_view name, auto& p) {
    all.push_back({std::string(name), &p.value, &p.gradient, p.decays});
  });
  for_each_buffer(net, [&](std::string_view name, auto& b) {
    all.push_back({std::string(name), &b.value, nullptr, false});
  });
  return all;
}

/// Runs a network dry and writes down what inference on a batch [N,H,W,C] does.
template <class Enc, class Dec>
[[gnu::noinline]] trace record_network(const shape& batch, const output_head& head) {
  random_stream none(0);
  context<dry> ctx;
  const network<Enc, Dec, dry, dry_value> net(ctx, static_cast<int>(batch[3]), head, none);
  trace_recorder recorder;
  const auto introduce = [&](std::string_view name, const auto& p) {
    recorder.introduce(p.value.as_view(), std::string(name));
  };
  for_each_parameter(net, introduce);
  for_each_buffer(net, introduce);
  const tensor<float, dry> x(ctx, batch);
  recorder.set_input(x.as_view());
  ctx.record(&recorder);
  const auto y = net.forward(ctx, x, nullptr);
  return recorder.finish(y.as_view());
}

/// Runs a network dry, in the precision that `how` says (automatic: float32): forward alone, then a step of learning towards
/// targets of that many channels. The workspace of the loss is small beside them and left out.
template <class Enc, class Dec>
[[gnu::noinline]] resource_estimate estimate_network(const shape& batch, const output_head& head,
                                                     int target_channels = 0, const compute_settings& how = {}) {
  resource_estimate found;
  random_stream none(0);
  context<dry> ctx(how);
  network<Enc, Dec, dry, dry_value> net(ctx, static_cast<int>(batch[3]), head, none);
  for_each_parameter(net, [&](std::string_view, auto& p) { found.parameters += static_cast<double>(p.value.size()); });
  found.weight_bytes = static_cast<std::size_t>(found.parameters) * sizeof(float);
  for_each_buffer(net, [&](std::string_view, auto& b) {
    found.weight_bytes += static_cast<std::size_t>(b.value.size()) * sizeof(float);
  });
  found.gradient_bytes = static_cast<std::size_t>(found.parameters) * sizeof(float);
  const std::size_t weights = ctx.memory().use().held;
  const tensor<float, dry> x(ctx, batch);
  const shape y = net.forward(ctx, x, nullptr).shape(), truth{y[0], y[1], y[2], target_channels};
  found.inference = ctx.spent();
  found.inference_bytes = ctx.memory().use().held - weights;
  // Targets are made crop by crop in contexts of their own and joined to a batch.
  const tensor<float, dry> made(ctx, truth), target(ctx, truth);
  net.learn(ctx, x, [](const auto&, auto&) { return 0.0; });
  found.training = ctx.spent();
  found.training.flops -= found.inference.flops;
  found.training.bytes -= found.inference.bytes;
  found.training_bytes = ctx.memory().use().held - weights;
  return found;
}

}  // namespace aixcell
