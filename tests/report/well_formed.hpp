#pragma once
#include <string>
#include <vector>

/// The first tag that is not closed in order, or empty; enough for the XML and HTML that we write.
inline std::string first_unbalanced_tag(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t i = text.find('<'); i != std::string::npos; i = text.find('<', i + 1)) {
    const std::size_t end = text.find('>', i);
    if (end == std::string::npos) return text.substr(i, 20);
    const std::string tag = text.substr(i + 1, end - i - 1);
    if (tag[0] == '!' || tag.back() == '/') continue;
    const std::string name = tag.substr(tag[0] == '/', tag.find_first_of(" ", 1) - (tag[0] == '/'));
    if (name == "meta" || name == "img") continue;
    if (tag[0] != '/') {
      open.push_back(name);
      continue;
    }
    if (open.empty() || open.back() != name) return tag;
    open.pop_back();
  }
  return open.empty() ? "" : open.back();
}
