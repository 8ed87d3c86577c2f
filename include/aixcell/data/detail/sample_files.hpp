#pragma once
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <aixcell/data/dataset.hpp>
#include <aixcell/io/any_image.hpp>
#include <aixcell/io/table.hpp>

namespace aixcell::detail {

using path = std::filesystem::path;

/// Classes of the objects of each image: entry i of an image is object i+1, -1 unknown.
using object_classes = std::map<std::string, std::vector<int>>;

/// Image files of a folder by their name without extension. Throws data_error if two have one name.
inline std::map<std::string, path> images_in(const path& folder) {
  std::map<std::string, path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (!entry.is_regular_file() || file.starts_with(".")) continue;
    if (!is_image_file(entry.path()))
      throw data_error(entry.path().string() + ": is not a PNG, BMP, JPEG or TIFF image; move it out of the folder");
    const auto [other, added] = found.try_emplace(entry.path().stem().string(), entry.path());
    if (!added)
      throw data_error(entry.path().string() + ": has the same name as " + other->second.filename().string() +
                       "; rename one");
  }
  return found;
}

/// The first few names and how many there are.
inline std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, names.size()); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 3 ? text + ", ... (" + std::to_string(names.size()) + " in all)" : text;
}

/// Throws data_error unless `folder` (masks/ or nuclei/) has a file for each image and no other.
inline void require_partners(const std::map<std::string, path>& images, const std::map<std::string, path>& partners,
                             const path& folder) {
  const auto missing_in = [](const auto& known, const auto& wanted) {
    std::vector<std::string> names;
    for (const auto& [id, file] : wanted)
      if (!known.count(id)) names.push_back(id);
    return names;
  };
  if (const auto alone = missing_in(partners, images); !alone.empty())
    throw data_error(folder.string() + ": no file for image " + some_of(alone) +
                     "; give each image one of the same name, or take the image out");
  if (const auto alone = missing_in(images, partners); !alone.empty())
    throw data_error(folder.string() + ": no image for " + some_of(alone) +
                     "; give it an image of the same name in images/, or take it out");
}

/// Throws data_error if a table of classes names an image that is not there.
inline void require_known_ids(const object_classes& classes, const std::set<std::string>& ids, const path& file) {
  std::vector<std::string> unknown;
  for (const auto& [id, unused] : classes)
    if (!ids.count(id)) unknown.push_back(id);
  if (!unknown.empty())
    throw data_error(file.string() + ": names image " + some_of(unknown) +
                     ", which is not there; mend the id (the image's file name without extension)");
}

/// classes.csv: id, label, class. Class names are collected in the order in which they come, unless declared.
inline object_classes read_classes(const path& file, std::vector<std::string>& names, bool declared) {
  object_classes all;
  const table rows = read_csv(file);
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const auto label = rows.number<std::int32_t>(i, "label");
    const std::string& name = rows.text(i, "class");
    if (label < 1 || label > 10'000'000)
      throw data_error(file.string() + ": label " + std::to_string(label) + " of " + rows.text(i, "id") +
                       "; labels count from 1");
    auto known = std::find(names.begin(), names.end(), name);
    if (known == names.end()) {
      if (declared)
        throw data_error(file.string() + ": class \"" + name + "\" of " + rows.text(i, "id") +
                         " is not among the classes of dataset.json; add it there or mend it");
      names.push_back(name);
      known = names.end() - 1;
    }
    std::vector<int>& classes = all[rows.text(i, "id")];
    if (static_cast<std::size_t>(label) > classes.size()) classes.resize(static_cast<std::size_t>(label), -1);
    classes[static_cast<std::size_t>(label) - 1] = static_cast<int>(known - names.begin());
  }
  return all;
}

struct sample_files {
  std::string id;
  path image, mask;
  path nuclei;               ///< empty: not annotated
  std::vector<int> classes;  ///< of label i+1; empty: not annotated
};

/// How the images of a data set are read: its channels are selected afterwards, when all names are known.
inline acquisition all_channels_of(acquisition how) {
  how.channels.clear();
  return how;
}

/// A sample whose mask is one label image.
inline sample labelled_sample(const sample_files& files, task solves, const acquisition& how) {
  sample s;
  s.id = files.id;
  s.image_file = files.image.string();
  s.mask_file = files.mask.string();
  s.read = [files, solves, how = all_channels_of(how)] {
    const std::vector<int>& classes = files.classes;
    example e{read_image(files.image, how), {}};
    e.truth.labels = read_labels(files.mask);
    if (solves == task::semantic_segmentation) return e;
    const auto numbers = make_labels_dense(e.truth.labels);
    if (!classes.empty()) {
      e.truth.object_class.assign(numbers.size(), -1);
      for (std::size_t i = 0; i < numbers.size(); ++i)
        if (static_cast<std::size_t>(numbers[i]) <= classes.size())
          e.truth.object_class[i] = classes[static_cast<std::size_t>(numbers[i]) - 1];
      for (std::size_t label = 1; label <= classes.size(); ++label)
        if (classes[label - 1] >= 0 &&
            !std::binary_search(numbers.begin(), numbers.end(), static_cast<std::int32_t>(label)))
          throw data_error(files.mask.string() + ": classes.csv names object " + std::to_string(label) +
                           ", which the mask does not have; mend the table or the mask");
    }
    if (!files.nuclei.empty()) {
      e.truth.nuclei = read_labels(files.nuclei);
      make_labels_dense(e.truth.nuclei);
    }
    return e;
  };
  return s;
}

}  // namespace aixcell::detail
