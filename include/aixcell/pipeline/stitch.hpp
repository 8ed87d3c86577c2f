#pragma once
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <aixcell/data/cell_nuclei.hpp>
#include <aixcell/data/tiles.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/metrics/overlap.hpp>

namespace aixcell {

struct stitch_options {
  double iou = 0.5;  ///< two whole objects with a larger IoU within the overlap are one
  double coverage =
      0.5;  ///< least share of the smaller of two parts that are one where a tile's border cuts at least one
};

/// What was found in one tile of a field.
struct stitched_tile {
  index_t top = 0, left = 0;  ///< of its first pixel in the field
  prediction found;
};

namespace detail {

/// Puts the label maps of placed tiles together.
class label_stitcher {
 public:
  label_stitcher(std::vector<rectangle> tiles, std::vector<const label_map*> labels, const stitch_options& options)
      : tiles_(std::move(tiles)), labels_(std::move(labels)), options_(options) {
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
      first_.push_back(static_cast<std::int32_t>(sets_.size()));
      std::int32_t highest = 0;
      for (const std::int32_t label : *labels_[t]) {
        require_label(label);
        highest = std::max(highest, label);
      }
      for (std::int32_t label = 0; label < highest; ++label) sets_.make(), tile_of_.push_back(t);
      height_ = std::max(height_, tiles_[t].top + tiles_[t].height);
      width_ = std::max(width_, tiles_[t].left + tiles_[t].width);
    }
    tiles_at_.resize(tiles_.size());
    for (std::size_t a = 0; a < tiles_.size(); ++a)
      for (std::size_t b = a + 1; b < tiles_.size(); ++b) join_tiles(a, b);
    paint();
  }

  index_t height() const { return height_; }
  index_t width() const { return width_; }
  const label_map& field() const { return field_; }

  /// Number in the field of the object `label` of tile t, 0 if it is not in the field.
  std::int32_t number(std::size_t t, std::int32_t label) {
    const auto found = numbers_.find(sets_.find(node(t, label)));
    return found == numbers_.end() ? 0 : found->second;
  }

 private:
  std::int32_t node(std::size_t t, std::int32_t label) const { return first_[t] + label - 1; }
  std::int32_t label_at(std::size_t t, index_t y, index_t x) const {
    return (*labels_[t])(y - tiles_[t].top, x - tiles_[t].left);
  }

  /// Pixels from the nearest border of the tile that is not one of the field: how well the tile knows this place.
  index_t depth(std::size_t t, index_t y, index_t x) const {
    const rectangle& r = tiles_[t];
    const index_t far = height_ + width_;
    return std::min({r.top > 0 ? y - r.top : far, r.top + r.height < height_ ? r.top + r.height - 1 - y : far,
                     r.left > 0 ? x - r.left : far, r.left + r.width < width_ ? r.left + r.width - 1 - x : far});
  }

  struct part {
    index_t pixels = 0;
    bool cut = false;  ///< touches a border of its tile that the other tile reaches beyond
  };

  /// Notes what two tiles say about the same pixels, or about facing ones where they only touch, and joins what is one.
  void join_tiles(std::size_t a, std::size_t b) {
    const rectangle &p = tiles_[a], &q = tiles_[b];
    const index_t top = std::max(p.top, q.top), bottom = std::min(p.top + p.height, q.top + q.height);
    const index_t left = std::max(p.left, q.left), right = std::min(p.left + p.width, q.left + q.width);
    std::map<std::int32_t, part> parts_a, parts_b;
    std::map<std::pair<std::int32_t, std::int32_t>, index_t> shared;
    bool only_touching = false;
    // Neighbouring pixels mostly say the same.
    struct {
      std::int32_t in_a = 0, in_b = 0;
      index_t count = 0;
    } run;
    const auto end_run = [&] {
      if (run.in_a > 0) parts_a[run.in_a].pixels += run.count;
      if (run.in_b > 0) parts_b[run.in_b].pixels += run.count;
      if (run.in_a > 0 && run.in_b > 0) shared[{run.in_a, run.in_b}] += run.count;
      run.count = 0;
    };
    const auto note = [&](std::int32_t in_a, std::int32_t in_b) {
      if (in_a != run.in_a || in_b != run.in_b) end_run(), run.in_a = in_a, run.in_b = in_b;
      ++run.count;
    };
    if (top < bottom && left < right) {
      tiles_at_[a].push_back(b), tiles_at_[b].push_back(a);
      for (index_t y = top; y < bottom; ++y)
        for (index_t x = left; x < right; ++x) note(label_at(a, y, x), label_at(b, y, x));
      end_run();
      // Cut: it reaches the last pixels of its tile on a side where the other tile goes on.
      const auto mark_cut = [&](std::size_t t, const rectangle& own, const rectangle& other, auto& parts) {
        for (index_t y = top; y < bottom; ++y)
          for (index_t x = left; x < right; ++x)
            if (const std::int32_t label = label_at(t, y, x);
                label > 0 && ((y == own.top && other.top < own.top) ||
                              (y == own.top + own.height - 1 && other.top + other.height > own.top + own.height) ||
                              (x == own.left && other.left < own.left) ||
                              (x == own.left + own.width - 1 && other.left + other.width > own.left + own.width)))
              parts[label].cut = true;
      };
      mark_cut(a, p, q, parts_a);
      mark_cut(b, q, p, parts_b);
    } else if (top == bottom && left < right) {
      only_touching = true;
      const bool a_above = p.top + p.height == q.top;
      for (index_t x = left; x < right; ++x)
        note(label_at(a, a_above ? top - 1 : top, x), label_at(b, a_above ? top : top - 1, x));
      end_run();
    } else if (left == right && top < bottom) {
      only_touching = true;
      const bool a_left = p.left + p.width == q.left;
      for (index_t y = top; y < bottom; ++y)
        note(label_at(a, y, a_left ? left - 1 : left), label_at(b, y, a_left ? left : left - 1));
      end_run();
    } else {
      return;
    }

    // A part that is cut goes on in the object it shares most with. Whole objects are one if they agree well.
    std::map<std::int32_t, std::pair<index_t, std::int32_t>> best_of_a, best_of_b;
    for (const auto& [pair, pixels] : shared) {
      if (auto& best = best_of_a[pair.first]; pixels > best.first) best = {pixels, pair.second};
      if (auto& best = best_of_b[pair.second]; pixels > best.first) best = {pixels, pair.first};
    }
    for (const auto& [pair, pixels] : shared) {
      const part &of_a = parts_a[pair.first], &of_b = parts_b[pair.second];
      const double both = static_cast<double>(pixels), area_a = static_cast<double>(of_a.pixels),
                   area_b = static_cast<double>(of_b.pixels);
      const bool agree = both > options_.iou * (area_a + area_b - both);
      const bool covered = both >= options_.coverage * std::min(area_a, area_b);
      const bool goes_on = ((only_touching || of_a.cut) && best_of_a[pair.first].second == pair.second) ||
                           ((only_touching || of_b.cut) && best_of_b[pair.second].second == pair.first);
      if ((agree && !only_touching) || (covered && goes_on)) sets_.join(node(a, pair.first), node(b, pair.second));
    }
  }

  /// Every pixel gets the word of the tile that knows it best; an object that only one tile has is there as a whole if that
  /// tile knows most of its pixels best, else not at all.
  void paint() {
    struct member {
      std::size_t tile = 0;
      bool several = false;
      index_t best_known = 0, pixels = 0;
    };
    std::map<std::int32_t, member> members;
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(sets_.size()); ++i) {
      const std::size_t t = tile_of_[static_cast<std::size_t>(i)];
      const auto [at, is_new] = members.try_emplace(sets_.find(i), member{t});
      if (!is_new && at->second.tile != t) at->second.several = true;
    }
    const auto knows_best = [&](std::size_t t, index_t y, index_t x) {
      const index_t own = depth(t, y, x);
      for (const std::size_t other : tiles_at_[t]) {
        if (!holds(other, y, x)) continue;
        const index_t its = depth(other, y, x);
        if (its > own || (its == own && other < t)) return false;
      }
      return true;
    };
    const auto for_each_pixel = [&](auto&& f) {
      for (std::size_t t = 0; t < tiles_.size(); ++t)
        for (index_t y = tiles_[t].top; y < tiles_[t].top + tiles_[t].height; ++y)
          for (index_t x = tiles_[t].left; x < tiles_[t].left + tiles_[t].width; ++x)
            if (const std::int32_t label = label_at(t, y, x); label > 0) f(t, y, x, sets_.find(node(t, label)));
    };
    for_each_pixel([&](std::size_t t, index_t y, index_t x, std::int32_t set) {
      member& m = members.at(set);
      if (m.several) return;
      ++m.pixels;
      m.best_known += knows_best(t, y, x);
    });
    field_ = label_map({height_, width_});
    for_each_pixel([&](std::size_t t, index_t y, index_t x, std::int32_t set) {
      const member& m = members.at(set);
      if (knows_best(t, y, x) && (m.several || 2 * m.best_known >= m.pixels)) field_(y, x) = set + 1;
    });
    // Single objects as a whole, where nothing else is.
    for_each_pixel([&](std::size_t, index_t y, index_t x, std::int32_t set) {
      const member& m = members.at(set);
      if (!m.several && 2 * m.best_known >= m.pixels && field_(y, x) == 0) field_(y, x) = set + 1;
    });
    std::int32_t next = 0;  // numbers in the order of their first pixels
    for (std::int32_t& value : field_)
      if (value > 0) {
        const auto [at, is_new] = numbers_.try_emplace(value - 1, next + 1);
        next += is_new;
        value = at->second;
      }
  }

  bool holds(std::size_t t, index_t y, index_t x) const {
    const rectangle& r = tiles_[t];
    return y >= r.top && y < r.top + r.height && x >= r.left && x < r.left + r.width;
  }

  std::vector<rectangle> tiles_;
  std::vector<const label_map*> labels_;
  stitch_options options_;
  index_t height_ = 0, width_ = 0;
  disjoint_sets sets_;
  std::vector<std::int32_t> first_;                 // node of label 1 of each tile
  std::vector<std::size_t> tile_of_;                // of each node
  std::vector<std::vector<std::size_t>> tiles_at_;  // overlapping ones
  label_map field_;
  std::map<std::int32_t, std::int32_t> numbers_;  // set -> number in the field
};

inline std::vector<rectangle> placed(const std::vector<stitched_tile>& tiles) {
  std::vector<rectangle> all;
  for (const stitched_tile& t : tiles) {
    require_rank("stitch", 2, "a label map [H,W] of each tile", t.found.labels.shape());
    if (t.top < 0 || t.left < 0 || t.found.labels.empty())
      throw shape_error("stitch: expected tiles with pixels at offsets of at least 0, found " +
                        to_string(t.found.labels.shape()) + " at " + std::to_string(t.top) + ", " +
                        std::to_string(t.left));
    all.push_back({t.top, t.left, t.found.labels.extent(0), t.found.labels.extent(1)});
  }
  if (all.empty()) throw shape_error("stitch: a field needs at least one tile");
  return all;
}

}  // namespace detail

/// One prediction for a field from those of its tiles, in coordinates of the field; what no tile covers is background.
///
/// Tiles that overlap: two objects are one if they agree within the overlap (IoU), or if the border of a tile cuts one of
/// them and the other covers it there best, by at least `coverage` of the smaller part. Each pixel gets the word of the tile
/// whose inner border is farthest; an object that no other tile confirms stays if its tile knows most of it best.
/// Tiles that only touch: a part at the seam goes on in the part that it faces most, if these face each other along
/// `coverage` of the shorter one's pixels at the seam. Two objects that happen to meet exactly at a seam become one there:
/// acquire with an overlap of at least one object's radius.
///
/// Objects keep scores, class probabilities (means weighted by area) and classes (most probable; without probabilities
/// that of the largest part). Nuclei are stitched likewise and counted again. Throws shape_error for tiles without pixels
/// or at negative offsets.
inline prediction stitch(const std::vector<stitched_tile>& tiles, const stitch_options& options = {}) {
  const std::vector<rectangle> where = detail::placed(tiles);
  std::vector<const label_map*> labels, nuclei;
  bool has_nuclei = true;
  for (const stitched_tile& t : tiles) {
    labels.push_back(&t.found.labels);
    nuclei.push_back(&t.found.nuclei);
    has_nuclei = has_nuclei && t.found.nuclei.shape().rank() == 2;
    if (t.found.nuclei.shape().rank() == 2) require_equal_shapes("stitch: nuclei", t.found.labels, t.found.nuclei);
  }
  detail::label_stitcher stitcher(where, labels, options);
  prediction field;
  field.labels = stitcher.field().clone();
  const std::int32_t count = *std::max_element(field.labels.begin(), field.labels.end());

  struct gathered {
    double area = 0, score = 0, with_classes = 0;
    std::vector<double> probabilities;
    double largest = 0;
    int object_class = -1, nuclei = -1;
  };
  std::vector<gathered> objects(static_cast<std::size_t>(count));
  for (std::size_t t = 0; t < tiles.size(); ++t) {
    std::vector<double> area(tiles[t].found.objects.size() + 1, 0.0);
    for (const std::int32_t label : tiles[t].found.labels)
      if (label > 0 && static_cast<std::size_t>(label) < area.size()) ++area[static_cast<std::size_t>(label)];
    for (std::size_t i = 1; i < area.size(); ++i) {
      if (area[i] == 0) continue;
      const std::int32_t number = stitcher.number(t, static_cast<std::int32_t>(i));
      if (number == 0) continue;
      gathered& g = objects[static_cast<std::size_t>(number - 1)];
      const detected_object& part = tiles[t].found.objects[i - 1];
      g.area += area[i];
      g.score += area[i] * static_cast<double>(part.score);
      if (!part.class_probabilities.empty()) {
        g.probabilities.resize(part.class_probabilities.size(), 0.0);
        for (std::size_t c = 0; c < part.class_probabilities.size(); ++c)
          g.probabilities[c] += area[i] * static_cast<double>(part.class_probabilities[c]);
        g.with_classes += area[i];
      }
      if (area[i] > g.largest) g.largest = area[i], g.object_class = part.object_class, g.nuclei = part.nuclei;
    }
  }
  for (const gathered& g : objects) {
    detected_object o;
    if (g.area > 0) o.score = static_cast<float>(g.score / g.area);
    o.object_class = g.object_class;
    o.nuclei = g.nuclei;
    for (const double p : g.probabilities) o.class_probabilities.push_back(static_cast<float>(p / g.with_classes));
    if (!g.probabilities.empty())
      o.object_class =
          static_cast<int>(std::max_element(g.probabilities.begin(), g.probabilities.end()) - g.probabilities.begin());
    field.objects.push_back(std::move(o));
  }
  if (has_nuclei) {
    field.nuclei = detail::label_stitcher(where, nuclei, options).field().clone();
    const auto inside = nuclei_of_cells(field.labels, field.nuclei);
    for (std::size_t i = 0; i < field.objects.size(); ++i) {
      detected_object& o = field.objects[i];
      if (o.nuclei < 0) continue;
      o.nuclei = static_cast<int>(inside[i].size());
      if (o.class_probabilities.empty()) o.object_class = std::min(o.nuclei, 2) - 1;  // as nuclei_per_cell tells it
    }
  }
  return field;
}

/// The picture of a field from its tiles [h,w,C], averaged where they overlap so that seams do not show; 0 where no tile
/// is. Throws shape_error if tiles differ in channels or a tile has no pixels.
inline tensor<float> stitch_pixels(const std::vector<rectangle>& where,
                                   const std::vector<view<const float, cpu>>& tiles) {
  if (tiles.empty() || where.size() != tiles.size())
    throw shape_error("stitch_pixels: expected a place for each of at least one tile, found " +
                      std::to_string(where.size()) + " for " + std::to_string(tiles.size()));
  index_t height = 0, width = 0;
  for (std::size_t t = 0; t < tiles.size(); ++t) {
    require_shape("stitch_pixels", {where[t].height, where[t].width, tiles[0].extent(2)}, tiles[t].shape());
    height = std::max(height, where[t].top + where[t].height);
    width = std::max(width, where[t].left + where[t].width);
  }
  const index_t channels = tiles[0].extent(2);
  tensor<float> field({height, width, channels}), weights({height, width});
  for (std::size_t t = 0; t < tiles.size(); ++t) {
    const rectangle& r = where[t];
    const tensor<float> blend = blend_weights(r.height, r.width, std::min(r.height, r.width) / 2);
    for (index_t y = 0; y < r.height; ++y)
      for (index_t x = 0; x < r.width; ++x) {
        weights(r.top + y, r.left + x) += blend(y, x);
        for (index_t c = 0; c < channels; ++c) field(r.top + y, r.left + x, c) += blend(y, x) * tiles[t](y, x, c);
      }
  }
  for (index_t p = 0; p < weights.size(); ++p)
    if (weights[p] > 0)
      for (index_t c = 0; c < channels; ++c) field[p * channels + c] /= weights[p];
  return field;
}

}  // namespace aixcell
