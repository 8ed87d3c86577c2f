#include "results_of.hpp"

namespace aixcell {

template network_results results_of<plain<4, 16>, unet>(const shape&);
template network_results results_of<plain<4, 16>, linknet>(const shape&);
template network_results results_of<plain<4, 16>, fpn>(const shape&);
template network_results results_of<plain<4, 16>, unet_plus_plus>(const shape&);
template network_results results_of<plain<4, 16>, pspnet>(const shape&);
template network_results results_of<plain<4, 16>, deeplab_v3_plus>(const shape&);

}  // namespace aixcell
