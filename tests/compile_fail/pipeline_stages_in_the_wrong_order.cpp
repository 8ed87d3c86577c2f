// expect: HasFeatureLevels
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/preprocess/percentile.hpp>

using namespace aixcell;
static_assert(sizeof(pipeline<percentile, plain<2, 4>, unet, interior_border>) > 0);
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
static_assert(sizeof(pipeline<percentile, unet, plain<2, 4>, interior_border>) > 0);
#endif
