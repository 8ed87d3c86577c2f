#include "choice.hpp"

#include <cstdio>
#include <map>

#include <aixcell/report/text.hpp>

#include "text_table.hpp"

namespace aixcell::program {

namespace {

std::string mebibytes(double bytes) { return fixed_text(bytes / 0x1p20, bytes < 10 * 0x1p20 ? 1 : 0) + " MiB"; }

}  // namespace

requirements requirements_for(const wanted_choice& wanted, const dataset& data) {
  requirements r;
  r.solves = wanted.goal.solves.value_or(data.task);
  // Without a class for each object only nuclei that are annotated inside them tell mono- from binuclear.
  const bool told_apart = data.has_object_classes() || data.has_nuclei();
  r.object_classes = wanted.goal.classes.value_or(told_apart) && r.solves == task::instance_segmentation;
  r.image_classes = wanted.goal.classes.value_or(data.has_image_classes()) && r.solves == task::semantic_segmentation;
  r.latency_ms = 1e3 * wanted.limits.latency_s;
  r.memory_bytes = wanted.limits.memory_bytes;
  r.budget_s = wanted.budget_s;
  r.compute = wanted.compute;
  return r;
}

training_step step_for(const training_step& asked, const fingerprint& data) {
  training_step step = recommended_step(data);
  if (asked.tile > 0) step.tile = asked.tile;
  if (asked.batch > 0) step.batch = asked.batch;
  return step;
}

std::string candidates_text(const std::vector<candidate>& candidates, const candidates_text_options& options) {
  std::vector<std::vector<std::string>> rows{{"pipeline", "latency", "training memory", "parameters", "why"}};
  std::map<std::string, int> lacking;
  int more = 0;
  for (const candidate& c : candidates) {
    if (!c.fits) {
      ++lacking[c.reason];
      continue;
    }
    if (options.at_most > 0 && static_cast<int>(rows.size()) > options.at_most) {
      ++more;
      continue;
    }
    rows.push_back({c.pipeline->name, fixed_text(c.latency_ms, 0) + " ms", mebibytes(c.training_bytes),
                    fixed_text(c.resources.parameters / 1e6, 2) + " M", c.reason});
  }
  std::string text = rows.size() > 1 ? text_table(rows) : "no pipeline fits\n";
  if (more > 0) text += std::to_string(more) + " more that fit, less promising (`aixcell recommend` lists all)\n";
  for (const auto& [reason, count] : lacking) text += std::to_string(count) + " left out: " + reason + "\n";
  return text;
}

nlohmann::json to_json(const candidate& c) {
  return {{"pipeline", c.pipeline->name},
          {"fits", c.fits},
          {"reason", c.reason},
          {"preference", c.preference},
          {"latency_ms", c.latency_ms},
          {"training_bytes", c.training_bytes},
          {"inference_bytes", c.resources.inference_bytes},
          {"step_s", c.step_s},
          {"parameters", c.resources.parameters},
          {"flops", c.resources.inference.flops}};
}

nlohmann::json to_json(const fingerprint& data) {
  char digest[17];
  std::snprintf(digest, sizeof digest, "%016llx", static_cast<unsigned long long>(data.digest));
  return {{"images", data.images},
          {"channels", data.channels},
          {"median_height", data.median_height},
          {"median_width", data.median_width},
          {"objects", data.objects},
          {"objects_per_image", data.objects_per_image},
          {"diameter_percentiles_5_25_50_75_95", data.diameter_percentiles},
          {"foreground", data.foreground},
          {"touching", data.touching},
          {"intensity_percentiles_1_50_99.8", data.intensity_percentiles},
          {"background_unevenness", data.background_unevenness},
          {"light_falloff", data.light_falloff},
          {"stained", data.stained},
          {"intensities_comparable", data.intensities_comparable},
          {"noise", data.noise},
          {"class_counts", data.class_counts},
          {"image_class_counts", data.image_class_counts},
          {"has_nuclei", data.has_nuclei},
          {"has_object_classes", data.has_object_classes},
          {"has_image_classes", data.has_image_classes},
          {"digest", digest}};
}

}  // namespace aixcell::program
