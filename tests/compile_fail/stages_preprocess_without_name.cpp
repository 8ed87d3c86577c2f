// expect: HasName
#include <aixcell/core/stages.hpp>

struct halve {
#ifdef AIXCELL_WITHOUT_THE_MISTAKE
  static constexpr std::string_view name = "halve";
#endif
  static constexpr int channels_out(int channels_in) { return channels_in; }
  aixcell::tensor<float> apply(aixcell::context<aixcell::cpu>&, aixcell::view<const float, aixcell::cpu>) const;
};
static_assert(aixcell::Preprocess<halve>);
