#pragma once
#include <boost/hana/for_each.hpp>
#include <boost/hana/size.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <aixcell/library/pipeline_list.hpp>
#include <aixcell/pipeline/pipeline.hpp>

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

/// Adds one pipeline.
template <class Pre, class Enc, class Dec, class Post>
requires Composable<Pre, Enc, Dec, Post>
void add_pipeline(pipeline_list& list) {
  using type = pipeline<Pre, Enc, Dec, Post>;
  const type prototype;
  list.add({type::stable_name(), std::string(Pre::name), std::string(Enc::name), std::string(Dec::name),
            std::string(Post::name), Post::solves, prototype.needs_nuclei(), prototype.needs_object_classes(),
            prototype.needs_image_classes(), [] { return std::make_unique<type>(); }});
}

/// Adds every combination that fits. What does not fit is left out: the same concepts that make a pipeline written by
/// hand fail with a sentence filter the product.
///
///     add_product(list, stages<percentile, z_score>, stages<resnet18>, stages<unet, fpn>, stages<star_convex<32>>);
template <class Preprocesses, class Encoders, class Decoders, class Postprocesses>
void add_product(pipeline_list& list, Preprocesses preprocesses, Encoders encoders, Decoders decoders,
                 Postprocesses postprocesses) {
  namespace hana = boost::hana;
  static_assert(decltype(hana::size(preprocesses))::value * decltype(hana::size(encoders))::value *
                        decltype(hana::size(decoders))::value * decltype(hana::size(postprocesses))::value <=
                    1024,
                "more than 1024 combinations in one unit: spread them over several with aixcell_add_instances");
  // A pair of network stages that does not fit is dropped before anything multiplies with it.
  for_each_network(encoders, decoders, [&]<class Enc, class Dec>(one_network<Enc, Dec>) {
    hana::for_each(preprocesses, [&]<class Pre>(hana::basic_type<Pre>) {
      hana::for_each(postprocesses, [&]<class Post>(hana::basic_type<Post>) {
        if constexpr (Composable<Pre, Enc, Dec, Post>) add_pipeline<Pre, Enc, Dec, Post>(list);
      });
    });
  });
}

}  // namespace aixcell
