#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/io/acquisition.hpp>

namespace aixcell {

/// One annotated image of a data set: how to get it, and what a look at it told.
struct sample {
  std::string id;                 ///< unique in its data set; file name without extension
  std::string group;              ///< well, patient, ...: never on both sides of a split; empty: a group of its own
  std::string image_file;         ///< what messages name; the id if the sample is in memory
  std::string mask_file;          ///< likewise; of a classification data set the folder that says the class
  std::function<example()> read;  ///< stateless: called from several threads at once

  // Filled by dataset::checked.
  shape size;                        ///< [H,W,C]
  index_t objects = 0;               ///< annotated objects; 0 for semantic data sets
  std::vector<double> class_counts;  ///< per class: objects (instance) or pixels (semantic); empty without classes
  bool nuclei = false;               ///< nuclei inside objects are annotated
  bool classified = false;           ///< at least one object has a class
  int image_class = -1;              ///< of the whole image, -1 unknown
};

/// Annotated images of one kind: same channels, same classes, same task. Images are read when asked for, by any
/// number of threads; copying a data set copies names and facts only.
class dataset : public example_source {
 public:
  std::string name;
  std::string licence;  ///< as its author states it, empty if unknown
  aixcell::task task = aixcell::task::instance_segmentation;
  std::vector<std::string> class_names;    ///< semantic: of pixel values 0..; instance: of objects
  std::vector<std::string> image_class_names;  ///< of whole images; empty if they have no classes
  std::vector<std::string> channel_names;  ///< empty, or one per channel
  index_t channels = 0;                    ///< of every image
  acquisition acquired;                    ///< how files became these images
  /// One fixed exposure: a value means the same in every image (cytometry, calibrated detectors).
  bool intensities_comparable = false;
  std::vector<sample> samples;

  index_t size() const override { return static_cast<index_t>(samples.size()); }

  /// Reads one example. Throws what the reader throws, and data_error if mask and image differ in size.
  example load(index_t i) const override;

  bool has_nuclei() const { return any(&sample::nuclei); }
  bool has_object_classes() const { return any(&sample::classified); }
  bool has_image_classes() const {
    return std::any_of(samples.begin(), samples.end(), [](const sample& s) { return s.image_class >= 0; });
  }

  /// Number of images of each image class.
  std::vector<double> image_class_counts() const {
    std::vector<double> counts(image_class_names.size(), 0.0);
    for (const sample& s : samples)
      if (s.image_class >= 0) ++counts.at(static_cast<std::size_t>(s.image_class));
    return counts;
  }

  /// Number of annotated objects in all images.
  index_t objects() const {
    index_t sum = 0;
    for (const sample& s : samples) sum += s.objects;
    return sum;
  }

  /// The samples at these positions, in this order, with the same description.
  dataset subset(const std::vector<index_t>& positions) const {
    dataset part = *this;
    part.samples.clear();
    for (const index_t i : positions) part.samples.push_back(samples.at(static_cast<std::size_t>(i)));
    return part;
  }

  /// Throws data_error if nothing can be learned from this set: no image, or not one annotated object (pixel of a
  /// class above 0; of a classification data set, fewer than two classes with an image).
  void require_trainable() const;

  /// Reads every image once, in parallel: fills in the facts of each sample and `channels`, `channel_names`, and
  /// refuses what cannot be used. Throws data_error naming the file: sizes of mask and image differ, channels differ
  /// between images, pixels not finite, labels out of range.
  static dataset checked(context<cpu>& ctx, dataset unchecked);

  /// A data set in memory. `classes` names the object classes (semantic: the pixel values; classification: those of the
  /// images). Images share their memory with the argument. Checked as by `checked`.
  static dataset from_examples(std::string name, std::vector<example> examples, std::vector<std::string> classes = {},
                               aixcell::task solves = aixcell::task::instance_segmentation);

 private:
  bool any(bool sample::*fact) const {
    return std::any_of(samples.begin(), samples.end(), [=](const sample& s) { return s.*fact; });
  }
};

namespace detail {

inline std::string height_by_width(const shape& s) { return std::to_string(s[0]) + "x" + std::to_string(s[1]); }

/// Throws data_error unless every label map has the height and width of the image. Only a data set of image classes does
/// without.
inline void require_mask_fits(const sample& s, const example& e, task solves) {
  const shape& pixels = e.picture.pixels.shape();
  if (pixels.rank() != 3 || pixels.count() == 0)
    throw data_error(s.image_file + ": expected an image [H,W,C] with at least one pixel, found " + to_string(pixels));
  const auto compare = [&](const label_map& map, const std::string& what) {
    if (map.shape().rank() != 2 || map.extent(0) != pixels[0] || map.extent(1) != pixels[1])
      throw data_error(what + " is " +
                       (map.shape().rank() == 2 ? height_by_width(map.shape()) : to_string(map.shape())) + ", image " +
                       s.image_file + " is " + height_by_width(pixels) + "; export both at one size");
  };
  if (solves != task::image_classification || !e.truth.labels.empty()) compare(e.truth.labels, s.mask_file + ": mask");
  if (e.truth.nuclei.shape().rank() != 0) compare(e.truth.nuclei, s.mask_file + ": label map of nuclei");
}

/// The distinct values above 0 of a label map, ascending.
inline std::vector<std::int32_t> distinct_labels(const label_map& labels) {
  std::vector<std::int32_t> found;
  std::int32_t last = 0;
  for (const std::int32_t v : labels) {
    if (v == last) continue;  // runs are long
    last = v;
    if (v > 0) found.push_back(v);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// Renumbers labels to 1..N in ascending order of their values; 0 and below stay. Returns the old numbers.
inline std::vector<std::int32_t> make_labels_dense(label_map& labels) {
  const auto old = distinct_labels(labels);
  if (old.empty() || old.back() == static_cast<std::int32_t>(old.size())) return old;
  std::unordered_map<std::int32_t, std::int32_t> number;
  for (std::size_t i = 0; i < old.size(); ++i) number[old[i]] = static_cast<std::int32_t>(i + 1);
  std::int32_t last = 0, last_number = 0;
  for (std::int32_t& v : labels) {
    if (v <= 0) continue;
    if (v != last) last = v, last_number = number.at(v);
    v = last_number;
  }
  return old;
}

inline void require_finite(const sample& s, const tensor<float>& pixels) {
  for (index_t i = 0; i < pixels.size(); ++i)
    if (!std::isfinite(pixels.data()[i]))
      throw data_error(s.image_file + ": pixel " + std::to_string(i / pixels.extent(2)) +
                       " is not a finite number; replace NaN and infinity before export");
}

/// Fills the facts of a sample from its example.
inline void survey(sample& s, const example& e, const dataset& set) {
  require_mask_fits(s, e, set.task);
  require_finite(s, e.picture.pixels);
  s.size = e.picture.pixels.shape();
  s.nuclei = !e.truth.nuclei.empty();
  s.image_class = e.truth.image_class;
  if (s.image_class >= std::ssize(set.image_class_names))
    throw data_error(s.image_file + ": image class " + std::to_string(s.image_class) + ", but " +
                     std::to_string(set.image_class_names.size()) + " are declared; name every class");
  if (set.task == task::image_classification) return;
  const auto labels = distinct_labels(e.truth.labels);
  const auto classes = set.class_names.size();
  if (set.task == task::semantic_segmentation) {
    if (!labels.empty() && classes > 0 && labels.back() >= static_cast<std::int32_t>(classes))
      throw data_error(s.mask_file + ": pixel value " + std::to_string(labels.back()) + ", but the data set declares " +
                       std::to_string(classes) + " classes (values 0.." + std::to_string(classes - 1) +
                       "); add the class or mend the mask");
    if (!labels.empty() && labels.back() > 255)
      throw data_error(s.mask_file + ": pixel value " + std::to_string(labels.back()) +
                       " is no class; is this an instance data set (task in dataset.json)?");
    s.class_counts.assign(std::max(classes, labels.empty() ? 1 : static_cast<std::size_t>(labels.back()) + 1), 0.0);
    for (const std::int32_t v : e.truth.labels)
      if (v >= 0) ++s.class_counts[static_cast<std::size_t>(v)];
    return;
  }
  s.objects = static_cast<index_t>(labels.size());
  const auto& object_class = e.truth.object_class;
  if (object_class.empty()) return;
  if (!labels.empty() && labels.back() > static_cast<std::int32_t>(object_class.size()))
    throw data_error(s.mask_file + ": label " + std::to_string(labels.back()) + " has no class, " +
                     std::to_string(object_class.size()) + " are given; give one per object, -1 for unknown");
  s.class_counts.assign(classes, 0.0);
  for (const std::int32_t label : labels) {
    const int c = object_class[static_cast<std::size_t>(label - 1)];
    if (c >= static_cast<int>(classes))
      throw data_error(s.mask_file + ": object " + std::to_string(label) + " has class " + std::to_string(c) +
                       ", but " + std::to_string(classes) + " classes are declared; name every class");
    if (c < 0) continue;
    ++s.class_counts[static_cast<std::size_t>(c)];
    s.classified = true;
  }
}

}  // namespace detail

inline example dataset::load(index_t i) const {
  const sample& s = samples.at(static_cast<std::size_t>(i));
  example e = s.read();
  detail::require_mask_fits(s, e, task);
  return e;
}

inline void dataset::require_trainable() const {
  if (samples.empty()) throw data_error(name + ": the data set has no images; add annotated images");
  if (task == task::instance_segmentation) {
    if (objects() == 0)
      throw data_error(name + ": no mask of the " + std::to_string(samples.size()) +
                       " training images has an object; masks need 0 = background and 1..N = objects");
    return;
  }
  if (task == task::image_classification) {
    const auto counts = image_class_counts();
    if (std::count_if(counts.begin(), counts.end(), [](double n) { return n > 0; }) < 2)
      throw data_error(name + ": the " + std::to_string(samples.size()) +
                       " training images are of one class; classification needs images of at least two");
    return;
  }
  for (const sample& s : samples)
    for (std::size_t c = 1; c < s.class_counts.size(); ++c)
      if (s.class_counts[c] > 0) return;
  throw data_error(name + ": every pixel of the " + std::to_string(samples.size()) +
                   " masks is of class 0; masks need the class index of each pixel");
}

inline dataset dataset::checked(context<cpu>& ctx, dataset set) {
  std::vector<std::vector<std::string>> channel_names(set.samples.size());
  parallel_for(ctx, set.size(), [&](index_t i) {
    sample& s = set.samples[static_cast<std::size_t>(i)];
    const example e = s.read();
    detail::survey(s, e, set);
    channel_names[static_cast<std::size_t>(i)] = e.picture.channel_names;
  });
  if (set.samples.empty()) return set;
  const sample& first = set.samples.front();
  set.channels = first.size[2];
  if (set.channel_names.empty()) set.channel_names = channel_names.front();
  if (static_cast<index_t>(set.channel_names.size()) != set.channels) set.channel_names.clear();
  std::size_t classes = set.class_names.size();
  for (const sample& s : set.samples) {
    if (s.size[2] != set.channels)
      throw data_error(s.image_file + ": image has " + std::to_string(s.size[2]) + " channels, " + first.image_file +
                       " has " + std::to_string(set.channels) + "; export all images with the same channels");
    classes = std::max(classes, s.class_counts.size());
  }
  if (set.task == task::semantic_segmentation) {  // names nobody gave
    for (std::size_t c = set.class_names.size(); c < classes; ++c)
      set.class_names.push_back(c == 0 ? "background" : "class " + std::to_string(c));
    for (sample& s : set.samples) s.class_counts.resize(classes, 0.0);
  }
  return set;
}

inline dataset dataset::from_examples(std::string name, std::vector<example> examples, std::vector<std::string> classes,
                                      aixcell::task solves) {
  dataset set;
  set.name = std::move(name);
  (solves == task::image_classification ? set.image_class_names : set.class_names) = std::move(classes);
  set.task = solves;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    sample s;
    s.id = s.image_file = s.mask_file = set.name + "_" + std::to_string(i);
    s.read = [kept = std::make_shared<const example>(std::move(examples[i]))] { return *kept; };
    set.samples.push_back(std::move(s));
  }
  context<cpu> ctx(1);
  return checked(ctx, std::move(set));
}

}  // namespace aixcell
