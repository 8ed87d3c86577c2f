#pragma once
#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <aixcell/library/pipeline_list.hpp>
#include <aixcell/pipeline/staged_pipeline.hpp>

namespace aixcell {

/// Stages to combine: `stages<plain<4, 16>, resnet18>`.
template <class... Stage>
inline constexpr auto stages = boost::hana::tuple_t<Stage...>;

/// An encoder and a decoder that fit, as a value.
template <class Enc, class Dec>
requires(EncoderHasEnoughLevels<Dec, Enc>&& StridesDouble<Enc>) struct one_network {
};

/// Calls f(one_network<Enc, Dec>) for every pair that fits.
template <class Encoders, class Decoders, class Function>
void for_each_network(Encoders encoders, Decoders decoders, Function&& f) {
  namespace hana = boost::hana;
  hana::for_each(encoders, [&]<class Enc>(hana::basic_type<Enc>) {
    hana::for_each(decoders, [&]<class Dec>(hana::basic_type<Dec>) {
      if constexpr (EncoderHasEnoughLevels<Dec, Enc> && StridesDouble<Enc>) f(one_network<Enc, Dec>{});
    });
  });
}

namespace detail {

template <class Stage, class Base>
std::unique_ptr<Base> make_stage() {
  return std::make_unique<Stage>();
}

/// What makes the parts of a pipeline. Not a template: a combination of stages that are compiled in costs no code.
struct stage_makers {
  std::unique_ptr<any_preprocess> (*preprocess)();
  std::unique_ptr<any_network> (*network)();
  std::unique_ptr<any_postprocess> (*postprocess)();
};

inline void add_combination(pipeline_list& list, const stage_makers& stages) {
  const auto pre = stages.preprocess();
  const auto net = stages.network();
  const auto post = stages.postprocess();
  list.add({.name = staged_pipeline(stages.preprocess(), stages.network(), stages.postprocess()).name(),
            .preprocess = std::string(pre->name()),
            .encoder = std::string(net->encoder()),
            .decoder = std::string(net->decoder()),
            .postprocess = std::string(post->name()),
            .solves = post->solves(),
            .needs_nuclei = post->needs_nuclei(),
            .needs_object_classes = post->needs_object_classes(),
            .needs_image_classes = post->needs_image_classes(),
            .make = [stages] {
              return std::make_unique<staged_pipeline>(stages.preprocess(), stages.network(), stages.postprocess());
            }});
}

}  // namespace detail

/// Adds one pipeline.
template <class Pre, class Enc, class Dec, class Post, purpose For = purpose::training>
requires Composable<Pre, Enc, Dec, Post>
void add_pipeline(pipeline_list& list) {
  detail::add_combination(list, {&detail::make_stage<preprocess_stage<Pre>, any_preprocess>,
                                 &detail::make_stage<network_stage<Enc, Dec, For>, any_network>,
                                 &detail::make_stage<postprocess_stage<Post>, any_postprocess>});
}

/// Adds every combination that fits. What does not fit is left out: the same concepts that make a pipeline written by
/// hand fail with a sentence filter the product.
///
///     add_product(list, stages<percentile, z_score>, stages<resnet18>, stages<unet, fpn>, stages<star_convex<32>>);
///
/// add_product<purpose::prediction>(list, ...) for a program that trains nothing.
template <purpose For = purpose::training, class Preprocesses, class Encoders, class Decoders, class Postprocesses>
void add_product(pipeline_list& list, Preprocesses preprocesses, Encoders encoders, Decoders decoders,
                 Postprocesses postprocesses) {
  namespace hana = boost::hana;
  // A pair of network stages that does not fit is dropped before anything multiplies with it.
  for_each_network(encoders, decoders, [&]<class Enc, class Dec>(one_network<Enc, Dec>) {
    hana::for_each(preprocesses, [&]<class Pre>(hana::basic_type<Pre>) {
      hana::for_each(postprocesses, [&]<class Post>(hana::basic_type<Post>) {
        if constexpr (Composable<Pre, Enc, Dec, Post>) add_pipeline<Pre, Enc, Dec, Post, For>(list);
      });
    });
  });
}

}  // namespace aixcell
