#include <aixcell/report/progress.hpp>
#include "support/catch.hpp"

using namespace aixcell;

namespace {

progress_state half_way() {
  progress_state state;
  state.epoch = 12;
  state.epochs = 80;
  state.step = 61;
  state.steps = 100;
  state.images_per_second = 37.2;
  state.loss = 0.12344;
  state.metric_name = "AP";
  state.metric = 0.8119;
  state.best_metric = 0.83;
  state.seconds_left = 185;
  return state;
}

}  // namespace

TEST_CASE("progress as text", "[report]") {
  CHECK(progress_text(half_way()) ==
        "epoch 12/80 [######----] 61 %  loss 0.1234  AP 0.812 (best 0.830)  3 min 05 s left  37 img/s");
  CHECK(progress_text(half_way(), 79) == "epoch 12/80 [######----] 61 %  loss 0.1234  AP 0.812 (best 0.830)  37 img/s");
  CHECK(progress_text(half_way(), 45) == "epoch 12/80 [######----] 61 %  loss 0.1234");
  CHECK(progress_text(half_way(), 7) == "epoch 1");

  progress_state unknown;
  unknown.stage = "resnet18+unet";
  unknown.epoch = 1;
  unknown.epochs = 3;
  unknown.steps = 4;
  CHECK(progress_text(unknown) == "resnet18+unet  epoch 1/3 [----------] 0 %");
  unknown.step = 9;  // never beyond the end
  CHECK(progress_text(unknown) == "resnet18+unet  epoch 1/3 [##########] 100 %");
}

TEST_CASE("progress in a file is a line per epoch", "[report]") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  {
    progress_line line(file);
    for (int step = 0; step < 100; ++step) line.step(half_way());
    line.epoch(half_way());
    line.epoch(half_way());
  }
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  const std::string one = "epoch 12/80  loss 0.1234  AP 0.812 (best 0.830)  3 min 05 s left  37 img/s\n";
  CHECK(text == one + one);
}
