#pragma once
#include <filesystem>

#include <nlohmann/json.hpp>

#include <aixcell/io/acquisition.hpp>
#include <aixcell/io/safetensors.hpp>
#include <aixcell/pipeline/any_pipeline.hpp>
#include <aixcell/version.hpp>

namespace aixcell {

/// What a model file says about itself besides the numbers.
struct model_card {
  std::string pipeline;  ///< stable name
  pipeline_setup setup;
  std::vector<std::string> class_names = {};        ///< of pixels or objects
  std::vector<std::string> image_class_names = {};  ///< of whole images
  std::vector<std::string> channel_names = {};
  acquisition acquired = {};  ///< how files become the images that the model sees
  nlohmann::json facts;       ///< metrics, data fingerprint, training, licence: free to grow, read by people and tools
};

namespace detail {

inline constexpr int model_format = 2;

inline nlohmann::json acquisition_to_json(const acquisition& how) {
  return {{"channels", how.channels},
          {"channel_names", how.channel_names},
          {"z", to_string(how.z)},
          {"pages", how.pages_are_channels ? "channels" : "slices"}};
}

inline acquisition acquisition_from_json(const nlohmann::json& j, const std::string& name) {
  acquisition how;
  how.channels = j.at("channels").get<std::vector<std::string>>();
  how.channel_names = j.at("channel_names").get<std::vector<std::string>>();
  try {
    how.z = parse_z_projection(j.at("z").get<std::string>());
  } catch (const data_error& e) {
    throw io_error(name + ": " + e.what() + "; use the version that wrote the file");
  }
  how.pages_are_channels = j.at("pages").get<std::string>() == "channels";
  return how;
}

inline nlohmann::json card_to_json(any_pipeline& model, const model_card& card) {
  nlohmann::json tunables = nlohmann::json::object(), fitted = nlohmann::json::object();
  for (const tunable& t : model.tunables()) tunables[t.name] = t.get();
  for (const fitted_value& f : model.fitted_values()) std::visit([&](const auto* v) { fitted[f.name] = *v; }, f.value);
  const pipeline_setup& setup = model.setup();
  return {{"format", model_format},
          {"aixcell", std::string(version)},
          {"pipeline", model.name()},
          {"setup",
           {{"channels", setup.channels},
            {"pixel_classes", setup.pixel_classes},
            {"object_classes", setup.object_classes},
            {"image_classes", setup.image_classes},
            {"seed", setup.seed}}},
          {"class_names", card.class_names},
          {"image_class_names", card.image_class_names},
          {"channel_names", card.channel_names},
          {"acquisition", acquisition_to_json(card.acquired)},
          {"tunables", tunables},
          {"preprocess", fitted},
          {"facts", card.facts}};
}

/// The description in a model file; io_error with the cure if the file has none that this version reads.
inline nlohmann::json description_of(const safetensors_file& file, const std::string& name) {
  const auto found = file.metadata.find("aixcell");
  if (found == file.metadata.end())
    throw io_error(name +
                   ": is a safetensors file but not a model of aixcell; give the model.safetensors that `fit` wrote");
  nlohmann::json description;
  try {
    description = nlohmann::json::parse(found->second);
    if (const int format = description.at("format").get<int>(); format != model_format)
      throw io_error(name + ": model format " + std::to_string(format) + ", this version reads " +
                     std::to_string(model_format) + "; use the version that wrote it (" +
                     description.value("aixcell", "?") + ")");
  } catch (const nlohmann::json::exception& e) {
    throw io_error(name + ": the description of the model is damaged; copy the file again");
  }
  return description;
}

inline pipeline_setup setup_from_json(const nlohmann::json& j) {
  return {.channels = j.at("channels"),
          .pixel_classes = j.at("pixel_classes"),
          .object_classes = j.at("object_classes"),
          .image_classes = j.at("image_classes"),
          .seed = j.at("seed")};
}

/// Sizes from a file decide how much memory a network takes: refuse what no data set can have asked for.
inline void require_sane(const pipeline_setup& s, const std::string& name) {
  const auto check = [&](int value, int low, int high, const char* what) {
    if (value < low || value > high)
      throw io_error(name + ": " + what + " is " + std::to_string(value) + ", expected " + std::to_string(low) + ".." +
                     std::to_string(high) + "; the file is damaged");
  };
  check(s.channels, 1, 4096, "number of channels");
  check(s.pixel_classes, 2, 256, "number of pixel classes");
  check(s.object_classes, 0, 4096, "number of object classes");
  check(s.image_classes, 0, 4096, "number of image classes");
}

/// Sets a pipeline up from a file's description and tensors.
inline model_card fill_model(context<cpu>& ctx, any_pipeline& model, const safetensors_file& file,
                             const nlohmann::json& description, const std::string& name) {
  model_card card;
  try {
    card.pipeline = description.at("pipeline");
    card.setup = setup_from_json(description.at("setup"));
    card.class_names = description.at("class_names").get<std::vector<std::string>>();
    card.image_class_names = description.at("image_class_names").get<std::vector<std::string>>();
    card.channel_names = description.at("channel_names").get<std::vector<std::string>>();
    card.acquired = acquisition_from_json(description.at("acquisition"), name);
    card.facts = description.at("facts");
    if (card.pipeline != model.name())
      throw data_error(name + ": holds pipeline " + card.pipeline + ", expected " + model.name() +
                       "; load it with the pipeline it was trained with");
    require_sane(card.setup, name);
    pipeline_setup without_weights = card.setup;
    without_weights.draw_weights = false;
    model.set_up(ctx, without_weights);
    for (const tunable& t : model.tunables()) t.set(description.at("tunables").at(t.name).get<double>());
    for (const fitted_value& f : model.fitted_values())
      std::visit(
          [&](auto* v) { *v = description.at("preprocess").at(f.name).get<std::remove_reference_t<decltype(*v)>>(); },
          f.value);
  } catch (const nlohmann::json::exception& e) {
    throw io_error(name + ": the description of the model is damaged; copy the file again");
  }
  std::size_t known = 0;
  for (const network_tensor& t : model.tensors()) {
    file.get(name, t.name, t.value->as_view());
    for (const float v : *t.value)
      if (!std::isfinite(v))
        throw io_error(name + ": tensor \"" + t.name + "\" holds a value that is not finite; the file is damaged");
    ++known;
  }
  if (known != file.tensors.size())
    throw io_error(name + ": expected " + std::to_string(known) + " tensors, found " +
                   std::to_string(file.tensors.size()) + "; the file belongs to another model");
  model.weights_changed();
  return card;
}

}  // namespace detail

/// Writes the one file that a trained pipeline is: tensors under their names, everything else as JSON in the metadata
/// under `aixcell`. All or nothing. Of the card, pipeline and setup are taken from the model. Throws io_error.
inline void save_model(const std::filesystem::path& path, any_pipeline& model, const model_card& card) {
  safetensors_file file;
  file.metadata["aixcell"] = detail::card_to_json(model, card).dump();
  for (const network_tensor& t : model.tensors()) file.put(t.name, *t.value);
  write_safetensors(path, file);
}

/// Reads a model whose type is known: no registry, no other pipeline compiled in. Throws io_error if the file is
/// damaged or foreign, data_error if it holds another pipeline.
inline model_card load_model_into(context<cpu>& ctx, const std::filesystem::path& path, any_pipeline& model) {
  const safetensors_file file = read_safetensors(path);
  return detail::fill_model(ctx, model, file, detail::description_of(file, path.string()), path.string());
}

}  // namespace aixcell
