#pragma once
#include <aixcell/library/pipeline_list.hpp>
#include <aixcell/pipeline/model_file.hpp>

namespace aixcell {

struct loaded_model {
  std::unique_ptr<any_pipeline> model;
  model_card card;
};

/// Reads a model file, whichever of the compiled-in pipelines it holds. Throws io_error if the file is damaged or
/// foreign, not_available if its pipeline was not compiled in.
inline loaded_model load_model(context<cpu>& ctx, const std::filesystem::path& path, const pipeline_list& list) {
  const safetensors_file file = read_safetensors(path);
  const nlohmann::json description = detail::description_of(file, path.string());
  if (!description.contains("pipeline") || !description["pipeline"].is_string())
    throw io_error(path.string() + ": the description of the model is damaged; copy the file again");
  loaded_model loaded;
  try {
    loaded.model = list.find(description["pipeline"].get<std::string>()).make();
  } catch (const not_available& e) {
    throw not_available(path.string() + ": " + e.what());
  }
  loaded.card = detail::fill_model(ctx, *loaded.model, file, description, path.string());
  return loaded;
}

}  // namespace aixcell
