#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <aixcell/kernels/gpu/detail/bitonic_sort.hpp>
#include <aixcell/kernels/gpu/detail/exclusive_scan.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/gpu/detail/polygon_scan.hpp>

namespace aixcell {

/// What becomes a star-convex polygon, and which polygons are kept (postprocess/star_convex.hpp).
struct star_convex_options {
  int rays = 32;              ///< 4 to 256
  int first_channel = 0;      ///< of the logit in the output
  float least_logit = 0;      ///< a candidate's logit is above it
  float distance_unit = 8;    ///< pixels
  float most_overlap = 0.4f;  ///< share of the smaller of two polygons that both may cover
  int least_area = 4;         ///< pixels
};

namespace detail {

/// Position and box of a candidate, in pixels.
struct star_box {
  int centre, top, bottom, left, right;
};

/// Candidates in any order; sorting mends that: keys are unique, best first, of equal ones the first pixel.
struct star_candidates_kernel {
  static constexpr std::string_view name = "star_convex: candidates";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, int stride, const float* output, float least, int* count,
                            std::uint64_t* keys) const {
    const int p = global_rank(t);
    if (p >= pixels) return;
    const float logit = output[p * stride];
    if (!(logit > least)) return;
    const auto bits = std::bit_cast<std::uint32_t>(logit + 0.0f);
    const std::uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    const int place = t.atomic_add(count, 1);
    if (keys) keys[place] = static_cast<std::uint64_t>(~ascending) << 32 | static_cast<std::uint32_t>(p);
  }
};

/// Lengths of rays, and boxes. One thread a candidate.
struct star_boxes_kernel {
  static constexpr std::string_view name = "star_convex: boxes";
  static constexpr int threads = 128;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int candidates, int height, int width, int stride, const float* output,
                            const double* directions, star_convex_options o, const std::uint64_t* keys, double* corners,
                            star_box* boxes) const {
    const int i = global_rank(t);
    if (i >= candidates) return;
    const int centre = static_cast<int>(keys[i] & 0xffffffffu);
    const auto longest = static_cast<float>(height + width);
    double top = 1e9, bottom = -1e9, left = 1e9, right = -1e9;
    for (int k = 0; k < o.rays; ++k) {
      const float length = std::exp(output[centre * stride + 1 + k]) * o.distance_unit;
      const float kept = length > 0 ? length < longest ? length : longest : 0.0f;  // a NaN becomes 0
      const double y = static_cast<double>(centre / width) + static_cast<double>(kept) * directions[2 * k];
      const double x = static_cast<double>(centre % width) + static_cast<double>(kept) * directions[2 * k + 1];
      corners[2 * (i * o.rays + k)] = y;
      corners[2 * (i * o.rays + k) + 1] = x;
      top = y < top ? y : top;
      bottom = y > bottom ? y : bottom;
      left = x < left ? x : left;
      right = x > right ? x : right;
    }
    const auto within = [](double v, int last) { return v < 0 ? 0 : v > last ? last : static_cast<int>(v); };
    // The pixel of the centre belongs to the box: whether it is covered decides too.
    boxes[i] = {centre, within(std::floor(top), centre / width), within(std::ceil(bottom), height - 1),
                within(std::floor(left), centre % width), within(std::ceil(right), width - 1)};
    if (boxes[i].bottom < centre / width) boxes[i].bottom = centre / width;
    if (boxes[i].right < centre % width) boxes[i].right = centre % width;
  }
};

/// A block a candidate. It waits for the better ones whose boxes meet its own, counts what they cover of its polygon, decides,
/// and draws: the result is that of one candidate after another, but candidates that do not meet are drawn at once. Blocks take
/// their candidate from a ticket, so whom they wait for is already running: there is no deadlock, whatever order the GPU starts
/// blocks in. Who finds its centre covered need not wait for anybody: only better ones can have drawn there, for worse ones wait.
/// That is most of an object's pixels. labels are candidates + 1 until they are numbered.
struct star_draw_kernel {
  static constexpr std::string_view name = "star_convex: draw";
  static constexpr int threads = polygon_scan::threads, most_corners = polygon_scan::most_corners, slots = 128;
  struct shared {
    polygon_scan::shared scan;
    int label[slots], count[slots];  // how many pixels of the polygon each label covers
    star_box box;
    int ticket, area, visible, too_many, kept, covered;
  };

  constexpr void operator()(auto t, shared& s, int width, int candidates, star_convex_options o, const star_box* boxes,
                            const double* corners, int* tickets, int* decided, int* areas, int* too_many,
                            std::int32_t* labels) const {
    if (t.rank() == 0) {
      s.ticket = t.atomic_add(tickets, 1);
      s.area = s.visible = s.too_many = s.kept = 0;
      if (s.ticket < candidates) {
        s.box = boxes[s.ticket];
        s.covered = t.load(&labels[s.box.centre]) != 0;
      }
    }
    for (int i = t.rank(); i < slots; i += threads) s.label[i] = s.count[i] = 0;
    t.sync();
    const int mine = s.ticket;
    if (mine >= candidates) return;
    if (s.covered) {
      if (t.rank() == 0) {
        areas[mine] = 0;
        t.store_release(&decided[mine], 1);
      }
      return;
    }
    polygon_scan::load(t, s.scan, o.rays, corners + 2 * mine * o.rays);
    for (int other = t.rank(); other < mine; other += threads) {
      const star_box b = boxes[other];
      if (b.top > s.box.bottom || b.bottom < s.box.top || b.left > s.box.right || b.right < s.box.left) continue;
      while (t.load_acquire(&decided[other]) == 0) {
      }
    }
    t.sync();

    const polygon_scan::box within{s.box.top, s.box.bottom, s.box.left, s.box.right};
    if (labels[s.box.centre] == 0) {
      int area = 0, visible = 0;
      polygon_scan::for_each_pixel(t, s.scan, o.rays, within, [&](int y, int x) {
        ++area;
        const std::int32_t label = labels[y * width + x];
        if (label == 0)
          ++visible;
        else
          count_label(t, s, label);
      });
      t.atomic_add(&s.area, area);
      t.atomic_add(&s.visible, visible);
    }
    t.sync();
    if (t.rank() == 0) {
      bool kept = s.visible > 0 && s.area >= (o.least_area > 1 ? o.least_area : 1);
      for (int i = 0; kept && i < slots && s.label[i] != 0; ++i) {
        const int other = areas[s.label[i] - 1], smaller = s.area < other ? s.area : other;
        kept = static_cast<float>(s.count[i]) <= o.most_overlap * static_cast<float>(smaller);
      }
      if (s.too_many) t.store(too_many, 1);
      s.kept = kept;
      areas[mine] = kept ? s.area : 0;
    }
    t.sync();
    if (s.kept)
      polygon_scan::for_each_pixel(t, s.scan, o.rays, within, [&](int y, int x) {
        if (labels[y * width + x] == 0) t.store(&labels[y * width + x], mine + 1);
      });
    t.sync();
    if (t.rank() == 0) t.store_release(&decided[mine], 1);
  }

 private:
  static constexpr void count_label(auto t, shared& s, std::int32_t label) {
    for (int i = 0; i < slots; ++i) {
      const int before = t.atomic_cas(&s.label[i], 0, label);
      if (before == 0 || before == label) {
        t.atomic_add(&s.count[i], 1);
        return;
      }
    }
    t.store(&s.too_many, 1);
  }
};

/// numbers[i] = 1 for a candidate that was kept.
struct kept_stars {
  static constexpr std::string_view name = "star_convex: kept";
  constexpr int operator()(int, int area) const { return area > 0 ? 1 : 0; }
};
struct number_pixels {
  static constexpr std::string_view name = "star_convex: number";
  const int* before;
  constexpr std::int32_t operator()(int, std::int32_t label) const { return label > 0 ? before[label - 1] + 1 : 0; }
};

/// centres[number] of what was kept.
struct star_centres_kernel {
  static constexpr std::string_view name = "star_convex: centres";
  static constexpr int threads = 128;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int candidates, const star_box* boxes, const int* areas, const int* before,
                            std::int32_t* centres) const {
    const int i = global_rank(t);
    if (i < candidates && areas[i] > 0) centres[before[i]] = boxes[i].centre;
  }
};

struct centre_probability {
  static constexpr std::string_view name = "star_convex: scores";
  const float* logits;
  int stride;
  constexpr float operator()(int, std::int32_t centre) const { return 1 / (1 + std::exp(-logits[centre * stride])); }
};

[[noreturn]] inline void throw_too_many_overlaps() {
  throw data_error(
      "star_convex_nms: a polygon overlaps more than 128 others; lower the overlap threshold, or raise the probability "
      "threshold");
}

}  // namespace detail

/// Pixels that polygons stand on, by label: label k is the polygon of pixel centres[k - 1]. Beyond `count` nothing is written.
template <class Device>
struct kept_polygons {
  tensor<std::int32_t, Device> centres;
  index_t count = 0;

  view<const std::int32_t, Device> kept() const { return {centres.data(), {count}}; }
};

/// Non-maximum suppression of star-convex polygons on a canvas, as star_convex::draw_stars of the processor: best first, a polygon
/// is drawn below those before it unless its centre is covered, it is too small, or shares too much with the visible part of one.
///   output [H,W,1+rays] logit, then logarithms of the distances (other channels may come before and follow)
///   directions [rays,2] float64, rows and columns a pixel of length      labels [H,W] overwritten: 0, or 1..count, best first
/// The same polygons as one after another, whatever order blocks run in. Waits for the device twice. Comparisons of boxes grow
/// with the square of the number of candidates. Throws shape_error, and data_error where a polygon meets more than 128 others.
template <GpuDevice Device>
kept_polygons<Device> star_convex_nms(context<Device>& ctx, view_on<const float, Device> output,
                                      view_on<const double, Device> directions, const star_convex_options& options,
                                      view_on<std::int32_t, Device> labels) {
  require_rank("star_convex_nms", 3, "an output [H,W,1+rays]", output.shape());
  require_shape("star_convex_nms", {options.rays, 2}, directions.shape());
  require_shape("star_convex_nms", {output.extent(0), output.extent(1)}, labels.shape());
  if (options.rays < 4 || options.rays > detail::star_draw_kernel::most_corners ||
      output.extent(2) < options.first_channel + 1 + options.rays)
    detail::throw_wrong_rank("star_convex_nms", "4 to 256 rays, each with a channel", output.shape());
  detail::counted("star_convex_nms", output.size());
  const auto height = static_cast<int>(output.extent(0)), width = static_cast<int>(output.extent(1)),
             stride = static_cast<int>(output.extent(2)), pixels = height * width;
  const float* const from = output.data() + options.first_channel;
  detail::launch_map(ctx, detail::zeros{}, pixels, labels.data());
  tensor<int, Device> count(ctx, {1});
  const dim blocks = blocks_for(pixels, 256);
  detail::launch_map(ctx, detail::zeros{}, 1, count.data());
  launch(ctx, blocks, detail::star_candidates_kernel{}, pixels, stride, from, options.least_logit, count.data(),
         static_cast<std::uint64_t*>(nullptr));
  const int candidates = detail::read_one(ctx, count);
  kept_polygons<Device> kept;
  if (candidates == 0) return kept;
  detail::counted("star_convex_nms", static_cast<index_t>(candidates) * 2 * options.rays);

  tensor<std::uint64_t, Device> keys(ctx, {detail::bitonic_slots(candidates)});
  detail::launch_map(ctx, detail::last_key{}, keys.size(), keys.data());
  detail::launch_map(ctx, detail::zeros{}, 1, count.data());
  launch(ctx, blocks, detail::star_candidates_kernel{}, pixels, stride, from, options.least_logit, count.data(),
         keys.data());
  detail::bitonic_sort(ctx, keys);

  tensor<double, Device> corners(ctx, {candidates, options.rays, 2});
  tensor<detail::star_box, Device> boxes(ctx, {candidates});
  tensor<int, Device> decided(ctx, {candidates}), areas(ctx, {candidates}), before(ctx, {candidates}), ticket(ctx, {1}),
      too_many(ctx, {1});
  const auto* const known_boxes = boxes.data();
  const int *const known_areas = areas.data(), *const known_before = before.data();
  launch(ctx, blocks_for(candidates, 128), detail::star_boxes_kernel{}, candidates, height, width, stride, from,
         directions.data(), options, static_cast<const std::uint64_t*>(keys.data()), corners.data(), boxes.data());
  detail::launch_map(ctx, detail::zeros{}, candidates, decided.data());
  detail::launch_map(ctx, detail::zeros{}, 1, ticket.data());
  detail::launch_map(ctx, detail::zeros{}, 1, too_many.data());
  launch(ctx, {candidates, 1, 1}, detail::star_draw_kernel{}, width, candidates, options, known_boxes,
         static_cast<const double*>(corners.data()), ticket.data(), decided.data(), areas.data(), too_many.data(),
         labels.data());
  detail::launch_map(ctx, detail::kept_stars{}, candidates, before.data(), known_areas);
  launch(ctx, {1, 1, 1}, detail::exclusive_scan_kernel{}, candidates, before.data(), count.data());
  kept.centres = tensor<std::int32_t, Device>(ctx, {candidates});
  launch(ctx, blocks_for(candidates, 128), detail::star_centres_kernel{}, candidates, known_boxes, known_areas,
         known_before, kept.centres.data());
  detail::launch_map(ctx, detail::number_pixels{known_before}, pixels, labels.data(),
                     static_cast<const std::int32_t*>(labels.data()));
  kept.count = detail::read_one(ctx, count);
  if (detail::read_one(ctx, too_many) != 0) detail::throw_too_many_overlaps();
  return kept;
}

/// probabilities [count]: of the pixels centres[0], centres[1], ... from the logits in one channel of an output [H,W,K].
template <GpuDevice Device>
void centre_probabilities(context<Device>& ctx, view_on<const float, Device> output, int channel,
                          view_on<const std::int32_t, Device> centres, view_on<float, Device> probabilities) {
  require_rank("centre_probabilities", 3, "an output [H,W,K]", output.shape());
  const detail::centre_probability of{output.data() + channel, static_cast<int>(output.extent(2))};
  detail::launch_map(ctx, of, probabilities.size(), probabilities.data(), centres.data());
}

}  // namespace aixcell
