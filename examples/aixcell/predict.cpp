#include <cstdio>
#include <map>

#include <aixcell/io/any_image.hpp>
#include <aixcell/library/load_model.hpp>
#include <aixcell/pipeline/predict_blocks.hpp>
#include <aixcell/report/text.hpp>

#include "aixcell_instances.hpp"
#include "commands.hpp"
#include "device.hpp"
#include "found_images.hpp"
#include "measurements.hpp"
#include "object_classes.hpp"
#include "stage_times.hpp"
#include "staged_folder.hpp"
#include "stop.hpp"

namespace aixcell::program {

namespace {

namespace fs = std::filesystem;

std::string summary_of(const prediction& found, const std::vector<std::string>& class_names) {
  std::string text = std::to_string(found.objects.size()) + " objects";
  std::map<int, int> count;
  for (const detected_object& object : found.objects)
    if (object.object_class >= 0) ++count[object.object_class];
  std::string parts;
  for (const auto& [c, n] : count) {
    const auto i = static_cast<std::size_t>(c);
    parts += (parts.empty() ? "" : ", ") + std::to_string(n) + " " +
             (i < class_names.size() ? class_names[i] : "of class " + std::to_string(c));
  }
  return parts.empty() ? text : text + " (" + parts + ")";
}

/// One row for each image: class and the probability of every class.
table empty_image_classes(const std::vector<std::string>& names) {
  table t{.name = "image_classes.csv", .columns = {"image", "class"}, .rows = {}, .lines = {}};
  for (const std::string& name : names) t.columns.push_back("probability_" + name);
  return t;
}

std::string name_of_image_class(const prediction& found, const std::vector<std::string>& names) {
  const auto c = static_cast<std::size_t>(found.image_class);
  return found.image_class >= 0 && c < names.size() ? names[c] : "unknown";
}

}  // namespace

void predict(const predict_arguments& arguments) {
  const std::vector<fs::path> files = image_files(arguments.images);
  context<cpu> ctx = context_for(arguments.compute);
  stage_times times;
  const loaded_model loaded = times.in("loading", [&] {
    loaded_model read = load_model(ctx, arguments.model, compiled_pipelines());
    read.model->freeze(ctx);
    return read;
  });
  const any_pipeline& model = *loaded.model;
  const int channels = model.setup().channels;
  const acquisition how = arguments.acquired.over(loaded.card.acquired);
  const auto rule = stored_class_rule(loaded.card, arguments.model);

  measured_names names{loaded.card.channel_names, loaded.card.class_names};
  for (int c = static_cast<int>(names.channels.size()); c < channels; ++c)
    names.channels.push_back(channels == 1 ? "intensity" : "channel_" + std::to_string(c + 1));
  table measurements = empty_measurements(names), image_classes = empty_image_classes(loaded.card.image_class_names);
  const bool finds_parts = model.solves() != task::image_classification;

  staged_folder out(arguments.out);
  for (const fs::path& file : files) {
    throw_if_stopped("stopped; nothing was written");
    const image picture = times.in("reading", [&] { return read_image(file, how); });
    if (picture.channels() != channels)
      throw data_error(file.string() + ": has " + std::to_string(picture.channels()) +
                       " channel(s), the model was trained on " + std::to_string(channels) +
                       "; select the channels of the training images (--channels)");
    block_plan plan{.tile = arguments.tile};
    if (arguments.memory_bytes > 0)
      plan = plan_blocks(ctx, model, picture.pixels.shape(), arguments.memory_bytes, arguments.tile);
    prediction found = predict_in_blocks(
        ctx, model, picture.pixels, plan,
        {.mirrored = arguments.mirrored,
         .took = [&](std::string_view stage, double seconds) { times.add(std::string(stage), seconds); }});
    if (rule) apply_class_rule(*rule, picture.pixels, found);
    std::string summary = model.solves() == task::instance_segmentation
                              ? summary_of(found, names.classes)
                              : std::to_string(picture.height()) + "x" + std::to_string(picture.width()) + " pixels";
    if (model.needs_image_classes()) {
      const std::string name = name_of_image_class(found, loaded.card.image_class_names);
      std::vector<std::string> row{file.filename().string(), name};
      for (const float p : found.image_class_probabilities) row.push_back(fixed_text(static_cast<double>(p), 4));
      image_classes.rows.push_back(std::move(row));
      summary = name + (finds_parts ? "; " + summary : "");
    }
    if (finds_parts)
      times.in("writing", [&] {
        if (arguments.overlays)
          write_png(ctx, out.path() / (file.stem().string() + "_overlay.png"),
                    overlay_of(ctx, picture.pixels, found, model.solves()));
        parallel_for(ctx, 2, [&](index_t part) {
          if (part == 0)
            write_label_file(out.path() / (file.stem().string() + "_labels"), found.labels,
                             tiff_codec::recognises(read_file_head(file, 16)));
          else
            add_measurements(measurements, names, {file.filename().string(), picture, found, model.solves()});
        });
      });
    std::printf("%s: %s\n", file.c_str(), summary.c_str());
  }
  times.in("writing", [&] {
    if (finds_parts) write_csv(out.path() / "measurements.csv", measurements);
    if (model.needs_image_classes()) write_csv(out.path() / "image_classes.csv", image_classes);
    out.commit();
  });
  std::printf("%s\n", times.text().c_str());
  const std::string holds = finds_parts ? (arguments.overlays ? "labels and overlay of " : "labels of ") +
                                              std::to_string(files.size()) + " image(s) and measurements.csv with " +
                                              std::to_string(measurements.rows.size()) + " rows"
                                        : "image_classes.csv with " + std::to_string(files.size()) + " rows";
  std::printf("%s holds %s\n", arguments.out.c_str(), holds.c_str());
}

}  // namespace aixcell::program
