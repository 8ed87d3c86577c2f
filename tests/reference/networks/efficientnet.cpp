#include "results_of.hpp"

namespace aixcell {

template network_results results_of<efficientnet_b0, unet>(const shape&);
template network_results results_of<efficientnet_b0, linknet>(const shape&);
template network_results results_of<efficientnet_b0, fpn>(const shape&);
template network_results results_of<efficientnet<1>, unet>(const shape&);
template network_results results_of<efficientnet<2>, linknet>(const shape&);
template network_results results_of<efficientnet<3>, fpn>(const shape&);
template network_results results_of<efficientnet<4>, unet>(const shape&);

}  // namespace aixcell
