#pragma once
#include <string>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/io/table.hpp>

namespace aixcell::program {

/// What the columns of a table of measurements are called.
struct measured_names {
  std::vector<std::string> channels;  ///< one per channel of the images
  std::vector<std::string> classes;   ///< of the model, empty if it tells none apart
};

/// A table without rows. Lengths are pixels, coordinates count from the centre of the first pixel, bounding boxes end
/// one past the last pixel; cells that do not apply are empty.
table empty_measurements(const measured_names& names);

struct measured_image {
  std::string name;
  const image& picture;
  const prediction& found;
  aixcell::task solves = task::instance_segmentation;
};

/// Adds a row for every object; of a semantic segmentation, for every class that occurs.
void add_measurements(table& rows, const measured_names& names, const measured_image& measured);

}  // namespace aixcell::program
