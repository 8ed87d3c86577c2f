#include "results_of.hpp"

namespace aixcell {

template network_results results_of<resnet18, unet>(const shape&);
template network_results results_of<resnet18, unet_plus_plus>(const shape&);
template network_results results_of<resnet18, pspnet>(const shape&);
template network_results results_of<resnet18, deeplab_v3_plus>(const shape&);
template network_results results_of<resnet34, unet>(const shape&);
template network_results results_of<resnet34, linknet>(const shape&);
template network_results results_of<resnet34, fpn>(const shape&);
template network_results results_of<resnet50, fpn>(const shape&);

}  // namespace aixcell
