// Writes for every encoder that torchvision has: random weights, an input and the feature levels, as
// <folder>/<encoder>.safetensors. compare_encoders.py runs torchvision's network on the same.
#include <cstdio>
#include <filesystem>

#include <aixcell/encoder/convnext.hpp>
#include <aixcell/encoder/densenet.hpp>
#include <aixcell/encoder/efficientnet.hpp>
#include <aixcell/encoder/mobilenet.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/encoder/vgg.hpp>
#include <aixcell/io/safetensors.hpp>
#include <aixcell/layers/visit.hpp>

namespace aixcell {
namespace {

template <class Enc>
void write_example(const std::filesystem::path& folder, const shape& input) {
  context<cpu> ctx(1);
  random_stream initial(1), random(2);
  typename Enc::template network<cpu, float> network(ctx, static_cast<int>(input[3]), initial);
  safetensors_file file;
  // Nothing stays at a value, such as 0 or 1, that would hide a tensor put in another's place.
  for_each_parameter(network, [&](std::string_view name, auto& p) {
    if (!p.decays)
      for (float& v : p.value) v += 0.2f * random.normal();
    file.put("weights." + std::string(name), p.value);
  });
  for_each_buffer(network, [&](std::string_view name, auto& b) {
    if (name.ends_with("running_mean"))
      for (float& v : b.value) v = 0.3f * random.normal();
    else if (name.ends_with("running_var"))
      for (float& v : b.value) v = 0.5f + random.uniform();
    else
      return;
    file.put("weights." + std::string(name), b.value);
  });
  tensor<float> x(input);
  for (float& v : x) v = random.normal();
  file.put("input", x);
  const auto levels = network.forward(ctx, x, nullptr);
  for (std::size_t i = 0; i < levels.size(); ++i) file.put("level" + std::to_string(i), levels[i]);
  write_safetensors(folder / (std::string(Enc::name) + ".safetensors"), file);
}

}  // namespace
}  // namespace aixcell

int main(int argc, char** argv) {
  using namespace aixcell;
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  // Channels from one to five, edges with every remainder by 32 that both sides treat alike.
  write_example<resnet18>(folder, {2, 75, 97, 1});
  write_example<resnet34>(folder, {1, 64, 96, 3});
  write_example<resnet50>(folder, {1, 75, 97, 5});
  write_example<vgg16_bn>(folder, {1, 64, 96, 3});
  write_example<densenet121>(folder, {1, 64, 96, 1});
  write_example<mobilenet_v2>(folder, {1, 75, 97, 5});
  write_example<efficientnet_b0>(folder, {1, 75, 97, 3});
  write_example<efficientnet<2>>(folder, {1, 75, 97, 1});
  write_example<convnext_tiny>(folder, {1, 64, 96, 3});
}
