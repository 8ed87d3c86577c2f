// What it does   Names a pipeline as a type, trains it on synthetic heart muscle cells, measures it on cells it has not
//                seen, and saves it as one file.
// How to run     01_fit_and_predict [seconds]        (120 if not said)
// What it prints A line for every epoch, then how many cells are found and how often mono- and binuclear cells are told
//                apart, with the 95 % interval. Writes cells.safetensors into the present folder.
// Read next      02_custom_stage.cpp: a stage of your own.
#include <cstdio>
#include <cstdlib>

#include <aixcell/data/synthetic.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/evaluate.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/pipeline/model_file.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/nuclei_per_cell.hpp>
#include <aixcell/preprocess/percentile.hpp>

int main(int argc, char** argv) {
  using namespace aixcell;
  try {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 120;

    // Images with ground truth. `read_dataset("folder")` gives the same type for your own.
    const dataset cells = synthetic_dataset(40, {.height = 192, .width = 192}, 1);
    const auto [to_learn, to_test] = split(cells, {.validation = 0.2, .seed = 1});

    // Four stages; what does not fit together does not compile. The context says where work runs: here, on all processors.
    context<cpu> ctx;
    pipeline<percentile, plain<4, 16>, unet, nuclei_per_cell> model;
    const resource_estimate cost = model.estimate({1, 192, 192, 2});
    std::printf("%s: %.0f parameters, %.1f GFLOP an image\n", model.name().c_str(), cost.parameters,
                cost.inference.flops / 1e9);

    fit_options options;
    options.training.budget_s = seconds;
    options.training.tile = 192;
    options.training.seed = 1;
    options.on_epoch = [](const epoch_report& r) {
      std::printf("epoch %d: loss %.3f, validation %.3f, %.0f s left\n", r.epoch, r.loss, r.validation, r.remaining_s);
    };
    fit(ctx, model, to_learn, options);

    // One image: labels 1..N, and what is known about each object.
    const prediction found = predict(ctx, model, to_test.load(0).picture, {.mirrored = true});
    std::printf("first test image: %zu cells\n", found.objects.size());

    // All test images, in the terms of the field.
    const evaluation e = evaluate(ctx, model, to_test, {.predict = {.mirrored = true}});
    const interval accuracy = e.object_classes.among_matched();
    std::printf("AP at IoU 0.5: %.3f\n", e.objects.summary()[0].pooled.average_precision);
    std::printf("mono-/binuclear accuracy: %.3f [%.3f, %.3f] of %td found cells\n", accuracy.estimate, accuracy.low,
                accuracy.high, e.object_classes.matched);

    model_card card;
    card.class_names = cells.class_names;
    card.channel_names = cells.channel_names;
    save_model("cells.safetensors", model, card);
    std::printf("wrote cells.safetensors\n");
  } catch (const error& e) {  // every error of aixcell is one line that says what to do
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
