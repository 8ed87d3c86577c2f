// Writes what the networks with drawn weights compute, for torch/compare_networks.py.
//   write_networks <file> <encoder> <decoder> <batch> <height> <width> <channels>
// <file>: safetensors with "weights.<name>", "input", "output" (float32), "output64", "gradient.<name>" (float32),
// "gradient64.<name>". Without arguments it prints encoder and decoder of all networks, a pair a line.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <aixcell/io/safetensors.hpp>
#include "networks.hpp"

namespace aixcell {
namespace {

struct exported_network {
  std::string encoder, decoder;
  network_results (*results)(const shape&);
};

template <class... Enc, class... Dec>
std::vector<exported_network> exported(std::tuple<network_of<Enc, Dec>...>) {
  return {{std::string(Enc::name), std::string(Dec::name), &results_of<Enc, Dec>}...};
}

template <class Real>
void put(safetensors_file& file, const std::string& prefix, const named_tensors<Real>& tensors) {
  for (const auto& [name, values] : tensors) file.put(prefix + name, values);
}

safetensors_file as_file(const network_results& r) {
  safetensors_file file;
  file.put("input", r.input);
  file.put("output", r.output);
  file.put("output64", r.output64);
  put(file, "weights.", r.weights);
  put(file, "gradient.", r.gradients);
  put(file, "gradient64.", r.gradients64);
  return file;
}

}  // namespace
}  // namespace aixcell

int main(int argc, char** argv) {
  using namespace aixcell;
  if (argc != 1 && argc != 8) return 2;
  for (const exported_network& n : exported(compared_networks{})) {
    if (argc == 1) {
      std::printf("%s %s\n", n.encoder.c_str(), n.decoder.c_str());
    } else if (argv[2] == n.encoder && argv[3] == n.decoder) {
      const shape input{std::atoi(argv[4]), std::atoi(argv[5]), std::atoi(argv[6]), std::atoi(argv[7])};
      write_safetensors(argv[1], as_file(n.results(input)));
      return 0;
    }
  }
  return argc == 1 ? 0 : 2;
}
