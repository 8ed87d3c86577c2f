#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include <aixcell/autokonfig/machine_speed.hpp>
#include <aixcell/data/fingerprint.hpp>
#include <aixcell/library/pipeline_list.hpp>

namespace aixcell {

/// What the user needs. 0 means no limit.
struct requirements {
  task solves = task::instance_segmentation;
  bool object_classes = false;  ///< tell objects apart (mono-/binuclear, cell types)
  bool image_classes = false;   ///< tell whole images apart beside finding what is in them
  double latency_ms = 0;        ///< for one image of the data set's median size
  double memory_bytes = 0;      ///< peak while training, and while predicting
  double model_bytes = 0;       ///< of the model file
  double budget_s = 1800;       ///< for search and training together
  compute_settings compute = {};  ///< how networks will compute
};

/// A registered pipeline seen with one data set and one set of requirements.
struct candidate {
  const registered_pipeline* pipeline = nullptr;
  bool fits = false;
  double preference = 0;        ///< how promising by rule, greater is better
  double latency_ms = 0;        ///< predicted, for one image of median size
  double training_bytes = 0;    ///< predicted peak while training
  double step_s = 0;            ///< predicted, for one training step
  resource_estimate resources;  ///< for one image of median size
  std::string reason;           ///< why it was ranked so, or what it lacks
};

namespace detail {

struct preference_rule {
  bool holds;
  double points;
  const char* because;
};

/// What experience says before anything was tried. The meta-learner that learns from recorded runs takes this place.
inline void apply_rules(candidate& c, const fingerprint& data, const requirements& wanted) {
  const registered_pipeline& p = *c.pipeline;
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  const bool of_images = wanted.solves == task::image_classification;
  const double objects_seen = static_cast<double>(of_images ? data.images : data.objects), diameter = data.diameter_percentiles[2];
  const double steps = wanted.budget_s / std::max(1e-6, c.step_s);
  const preference_rule rules[] = {
      {has(p.postprocess, "star_convex"), 1, "star-convex polygons separate touching round objects"},
      {has(p.postprocess, "refined"), 0.5, "pixels say where the polygons' objects end"},
      {has(p.postprocess, "star_convex") && steps > 40000, 2, "the budget allows the many steps that polygons need"},
      {has(p.postprocess, "flow_field"), 2.5, "flows separate touching objects of any shape"},
      {has(p.postprocess, "distance_watershed"), 1.5, "depths suit objects that stand apart"},
      {has(p.postprocess, "connected_foreground") && data.touching < 0.02 && data.objects > 0, 1.5,
       "hardly any objects touch"},
      {has(p.postprocess, "interior_border"), 2, "interior and border suit objects of any shape"},
      {p.needs_nuclei && wanted.object_classes, 5, "counts the nuclei of each cell"},
      {has(p.postprocess, "classes") && wanted.object_classes, 2, "tells the classes of objects"},
      {p.preprocess == "percentile", 1, "percentiles are robust against hot pixels"},
      {has(p.preprocess, "top_hat") && data.background_unevenness > 0.5, 1.5, "the background is uneven"},
      {has(p.preprocess, "illumination") && data.light_falloff > 0.2 && data.objects_per_image >= 4, 1.5,
       "the light falls off towards the border of the images"},
      {has(p.preprocess, "stain_separation") && data.stained > 0.5, 1.5, "stains tell more than red, green and blue"},
      {has(p.preprocess, "fitted_") && of_images, 1.5, "brightness may tell the classes of images apart"},
      {has(p.preprocess, "fitted_") && data.intensities_comparable, 2, "intensities mean the same in all images"},
      {has(p.preprocess, "resize") && data.objects > 0 && (diameter > 80 || diameter < 8), 3,
       "objects are far from the size networks see well"},
      {p.encoder == "resnet18", objects_seen > 300 ? 1.5 : 1.0, "resnet18 is strong for its cost"},
      {has(p.encoder, "plain"), objects_seen > 5000 ? 0.8 : 1.2, "a small network learns from few objects"},
      {p.encoder == "resnet34" && objects_seen < 5000, -1, "a large network needs more objects"},
      {steps < 2000, -2, "the budget allows few steps of a network of this size"},
      {p.decoder == "unet", 0.5, "skip connections keep borders sharp"},
  };
  for (const preference_rule& rule : rules) {
    if (!rule.holds) continue;
    c.preference += rule.points;
    c.reason += (c.reason.empty() ? "" : "; ") + std::string(rule.because);
  }
}

/// What the candidate lacks, empty if nothing.
inline std::string misfit(const candidate& c, const fingerprint& data, const requirements& wanted) {
  const registered_pipeline& p = *c.pipeline;
  const auto limit = [](double found, double most, const char* what, double unit,
                        const char* unit_name) -> std::string {
    if (most <= 0 || found <= most) return "";
    return std::string(what) + " " + std::to_string(std::lround(found / unit)) + " " + unit_name + " exceeds " +
           std::to_string(std::lround(most / unit)) + " " + unit_name;
  };
  if (p.solves != wanted.solves) return "solves another task";
  if (p.needs_nuclei && !data.has_nuclei) return "needs the nuclei inside the objects";
  if (p.needs_object_classes && !data.has_object_classes) return "needs a class for each object";
  const bool tells_classes = p.needs_nuclei || p.needs_object_classes;
  if (tells_classes != wanted.object_classes)
    return tells_classes ? "tells classes nobody asked for" : "tells no object classes";
  if (p.needs_image_classes && !data.has_image_classes) return "needs a class for each image";
  if (wanted.solves != task::image_classification && p.needs_image_classes != wanted.image_classes)
    return wanted.image_classes ? "tells no classes of images" : "tells classes of images nobody asked for";
  for (const std::string& over :
       {limit(c.latency_ms, wanted.latency_ms, "predicted latency", 1, "ms"),
        limit(c.training_bytes, wanted.memory_bytes, "predicted memory", 1 << 20, "MiB"),
        limit(static_cast<double>(c.resources.weight_bytes), wanted.model_bytes, "model", 1 << 20, "MiB")})
    if (!over.empty()) return over;
  return "";
}

}  // namespace detail

/// Judges every registered pipeline without training any: what fits comes first, the most promising first among these;
/// what does not fit follows, with the reason. `batch` is the shape of a training step.
inline std::vector<candidate> recommend(const pipeline_list& list, const fingerprint& data, const requirements& wanted,
                                        const machine_speed& speed, const shape& batch) {
  std::vector<candidate> all;
  const shape one_image{1, std::max<index_t>(1, data.median_height), std::max<index_t>(1, data.median_width), batch[3]};
  for (const registered_pipeline& p : list.entries()) {
    candidate c;
    c.pipeline = &p;
    const auto model = p.make();
    c.resources = model->estimate(one_image, wanted.compute);
    const resource_estimate step = model->estimate(batch, wanted.compute);
    c.latency_ms = 1e3 * speed.seconds(c.resources.inference);
    c.step_s = speed.seconds(step.training);
    c.training_bytes = static_cast<double>(step.training_memory());
    const std::string lacks = model->accepts_channels(static_cast<int>(data.channels))
                                  ? detail::misfit(c, data, wanted)
                                  : "does not work on images of " + std::to_string(data.channels) + " channel(s)";
    c.fits = lacks.empty();
    if (c.fits)
      detail::apply_rules(c, data, wanted);
    else
      c.reason = lacks;
    all.push_back(std::move(c));
  }
  std::stable_sort(all.begin(), all.end(), [](const candidate& a, const candidate& b) {
    if (a.fits != b.fits) return a.fits;
    return a.preference != b.preference ? a.preference > b.preference : a.latency_ms < b.latency_ms;
  });
  return all;
}

}  // namespace aixcell
