// expect: HasFeatureLevels
#include <aixcell/core/stages.hpp>

struct flat {
  static constexpr std::string_view name = "flat";
#ifdef AIXCELL_WITHOUT_THE_MISTAKE
  static constexpr std::array<aixcell::feature_level, 1> levels{{{.channels = 8, .stride = 1}}};
#endif
  template <class Device, class Real>
  struct network {};
};
static_assert(aixcell::Encoder<flat>);
