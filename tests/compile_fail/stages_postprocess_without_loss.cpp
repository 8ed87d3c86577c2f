// expect: HasLoss
#include <aixcell/core/stages.hpp>

using namespace aixcell;

struct threshold {
  static constexpr std::string_view name = "threshold";
  static constexpr task solves = task::semantic_segmentation;
  int output_channels() const;
  int target_channels() const;
  tensor<float> target(context<cpu>&, const annotation&) const;
#ifdef AIXCELL_WITHOUT_THE_MISTAKE
  double loss(context<cpu>&, view<const float, cpu> output, view<const float, cpu> target,
              view<float, cpu> gradient) const;
#endif
  prediction decode(context<cpu>&, view<const float, cpu> output) const;
};
static_assert(Postprocess<threshold>);
