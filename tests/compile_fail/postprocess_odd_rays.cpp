// expect: star_convex needs an even number of rays, 4 to 256
#include <aixcell/postprocess/star_convex.hpp>

const aixcell::star_convex<32> fine;
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
const aixcell::star_convex<31> odd;
#endif
