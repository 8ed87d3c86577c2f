#pragma once
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include <aixcell/data/dataset.hpp>
#include <aixcell/io/any_image.hpp>
#include <aixcell/io/table.hpp>

namespace aixcell {

/// What a folder holds: images to learn from and, if it has them, images to test with.
struct dataset_parts {
  dataset train, test;
};

namespace detail {

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
    if (!added) throw data_error(entry.path().string() + ": has the same name as " + other->second.filename().string() + "; rename one");
  }
  return found;
}

/// The first few names and how many there are.
inline std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, names.size()); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 3 ? text + ", ... (" + std::to_string(names.size()) + " in all)" : text;
}

inline void require_partners(const std::map<std::string, path>& images, const std::map<std::string, path>& masks, const path& folder, const std::string& kind) {
  std::vector<std::string> alone;
  for (const auto& [id, file] : images)
    if (!masks.count(id)) alone.push_back(id);
  if (!alone.empty()) throw data_error((folder / kind).string() + ": no file for image " + some_of(alone) + "; give each image one of the same name, or take the image out");
  for (const auto& [id, file] : masks)
    if (!images.count(id)) alone.push_back(id);
  if (!alone.empty()) throw data_error((folder / kind).string() + ": no image for " + some_of(alone) + "; give it an image of the same name in images/, or take it out");
}

/// classes.csv: id, label, class. Class names are collected in the order in which they come, unless declared.
inline object_classes read_classes(const path& file, std::vector<std::string>& names, bool declared) {
  object_classes all;
  const table rows = read_csv(file);
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const auto label = rows.number<std::int32_t>(i, "label");
    const std::string& name = rows.text(i, "class");
    if (label < 1 || label > 10'000'000)
      throw data_error(file.string() + ": label " + std::to_string(label) + " of " + rows.text(i, "id") + "; labels count from 1");
    auto known = std::find(names.begin(), names.end(), name);
    if (known == names.end()) {
      if (declared) throw data_error(file.string() + ": class \"" + name + "\" of " + rows.text(i, "id") + " is not among the classes of dataset.json; add it there or mend it");
      names.push_back(name);
      known = names.end() - 1;
    }
    std::vector<int>& classes = all[rows.text(i, "id")];
    if (static_cast<std::size_t>(label) > classes.size()) classes.resize(static_cast<std::size_t>(label), -1);
    classes[static_cast<std::size_t>(label) - 1] = static_cast<int>(known - names.begin());
  }
  return all;
}

/// What dataset.json and images.csv say about a whole data set.
struct description {
  dataset empty;
  bool classes_declared = false;
  std::map<std::string, std::string> groups;
};

inline description describe(const path& folder) {
  description d;
  d.empty.name = std::filesystem::weakly_canonical(folder).filename().string();
  if (const path file = folder / "dataset.json"; std::filesystem::exists(file)) {
    try {
      const auto j = nlohmann::json::parse(read_text_file(file));
      d.empty.name = j.value("name", d.empty.name);
      if (j.contains("licence") && j["licence"].is_string()) d.empty.licence = j["licence"];
      const std::string kind = j.value("task", "instance");
      if (kind == "semantic")
        d.empty.task = task::semantic_segmentation;
      else if (kind != "instance")
        throw data_error(file.string() + ": task \"" + kind + "\"; this version reads \"instance\" and \"semantic\"");
      if (j.contains("classes") && j["classes"].is_array()) d.empty.class_names = j["classes"].get<std::vector<std::string>>(), d.classes_declared = true;
      if (j.contains("channel_names") && j["channel_names"].is_array()) d.empty.channel_names = j["channel_names"].get<std::vector<std::string>>();
    } catch (const nlohmann::json::exception&) {
      throw data_error(file.string() + ": is not valid JSON; mend it or take it away");
    }
  }
  if (const path file = folder / "images.csv"; std::filesystem::exists(file)) {
    const table rows = read_csv(file);
    for (const char* column : {"group", "patient", "well"})
      if (rows.has(column) && rows.has("id")) {
        for (std::size_t i = 0; i < rows.rows.size(); ++i) d.groups[rows.text(i, "id")] = rows.text(i, column);
        break;
      }
  }
  return d;
}

/// A sample whose mask is one label image.
inline sample labelled_sample(const std::string& id, const path& image_file, const path& mask_file, const path& nuclei_file, std::vector<int> classes, bool semantic) {
  sample s;
  s.id = id;
  s.image_file = image_file.string();
  s.mask_file = mask_file.string();
  s.read = [image_file, mask_file, nuclei_file, classes = std::move(classes), semantic] {
    example e{read_image(image_file), {}};
    e.truth.labels = read_labels(mask_file);
    if (semantic) return e;
    const auto numbers = make_labels_dense(e.truth.labels);
    if (!classes.empty()) {
      e.truth.object_class.assign(numbers.size(), -1);
      for (std::size_t i = 0; i < numbers.size(); ++i)
        if (static_cast<std::size_t>(numbers[i]) <= classes.size()) e.truth.object_class[i] = classes[static_cast<std::size_t>(numbers[i]) - 1];
      for (std::size_t label = 1; label <= classes.size(); ++label)
        if (classes[label - 1] >= 0 && !std::binary_search(numbers.begin(), numbers.end(), static_cast<std::int32_t>(label)))
          throw data_error(mask_file.string() + ": classes.csv names object " + std::to_string(label) + ", which the mask does not have; mend the table or the mask");
    }
    if (!nuclei_file.empty()) {
      e.truth.nuclei = read_labels(nuclei_file);
      make_labels_dense(e.truth.nuclei);
    }
    return e;
  };
  return s;
}

/// A folder with images/ and masks/, and nuclei/ and classes.csv where there are any.
inline dataset read_pair_folder(context<cpu>& ctx, const path& folder, const path& root, description& d) {
  dataset set = d.empty;
  const auto images = images_in(folder / "images"), masks = images_in(folder / "masks");
  if (images.empty()) throw data_error((folder / "images").string() + ": has no images; put PNG, BMP, JPEG or TIFF files there");
  require_partners(images, masks, folder, "masks");
  std::map<std::string, path> nuclei;
  if (std::filesystem::is_directory(folder / "nuclei")) {
    nuclei = images_in(folder / "nuclei");
    require_partners(images, nuclei, folder, "nuclei");
  }
  object_classes classes;
  for (const path& file : {folder / "classes.csv", root / "classes.csv"})
    if (classes.empty() && std::filesystem::exists(file)) {
      classes = read_classes(file, d.empty.class_names, d.classes_declared);
      if (file.parent_path() == folder)
        for (const auto& [id, unused] : classes)
          if (!images.count(id)) throw data_error(file.string() + ": names image \"" + id + "\", which is not in " + (folder / "images").string() + "; mend the id (file name without extension)");
    }
  set.class_names = d.empty.class_names;
  const bool semantic = set.task == task::semantic_segmentation;
  for (const auto& [id, file] : images) {
    const auto known = classes.find(id), nucleus = classes.end();
    sample s = labelled_sample(id, file, masks.at(id), nuclei.empty() ? path() : nuclei.at(id), known == nucleus ? std::vector<int>() : known->second, semantic);
    if (const auto group = d.groups.find(id); group != d.groups.end()) s.group = group->second;
    set.samples.push_back(std::move(s));
  }
  return dataset::checked(ctx, std::move(set));
}

/// One folder for each image, with images/<id>.* and one mask file for each object in masks/ (Data Science Bowl 2018).
/// Where masks overlap, the one that comes first in the order of file names keeps the pixel.
inline bool is_bowl_folder(const path& folder) {
  return std::filesystem::is_directory(folder / "images") && std::filesystem::is_directory(folder / "masks");
}
inline dataset read_bowl_folder(context<cpu>& ctx, const path& folder, const description& d) {
  dataset set = d.empty;
  std::vector<path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory() && is_bowl_folder(entry.path())) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  for (const path& one : folders) {
    const auto images = images_in(one / "images");
    if (images.size() != 1) throw data_error((one / "images").string() + ": expected one image, found " + std::to_string(images.size()));
    std::vector<path> masks;
    for (const auto& [id, file] : images_in(one / "masks")) masks.push_back(file);
    sample s;
    s.id = one.filename().string();
    s.image_file = images.begin()->second.string();
    s.mask_file = (one / "masks").string();
    if (const auto group = d.groups.find(s.id); group != d.groups.end()) s.group = group->second;
    s.read = [file = images.begin()->second, masks] {
      example e{read_image(file), {}};
      e.truth.labels = label_map({e.picture.height(), e.picture.width()});
      std::int32_t next = 0;
      for (const path& mask_file : masks) {
        const label_map mask = read_labels(mask_file);
        if (mask.shape() != e.truth.labels.shape())
          throw data_error(mask_file.string() + ": mask is " + height_by_width(mask.shape()) + ", image " + file.string() + " is " + height_by_width(e.truth.labels.shape()) + "; export both at one size");
        ++next;
        for (index p = 0; p < mask.size(); ++p)
          if (mask[p] != 0 && e.truth.labels[p] == 0) e.truth.labels[p] = next;
      }
      make_labels_dense(e.truth.labels);
      return e;
    };
    set.samples.push_back(std::move(s));
  }
  return dataset::checked(ctx, std::move(set));
}

}  // namespace detail

/// Reads a folder in one of three layouts; every file is looked at once, in parallel, so that bad input is refused
/// before any work:
///   {train,test}/{images,masks}/<id>.*    label images, with dataset.json, images.csv (id, group | patient | well),
///                                         {train,test}/nuclei/ and classes.csv (id,label,class) where there are any
///   {images,masks}/<id>.*                 the same without a test split
///   <id>/{images,masks}/                  one image and one mask file for each object
/// Throws data_error or io_error naming the file and the cure.
inline dataset_parts read_dataset(context<cpu>& ctx, const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (!fs::exists(folder)) throw data_error(folder.string() + ": does not exist; give the folder of a data set");
  if (!fs::is_directory(folder)) throw data_error(folder.string() + ": is a file, expected the folder of a data set");
  if (fs::is_empty(folder)) throw data_error(folder.string() + ": is empty; expected images/ and masks/, or train/ and test/ with these");
  detail::description d = detail::describe(folder);
  dataset_parts parts;
  if (fs::is_directory(folder / "train")) {
    if (!detail::is_bowl_folder(folder / "train")) throw data_error((folder / "train").string() + ": expected the folders images/ and masks/ in it");
    parts.train = detail::read_pair_folder(ctx, folder / "train", folder, d);
    if (fs::is_directory(folder / "test")) {
      if (!detail::is_bowl_folder(folder / "test")) throw data_error((folder / "test").string() + ": expected the folders images/ and masks/ in it");
      parts.test = detail::read_pair_folder(ctx, folder / "test", folder, d);
      parts.train.class_names = parts.test.class_names;
      if (parts.test.channels != parts.train.channels)
        throw data_error(parts.test.samples.front().image_file + ": test images have " + std::to_string(parts.test.channels) + " channels, training images " + std::to_string(parts.train.channels) + "; export all images with the same channels");
    }
  } else if (detail::is_bowl_folder(folder)) {
    parts.train = detail::read_pair_folder(ctx, folder, folder, d);
  } else {
    parts.train = detail::read_bowl_folder(ctx, folder, d);
    if (parts.train.samples.empty())
      throw data_error(folder.string() + ": no data set found; expected train/images and train/masks, or images/ and masks/, or <id>/images and <id>/masks");
  }
  return parts;
}

}  // namespace aixcell
