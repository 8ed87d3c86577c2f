// expect: a plain encoder has at least one level and one channel
#include <aixcell/encoder/plain.hpp>

constexpr auto fine = aixcell::plain<2, 4>::levels;
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
constexpr auto none = aixcell::plain<0, 4>::levels;
#endif
