#pragma once
#include <string>

#include <nlohmann/json.hpp>

namespace aixcell {

/// JSON values as a YAML 1.2 block, members in their order. Every string is double-quoted with JSON's escapes, which YAML
/// shares, so that no content can be read as anything but text; keys must be plain words.
inline std::string to_yaml(const nlohmann::ordered_json& value, int indent = 0) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::string text;
  const auto append = [&](const std::string& before, const nlohmann::ordered_json& v) {
    if (v.is_structured() && !v.empty())
      text += margin + before + "\n" + to_yaml(v, indent + 2);
    else
      text += margin + before + " " + v.dump() + "\n";
  };
  if (value.is_object()) {
    for (const auto& [key, v] : value.items()) append(key + ":", v);
  } else if (value.is_array()) {
    for (const auto& v : value) append("-", v);
  } else {
    text = margin + value.dump() + "\n";
  }
  return text;
}

}  // namespace aixcell
