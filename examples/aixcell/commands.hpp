#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <aixcell/autokonfig/training_step.hpp>
#include <aixcell/core/compute_settings.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/data/synthetic.hpp>
#include <aixcell/io/acquisition.hpp>

// The subcommands, each in the file of its name. Every one throws on failure; main turns that into a line and an exit code.

namespace aixcell::program {

/// What a chosen pipeline may cost. 0 means no limit.
struct limits {
  double memory_bytes = 0;
  double latency_s = 0;
};

/// How the processor is used, and where networks run.
struct compute_arguments {
  int threads = 0;  ///< 0: all
  std::string device = "cpu";  ///< cpu or cuda
  std::string convolutions = "own";  ///< of a GPU: own or cudnn
  compute_settings settings = {};
};

/// What the user wants to know about the images; what is not said follows from the data set.
struct goal {
  std::optional<task> solves;
  std::optional<bool> classes;  ///< of objects; beside pixel classes, of images
};

/// Which part of a file the pipeline sees, as far as the user said.
struct acquisition_choice {
  std::vector<std::string> channels;
  std::optional<z_projection> z;
  std::optional<bool> pages_are_channels;

  /// What was said in place of what a model file says, or nobody.
  acquisition over(acquisition how) const {
    if (!channels.empty()) how.channels = channels;
    if (z) how.z = *z;
    if (pages_are_channels) how.pages_are_channels = *pages_are_channels;
    return how;
  }
};

struct fit_arguments {
  std::string data;  ///< a folder, or `synthetic`
  std::filesystem::path out;
  std::string pipeline;           ///< empty: search
  std::filesystem::path weights;  ///< of the encoder, to begin with; empty: random ones
  double budget_s = 1800;
  int epochs = 0;  ///< of a named pipeline; 0: as many as the budget allows
  std::uint64_t seed = 0;
  compute_arguments compute;
  index_t train_images = 0;  ///< the first of a seeded shuffle; 0: all
  program::limits limits;
  program::goal goal;
  program::acquisition_choice acquired;
  std::string view;  ///< of the classes of images, see read_dataset
  training_step step{.tile = 0, .batch = 0};  ///< 0: by rule
  bool fresh = false;
};
void fit(const fit_arguments& arguments);

struct predict_arguments {
  std::filesystem::path model;
  std::vector<std::filesystem::path> images;  ///< files, or folders of images
  program::acquisition_choice acquired;
  std::filesystem::path out;
  compute_arguments compute;
  bool mirrored = true;
  bool overlays = true;
  index_t tile = 512;
  double memory_bytes = 0;  ///< of the process at most; 0: no limit
};
void predict(const predict_arguments& arguments);

struct quantify_arguments {
  std::filesystem::path model;
  std::vector<std::filesystem::path> images;  ///< files, or folders of images
  std::filesystem::path out;
  std::string groups;        ///< a table (id or image, group) or a pattern with {group}; empty: one group
  std::string tiles;         ///< a table (see places_from_table), or `names`; empty: every image is a field
  index_t overlap = 0;       ///< of neighbouring tiles in pixels, where the table does not say
  std::string counted;       ///< class whose share is asked for; empty: binuclear, else the last
  bool pair_nuclei = false;  ///< objects are nuclei: two that are alike and close are one binuclear cell
  std::string pairs_from;    ///< data set of cells with nuclei that tells what pairs look like
  double radius = 50;        ///< pixels in which neighbours are counted
  bool without_border = false;
  program::acquisition_choice acquired;
  compute_arguments compute;
  bool mirrored = true;
};
void quantify(const quantify_arguments& arguments);

struct evaluate_arguments {
  std::filesystem::path model;
  std::string data;
  std::string split = "test";
  program::acquisition_choice acquired;
  std::string view;  ///< empty: as the model was trained
  std::filesystem::path out;  ///< empty: print only
  compute_arguments compute;
  bool mirrored = true;
};
void evaluate(const evaluate_arguments& arguments);

struct baseline_arguments {
  std::string data;
  program::acquisition_choice acquired;
  std::string view;
  std::uint64_t seed = 0;  ///< of the test part, where the data set has none
  int threads = 0;
};
void baseline(const baseline_arguments& arguments);

struct recommend_arguments {
  std::string data;
  program::acquisition_choice acquired;
  std::string view;
  program::limits limits;
  program::goal goal;
  training_step step{.tile = 0, .batch = 0};
  compute_arguments compute;
  bool json = false;
};
void recommend(const recommend_arguments& arguments);

struct info_arguments {
  std::filesystem::path model;  ///< empty: lists the pipelines of this program
  shape size{256, 256};         ///< [H,W] of the image whose cost is predicted
  bool json = false;
};
void info(const info_arguments& arguments);

/// What a model file can become for other programs.
struct export_arguments {
  std::filesystem::path model;
  std::string to = "onnx";
  std::filesystem::path out;         ///< empty: beside the model
  shape size;                        ///< [H,W] of the recorded image; empty: of the test image, else 256x256
  bool preprocessing = true;         ///< in the ONNX graph, where it can be said
  std::filesystem::path test_image;  ///< of a package; empty: a synthetic one
  std::vector<std::string> authors;  ///< of a package
  std::string name, licence;         ///< of a package
  int threads = 0;
};
void export_model(const export_arguments& arguments);

struct synth_arguments {
  std::filesystem::path out;
  index_t images = 60;
  synthetic_options options;
  std::uint64_t seed = 0;
};
void synth(const synth_arguments& arguments);

/// Prints what this machine has and what to do about what it lacks.
void doctor();

}  // namespace aixcell::program
