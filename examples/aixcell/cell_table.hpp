#pragma once
#include <string>
#include <vector>

#include <aixcell/io/table.hpp>
#include <aixcell/quantify/counts.hpp>
#include <aixcell/quantify/pair_nuclei.hpp>
#include <aixcell/quantify/shape_features.hpp>

// What `quantify` writes: a row for each object, each image, each group, each pair of groups.

namespace aixcell::program {

/// What columns are called, and what is measured beside shape and intensity.
struct quantity_names {
  std::vector<std::string> channels;
  std::vector<std::string> classes;
  double radius = 50;   ///< pixels in which neighbours are counted
  bool paired = false;  ///< objects are nuclei, two of them may be one cell
};

/// Everything known about the objects of one field.
struct quantified_field {
  std::string name, group;
  view<const float, cpu> pixels;
  const prediction& found;
  std::vector<index_t> partner =
      {};                       ///< per object in order of labels: position of the other nucleus of its cell, or -1
  bool without_border = false;  ///< cells that the border cuts are not counted
};

table empty_objects(const quantity_names& names);

/// Adds a row for every object and returns the cells of the field by class.
image_count add_objects(table& objects, const quantity_names& names, const quantified_field& field);

table counts_table(const std::vector<image_count>& images, const quantity_names& names, int counted);
table groups_table(const std::vector<group_count>& groups, const quantity_names& names);
table comparisons_table(const std::vector<group_comparison>& comparisons);

}  // namespace aixcell::program
