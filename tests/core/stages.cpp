#include <aixcell/core/stages.hpp>

#include "support/catch.hpp"

using namespace aixcell;

// Tests of the compiler: this file compiles or it does not. tests/compile_fail has the sentences.
namespace {

struct halve {
  static constexpr std::string_view name = "halve";
  static constexpr int channels_out(int channels_in) { return channels_in; }
  tensor<float> apply(context<cpu>&, view<const float, cpu>) const;
};
struct fitted : halve {
  struct state {
    float mean = 0;
  };
  state fit(context<cpu>&, const example_source&) const;
  tensor<float> apply(context<cpu>&, view<const float, cpu>, const state&) const;
};
struct without_apply {
  static constexpr std::string_view name = "without_apply";
  static constexpr int channels_out(int channels_in) { return channels_in; }
};
static_assert(Preprocess<halve> && AppliesToAnImage<halve> && !FitsAndApplies<halve>);
static_assert(Preprocess<fitted> && FitsAndApplies<fitted>);
static_assert(HasName<without_apply> && !Preprocess<without_apply>);

template <int... Stride>
struct encoder_with_strides {
  static constexpr std::string_view name = "encoder";
  static constexpr std::array<feature_level, sizeof...(Stride)> levels{{{.channels = 8, .stride = Stride}...}};
  template <class Device, class Real>
  struct network {};
};
template <std::size_t Levels>
struct decoder_of_levels {
  static constexpr std::string_view name = "decoder";
  static constexpr std::size_t levels_needed = Levels;
  static constexpr int output_channels(std::span<const feature_level>) { return 8; }
  template <class Device, class Real>
  struct network {};
};
struct foreground {
  static constexpr std::string_view name = "foreground";
  static constexpr task solves = task::semantic_segmentation;
  int output_channels() const { return 2; }
  int target_channels() const { return 1; }
  tensor<float> target(context<cpu>&, const annotation&) const;
  double loss(context<cpu>&, view<const float, cpu>, view<const float, cpu>, view<float, cpu>) const;
  prediction decode(context<cpu>&, view<const float, cpu>) const;
};
static_assert(Encoder<encoder_with_strides<1, 2, 4>> && !Encoder<halve>);
static_assert(DecoderStage<decoder_of_levels<3>> && !DecoderStage<encoder_with_strides<1>>);
static_assert(Postprocess<foreground> && !Postprocess<halve>);

static_assert(StridesDouble<encoder_with_strides<1>> && StridesDouble<encoder_with_strides<2, 4, 8>>);
static_assert(!StridesDouble<encoder_with_strides<1, 4>> && !StridesDouble<encoder_with_strides<4, 2, 1>>);
static_assert(EncoderHasEnoughLevels<decoder_of_levels<3>, encoder_with_strides<1, 2, 4>>);
static_assert(!EncoderHasEnoughLevels<decoder_of_levels<4>, encoder_with_strides<1, 2, 4>>);

static_assert(Composable<halve, encoder_with_strides<1, 2, 4>, decoder_of_levels<3>, foreground>);
static_assert(!Composable<halve, encoder_with_strides<1, 2, 4>, decoder_of_levels<4>, foreground>);
static_assert(!Composable<halve, encoder_with_strides<1, 3>, decoder_of_levels<1>, foreground>);
static_assert(!Composable<foreground, encoder_with_strides<1>, decoder_of_levels<1>, foreground>);

}  // namespace

TEST_CASE("a preprocess without state has nothing to save", "[core]") {
  int visited = 0;
  no_state nothing;
  no_state::for_each_member(nothing, [&](auto&&...) { ++visited; });
  CHECK(visited == 0);
}
