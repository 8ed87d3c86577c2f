#pragma once
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <nanoflann.hpp>

#include <aixcell/quantify/contour.hpp>

namespace aixcell {

/// A point found by `point_index`.
struct neighbour {
  index_t point = 0;    ///< its position in the list
  double distance = 0;  ///< in pixels
};

/// Points in the plane in a kd-tree (nanoflann): what lies near a place, in logarithmic time. Equally far points come in
/// the order of the list, so that answers do not depend on how the tree was built. Copies share the tree.
class point_index {
 public:
  explicit point_index(std::vector<image_point> points) : tree_(std::make_shared<const tree>(std::move(points))) {}

  const std::vector<image_point>& points() const noexcept { return tree_->cloud.points; }

  /// The `count` points nearest to a place, nearest first; fewer if there are fewer. A point of the list finds itself
  /// unless it is left out.
  std::vector<neighbour> nearest(const image_point& place, index_t count, index_t left_out = -1) const {
    return find(place, {count, std::numeric_limits<double>::infinity(), left_out});
  }

  /// All points at most `radius` pixels away, nearest first.
  std::vector<neighbour> within(const image_point& place, double radius, index_t left_out = -1) const {
    return find(place, {std::numeric_limits<index_t>::max(), radius, left_out});
  }

 private:
  struct cloud_of_points {
    std::vector<image_point> points;
    std::size_t kdtree_get_point_count() const { return points.size(); }
    double kdtree_get_pt(std::size_t i, std::size_t dimension) const {
      return dimension == 0 ? points[i].y : points[i].x;
    }
    template <class Box>
    bool kdtree_get_bbox(Box&) const {
      return false;
    }
  };
  using flann_tree = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, cloud_of_points>,
                                                         cloud_of_points, 2, std::size_t>;
  struct tree {
    explicit tree(std::vector<image_point> list)
        : cloud{std::move(list)}, index(2, cloud, nanoflann::KDTreeSingleIndexAdaptorParams(10)) {
      index.buildIndex();
    }
    cloud_of_points cloud;
    flann_tree index;
  };

  /// What nanoflann fills: the best by squared distance, then by position. Its own result set keeps of equally far points
  /// the one it met first.
  struct best_set {
    using DistanceType = double;
    index_t count;
    double radius;
    index_t left_out;
    std::vector<std::pair<double, index_t>> found = {};  // ascending

    std::size_t size() const { return found.size(); }
    bool full() const { return true; }
    /// Strictly smaller distances are offered only: the next larger number lets equal ones in.
    double worstDist() const {
      const double worst =
          static_cast<index_t>(found.size()) == count ? found.back().first : std::min(radius * radius, largest);
      return std::nextafter(worst, std::numeric_limits<double>::infinity());
    }
    bool addPoint(double squared, std::size_t point) {
      const std::pair<double, index_t> candidate{squared, static_cast<index_t>(point)};
      if (candidate.second == left_out) return true;
      found.insert(std::upper_bound(found.begin(), found.end(), candidate), candidate);
      if (static_cast<index_t>(found.size()) > count) found.pop_back();
      return true;
    }
    static constexpr double largest = std::numeric_limits<double>::max() / 4;
  };

  std::vector<neighbour> find(const image_point& place, best_set set) const {
    if (points().empty() || set.count <= 0 || !(set.radius >= 0)) return {};
    const double query[2] = {place.y, place.x};
    tree_->index.findNeighbors(set, query, {});
    std::vector<neighbour> result;
    for (const auto& [squared, point] : set.found) result.push_back({point, std::sqrt(squared)});
    return result;
  }

  std::shared_ptr<const tree> tree_;  // nanoflann's index refers to the points: neither may move
};

}  // namespace aixcell
