#pragma once

namespace aixcell {

/// Which neighbours touch: the four beside a pixel, or also the four at its corners.
enum class connectivity { four, eight };

}  // namespace aixcell
