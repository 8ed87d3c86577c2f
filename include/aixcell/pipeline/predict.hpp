#pragma once
#include <chrono>
#include <cmath>
#include <string>
#include <string_view>

#include <aixcell/kernels/cpu/resize.hpp>
#include <aixcell/kernels/cpu/tiles.hpp>
#include <aixcell/pipeline/any_pipeline.hpp>
#include <aixcell/pipeline/compute_device.hpp>
#include <aixcell/pipeline/tiled_output.hpp>

namespace aixcell {

namespace detail {

/// What f() gives, after telling the options how long that stage took.
template <class Function>
auto timed(const predict_options& options, std::string_view stage, Function&& f) {
  const auto begin = std::chrono::steady_clock::now();
  auto result = f();
  if (options.took)
    options.took(stage, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return result;
}

/// How the postprocess wants the channels of a mirrored map: it tells by one pixel that holds 1, 2, 3, ...
inline channel_order order_of_channels(const any_pipeline& model) {
  return [&model](mirrored_axes axes, index_t channels) {
    tensor<float> pixel({1, 1, channels});
    for (index_t c = 0; c < channels; ++c) pixel[c] = static_cast<float>(c + 1);
    if (axes.horizontal) model.restore_directions(pixel, mirror::horizontal);
    if (axes.vertical) model.restore_directions(pixel, mirror::vertical);
    tensor<std::int32_t> order({channels});
    for (index_t c = 0; c < channels; ++c) {
      if (!(std::abs(pixel[c]) >= 1 && std::abs(pixel[c]) <= static_cast<float>(channels)))
        throw error(model.name() +
                    ": `flip` of its postprocess must put channels into another order or change their sign, "
                    "and nothing else");
      order[c] = static_cast<std::int32_t>(std::lround(pixel[c]));
    }
    return order;
  };
}

inline void require_usable_image(const any_pipeline& model, view<const float, cpu> pixels) {
  require_rank("predict", 3, "an image [H,W,C]", pixels.shape());
  if (pixels.empty()) throw shape_error("predict: the image is empty " + to_string(pixels.shape()));
  if (pixels.extent(2) != model.setup().channels)
    throw shape_error("predict: the model was trained on " + std::to_string(model.setup().channels) +
                      " channel(s), the image has " + std::to_string(pixels.extent(2)) +
                      "; select the same channels as in training");
}

}  // namespace detail

/// The network's output [H',W',K] for preprocessed pixels [H',W',C] of any size, on the processor: see tiled_output.
inline tensor<float> predict_dense(context<cpu>& ctx, const any_pipeline& model, const tensor<float>& pixels,
                                   const predict_options& options = {}) {
  return tiled_output(
      ctx, pixels, options, [&](const tensor<float>& x) { return model.forward(ctx, x); },
      detail::order_of_channels(model));
}

/// Decodes a dense map and brings the result to the size of the image, whatever size the network saw.
inline prediction decode_to_size(context<cpu>& ctx, const any_pipeline& model, view<const float, cpu> dense,
                                 index_t height, index_t width) {
  prediction found = model.decode(ctx, dense);
  fit_labels(found, height, width);
  return found;
}

namespace detail {

/// An image or a map of `predict`: here, or on the device where the network is.
struct placed_map {
  tensor<float> here;
  device_map_pointer there;  // null: here
  shape extents() const { return there ? there->extents() : here.shape(); }
};

/// The stages of a pipeline as predict goes through them. Where its network is on a device, an image goes over before the first
/// stage that has a twin there, and what the last such stage makes comes back; what has no twin is done here, and `took` is told.
class predicting {
 public:
  predicting(context<cpu>& ctx, const any_pipeline& model, const predict_options& options)
      : ctx_(ctx), model_(model), options_(options), device_(model.on_device()) {}

  placed_map preprocessed(view<const float, cpu> pixels) const {
    return timed(options_, stage("preprocessing", device_.preprocess), [&]() -> placed_map {
      if (is_there(device_.preprocess))
        return {{}, device_.network->preprocess(device_.preprocess, *device_.network->upload(pixels))};
      tensor<float> prepared = model_.preprocess(ctx_, pixels);
      if (device_.network) return {{}, device_.network->upload(prepared)};
      return {std::move(prepared), nullptr};
    });
  }

  /// Of the part `where`, which may be the whole.
  placed_map dense(const placed_map& prepared, const rectangle& where) const {
    return timed(options_, "network", [&]() -> placed_map {
      if (prepared.there)
        return {{}, device_.network->dense(*prepared.there, where, options_, order_of_channels(model_))};
      const bool whole = where == rectangle{0, 0, prepared.here.extent(0), prepared.here.extent(1)};
      return {predict_dense(ctx_, model_, whole ? prepared.here : crop_reflected(prepared.here, where), options_),
              nullptr};
    });
  }

  prediction decoded(placed_map& dense, index_t height, index_t width) const {
    return timed(options_, stage("decoding", device_.postprocess), [&] {
      if (dense.there && !is_there(device_.postprocess)) bring_here(dense);
      if (!dense.there) return decode_to_size(ctx_, model_, dense.here, height, width);
      prediction found = device_.network->decode(device_.postprocess, *dense.there);
      fit_labels(found, height, width);
      return found;
    });
  }

  tensor<float> here(placed_map dense) const {
    bring_here(dense);
    return std::move(dense.here);
  }

 private:
  bool is_there(const stage_reference& stage) const { return device_.network && device_.network->has_twin(stage); }
  std::string stage(const char* name, const stage_reference& which) const {
    return device_.network && !is_there(which) ? std::string(name) + " on the processor" : std::string(name);
  }
  void bring_here(placed_map& map) const {
    if (map.there) map = {device_.network->download(*map.there), nullptr};
  }

  context<cpu>& ctx_;
  const any_pipeline& model_;
  const predict_options& options_;
  device_stages device_;
};

}  // namespace detail

/// Preprocess, network, postprocess. Pixels [H,W,C] in file units, any size from 1x1, as many channels as in training
/// (else shape_error), finite (else data_error).
inline prediction predict(context<cpu>& ctx, const any_pipeline& model, view<const float, cpu> pixels,
                          const predict_options& options = {}) {
  detail::require_usable_image(model, pixels);
  const detail::predicting stages(ctx, model, options);
  const detail::placed_map prepared = stages.preprocessed(pixels);
  detail::placed_map dense = stages.dense(prepared, {0, 0, prepared.extents()[0], prepared.extents()[1]});
  prediction found = stages.decoded(dense, pixels.extent(0), pixels.extent(1));
  if (options.keep_dense) found.dense = stages.here(std::move(dense));
  return found;
}

inline prediction predict(context<cpu>& ctx, const any_pipeline& model, const image& picture,
                          const predict_options& options = {}) {
  return predict(ctx, model, picture.pixels.as_view(), options);
}

}  // namespace aixcell
