#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <aixcell/core/shape.hpp>

// What people write on a command line: 20min, 2GB, 256x320, DNA,3.

namespace aixcell::program {

/// Seconds of `90s`, `20min`, `1.5h`, `200ms`. Throws data_error unless a number > 0 and a unit.
double parse_seconds(std::string_view text);

/// Bytes of `500MB`, `2GB`, `1.5GiB`. Throws data_error likewise.
double parse_bytes(std::string_view text);

/// [H,W] of `256` or `256x320` (height x width). Throws data_error unless whole numbers of 1..65536.
shape parse_size(std::string_view text);

/// The words between commas. Throws data_error if one is empty.
std::vector<std::string> parse_list(std::string_view text);

}  // namespace aixcell::program
