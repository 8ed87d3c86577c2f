#pragma once
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include <aixcell/data/detail/sample_files.hpp>
#include <aixcell/data/select_channels.hpp>

namespace aixcell {

/// What a folder holds: images to learn from and, if it has them, images to test with.
struct dataset_parts {
  dataset train, test;
};

namespace detail {

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
      if (j.contains("classes") && j["classes"].is_array())
        d.empty.class_names = j["classes"].get<std::vector<std::string>>(), d.classes_declared = true;
      // The classes of objects do not include where no object is.
      if (d.empty.task == task::instance_segmentation && !d.empty.class_names.empty() &&
          d.empty.class_names.front() == "background")
        d.empty.class_names.erase(d.empty.class_names.begin());
      if (j.contains("channel_names") && j["channel_names"].is_array())
        d.empty.channel_names = j["channel_names"].get<std::vector<std::string>>();
      d.empty.intensities_comparable = j.value("intensities_comparable", false);
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

inline bool has_pairs(const path& folder) {
  return std::filesystem::is_directory(folder / "images") && std::filesystem::is_directory(folder / "masks");
}

/// A folder with images/ and masks/, and nuclei/ and classes.csv where there are any; nothing is read but tables.
/// `shared_classes` are of the whole data set and used where the folder has no table of its own.
inline std::vector<sample> samples_of_pairs(const path& folder, const object_classes& shared_classes, description& d) {
  const auto images = images_in(folder / "images"), masks = images_in(folder / "masks");
  if (images.empty())
    throw data_error((folder / "images").string() + ": has no images; put PNG, BMP, JPEG or TIFF files there");
  require_partners(images, masks, folder / "masks");
  std::map<std::string, path> nuclei;
  if (std::filesystem::is_directory(folder / "nuclei")) {
    nuclei = images_in(folder / "nuclei");
    require_partners(images, nuclei, folder / "nuclei");
  }
  object_classes own_classes;
  if (const path file = folder / "classes.csv"; std::filesystem::exists(file)) {
    own_classes = read_classes(file, d.empty.class_names, d.classes_declared);
    std::set<std::string> ids;
    for (const auto& [id, unused] : images) ids.insert(id);
    require_known_ids(own_classes, ids, file);
  }
  const object_classes& classes = own_classes.empty() ? shared_classes : own_classes;
  std::vector<sample> samples;
  for (const auto& [id, file] : images) {
    const auto known = classes.find(id);
    sample s = labelled_sample({.id = id,
                                .image = file,
                                .mask = masks.at(id),
                                .nuclei = nuclei.empty() ? path() : nuclei.at(id),
                                .classes = known == classes.end() ? std::vector<int>() : known->second},
                               d.empty.task, d.empty.acquired);
    if (const auto group = d.groups.find(id); group != d.groups.end()) s.group = group->second;
    samples.push_back(std::move(s));
  }
  return samples;
}

/// One folder for each image, with images/<id>.* and one mask file for each object in masks/ (Data Science Bowl 2018).
/// Where masks overlap, the one that comes first in the order of file names keeps the pixel.
inline std::vector<sample> samples_of_bowl(const path& folder, const description& d) {
  std::vector<sample> samples;
  std::vector<path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory() && has_pairs(entry.path())) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  for (const path& one : folders) {
    const auto images = images_in(one / "images");
    if (images.size() != 1)
      throw data_error((one / "images").string() + ": expected one image, found " + std::to_string(images.size()));
    std::vector<path> masks;
    for (const auto& [id, file] : images_in(one / "masks")) masks.push_back(file);
    sample s;
    s.id = one.filename().string();
    s.image_file = images.begin()->second.string();
    s.mask_file = (one / "masks").string();
    if (const auto group = d.groups.find(s.id); group != d.groups.end()) s.group = group->second;
    s.read = [file = images.begin()->second, masks, how = all_channels_of(d.empty.acquired)] {
      example e{read_image(file, how), {}};
      e.truth.labels = label_map({e.picture.height(), e.picture.width()});
      std::int32_t next = 0;
      for (const path& mask_file : masks) {
        const label_map mask = read_labels(mask_file);
        if (mask.shape() != e.truth.labels.shape())
          throw data_error(mask_file.string() + ": mask is " + height_by_width(mask.shape()) + ", image " +
                           file.string() + " is " + height_by_width(e.truth.labels.shape()) +
                           "; export both at one size");
        ++next;
        for (index_t p = 0; p < mask.size(); ++p)
          if (mask[p] != 0 && e.truth.labels[p] == 0) e.truth.labels[p] = next;
      }
      make_labels_dense(e.truth.labels);
      return e;
    };
    samples.push_back(std::move(s));
  }
  return samples;
}

/// The first entries of a folder, for messages.
inline std::string content_of(const path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string() + (entry.is_directory() ? "/" : ""));
  std::sort(names.begin(), names.end());
  return some_of(names);
}

}  // namespace detail

/// Reads a folder in one of three layouts; every file is looked at once, in parallel, so that bad input is refused
/// before any work:
///   {train,test}/{images,masks}/<id>.*    label images, with dataset.json, images.csv (id, group | patient | well),
///                                         {train,test}/nuclei/ and classes.csv (id,label,class) where there are any
///   {images,masks}/<id>.*                 the same without a test split
///   <id>/{images,masks}/                  one image and one mask file for each object
/// `how` says what becomes of stacks and which channels are taken; names may be those of dataset.json. Throws data_error
/// or io_error naming the file and the cure.
inline dataset_parts read_dataset(context<cpu>& ctx, const std::filesystem::path& folder, const acquisition& how = {}) {
  namespace fs = std::filesystem;
  if (!fs::exists(folder)) throw data_error(folder.string() + ": does not exist; give the folder of a data set");
  if (!fs::is_directory(folder)) throw data_error(folder.string() + ": is a file, expected the folder of a data set");
  if (fs::is_empty(folder))
    throw data_error(folder.string() + ": is empty; expected images/ and masks/, or train/ and test/ with these");
  detail::description d = detail::describe(folder);
  d.empty.acquired = how;
  const bool divided = fs::is_directory(folder / "train");
  detail::object_classes shared_classes;
  const fs::path table_file = folder / "classes.csv";
  if (divided && fs::exists(table_file))
    shared_classes = detail::read_classes(table_file, d.empty.class_names, d.classes_declared);

  std::vector<sample> train, test;
  if (divided) {
    for (const char* part : {"train", "test"}) {
      if (!fs::is_directory(folder / part)) continue;
      if (!detail::has_pairs(folder / part))
        throw data_error((folder / part).string() + ": expected the folders images/ and masks/ in it, found " +
                         detail::content_of(folder / part));
      (part == std::string_view("train") ? train : test) = detail::samples_of_pairs(folder / part, shared_classes, d);
    }
    std::set<std::string> ids;
    for (const auto* part : {&train, &test})
      for (const sample& s : *part) ids.insert(s.id);
    detail::require_known_ids(shared_classes, ids, table_file);
  } else if (detail::has_pairs(folder)) {
    train = detail::samples_of_pairs(folder, {}, d);
  } else {
    train = detail::samples_of_bowl(folder, d);
    if (train.empty())
      throw data_error(folder.string() + ": no data set found among " + detail::content_of(folder) +
                       "; expected train/images and train/masks, or images/ and masks/, or <id>/images and <id>/masks");
  }

  dataset_parts parts{d.empty, d.empty};  // only now are all classes known
  parts.train.samples = std::move(train);
  parts.test.samples = std::move(test);
  parts.train = select_channels(ctx, std::move(parts.train), how.channels);
  parts.test = select_channels(ctx, std::move(parts.test), how.channels);
  if (parts.test.size() > 0 && parts.test.channels != parts.train.channels)
    throw data_error(parts.test.samples.front().image_file + ": test images have " +
                     std::to_string(parts.test.channels) + " channels, training images " +
                     std::to_string(parts.train.channels) + "; export all images with the same channels");
  return parts;
}

}  // namespace aixcell
