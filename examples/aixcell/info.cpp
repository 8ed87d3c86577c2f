#include <cstdio>

#include <aixcell/autokonfig/machine_speed.hpp>
#include <aixcell/library/load_model.hpp>
#include <aixcell/report/text.hpp>

#include "aixcell_instances.hpp"
#include "commands.hpp"
#include "text_table.hpp"

namespace aixcell::program {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : ", ") + w;
  return text.empty() ? "none" : text;
}

void list_pipelines(bool as_json) {
  nlohmann::json list = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows{{"pipeline", "task", "needs"}};
  const pipeline_list compiled = compiled_pipelines();
  for (const registered_pipeline& p : compiled.entries()) {
    const std::string solves(to_string(p.solves));
    const char* needs = p.needs_nuclei           ? "nuclei inside the objects"
                        : p.needs_object_classes ? "classes of objects"
                        : p.needs_image_classes  ? "classes of images"
                                                 : "";
    rows.push_back({p.name, solves, needs});
    list.push_back({{"pipeline", p.name},
                    {"task", solves},
                    {"needs_nuclei", p.needs_nuclei},
                    {"needs_object_classes", p.needs_object_classes},
                    {"needs_image_classes", p.needs_image_classes}});
  }
  std::printf("%s", as_json ? (list.dump(1) + "\n").c_str() : text_table(rows).c_str());
}

/// A text among the facts of a card, however little they hold.
std::string text_of(const nlohmann::json& facts, const char* key, const std::string& otherwise) {
  if (!facts.is_object() || !facts.contains(key) || !facts[key].is_string()) return otherwise;
  const auto text = facts[key].get<std::string>();
  return text.empty() ? otherwise : text;
}

/// The name of the data set and the digest of its fingerprint, which tells whether two models learned from the same.
std::string training_data_of(const model_card& card) {
  const nlohmann::json data =
      card.facts.is_object() && card.facts.contains("data") ? card.facts["data"] : nlohmann::json();
  const std::string digest = text_of(data, "digest", "");
  return text_of(data, "name", "not known") + (digest.empty() ? "" : ", fingerprint " + digest);
}

/// `name  value` for every fact, those of objects below their name, indented. Long lists are only counted, estimates
/// come with their interval.
void append_facts(std::vector<std::vector<std::string>>& rows, const nlohmann::json& facts, const std::string& indent) {
  for (const auto& [key, value] : facts.items()) {
    if (value.is_object() && value.contains("estimate")) {
      rows.push_back({indent + key, number_text(value["estimate"].get<double>()) + " [" +
                                        number_text(value["interval"][0].get<double>()) + ", " +
                                        number_text(value["interval"][1].get<double>()) + "]"});
    } else if (value.is_object()) {
      rows.push_back({indent + key, ""});
      append_facts(rows, value, indent + "  ");
    } else if (value.is_array() && !value.empty() && (value[0].is_structured() || value.size() > 8)) {
      rows.push_back({indent + key, std::to_string(value.size()) + " entries (--json shows them)"});
    } else {
      rows.push_back({indent + key, value.is_string()         ? value.get<std::string>()
                                    : value.is_number_float() ? number_text(value.get<double>())
                                                              : value.dump()});
    }
  }
}

const char* task_text(task t) {
  switch (t) {
    case task::semantic_segmentation:
      return "a class for every pixel";
    case task::image_classification:
      return "a class for the image";
    default:
      return "every object apart";
  }
}

}  // namespace

void info(const info_arguments& arguments) {
  if (arguments.model.empty()) return list_pipelines(arguments.json);
  context<cpu> ctx;
  const loaded_model loaded = load_model(ctx, arguments.model, compiled_pipelines());
  const model_card& card = loaded.card;
  const pipeline_setup& setup = loaded.model->setup();
  const shape batch{1, arguments.size[0], arguments.size[1], setup.channels};
  const resource_estimate cost = loaded.model->estimate(batch);
  const std::string size = std::to_string(batch[1]) + "x" + std::to_string(batch[2]);
  const double memory = static_cast<double>(cost.inference_bytes + cost.weight_bytes);
  const double latency_ms = 1e3 * measure_machine_speed(ctx).seconds(cost.inference);
  if (arguments.json) {
    const nlohmann::json j = {
        {"pipeline", card.pipeline},
        {"channels", setup.channels},
        {"channel_names", card.channel_names},
        {"selected_channels", card.acquired.channels},
        {"z", to_string(card.acquired.z)},
        {"class_names", card.class_names},
        {"image_class_names", card.image_class_names},
        {"parameters", cost.parameters},
        {"per_" + size + "_image", {{"flops", cost.inference.flops}, {"bytes", memory}, {"latency_ms", latency_ms}}},
        {"facts", card.facts}};
    std::printf("%s\n", j.dump(1).c_str());
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"pipeline", card.pipeline},
      {"task", task_text(loaded.model->solves())},
      {"channels",
       std::to_string(setup.channels) + (card.channel_names.empty() ? "" : " (" + joined(card.channel_names) + ")")},
      {"taken from files", card.acquired.channels.empty() ? "all channels" : joined(card.acquired.channels)},
      {"stacks", card.acquired.z == z_projection::none ? "refused" : "made one image by " + to_string(card.acquired.z)},
      {"classes", joined(card.class_names)},
      {"classes of images", joined(card.image_class_names)},
      {"parameters", fixed_text(cost.parameters / 1e6, 2) + " M"},
      {"a " + size + " image", fixed_text(cost.inference.flops / 1e9, 1) + " GFLOP; predicted " +
                                   fixed_text(memory / 0x1p20, 0) + " MiB with weights, " + fixed_text(latency_ms, 0) +
                                   " ms on this machine"},
      {"trained on", training_data_of(card)},
      {"licence of the data", text_of(card.facts, "licence", "not known")}};
  append_facts(rows, card.facts, "");
  std::fputs(text_table(rows).c_str(), stdout);
}

}  // namespace aixcell::program
