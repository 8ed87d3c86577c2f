#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace aixcell::detail {

/// `a_b_c` at compile time, of the names of stages or of anything else that has one.
template <class... Named>
struct joined_names {
  static constexpr std::size_t length = (Named::name.size() + ...) + sizeof...(Named) - 1;
  static constexpr std::array<char, length> text = [] {
    std::array<char, length> all{};
    std::size_t at = 0;
    const auto put = [&](std::string_view name) {
      if (at) all[at++] = '_';
      for (const char c : name) all[at++] = c;
    };
    (put(Named::name), ...);
    return all;
  }();
  static constexpr std::string_view value{text.data(), length};
};

}  // namespace aixcell::detail
