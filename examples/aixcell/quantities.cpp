#include "quantities.hpp"

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string>

namespace aixcell::program {

namespace {

struct unit {
  std::string_view name;
  double factor;
};

double parse_with_unit(std::string_view text, std::initializer_list<unit> units, std::string_view cure) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (failure == std::errc{} && std::isfinite(value) && value > 0)
    for (const unit& u : units)
      if (rest == u.name) return value * u.factor;
  throw data_error("'" + std::string(text) + "': expected " + std::string(cure));
}

}  // namespace

double parse_seconds(std::string_view text) {
  return parse_with_unit(text, {{"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}},
                         "a time above 0 with its unit, e.g. 200ms, 90s, 20min or 2h");
}

double parse_bytes(std::string_view text) {
  return parse_with_unit(text,
                         {{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}},
                         "a size above 0 with its unit, e.g. 500MB or 2GB");
}

shape parse_size(std::string_view text) {
  const auto extent = [&](std::string_view part) {
    index_t value = 0;
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (failure != std::errc{} || end != part.data() + part.size() || value < 1 || value > 65536)
      throw data_error("'" + std::string(text) +
                       "': expected height x width in pixels, e.g. 256x320, or one number for both");
    return value;
  };
  const std::size_t cross = text.find('x');
  const index_t height = extent(text.substr(0, cross));
  return {height, cross == std::string_view::npos ? height : extent(text.substr(cross + 1))};
}

std::vector<std::string> parse_list(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    words.emplace_back(rest.substr(0, comma));
    if (words.back().empty())
      throw data_error("'" + std::string(text) + "': expected words with a comma in between, e.g. DNA,3");
    if (comma == std::string_view::npos) return words;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace aixcell::program
