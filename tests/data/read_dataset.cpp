#include <aixcell/data/read_dataset.hpp>

#include <cstdlib>

#include "data/examples.hpp"
#include "io/support.hpp"

using namespace aixcell;
using namespace aixcell::test;
namespace fs = std::filesystem;

namespace {

/// A folder in which data sets are laid out by hand.
class layout : public temporary_folder {
 public:
  void image(const std::string& name, const shape& size = {6, 8}) const {
    fs::create_directories((path() / name).parent_path());
    tensor<std::uint8_t> pixels(size);
    pixels.fill(7);
    write_png(path() / name, pixels.as_view());
  }
  /// A mask whose first pixels, one of each two, have these labels.
  void mask(const std::string& name, const std::vector<std::int32_t>& labels = {1}, const shape& size = {6, 8}) const {
    fs::create_directories((path() / name).parent_path());
    label_map map(size);
    for (std::size_t i = 0; i < labels.size(); ++i) map[static_cast<aixcell::index_t>(2 * i)] = labels[i];
    write_labels(path() / name, map.as_view());
  }
  void text(const std::string& name, const std::string& content) const {
    write_file_atomically(path() / name, content);
  }

  dataset_parts read() const {
    context<cpu> ctx(2);
    return read_dataset(ctx, path());
  }
  std::string refusal() const {
    const std::string message = message_of([&] { read(); });
    CHECK(message.find('\n') == message.npos);
    return message;
  }
};

std::vector<std::string> ids(const dataset& set) {
  std::vector<std::string> names;
  for (const sample& s : set.samples) names.push_back(s.id);
  return names;
}

}  // namespace

TEST_CASE("training and test folders with their tables") {
  const layout folder;
  folder.image("train/images/a.png");
  folder.image("train/images/b.png");
  folder.image("test/images/c.png");
  folder.mask("train/masks/a.tif", {1, 2});
  folder.mask("train/masks/b.png", {4, 9});
  folder.mask("test/masks/c.png", {3});
  for (const char* file : {"train/nuclei/a.png", "train/nuclei/b.png", "test/nuclei/c.png"})
    folder.mask(file, {1, 5, 7});
  folder.text("dataset.json", R"({"name": "hearts", "licence": "CC0 1.0", "task": "instance",
                                  "classes": ["background", "mono", "bi"], "channel_names": ["DAPI"],
                                  "intensities_comparable": true})");
  folder.text("images.csv", "id,split,patient\na,train,p1\nb,train,p1\nc,test,p2\n");
  folder.text("classes.csv", "id,label,class\na,2,bi\nb,9,mono\nb,4,bi\nc,3,mono\n");
  const dataset_parts parts = folder.read();
  CHECK(ids(parts.train) == std::vector<std::string>{"a", "b"});
  CHECK(ids(parts.test) == std::vector<std::string>{"c"});
  CHECK(parts.train.name == "hearts");
  CHECK(parts.train.licence == "CC0 1.0");
  CHECK(parts.train.intensities_comparable);
  CHECK(parts.train.channel_names == std::vector<std::string>{"DAPI"});
  CHECK(parts.train.class_names == std::vector<std::string>{"mono", "bi"});  // of objects: without the background
  CHECK(parts.train.samples[0].group == "p1");
  CHECK(parts.test.samples[0].group == "p2");
  CHECK(parts.train.objects() == 4);
  CHECK(parts.train.has_nuclei());
  CHECK(parts.train.samples[1].class_counts == std::vector<double>{1, 1});

  const example b = parts.train.load(1);  // labels 4 and 9 became 1 and 2
  CHECK(b.truth.labels[0] == 1);
  CHECK(b.truth.labels[2] == 2);
  CHECK(b.truth.object_class == std::vector<int>{1, 0});
  CHECK(*std::max_element(b.truth.nuclei.begin(), b.truth.nuclei.end()) == 3);
  CHECK(parts.train.load(0).truth.object_class == std::vector<int>{-1, 1});
}

TEST_CASE("tables of classes may lie in each part; classes nobody declared get the order in which they come") {
  const layout folder;
  folder.image("train/images/a.png");
  folder.image("test/images/a.png");  // ids may repeat between parts then
  folder.mask("train/masks/a.png", {1, 2});
  folder.mask("test/masks/a.png", {1});
  folder.text("train/classes.csv", "id,label,class\na,1,mitosis\na,2,apoptosis\n");
  folder.text("test/classes.csv", "id,label,class\na,1,debris\n");
  const dataset_parts parts = folder.read();
  CHECK(parts.train.class_names == std::vector<std::string>{"mitosis", "apoptosis", "debris"});
  CHECK(parts.test.class_names == parts.train.class_names);
  CHECK(parts.train.samples[0].class_counts == std::vector<double>{1, 1, 0});
  CHECK(parts.test.load(0).truth.object_class == std::vector<int>{2});
}

TEST_CASE("a flat pair of folders") {
  const layout folder;
  folder.image("images/x.png", {6, 8, 3});
  folder.mask("masks/x.png", {1, 2, 3});
  folder.text("images/.hidden", "not an image");
  const dataset_parts parts = folder.read();
  CHECK(parts.train.size() == 1);
  CHECK(parts.test.size() == 0);
  CHECK(parts.train.channels == 3);
  CHECK(parts.train.objects() == 3);
  CHECK_FALSE(parts.train.has_object_classes());
}

TEST_CASE("one mask file for each object: where masks overlap the first keeps the pixel") {
  const layout folder;
  folder.image("one/images/one.png");
  folder.mask("one/masks/m1.png", {255, 255});
  folder.mask("one/masks/m2.png", {0, 255, 255});
  folder.image("two/images/two.png");
  folder.mask("two/masks/m.png", {255});
  const dataset_parts parts = folder.read();
  CHECK(ids(parts.train) == std::vector<std::string>{"one", "two"});
  const label_map labels = parts.train.load(0).truth.labels;
  CHECK(labels[0] == 1);
  CHECK(labels[2] == 1);
  CHECK(labels[4] == 2);
  CHECK(parts.train.objects() == 3);
  folder.mask("two/masks/n.png", {255}, {5, 8});
  CHECK(contains(folder.refusal(), "n.png: mask is 5x8"));
}

TEST_CASE("classes of pixels") {
  const layout folder;
  folder.image("images/x.png");
  folder.mask("masks/x.png", {2, 1, 2});
  folder.text("dataset.json", R"({"task": "semantic", "classes": ["background", "cytoplasm", "nucleus"]})");
  const dataset set = folder.read().train;
  CHECK(set.task == task::semantic_segmentation);
  CHECK(set.class_names.size() == 3);
  CHECK(set.samples[0].class_counts == std::vector<double>{45, 1, 2});
  folder.mask("masks/x.png", {3});
  CHECK(contains(folder.refusal(), "x.png: pixel value 3, but the data set declares 3 classes"));
}

TEST_CASE("folders that are no data set are refused with what is expected") {
  context<cpu> ctx(1);
  const layout folder;
  CHECK(contains(folder.refusal(), "is empty; expected images/ and masks/"));
  CHECK(contains(message_of([&] { read_dataset(ctx, folder / "nowhere"); }), "does not exist"));
  folder.text("notes.txt", "x");
  CHECK(contains(message_of([&] { read_dataset(ctx, folder / "notes.txt"); }), "is a file, expected the folder"));
  CHECK(contains(folder.refusal(), "no data set found among notes.txt; expected train/images"));
  fs::create_directories(folder / "train/pictures");
  CHECK(contains(folder.refusal(), "train: expected the folders images/ and masks/ in it, or a folder for each class, found pictures/"));
  fs::create_directories(folder / "train/images");
  fs::create_directories(folder / "train/masks");
  CHECK(contains(folder.refusal(), "has no images"));
}

TEST_CASE("images and masks that do not pair up are named") {
  const layout folder;
  for (const char* id : {"a", "b", "c", "d"}) folder.image(std::string("images/") + id + ".png");
  folder.mask("masks/e.png");
  CHECK(contains(folder.refusal(), "masks: no file for image a, b, c, ... (4 in all)"));
  for (const char* id : {"a", "b", "c", "d"}) folder.mask(std::string("masks/") + id + ".png");
  CHECK(contains(folder.refusal(), "masks: no image for e;"));
  fs::remove(folder / "masks/e.png");
  CHECK_NOTHROW(folder.read());
  folder.mask("nuclei/a.png");
  CHECK(contains(folder.refusal(), "nuclei: no file for image b, c, d;"));
  fs::remove_all(folder / "nuclei");
  folder.mask("masks/b.tif");
  CHECK(contains(folder.refusal(), "has the same name as"));
  fs::remove(folder / "masks/b.tif");
  folder.text("images/readme.txt", "hello");
  CHECK(contains(folder.refusal(), "readme.txt: is not a PNG, BMP, JPEG or TIFF image"));
}

TEST_CASE("damaged and mismatched files are named before any work") {
  const layout folder;
  folder.image("images/a.png");
  folder.mask("masks/a.png", {1}, {6, 6});
  CHECK(contains(folder.refusal(), "a.png: mask is 6x6, image "));
  CHECK(contains(folder.refusal(), "is 6x8; export both at one size"));
  folder.mask("masks/a.png");
  folder.image("images/b.png", {6, 8, 3});
  folder.mask("masks/b.png");
  CHECK(contains(folder.refusal(), "b.png: image has 3 channels"));
  const auto bytes = read_file(folder / "images/a.png");
  write_file_atomically(folder / "images/b.png", std::span(bytes).first(bytes.size() / 2));
  CHECK(contains(folder.refusal(), "b.png"));
}

TEST_CASE("tables with mistakes are named") {
  const layout folder;
  folder.image("images/a.png");
  folder.mask("masks/a.png", {1, 2});
  const auto with_classes = [&](const std::string& rows) {
    folder.text("classes.csv", "id,label,class\n" + rows);
    return folder.refusal();
  };
  CHECK(contains(with_classes("b,1,mono\n"), "classes.csv: names image b, which is not there"));
  CHECK(contains(with_classes("a,3,mono\n"), "classes.csv names object 3, which the mask does not have"));
  CHECK(contains(with_classes("a,0,mono\n"), "label 0"));
  CHECK(contains(with_classes("a,x,mono\n"), "expected a number, found \"x\""));
  folder.text("classes.csv", "image,label,class\na,1,mono\n");
  CHECK(contains(folder.refusal(), "expected a column \"id\""));
  folder.text("dataset.json", R"({"classes": ["mono", "bi"]})");
  CHECK(contains(with_classes("a,1,tri\n"), "class \"tri\" of a is not among the classes of dataset.json"));
  folder.text("classes.csv", "id,label,class\na,1,bi\n");
  CHECK(folder.read().train.has_object_classes());
  folder.text("dataset.json", R"({"task": "classification"})");
  CHECK(contains(folder.refusal(), "the task is \"classification\", but there are images/ and masks/"));
  folder.text("dataset.json", "{");
  CHECK(contains(folder.refusal(), "dataset.json: is not valid JSON"));
  folder.text("dataset.json", R"({"task": 7})");
  CHECK(contains(folder.refusal(), "dataset.json"));
}

TEST_CASE("shared tables must name images of one of the parts") {
  const layout folder;
  folder.image("train/images/a.png");
  folder.mask("train/masks/a.png");
  folder.image("test/images/b.png");
  folder.mask("test/masks/b.png");
  folder.text("classes.csv", "id,label,class\na,1,x\nb,1,y\nc,1,x\n");
  CHECK(contains(folder.refusal(), "classes.csv: names image c, which is not there"));
  folder.text("classes.csv", "id,label,class\na,1,x\nb,1,y\n");
  CHECK(folder.read().test.samples[0].class_counts == std::vector<double>{0, 1});
  folder.image("test/images/b.png", {6, 8, 3});
  CHECK(contains(folder.refusal(), "test images have 3 channels, training images 1"));
}

TEST_CASE("real data sets are read", "[slow]") {
  const char* root = std::getenv("AIXCELL_DATA");
  if (root == nullptr) {
    WARN("AIXCELL_DATA is not set: real data are not tested");
    return;
  }
  context<cpu> ctx;
  const dataset_parts cells = read_dataset(ctx, fs::path(root) / "phase_t98g");
  CHECK(cells.train.size() == 30);
  CHECK(cells.test.size() == 5);
  CHECK(cells.train.objects() == 2001);
  CHECK(cells.test.objects() == 325);
  CHECK(cells.train.licence == "MIT");
  CHECK(cells.train.class_names == std::vector<std::string>{"cell"});

  const dataset_parts blood = read_dataset(ctx, fs::path(root) / "wbc_smear");
  CHECK(blood.train.task == task::semantic_segmentation);
  CHECK(blood.train.size() == 223);
  CHECK(blood.train.channels == 3);
  CHECK(blood.train.class_names == std::vector<std::string>{"background", "cytoplasm", "nucleus"});
  double nucleus = 0, all = 0;
  for (const sample& s : blood.train.samples)
    nucleus += s.class_counts[2], all += static_cast<double>(s.size[0] * s.size[1]);
  CHECK(nucleus / all == Approx(0.1219).margin(5e-5));
  CHECK(blood.train.image_class_counts() == std::vector<double>{131, 39, 36, 16, 1});

  const dataset_parts phases = read_dataset(ctx, fs::path(root) / "jurkat_cellcycle");
  CHECK(phases.train.task == task::image_classification);
  CHECK(phases.train.image_class_counts() == std::vector<double>{675, 675, 675, 454, 51, 11, 20});
  const dataset_parts masses = read_dataset(ctx, fs::path(root) / "jurkat_cellcycle", {}, "binary_view");
  CHECK(masses.train.image_class_names == std::vector<std::string>{"one_dna_mass", "two_dna_masses"});
  CHECK(masses.train.image_class_counts() == std::vector<double>{2530, 31});
  CHECK(masses.test.image_class_counts() == std::vector<double>{844, 11});
}

TEST_CASE("images in folders named after their classes") {
  const layout folder;
  for (const char* name : {"train/mitotic/a.png", "train/mitotic/b.png", "train/resting/a.png", "test/resting/c.png",
                           "test/mitotic/d.png"})
    folder.image(name);
  folder.text("images.csv", "id,group\nmitotic/a,plate 1\nb,plate 2\n");
  const dataset_parts parts = folder.read();
  CHECK(parts.train.task == task::image_classification);
  CHECK(parts.train.image_class_names == std::vector<std::string>{"mitotic", "resting"});
  CHECK(parts.test.image_class_names == parts.train.image_class_names);
  CHECK(ids(parts.train) == std::vector<std::string>{"mitotic/a", "mitotic/b", "resting/a"});
  CHECK(parts.train.samples[0].group == "plate 1");
  CHECK(parts.train.samples[1].group == "plate 2");
  CHECK(parts.train.samples[2].group.empty());
  CHECK(parts.train.image_class_counts() == std::vector<double>{2, 1});
  const example e = parts.test.load(1);
  CHECK(e.truth.image_class == 1);
  CHECK(e.truth.labels.empty());
  CHECK(e.picture.pixels.shape() == shape{6, 8, 1});
  parts.train.require_trainable();
}

TEST_CASE("classes of images: order and views of dataset.json") {
  const layout folder;
  for (const char* name : {"G1/a.png", "S/b.png", "telophase/c.png"}) folder.image(name);
  folder.text("dataset.json",
              R"({"task":"classification","classes":["telophase","S","G1"],
                  "nuclei":{"one":["G1","S"],"two":["telophase"]},"half":{"one":["G1"]}})");
  const dataset_parts all = folder.read();
  CHECK(all.train.image_class_names == std::vector<std::string>{"telophase", "S", "G1"});
  CHECK(all.train.image_class_counts() == std::vector<double>{1, 1, 1});
  context<cpu> ctx(1);
  const dataset_parts seen = read_dataset(ctx, folder.path(), {}, "nuclei");
  CHECK(seen.train.image_class_names == std::vector<std::string>{"one", "two"});
  CHECK(seen.train.image_class_counts() == std::vector<double>{2, 1});
  const auto refused = [&](const std::string& view) {
    return message_of([&] { read_dataset(ctx, folder.path(), {}, view); });
  };
  CHECK(contains(refused("cycle"), "has no view \"cycle\"; there is half, nuclei"));
  CHECK(contains(refused("half"), "class \"S\" is in no group of the view"));
  folder.text("dataset.json", R"({"classes":["telophase","S"],"task":"classification"})");
  CHECK(contains(folder.refusal(), "image class \"G1\" is not among those of dataset.json"));
  CHECK(contains(refused("nuclei"), "it has none"));
  folder.text("dataset.json", R"({"task":"regression"})");
  CHECK(contains(folder.refusal(), "task \"regression\"; there are \"instance\", \"semantic\" and \"classification\""));
}

TEST_CASE("images that have masks may have classes, too") {
  const layout folder;
  folder.image("images/a.png");
  folder.image("images/b.png");
  folder.mask("masks/a.png", {1});
  folder.mask("masks/b.png", {2});
  folder.text("dataset.json", R"({"task":"semantic","classes":["background","cell","nucleus"],"image_classes":["B","T"]})");
  folder.text("images.csv", "id,class\na,T\nb,\n");
  const dataset_parts parts = folder.read();
  CHECK(parts.train.task == task::semantic_segmentation);
  CHECK(parts.train.image_class_names == std::vector<std::string>{"B", "T"});
  CHECK(parts.train.load(0).truth.image_class == 1);
  CHECK(parts.train.load(1).truth.image_class == -1);
  CHECK(parts.train.has_image_classes());
  folder.text("images.csv", "id,class\na,NK\n");
  CHECK(contains(folder.refusal(), "image class \"NK\" is not among those of dataset.json"));
}

TEST_CASE("folders of classes that cannot be used") {
  const layout folder;
  folder.text("dataset.json", R"({"task":"classification"})");
  folder.image("only/a.png");
  const dataset_parts parts = folder.read();
  CHECK(contains(message_of<data_error>([&] { parts.train.require_trainable(); }), "are of one class"));
  fs::create_directories(folder.path() / "empty");
  CHECK(folder.read().train.size() == 1);
  folder.image("other/a.png", {6, 8, 3});
  CHECK(contains(folder.refusal(), "channels"));
  folder.text("other/notes.txt", "x");
  CHECK(contains(folder.refusal(), "is not a PNG, BMP, JPEG or TIFF image"));
}
