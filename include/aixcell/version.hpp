#pragma once
#include <string_view>

namespace aixcell {

/// Of this library; the same as in CMakeLists.txt.
inline constexpr std::string_view version = "0.1.0";

}  // namespace aixcell
