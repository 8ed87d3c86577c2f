// expect: pooled goes with image_class
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/semantic.hpp>
#include <aixcell/preprocess/percentile.hpp>

#ifdef AIXCELL_WITHOUT_THE_MISTAKE
using answer = aixcell::image_class;
#else
using answer = aixcell::semantic;
#endif
static_assert(sizeof(aixcell::pipeline<aixcell::percentile, aixcell::plain<2, 4>, aixcell::pooled, answer>) > 0);
