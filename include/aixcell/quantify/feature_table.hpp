#pragma once
#include <limits>
#include <string>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell {

/// A value that is not known. Classifiers put the mean of the training objects in its place.
inline constexpr double missing_value = std::numeric_limits<double>::quiet_NaN();

/// Numbers that describe objects, one row each.
struct feature_table {
  std::vector<std::string> names;    ///< of the columns
  std::vector<std::int32_t> labels;  ///< of the rows: which object
  std::vector<double> values;        ///< [rows, columns]

  std::size_t rows() const { return labels.size(); }
  std::size_t columns() const { return names.size(); }
  double* row(std::size_t i) { return values.data() + i * columns(); }
  const double* row(std::size_t i) const { return values.data() + i * columns(); }

  /// Appends the rows of a table with the same columns, which an empty table takes over. Throws data_error if they differ.
  void append(const feature_table& other) {
    if (names.empty() && labels.empty()) names = other.names;
    if (names != other.names)
      throw data_error("feature table: expected the " + std::to_string(names.size()) +
                       " features of the rows before, " + "found " + std::to_string(other.names.size()) +
                       " others; measure all images in one way");
    labels.insert(labels.end(), other.labels.begin(), other.labels.end());
    values.insert(values.end(), other.values.begin(), other.values.end());
  }

  /// Appends one row of another table with the same columns.
  void append_row(const feature_table& other, std::size_t i) {
    feature_table one{other.names, {other.labels.at(i)}, {}};
    one.values.assign(other.row(i), other.row(i) + other.columns());
    append(one);
  }
};

}  // namespace aixcell
