#pragma once
#include <aixcell/exchange/weights.hpp>
#include <aixcell/io/safetensors.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

template <class Enc>
using encoder_of = typename Enc::template network<cpu, float>;

/// The network of an encoder with nothing at a value, such as 0 or 1, that would hide a tensor put in another's place.
template <class Enc>
encoder_of<Enc> random_encoder(int channels, std::uint64_t seed) {
  context<cpu> ctx(1);
  random_stream random(seed);
  encoder_of<Enc> network(ctx, channels, random);
  shake(network, seed + 1);
  return network;
}

/// The tensors of a network as torch stores them, element by element.
template <class Network>
safetensors_file torch_file(Network& network, const std::string& prefix = "") {
  safetensors_file file;
  for (const network_tensor& t : tensors_of(network)) {
    if (t.name.ends_with("stochastic_depth.passes")) continue;
    const tensor<float>& here = *t.value;
    if (here.shape().rank() != 4) {
      file.put(prefix + t.name, here);
      continue;
    }
    tensor<float> there({here.extent(0), here.extent(3), here.extent(1), here.extent(2)});
    for (index_t k = 0; k < here.extent(0); ++k)
      for (index_t c = 0; c < here.extent(3); ++c)
        for (index_t r = 0; r < here.extent(1); ++r)
          for (index_t s = 0; s < here.extent(2); ++s) there(k, c, r, s) = here(k, r, s, c);
    file.put(prefix + t.name, there);
  }
  return file;
}

/// The bits of all tensors of a network.
inline std::vector<std::byte> bits_of_tensors(const std::vector<network_tensor>& tensors) {
  std::vector<std::byte> all;
  for (const network_tensor& t : tensors) {
    const auto* begin = reinterpret_cast<const std::byte*>(t.value->data());
    all.insert(all.end(), begin, begin + static_cast<std::size_t>(t.value->size()) * sizeof(float));
  }
  return all;
}
template <class Network>
std::vector<std::byte> bits_of(Network& network) {
  return bits_of_tensors(tensors_of(network));
}

/// The message of the error that loading the content throws; empty if it is taken. The network must be as it was then.
template <class Network>
std::string refusal(Network& network, const safetensors_file& content, const weights::load_options& options = {}) {
  const auto before = bits_of(network);
  try {
    weights::load(network, content, "w.safetensors", options);
  } catch (const error& e) {
    CHECK((bits_of(network) == before));
    return e.what();
  }
  return "";
}

}  // namespace aixcell::test
