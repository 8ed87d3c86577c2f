#pragma once
#include <cctype>
#include <functional>

#include <aixcell/exchange/onnx.hpp>
#include <aixcell/exchange/yaml.hpp>
#include <aixcell/pipeline/model_file.hpp>

namespace aixcell {

/// What the writer of a package adds to what the model file knows.
struct package_options {
  tensor<float> test_image;               ///< [H,W,C] in file units; multiples of 32 give a network for every such size
  std::string name = {};                  ///< of the model; empty: from the pipeline and the data
  std::vector<std::string> authors = {};  ///< people's names; bioimage.io asks for them
  std::string licence = {};               ///< SPDX identifier of the model's licence; empty: not said
  std::string cover_png = {};             ///< bytes of a picture, input and result; empty: none
  std::string timestamp = {};             ///< ISO 8601, e.g. 2024-05-01T12:00:00Z
};

namespace detail {

/// Stands in rdf.yaml where the network's input is a preprocessed image.
inline constexpr std::string_view preprocessed_input_mark = "image: \"preprocessed\"";

/// (file, digest) for every `source:` that a `sha256:` follows.
inline std::vector<std::pair<std::string, std::string>> digests_in(const std::string& yaml) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto value_at = [&](std::size_t begin) { return yaml.substr(begin, yaml.find('"', begin) - begin); };
  const std::string_view source = "source: \"", digest = "sha256: \"";
  for (std::size_t at = yaml.find(source); at != std::string::npos; at = yaml.find(source, at + 1)) {
    const std::size_t next = yaml.find(digest, at);
    if (next == std::string::npos) break;
    found.emplace_back(value_at(at + source.size()), value_at(next + digest.size()));
  }
  return found;
}

/// Our preprocessing in the words of the format: a list, empty if there is none; null if the format cannot say it.
/// Their divisors get a small number added, against division by 0; it is chosen too small to matter.
inline nlohmann::ordered_json described_preprocessing(any_pipeline& model) {
  using json = nlohmann::ordered_json;
  constexpr double epsilon = 1e-10;
  const std::string name = stage_names_of(model).preprocess;
  const json of_pixels = {"y", "x"};
  const auto step = [](const char* id, json kwargs) {
    return json::array({{{"id", id}, {"kwargs", std::move(kwargs)}}});
  };
  if (name == identity::name) return json::array();
  if (name == percentile::name)
    return step("scale_range", {{"axes", of_pixels},
                                {"min_percentile", tunable_value(model, "preprocess.low")},
                                {"max_percentile", tunable_value(model, "preprocess.high")},
                                {"eps", epsilon}});
  if (name == z_score::name) return step("zero_mean_unit_variance", {{"axes", of_pixels}, {"eps", epsilon}});
  if (name == fitted_z_score::name) {
    const std::vector<float>& deviation = fitted_vector(model, "deviation");
    if (std::all_of(deviation.begin(), deviation.end(), [](float d) { return d >= 1e-6f; }))
      return step("fixed_zero_mean_unit_variance",
                  {{"axis", "channel"}, {"mean", fitted_vector(model, "mean")}, {"std", deviation}});
  }
  return nullptr;
}

/// A name the format takes for a channel: lower-case letters, digits and underscores, a letter first.
inline std::string identifier_of(const std::string& text, const std::string& otherwise) {
  std::string id;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    id += u < 128 && std::isalnum(u) ? static_cast<char>(std::tolower(u)) : '_';
  }
  return id.empty() || !std::isalpha(static_cast<unsigned char>(id[0])) ? otherwise : id;
}

inline std::vector<std::string> numbered(const std::string& stem, index_t count) {
  std::vector<std::string> names;
  for (index_t i = 0; i < count; ++i) names.push_back(stem + "_" + std::to_string(i));
  return names;
}

/// Names of an output's channels: classes where they are known.
inline std::vector<std::string> channel_names_of(const onnx_value& output, const model_card& card) {
  const auto count = static_cast<index_t>(std::get<std::int64_t>(output.extents[1]));
  if (output.meaning.starts_with("probabilities of background, interior and border"))
    return {"background", "interior", "border"};
  std::vector<std::string> names = numbered(output.name, count);
  if (output.name.ends_with("class_probabilities") && std::ssize(card.class_names) == count)
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = identifier_of(card.class_names[i], names[i]);
  return names;
}

inline nlohmann::ordered_json image_axes(const onnx_model& exported, const std::vector<std::string>& channels,
                                         nlohmann::ordered_json rows, nlohmann::ordered_json columns) {
  nlohmann::ordered_json batch = {{"type", "batch"}};
  if (!exported.any_batch) batch["size"] = 1;
  return {std::move(batch),
          {{"type", "channel"}, {"channel_names", channels}},
          {{"type", "space"}, {"id", "y"}, {"size", std::move(rows)}},
          {{"type", "space"}, {"id", "x"}, {"size", std::move(columns)}}};
}

/// Works a reader of the package should cite: the method behind a stage, by digital object identifier.
inline nlohmann::ordered_json citations_of(const any_pipeline& model) {
  struct work {
    std::string_view stage, text, doi;
  };
  static constexpr work works[] = {
      {"unet", "Ronneberger et al. 2015, U-Net", "10.1007/978-3-319-24574-4_28"},
      {"unet_plus_plus", "Zhou et al. 2018, UNet++", "10.1007/978-3-030-00889-5_1"},
      {"fpn", "Lin et al. 2017, Feature pyramid networks", "10.1109/CVPR.2017.106"},
      {"pspnet", "Zhao et al. 2017, Pyramid scene parsing network", "10.1109/CVPR.2017.660"},
      {"deeplab_v3_plus", "Chen et al. 2018, DeepLabv3+", "10.1007/978-3-030-01234-2_49"},
      {"resnet", "He et al. 2016, Deep residual learning", "10.1109/CVPR.2016.90"},
      {"densenet", "Huang et al. 2017, Densely connected convolutional networks", "10.1109/CVPR.2017.243"},
      {"star_convex", "Schmidt et al. 2018, Star-convex polygons", "10.1007/978-3-030-00934-2_30"},
  };
  const stage_names stages = stage_names_of(model);
  nlohmann::ordered_json cited = nlohmann::ordered_json::array();
  for (const work& w : works)
    if (stages.decoder == w.stage || stages.encoder.starts_with(w.stage) || stages.postprocess.starts_with(w.stage))
      cited.push_back({{"text", w.text}, {"doi", w.doi}});
  return cited;
}

constexpr std::string_view what_it_does(task solves) {
  switch (solves) {
    case task::semantic_segmentation:
      return "Segments pixels of microscopy images by class";
    case task::image_classification:
      return "Tells the class of a microscopy image";
    default:
      return "Finds every object apart in microscopy images";
  }
}

/// The description as the format's fields. `file(name)` gives source and digest of an entry of the package.
inline nlohmann::ordered_json package_description(
    any_pipeline& model, const model_card& card, const package_options& options, const onnx_model& exported,
    const nlohmann::ordered_json& preprocessing,
    const std::function<nlohmann::ordered_json(const std::string&)>& file) {
  using json = nlohmann::ordered_json;
  const auto data_name = card.facts.is_object() && card.facts.contains("data") && card.facts["data"].is_object()
                             ? card.facts["data"].value("name", std::string())
                             : std::string();
  const index_t height = options.test_image.extent(0), width = options.test_image.extent(1);
  const auto size = [&](index_t pixels) { return exported.any_size ? json{{"min", 32}, {"step", 32}} : json(pixels); };
  const auto size_of_output = [](const onnx_extent& e, const char* axis) {
    if (const auto* fixed = std::get_if<std::int64_t>(&e)) return json(*fixed);
    return json{{"tensor_id", "image"}, {"axis_id", axis}};
  };
  std::vector<std::string> inputs = numbered("channel", exported.channels);
  if (card.channel_names.size() == inputs.size())
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = identifier_of(card.channel_names[i], inputs[i]);

  std::string name = options.name;
  if (name.empty())
    name = "aixcell " + stage_names_of(model).decoder + " " + stage_names_of(model).encoder +
           (data_name.empty() ? "" : " on " + identifier_of(data_name, "images"));
  json d = {{"type", "model"},
            {"format_version", "0.5.0"},
            {"name", name.substr(0, 128)},
            {"description", std::string(what_it_does(model.solves())) + "; trained by aixcell, pipeline " + model.name()},
            {"timestamp", options.timestamp},
            {"authors", json::array()},
            {"cite", citations_of(model)},
            {"tags",
             {"aixcell", "2d", model.solves() == task::image_classification ? "classification" : "segmentation", stage_names_of(model).encoder, stage_names_of(model).decoder}},
            {"documentation", file("README.md")}};
  for (const std::string& author : options.authors) d["authors"].push_back({{"name", author}});
  if (!options.licence.empty()) d["license"] = options.licence;
  if (!options.cover_png.empty()) d["covers"] = json::array({file("cover.png")});
  json input = {{"id", "image"},
                {"description", preprocessing.is_null() ? "pixels after aixcell's preprocessing, see README.md"
                                                        : "pixels in the units of the file"},
                {"axes", image_axes(exported, inputs, size(height), size(width))},
                {"test_tensor", file("test_image.npy")},
                {"data", {{"type", "float32"}}}};
  if (preprocessing.is_array() && !preprocessing.empty()) input["preprocessing"] = preprocessing;
  d["inputs"] = json::array({input});
  d["outputs"] = json::array();
  for (const onnx_value& output : exported.graph.outputs)
    d["outputs"].push_back(
        {{"id", output.name},
         {"description", output.meaning.substr(0, 128)},
         {"axes", image_axes(exported, channel_names_of(output, card), size_of_output(output.extents[2], "y"),
                             size_of_output(output.extents[3], "x"))},
         {"test_tensor", file("test_" + output.name + ".npy")},
         {"data", {{"type", "float32"}}}});
  json weights = file("weights.onnx");
  weights["opset_version"] = onnx_opset;
  d["weights"] = {{"onnx", weights}};
  d["config"] = {{"aixcell",
                  {{"version", version},
                   {"pipeline", model.name()},
                   {"image", preprocessing.is_null() ? "preprocessed" : "file units"}}}};
  return d;
}

/// Every number of a test with its interval, a line each, under the names in the model file.
inline void append_measurements(std::string& text, const nlohmann::json& facts, const std::string& parent) {
  for (const auto& [key, value] : facts.items()) {
    const std::string name = parent.empty() ? key : parent + " " + key;
    const auto number = [](const nlohmann::json& v) {
      return nlohmann::json(std::round(1e4 * v.get<double>()) / 1e4).dump();
    };
    if (value.is_object() && value.contains("estimate") && value.contains("interval"))
      text += "- " + name + ": " + number(value["estimate"]) + " [" + number(value["interval"][0]) + ", " +
              number(value["interval"][1]) + "]" +
              (value.contains("n") ? ", n = " + value["n"].dump() : std::string()) + "\n";
    else if (value.is_object())
      append_measurements(text, value, name);
    else if (value.is_number())
      text += "- " + name + ": " + (value.is_number_float() ? number(value) : value.dump()) + "\n";
  }
}

/// The package's README.md; bioimage.io asks for a section "Validation".
inline std::string package_readme(any_pipeline& model, const model_card& card, bool preprocessed_input) {
  const nlohmann::json& facts = card.facts;
  const auto section = [&](const char* key) {
    return facts.is_object() && facts.contains(key) ? facts[key] : nlohmann::json();
  };
  std::string text =
      "# " + model.name() + "\n\nA network for microscopy images, trained by aixcell " + std::string(version) + ".\n\n";
  text += "## Input and output\n\n";
  text +=
      preprocessed_input
          ? "The input is a preprocessed image; this preprocessing has no counterpart in the format and is not part of "
            "the package: " +
                preprocessing_text(model) + ".\n"
          : "The input is an image in the units of its file. Preprocessing, over the whole image: " +
                preprocessing_text(model) + ".\n";
  text += "\n`output` is what the network gives. What follows (" + stage_names_of(model).postprocess +
          ") is not part of the package";
  for (const tunable& t : model.tunables())
    if (t.decodes_only) text += "; " + t.name + " = " + nlohmann::json(t.get()).dump();
  text += ".\n\n## Training data\n\n";
  const nlohmann::json data = section("data");
  if (data.is_object()) {
    if (data.contains("name")) text += "- name: " + data["name"].get<std::string>() + "\n";
    if (data.contains("digest")) text += "- fingerprint: " + data["digest"].dump() + "\n";
  }
  const nlohmann::json licence = section("licence");
  text += "- licence of the data: " +
          (licence.is_string() && !licence.get<std::string>().empty() ? licence.get<std::string>() : "not known") +
          "\n";
  text += "\n# Validation\n\n";
  std::string measured;
  if (const nlohmann::json test = section("test"); test.is_object()) append_measurements(measured, test, "");
  text += measured.empty() ? "The model file holds no measurements: this model was not tested.\n"
                           : "On test images that were not trained on; brackets are 95 % intervals.\n\n" + measured;
  return text;
}

}  // namespace detail
}  // namespace aixcell
