#pragma once
#include <cmath>
#include <limits>

#include <aixcell/kernels/gpu/dense_maps.hpp>
#include <aixcell/kernels/gpu/region_sums.hpp>

namespace aixcell {

/// What the pixels of an object hold in one channel: a row of object_intensities.
struct intensity_sums {
  double sum, squares;
  float least, greatest;  ///< infinity and -infinity of an object without a pixel
};

namespace detail {

/// A block an object and channel: it looks at the pixels of the object's box, so that sums are gathers, in an order that
/// depends on the box alone; no atomics on floating point. `Source` says what is added up:
///   sum                       a plain struct
///   none() -> sum             of no pixel
///   add(sum&, pixel, channel)
///   join(sum&, const sum&)
/// totals [count,channels]
template <class Source>
struct object_sums_kernel {
  static constexpr std::string_view name = Source::name;
  static constexpr int threads = 128;
  using sum = typename Source::sum;
  struct shared {
    sum part[threads];
  };
  Source source;

  constexpr void operator()(auto t, shared& s, int width, const std::int32_t* labels, const std::int32_t* boxes,
                            sum* totals) const {
    const int object = t.block().x, channel = t.block().y;
    const std::int32_t* const box = boxes + object * region_edge_count;
    const int columns = box[right_edge] - box[left_edge],
              pixels = columns > 0 ? columns * (box[bottom_edge] - box[top_edge]) : 0;
    sum own = source.none();
    for (int i = t.rank(); i < pixels; i += threads) {
      const int p = (box[top_edge] + i / columns) * width + box[left_edge] + i % columns;
      if (labels[p] == object + 1) source.add(own, p, channel);
    }
    s.part[t.rank()] = own;
    for (int half = threads / 2; half > 0; half /= 2) {
      t.sync();
      if (t.rank() < half) source.join(s.part[t.rank()], s.part[t.rank() + half]);
    }
    if (t.rank() == 0) totals[object * t.grid().y + channel] = s.part[0];
  }
};

struct adds_numbers {
  using sum = double;
  static constexpr double none() { return 0; }
  static constexpr void join(double& a, double b) { a += b; }
};

/// Of a map [H,W].
struct sum_of_values : adds_numbers {
  static constexpr std::string_view name = "object_means";
  const float* values;
  constexpr void add(double& s, int p, int) const { s += static_cast<double>(values[p]); }
};
struct mean_of_object {
  static constexpr std::string_view name = "object_means: share";
  const std::uint64_t* sums;  // of regions
  const double* totals;
  constexpr float operator()(int i) const {
    return static_cast<float>(totals[i] / static_cast<double>(sums[i * region_sum_count + area_sum]));
  }
};

/// Of two maps [H,W,C].
struct sum_of_squared_differences : adds_numbers {
  static constexpr std::string_view name = "remove_unlike_regions: differences";
  const float *a, *b;
  int channels;
  constexpr void add(double& s, int p, int) const {
    double of_pixel = 0;
    for (int c = 0; c < channels; ++c) {
      const double d = static_cast<double>(a[p * channels + c]) - static_cast<double>(b[p * channels + c]);
      of_pixel += d * d;
    }
    s += of_pixel;
  }
};
struct like_enough {
  static constexpr std::string_view name = "remove_unlike_regions";
  const std::uint64_t* sums;  // of regions
  const double* totals;
  double most;
  constexpr std::int32_t operator()(int, std::int32_t label) const {
    if (label < 1) return label;
    // In this order a difference that is no number is too great.
    const auto area = static_cast<double>(sums[(label - 1) * region_sum_count + area_sum]);
    return totals[label - 1] <= most * area ? label : 0;
  }
};

/// The softmax of a pixel's logits in float64.
struct sum_of_probabilities : adds_numbers {
  static constexpr std::string_view name = "object_votes";
  dense_channels logits;
  int classes;
  constexpr void add(double& s, int p, int c) const {
    const float* const of = logits.at(p);
    auto greatest = static_cast<double>(of[0]);
    for (int k = 1; k < classes; ++k)
      greatest = greatest < static_cast<double>(of[k]) ? static_cast<double>(of[k]) : greatest;
    double all = 0;
    for (int k = 0; k < classes; ++k) all += std::exp(static_cast<double>(of[k]) - greatest);
    s += std::exp(static_cast<double>(of[c]) - greatest) / all;
  }
};

struct intensities_of_pixels {
  static constexpr std::string_view name = "object_intensities";
  using sum = intensity_sums;
  const float* image;
  int channels;
  static constexpr sum none() {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    return {0, 0, infinity, -infinity};
  }
  constexpr void add(sum& s, int p, int c) const {
    const float v = image[p * channels + c];
    const auto wide = static_cast<double>(v);
    join(s, {wide, wide * wide, v, v});
  }
  static constexpr void join(sum& a, const sum& b) {
    a.sum += b.sum;
    a.squares += b.squares;
    a.least = b.least < a.least ? b.least : a.least;
    a.greatest = b.greatest > a.greatest ? b.greatest : a.greatest;
  }
};

template <GpuDevice Device, class Source>
void launch_object_sums(context<Device>& ctx, const Source& source, view<const std::int32_t, Device> labels,
                        view<const std::int32_t, Device> boxes, index_t channels, typename Source::sum* totals) {
  require_rank(Source::name, 2, "a label map [H,W]", labels.shape());
  require_rank(Source::name, 2, "boxes [count,4]", boxes.shape());
  require_shape(Source::name, {boxes.extent(0), region_edge_count}, boxes.shape());
  counted(Source::name, labels.size());
  launch(ctx, {counted(Source::name, boxes.extent(0)), static_cast<int>(channels), 1},
         object_sums_kernel<Source>{source}, static_cast<int>(labels.extent(1)), labels.data(), boxes.data(), totals);
}

}  // namespace detail

// For objects 1..count of a label map [H,W] whose `sums` and `boxes` are those of region_sums. The same bits on every run; in
// float64, in an order of their own: the processor's but for rounding. Time grows with the areas of the boxes.

/// means [count]: of a map [H,W] over the pixels of each object; NaN for one without a pixel.
template <GpuDevice Device>
void object_means(context<Device>& ctx, view_on<const std::int32_t, Device> labels,
                  view_on<const std::uint64_t, Device> sums, view_on<const std::int32_t, Device> boxes,
                  view_on<const float, Device> map, view_on<float, Device> means) {
  require_equal_shapes("object_means", labels, map);
  require_shape("object_means", {boxes.extent(0)}, means.shape());
  require_shape("object_means", {boxes.extent(0), region_sum_count}, sums.shape());
  tensor<double, Device> totals(ctx, means.shape());
  detail::launch_object_sums<Device>(ctx, detail::sum_of_values{{}, map.data()}, labels, boxes, 1, totals.data());
  detail::launch_map(ctx, detail::mean_of_object{sums.data(), totals.data()}, means.size(), means.data());
}

/// Objects on which two maps [H,W,C] differ by more than `most` become background: the mean over the pixels of the squared
/// differences, summed over the channels.
template <GpuDevice Device>
void remove_unlike_regions(context<Device>& ctx, view_on<const float, Device> a, view_on<const float, Device> b,
                           view_on<const std::uint64_t, Device> sums, view_on<const std::int32_t, Device> boxes,
                           float most, view_on<std::int32_t, Device> labels) {
  require_rank("remove_unlike_regions", 3, "a map [H,W,C]", a.shape());
  require_equal_shapes("remove_unlike_regions", a, b);
  require_shape("remove_unlike_regions", {a.extent(0), a.extent(1)}, labels.shape());
  require_shape("remove_unlike_regions", {boxes.extent(0), region_sum_count}, sums.shape());
  detail::counted("remove_unlike_regions", a.size());
  tensor<double, Device> totals(ctx, {boxes.extent(0)});
  const detail::sum_of_squared_differences differences{{}, a.data(), b.data(), static_cast<int>(a.extent(2))};
  detail::launch_object_sums<Device>(ctx, differences, labels, boxes, 1, totals.data());
  detail::launch_map(ctx, detail::like_enough{sums.data(), totals.data(), static_cast<double>(most)}, labels.size(),
                     labels.data(), static_cast<const std::int32_t*>(labels.data()));
}

/// votes [count,classes]: the sum of the pixels' class probabilities, by the logits in channels `first`.. of an output.
template <GpuDevice Device>
void object_votes(context<Device>& ctx, view_on<const std::int32_t, Device> labels,
                  view_on<const std::int32_t, Device> boxes, view_on<const float, Device> output, int first,
                  view_on<double, Device> votes) {
  require_rank("object_votes", 2, "votes [count,classes]", votes.shape());
  require_shape("object_votes", {boxes.extent(0), votes.extent(1)}, votes.shape());
  const auto classes = static_cast<int>(votes.extent(1));
  const auto logits = detail::channels_from<Device>("object_votes", output, first, classes);
  require_shape("object_votes", {output.extent(0), output.extent(1)}, labels.shape());
  detail::launch_object_sums<Device>(ctx, detail::sum_of_probabilities{{}, logits, classes}, labels, boxes, classes,
                                     votes.data());
}

/// found [count,C]: sum, sum of squares, least and greatest value of each object in each channel of an image [H,W,C].
template <GpuDevice Device>
void object_intensities(context<Device>& ctx, view_on<const std::int32_t, Device> labels,
                        view_on<const std::int32_t, Device> boxes, view_on<const float, Device> image,
                        view_on<intensity_sums, Device> found) {
  require_rank("object_intensities", 3, "an image [H,W,C]", image.shape());
  require_shape("object_intensities", {image.extent(0), image.extent(1)}, labels.shape());
  require_shape("object_intensities", {boxes.extent(0), image.extent(2)}, found.shape());
  detail::counted("object_intensities", image.size());
  detail::launch_object_sums<Device>(ctx,
                                     detail::intensities_of_pixels{image.data(), static_cast<int>(image.extent(2))},
                                     labels, boxes, image.extent(2), found.data());
}

}  // namespace aixcell
