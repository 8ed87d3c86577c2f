// expect: every feature level of the encoder must have twice the stride of the one before
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/preprocess/percentile.hpp>

struct leaping : aixcell::plain<2, 4> {
  static constexpr std::string_view name = "leaping";
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
  static constexpr std::array<aixcell::feature_level, 2> levels{{{4, 1}, {8, 4}}};
#endif
};
static_assert(sizeof(aixcell::pipeline<aixcell::percentile, leaping, aixcell::unet, aixcell::interior_border>) > 0);
