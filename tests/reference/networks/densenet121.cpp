#include "results_of.hpp"

namespace aixcell {

template network_results results_of<densenet121, unet>(const shape&);
template network_results results_of<densenet121, linknet>(const shape&);
template network_results results_of<densenet121, fpn>(const shape&);

}  // namespace aixcell
