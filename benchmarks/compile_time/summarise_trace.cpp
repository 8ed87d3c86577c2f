// summarise_trace <trace.json>...     where clang's time went, from files that `clang++ -ftime-trace` wrote
// Prints, summed over the files: the phases, the headers and the instantiations and functions that cost most. Times of
// headers and instantiations contain those of what they include and instantiate.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

struct spent {
  double seconds = 0;
  int times = 0;
};
using table = std::map<std::string, spent>;

void add(table& to, const std::string& name, double seconds) {
  to[name].seconds += seconds;
  ++to[name].times;
}

void print(const char* title, const table& all, std::size_t at_most) {
  std::vector<std::pair<std::string, spent>> rows(all.begin(), all.end());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  std::printf("\n%s\n\n| seconds | times | |\n|--:|--:|---|\n", title);
  for (std::size_t i = 0; i < std::min(at_most, rows.size()); ++i)
    std::printf("| %.2f | %d | %s |\n", rows[i].second.seconds, rows[i].second.times,
                rows[i].first.substr(0, 110).c_str());
}

/// `vector<int>::push_back` without what stands between < and >: what is instantiated often, not how.
std::string without_arguments(const std::string& name) {
  std::string plain;
  int depth = 0;
  for (const char c : name) {
    if (c == '<') ++depth;
    if (depth == 0) plain += c;
    if (c == '>' && depth > 0) --depth;
  }
  return plain;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: summarise_trace TRACE.json...\n");
    return 2;
  }
  table phases, headers, templates;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i]);
    const nlohmann::json trace = nlohmann::json::parse(file, nullptr, false);
    if (trace.is_discarded() || !trace.contains("traceEvents")) {
      std::fprintf(stderr, "%s: not a trace of clang; make one with -ftime-trace\n", argv[i]);
      return 1;
    }
    for (const auto& event : trace["traceEvents"]) {
      if (event.value("ph", "") != "X") continue;
      const std::string name = event.at("name");
      const double seconds = event.at("dur").get<double>() * 1e-6;
      const std::string detail = event.contains("args") ? event["args"].value("detail", "") : "";
      if (name.starts_with("Total "))
        add(phases, name.substr(6), seconds);
      else if (name == "Source")
        add(headers, detail.substr(detail.rfind("include/") + 1 ? detail.rfind("include/") + 8 : 0), seconds);
      else if (name == "InstantiateFunction" || name == "InstantiateClass")
        add(templates, without_arguments(detail), seconds);
    }
  }
  print("Phases", phases, 12);
  print("Headers", headers, 15);
  print("Templates", templates, 15);
  return 0;
}
