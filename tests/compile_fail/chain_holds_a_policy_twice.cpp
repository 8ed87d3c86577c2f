// expect: a chain holds a policy once if it learns or has tunables
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/percentile.hpp>
#include <aixcell/preprocess/z_score.hpp>

#ifndef AIXCELL_WITHOUT_THE_MISTAKE
using second = aixcell::percentile;
#else
using second = aixcell::z_score;
#endif
static_assert(aixcell::chain<aixcell::percentile, second>::channels_out(1) == 1);
