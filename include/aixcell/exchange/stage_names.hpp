#pragma once
#include <algorithm>
#include <array>
#include <string>

#include <aixcell/pipeline/any_pipeline.hpp>

namespace aixcell {

/// The stages in the stable name of a pipeline, which joins them with `+`.
struct stage_names {
  std::string preprocess, encoder, decoder, postprocess;
};

inline stage_names stage_names_of(const any_pipeline& model) {
  std::array<std::string, 4> part;
  std::size_t i = 0;
  for (const char c : model.name())
    if (c == '+' && i + 1 < part.size())
      ++i;
    else
      part[i] += c;
  return {part[0], part[1], part[2], part[3]};
}

/// `percentile, low = 1, high = 99.8`: the preprocessing and its values, for people.
inline std::string preprocessing_text(any_pipeline& model) {
  std::string text = stage_names_of(model).preprocess;
  for (const tunable& t : model.tunables())
    if (t.name.starts_with("preprocess.")) {
      std::string number = std::to_string(t.get());
      number.erase(number.find_last_not_of('0') + 1);
      if (number.back() == '.') number.pop_back();
      text += ", " + t.name.substr(t.name.find('.') + 1) + " = " + number;
    }
  return text;
}

/// The value of a tunable. Throws not_available if the pipeline has none of this name.
inline double tunable_value(any_pipeline& model, const std::string& name) {
  for (const tunable& t : model.tunables())
    if (t.name == name) return t.get();
  throw not_available(model.name() + " has no value '" + name + "'");
}

/// What preprocessing learned, by name. Throws not_available likewise.
inline const std::vector<float>& fitted_vector(any_pipeline& model, const std::string& name) {
  for (const fitted_value& f : model.fitted_values())
    if (f.name == name && std::holds_alternative<std::vector<float>*>(f.value))
      return *std::get<std::vector<float>*>(f.value);
  throw not_available(model.name() + " has no fitted values '" + name + "'");
}

/// Channels of a preprocessed image. A stage says it of its type only, so that a small image is asked.
inline index_t network_channels(context<cpu>& ctx, const any_pipeline& model) {
  const tensor<float> image({32, 32, model.setup().channels});
  return model.preprocess(ctx, image.as_view()).extent(2);
}

}  // namespace aixcell
