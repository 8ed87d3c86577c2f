// expect: with_classes needs a postprocess that finds objects
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/semantic.hpp>
#include <aixcell/postprocess/with_classes.hpp>

const aixcell::with_classes<aixcell::interior_border> fine;
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
const aixcell::with_classes<aixcell::semantic> pointless;
#endif
