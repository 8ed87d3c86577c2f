#pragma once
#include <string_view>

namespace aixcell {

/// Of this library; CMake reads it from here.
inline constexpr std::string_view version = "0.1.0";

}  // namespace aixcell
