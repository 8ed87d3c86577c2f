// expect: the decoder needs more feature levels than this encoder has
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/preprocess/percentile.hpp>

struct deep_unet : aixcell::unet {
  static constexpr std::string_view name = "deep_unet";
  static constexpr std::size_t levels_needed = 3;
};

#ifdef AIXCELL_WITHOUT_THE_MISTAKE
using encoder = aixcell::plain<3, 4>;
#else
using encoder = aixcell::plain<2, 4>;
#endif
static_assert(sizeof(aixcell::pipeline<aixcell::percentile, encoder, deep_unet, aixcell::interior_border>) > 0);
