#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/metrics/matching.hpp>
#include <aixcell/report/picture.hpp>

namespace aixcell {

/// Colours of classes: Okabe and Ito 2008, told apart by colour-blind people, too. -1 (no class) is gray.
inline rgb class_colour(int object_class) {
  constexpr std::array<rgb, 7> colours{
      {{230, 159, 0}, {86, 180, 233}, {0, 200, 140}, {240, 228, 66}, {204, 121, 167}, {213, 94, 0}, {0, 114, 178}}};
  if (object_class < 0) return {160, 160, 160};
  return colours[static_cast<std::size_t>(object_class) % colours.size()];
}

/// A colour for an object: bright, and far in hue from that of the next numbers.
inline rgb label_colour(std::int32_t label) {
  const double turn = 6 * std::fmod(0.61803398875 * static_cast<double>(label), 1.0);  // golden ratio: never repeats
  const auto channel = [&](double shift) {
    const double wave = std::clamp(std::abs(std::fmod(turn + shift, 6.0) - 3.0) - 1.0, 0.0, 1.0);
    return static_cast<std::uint8_t>(70 + 185 * wave);
  };
  return {channel(0), channel(4), channel(2)};
}

namespace detail {

inline void mix(view<std::uint8_t, cpu> picture, index_t pixel, rgb colour, float share) {
  for (index_t c = 0; c < 3; ++c) {
    auto& value = picture[3 * pixel + c];
    value = rounded_byte(static_cast<float>(value) * (1 - share) +
                         static_cast<float>(colour[static_cast<std::size_t>(c)]) * share);
  }
}

/// Draws objects: the innermost pixels of each object's edge opaque, its area tinted. The image's border is no edge.
/// colour(label) gives nullptr for an object that is not drawn, else its colour; each range of rows has its own copy.
template <class Colour>
void draw_objects(const context<cpu>& ctx, view<std::uint8_t, cpu> picture, label_view labels, float tint,
                  const Colour& colour) {
  const index_t height = labels.extent(0), width = labels.extent(1);
  parallel_ranges(ctx, height, 64, [&](index_t begin, index_t end) {
    Colour own = colour;
    for (index_t y = begin; y < end; ++y)
      for (index_t x = 0; x < width; ++x) {
        const index_t i = y * width + x;
        const std::int32_t label = labels[i];
        if (label <= 0) continue;
        const rgb* drawn = own(label);
        if (!drawn) continue;
        const bool edge = (y > 0 && labels[i - width] != label) || (y + 1 < height && labels[i + width] != label) ||
                          (x > 0 && labels[i - 1] != label) || (x + 1 < width && labels[i + 1] != label);
        mix(picture, i, *drawn, edge ? 1.0f : tint);
      }
  });
}

/// To draw on: the picture itself, if nobody else has it.
inline rgb_picture canvas_of(rgb_picture picture) { return picture.is_sole_owner() ? picture : picture.clone(); }

}  // namespace detail

/// The picture with every object outlined and lightly tinted: coloured by class where `classes` has one entry per
/// object (class of object i+1; -1 unknown is gray), else every object in its own colour.
/// Throws shape_error unless labels [H,W] fit the picture [H,W,3]. A picture that is moved here is drawn on.
inline rgb_picture object_overlay(const context<cpu>& ctx, rgb_picture picture, label_view labels,
                                  const std::vector<int>& classes = {}) {
  require_rank("object_overlay", 2, "a label map [H,W]", labels.shape());
  require_shape("object_overlay", {labels.extent(0), labels.extent(1), 3}, picture.shape());
  rgb_picture drawn = detail::canvas_of(std::move(picture));
  detail::draw_objects(ctx, drawn, labels, 0.18f, [&, colour = rgb{}, coloured = 0](std::int32_t label) mutable {
    if (std::exchange(coloured, label) == label) return &colour;  // neighbours mostly agree
    const auto i = static_cast<std::size_t>(label) - 1;
    colour = classes.empty() ? label_colour(label) : class_colour(i < classes.size() ? classes[i] : -1);
    return &colour;
  });
  return drawn;
}
inline rgb_picture object_overlay(rgb_picture picture, label_view labels, const std::vector<int>& classes = {}) {
  return object_overlay(context<cpu>(1), std::move(picture), labels, classes);
}

/// The picture with every pixel tinted by its class; class 0, the background, stays as it is. A picture that is moved here
/// is drawn on.
inline rgb_picture class_overlay(rgb_picture picture, label_view classes) {
  require_rank("class_overlay", 2, "a class map [H,W]", classes.shape());
  require_shape("class_overlay", {classes.extent(0), classes.extent(1), 3}, picture.shape());
  rgb_picture drawn = detail::canvas_of(std::move(picture));
  for (index_t i = 0; i < classes.size(); ++i)
    if (classes[i] > 0) detail::mix(drawn, i, class_colour(classes[i] - 1), 0.45f);
  return drawn;
}

inline constexpr rgb found_colour{40, 210, 110}, false_colour{255, 60, 60}, missed_colour{255, 205, 0};

/// For the caption of `object_errors` and of `class_errors`.
inline constexpr std::string_view object_errors_legend =
    "green: found (IoU \u2265 0.5), red: predicted but not there, yellow: missed";
inline constexpr std::string_view class_errors_legend = "red: predicted class is wrong";

/// The picture with predicted objects that are matched outlined green, those that are not red, and true objects that
/// are not yellow. The maps may be shrunken ones; `result` is the matching of the full ones.
inline rgb_picture object_errors(const rgb_picture& picture, label_view truth, label_view predicted,
                                 const matching_result& result) {
  require_equal_shapes("object_errors", truth, predicted);
  require_rank("object_errors", 2, "label maps [H,W]", truth.shape());
  require_shape("object_errors", {truth.extent(0), truth.extent(1), 3}, picture.shape());
  std::vector<std::int32_t> truth_matched, predicted_matched;
  for (const matched_pair& pair : result.pairs) {
    truth_matched.push_back(pair.truth);
    predicted_matched.push_back(pair.predicted);
  }
  std::sort(predicted_matched.begin(), predicted_matched.end());
  const auto holds = [](const auto& labels, std::int32_t label) {
    return std::binary_search(labels.begin(), labels.end(), label);
  };
  const context<cpu> ctx(1);
  rgb_picture drawn = picture.clone();
  // Misses first: where both overlap, what was predicted stays on top.
  detail::draw_objects(ctx, drawn, truth, 0.30f,
                       [&](std::int32_t label) { return holds(truth_matched, label) ? nullptr : &missed_colour; });
  detail::draw_objects(ctx, drawn, predicted, 0.0f,
                       [&](std::int32_t label) { return holds(predicted_matched, label) ? &found_colour : nullptr; });
  detail::draw_objects(ctx, drawn, predicted, 0.30f,
                       [&](std::int32_t label) { return holds(predicted_matched, label) ? nullptr : &false_colour; });
  return drawn;
}

inline rgb_picture object_errors(const rgb_picture& picture, label_view truth, label_view predicted) {
  return object_errors(picture, truth, predicted, matching(truth, predicted));
}

/// The picture with pixels of the wrong class red; ignored pixels stay as they are.
inline rgb_picture class_errors(const rgb_picture& picture, label_view truth, label_view predicted) {
  require_equal_shapes("class_errors", truth, predicted);
  require_rank("class_errors", 2, "class maps [H,W]", truth.shape());
  require_shape("class_errors", {truth.extent(0), truth.extent(1), 3}, picture.shape());
  rgb_picture drawn = picture.clone();
  for (index_t i = 0; i < truth.size(); ++i)
    if (truth[i] != ignored_label && predicted[i] != ignored_label && truth[i] != predicted[i])
      detail::mix(drawn, i, false_colour, 0.6f);
  return drawn;
}

/// One image in four views, all [H,W,3] of one size.
struct comparison {
  rgb_picture picture;
  rgb_picture truth;
  rgb_picture predicted;
  rgb_picture errors;

  /// picture | truth | prediction | errors
  rgb_picture panel() const { return side_by_side({picture, truth, predicted, errors}); }
};

struct comparison_options {
  aixcell::task task = aixcell::task::instance_segmentation;
  index_t longest_side = 640;  ///< larger images are shrunk by a whole factor
};

/// Draws an image [H,W,C] with what is true and what was predicted. Objects are coloured by class where they have one.
inline comparison compare(view<const float, cpu> pixels, const annotation& truth, const prediction& predicted,
                          const comparison_options& options = {}) {
  require_rank("compare", 3, "an image [H,W,C]", pixels.shape());
  require_shape("compare", {pixels.extent(0), pixels.extent(1)}, truth.labels.shape());
  require_shape("compare", {pixels.extent(0), pixels.extent(1)}, predicted.labels.shape());
  const index_t factor = shrink_factor(pixels.extent(0), pixels.extent(1), {.longest_side = options.longest_side});
  const label_map true_labels = shrunk_labels(truth.labels, factor);
  const label_map predicted_labels = shrunk_labels(predicted.labels, factor);
  comparison c;
  c.picture = display(shrunk_image(pixels, factor));
  if (options.task == task::semantic_segmentation) {
    c.truth = class_overlay(c.picture, true_labels);
    c.predicted = class_overlay(c.picture, predicted_labels);
    c.errors = class_errors(c.picture, true_labels, predicted_labels);
    return c;
  }
  std::vector<int> predicted_classes;
  if (!truth.object_class.empty())
    for (const detected_object& object : predicted.objects) predicted_classes.push_back(object.object_class);
  c.truth = object_overlay(c.picture, true_labels, truth.object_class);
  c.predicted = object_overlay(c.picture, predicted_labels, predicted_classes);
  c.errors = object_errors(c.picture, true_labels, predicted_labels, matching(truth.labels, predicted.labels));
  return c;
}

}  // namespace aixcell
