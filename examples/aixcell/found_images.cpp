#include "found_images.hpp"

#include <algorithm>
#include <map>

#include <aixcell/io/any_image.hpp>
#include <aixcell/report/overlay.hpp>

namespace aixcell::program {

namespace fs = std::filesystem;

std::vector<fs::path> image_files(const std::vector<fs::path>& named) {
  std::vector<fs::path> files;
  for (const fs::path& path : named) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> inside;
    for (const auto& entry : fs::directory_iterator(path))
      if (is_image_file(entry.path())) inside.push_back(entry.path());
    if (inside.empty())
      throw io_error(path.string() + ": no image in this folder; expected PNG, BMP, JPEG or TIFF files");
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  std::map<std::string, fs::path> by_stem;
  for (const fs::path& file : files)
    if (const auto [at, is_new] = by_stem.try_emplace(file.stem().string(), file); !is_new)
      throw data_error(file.string() + ": its results would have the names of those of " + at->second.string() +
                       "; rename one, or predict them into different folders");
  return files;
}

rgb_picture overlay_of(const context<cpu>& ctx, view<const float, cpu> pixels, const prediction& found, task solves) {
  rgb_picture shown = display(ctx, pixels);
  if (solves == task::semantic_segmentation) return class_overlay(std::move(shown), found.labels);
  std::vector<int> classes;
  for (const detected_object& object : found.objects) classes.push_back(object.object_class);
  const bool told_apart = std::any_of(classes.begin(), classes.end(), [](int c) { return c >= 0; });
  return object_overlay(ctx, std::move(shown), found.labels, told_apart ? classes : std::vector<int>{});
}

void write_label_file(fs::path name, const label_map& labels, bool tiff) {
  const bool many = !labels.empty() && *std::max_element(labels.begin(), labels.end()) > 65535;
  write_labels(name += tiff || many ? ".tif" : ".png", labels);
}

}  // namespace aixcell::program
