// expect: pooled goes with image_class
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/preprocess/percentile.hpp>

#ifdef AIXCELL_WITHOUT_THE_MISTAKE
using decoder = aixcell::pooled;
#else
using decoder = aixcell::unet;
#endif
static_assert(sizeof(aixcell::pipeline<aixcell::percentile, aixcell::plain<2, 4>, decoder, aixcell::image_class>) > 0);
