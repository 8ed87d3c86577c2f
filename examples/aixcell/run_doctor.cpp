#include <cstdio>

#include "device.hpp"
#include "doctor.hpp"

namespace aixcell::program {

void doctor() { std::fputs(doctor_text(find_machine(built_with_cuda(), built_with_cudnn())).c_str(), stdout); }

}  // namespace aixcell::program
