// Encoders, decoders and whole networks on a device: what plain and resnet encoders need under unet, linknet and fpn.
#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/linknet.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/pipeline/network.hpp>
#include "support/catch.hpp"
#include "twins.hpp"

namespace aixcell {
namespace {

/// A whole network as a layer.
template <class Enc, class Dec, class Device, class Real>
struct whole_network {
  using net_type = network<Enc, Dec, Device, Real>;
  using saved = typename net_type::saved;
  using image = typename net_type::image;

  image forward(context<Device>& ctx, const image& x, saved* keep) const { return net.forward(ctx, x, keep); }
  image backward(context<Device>& ctx, image dy, saved& kept) {
    net.backward(ctx, std::move(dy), kept);
    return {};
  }
  static void for_each_member(auto& self, auto&& visit) { visit("network", self.net); }

  net_type net;
};

template <class Enc, class Dec, class Real = float>
void check_network(context<device_under_test>& ctx, const shape& input, const output_head& head, const twin_tolerance& t) {
  CAPTURE(Enc::name, Dec::name);
  check_twins<float>(ctx, input, [&](auto& c, auto, random_stream& random) {
    using device = device_of<decltype(c)>;
    return whole_network<Enc, Dec, device, Real>{{c, static_cast<int>(input[3]), head, random}};
  }, t);
}

}  // namespace

TEST_CASE("networks on a device agree with the processor's", "[layers][gpu]") {
  context<device_under_test> ctx;
  // Through batch normalisation of few values, float32 sums of another order are magnified.
  const twin_tolerance whole{.in_float = 2e-3};
  check_network<plain<3, 8>, unet>(ctx, {2, 13, 11, 1}, {.channels = 3, .features = 8}, whole);
  check_network<plain<2, 8>, unet_transposed>(ctx, {1, 9, 14, 3}, {.channels = 2}, whole);
  check_network<plain<3, 8>, linknet>(ctx, {2, 13, 11, 2}, {.channels = 3}, whole);
  check_network<plain<3, 8>, fpn>(ctx, {2, 13, 11, 1}, {.channels = 3}, whole);
}

TEST_CASE("a residual network on a device agrees with the processor's", "[layers][gpu]") {
  context<device_under_test> ctx;
  check_network<resnet18, linknet>(ctx, {2, 37, 35, 1}, {.channels = 3}, {.in_float = 5e-3});
}

}  // namespace aixcell
