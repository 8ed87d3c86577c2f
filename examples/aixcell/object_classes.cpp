#include "object_classes.hpp"

#include <cstdio>

#include <aixcell/data/split.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/quantify/choose_classifier.hpp>
#include <aixcell/report/text.hpp>

#include "stop.hpp"

namespace aixcell::program {

std::optional<class_rule> choose_object_classes(context<cpu>& ctx, const any_pipeline& model, const dataset& train,
                                                std::uint64_t seed) {
  if (model.solves() != task::instance_segmentation || !(model.needs_object_classes() || model.needs_nuclei()))
    return std::nullopt;
  const split_result parts = split(train, {.validation = fit_options{}.validation_share, .seed = seed});
  const class_rule rule =
      choose_class_rule(ctx, model, parts.train, parts.validation,
                        {.shape = {.seed = seed}, .stop_requested = [] {
                           throw_if_stopped("stopped while choosing who tells classes; the same command goes on");
                           return false;
                         }});
  std::string text = "classes of objects by";
  for (std::size_t s = 0; s < rule.validation.size(); ++s) {
    if (s > 0 && !rule.has_shape()) continue;
    text += std::string(s ? ", " : " ") + std::string(class_source_names[s]) + " " +
            fixed_text(rule.validation[s].confusion.balanced_accuracy(), 3);
  }
  std::printf("%s (balanced accuracy of %td validation objects); kept: %s\n", text.c_str(), rule.validation[0].matched,
              std::string(class_source_names[static_cast<std::size_t>(rule.source)]).c_str());
  std::fflush(stdout);
  return rule;
}

std::optional<class_rule> stored_class_rule(const model_card& card, const std::filesystem::path& file) {
  if (!card.facts.contains("object_classes")) return std::nullopt;
  return class_rule_from_json(card.facts["object_classes"], file.string());
}

std::function<void(const image&, prediction&)> refine_by(const std::optional<class_rule>& rule) {
  if (!rule) return {};
  return [&rule = *rule](const image& picture, prediction& found) { apply_class_rule(rule, picture.pixels, found); };
}

}  // namespace aixcell::program
