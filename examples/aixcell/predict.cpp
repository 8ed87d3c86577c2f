#include <cstdio>
#include <map>

#include <aixcell/io/any_image.hpp>
#include <aixcell/library/load_model.hpp>
#include <aixcell/pipeline/predict.hpp>

#include "aixcell_instances.hpp"
#include "commands.hpp"
#include "found_images.hpp"
#include "measurements.hpp"
#include "object_classes.hpp"
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

}  // namespace

void predict(const predict_arguments& arguments) {
  const std::vector<fs::path> files = image_files(arguments.images);
  context<cpu> ctx(arguments.threads);
  const loaded_model loaded = load_model(ctx, arguments.model, compiled_pipelines());
  const any_pipeline& model = *loaded.model;
  const int channels = model.setup().channels;
  const acquisition how = arguments.acquired.over(loaded.card.acquired);
  const auto rule = stored_class_rule(loaded.card, arguments.model);

  measured_names names{loaded.card.channel_names, loaded.card.class_names};
  for (int c = static_cast<int>(names.channels.size()); c < channels; ++c)
    names.channels.push_back(channels == 1 ? "intensity" : "channel_" + std::to_string(c + 1));
  table measurements = empty_measurements(names);

  staged_folder out(arguments.out);
  for (const fs::path& file : files) {
    throw_if_stopped("stopped; nothing was written");
    const image picture = read_image(file, how);
    if (picture.channels() != channels)
      throw data_error(file.string() + ": has " + std::to_string(picture.channels()) +
                       " channel(s), the model was trained on " + std::to_string(channels) +
                       "; select the channels of the training images (--channels)");
    prediction found = aixcell::predict(
        ctx, model, picture,
        {.tile = arguments.tile, .overlap = std::min<index_t>(64, arguments.tile / 4), .mirrored = arguments.mirrored});
    if (rule) apply_class_rule(*rule, picture.pixels, found);
    write_label_file(out.path() / (file.stem().string() + "_labels"), found.labels,
                     tiff_codec::recognises(read_file_head(file, 16)));
    write_png(out.path() / (file.stem().string() + "_overlay.png"), overlay_of(picture.pixels, found, model.solves()));
    add_measurements(measurements, names, {file.filename().string(), picture, found, model.solves()});
    if (model.solves() == task::semantic_segmentation)
      std::printf("%s: %tdx%td pixels\n", file.c_str(), picture.height(), picture.width());
    else
      std::printf("%s: %s\n", file.c_str(), summary_of(found, names.classes).c_str());
  }
  write_csv(out.path() / "measurements.csv", measurements);
  out.commit();
  std::printf("%s holds labels and overlay of %zu image(s) and measurements.csv with %zu rows\n", arguments.out.c_str(),
              files.size(), measurements.rows.size());
}

}  // namespace aixcell::program
