#pragma once
#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell {

namespace detail {

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return lower;
}

/// `1 (DNA), 2 (membrane)`, or how many there are.
inline std::string list_channels(const std::vector<std::string>& names, index_t count) {
  if (names.empty()) return std::to_string(count) + " without names (take numbers from 1)";
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i ? ", " : "") + std::to_string(i + 1) + " (" + names[i] + ")";
  return text;
}

/// Position of the one name that `matches`, -1 if there is none or several.
template <class Matches>
index_t only_match(const std::vector<std::string>& names, Matches matches) {
  const auto first = std::find_if(names.begin(), names.end(), matches);
  if (first == names.end() || std::find_if(first + 1, names.end(), matches) != names.end()) return -1;
  return first - names.begin();
}

/// As find_channel, -1 if there is no such channel.
inline index_t channel_position(std::string_view wanted, const std::vector<std::string>& names, index_t count) {
  const std::string lower = lower_case(wanted);
  const auto is = [&](const std::string& name) { return name == wanted; };
  const auto is_but_for_case = [&](const std::string& name) { return lower_case(name) == lower; };
  const auto begins_so = [&](const std::string& name) { return lower_case(name).starts_with(lower); };
  if (const index_t found = only_match(names, is); found >= 0) return found;
  if (const index_t found = only_match(names, is_but_for_case); found >= 0) return found;
  index_t number = 0;
  const auto [end, failure] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (failure == std::errc{} && end == wanted.data() + wanted.size())
    return number >= 1 && number <= count ? number - 1 : -1;
  return wanted.empty() ? -1 : only_match(names, begins_so);
}

[[noreturn]] inline void throw_no_channel(const std::string& where, std::string_view wanted,
                                          const std::vector<std::string>& names, index_t count) {
  throw data_error((where.empty() ? "" : where + ": ") + "there is no one channel \"" + std::string(wanted) +
                   "\"; the channels are " + list_channels(names, count));
}

}  // namespace detail

/// Position, from 0, of the channel that a text means: a name, a name in other letters (dna), a number from 1 as
/// microscopes and ImageJ count, or the beginning of exactly one name (DNA for "DNA (Ch4)"). Throws data_error that lists
/// the channels there are. `names` is empty or has `count` entries.
inline index_t find_channel(std::string_view wanted, const std::vector<std::string>& names, index_t count) {
  const index_t found = detail::channel_position(wanted, names, count);
  if (found < 0) detail::throw_no_channel("", wanted, names, count);
  return found;
}

/// The wanted channels of an image in the wanted order, with their names; see find_channel. `fallback` names the channels
/// of a file that does not name them itself, or not so. Throws data_error naming `where`.
inline image select_channels(const image& picture, const std::vector<std::string>& wanted,
                             const std::vector<std::string>& fallback, const std::string& where) {
  if (wanted.empty()) return picture;
  const index_t count = picture.channels();
  const std::vector<std::string> none;
  const auto fitting = [&](const std::vector<std::string>& n) -> const auto& {
    return std::ssize(n) == count ? n : none;
  };
  const std::vector<std::string>&own = fitting(picture.channel_names), &other = fitting(fallback);
  const std::vector<std::string>& names = own.empty() ? other : own;
  image part;
  std::vector<index_t> positions;
  for (const std::string& channel : wanted) {
    const std::vector<std::string>& knows = detail::channel_position(channel, names, count) < 0 ? other : names;
    positions.push_back(detail::channel_position(channel, knows, count));
    if (positions.back() < 0) detail::throw_no_channel(where, channel, names, count);
    if (!knows.empty()) part.channel_names.push_back(knows[static_cast<std::size_t>(positions.back())]);
  }
  part.pixel_size_um = picture.pixel_size_um;
  const auto kept = static_cast<index_t>(positions.size());
  part.pixels = tensor<float>({picture.height(), picture.width(), kept});
  for (index_t p = 0; p < picture.height() * picture.width(); ++p)
    for (index_t c = 0; c < kept; ++c)
      part.pixels[p * kept + c] = picture.pixels[p * count + positions[static_cast<std::size_t>(c)]];
  return part;
}

}  // namespace aixcell
