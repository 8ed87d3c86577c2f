#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <aixcell/io/safetensors.hpp>

// What files of weights call their tensors, and which of these belong to an encoder.

namespace aixcell::weights::detail {

/// Counters of training: torch's batches seen by a normalisation, aixcell's passes through a stochastic depth. They are
/// neither loaded nor saved: a network that goes on elsewhere begins to count anew.
inline bool is_counter(std::string_view name) {
  return name.ends_with("num_batches_tracked") || name.ends_with("stochastic_depth.passes");
}

/// What torchvision's and Cadene's classifiers call the layers behind the encoder; `features.8.` is the last convolution
/// of EfficientNet, which belongs to its classifier (where an encoder has a layer of that name, it is no left-over).
inline bool belongs_to_classifier(std::string_view name) {
  constexpr std::string_view classifiers[] = {"fc.", "classifier.", "last_linear.", "head.", "features.8."};
  return std::any_of(std::begin(classifiers), std::end(classifiers),
                     [&](std::string_view c) { return name.starts_with(c); });
}

/// `denselayer1.norm.1.weight` was the name of `denselayer1.norm1.weight` when torchvision's DenseNets were trained; its
/// published files still have it (torchvision, models/densenet.py, _load_state_dict).
inline std::string present_name(std::string name) {
  const auto layer = name.find(".denselayer");
  if (layer == std::string::npos) return name;
  for (const std::string_view old : {".norm.", ".conv."})
    if (const auto at = name.find(old, layer); at != std::string::npos) return name.erase(at + old.size() - 1, 1);
  return name;
}

/// `layer1` of `layer1.0.conv1.weight`.
inline std::string_view first_part(std::string_view name) { return name.substr(0, name.find('.')); }

/// What stands in front of the encoder's names in a file (`module.`, `encoder.`, `backbone.`): that under which most
/// of them are found, none if it is not half of them. Throws io_error if two hold all of them.
inline std::string find_prefix(const std::set<std::string>& wanted, const std::map<std::string, std::string>& in_file,
                               const std::string& file) {
  std::map<std::string, std::size_t> found;
  for (const auto& [name, unused] : in_file)
    for (std::size_t at = 0; at != std::string::npos;) {
      if (wanted.contains(name.substr(at))) ++found[name.substr(0, at)];
      at = name.find('.', at);
      if (at != std::string::npos) ++at;
    }
  const auto best = std::max_element(found.begin(), found.end(),  // of equals the first: none, if that is among them
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (best == found.end() || best->second * 2 < wanted.size()) return "";
  if (!best->first.empty() && best->second == wanted.size())
    for (const auto& [prefix, count] : found)
      if (count == best->second && prefix != best->first)
        throw io_error(file + ": expected one set of weights for the encoder, found them below \"" + best->first +
                       "\" and below \"" + prefix + "\"; say which (prefix)");
  return best->first;
}

}  // namespace aixcell::weights::detail
