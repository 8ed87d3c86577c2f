#include "measurements.hpp"

#include <aixcell/metrics/region_properties.hpp>
#include <aixcell/report/text.hpp>

namespace aixcell::program {

namespace {

std::string class_name(const measured_names& names, int c) {
  if (c < 0) return "";
  const auto i = static_cast<std::size_t>(c);
  return i < names.classes.size() ? names.classes[i] : std::to_string(c);
}

}  // namespace

table empty_measurements(const measured_names& names) {
  table t;
  t.name = "measurements.csv";
  t.columns = {"image",     "label",       "area",       "centroid_y", "centroid_x",   "bbox_top",
               "bbox_left", "bbox_bottom", "bbox_right", "perimeter",  "eccentricity", "solidity"};
  for (const std::string& channel : names.channels) t.columns.push_back("mean_" + channel);
  for (const char* column : {"class", "class_score", "nuclei", "score"}) t.columns.push_back(column);
  return t;
}

void add_measurements(table& rows, const measured_names& names, const measured_image& measured) {
  for (const region_properties& r : measure_regions(measured.found.labels, measured.picture.pixels)) {
    std::vector<std::string> row{measured.name,
                                 std::to_string(r.label),
                                 std::to_string(r.area),
                                 fixed_text(r.centroid_y, 3),
                                 fixed_text(r.centroid_x, 3),
                                 std::to_string(r.top),
                                 std::to_string(r.left),
                                 std::to_string(r.bottom),
                                 std::to_string(r.right),
                                 fixed_text(r.perimeter, 3),
                                 fixed_text(r.eccentricity, 4),
                                 fixed_text(r.solidity, 4)};
    for (const double mean : r.mean_intensity) row.push_back(fixed_text(mean, 4));
    if (measured.solves == task::semantic_segmentation) {
      row.insert(row.end(), {class_name(names, r.label), "", "", ""});
    } else {
      const detected_object& object = measured.found.objects.at(static_cast<std::size_t>(r.label) - 1);
      const auto c = static_cast<std::size_t>(object.object_class);
      const bool sure = object.object_class >= 0 && c < object.class_probabilities.size();
      row.insert(row.end(), {class_name(names, object.object_class),
                             sure ? fixed_text(static_cast<double>(object.class_probabilities[c]), 4) : "",
                             object.nuclei >= 0 ? std::to_string(object.nuclei) : "",
                             fixed_text(static_cast<double>(object.score), 4)});
    }
    rows.rows.push_back(std::move(row));
  }
}

}  // namespace aixcell::program
