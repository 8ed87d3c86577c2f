#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <aixcell/data/dataset.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/distance_transform.hpp>
#include <aixcell/kernels/cpu/gaussian_blur.hpp>
#include <aixcell/kernels/cpu/h_maxima.hpp>
#include <aixcell/kernels/cpu/watershed.hpp>
#include <aixcell/metrics/matching.hpp>
#include <aixcell/preprocess/percentile.hpp>

namespace aixcell {

/// The threshold that parts values into two classes of greatest variance between them (Otsu 1979), of a histogram with
/// 256 bins from the least to the greatest; that value itself where all are equal or there is none.
inline float otsu_threshold(view<const float, cpu> values) {
  if (values.empty()) return 0;
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  const double low = static_cast<double>(*least), width = (static_cast<double>(*greatest) - low) / 256;
  if (!(width > 0)) return *greatest;
  std::array<double, 256> count{};
  double all = 0, sum = 0;
  for (const float v : values) {
    const auto bin = std::min<std::size_t>(255, static_cast<std::size_t>((static_cast<double>(v) - low) / width));
    ++count[bin];
    ++all;
    sum += static_cast<double>(bin);
  }
  double below = 0, sum_below = 0, best = -1;
  std::size_t cut = 0;
  for (std::size_t b = 0; b < 255; ++b) {
    below += count[b];
    sum_below += static_cast<double>(b) * count[b];
    if (below == 0 || below == all) continue;
    const double apart = sum_below / below - (sum - sum_below) / (all - below);
    if (const double between = below * (all - below) * apart * apart; between > best) best = between, cut = b;
  }
  return static_cast<float>(low + static_cast<double>(cut + 1) * width);
}

/// Objects without a network: one channel, smoothed and cut by Otsu's threshold; touching objects are parted by a watershed
/// of the distance to the outside.
struct threshold_baseline {
  index_t channel = 0;
  bool dark = false;    ///< objects are darker than what is around them
  float smoothing = 1;  ///< pixels, standard deviation
  float seed_height =
      0;  ///< pixels by which the middle of an object stands above the way to the next; 0: nothing is parted
  index_t least_area = 1;  ///< pixels

  label_map predict(context<cpu>& ctx, view<const float, cpu> pixels) const {
    require_rank("threshold_baseline", 3, "an image [H,W,C]", pixels.shape());
    const index_t channels = pixels.extent(2);
    tensor<float> plane({pixels.extent(0), pixels.extent(1)});
    for (index_t p = 0; p < plane.size(); ++p) plane[p] = (dark ? -1.0f : 1.0f) * pixels[p * channels + channel];
    gaussian_blur(ctx, plane, {smoothing, smoothing});
    const float threshold = otsu_threshold(plane);
    tensor<std::uint8_t> mask(plane.shape());
    for (index_t p = 0; p < mask.size(); ++p) mask[p] = plane[p] > threshold;
    label_map labels(plane.shape());
    connected_components(mask, connectivity::four, labels);
    if (seed_height > 0) part(ctx, mask, labels);
    drop_small(labels);
    return labels;
  }

 private:
  void part(context<cpu>& ctx, const tensor<std::uint8_t>& mask, label_map& labels) const {
    tensor<float> distance(labels.shape());
    distance_to_outside(ctx, labels, distance);
    h_maxima(distance, {.depth = seed_height}, labels);
    const float deepest = std::max(1.0f, *std::max_element(distance.begin(), distance.end()));
    for (float& d : distance) d = 1 - d / deepest;
    watershed(ctx, distance, mask, labels);
  }

  /// Numbers what is large enough 1..N.
  void drop_small(label_map& labels) const {
    std::vector<index_t> areas(1, 0);
    for (const std::int32_t label : labels) {
      if (std::ssize(areas) <= label) areas.resize(static_cast<std::size_t>(label) + 1, 0);
      ++areas[static_cast<std::size_t>(label)];
    }
    std::vector<std::int32_t> number(areas.size(), 0);
    std::int32_t next = 0;
    for (std::size_t i = 1; i < areas.size(); ++i)
      if (areas[i] >= std::max<index_t>(1, least_area)) number[i] = ++next;
    for (std::int32_t& label : labels) label = number[static_cast<std::size_t>(label)];
  }
};

/// Classes of pixels without a network: the class whose mean colour is nearest, after every image's percentiles were
/// brought to 0 and 1.
struct colour_baseline {
  tensor<float> means;  ///< [classes,C]

  label_map predict(context<cpu>& ctx, view<const float, cpu> pixels) const {
    const tensor<float> x = percentile{}.apply(ctx, pixels);
    const index_t channels = x.extent(2);
    label_map labels({x.extent(0), x.extent(1)});
    for (index_t p = 0; p < labels.size(); ++p) {
      float best = HUGE_VALF;
      for (index_t k = 0; k < means.extent(0); ++k) {
        float distance = 0;
        for (index_t c = 0; c < channels; ++c) {
          const float d = x[p * channels + c] - means(k, c);
          distance += d * d;
        }
        if (distance < best) best = distance, labels[p] = static_cast<std::int32_t>(k);
      }
    }
    return labels;
  }
};

/// Classes of images without a network: mean, deviation and extremes of every channel, and the class whose mean is nearest
/// when each of these is measured in its deviation within the classes (linear discriminant analysis with a diagonal
/// covariance, all classes equally frequent).
struct intensity_baseline {
  std::vector<std::vector<double>> means;  ///< by class, in deviations; empty for a class without images
  std::vector<double> deviations;          ///< of each fact within the classes

  prediction predict(view<const float, cpu> pixels) const {
    const std::vector<double> seen = facts_of(pixels);
    prediction found;
    double best = HUGE_VAL;
    for (std::size_t k = 0; k < means.size(); ++k) {
      double distance = means[k].empty() ? HUGE_VAL : 0;
      for (std::size_t i = 0; i < means[k].size(); ++i) {
        const double d = seen.at(i) / deviations.at(i) - means[k][i];
        distance += d * d;
      }
      if (distance < best) best = distance, found.image_class = static_cast<int>(k);
    }
    return found;
  }

  /// Mean, deviation, 5th and 95th percentile of each channel.
  static std::vector<double> facts_of(view<const float, cpu> pixels) {
    require_rank("intensity_baseline", 3, "an image [H,W,C]", pixels.shape());
    const index_t channels = pixels.extent(2), count = pixels.size() / std::max<index_t>(1, channels);
    std::vector<double> facts;
    for (index_t c = 0; c < channels; ++c) {
      std::vector<double> values;
      double sum = 0, square = 0;
      for (index_t p = 0; p < count; ++p) {
        values.push_back(static_cast<double>(pixels[p * channels + c]));
        sum += values.back();
        square += values.back() * values.back();
      }
      const double n = static_cast<double>(std::max<index_t>(1, count)), mean = sum / n;
      std::sort(values.begin(), values.end());
      facts.insert(facts.end(), {mean, std::sqrt(std::max(0.0, square / n - mean * mean)), values[values.size() / 20],
                                 values[values.size() - 1 - values.size() / 20]});
    }
    return facts;
  }
};

/// What a data set gives without learning features: the figure that a network must beat to be worth its time.
struct baseline {
  std::string method;
  std::function<prediction(context<cpu>&, view<const float, cpu>)> predict;
};

namespace detail {

/// The first images of a set, spread evenly.
inline std::vector<example> some_examples(const example_source& all, index_t at_most) {
  const index_t count = std::min(at_most, all.size());
  std::vector<example> some;
  for (index_t i = 0; i < count; ++i) some.push_back(all.load(i * all.size() / count));
  return some;
}

/// A quarter of the area that 5 % of the objects do not reach.
inline index_t least_area_of(const std::vector<example>& examples) {
  std::vector<index_t> areas;
  for (const example& e : examples) {
    std::vector<index_t> of_image;
    for (const std::int32_t label : e.truth.labels) {
      if (label <= 0) continue;
      if (std::ssize(of_image) < label) of_image.resize(static_cast<std::size_t>(label), 0);
      ++of_image[static_cast<std::size_t>(label) - 1];
    }
    for (const index_t a : of_image)
      if (a > 0) areas.push_back(a);
  }
  if (areas.empty()) return 1;
  const auto fifth = areas.begin() + std::ssize(areas) / 20;
  std::nth_element(areas.begin(), fifth, areas.end());
  return std::max<index_t>(1, *fifth / 4);
}

}  // namespace detail

/// Chooses channel, polarity, smoothing and parting by pooled AP at IoU 0.5 on at most 12 training images.
inline threshold_baseline fit_threshold_baseline(context<cpu>& ctx, const example_source& training) {
  const std::vector<example> examples = detail::some_examples(training, 12);
  threshold_baseline best;
  if (examples.empty()) return best;
  double best_score = -1;
  const index_t least_area = detail::least_area_of(examples);
  for (index_t channel = 0; channel < examples[0].picture.channels(); ++channel)
    for (const bool dark : {false, true})
      for (const float smoothing : {0.0f, 1.0f, 2.0f})
        for (const float seed_height : {0.0f, 0.75f, 1.5f}) {
          const threshold_baseline tried{channel, dark, smoothing, seed_height, least_area};
          std::vector<label_map> found(examples.size());
          parallel_for(ctx, std::ssize(examples), [&](index_t i) {
            context<cpu> serial(1);
            found[static_cast<std::size_t>(i)] =
                tried.predict(serial, examples[static_cast<std::size_t>(i)].picture.pixels);
          });
          dataset_matching matched;
          for (std::size_t i = 0; i < examples.size(); ++i) matched.add(overlaps(examples[i].truth.labels, found[i]));
          if (const double score = matched.summary()[0].pooled.average_precision; score > best_score)
            best_score = score, best = tried;
        }
  return best;
}

/// Mean colours of the classes, of at most 64 training images.
inline colour_baseline fit_colour_baseline(context<cpu>& ctx, const example_source& training, int classes) {
  colour_baseline fitted;
  std::vector<double> counts(static_cast<std::size_t>(classes), 0.0), sums;
  for (const example& e : detail::some_examples(training, 64)) {
    const tensor<float> x = percentile{}.apply(ctx, e.picture.pixels);
    const auto channels = static_cast<std::size_t>(x.extent(2));
    sums.resize(counts.size() * channels, 0.0);
    for (index_t p = 0; p < e.truth.labels.size(); ++p) {
      const std::int32_t label = e.truth.labels[p];
      if (label < 0 || label >= classes) continue;
      ++counts[static_cast<std::size_t>(label)];
      for (std::size_t c = 0; c < channels; ++c)
        sums[static_cast<std::size_t>(label) * channels + c] +=
            static_cast<double>(x[p * static_cast<index_t>(channels) + static_cast<index_t>(c)]);
    }
  }
  const index_t channels = sums.empty() ? 1 : std::ssize(sums) / classes;
  fitted.means = tensor<float>({classes, channels});
  for (index_t i = 0; i < std::ssize(sums); ++i) {
    const double count = counts[static_cast<std::size_t>(i / channels)];
    fitted.means[i] = count > 0 ? static_cast<float>(sums[static_cast<std::size_t>(i)] / count) : HUGE_VALF;
  }
  return fitted;
}

/// Means and deviations over all training images that have a class.
inline intensity_baseline fit_intensity_baseline(const example_source& training, int classes) {
  const auto n = static_cast<std::size_t>(classes);
  std::vector<std::vector<std::vector<double>>> facts(n);
  for (index_t i = 0; i < training.size(); ++i) {
    const example e = training.load(i);
    if (e.truth.image_class >= 0)
      facts.at(static_cast<std::size_t>(e.truth.image_class))
          .push_back(intensity_baseline::facts_of(e.picture.pixels));
  }
  intensity_baseline fitted;
  fitted.means.resize(n);
  double images = 0;
  for (std::size_t k = 0; k < n; ++k) {
    if (facts[k].empty()) continue;
    std::vector<double>& mean = fitted.means[k];
    mean.assign(facts[k][0].size(), 0.0);
    fitted.deviations.resize(mean.size(), 0.0);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      for (const auto& f : facts[k]) mean[i] += f[i] / static_cast<double>(facts[k].size());
      for (const auto& f : facts[k]) fitted.deviations[i] += (f[i] - mean[i]) * (f[i] - mean[i]);
    }
    images += static_cast<double>(facts[k].size());
  }
  for (double& d : fitted.deviations) d = std::max(std::sqrt(d / std::max(1.0, images)), 1e-9);
  for (auto& mean : fitted.means)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] /= fitted.deviations[i];
  return fitted;
}

/// The baseline for the task of a data set, fitted on it.
inline baseline fit_baseline(context<cpu>& ctx, const dataset& training) {
  training.require_trainable();
  const auto with_labels = [](auto&& labels_of) {
    return [labels_of](context<cpu>& c, view<const float, cpu> pixels) {
      prediction found;
      found.labels = labels_of(c, pixels);
      return found;
    };
  };
  if (training.task == task::image_classification) {
    const auto fitted = fit_intensity_baseline(training, static_cast<int>(training.image_class_names.size()));
    return {"nearest class by mean, deviation and extremes of every channel",
            [fitted](context<cpu>&, view<const float, cpu> pixels) { return fitted.predict(pixels); }};
  }
  if (training.task == task::semantic_segmentation) {
    const auto fitted =
        fit_colour_baseline(ctx, training, std::max<int>(2, static_cast<int>(training.class_names.size())));
    return {"nearest mean colour", with_labels([fitted](context<cpu>& c, view<const float, cpu> pixels) {
              return fitted.predict(c, pixels);
            })};
  }
  const threshold_baseline fitted = fit_threshold_baseline(ctx, training);
  std::string method = std::string("Otsu's threshold, ") + (fitted.dark ? "dark" : "bright") + " objects in channel " +
                       std::to_string(fitted.channel + 1) + ", smoothed by " +
                       std::to_string(static_cast<int>(fitted.smoothing)) + " pixels";
  if (fitted.seed_height > 0) method += ", parted by a watershed of the distance";
  return {method,
          with_labels([fitted](context<cpu>& c, view<const float, cpu> pixels) { return fitted.predict(c, pixels); })};
}

}  // namespace aixcell
