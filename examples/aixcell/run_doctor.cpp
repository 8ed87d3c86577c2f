#include <cstdio>

#include <aixcell/pipeline/compute_device.hpp>

#include "device.hpp"
#include "doctor.hpp"

namespace aixcell::program {

namespace {

std::string what_cuda_does() {
  try {
    return open_cuda(false)->description();
  } catch (const error& e) {
    return e.what();
  }
}

}  // namespace

void doctor() {
  machine_findings found = find_machine(built_with_cuda(), built_with_cudnn());
  if (found.built_with_cuda && !found.gpus.gpus.empty()) found.device = what_cuda_does();
  std::fputs(doctor_text(found).c_str(), stdout);
}

}  // namespace aixcell::program
