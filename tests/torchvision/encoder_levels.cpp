// The feature levels of every encoder that torchvision has, for compare_encoders.py.
//   encoder_levels give <folder>   random weights as torchvision takes them: <encoder>.weights.safetensors, with the input
//                                  and the levels that they give: <encoder>.levels.safetensors
//   encoder_levels take <folder>   reads <encoder>.weights.safetensors of torchvision and <encoder>.input.safetensors,
//                                  writes <encoder>.levels.safetensors
#include <cstdio>
#include <filesystem>

#include <aixcell/encoder/convnext.hpp>
#include <aixcell/encoder/densenet.hpp>
#include <aixcell/encoder/efficientnet.hpp>
#include <aixcell/encoder/mobilenet.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/encoder/vgg.hpp>
#include <aixcell/exchange/weights.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>

namespace aixcell {
namespace {

template <class Enc>
std::filesystem::path file_of(const std::filesystem::path& folder, const char* content) {
  return folder / (std::string(Enc::name) + "." + content + ".safetensors");
}

template <class Enc>
void write_levels(context<cpu>& ctx, const std::filesystem::path& folder,
                  const typename Enc::template network<cpu, float>& network, const tensor<float>& input) {
  safetensors_file file;
  file.put("input", input);
  const auto levels = network.forward(ctx, input, nullptr);
  for (std::size_t i = 0; i < levels.size(); ++i) file.put("level" + std::to_string(i), levels[i]);
  write_safetensors(file_of<Enc>(folder, "levels"), file);
}

template <class Enc>
void give(const std::filesystem::path& folder, const shape& extents) {
  context<cpu> ctx(1);
  random_stream initial(1), random(2);
  typename Enc::template network<cpu, float> network(ctx, static_cast<int>(extents[3]), initial);
  // Nothing stays at a value, such as 0 or 1, that would hide a tensor put in another's place.
  for_each_parameter(network, [&](std::string_view, auto& p) {
    if (!p.decays)
      for (float& v : p.value) v += 0.2f * random.normal();
  });
  for_each_buffer(network, [&](std::string_view name, auto& b) {
    for (float& v : b.value)
      if (name.ends_with("running_mean"))
        v = 0.3f * random.normal();
      else if (name.ends_with("running_var"))
        v = 0.5f + random.uniform();
  });
  weights::save(network, file_of<Enc>(folder, "weights"));
  tensor<float> input(extents);
  for (float& v : input) v = random.normal();
  write_levels<Enc>(ctx, folder, network, input);
}

template <class Enc>
void take(const std::filesystem::path& folder) {
  const auto input_file = file_of<Enc>(folder, "input");
  const safetensors_file file = read_safetensors(input_file);
  const auto& extents = file.find(input_file.string(), "input").extents;
  tensor<float> input({extents.at(0), extents.at(1), extents.at(2), extents.at(3)});
  file.get(input_file.string(), "input", input.as_view());
  context<cpu> ctx(1);
  random_stream random(3);
  typename Enc::template network<cpu, float> network(ctx, static_cast<int>(input.extent(3)), random);
  const auto report = weights::load(network, file_of<Enc>(folder, "weights"));
  std::printf("%s: %s\n", std::string(Enc::name).c_str(), report.summary().c_str());
  if (!report.left_over.empty()) throw data_error("torchvision's network has no other parts");
  write_levels<Enc>(ctx, folder, network, input);
}

template <class... Encs>
void take_all(const std::filesystem::path& folder) {
  (take<Encs>(folder), ...);
}

}  // namespace
}  // namespace aixcell

int main(int argc, char** argv) {
  using namespace aixcell;
  const std::string mode = argc == 3 ? argv[1] : "";
  const std::filesystem::path folder = argc == 3 ? argv[2] : "";
  if (mode == "give") {
    // Channels from one to five, edges with every remainder by 32 that both sides treat alike.
    give<resnet18>(folder, {2, 75, 97, 1});
    give<resnet34>(folder, {1, 64, 96, 3});
    give<resnet50>(folder, {1, 75, 97, 5});
    give<vgg16_bn>(folder, {1, 64, 96, 3});
    give<densenet121>(folder, {1, 64, 96, 1});
    give<mobilenet_v2>(folder, {1, 75, 97, 5});
    give<efficientnet_b0>(folder, {1, 75, 97, 3});
    give<efficientnet<2>>(folder, {1, 75, 97, 1});
    give<convnext_tiny>(folder, {1, 64, 96, 3});
  } else if (mode == "take") {
    take_all<resnet18, resnet34, resnet50, vgg16_bn, densenet121, mobilenet_v2, efficientnet_b0, efficientnet<2>,
             convnext_tiny>(folder);
  } else {
    return 2;
  }
}
