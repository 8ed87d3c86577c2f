#pragma once
#include <aixcell/exchange/detail/package_description.hpp>
#include <aixcell/exchange/onnx.hpp>
#include <aixcell/exchange/planes.hpp>
#include <aixcell/exchange/sha256.hpp>
#include <aixcell/exchange/write_onnx.hpp>
#include <aixcell/exchange/zip.hpp>
#include <aixcell/io/npy.hpp>

namespace aixcell {

namespace detail {

/// What the package's test input [1,H,W,C] gives in float32, as the graph of the package computes it: the network's own
/// output, then the maps of probabilities, by name.
inline std::map<std::string, tensor<float>> package_outputs(context<cpu>& ctx, const any_pipeline& model,
                                                            const tensor<float>& input, bool preprocessed) {
  const shape s = input.shape();
  tensor<float> x = input;
  if (!preprocessed) x = model.preprocess(ctx, input.slice(0));
  context<cpu> exact(ctx.threads(), precision::float32);
  const tensor<float> dense = model.forward(exact, x.reshaped({1, s[1], s[2], x.extent(x.shape().rank() - 1)}));
  std::map<std::string, tensor<float>> outputs{{"output", dense}};
  const index_t channels = dense.extent(3);
  for (const output_map& map : output_maps_of(model, channels)) {
    tensor<float> probabilities({1, dense.extent(1), dense.extent(2), map.count});
    for (index_t p = 0; p < dense.extent(1) * dense.extent(2); ++p) {
      const float* from = dense.data() + p * channels + map.first;
      float* to = probabilities.data() + p * map.count;
      if (map.logistic) {
        for (index_t c = 0; c < map.count; ++c) to[c] = logistic(from[c]);
        continue;
      }
      const float greatest = *std::max_element(from, from + map.count);
      float sum = 0;
      for (index_t c = 0; c < map.count; ++c) sum += to[c] = std::exp(from[c] - greatest);
      for (index_t c = 0; c < map.count; ++c) to[c] /= sum;
    }
    outputs[map.name] = std::move(probabilities);
  }
  return outputs;
}

inline const std::string& package_entry(const zip_entries& entries, const std::string& name, const std::string& file) {
  const auto found = entries.find(name);
  if (found == entries.end()) throw io_error(file + ": " + name + " is missing in the package; export the model again");
  return found->second;
}

}  // namespace detail

/// Checks a package that `write_bioimageio` wrote: every digest in rdf.yaml, and that `model` reproduces the test outputs
/// from the test input within 1e-4 of the greatest value. Throws io_error that names the entry which is damaged or missing,
/// data_error that names the tensor which the model does not reproduce.
inline void verify_package(context<cpu>& ctx, const any_pipeline& model, std::string_view bytes,
                           const std::string& file) {
  const zip_entries entries = decode_zip(bytes, file);
  const std::string& description = detail::package_entry(entries, "rdf.yaml", file);
  int digests = 0;
  for (const auto& [name, digest] : detail::digests_in(description)) {
    if (sha256_hex(detail::package_entry(entries, name, file)) != digest)
      throw io_error(file + ": " + name + " is not what rdf.yaml says (SHA-256); export the model again");
    ++digests;
  }
  if (digests == 0) throw io_error(file + ": rdf.yaml names no file; it is not a package of aixcell");
  const auto tensor_in = [&](const std::string& name) {
    const std::string entry = "test_" + name + ".npy";
    const tensor<float> planes = decode_npy(detail::package_entry(entries, entry, file), file + "/" + entry);
    require_rank(file + "/" + entry, 4, "images [N,C,H,W]", planes.shape());
    return from_planes(planes);
  };
  const bool preprocessed = description.find(detail::preprocessed_input_mark) != std::string::npos;
  for (const auto& [name, expected] : detail::package_outputs(ctx, model, tensor_in("image"), preprocessed)) {
    const tensor<float> stored = tensor_in(name);
    require_shape(file + "/test_" + name + ".npy", expected.shape(), stored.shape());
    float greatest = 0, worst = 0;
    for (index_t i = 0; i < stored.size(); ++i) {
      greatest = std::max(greatest, std::abs(expected[i]));
      worst = std::max(worst, std::abs(expected[i] - stored[i]));
    }
    if (!(worst <= 1e-4f * std::max(1.0f, greatest)))
      throw data_error(file + ": the model does not reproduce test_" + name + ".npy: differs by " +
                       std::to_string(worst) + "; the package belongs to another model");
  }
}
inline void verify_package(context<cpu>& ctx, const any_pipeline& model, const std::filesystem::path& path) {
  verify_package(ctx, model, read_text_file(path), path.string());
}

/// Writes a model package for bioimage.io (model description, format 0.5): a zip with the network as ONNX, the description
/// rdf.yaml, a README with the validation, a cover, and test tensors. `options.test_image` [H,W,C] decides the size of the
/// recorded graph. Preprocessing is described where the format can say what ours does; else the test input and the
/// network's input are preprocessed images, and the README says so. The package is verified before it appears, all or
/// nothing. Throws shape_error for a test image with the wrong channels, and what to_onnx and verify_package throw.
inline onnx_model write_bioimageio(context<cpu>& ctx, const std::filesystem::path& path, any_pipeline& model,
                                   const model_card& card, const package_options& options) {
  const shape& s = options.test_image.shape();
  require_rank("write_bioimageio", 3, "a test image [H,W,C]", s);
  require_shape("write_bioimageio: the test image", {s[0], s[1], model.setup().channels}, s);
  const onnx_model exported = to_onnx(ctx, model, {.height = s[0], .width = s[1], .preprocessing = false});
  const nlohmann::ordered_json preprocessing = detail::described_preprocessing(model);
  tensor<float> input = options.test_image;
  if (preprocessing.is_null()) {
    input = model.preprocess(ctx, input.as_view());
    if (input.extent(0) != s[0] || input.extent(1) != s[1])
      throw not_available("bioimage.io: preprocessing '" + preprocessing_text(model) +
                          "' changes the size of the image; export to ONNX instead");
  }
  input = input.reshaped({1, s[0], s[1], input.extent(2)});

  zip_entries entries;
  entries["weights.onnx"] = encode_onnx(exported.graph);
  entries["test_image.npy"] = encode_npy(to_planes(input));
  for (const auto& [name, values] : detail::package_outputs(ctx, model, input, preprocessing.is_null()))
    entries["test_" + name + ".npy"] = encode_npy(to_planes(values));
  entries["README.md"] = detail::package_readme(model, card, preprocessing.is_null());
  if (!options.cover_png.empty()) entries["cover.png"] = options.cover_png;
  nlohmann::ordered_json description =
      detail::package_description(model, card, options, exported, preprocessing, [&](const std::string& name) {
        return nlohmann::ordered_json{{"source", name}, {"sha256", sha256_hex(entries.at(name))}};
      });
  entries["rdf.yaml"] = to_yaml(description);
  const std::string bytes = encode_zip(entries);
  verify_package(ctx, model, bytes, path.string());
  write_file_atomically(path, bytes);
  return exported;
}

}  // namespace aixcell
