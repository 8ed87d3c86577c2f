#pragma once
#include <string_view>
#include <typeinfo>

namespace aixcell {

/// A policy that crosses over to a device, with what it learned. Its type is known on both sides and not between: a device looks
/// its twin up by it.
struct stage_reference {
  std::string_view name;
  const std::type_info* type = nullptr;
  const void* policy = nullptr;
  const void* state = nullptr;  ///< of a preprocess: its fitted_state_t
};

class device_network;  // compute_device.hpp

/// Where `predict` finds the stages of a pipeline whose network is on a device; no network: everything is on the processor.
struct device_stages {
  device_network* network = nullptr;
  stage_reference preprocess, postprocess;
};

}  // namespace aixcell
