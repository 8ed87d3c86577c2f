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

namespace detail {

inline void write_without_loss(const std::filesystem::path& file, const tensor<float>& values) {
  const bool whole =
      std::all_of(values.begin(), values.end(), [](float v) { return v >= 0 && v <= 65535 && v == std::floor(v); });
  if (!whole) return write_tiff(file, values.as_view());
  tensor<std::uint16_t> pixels(values.shape());
  std::transform(values.begin(), values.end(), pixels.begin(), [](float v) { return static_cast<std::uint16_t>(v); });
  write_tiff(file, pixels.as_view());
}

/// As 16-bit PNG, which every program reads, or as TIFF if there are pixels nobody annotated or too many labels.
inline void write_label_map(std::filesystem::path file, const label_map& labels) {
  const bool small = std::all_of(labels.begin(), labels.end(), [](std::int32_t v) { return v >= 0 && v <= 65535; });
  write_labels(file += small ? ".png" : ".tif", labels.as_view());
}

}  // namespace detail

/// Writes a data set as `read_dataset` reads it: {train,test}/{images,masks,nuclei}/<id> (classification:
/// {train,test}/<class>/<id>), images as TIFF (16 bits if all values are whole numbers in 0..65535, else float32), label maps
/// as 16-bit PNG where that holds them, classes.csv, dataset.json, images.csv if there are groups or images with masks have
/// classes. Throws io_error, data_error if the folder has files.
inline void write_dataset(const dataset& set, const std::filesystem::path& folder,
                          const write_dataset_options& options = {}) {
  namespace fs = std::filesystem;
  if (fs::exists(folder) && !fs::is_empty(folder))
    throw data_error(folder.string() + ": is not empty; give a new folder");
  const auto write_class_folders = [](const dataset& whole, const dataset& part, const fs::path& to) {
    for (const std::string& name : whole.image_class_names) fs::create_directories(to / name);
    for (index_t i = 0; i < part.size(); ++i) {
      const sample& s = part.samples[static_cast<std::size_t>(i)];
      if (s.image_class < 0) throw data_error(s.image_file + ": has no class, so there is no folder for it; name one");
      detail::write_without_loss(to / whole.image_class_names[static_cast<std::size_t>(s.image_class)] /
                                     (fs::path(s.id).filename().string() + ".tif"),
                                 part.load(i).picture.pixels);
    }
  };
  const auto write_part = [&](const dataset& part, const fs::path& to) {
    if (set.task == task::image_classification) return write_class_folders(set, part, to);
    fs::create_directories(to / "images");
    fs::create_directories(to / "masks");
    if (set.has_nuclei()) fs::create_directories(to / "nuclei");
    table classes{.name = "classes.csv", .columns = {"id", "label", "class"}, .rows = {}, .lines = {}};
    for (index_t i = 0; i < part.size(); ++i) {
      const sample& s = part.samples[static_cast<std::size_t>(i)];
      const example e = part.load(i);
      detail::write_without_loss(to / "images" / (s.id + ".tif"), e.picture.pixels);
      detail::write_label_map(to / "masks" / s.id, e.truth.labels);
      if (!e.truth.nuclei.empty()) detail::write_label_map(to / "nuclei" / s.id, e.truth.nuclei);
      for (std::size_t o = 0; o < e.truth.object_class.size(); ++o)
        if (e.truth.object_class[o] >= 0)
          classes.rows.push_back(
              {s.id, std::to_string(o + 1), set.class_names.at(static_cast<std::size_t>(e.truth.object_class[o]))});
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
  table images{.name = "images.csv", .columns = {"id", "group", "class"}, .rows = {}, .lines = {}};
  for (const sample& s : set.samples)
    if (!s.group.empty() || s.image_class >= 0)
      images.rows.push_back(
          {s.id, s.group, s.image_class < 0 ? "" : set.image_class_names[static_cast<std::size_t>(s.image_class)]});
  if (!images.rows.empty()) write_csv(folder / "images.csv", images);
  nlohmann::json about{{"name", set.name}, {"task", std::string(to_string(set.task))}};
  if (!set.licence.empty()) about["licence"] = set.licence;
  if (!set.class_names.empty()) about["classes"] = set.class_names;
  if (!set.image_class_names.empty()) about["image_classes"] = set.image_class_names;
  if (!set.channel_names.empty()) about["channel_names"] = set.channel_names;
  write_file_atomically(folder / "dataset.json", about.dump(1));
}

}  // namespace aixcell
