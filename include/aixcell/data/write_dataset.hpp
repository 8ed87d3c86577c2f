#pragma once
#include <filesystem>

#include <nlohmann/json.hpp>

#include <aixcell/data/dataset.hpp>
#include <aixcell/data/split.hpp>
#include <aixcell/io/any_image.hpp>
#include <aixcell/io/table.hpp>
#include <aixcell/io/write_tiff.hpp>

namespace aixcell {

struct write_dataset_options {
  double test = 0.2;  ///< share of the images that go to test/, by group; 0: none
  std::uint64_t seed = 0;
};

/// Writes a data set as `read_dataset` reads it: {train,test}/{images,masks,nuclei}/<id>, float images as 16-bit TIFF
/// (values rounded and clamped to 0..65535), labels as PNG, classes.csv, dataset.json. Throws io_error.
inline void write_dataset(const dataset& set, const std::filesystem::path& folder, const write_dataset_options& options = {}) {
  namespace fs = std::filesystem;
  const auto write_part = [&](const dataset& part, const fs::path& to) {
    fs::create_directories(to / "images");
    fs::create_directories(to / "masks");
    if (set.has_nuclei()) fs::create_directories(to / "nuclei");
    table classes{.name = "classes.csv", .columns = {"id", "label", "class"}, .rows = {}, .lines = {}};
    for (index i = 0; i < part.size(); ++i) {
      const sample& s = part.samples[static_cast<std::size_t>(i)];
      const example e = part.load(i);
      tensor<std::uint16_t> pixels(e.picture.pixels.shape());
      for (index p = 0; p < pixels.size(); ++p) pixels[p] = static_cast<std::uint16_t>(std::clamp(e.picture.pixels[p] + 0.5f, 0.0f, 65535.0f));
      write_tiff(to / "images" / (s.id + ".tif"), pixels.as_view());
      write_labels(to / "masks" / (s.id + ".png"), e.truth.labels.as_view());
      if (!e.truth.nuclei.empty()) write_labels(to / "nuclei" / (s.id + ".png"), e.truth.nuclei.as_view());
      for (std::size_t o = 0; o < e.truth.object_class.size(); ++o)
        if (e.truth.object_class[o] >= 0) classes.rows.push_back({s.id, std::to_string(o + 1), set.class_names.at(static_cast<std::size_t>(e.truth.object_class[o]))});
    }
    if (!classes.rows.empty()) write_csv(to / "classes.csv", classes);
  };
  if (options.test > 0) {
    const split_result parts = split(set, {.validation = options.test, .seed = options.seed});
    write_part(parts.train, folder / "train");
    write_part(parts.validation, folder / "test");
  } else {
    write_part(set, folder);
  }
  nlohmann::json about{{"name", set.name}, {"task", set.task == task::semantic_segmentation ? "semantic" : "instance"}};
  if (!set.licence.empty()) about["licence"] = set.licence;
  if (!set.class_names.empty()) about["classes"] = set.class_names;
  if (!set.channel_names.empty()) about["channel_names"] = set.channel_names;
  write_file_atomically(folder / "dataset.json", about.dump(1));
}

}  // namespace aixcell
