// expect: HasLevelsNeeded
#include <aixcell/core/stages.hpp>

struct passing {
  static constexpr std::string_view name = "passing";
#ifdef AIXCELL_WITHOUT_THE_MISTAKE
  static constexpr std::size_t levels_needed = 1;
#endif
  static constexpr int output_channels(std::span<const aixcell::feature_level>) { return 8; }
  template <class Device, class Real>
  struct network {};
};
static_assert(aixcell::DecoderStage<passing>);
