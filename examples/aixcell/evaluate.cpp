#include <cstdio>

#include <aixcell/library/load_model.hpp>
#include <aixcell/pipeline/evaluate.hpp>

#include "aixcell_instances.hpp"
#include "commands.hpp"
#include "device.hpp"
#include "object_classes.hpp"
#include "open_data.hpp"
#include "results.hpp"
#include "stop.hpp"

namespace aixcell::program {

namespace {

/// Throws data_error if the model cannot say anything about these images.
void require_fitting(const any_pipeline& model, const model_card& card, const dataset& data) {
  if (data.channels != model.setup().channels)
    throw data_error(data.name + ": the images have " + std::to_string(data.channels) +
                     " channel(s), the model was trained on " + std::to_string(model.setup().channels) +
                     "; select the channels of the training images (--channels)");
  if (model.solves() != task::image_classification && data.task == task::image_classification)
    throw data_error(data.name + ": has classes of whole images and no masks, the model finds what is in images; give masks");
  if (model.solves() == task::image_classification && !data.has_image_classes())
    throw data_error(data.name +
                     ": has no classes of images, which is what the model tells; put the images into folders named after "
                     "their classes");
  if (model.needs_image_classes() && data.has_image_classes() && data.image_class_names != card.image_class_names)
    throw data_error(data.name +
                     ": its classes of images are not those of the model, or in another order; name them as `aixcell info` "
                     "shows them (--view puts classes together)");
  if (model.solves() == task::instance_segmentation && data.task == task::semantic_segmentation)
    throw data_error(
        data.name +
        ": its masks hold pixel classes, the model finds objects; give masks with a number for each object");
  if (model.needs_object_classes() && !data.class_names.empty() && data.class_names != card.class_names)
    throw data_error(
        data.name +
        ": its classes are not those of the model, or in another order; name them as `aixcell info` shows them");
}

}  // namespace

void evaluate(const evaluate_arguments& arguments) {
  context<cpu> ctx = context_for(arguments.compute);
  const loaded_model loaded = load_model(ctx, arguments.model, compiled_pipelines());
  loaded.model->freeze(ctx);
  const nlohmann::json& facts = loaded.card.facts;
  const std::string view = !arguments.view.empty() || !facts.contains("data") ? arguments.view
                                                                               : facts["data"].value("view", "");
  const opened_data data = open_data(ctx, arguments.data, arguments.acquired.over(loaded.card.acquired), view);
  const bool all = data.test.samples.empty() && arguments.split == "test";
  const dataset& part = arguments.split == "train" || all ? data.train : data.test;
  if (part.samples.empty()) throw data_error(arguments.data + ": has no images in its " + arguments.split + " part");
  require_fitting(*loaded.model, loaded.card, part);
  if (all) std::printf("%s has no test part: evaluating all %td images\n", arguments.data.c_str(), part.size());

  const answer_names names{loaded.card.class_names, loaded.card.image_class_names};
  const auto rule = stored_class_rule(loaded.card, arguments.model);
  const evaluation e = aixcell::evaluate(
      ctx, *loaded.model, part,
      {.predict = {.mirrored = arguments.mirrored},
       .refine = refine_by(rule),
       .seen = [](index_t, const example&, const prediction&) { throw_if_stopped("stopped; nothing was written"); }});
  if (!arguments.out.empty()) {
    const nlohmann::json metrics = {
        {"model", arguments.model.string()},
        {"pipeline", loaded.model->name()},
        {"data", arguments.data},
        {"split", all ? "all" : arguments.split},
        {"predicted_with", arguments.mirrored ? "mean of the image and its three mirror images" : "the image alone"},
        {"metrics", metrics_json(e, names)}};
    write_file_atomically(arguments.out, metrics.dump(1) + "\n");
  }
  std::fputs(metrics_text(e, names).c_str(), stdout);
}

}  // namespace aixcell::program
