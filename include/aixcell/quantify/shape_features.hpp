#pragma once
#include <aixcell/metrics/region_properties.hpp>
#include <aixcell/quantify/bright_parts.hpp>
#include <aixcell/quantify/contour.hpp>
#include <aixcell/quantify/elliptic_fourier.hpp>
#include <aixcell/quantify/feature_table.hpp>

namespace aixcell {

/// What tells one nucleus from two that touch, as pure numbers: lengths are relative to the equivalent diameter.
struct contour_shape {
  double circularity = 1;  ///< 4 pi area / perimeter^2 of the smooth outline, 1 for a circle
  double solidity = 1;     ///< area / area of the convex hull of the outline
  double ellipse_misfit =
      0;                 ///< root mean square of the outline's distance from the ellipse of equal moments, relative
  double concavity = 0;  ///< depth of the deepest concavity
  double concavity_second = 0;  ///< of the second deepest: two touching nuclei have one on each side
  double concavities = 0;       ///< number of concavities at least a pixel and 4 % of the diameter deep
  double neck = 1;              ///< distance between the two deepest points; where there are no two, the minor axis
  double bending_energy = 1;    ///< see `bending`
  double curvature_least = 1;
  double curvature_greatest = 1;
  std::vector<double> fourier;  ///< amplitudes of harmonics 2.. relative to the first
};

inline constexpr int contour_harmonics = 8;

/// Shape of an object from its outer outline and its moments.
inline contour_shape shape_of(const contour& outline, const region_properties& region) {
  contour_shape s;
  const double diameter = std::sqrt(4 * outline.area / std::numbers::pi);
  const std::vector<image_point> hull = convex_hull(outline.corners);
  s.solidity = outline.area / polygon_area(hull);

  // Half axes of the ellipse of the object's moments; pixels have an extent, too: 1/12 of variance.
  const double major = std::sqrt(region.major_axis * region.major_axis / 4 + 1.0 / 3);
  const double minor = std::sqrt(region.minor_axis * region.minor_axis / 4 + 1.0 / 3);
  const double cosine = std::cos(region.orientation), sine = std::sin(region.orientation);
  for (const image_point& p : outline.corners) {
    const double y = p.y - region.centroid_y, x = p.x - region.centroid_x;
    const double along = (y * cosine + x * sine) / major, across = (x * cosine - y * sine) / minor;
    const double misfit = std::hypot(along, across) - 1;
    s.ellipse_misfit += misfit * misfit;
  }
  s.ellipse_misfit = std::sqrt(s.ellipse_misfit / static_cast<double>(outline.corners.size()));

  const std::vector<concavity> bays = concavities_of(outline.corners);
  const double least_depth = std::max(1.0, 0.04 * diameter);
  for (const concavity& bay : bays) s.concavities += bay.depth >= least_depth;
  if (!bays.empty()) s.concavity = bays[0].depth / diameter;
  if (bays.size() > 1) s.concavity_second = bays[1].depth / diameter;
  s.neck = (s.concavities >= 2 ? distance_between(bays[0].deepest, bays[1].deepest) : 2 * minor) / diameter;

  const fourier_contour curve = elliptic_fourier(without_stairs(outline.corners), contour_harmonics);
  const bending bends = bending_of(curve);
  s.bending_energy = bends.energy;
  s.curvature_least = bends.least;
  s.curvature_greatest = bends.greatest;
  s.circularity = 4 * std::numbers::pi * outline.area / (bends.perimeter * bends.perimeter);
  const double first = curve.harmonics[0].amplitude();
  for (std::size_t n = 1; n < curve.harmonics.size(); ++n)
    s.fourier.push_back(first > 0 ? curve.harmonics[n].amplitude() / first : 0);
  return s;
}

/// Median of a channel outside all objects, 0 where there is no such pixel: what an integrated intensity starts from.
inline double background_level(label_view labels, view<const float, cpu> pixels, index_t channel) {
  std::vector<float> outside;
  for (index_t i = 0; i < labels.size(); ++i)
    if (labels[i] == 0) outside.push_back(pixels[i * pixels.extent(2) + channel]);
  if (outside.empty()) return 0;
  const auto middle = outside.begin() + static_cast<std::ptrdiff_t>(outside.size() / 2);
  std::nth_element(outside.begin(), middle, outside.end());
  return static_cast<double>(*middle);
}

namespace detail {

inline double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace detail

/// Names of the columns of `shape_features` for images with these channels.
inline std::vector<std::string> shape_feature_names(const std::vector<std::string>& channels) {
  std::vector<std::string> names{"area",           "perimeter",      "equivalent_diameter", "major_axis",
                                 "minor_axis",     "eccentricity",   "circularity",         "solidity",
                                 "ellipse_misfit", "concavity",      "concavity_second",    "concavities",
                                 "neck",           "bending_energy", "curvature_least",     "curvature_greatest"};
  for (int n = 2; n <= contour_harmonics; ++n) names.push_back("fourier_" + std::to_string(n));
  for (const std::string& channel : channels)
    for (const char* what :
         {"mean_", "deviation_", "integrated_", "relative_integrated_", "bright_share_", "second_bright_part_"})
      names.push_back(what + channel);
  return names;
}

/// Shape and intensity of every object of a label map [H,W], by ascending label. `pixels` [H,W,C] with one name per
/// channel, or empty without names. Per channel: mean, standard deviation, sum above the image's background (of a DNA
/// stain: the ploidy), the same relative to the image's median object (exposures differ between images; both are
/// negative for dark objects on a bright ground), and the bright parts (see `bright_parts`). Measurements of the outline
/// are of the object's largest part. Throws shape_error if sizes or channel names do not fit, data_error on labels
/// below -1.
inline feature_table shape_features(label_view labels, view<const float, cpu> pixels = {},
                                    const std::vector<std::string>& channels = {}) {
  const std::vector<region_properties> regions = measure_regions(labels, pixels);
  const std::size_t channel_count = pixels.shape().rank() == 0 ? 0 : static_cast<std::size_t>(pixels.extent(2));
  require_shape("shape_features: names of channels", {static_cast<index_t>(channel_count)},
                {static_cast<index_t>(channels.size())});
  feature_table table;
  table.names = shape_feature_names(channels);

  struct intensity {
    double background = 0;
    std::vector<double> squares, integrated;
  };
  std::vector<intensity> light(channel_count);
  for (std::size_t c = 0; c < channel_count; ++c) {
    light[c].background = background_level(labels, pixels, static_cast<index_t>(c));
    light[c].squares.assign(regions.size(), 0.0);
  }
  if (channel_count > 0) {
    std::int32_t last = 0;
    std::size_t at = 0;
    for (index_t i = 0; i < labels.size(); ++i) {
      if (labels[i] <= 0) continue;
      if (labels[i] != last) {  // neighbours mostly agree
        last = labels[i];
        at = static_cast<std::size_t>(
            std::lower_bound(regions.begin(), regions.end(), last,
                             [](const region_properties& r, std::int32_t label) { return r.label < label; }) -
            regions.begin());
      }
      for (std::size_t c = 0; c < channel_count; ++c) {
        const double from_mean =
            static_cast<double>(pixels[i * static_cast<index_t>(channel_count) + static_cast<index_t>(c)]) -
            regions[at].mean_intensity[c];
        light[c].squares[at] += from_mean * from_mean;
      }
    }
    for (std::size_t c = 0; c < channel_count; ++c)
      for (const region_properties& r : regions)
        light[c].integrated.push_back((r.mean_intensity[c] - light[c].background) * static_cast<double>(r.area));
  }
  std::vector<double> median(channel_count);
  for (std::size_t c = 0; c < channel_count; ++c) median[c] = detail::median_of(light[c].integrated);

  const std::vector<contour> contours = trace_contours(labels);
  std::size_t outline = 0;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const region_properties& r = regions[i];
    while (contours[outline].label < r.label) ++outline;
    const contour_shape s = shape_of(contours[outline], r);
    const double area = static_cast<double>(r.area);
    table.labels.push_back(r.label);
    table.values.insert(table.values.end(),
                        {area, r.perimeter, r.equivalent_diameter, r.major_axis, r.minor_axis, r.eccentricity,
                         s.circularity, s.solidity, s.ellipse_misfit, s.concavity, s.concavity_second, s.concavities,
                         s.neck, s.bending_energy, s.curvature_least, s.curvature_greatest});
    table.values.insert(table.values.end(), s.fourier.begin(), s.fourier.end());
    for (std::size_t c = 0; c < channel_count; ++c) {
      const double integrated = light[c].integrated[i];
      const bright_parts bright = bright_parts_of(labels, pixels, static_cast<index_t>(c), r);
      table.values.insert(table.values.end(),
                          {r.mean_intensity[c], std::sqrt(light[c].squares[i] / area), integrated,
                           median[c] != 0 ? integrated / median[c] : missing_value, bright.share, bright.second});
    }
  }
  return table;
}

}  // namespace aixcell
