#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// One acquisition: pixels [H,W,C] float32 in the units of the file (8-bit files give 0..255, 16-bit 0..65535,
/// float files what they hold), finite.
struct image {
  tensor<float> pixels;                    ///< [H,W,C]
  double pixel_size_um = 0;                ///< edge of a pixel in micrometres, 0 if the file does not say
  std::vector<std::string> channel_names;  ///< empty, or one per channel

  index_t height() const { return pixels.extent(0); }
  index_t width() const { return pixels.extent(1); }
  index_t channels() const { return pixels.extent(2); }
};

/// [H,W]: 0 is background, 1..N are objects; pixels with one number are one object, whether connected or not.
using label_map = tensor<std::int32_t>;

/// A pixel nobody annotated: losses and metrics skip it.
inline constexpr std::int32_t ignored_label = -1;

/// What is known about an image: the ground truth of every task. Parts that are unknown are empty.
struct annotation {
  label_map labels;               ///< [H,W] objects; for semantic data sets the class index of every pixel; empty if
                                  ///< only the class of the image is known
  std::vector<int> object_class;  ///< class index of object i+1, -1 unknown; empty if objects have no classes
  label_map nuclei;               ///< [H,W] nuclei inside the objects (cells), empty if not annotated
  int image_class = -1;           ///< class index of the whole image, -1 unknown
};

/// One found object. Coordinates in pixels.
struct detected_object {
  float score = 1;                         ///< confidence in [0,1]
  int object_class = -1;                   ///< index into the model's classes, -1 if the model tells none apart
  std::vector<float> class_probabilities;  ///< empty, or one per class, summing to 1
  int nuclei = -1;                         ///< nuclei counted in the object, -1 if the model does not count
};

/// What a pipeline says about an image.
struct prediction {
  label_map labels;                      ///< [H,W]: 1..N, object i+1 is objects[i]; semantic: class index per pixel;
                                         ///< empty where only the image is classified
  std::vector<detected_object> objects;  ///< of instance segmentation
  label_map nuclei;                      ///< [H,W] nuclei inside the objects, empty if the model does not find them
  int image_class = -1;                  ///< of the whole image, -1 if the model does not tell
  std::vector<float> image_class_probabilities;  ///< empty, or one per class, summing to 1
  tensor<float> dense;                   ///< [H,W,C] the network's output after blending, kept only on request
};

}  // namespace aixcell
