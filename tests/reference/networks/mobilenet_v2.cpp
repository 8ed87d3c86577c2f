#include "results_of.hpp"

namespace aixcell {

template network_results results_of<mobilenet_v2, unet>(const shape&);
template network_results results_of<mobilenet_v2, linknet>(const shape&);
template network_results results_of<mobilenet_v2, fpn>(const shape&);

}  // namespace aixcell
