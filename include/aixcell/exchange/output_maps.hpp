#pragma once
#include <string>
#include <vector>

#include <aixcell/exchange/stage_names.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/nuclei_per_cell.hpp>
#include <aixcell/postprocess/semantic.hpp>

namespace aixcell {

/// Neighbouring channels of a network's output that become probabilities: all of them together by softmax, or each by the
/// logistic function.
struct output_map {
  std::string name, meaning;
  index_t first = 0, count = 1;
  bool logistic = false;
};

/// What can be read as probabilities in the `channels` channels that a postprocess takes. Empty for a postprocess that is
/// not known here.
inline std::vector<output_map> output_maps_of(const any_pipeline& model, index_t channels) {
  constexpr std::string_view pixel_meaning = "probabilities of background, interior and border";
  constexpr index_t pixels = interior_border::channels;
  const std::string name = stage_names_of(model).postprocess;
  std::vector<output_map> maps;
  if (name.starts_with(semantic::name))
    maps.push_back({"class_probabilities", "probabilities of the classes, background first", 0,
                    model.setup().pixel_classes, false});
  if (name == image_class::name)
    maps.push_back({"image_class_probabilities", "probabilities of the classes of the whole image", 0, channels, false});
  if (name.starts_with(interior_border::name))
    maps.push_back({"pixel_probabilities", std::string(pixel_meaning), 0, pixels, false});
  if (name == nuclei_per_cell::name) {
    maps.push_back({"cell_probabilities", std::string(pixel_meaning) + " of cells", 0, pixels, false});
    maps.push_back({"nucleus_probabilities", std::string(pixel_meaning) + " of nuclei", pixels, pixels, false});
  }
  if (name.starts_with("star_convex"))
    maps.push_back({"object_probability", "probability that a pixel lies well inside an object", 0, 1, true});
  const index_t classes = model.setup().object_classes;
  if (name.ends_with("_classes") && classes > 0)
    maps.push_back(
        {"object_class_probabilities", "class of the object a pixel belongs to", channels - classes, classes, false});
  return maps;
}

}  // namespace aixcell
