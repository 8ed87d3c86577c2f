#pragma once
#include <string>
#include <vector>

namespace aixcell::program {

/// What there is of NVIDIA's on this machine; found without CUDA, by asking the driver's library if it is there.
struct gpu_findings {
  bool driver_library = false;  ///< libcuda.so.1 can be loaded
  std::string driver_error;     ///< why it can not be used; empty: it can
  int driver_cuda = 0;          ///< newest CUDA that it runs, e.g. 12080; 0: unknown
  struct gpu {
    std::string name;
    int major = 0, minor = 0;    ///< compute capability
    double memory_bytes = 0;
  };
  std::vector<gpu> gpus;
  int cudnn = 0;  ///< version of libcudnn.so.9, e.g. 90200; 0: none
};
gpu_findings find_gpus();

/// What `aixcell doctor` says.
struct machine_findings {
  std::string processor;  ///< its name
  std::string loops;      ///< portable, avx2, avx512 or amx
  int processors = 1;     ///< for threads
  double memory_bytes = 0, available_bytes = 0;
  bool built_with_cuda = false;
  int built_with_cudnn = 0;  ///< version, e.g. 91900; 0: without
  gpu_findings gpus;
  std::string device = {};  ///< what --device cuda does there, or why it cannot; empty: not built with CUDA, or no GPU
};
machine_findings find_machine(bool built_with_cuda, int built_with_cudnn);

/// A line for each thing, and what to do where something is missing.
std::string doctor_text(const machine_findings& machine);

}  // namespace aixcell::program
