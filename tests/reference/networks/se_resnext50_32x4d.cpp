#include "results_of.hpp"

namespace aixcell {

template network_results results_of<se_resnext50_32x4d, unet>(const shape&);
template network_results results_of<se_resnext50_32x4d, linknet>(const shape&);
template network_results results_of<se_resnext50_32x4d, fpn>(const shape&);

}  // namespace aixcell
