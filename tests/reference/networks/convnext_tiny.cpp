#include "results_of.hpp"

namespace aixcell {

template network_results results_of<convnext_tiny, unet>(const shape&);
template network_results results_of<convnext_tiny, linknet>(const shape&);

}  // namespace aixcell
