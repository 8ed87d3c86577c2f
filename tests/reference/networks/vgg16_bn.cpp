#include "results_of.hpp"

namespace aixcell {

template network_results results_of<vgg16_bn, unet>(const shape&);
template network_results results_of<vgg16_bn, linknet>(const shape&);
template network_results results_of<vgg16_bn, fpn>(const shape&);

}  // namespace aixcell
