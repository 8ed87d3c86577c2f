// The command line: what can be asked for. The work is in the file of each subcommand.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <string>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include <aixcell/version.hpp>

#include "commands.hpp"
#include "quantities.hpp"
#include "stop.hpp"

namespace aixcell::program {

namespace {

constexpr const char* data_help =
    "Folder of images with label masks (0 = background, 1..N = objects): {train,test}/{images,masks}, images/ + "
    "masks/, or the layout of the 2018 Data Science Bowl; of images in folders named after their classes: "
    "{train,test}/<class>/; or the word `synthetic`";

/// An option whose text `use` turns into a value; what it throws gets the option's name.
template <class Use>
CLI::Option* add_parsed(CLI::App& command, const std::string& name, Use use, const std::string& help) {
  return command.add_option_function<std::string>(
      name,
      [name, use](const std::string& text) {
        try {
          use(text);
        } catch (const data_error& e) {
          throw data_error(name + " " + e.what());
        }
      },
      help);
}

void add_limits(CLI::App& command, limits& l) {
  add_parsed(
      command, "--max-memory", [&l](const std::string& t) { l.memory_bytes = parse_bytes(t); },
      "Only pipelines predicted to train in this memory, e.g. 2GB")
      ->type_name("SIZE");
  add_parsed(
      command, "--max-latency", [&l](const std::string& t) { l.latency_s = parse_seconds(t); },
      "Only pipelines predicted to need at most this for an image, e.g. 200ms")
      ->type_name("TIME");
}

void add_goal(CLI::App& command, goal& g) {
  command
      .add_option_function<std::string>(
          "--task",
          [&g](const std::string& t) { g.solves = parse_task(t); },
          "What to find: every object apart, a class for every pixel, or a class for the image; default: as the "
          "annotation is")
      ->check(CLI::IsMember({"instance", "semantic", "classification"}));
  command
      .add_option_function<std::string>(
          "--classes", [&g](const std::string& t) { g.classes = t == "yes"; },
          "Tell classes of objects (e.g. mono-/binuclear), or of images beside classes of pixels; default: if the data "
          "set has them")
      ->check(CLI::IsMember({"yes", "no"}));
}

/// `from_model`: what is not said is as the model learned it.
void add_acquisition(CLI::App& command, acquisition_choice& a, bool from_model = false) {
  const std::string otherwise = from_model ? "as the model was trained" : "";
  add_parsed(
      command, "--channels", [&a](const std::string& t) { a.channels = parse_list(t); },
      "The channels to look at, by name or number from 1, e.g. DNA,3; default: " +
          (from_model ? otherwise : "all, which all images must share"))
      ->type_name("LIST");
  add_parsed(
      command, "--z", [&a](const std::string& t) { a.z = parse_z_projection(t); },
      "How the slices of a stack become one image: max, mean, focus (the sharpest slice), focus-stack (of each pixel "
      "the "
      "slice that is sharpest there); default: " +
          (from_model ? otherwise : "stacks are refused"))
      ->type_name("HOW");
  command
      .add_option_function<std::string>(
          "--pages", [&a](const std::string& t) { a.pages_are_channels = t == "channels"; },
          "What the pages of a TIFF are that does not say so itself; default: " + (from_model ? otherwise : "slices"))
      ->check(CLI::IsMember({"slices", "channels"}));
}

void add_view(CLI::App& command, std::string& view) {
  command
      .add_option("--view", view,
                  "Which classes of images count as one: the name of an entry of dataset.json like "
                  "{\"one_nucleus\": [\"G1\", \"S\"], \"two_nuclei\": [\"telophase\"]}")
      ->type_name("NAME");
}

void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Processor threads, 0 = all; results do not depend on it")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

void add_compute(CLI::App& command, compute_arguments& compute) {
  add_threads(command, compute.threads);
  command
      .add_option_function<std::string>(
          "--precision", [&compute](const std::string& text) { compute.settings.precision = parse_precision(text); },
          "What values between layers are stored as; default: bfloat16 where the processor has a matrix unit, else "
          "float32; "
          "tf32: float32 that a GPU rounds to 10 bits of mantissa as it multiplies")
      ->check(CLI::IsMember({"auto", "float32", "tf32", "bfloat16"}));
}

/// With --max-memory and nothing said: selective.
void add_recompute(CLI::App& command, compute_arguments& compute, const limits& l) {
  const std::map<std::string, recomputation> ways{
      {"none", recomputation::none}, {"selective", recomputation::selective}, {"full", recomputation::full}};
  const CLI::Option* chosen =
      command
          .add_option_function<std::string>(
              "--recompute", [&compute, ways](const std::string& way) { compute.settings.recompute = ways.at(way); },
              "Train in less memory: what is not kept for the way back but computed again, with the same result; "
              "selective: what is quick to compute, a third less memory, 5 % slower; full: all between rows of "
              "layers, a quarter slower [none; with --max-memory selective]")
          ->check(CLI::IsMember({"none", "selective", "full"}));
  command.parse_complete_callback([chosen, &compute, &l] {
    if (chosen->empty() && l.memory_bytes > 0) compute.settings.recompute = recomputation::selective;
  });
}

void add_device(CLI::App& command, compute_arguments& compute) {
  add_compute(command, compute);
  command.add_option("--device", compute.device, "Where networks run; `aixcell doctor` says what there is")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--convolutions", compute.convolutions, "Whose convolutions --device cuda computes with")
      ->check(CLI::IsMember({"own", "cudnn"}))
      ->capture_default_str();
}

void add_launch_singly(CLI::App& command, compute_arguments& compute) {
  command.add_flag("!--launch-singly", compute.settings.record_steps,
                   "With --device cuda: launch the kernels of every training step one by one instead of recording a step "
                   "once; slower, the result is the same");
}

void add_training_step(CLI::App& command, training_step& step) {
  command
      .add_option("--tile", step.tile,
                  "Edge of training crops in pixels; default: by the size of objects and images, up to 256")
      ->check(CLI::Range(16, 2048));
  command.add_option("--batch", step.batch, "Crops in a training step; default: by their size")
      ->check(CLI::Range(1, 256));
}

void add_fit(CLI::App& app, fit_arguments& a) {
  CLI::App& c = *app.add_subcommand("fit", "Choose, train and test a model on annotated images");
  c.footer(
      "Writes model.safetensors, metrics.json, report.html, overlays/ and log.jsonl into the folder. Ctrl-C or a crash "
      "lose\n"
      "at most the current epoch: the same command goes on.\n\n"
      "  aixcell fit my_images --out result --budget 30min\n"
      "  aixcell fit synthetic --out trial --pipeline percentile+plain4x16+unet+nuclei_per_cell --epochs 20");
  c.add_option("data", a.data, data_help)->required()->type_name("DATA");
  c.add_option("--out", a.out, "Folder for the results")->required()->type_name("DIR");
  add_parsed(
      c, "--budget", [&a](const std::string& t) { a.budget_s = parse_seconds(t); },
      "Time for search and training together, e.g. 90s, 20min, 2h [30min]")
      ->type_name("TIME");
  CLI::Option* pipeline =
      c.add_option("--pipeline", a.pipeline, "Train this one instead of searching; `aixcell info` lists all")
          ->type_name("NAME");
  c.add_option("--weights", a.weights,
               "Begin with these weights of the encoder: safetensors with torchvision's names, or a model of aixcell; "
               "a search tries only encoders that they fit")
      ->type_name("FILE");
  c.add_option("--epochs", a.epochs, "Train this many epochs instead of a time")
      ->check(CLI::Range(1, 1000000))
      ->needs(pipeline);
  c.add_option("--seed", a.seed, "Of splits, weights and crops; same seed, same result")->capture_default_str();
  c.add_option("--train-images", a.train_images, "Use only this many training images, for learning curves")
      ->check(CLI::PositiveNumber);
  c.add_flag("--fresh", a.fresh, "Replace what an earlier fit left in the folder");
  add_acquisition(c, a.acquired);
  add_view(c, a.view);
  add_limits(c, a.limits);
  add_goal(c, a.goal);
  add_training_step(c, a.step);
  add_device(c, a.compute);
  add_recompute(c, a.compute, a.limits);
  add_launch_singly(c, a.compute);
  c.callback([&a] { program::fit(a); });
}

void add_predict(CLI::App& app, predict_arguments& a) {
  CLI::App& c = *app.add_subcommand("predict", "Find objects in images");
  c.footer(
      "Writes for each image <name>_labels.png (.tif for TIFF images) and <name>_overlay.png, and one "
      "measurements.csv:\n"
      "area, centroid, bounding box, perimeter, eccentricity, solidity, mean intensities, class, nuclei, scores.\n"
      "A model that tells whole images apart writes image_classes.csv: class and probabilities of every image.\n"
      "Prints what was found in each image, and which share of the time each stage took.\n"
      "All or nothing: if an image cannot be used, no folder is written.\n\n"
      "  aixcell predict result/model.safetensors plate7/ extra.tif --out found");
  c.add_option("model", a.model, "The model.safetensors of a fit")->required()->type_name("MODEL");
  c.add_option("images", a.images, "Images, or folders of images")->required()->type_name("IMAGES");
  c.add_option("--out", a.out, "New folder for the results")->required()->type_name("DIR");
  add_acquisition(c, a.acquired, true);
  c.add_flag("!--no-mirror", a.mirrored, "Do not average over mirror images: four times faster, slightly less exact");
  c.add_flag("!--no-overlay", a.overlays, "Write labels and measurements only: no pictures to look at");
  c.add_option("--tile", a.tile, "Larger images are cut into tiles of this edge; smaller needs less memory")
      ->check(CLI::Range(64, 8192))
      ->capture_default_str();
  add_parsed(
      c, "--memory", [&a](const std::string& t) { a.memory_bytes = parse_bytes(t); },
      "Take at most about this much, e.g. 1GB: images that need more are cut into blocks that overlap by a quarter")
      ->type_name("SIZE");
  add_device(c, a.compute);
  c.callback([&a] { program::predict(a); });
}

void add_quantify(CLI::App& app, quantify_arguments& a) {
  CLI::App& c = *app.add_subcommand("quantify", "Count cells by class, by image and by group, with intervals");
  c.footer(
      "Writes objects.csv (class, shape, intensity, neighbours of every object), counts.csv (by image), groups.csv,\n"
      "comparisons.csv, summary.html, shares.svg, and labels and overlay of every field. All or nothing.\n\n"
      "  aixcell quantify result/model.safetensors plate7/ --groups \"{group}_*\" --out counted\n"
      "  aixcell quantify result/model.safetensors tiles/ --tiles names --overlap 64 --groups wells.csv --out counted");
  c.add_option("model", a.model, "The model.safetensors of a fit")->required()->type_name("MODEL");
  c.add_option("images", a.images, "Images, or folders of images")->required()->type_name("IMAGES");
  c.add_option("--out", a.out, "New folder for the results")->required()->type_name("DIR");
  c.add_option("--groups", a.groups, "Table with the columns id (or image) and group, or file name with {group} and *")
      ->type_name("CSV|PATTERN");
  c.add_option(
       "--tiles", a.tiles,
       "Images are tiles of fields: table with id, field and row, column [, overlap] or y, x; or the word `names` "
       "for names like A01_r02_c03")
      ->type_name("CSV|names");
  c.add_option("--overlap", a.overlap, "Pixels that neighbouring tiles share, where the table does not say")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c.add_option("--count", a.counted, "Class whose share is asked for [binuclear, else the last class]")
      ->type_name("CLASS");
  c.add_flag("--pair-nuclei", a.pair_nuclei,
             "The model finds nuclei: two that are close and alike are one binuclear cell");
  c.add_option("--pairs-from", a.pairs_from,
               "Learn what such pairs look like from cells with nuclei/; means --pair-nuclei")
      ->type_name("DATA");
  c.add_option("--radius", a.radius, "Pixels in which neighbours are counted")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  c.add_flag("--without-border", a.without_border, "Do not count cells that the border of a field cuts");
  add_acquisition(c, a.acquired, true);
  c.add_flag("!--no-mirror", a.mirrored, "Do not average over mirror images: four times faster, slightly less exact");
  add_device(c, a.compute);
  c.callback([&a] { program::quantify(a); });
}

void add_evaluate(CLI::App& app, evaluate_arguments& a) {
  CLI::App& c = *app.add_subcommand("evaluate", "Measure a model on annotated images");
  c.add_option("model", a.model, "The model.safetensors of a fit")->required()->type_name("MODEL");
  c.add_option("data", a.data, data_help)->required()->type_name("DATA");
  c.add_option("--split", a.split, "Which part; a data set without parts is evaluated as a whole")
      ->check(CLI::IsMember({"test", "train"}))
      ->capture_default_str();
  add_acquisition(c, a.acquired, true);
  add_view(c, a.view);
  c.add_option("--out", a.out, "File for all numbers as JSON")->type_name("FILE");
  c.add_flag("!--no-mirror", a.mirrored, "Do not average over mirror images");
  add_device(c, a.compute);
  c.callback([&a] { program::evaluate(a); });
}

void add_baseline(CLI::App& app, baseline_arguments& a) {
  CLI::App& c = *app.add_subcommand("baseline", "What thresholds, mean colours or intensities reach: is a network worth its time?");
  c.add_option("data", a.data, data_help)->required()->type_name("DATA");
  add_acquisition(c, a.acquired);
  add_view(c, a.view);
  c.add_option("--seed", a.seed, "Of the test part, where the data set has none")->capture_default_str();
  add_threads(c, a.threads);
  c.callback([&a] { program::baseline(a); });
}

void add_recommend(CLI::App& app, recommend_arguments& a) {
  CLI::App& c = *app.add_subcommand("recommend", "Which pipelines suit a data set, with predicted cost and the reason");
  c.add_option("data", a.data, data_help)->required()->type_name("DATA");
  c.add_flag("--json", a.json, "For programs");
  add_acquisition(c, a.acquired);
  add_view(c, a.view);
  add_limits(c, a.limits);
  add_goal(c, a.goal);
  add_training_step(c, a.step);
  add_compute(c, a.compute);
  add_recompute(c, a.compute, a.limits);
  c.callback([&a] { program::recommend(a); });
}

void add_info(CLI::App& app, info_arguments& a) {
  CLI::App& c = *app.add_subcommand("info", "What a model file holds; without one, the pipelines of this program");
  c.add_option("model", a.model, "The model.safetensors of a fit")->type_name("MODEL");
  add_parsed(
      c, "--size", [&a](const std::string& t) { a.size = parse_size(t); },
      "Height x width of the image whose cost is predicted [256x256]")
      ->type_name("HxW");
  c.add_flag("--json", a.json, "For programs");
  c.callback([&a] { program::info(a); });
}

void add_export(CLI::App& app, export_arguments& a) {
  CLI::App& c = *app.add_subcommand("export", "Write a model in the format of other programs");
  c.footer(
      "onnx         the network as a graph for ONNX Runtime, OpenCV and others: image or preprocessed image in, dense "
      "map "
      "and\n             probabilities out, planes [N,C,H,W]\n"
      "bioimageio   a model package for bioimage.io: ONNX, description, test images, README, cover\n"
      "safetensors  all weights, the encoder's under torchvision's names\n\n"
      "  aixcell export result/model.safetensors --to onnx --size 512x512\n"
      "  aixcell export result/model.safetensors --to bioimageio --test-image cells.tif --author \"A. Name\"");
  c.add_option("model", a.model, "The model.safetensors of a fit")->required()->type_name("MODEL");
  c.add_option("--to", a.to, "The format")
      ->check(CLI::IsMember({"onnx", "bioimageio", "safetensors"}))
      ->capture_default_str();
  c.add_option("--out", a.out, "The file to write; default: beside the model")->type_name("FILE");
  add_parsed(
      c, "--size", [&a](const std::string& t) { a.size = parse_size(t); },
      "Height x width of the images; multiples of 32 give a graph for every multiple of 32 where the network allows it "
      "[256x256]")
      ->type_name("HxW");
  c.add_flag("!--no-preprocessing", a.preprocessing,
             "onnx: the graph takes preprocessed images; for tiles of large images, which are normalised as a whole");
  c.add_option("--test-image", a.test_image, "bioimageio: an image for the package's test; default: a synthetic one")
      ->type_name("FILE");
  c.add_option("--author", a.authors, "bioimageio: an author's name, may be given several times")->type_name("NAME");
  c.add_option("--name", a.name, "bioimageio: the model's name, at least 5 characters")->type_name("NAME");
  c.add_option("--license", a.licence, "bioimageio: SPDX identifier of the model's licence, e.g. CC-BY-4.0")
      ->type_name("SPDX");
  add_threads(c, a.threads);
  c.callback([&a] { program::export_model(a); });
}

void add_synth(CLI::App& app, synth_arguments& a) {
  CLI::App& c = *app.add_subcommand("synth", "Write a data set of synthetic mono- and binuclear heart muscle cells");
  c.add_option("out", a.out, "New folder for the data set")->required()->type_name("OUT");
  c.add_option("--images", a.images, "How many")->check(CLI::Range(1, 100000))->capture_default_str();
  add_parsed(
      c, "--size",
      [&a](const std::string& t) {
        const shape size = parse_size(t);
        a.options.height = size[0], a.options.width = size[1];
      },
      "Height x width in pixels [256x256]")
      ->type_name("HxW");
  c.add_option("--difficulty", a.options.difficulty, "From 0, crisp, to 1, dim and misleading")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  c.add_option("--seed", a.seed, "Same seed, same images")->capture_default_str();
  c.callback([&a] { program::synth(a); });
}

void add_doctor(CLI::App& app) {
  CLI::App& c = *app.add_subcommand("doctor", "What this machine has: processor, memory, GPU; and what to do");
  c.callback([] { doctor(); });
}

/// One line on stderr, whatever the message holds.
int fail(std::string message, int code) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fflush(stdout);
  std::fprintf(stderr, "aixcell: %s\n", message.c_str());
  return code;
}

int run(int argc, char** argv) {
  CLI::App app("From annotated microscopy images to a trained, tested, reusable model.", "aixcell");
  app.set_version_flag("--version", std::string(version));
  app.require_subcommand(1);
  fit_arguments fit_with;
  predict_arguments predict_with;
  quantify_arguments quantify_with;
  evaluate_arguments evaluate_with;
  baseline_arguments baseline_with;
  recommend_arguments recommend_with;
  info_arguments info_with;
  export_arguments export_with;
  synth_arguments synth_with;
  add_fit(app, fit_with);
  add_predict(app, predict_with);
  add_quantify(app, quantify_with);
  add_evaluate(app, evaluate_with);
  add_baseline(app, baseline_with);
  add_recommend(app, recommend_with);
  add_info(app, info_with);
  add_export(app, export_with);
  add_synth(app, synth_with);
  add_doctor(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    return fail(std::string(e.what()) + "; `aixcell --help` and `aixcell <command> --help` say what is expected", 2);
  }
  return 0;
}

}  // namespace

/// OpenMP's threads spin while they wait. Where other programs want the processors, too, that made training ten times
/// slower. The runtime reads its settings before main begins, hence the second start.
void let_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY")) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::execv("/proc/self/exe", argv);  // where this fails, go on as it is
}

/// The program, with every failure turned into a line and an exit code.
int run_guarded(int argc, char** argv) {
  listen_for_interrupt();
  try {
    return run(argc, argv);
  } catch (const interrupted& e) {
    return fail(e.what(), 130);
  } catch (const std::bad_alloc&) {
    return fail("not enough memory; use smaller tiles (--tile) or batches (--batch), or close other programs", 2);
  } catch (const std::exception& e) {
    return fail(e.what(), 2);
  }
}

}  // namespace aixcell::program

int main(int argc, char** argv) {
  aixcell::program::let_threads_sleep(argv);
  return aixcell::program::run_guarded(argc, argv);
}
