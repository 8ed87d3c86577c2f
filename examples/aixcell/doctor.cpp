#include "doctor.hpp"

#include <fstream>
#include <thread>

#include <dlfcn.h>

#include <aixcell/kernels/cpu/native_precision.hpp>
#include <aixcell/kernels/cpu/processor_level.hpp>
#include <aixcell/report/text.hpp>

namespace aixcell::program {

namespace {

/// A library that is open while this lives, or none.
class library {
 public:
  explicit library(const char* name) : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}
  ~library() {
    if (handle_) ::dlclose(handle_);
  }
  library(const library&) = delete;
  library& operator=(const library&) = delete;
  explicit operator bool() const { return handle_ != nullptr; }
  template <class Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(handle_ ? ::dlsym(handle_, name) : nullptr);
  }

 private:
  void* handle_;
};

/// The value behind a word at the beginning of a line of a file like /proc/meminfo; empty if there is none.
std::string value_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) {
      const std::size_t begin = line.find_first_not_of(" \t:", key.size());
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  return "";
}

double kilobytes_in(const char* path, const std::string& key) {
  const std::string value = value_in(path, key);
  return value.empty() ? 0 : 1024 * std::strtod(value.c_str(), nullptr);
}

std::string gigabytes(double bytes) { return fixed_text(bytes / 1e9, 1) + " GB"; }

std::string version_text(int version, int major_unit, int minor_unit) {
  return std::to_string(version / major_unit) + "." + std::to_string(version % major_unit / minor_unit);
}

}  // namespace

gpu_findings find_gpus() {
  gpu_findings found;
  if (const library cudnn("libcudnn.so.9"); cudnn)
    if (auto* const version = cudnn.function<std::size_t()>("cudnnGetVersion")) found.cudnn = static_cast<int>(version());
  const library driver("libcuda.so.1");
  found.driver_library = static_cast<bool>(driver);
  if (!driver) return found;
  auto* const initialise = driver.function<int(unsigned)>("cuInit");
  auto* const version = driver.function<int(int*)>("cuDriverGetVersion");
  auto* const count_of = driver.function<int(int*)>("cuDeviceGetCount");
  auto* const device_of = driver.function<int(int*, int)>("cuDeviceGet");
  auto* const name_of = driver.function<int(char*, int, int)>("cuDeviceGetName");
  auto* const memory_of = driver.function<int(std::size_t*, int)>("cuDeviceTotalMem_v2");
  auto* const attribute_of = driver.function<int(int*, int, int)>("cuDeviceGetAttribute");
  if (!initialise || !version || !count_of || !device_of || !name_of || !memory_of || !attribute_of) {
    found.driver_error = "libcuda.so.1 lacks functions of CUDA 12";
    return found;
  }
  if (const int status = initialise(0); status != 0) {
    found.driver_error = "cuInit says error " + std::to_string(status);
    return found;
  }
  version(&found.driver_cuda);
  int count = 0;
  count_of(&count);
  for (int i = 0; i < count; ++i) {
    int device = 0;
    char name[128] = {};
    std::size_t bytes = 0;
    gpu_findings::gpu gpu;
    constexpr int capability_major = 75, capability_minor = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
    if (device_of(&device, i) != 0 || name_of(name, sizeof(name), device) != 0) continue;
    memory_of(&bytes, device);
    attribute_of(&gpu.major, capability_major, device);
    attribute_of(&gpu.minor, capability_minor, device);
    gpu.name = name;
    gpu.memory_bytes = static_cast<double>(bytes);
    found.gpus.push_back(std::move(gpu));
  }
  return found;
}

machine_findings find_machine(bool built_with_cuda, int built_with_cudnn) {
  machine_findings m;
  m.processor = value_in("/proc/cpuinfo", "model name");
  m.loops = processor_level();
  m.processors = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  m.memory_bytes = kilobytes_in("/proc/meminfo", "MemTotal");
  m.available_bytes = kilobytes_in("/proc/meminfo", "MemAvailable");
  m.built_with_cuda = built_with_cuda;
  m.built_with_cudnn = built_with_cudnn;
  m.gpus = find_gpus();
  return m;
}

std::string doctor_text(const machine_findings& m) {
  std::string text;
  const auto line = [&](std::string name, const std::string& value) {
    name.resize(12, ' ');
    text += name + value + "\n";
  };
  line("processor", m.processor.empty() ? "unknown" : m.processor);
  line("loops", m.loops + (m.loops == "portable" ? "; slow: AVX2 would be four times faster (is AIXCELL_CPU set?)"
                           : m.loops == "amx"    ? ", so that --precision auto is bfloat16"
                                                 : ""));
  line("threads", std::to_string(m.processors));
  line("memory", gigabytes(m.memory_bytes) + ", " + gigabytes(m.available_bytes) + " available" +
                     (m.available_bytes < 2e9 ? "; little: use --max-memory, smaller --tile, or close other programs" : ""));
  line("CUDA", m.built_with_cuda ? "this program was built with it"
                                 : "this program was built without it; for --device cuda install nvcc 12.8 or later, "
                                   "configure with -D AIXCELL_CUDA=ON and build again");
  const gpu_findings& g = m.gpus;
  if (!g.driver_library)
    line("driver", "none (no libcuda.so.1); a machine with an NVIDIA GPU needs NVIDIA's driver 570 or later");
  else if (!g.driver_error.empty())
    line("driver", g.driver_error + "; `nvidia-smi` says more; is the driver loaded, and as new as its library?");
  else
    line("driver", "runs CUDA up to " + version_text(g.driver_cuda, 1000, 10) +
                       (g.driver_cuda < 12080 ? "; older than 12.8: install NVIDIA's driver 570 or later" : ""));
  if (g.gpus.empty()) line("GPU", "none found; networks run on the processor");
  for (const gpu_findings::gpu& gpu : g.gpus)
    line("GPU", gpu.name + ", " + gigabytes(gpu.memory_bytes) + ", compute capability " + std::to_string(gpu.major) + "." +
                    std::to_string(gpu.minor) +
                    (gpu.major < 8 ? "; too old: 8.0 or later is needed"
                     : m.built_with_cuda ? "; use it with --device cuda"
                                         : ""));
  if (!m.device.empty()) line("device", m.device);
  const auto cudnn_version = [](int version) { return version_text(version, 10000, 100); };
  line("cuDNN", (g.cudnn > 0 ? cudnn_version(g.cudnn) + " found; " : std::string("none found; ")) +
                    (m.built_with_cudnn == 0 ? "this program was built without it and does not need it"
                     : g.cudnn == 0          ? "this program was built with " + cudnn_version(m.built_with_cudnn) +
                                          ": install it for --convolutions cudnn"
                                             : "this program was built with " + cudnn_version(m.built_with_cudnn) +
                                          ": --device cuda --convolutions cudnn uses it"));
  return text;
}

}  // namespace aixcell::program
