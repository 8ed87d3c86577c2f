#pragma once
#include <aixcell/pipeline/staged_pipeline.hpp>

namespace aixcell {

/// Four stages in a row: the type says everything that must be known before the first byte of data. Checks, the
/// backward pass, cost, memory and the search space follow from it.
///
///     pipeline<percentile, plain<4, 16>, unet, star_convex<32>> model;
///     fit(ctx, model, training_data, {.budget_s = 600});
///     prediction p = predict(ctx, model, read_image("cells.tif"));
///
/// A program that only loads models and predicts says so, and has a fifth less to compile:
///
///     pipeline<percentile, plain<4, 16>, unet, star_convex<32>, purpose::prediction> model;
template <Preprocess Pre, Encoder Enc, DecoderStage Dec, Postprocess Post, purpose For = purpose::training>
class pipeline final : public staged_pipeline {
  static_assert(EncoderHasEnoughLevels<Dec, Enc>, "the decoder needs more feature levels than this encoder has");
  static_assert(StridesDouble<Enc>, "every feature level of the encoder must have twice the stride of the one before");
  static_assert(PostprocessTakesWhatTheDecoderGives<Dec, Post>,
                "the decoder gives one vector for the whole image and the postprocess takes a dense map, or the other way "
                "round: pooled goes with image_class");

 public:
  explicit pipeline(Pre pre = {}, Post post = {})
      : staged_pipeline(std::make_unique<preprocess_stage<Pre>>(std::move(pre)),
                        std::make_unique<network_stage<Enc, Dec, For>>(),
                        std::make_unique<postprocess_stage<Post>>(std::move(post))) {}

  Pre& preprocess_policy() { return static_cast<preprocess_stage<Pre>&>(preprocess_part()).policy; }
  Post& postprocess_policy() { return static_cast<postprocess_stage<Post>&>(postprocess_part()).policy; }
};

}  // namespace aixcell
