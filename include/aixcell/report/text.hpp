#pragma once
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include <aixcell/core/shape.hpp>

namespace aixcell {

/// Shown in place of a number that is not finite: reports never say NaN.
inline constexpr std::string_view no_number = "\u2013";

/// A number with a fixed count of decimals and a point, whatever the locale: fixed_text(0.8567, 2) is `0.86`.
/// Beyond 15 digits in scientific notation.
inline std::string fixed_text(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(no_number);
  char buffer[64];
  const auto format = std::abs(value) < 1e15 ? std::chars_format::fixed : std::chars_format::scientific;
  const auto [end, failure] = std::to_chars(buffer, buffer + sizeof buffer, value, format, std::clamp(decimals, 0, 17));
  std::string text(buffer, end);
  // A small negative number rounds to zero, which has no sign.
  if (text[0] == '-' && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

/// As few characters as keep four significant digits: `0.00034`, `12.5`, `3e-07`.
inline std::string number_text(double value) {
  if (!std::isfinite(value)) return std::string(no_number);
  char buffer[64];
  const auto [end, failure] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, 4);
  return {buffer, end};
}

/// `45 s`, `3 min 05 s`, `2 h 07 min`.
inline std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return std::string(no_number);
  const auto two_digits = [](long long n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const auto whole = static_cast<long long>(std::min(seconds, 1e12) + 0.5);
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two_digits(whole / 60 % 60) + " min";
}

/// Text for HTML and SVG, in elements and in quoted attributes. Control characters, which XML forbids, become spaces.
inline std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  return safe;
}

}  // namespace aixcell
