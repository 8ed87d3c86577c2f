#pragma once
#include <utility>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/visit.hpp>

namespace aixcell {

/// Encoder, decoder and a 1x1 convolution that gives the postprocess its channels: [N,H,W,C] to [N,H,W,K].
/// A layer like any other, of any image size from 1x1.
template <Encoder Enc, DecoderStage Dec, class Device, class Real = float>
struct network {
  static_assert(EncoderHasEnoughLevels<Dec, Enc>, "the decoder needs more feature levels than this encoder has");
  static_assert(StridesDouble<Enc>, "every feature level of the encoder must have twice the stride of the one before");

  using encoder_network = typename Enc::template network<Device, Real>;
  using decoder_network = typename Dec::template network<Device, Real>;

  struct saved {
    typename encoder_network::saved encoder;
    typename decoder_network::saved decoder;
    typename convolution<Device, Real>::saved head;
  };

  network(context<Device>& ctx, int channels_in, int channels_out, random_stream& random)
      : encoder(ctx, channels_in, random),
        decoder(ctx, Enc::levels, random),
        head(ctx, {.inputs = decoder.output_channels(), .outputs = channels_out, .kernel = 1, .bias = true}, random) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto levels = encoder.forward(ctx, x, keep ? &keep->encoder : nullptr);
    const auto dense = decoder.forward(ctx, std::move(levels), x.extent(1), x.extent(2), keep ? &keep->decoder : nullptr);
    return head.forward(ctx, dense, keep ? &keep->head : nullptr);
  }

  void backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    dy = head.backward(ctx, dy, kept.head);
    encoder.backward(ctx, decoder.backward(ctx, std::move(dy), kept.decoder), kept.encoder);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
    visit("head", self.head);
  }

  encoder_network encoder;
  decoder_network decoder;
  convolution<Device, Real> head;
};

}  // namespace aixcell
