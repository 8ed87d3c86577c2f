// The parts of the command line that can be tested without running it.
#include "cell_table.hpp"
#include "choice.hpp"
#include "doctor.hpp"
#include "fit_story.hpp"
#include "measurements.hpp"
#include "quantities.hpp"
#include "run_folder.hpp"
#include "stage_times.hpp"
#include "staged_folder.hpp"
#include "text_table.hpp"
#include "training_log.hpp"

#include <aixcell/report/text.hpp>

#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace aixcell::program {

using test::entries;
using test::scratch_folder;
using test::write_text;

TEST_CASE("stage_times: shares in the order of stages, and what the stages give", "[examples]") {
  stage_times times;
  times.add("reading", 0.5);
  times.add("network", 6);
  times.add("reading", 1);
  CHECK(times.text() == "7.50 s: reading 20 %, network 80 %");
  times.add("writing", 92.5);
  CHECK(times.text() == "100 s: reading 2 %, network 6 %, writing 93 %");
  CHECK(times.in("reading", [] { return 7; }) == 7);
  CHECK_THROWS_AS(times.in("network", []() -> int { throw data_error("no"); }), data_error);
}

TEST_CASE("quantities have a unit", "[examples]") {
  CHECK(parse_seconds("90s") == 90);
  CHECK(parse_seconds("20min") == 1200);
  CHECK(parse_seconds("1.5h") == 5400);
  CHECK(parse_seconds("200ms") == Approx(0.2));
  CHECK(parse_bytes("500MB") == 5e8);
  CHECK(parse_bytes("2GiB") == 2147483648.0);
  CHECK(parse_size("64x80") == shape{64, 80});
  CHECK(parse_size("64") == shape{64, 64});
  CHECK(parse_list("DNA,bright field,3") == std::vector<std::string>{"DNA", "bright field", "3"});
  for (const char* wrong : {"", ",", "DNA,", ",DNA", "a,,b"}) CHECK_THROWS_AS(parse_list(wrong), data_error);
  for (const char* wrong : {"", "20", "20 min", "-3s", "0s", "nans", "infs", "3parsec", "s", "1e400s"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_seconds(wrong), data_error);
    CHECK_THROWS_AS(parse_bytes(wrong), data_error);
  }
  for (const char* wrong : {"", "x", "64x", "x64", "64x64x2", "0", "99999999", "12.5"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_size(wrong), data_error);
  }
}

TEST_CASE("the doctor says what is missing and what to do about it", "[examples]") {
  const auto says = [](const machine_findings& m, const char* what) {
    const std::string text = doctor_text(m);
    CAPTURE(text, what);
    CHECK(text.find(what) != std::string::npos);
  };
  machine_findings m{.processor = "some processor", .loops = "avx512", .processors = 8, .memory_bytes = 64e9,
                     .available_bytes = 60e9, .built_with_cuda = false, .built_with_cudnn = 0, .gpus = {}, .device = {}};
  says(m, "processor   some processor\n");
  says(m, "threads     8\n");
  says(m, "memory      64.0 GB, 60.0 GB available\n");
  says(m, "built without it; for --device cuda install nvcc 12.8 or later, configure with -D AIXCELL_CUDA=ON");
  says(m, "driver      none (no libcuda.so.1)");
  says(m, "GPU         none found");
  says(m, "cuDNN       none found; this program was built without it and does not need it\n");
  m.loops = "portable";
  m.available_bytes = 1e9;
  says(m, "slow");
  says(m, "little: use --max-memory");
  m.gpus.driver_library = true;
  m.gpus.driver_error = "cuInit says error 100";
  says(m, "cuInit says error 100; `nvidia-smi` says more");
  m.built_with_cuda = true;
  m.gpus = {.driver_library = true,
            .driver_error = "",
            .driver_cuda = 12040,
            .gpus = {{"Some GPU", 9, 0, 80e9}, {"Old GPU", 7, 5, 8e9}},
            .cudnn = 91002};
  says(m, "runs CUDA up to 12.4; older than 12.8: install");
  says(m, "GPU         Some GPU, 80.0 GB, compute capability 9.0; use it with --device cuda\n");
  says(m, "GPU         Old GPU, 8.0 GB, compute capability 7.5; too old");
  says(m, "cuDNN       9.10 found; this program was built without it and does not need it\n");
  m.device = "cuda:0: networks plain4x16+unet; preprocessing by percentile; decoding of none";
  says(m, "device      cuda:0: networks plain4x16+unet; preprocessing by percentile; decoding of none\n");
  m.built_with_cudnn = 91900;
  says(m, "cuDNN       9.10 found; this program was built with 9.19: --device cuda --convolutions cudnn uses it\n");
  m.gpus.cudnn = 0;
  says(m, "cuDNN       none found; this program was built with 9.19: install it for --convolutions cudnn\n");
  // Whatever this machine is.
  CHECK(find_machine(false, 0).processors >= 1);
  says(find_machine(false, 0), "memory      ");
}

TEST_CASE("a table of cells counts what is in it", "[examples]") {
  prediction found;
  found.labels = label_map({10, 30});
  for (index_t y = 3; y < 7; ++y)
    for (index_t x : {0, 1, 10, 11, 15, 16, 25, 26}) found.labels(y, x) = static_cast<std::int32_t>(x < 5 ? 1 : x / 5);
  // labels 1 (at the border), 2, 3, 5; 4 has no pixel
  found.objects.resize(5);
  found.objects[0].object_class = 1;
  found.objects[1] = {.object_class = 0, .class_probabilities = {0.75f, 0.25f}};
  found.objects[2].object_class = 1;
  const tensor<float> pixels({10, 30, 1});
  quantity_names names{.channels = {"dna"}, .classes = {"mono", "bi"}, .radius = 6};

  table objects = empty_objects(names);
  const image_count all = add_objects(objects, names, {"a", "wt", pixels, found});
  CHECK(all.of_class == std::vector<index_t>{1, 2});
  CHECK(all.unknown == 1);
  REQUIRE(objects.rows.size() == 4);
  CHECK(objects.text(0, "at_border") == "1");
  CHECK(objects.text(1, "class") == "mono");
  CHECK(objects.text(1, "p_mono") == "0.7500");
  CHECK(objects.text(1, "nearest_distance") == "5.00");
  CHECK(objects.text(1, "neighbours") == "1");
  CHECK(objects.text(3, "class") == "");
  CHECK(objects.text(3, "label") == "5");
  CHECK(objects.text(0, "relative_integrated_dna") == "");  // nothing is brighter than the background

  const image_count inside = add_objects(objects, names, {"a", "wt", pixels, found, {}, true});
  CHECK(inside.of_class == std::vector<index_t>{1, 1});
  const table counts = counts_table({all, inside}, names, 1);
  CHECK(counts.rows[0] == std::vector<std::string>{"a", "wt", "4", "1", "2", "1", "0.6667",
                                                   fixed_text(wilson_interval({2, 3}).low, 4),
                                                   fixed_text(wilson_interval({2, 3}).high, 4)});
  CHECK(groups_table(count_groups({all, inside}, {}), names).rows.size() == 1);

  SECTION("paired nuclei are one cell") {
    names.paired = true;
    table nuclei = empty_objects(names);
    const image_count cells = add_objects(nuclei, names, {"a", "wt", pixels, found, {-1, 2, 1, -1}});
    CHECK(cells.of_class == std::vector<index_t>{2, 1});
    CHECK(nuclei.text(1, "partner") == "3");
    CHECK(nuclei.text(1, "class") == "bi");
  }
}

TEST_CASE("a staged folder appears whole or not at all", "[examples]") {
  const scratch_folder scratch("staged");
  {
    staged_folder folder(scratch / "lost");
    write_text(folder.path() / "a.txt", "a");
    CHECK_FALSE(std::filesystem::exists(scratch / "lost"));
  }
  CHECK(entries(scratch.path) == 0);

  staged_folder folder(scratch / "deep/kept/");
  write_text(folder.path() / "a.txt", "a");
  folder.commit();
  CHECK(test::text_of(scratch / "deep/kept/a.txt") == "a");
  CHECK(entries(scratch.path) == 1);
  CHECK_THROWS_AS(staged_folder(scratch / "deep/kept"), io_error);
  CHECK_THROWS_AS(staged_folder(scratch / "deep/kept/a.txt"), io_error);
}

TEST_CASE("a run folder goes on with the same arguments only", "[examples]") {
  const scratch_folder scratch("run");
  const auto where = scratch / "run";
  const nlohmann::json arguments = {{"--seed", 1}}, others = {{"--seed", 2}};
  {
    run_folder run(where, arguments, false);
    CHECK_FALSE(std::filesystem::exists(where));
    run.begin("d");
    CHECK_FALSE(run.resumes());
  }
  CHECK_FALSE(std::filesystem::exists(where));  // nothing was saved: nothing stays

  {
    run_folder run(where, arguments, false);
    run.begin("d");
    write_text(run.work() / "checkpoint.safetensors", "x");
  }
  CHECK(run_folder(where, arguments, false).resumes());
  CHECK_THROWS_WITH(run_folder(where, arguments, false).begin("e"), Catch::Contains("data set has changed"));
  CHECK_THROWS_WITH(run_folder(where, others, false),
                    Catch::Contains("--seed is 2, was 1") && Catch::Contains("--fresh"));
  {
    run_folder run(where, others, true);
    CHECK_FALSE(run.resumes());
    run.begin("d");
    CHECK_FALSE(std::filesystem::exists(run.work() / "checkpoint.safetensors"));
    write_text(run.results() / "model.safetensors", "m");
    run.finish();
  }
  CHECK(test::text_of(where / "model.safetensors") == "m");
  CHECK(entries(where) == 1);
  CHECK_THROWS_WITH(run_folder(where, others, false), Catch::Contains("trained model already"));
  write_text(where / "notes.txt", "mine");
  run_folder(where, others, true).begin("d");
  CHECK(test::text_of(where / "notes.txt") == "mine");
}

TEST_CASE("the log gives an epoch once, and survives a cut line", "[examples]") {
  const scratch_folder scratch("log");
  {
    training_log log(scratch / "log.jsonl");
    log.epoch("a", {.epoch = 1, .loss = 3});
    log.epoch("b", {.epoch = 1, .loss = 9});
    log.epoch("a", {.epoch = 2, .loss = 2});
  }
  {
    std::FILE* file = std::fopen((scratch / "log.jsonl").c_str(), "a");
    std::fputs("{\"event\":\"epo\n", file);
    std::fclose(file);
    training_log log(scratch / "log.jsonl");
    log.epoch("a", {.epoch = 2, .loss = 1});
  }
  const auto epochs = read_epochs(scratch / "log.jsonl", "a");
  REQUIRE(epochs.size() == 2);
  CHECK(epochs[0].loss == 3);
  CHECK(epochs[1].loss == 1);
  CHECK(read_epochs(scratch / "none", "a").empty());
}

TEST_CASE("measurements: a row for every object, text where it belongs", "[examples]") {
  image picture;
  picture.pixels = tensor<float>({4, 5, 1});
  prediction found;
  found.labels = label_map({4, 5});
  for (index_t y = 1; y < 3; ++y)
    for (index_t x = 2; x < 5; ++x) found.labels(y, x) = 1, picture.pixels(y, x, 0) = 7;
  found.objects.push_back({.score = 0.5f, .object_class = 1, .class_probabilities = {0.25f, 0.75f}, .nuclei = 2});
  const measured_names names{{"DAPI, raw"}, {"mononuclear", "binuclear"}};
  table t = empty_measurements(names);
  add_measurements(t, names, {"a.png", picture, found});
  REQUIRE(t.rows.size() == 1);
  CHECK(t.text(0, "image") == "a.png");
  CHECK(t.number<int>(0, "area") == 6);
  CHECK(t.number<double>(0, "centroid_y") == 1.5);
  CHECK(t.number<double>(0, "centroid_x") == 3);
  CHECK(t.number<int>(0, "bbox_right") == 5);
  CHECK(t.number<double>(0, "mean_DAPI, raw") == 7);
  CHECK(t.text(0, "class") == "binuclear");
  CHECK(t.number<double>(0, "class_score") == 0.75);
  CHECK(t.number<int>(0, "nuclei") == 2);
  CHECK(t.number<double>(0, "score") == 0.5);
  CHECK(parse_csv(encode_csv(t), "again").rows == t.rows);

  add_measurements(t, names, {"b.png", picture, found, task::semantic_segmentation});
  CHECK(t.text(1, "class") == "binuclear");  // class index 1 of the pixels
  CHECK(t.text(1, "score").empty());
}

TEST_CASE("shown images are the worst, the best and some between, none twice", "[examples]") {
  std::vector<double> scores;
  for (int i = 0; i < 20; ++i) scores.push_back((7 * i) % 20 / 20.0);
  const auto shown = choose_shown(scores);
  REQUIRE(shown.size() == 9);
  CHECK(shown[0].score == 0);
  CHECK(shown[3].kind == "best");
  CHECK(shown[3].score == 0.95);
  for (std::size_t i = 0; i < shown.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(shown[i].position != shown[j].position);
  CHECK(choose_shown({0.5}).size() == 1);
  CHECK(choose_shown({}).empty());
}

TEST_CASE("tables are aligned", "[examples]") {
  CHECK(text_table({{"a", "b"}, {"long", "c"}}) == "a     b\nlong  c\n");
}

}  // namespace aixcell::program
