#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <aixcell/core/image.hpp>

namespace aixcell {

/// What a user wants to know about an image.
enum class task {
  semantic_segmentation,  ///< a class for every pixel
  instance_segmentation,  ///< every object apart, with a class each where the data set has classes
  image_classification,   ///< a class for the whole image, as for crops with one cell each
};

/// As data sets, the command line and tables call it: semantic, instance, classification.
constexpr std::string_view to_string(task t) {
  switch (t) {
    case task::semantic_segmentation:
      return "semantic";
    case task::image_classification:
      return "classification";
    default:
      return "instance";
  }
}

/// The other way; nothing for another word.
constexpr std::optional<task> parse_task(std::string_view text) {
  for (const task t : {task::semantic_segmentation, task::instance_segmentation, task::image_classification})
    if (text == to_string(t)) return t;
  return std::nullopt;
}

/// One output of an encoder: channels, and how many input pixels one of its pixels spans.
struct feature_level {
  int channels;
  int stride;
  friend constexpr bool operator==(const feature_level&, const feature_level&) = default;
};

/// An image and what is known about it.
struct example {
  image picture;
  annotation truth;
};

/// Annotated images, read when asked for. `load` may be called from several threads.
class example_source {
 public:
  virtual ~example_source() = default;
  virtual index_t size() const = 0;
  virtual example load(index_t i) const = 0;
};

/// The state of a preprocess policy that learns nothing from the training split.
struct no_state {
  static void for_each_member(auto&, auto&&) {}
};

/// Mirror images: columns or rows in reverse order.
enum class mirror { horizontal, vertical };

// One requirement, one concept: the name is the sentence that the compiler prints.

template <class S>
concept HasName = requires {
  { S::name } -> std::convertible_to<std::string_view>;
};

template <class P>
concept SaysItsChannels = requires(int channels_in) {
  { P::channels_out(channels_in) } -> std::convertible_to<int>;
};
template <class P>
concept AppliesToAnImage = requires(const P p, context<cpu>& ctx, view<const float, cpu> pixels) {
  { p.apply(ctx, pixels) } -> std::same_as<tensor<float>>;
};
template <class P>
concept FitsAndApplies = requires(const P p, context<cpu>& ctx, view<const float, cpu> pixels,
                                  const example_source& training, const typename P::state& state) {
  { p.fit(ctx, training) } -> std::same_as<typename P::state>;
  { p.apply(ctx, pixels, state) } -> std::same_as<tensor<float>>;
};

/// Image [H,W,C] to normalised image [H',W',C']; labels follow a change of size by nearest neighbour.
template <class P>
concept Preprocess = HasName<P> && std::copyable<P> && SaysItsChannels<P> &&(AppliesToAnImage<P> || FitsAndApplies<P>);

template <class E>
concept HasFeatureLevels = requires {
  { E::levels.size() } -> std::convertible_to<std::size_t>;
  { E::levels[0] } -> std::convertible_to<feature_level>;
};

/// Image tensor to feature levels, finest first. `E::template network<Device, Real>` holds the parameters.
template <class E>
concept Encoder = HasName<E> && HasFeatureLevels<E> && requires {
  typename E::template network<cpu, float>;
};

template <class D>
concept HasLevelsNeeded = requires {
  { D::levels_needed } -> std::convertible_to<std::size_t>;
};
template <class D>
concept HasOutputChannels = requires(std::span<const feature_level> levels) {
  { D::output_channels(levels) } -> std::convertible_to<int>;
};

/// Feature levels to one map, whose channels may depend on the levels': dense, at the resolution of the input image, or,
/// where `D::pools` is true, of a single pixel.
template <class D>
concept DecoderStage = HasName<D> && HasLevelsNeeded<D> && HasOutputChannels<D> && requires {
  typename D::template network<cpu, float>;
};

template <class P>
concept SaysItsTask = requires {
  { P::solves } -> std::convertible_to<task>;
};
template <class P>
concept SaysItsOutputChannels = requires(const P p) {
  { p.output_channels() } -> std::convertible_to<int>;
};
template <class P>
concept MakesTargets = requires(const P p, context<cpu>& ctx, const annotation& truth) {
  { p.target_channels() } -> std::convertible_to<int>;
  { p.target(ctx, truth) } -> std::same_as<tensor<float>>;
};
template <class P>
concept HasLoss = requires(const P p, context<cpu>& ctx, view<const float, cpu> output, view<const float, cpu> target,
                           view<float, cpu> gradient) {
  { p.loss(ctx, output, target, gradient) } -> std::convertible_to<double>;
};
template <class P>
concept DecodesOutput = requires(const P p, context<cpu>& ctx, view<const float, cpu> output) {
  { p.decode(ctx, output) } -> std::same_as<prediction>;
};

/// A representation of the answer, both ways: annotation to training target, network output to prediction.
template <class P>
concept Postprocess = HasName<P> && std::copyable<P> && SaysItsTask<P> && SaysItsOutputChannels<P> && MakesTargets<P> &&
    HasLoss<P> && DecodesOutput<P>;

/// Between two stages.
template <class Dec, class Enc>
concept EncoderHasEnoughLevels = Dec::levels_needed <= Enc::levels.size();

namespace detail {
// A function, because cudafe++ 13.0 finds a lambda here false whatever it returns.
template <class Enc>
constexpr bool strides_double() {
  for (std::size_t i = 1; i < Enc::levels.size(); ++i)
    if (Enc::levels[i].stride != 2 * Enc::levels[i - 1].stride) return false;
  return true;
}
}  // namespace detail

template <class Enc>
concept StridesDouble = detail::strides_double<Enc>();

namespace detail {

/// What a decoder makes, or a postprocess takes: one vector for the whole image, or one for each pixel.
template <class Stage>
inline constexpr bool pools = [] {
  if constexpr (requires { Stage::pools; }) return Stage::pools;
  return false;
}();

}  // namespace detail

template <class Dec, class Post>
concept PostprocessTakesWhatTheDecoderGives = detail::pools<Dec> == detail::pools<Post>;

template <class Pre, class Enc, class Dec, class Post>
concept Composable = Preprocess<Pre> && Encoder<Enc> && DecoderStage<Dec> && Postprocess<Post> && StridesDouble<Enc> &&
    EncoderHasEnoughLevels<Dec, Enc> && PostprocessTakesWhatTheDecoderGives<Dec, Post>;

}  // namespace aixcell
