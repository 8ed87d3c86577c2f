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
  bool image_classes_declared = false;
  std::map<std::string, std::string> groups;
  std::map<std::string, std::string> image_classes;  ///< of images that have masks, by id
  std::map<std::string, std::string> seen_as;        ///< class of the view by class; empty: no view
};

/// The classes of a view: `{"one_mass": ["G1", "S"], "two_masses": ["telophase"]}` in dataset.json, under the view's name.
inline void read_view(const nlohmann::json& j, const std::string& view, const path& file, description& d) {
  const auto named = j.find(view);
  if (named == j.end() || !named->is_object()) {
    std::vector<std::string> there;
    for (const auto& [key, value] : j.items())
      if (value.is_object() && !value.empty() &&
          std::all_of(value.begin(), value.end(), [](const auto& group) { return group.is_array(); }))
        there.push_back(key);
    throw data_error(file.string() + ": has no view \"" + view + "\"; " +
                     (there.empty() ? "it has none" : "there is " + some_of(there)));
  }
  d.empty.image_class_names.clear();
  for (const auto& [group, classes] : named->items()) {
    d.empty.image_class_names.push_back(group);
    for (const auto& one : classes) d.seen_as[one.get<std::string>()] = group;
  }
}

inline description describe(const path& folder, const std::string& view) {
  description d;
  d.empty.name = std::filesystem::weakly_canonical(folder).filename().string();
  if (const path file = folder / "dataset.json"; std::filesystem::exists(file)) {
    try {
      const auto j = nlohmann::json::parse(read_text_file(file));
      d.empty.name = j.value("name", d.empty.name);
      if (j.contains("licence") && j["licence"].is_string()) d.empty.licence = j["licence"];
      const std::string kind = j.value("task", "instance");
      if (const auto known = parse_task(kind))
        d.empty.task = *known;
      else
        throw data_error(file.string() + ": task \"" + kind +
                         "\"; there are \"instance\", \"semantic\" and \"classification\"");
      const bool of_images = d.empty.task == task::image_classification;
      if (j.contains("classes") && j["classes"].is_array())
        (of_images ? d.empty.image_class_names : d.empty.class_names) = j["classes"].get<std::vector<std::string>>(),
        (of_images ? d.image_classes_declared : d.classes_declared) = true;
      if (j.contains("image_classes") && j["image_classes"].is_array())
        d.empty.image_class_names = j["image_classes"].get<std::vector<std::string>>(), d.image_classes_declared = true;
      // The classes of objects do not include where no object is.
      if (d.empty.task == task::instance_segmentation && !d.empty.class_names.empty() &&
          d.empty.class_names.front() == "background")
        d.empty.class_names.erase(d.empty.class_names.begin());
      if (j.contains("channel_names") && j["channel_names"].is_array())
        d.empty.channel_names = j["channel_names"].get<std::vector<std::string>>();
      d.empty.intensities_comparable = j.value("intensities_comparable", false);
      if (!view.empty()) read_view(j, view, file, d);
    } catch (const nlohmann::json::exception&) {
      throw data_error(file.string() + ": is not valid JSON; mend it or take it away");
    }
  } else if (!view.empty()) {
    throw data_error(file.string() + ": does not exist; it says which classes view \"" + view + "\" puts together");
  }
  if (const path file = folder / "images.csv"; std::filesystem::exists(file)) {
    const table rows = read_csv(file);
    for (const char* column : {"group", "patient", "well"})
      if (rows.has(column) && rows.has("id")) {
        for (std::size_t i = 0; i < rows.rows.size(); ++i) d.groups[rows.text(i, "id")] = rows.text(i, column);
        break;
      }
    if (rows.has("class") && rows.has("id"))
      for (std::size_t i = 0; i < rows.rows.size(); ++i)
        if (!rows.text(i, "class").empty()) d.image_classes[rows.text(i, "id")] = rows.text(i, "class");
  }
  return d;
}

inline bool has_pairs(const path& folder) {
  return std::filesystem::is_directory(folder / "images") && std::filesystem::is_directory(folder / "masks");
}

/// Position of an image class among those of the data set, which grow with every new name unless they were declared.
inline int image_class_of(const std::string& said, const path& where, description& d) {
  std::string name = said;
  if (!d.seen_as.empty()) {
    const auto seen = d.seen_as.find(said);
    if (seen == d.seen_as.end()) throw data_error(where.string() + ": class \"" + said + "\" is in no group of the view");
    name = seen->second;
  }
  std::vector<std::string>& names = d.empty.image_class_names;
  auto known = std::find(names.begin(), names.end(), name);
  if (known == names.end()) {
    if (d.image_classes_declared)
      throw data_error(where.string() + ": image class \"" + name +
                       "\" is not among those of dataset.json; add it there or mend it");
    names.push_back(name);
    known = names.end() - 1;
  }
  return static_cast<int>(known - names.begin());
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
    if (const auto said = d.image_classes.find(id); said != d.image_classes.end())
      s.read = [read = std::move(s.read), c = image_class_of(said->second, folder, d)] {
        example e = read();
        e.truth.image_class = c;
        return e;
      };
    samples.push_back(std::move(s));
  }
  return samples;
}

/// Folders of images, each named after the class of what is in it, in the order of their names.
inline std::vector<path> class_folders(const path& folder) {
  std::vector<path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory() && !entry.path().filename().string().starts_with(".")) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

/// Whether there are two or more folders with files right in them, and none that belongs to another layout.
inline bool has_class_folders(const path& folder) {
  int with_files = 0;
  for (const path& one : class_folders(folder)) {
    for (const char* other : {"images", "masks", "nuclei", "train", "test"})
      if (one.filename() == other) return false;
    const std::filesystem::directory_iterator files(one);
    with_files += std::any_of(begin(files), end(files), [](const auto& file) { return file.is_regular_file(); });
  }
  return with_files >= 2;
}

/// <class>/<id>.*: the class of every image is the name of its folder. Samples are named `<class>/<id>`, a table of groups
/// may use either.
inline std::vector<sample> samples_of_classes(const path& folder, description& d) {
  if (has_pairs(folder))
    throw data_error(folder.string() +
                     ": the task is \"classification\", but there are images/ and masks/; put images into folders named "
                     "after their classes, or mend the task in dataset.json");
  std::vector<sample> samples;
  for (const path& one : class_folders(folder)) {
    const auto images = images_in(one);
    if (images.empty()) continue;
    const int c = image_class_of(one.filename().string(), one, d);
    for (const auto& [id, file] : images) {
      sample s;
      s.id = one.filename().string() + "/" + id;
      s.image_file = file.string();
      s.mask_file = one.string();
      for (const std::string& known : {s.id, id})
        if (const auto group = d.groups.find(known); group != d.groups.end()) s.group = group->second;
      s.read = [file = file, c, how = all_channels_of(d.empty.acquired)] {
        example e{read_image(file, how), {}};
        e.truth.image_class = c;
        return e;
      };
      samples.push_back(std::move(s));
    }
  }
  if (samples.empty())
    throw data_error(folder.string() + ": has no images; put them into folders named after their classes");
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

/// Reads a folder in one of four layouts; every file is looked at once, in parallel, so that bad input is refused
/// before any work:
///   {train,test}/{images,masks}/<id>.*    label images, with dataset.json, images.csv (id, group | patient | well),
///                                         {train,test}/nuclei/ and classes.csv (id,label,class) where there are any
///   {images,masks}/<id>.*                 the same without a test split
///   <id>/{images,masks}/                  one image and one mask file for each object
///   {train,test}/<class>/<id>.*           images that belong to one class each, or <class>/<id>.* without a test split
/// dataset.json names the task (instance, semantic, classification), the classes (`classes`; those of whole images that have
/// masks, too: `image_classes`, and the column `class` of images.csv) and views, which put classes together under new names.
/// `how` says what becomes of stacks and which channels are taken; names may be those of dataset.json. `view` is
/// the name of a view, or empty. Throws data_error or io_error naming the file and the cure.
inline dataset_parts read_dataset(context<cpu>& ctx, const std::filesystem::path& folder, const acquisition& how = {},
                                  const std::string& view = {}) {
  namespace fs = std::filesystem;
  if (!fs::exists(folder)) throw data_error(folder.string() + ": does not exist; give the folder of a data set");
  if (!fs::is_directory(folder)) throw data_error(folder.string() + ": is a file, expected the folder of a data set");
  if (fs::is_empty(folder))
    throw data_error(folder.string() + ": is empty; expected images/ and masks/, or train/ and test/ with these");
  detail::description d = detail::describe(folder, view);
  d.empty.acquired = how;
  const bool divided = fs::is_directory(folder / "train");
  if (detail::has_class_folders(divided ? folder / "train" : folder)) d.empty.task = task::image_classification;
  if (!view.empty() && d.empty.task != task::image_classification && d.image_classes.empty())
    throw data_error(folder.string() + ": views are of classes of whole images, which this data set does not have");
  detail::object_classes shared_classes;
  const fs::path table_file = folder / "classes.csv";
  if (divided && fs::exists(table_file))
    shared_classes = detail::read_classes(table_file, d.empty.class_names, d.classes_declared);

  std::vector<sample> train, test;
  if (divided) {
    for (const char* part : {"train", "test"}) {
      if (!fs::is_directory(folder / part)) continue;
      std::vector<sample>& samples = part == std::string_view("train") ? train : test;
      if (d.empty.task == task::image_classification)
        samples = detail::samples_of_classes(folder / part, d);
      else if (detail::has_pairs(folder / part))
        samples = detail::samples_of_pairs(folder / part, shared_classes, d);
      else
        throw data_error((folder / part).string() +
                         ": expected the folders images/ and masks/ in it, or a folder for each class, found " +
                         detail::content_of(folder / part));
    }
    std::set<std::string> ids;
    for (const auto* part : {&train, &test})
      for (const sample& s : *part) ids.insert(s.id);
    detail::require_known_ids(shared_classes, ids, table_file);
  } else if (d.empty.task == task::image_classification) {
    train = detail::samples_of_classes(folder, d);
  } else if (detail::has_pairs(folder)) {
    train = detail::samples_of_pairs(folder, {}, d);
  } else {
    train = detail::samples_of_bowl(folder, d);
    if (train.empty())
      throw data_error(folder.string() + ": no data set found among " + detail::content_of(folder) +
                       "; expected train/images and train/masks, or images/ and masks/, or <id>/images and <id>/masks, "
                       "or folders of images named after their classes");
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
