// The built program, driven as a user does.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <sys/wait.h>
#include <thread>

#include <nlohmann/json.hpp>

#include <aixcell/io/any_image.hpp>
#include <aixcell/io/safetensors.hpp>
#include <aixcell/io/table.hpp>

#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace aixcell::test {

namespace {

namespace fs = std::filesystem;

const scratch_folder& scratch() {
  static const scratch_folder folder("program");
  return folder;
}

/// Starts the program; stdout and stderr go into files of the scratch folder.
pid_t start(const std::vector<std::string>& arguments) {
  fs::remove(scratch() / "out.txt"), fs::remove(scratch() / "err.txt");
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<char*> argv;
  std::string name = AIXCELL_COMMAND;
  argv.push_back(name.data());
  std::vector<std::string> copy = arguments;
  for (std::string& a : copy) argv.push_back(a.data());
  argv.push_back(nullptr);
  for (const auto& [descriptor, file] : {std::pair{1, "out.txt"}, std::pair{2, "err.txt"}})
    ::dup2(::open((scratch() / file).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), descriptor);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

struct outcome {
  int code;  ///< exit code, or minus the signal that ended it
  std::string out, err;
};

outcome wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text_of(scratch() / "out.txt"),
          text_of(scratch() / "err.txt")};
}

outcome run(const std::vector<std::string>& arguments) { return wait_for(start(arguments)); }

/// Until a fit has logged its first epoch, at most 60 s.
void wait_for_epoch(const fs::path& out) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (text_of(out / "log.jsonl").empty() && text_of(scratch() / "err.txt").empty() &&
         std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

/// Exit code 2 and one line that holds `expected`.
void check_refused(const outcome& o, const std::string& expected) {
  CAPTURE(o.code, o.out, o.err, expected);
  CHECK(o.code == 2);
  CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  CHECK(o.err.rfind("aixcell: ", 0) == 0);
  CHECK(o.err.find(expected) != std::string::npos);
}

const std::string pipeline = "percentile+plain4x16+unet+interior_border";

/// Eight small images of synthetic cells, as `synth` writes them.
const fs::path& cells() {
  static const fs::path folder = [] {
    const outcome o =
        run({"synth", (scratch() / "cells").string(), "--images", "8", "--size", "96x112", "--difficulty", "0.2"});
    if (o.code != 0) throw std::runtime_error("synth failed: " + o.err);
    return scratch() / "cells";
  }();
  return folder;
}

std::vector<std::string> fit_arguments(const fs::path& out, const std::string& data = cells().string()) {
  return {"fit", data, "--out", out.string(), "--pipeline", pipeline, "--epochs", "2", "--tile", "32", "--seed", "3"};
}

/// A model, trained once.
const fs::path& trained() {
  static const fs::path folder = [] {
    const outcome o = run(fit_arguments(scratch() / "trained"));
    if (o.code != 0) throw std::runtime_error("fit failed: " + o.err);
    return scratch() / "trained";
  }();
  return folder;
}
std::string model() { return (trained() / "model.safetensors").string(); }

tensor<std::uint8_t> gray(index_t height, index_t width) {
  tensor<std::uint8_t> pixels({height, width});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
  return pixels;
}

/// Two channels, as the trained model wants them.
tensor<std::uint16_t> two_channels(index_t height, index_t width) {
  tensor<std::uint16_t> pixels({height, width, 2});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint16_t>(i * 7919 % 30011);
  return pixels;
}

/// A flat data set of gray images with a square object each; `spoil` then breaks it.
template <class Spoil>
fs::path data_set(const std::string& name, Spoil&& spoil) {
  const fs::path folder = scratch() / name;
  fs::create_directories(folder / "images");
  fs::create_directories(folder / "masks");
  for (int i = 0; i < 4; ++i) {
    label_map labels({32, 32});
    for (index_t y = 8; y < 20; ++y)
      for (index_t x = 8; x < 20; ++x) labels(y, x) = 1;
    write_png(folder / "images" / (std::to_string(i) + ".png"), gray(32, 32));
    write_png_labels(folder / "masks" / (std::to_string(i) + ".png"), labels);
  }
  spoil(folder);
  return folder;
}

void truncate(const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }

/// Nothing of a refused fit may stay.
void check_fit_refused(const fs::path& data, const std::string& expected) {
  const fs::path out = scratch() / "refused";
  check_refused(run(fit_arguments(out, data.string())), expected);
  CHECK_FALSE(fs::exists(out));
}

void check_predict_refused(const fs::path& image, const std::string& expected) {
  const fs::path out = scratch() / "refused" / "found";
  const auto before = entries(scratch().path);
  const fs::path good = scratch() / "good.tif";
  write_tiff(good, two_channels(20, 20));
  check_refused(run({"predict", model(), good.string(), image.string(), "--out", out.string()}), expected);
  CHECK_FALSE(fs::exists(scratch() / "refused"));
  fs::remove(good);
  CHECK(entries(scratch().path) == before);
}

}  // namespace

TEST_CASE("the doctor looks at this machine", "[examples]") {
  const outcome o = run({"doctor"});
  CHECK(o.code == 0);
  CHECK(o.err.empty());
  for (const char* line : {"processor   ", "loops       ", "threads     ", "memory      ", "CUDA        ", "driver      ",
                           "GPU         ", "cuDNN       "}) {
    CAPTURE(line, o.out);
    CHECK(o.out.find(line) != std::string::npos);
  }
}

TEST_CASE("a device that is not there is refused", "[examples]") {
  check_refused(run({"predict", "m", "i", "--out", (scratch() / "none").string(), "--device", "gpu"}), "--device");
  check_refused(run({"predict", model(), (cells() / "test" / "images").string(), "--out", (scratch() / "none").string(),
                     "--convolutions", "cudnn"}),
                "--convolutions cudnn: cuDNN computes on GPUs alone; say --device cuda too");
  if (run({"doctor"}).out.find("built without it") == std::string::npos) return;
  for (const auto& arguments : {fit_arguments(scratch() / "none"),
                                {"predict", model(), (cells() / "test" / "images").string(), "--out",
                                 (scratch() / "none").string()},
                                {"evaluate", model(), cells().string()}}) {
    std::vector<std::string> with_device = arguments;
    with_device.insert(with_device.end(), {"--device", "cuda"});
    check_refused(run(with_device),
                  "--device cuda: this program was built without CUDA; install nvcc 12.8 or later, configure with "
                  "-D AIXCELL_CUDA=ON and build again");
    CHECK_FALSE(fs::exists(scratch() / "none"));
  }
}

TEST_CASE("fit writes model, metrics, log, overlays and report", "[examples]") {
  const fs::path folder = trained();
  CHECK(entries(folder) == 5);
  CHECK(entries(folder / "overlays") > 0);
  const auto metrics = nlohmann::json::parse(text_of(folder / "metrics.json"));
  CHECK(metrics["pipeline"] == pipeline);
  CHECK(metrics["training"]["epochs"] == 2);
  CHECK(metrics["test"]["objects"]["by_iou"].size() == 10);
  std::istringstream log(text_of(folder / "log.jsonl"));
  int epochs = 0;
  for (std::string line; std::getline(log, line);) epochs += nlohmann::json::parse(line)["event"] == "epoch";
  CHECK(epochs == 2);
  const std::string page = text_of(folder / "report.html");
  CHECK(page.find("</html>") != std::string::npos);
  CHECK(page.find("<svg") != std::string::npos);
  check_refused(run(fit_arguments(folder)), "holds a trained model already");
}

TEST_CASE("a killed fit goes on and gives the very weights of one that was left alone", "[examples]") {
  const fs::path out = scratch() / "killed";
  const pid_t child = start(fit_arguments(out));
  wait_for_epoch(out);
  ::kill(child, SIGKILL);
  REQUIRE(wait_for(child).code == -SIGKILL);
  REQUIRE(fs::exists(out / "work"));

  auto other = fit_arguments(out);
  other.back() = "4";
  check_refused(run(other), "--seed is 4, was 3");

  auto with_one_thread = fit_arguments(out);
  with_one_thread.insert(with_one_thread.end(), {"--threads", "1"});
  const outcome o = run(with_one_thread);
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("going on") != std::string::npos);
  CHECK_FALSE(fs::exists(out / "work"));
  const auto whole = read_safetensors(trained() / "model.safetensors"),
             resumed = read_safetensors(out / "model.safetensors");
  REQUIRE(whole.tensors.size() == resumed.tensors.size());
  for (const auto& [name, stored] : whole.tensors) {
    CAPTURE(name);
    CHECK(stored.bytes == resumed.tensors.at(name).bytes);
  }
}

TEST_CASE("Ctrl-C ends a fit with 130 and nothing broken", "[examples]") {
  const fs::path out = scratch() / "stopped";
  auto arguments = fit_arguments(out);
  arguments[7] = "100000";
  const pid_t child = start(arguments);
  wait_for_epoch(out);
  ::kill(child, SIGINT);
  const outcome o = wait_for(child);
  CAPTURE(o.err);
  CHECK(o.code == 130);
  CHECK(o.err.find("the same command goes on") != std::string::npos);
  CHECK(fs::exists(out / "work" / "checkpoint.safetensors"));
}

TEST_CASE("a search tries pipelines, tells why, and leaves one model", "[examples]") {
  const fs::path data = data_set("search", [](const fs::path&) {});
  const outcome o =
      run({"fit", data.string(), "--out", (scratch() / "searched").string(), "--budget", "2s", "--tile", "32"});
  CAPTURE(o.out, o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("left out: ") != std::string::npos);
  CHECK(nlohmann::json::parse(text_of(scratch() / "searched" / "metrics.json"))["training"].contains("trials"));
}

TEST_CASE("a fit begins with given weights, a search leaves out what they do not fit", "[examples]") {
  const fs::path out = scratch() / "with_weights", data = data_set("weights", [](const fs::path&) {});
  const auto with = [](std::vector<std::string> arguments, const std::string& weights) {
    arguments.insert(arguments.end(), {"--weights", weights});
    return arguments;
  };
  // The model saw two channels, these images have one.
  const outcome o = run(with(fit_arguments(out, data.string()), model()));
  CAPTURE(o.out, o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("tensors loaded from below \"encoder.\", first filter from 2 to 1 channel") != std::string::npos);
  const auto training = nlohmann::json::parse(text_of(out / "metrics.json"))["training"];
  CHECK(training["initial_weights"].get<std::string>().rfind("model.safetensors ", 0) == 0);

  const outcome searched = run(with(
      {"fit", data.string(), "--out", (scratch() / "searched_with_weights").string(), "--budget", "2s", "--tile", "32"},
      model()));
  CAPTURE(searched.out, searched.err);
  REQUIRE(searched.code == 0);
  CHECK(searched.out.find("left out: " + model() + ": tensor \"conv1.weight\": expected F32 [64,7,7,1]") !=
        std::string::npos);

  const fs::path refused = scratch() / "refused", foreign = scratch() / "foreign.safetensors";
  safetensors_file file;
  file.put("layer1.weight", tensor<float>({3, 4}));
  write_safetensors(foreign, file);
  check_refused(run(with(fit_arguments(refused, data.string()), foreign.string())),
                "foreign.safetensors: tensor \"stage.0.0.conv.weight\": expected F32 [16,1,3,3], found none");
  check_refused(run(with(fit_arguments(refused, data.string()), "missing.safetensors")), "missing.safetensors");
  CHECK_FALSE(fs::exists(refused));
}

TEST_CASE("predict takes images of any size and measures what it finds", "[examples]") {
  const fs::path images = scratch() / "images", out = scratch() / "found";
  fs::create_directories(images);
  write_tiff(images / "one.tif", two_channels(1, 1));
  write_tiff(images / "odd.tif", two_channels(37, 53));
  write_tiff(images / "tiled.tif", two_channels(70, 90));
  const outcome o = run({"predict", model(), images.string(), "--out", out.string(), "--tile", "64"});
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find(" s: loading ") != std::string::npos);  // where the time went
  CHECK(o.out.find(", network ") != std::string::npos);
  CHECK(entries(out) == 7);
  CHECK(read_labels(out / "one_labels.tif").shape() == shape{1, 1});
  CHECK(read_labels(out / "tiled_labels.tif").shape() == shape{70, 90});
  CHECK(read_image(out / "odd_overlay.png").pixels.shape() == shape{37, 53, 3});
  CHECK(read_csv(out / "measurements.csv").has("mean_membrane"));
  check_refused(run({"predict", model(), images.string(), "--out", out.string()}), "not empty");
  const fs::path bare = scratch() / "found_without_pictures";
  REQUIRE(run({"predict", model(), images.string(), "--out", bare.string(), "--no-overlay"}).code == 0);
  CHECK(entries(bare) == 4);
  CHECK_FALSE(fs::exists(bare / "odd_overlay.png"));
}

TEST_CASE("the channels and the projection that a model learned with are those it predicts with", "[examples]") {
  // Two channels and three slices, as ImageJ writes them.
  const auto write_stack = [](const fs::path& file) {
    std::vector<std::byte> bytes;
    {
      detail::tiff_handle tiff(bytes, detail::tiff_handle::layout::classic);
      for (int page = 0; page < 6; ++page) {
        if (page == 0)
          TIFFSetField(tiff.get(), TIFFTAG_IMAGEDESCRIPTION,
                       "ImageJ=1.53t\nimages=6\nchannels=2\nslices=3\nhyperstack=true\n");
        tensor<std::uint8_t> pixels({32, 32, 1});
        for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * (37 + page) % 251);
        detail::write_tiff_page(tiff, pixels.shape(), pixels.data(), 1);
        tiff.require(TIFFWriteDirectory(tiff.get()));
      }
    }
    write_file_atomically(file, bytes);
  };
  const fs::path data = data_set("stacks", [&](const fs::path& folder) {
    for (int i = 0; i < 4; ++i) {
      fs::remove(folder / "images" / (std::to_string(i) + ".png"));
      write_stack(folder / "images" / (std::to_string(i) + ".tif"));
    }
  });
  check_fit_refused(data, "is a stack of 3 slices");
  const fs::path out = scratch() / "of_stacks", stack = data / "images" / "0.tif";
  std::vector<std::string> arguments = fit_arguments(out, data.string());
  for (const char* more : {"--channels", "GFP", "--z", "max"}) arguments.push_back(more);
  check_refused(run(arguments), "there is no one channel \"GFP\"");
  arguments[arguments.size() - 3] = "2";
  const outcome fitted = run(arguments);
  CAPTURE(fitted.err);
  REQUIRE(fitted.code == 0);

  const std::string of_stacks = (out / "model.safetensors").string();
  const auto predict_with = [&](const fs::path& image, const std::vector<std::string>& more, const char* to) {
    std::vector<std::string> all{"predict", of_stacks, image.string(), "--out", (scratch() / to).string()};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  CHECK(predict_with(stack, {}, "stack_as_learned").code == 0);
  CHECK(predict_with(stack, {"--z", "focus", "--channels", "1"}, "stack_otherwise").code == 0);
  check_refused(predict_with(stack, {"--z", "median"}, "stack_by_no_way"), "--z \"median\" is no way");
  // An image of one channel has no second one; its first is taken on request.
  write_png(scratch() / "one_channel.png", gray(32, 32));
  check_refused(predict_with(scratch() / "one_channel.png", {}, "one_of_one"), "one_channel.png");
  CHECK(predict_with(scratch() / "one_channel.png", {"--channels", "1"}, "one_of_one").code == 0);
  const outcome described = run({"info", of_stacks});
  CHECK(described.out.find("made one image by max") != std::string::npos);
  CHECK(run({"evaluate", of_stacks, data.string()}).code == 0);
}

TEST_CASE("quantify counts cells by image and by group, of tiles too", "[examples]") {
  const fs::path fitted = scratch() / "with_nuclei";
  auto arguments = fit_arguments(fitted);
  arguments[5] = "percentile+plain4x16+unet+nuclei_per_cell";
  const outcome f = run(arguments);
  CAPTURE(f.out, f.err);
  REQUIRE(f.code == 0);
  CHECK(f.out.find("classes of objects by pixels") != std::string::npos);
  const std::string with_nuclei = (fitted / "model.safetensors").string();
  CHECK(nlohmann::json::parse(run({"info", with_nuclei, "--json"}).out)["facts"]["object_classes"].contains("chosen"));

  const fs::path images = scratch() / "to_count", out = scratch() / "counted";
  fs::create_directories(images);
  for (const char* name : {"young_r1_c1", "young_r1_c2", "old_r1_c1", "old_r1_c2"})
    write_tiff(images / (std::string(name) + ".tif"), two_channels(48, 64));
  const std::vector<std::string> base{"quantify", with_nuclei, images.string(), "--out", out.string(), "--no-mirror"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return run(more);
  };
  const outcome o = with({"--groups", "{group}_*"});
  CAPTURE(o.out, o.err);
  REQUIRE(o.code == 0);
  CHECK(entries(out) == 4 + 4 + 6);  // labels, overlays, four tables, page and plot
  const table counts = read_csv(out / "counts.csv"), groups = read_csv(out / "groups.csv"),
              objects = read_csv(out / "objects.csv");
  REQUIRE(counts.rows.size() == 4);
  REQUIRE(groups.rows.size() == 2);
  CHECK(groups.text(0, "group") == "old");
  CHECK(groups.number<int>(0, "images") == 2);
  std::size_t counted = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    counted += counts.number<std::size_t>(i, "cells");
    CHECK(counts.number<int>(i, "cells") ==
          counts.number<int>(i, "mononuclear") + counts.number<int>(i, "binuclear") + counts.number<int>(i, "unknown"));
  }
  CHECK(objects.rows.size() == counted);
  CHECK(objects.has("solidity"));
  CHECK(objects.has("integrated_DAPI"));

  fs::remove_all(out);
  const outcome tiled = with({"--tiles", "names", "--overlap", "16", "--groups", "{group}"});
  CAPTURE(tiled.out, tiled.err);
  REQUIRE(tiled.code == 0);
  CHECK(read_labels(out / "old_labels.tif").shape() == shape{48, 112});
  CHECK(read_csv(out / "counts.csv").rows.size() == 2);
  fs::remove_all(out);

  write_text(scratch() / "some_groups.csv", "id,group\nyoung_r1_c1,a\n");
  write_text(scratch() / "tiles.csv", "id,field,row,column\nyoung_r1_c1,F,0,0\nyoung_r1_c2,F,0,2\n");
  check_refused(with({"--groups", (scratch() / "some_groups.csv").string()}), "has no row for");
  check_refused(with({"--groups", "x{group}"}), "does not fit --groups");
  check_refused(with({"--tiles", (scratch() / "tiles.csv").string()}), "no tile at row 0, column 1");
  check_refused(with({"--tiles", "names", "--overlap", "48"}), "overlap of 48");
  check_refused(with({"--count", "trinuclear"}), "mononuclear, binuclear");
  check_refused(with({"--pairs-from", data_set("no_nuclei", [](const fs::path&) {}).string()}), "nuclei/");
  check_refused(run({"quantify", model(), images.string(), "--out", out.string()}), "--pair-nuclei");
  CHECK_FALSE(fs::exists(out));
  const outcome paired =
      run({"quantify", model(), images.string(), "--out", out.string(), "--pairs-from", cells().string()});
  CAPTURE(paired.err);
  CHECK(paired.code == 0);
  CHECK(read_csv(out / "objects.csv").has("partner"));
}

TEST_CASE("evaluate gives the numbers of fit", "[examples]") {
  const fs::path out = scratch() / "numbers.json";
  const outcome o = run({"evaluate", model(), cells().string(), "--out", out.string()});
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("AP@0.5") != std::string::npos);
  const auto numbers = nlohmann::json::parse(text_of(out)),
             fitted = nlohmann::json::parse(text_of(trained() / "metrics.json"));
  if (numbers["split"] == "test") CHECK(numbers["metrics"]["objects"]["by_iou"] == fitted["test"]["objects"]["by_iou"]);
}

TEST_CASE("export writes a graph and a package, and says what stays outside", "[examples]") {
  const std::string graph = (scratch() / "exported.onnx").string(), package = (scratch() / "exported.zip").string();
  const outcome onnx = run({"export", model(), "--out", graph, "--size", "64x64"});
  CHECK(onnx.err == "");
  REQUIRE(onnx.code == 0);
  CHECK(onnx.out.find("height and width multiples of 32") != std::string::npos);
  CHECK(onnx.out.find("postprocessing outside") != std::string::npos);
  CHECK(fs::file_size(graph) > 1000);
  const outcome zip = run({"export", model(), "--to", "bioimageio", "--out", package, "--author", "A. Name"});
  CHECK(zip.err == "");
  REQUIRE(zip.code == 0);
  CHECK(zip.out.find("bioimage.io asks for a licence") != std::string::npos);
  CHECK(text_of(package).substr(0, 2) == "PK");
}

TEST_CASE("export refuses what it cannot write", "[examples]") {
  const std::string file = (scratch() / "refused.onnx").string();
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& why) {
    const outcome o = run(arguments);
    CHECK(o.code == 2);
    CHECK(o.err.find(why) != std::string::npos);
  };
  refused({"export", model(), "--to", "tflite", "--out", file}, "--to");
  refused({"export", (scratch() / "none.safetensors").string(), "--out", file}, "cannot be opened");
  refused({"export", model(), "--out", scratch().path.string()}, "is a folder");
  refused({"export", model(), "--out", (scratch() / "no" / "such.onnx").string()}, "no such folder");
  refused({"export", model(), "--out", model()}, "is the model itself");
  refused({"export", model(), "--out", file, "--size", "0x64"}, "--size");
  refused({"export", model(), "--to", "bioimageio", "--out", file, "--name", "abc"}, "5 to 128 characters");
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("info and recommend say what there is", "[examples]") {
  const outcome all = run({"info"});
  CHECK(all.code == 0);
  CHECK(all.out.find(pipeline) != std::string::npos);
  const outcome card = run({"info", model(), "--json"});
  REQUIRE(card.code == 0);
  const auto j = nlohmann::json::parse(card.out);
  CHECK(j["pipeline"] == pipeline);
  CHECK(j["channel_names"] == nlohmann::json({"DAPI", "membrane"}));
  CHECK(j["facts"]["test"].contains("objects"));
  const std::string facts = run({"info", model(), "--size", "64x96"}).out;
  for (const char* expected : {"parameters", "a 64x96 image", "trained on", "fingerprint", "licence of the data"})
    CHECK(facts.find(expected) != std::string::npos);

  const outcome table = run({"recommend", cells().string()});
  CAPTURE(table.err);
  CHECK(table.code == 0);
  CHECK(table.out.find("nuclei_per_cell") != std::string::npos);
  const outcome tight = run({"recommend", cells().string(), "--max-memory", "1MB", "--json"});
  REQUIRE(tight.code == 0);
  const auto refused = nlohmann::json::parse(tight.out);
  CHECK_FALSE(refused["candidates"].empty());
  for (const auto& c : refused["candidates"]) CHECK(c["fits"] == false);
}

TEST_CASE("with a limit of memory what is quick is computed again, unless one says otherwise", "[examples]") {
  const auto bytes_of_first = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"recommend", cells().string(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const outcome o = run(words);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    const auto found = nlohmann::json::parse(o.out);
    std::map<std::string, double> bytes;
    for (const auto& c : found["candidates"]) bytes[c["pipeline"]] = c["training_bytes"];
    REQUIRE_FALSE(bytes.empty());
    return bytes.begin()->second;
  };
  const double kept = bytes_of_first({}), limited = bytes_of_first({"--max-memory", "64GB"});
  CHECK(limited < kept);
  CHECK(bytes_of_first({"--recompute", "selective"}) == limited);
  CHECK(bytes_of_first({"--max-memory", "64GB", "--recompute", "none"}) == kept);
  check_refused(run({"recommend", cells().string(), "--recompute", "some"}), "--recompute");
}

TEST_CASE("wrong arguments are one line and exit code 2", "[examples]") {
  check_refused(run({"fit", "synthetic"}), "--out");
  check_refused(run({"nonsense"}), "aixcell --help");
  check_refused(run({"fit", "synthetic", "--out", (scratch() / "x").string(), "--budget", "20parsec"}),
                "--budget '20parsec'");
  check_refused(run({"fit", "synthetic", "--out", (scratch() / "x").string(), "--pipeline", "a+b"}),
                "pipeline 'a+b' is not among");
  check_refused(run({"fit", "synthetic", "--out", (scratch() / "x").string(), "--epochs", "3"}), "--pipeline");
  check_refused(run({"fit", (scratch() / "nowhere").string(), "--out", (scratch() / "x").string()}), "nowhere");
  CHECK_FALSE(fs::exists(scratch() / "x"));
  CHECK(run({"--help"}).code == 0);
  CHECK(run({"fit", "--help"}).out.find("--budget") != std::string::npos);
}

TEST_CASE("data that cannot be learned from is refused, naming the file", "[examples]") {
  check_fit_refused(data_set("truncated", [](const fs::path& f) { truncate(f / "images/2.png"); }), "images/2.png");
  check_fit_refused(data_set("truncated_mask", [](const fs::path& f) { truncate(f / "masks/1.png"); }), "masks/1.png");
  check_fit_refused(data_set("size",
                             [](const fs::path& f) {
                               write_png_labels(f / "masks/3.png", label_map({32, 31}));
                             }),
                    "masks/3.png");
  check_fit_refused(data_set("no_image", [](const fs::path& f) { write_text(f / "images/0.png", "hello"); }),
                    "images/0.png");
  check_fit_refused(data_set("background",
                             [](const fs::path& f) {
                               for (int i = 0; i < 4; ++i)
                                 write_png_labels(f / "masks" / (std::to_string(i) + ".png"), label_map({32, 32}));
                             }),
                    "background");
  check_fit_refused(data_set("nan",
                             [](const fs::path& f) {
                               tensor<float> pixels({32, 32});
                               pixels(3, 4) = std::numeric_limits<float>::quiet_NaN();
                               fs::remove(f / "images/1.png");
                               write_tiff(f / "images/1.tif", pixels);
                             }),
                    "images/1.tif");
  fs::create_directories(scratch() / "empty");
  check_fit_refused(scratch() / "empty", "empty");
  write_text(scratch() / "file.txt", "hello");
  check_fit_refused(scratch() / "file.txt", "file.txt");
  check_fit_refused(data_set("one",
                             [](const fs::path& f) {
                               for (int i = 1; i < 4; ++i)
                                 fs::remove(f / "images" / (std::to_string(i) + ".png")),
                                     fs::remove(f / "masks" / (std::to_string(i) + ".png"));
                             }),
                    "one");
}

TEST_CASE("one all-background image among others is no mistake, nor is one of 1x1 pixel", "[examples]") {
  const fs::path data = data_set("some_background", [](const fs::path& f) {
    write_png_labels(f / "masks/2.png", label_map({32, 32}));
    write_png(f / "images/tiny.png", gray(1, 1));
    write_png_labels(f / "masks/tiny.png", label_map({1, 1}));
  });
  auto arguments = fit_arguments(scratch() / "some_background_model", data.string());
  arguments[7] = "1";
  const outcome o = run(arguments);
  CAPTURE(o.err);
  CHECK(o.code == 0);
}

TEST_CASE("masks may hold more than 65,535 labels", "[examples]") {
  const fs::path data = data_set("many", [](const fs::path& f) {
    label_map labels({264, 264});
    for (index_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i + 1);
    fs::remove(f / "masks/1.png");
    write_png(f / "images/1.png", gray(264, 264));
    write_labels(f / "masks/1.tif", labels);
  });
  const outcome o = run({"recommend", data.string(), "--json"});
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(nlohmann::json::parse(o.out)["data"]["objects"] == 264 * 264 + 3);
}

TEST_CASE("images that cannot be used leave nothing of a prediction", "[examples]") {
  const fs::path file = scratch() / "bad.png", stack = scratch() / "bad.tif";
  write_png(file, gray(20, 20));
  check_predict_refused(file, "bad.png: has 1 channel(s), the model was trained on 2");
  truncate(file);
  check_predict_refused(file, "bad.png");
  write_text(file, "no image at all");
  check_predict_refused(file, "bad.png: not an image");
  write_text(file, "");
  check_predict_refused(file, "bad.png");
  check_predict_refused(scratch() / "missing.png", "missing.png");
  write_tiff(stack, two_channels(20, 20));
  truncate(stack);
  check_predict_refused(stack, "bad.tif");
  tensor<float> pixels({5, 5, 2});
  pixels(2, 2, 0) = std::numeric_limits<float>::infinity();
  write_tiff(stack, pixels);
  check_predict_refused(stack, "bad.tif");
  fs::create_directories(scratch() / "no_images");
  check_predict_refused(scratch() / "no_images", "no_images");
}

TEST_CASE("files that are no models are refused", "[examples]") {
  const fs::path image = scratch() / "fine.tif", file = scratch() / "model.safetensors", out = scratch() / "refused";
  write_tiff(image, two_channels(8, 8));
  const auto check = [&](const std::string& expected) {
    check_refused(run({"predict", file.string(), image.string(), "--out", out.string()}), expected);
    check_refused(run({"info", file.string()}), expected);
    check_refused(run({"evaluate", file.string(), cells().string()}), expected);
    CHECK_FALSE(fs::exists(out));
  };
  check("model.safetensors");  // missing
  write_text(file, "hello");
  check("model.safetensors");
  fs::copy_file(model(), file, fs::copy_options::overwrite_existing);
  truncate(file);
  check("model.safetensors");
  safetensors_file foreign;
  foreign.put("weight", tensor<float>({3, 4}));
  write_safetensors(file, foreign);
  check("not a model of aixcell");
  safetensors_file unknown = read_safetensors(model());
  auto description = nlohmann::json::parse(unknown.metadata.at("aixcell"));
  description["pipeline"] = "percentile+magic+unet+semantic";
  unknown.metadata["aixcell"] = description.dump();
  write_safetensors(file, unknown);
  check("percentile+magic+unet+semantic");
}

TEST_CASE("images in folders of classes: fit, predict, evaluate, baseline, views", "[examples]") {
  const fs::path data = scratch() / "phases";
  for (int i = 0; i < 24; ++i)
    for (const char* name : {"one", "two", "three"}) {
      tensor<std::uint8_t> pixels({20, 24});
      for (index_t p = 0; p < pixels.size(); ++p)
        pixels[p] = static_cast<std::uint8_t>((p * 37 + i) % 40 + 70 * (name[0] == 't') + 70 * (name[1] == 'h'));
      const fs::path folder = data / (i < 16 ? "train" : "test") / name;
      fs::create_directories(folder);
      write_png(folder / ("cell " + std::to_string(i) + ".png"), pixels.as_view());
    }
  write_file_atomically(data / "dataset.json", R"({"task":"classification","pairs":{"few":["one","two"],"many":["three"]}})");
  const fs::path out = scratch() / "phases_model";
  const std::vector<std::string> fit{"fit",      data.string(), "--out",    out.string(), "--pipeline",
                                     "fitted_z_score+plain4x16+pooled+image_class", "--epochs", "3"};
  const outcome f = run(fit);
  CAPTURE(f.out, f.err);
  REQUIRE(f.code == 0);
  CHECK(f.out.find("48 training and 24 test images of 3 classes") != std::string::npos);
  CHECK(f.out.find("balanced accuracy") != std::string::npos);
  const auto metrics = nlohmann::json::parse(text_of(out / "metrics.json"));
  CHECK(metrics["test"]["image_classes"]["classes"].size() == 3);
  CHECK(text_of(out / "report.html").find("Classes of images") != std::string::npos);
  CHECK_FALSE(fs::is_empty(out / "overlays"));
  const std::string fitted = (out / "model.safetensors").string();
  const outcome e = run({"evaluate", fitted, data.string()});
  CAPTURE(e.err);
  CHECK(e.code == 0);
  CHECK(f.out.find(e.out) != std::string::npos);  // the same numbers

  const fs::path found = scratch() / "phases_found";
  REQUIRE(run({"predict", fitted, (data / "test/one").string(), "--out", found.string()}).code == 0);
  const table rows = read_csv(found / "image_classes.csv");
  CHECK(rows.rows.size() == 8);
  CHECK(rows.columns.size() == 5);
  CHECK_FALSE(fs::exists(found / "measurements.csv"));
  CHECK(run({"baseline", data.string()}).out.find("balanced accuracy") != std::string::npos);
  CHECK(run({"info", fitted}).out.find("one, three, two") != std::string::npos);

  check_refused(run({"quantify", fitted, (data / "test/one").string(), "--out", (scratch() / "x").string()}),
                "tells no objects apart");
  check_refused(run({"evaluate", fitted, data.string(), "--view", "pairs"}), "its classes of images are not those");
  check_refused(run({"baseline", data.string(), "--view", "triples"}), "has no view \"triples\"; there is pairs");
  check_refused(run({"evaluate", fitted, cells().string(), "--channels", "1"}), "has no classes of images");
  check_refused(run({"evaluate", model(), data.string()}), "channel");
  const outcome two = run({"baseline", data.string(), "--view", "pairs"});
  CHECK(two.out.find("many: recall") != std::string::npos);
}

}  // namespace aixcell::test
