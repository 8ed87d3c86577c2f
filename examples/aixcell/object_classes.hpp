#pragma once
#include <filesystem>
#include <functional>
#include <optional>

#include <aixcell/data/dataset.hpp>
#include <aixcell/pipeline/model_file.hpp>
#include <aixcell/quantify/class_rule.hpp>

// Who says the class of an object, the pixels or its shape: chosen by `fit`, applied by every other command.

namespace aixcell::program {

/// Chooses on the validation images that `fit` held out of `train` and says so; nothing for a model that tells no classes of
/// objects. The seed is that of the fit.
std::optional<class_rule> choose_object_classes(context<cpu>& ctx, const any_pipeline& model, const dataset& train,
                                                std::uint64_t seed);

/// What a model file says about it; nothing for models without. Throws data_error if that is damaged.
std::optional<class_rule> stored_class_rule(const model_card& card, const std::filesystem::path& file);

/// The rule as a step of an evaluation; no step without a rule.
std::function<void(const image&, prediction&)> refine_by(const std::optional<class_rule>& rule);

}  // namespace aixcell::program
