#include "cell_table.hpp"

#include <aixcell/report/text.hpp>

namespace aixcell::program {

namespace {

/// Empty where a value is not known: tables have no NaN.
std::string cell(double value, int decimals = 4) { return std::isfinite(value) ? fixed_text(value, decimals) : ""; }

void append_counts(std::vector<std::string>& row, index_t cells, const std::vector<index_t>& of_class,
                   index_t unknown) {
  row.push_back(std::to_string(cells));
  for (const index_t n : of_class) row.push_back(std::to_string(n));
  row.push_back(std::to_string(unknown));
}

void append_interval(std::vector<std::string>& row, const interval& i) {
  for (const double v : {i.estimate, i.low, i.high}) row.push_back(cell(v));
}

void append_columns(table& t, const std::vector<std::string>& columns) {
  t.columns.insert(t.columns.end(), columns.begin(), columns.end());
}

}  // namespace

table empty_objects(const quantity_names& names) {
  table t{.name = "objects.csv",
          .columns = {"image", "group", "label", "centroid_y", "centroid_x"},
          .rows = {},
          .lines = {}};
  t.columns.push_back("class");
  for (const std::string& c : names.classes)
    if (!names.paired) t.columns.push_back("p_" + c);
  append_columns(t, {"score", "nuclei"});
  if (names.paired) t.columns.push_back("partner");
  append_columns(t, {"at_border", "counted", "nearest_distance", "neighbours"});
  append_columns(t, shape_feature_names(names.channels));
  return t;
}

image_count add_objects(table& objects, const quantity_names& names, const quantified_field& field) {
  const std::vector<region_properties> regions = measure_regions(field.found.labels);
  const feature_table features = shape_features(field.found.labels, field.pixels, names.channels);
  const point_index places(centroids_of(regions));
  const index_t height = field.found.labels.extent(0), width = field.found.labels.extent(1);
  const auto at_border = [&](const region_properties& r) {
    return r.top == 0 || r.left == 0 || r.bottom == height || r.right == width;
  };
  const auto partner_of = [&](std::size_t i) { return names.paired ? field.partner.at(i) : index_t{-1}; };
  std::vector<int> cells;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const region_properties& r = regions[i];
    const detected_object& o = field.found.objects.at(static_cast<std::size_t>(r.label) - 1);
    const index_t partner = partner_of(i);
    const int object_class = names.paired ? (partner >= 0 ? 1 : 0) : o.object_class;
    const bool cut = at_border(r) || (partner >= 0 && at_border(regions[static_cast<std::size_t>(partner)]));
    const bool counted = !(field.without_border && cut);
    // Of two nuclei of one cell, the first counts it.
    if (counted && (partner < 0 || partner > static_cast<index_t>(i))) cells.push_back(object_class);

    std::vector<std::string> row{field.name, field.group, std::to_string(r.label), cell(r.centroid_y, 2),
                                 cell(r.centroid_x, 2)};
    row.push_back(object_class < 0 ? "" : names.classes.at(static_cast<std::size_t>(object_class)));
    for (std::size_t c = 0; c < names.classes.size() && !names.paired; ++c)
      row.push_back(c < o.class_probabilities.size() ? cell(static_cast<double>(o.class_probabilities[c])) : "");
    row.push_back(cell(static_cast<double>(o.score)));
    row.push_back(o.nuclei >= 0 ? std::to_string(o.nuclei) : "");
    if (names.paired)
      row.push_back(partner < 0 ? "" : std::to_string(regions[static_cast<std::size_t>(partner)].label));
    row.push_back(at_border(r) ? "1" : "0");
    row.push_back(counted ? "1" : "0");
    const image_point place{r.centroid_y, r.centroid_x};
    const auto nearest = places.nearest(place, 1, static_cast<index_t>(i));
    row.push_back(nearest.empty() ? "" : cell(nearest[0].distance, 2));
    row.push_back(std::to_string(places.within(place, names.radius, static_cast<index_t>(i)).size()));
    for (std::size_t f = 0; f < features.columns(); ++f) row.push_back(cell(features.row(i)[f], 5));
    objects.rows.push_back(std::move(row));
  }
  return count_cells(field.name, field.group, cells, static_cast<int>(names.classes.size()));
}

table counts_table(const std::vector<image_count>& images, const quantity_names& names, int counted) {
  table t{.name = "counts.csv", .columns = {"image", "group", "cells"}, .rows = {}, .lines = {}};
  append_columns(t, names.classes);
  append_columns(t, {"unknown", "share", "low", "high"});
  for (const image_count& image : images) {
    std::vector<std::string> row{image.image, image.group};
    append_counts(row, image.cells(), image.of_class, image.unknown);
    append_interval(row, wilson_interval(image.share_of(counted)));
    t.rows.push_back(std::move(row));
  }
  return t;
}

table groups_table(const std::vector<group_count>& groups, const quantity_names& names) {
  table t{.name = "groups.csv", .columns = {"group", "images", "cells"}, .rows = {}, .lines = {}};
  append_columns(t, names.classes);
  append_columns(
      t, {"unknown", "share", "low", "high", "design_effect", "corrected_share", "corrected_low", "corrected_high"});
  for (const group_count& g : groups) {
    std::vector<std::string> row{g.group, std::to_string(g.images)};
    append_counts(row, g.cells(), g.of_class, g.unknown);
    append_interval(row, g.share.share);
    row.push_back(cell(g.share.design_effect, 2));
    if (g.corrected)
      append_interval(row, *g.corrected);
    else
      row.insert(row.end(), 3, "");
    t.rows.push_back(std::move(row));
  }
  return t;
}

table comparisons_table(const std::vector<group_comparison>& comparisons) {
  table t{.name = "comparisons.csv",
          .columns = {"first", "second", "difference", "low", "high", "p_value"},
          .rows = {},
          .lines = {}};
  for (const group_comparison& c : comparisons) {
    std::vector<std::string> row{c.first, c.second};
    append_interval(row, c.difference);
    row.push_back(cell(c.p_value, 4));
    t.rows.push_back(std::move(row));
  }
  return t;
}

}  // namespace aixcell::program
