// expect: SaysItsChannels
#include <aixcell/core/stages.hpp>

struct halve {
  static constexpr std::string_view name = "halve";
#ifdef AIXCELL_WITHOUT_THE_MISTAKE
  static constexpr int channels_out(int channels_in) { return channels_in; }
#endif
  aixcell::tensor<float> apply(aixcell::context<aixcell::cpu>&, aixcell::view<const float, aixcell::cpu>) const;
};
static_assert(aixcell::Preprocess<halve>);
