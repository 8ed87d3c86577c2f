// The classic U-Net of benchmarks/networks/step.cpp as a compile-time network of dlib: widths 32 to 512, 2x2 maxima down, 2x2
// transposed convolutions up, batch normalisation. Prints the milliseconds of a training step (forward, cross entropy,
// backward, Adam) on 4 images of 256x256 after every line that comes in.
#include <dlib/dnn.h>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace dlib;

template <int Channels, class Below>
using unit = relu<bn_con<con<Channels, 3, 3, 1, 1, Below>>>;
template <int Channels, class Below>
using pair_of_units = unit<Channels, unit<Channels, Below>>;

// A level is tagged, so that the decoder can join it to what comes from below.
template <unsigned long Level, int Channels, class Below>
using encoded = add_tag_layer<100 + Level, pair_of_units<Channels, Below>>;
template <unsigned long Level, int Channels, class Below>
using deeper = encoded<Level, Channels, max_pool<2, 2, 2, 2, Below>>;

template <class Below>
using level_0 = add_tag_layer<100, Below>;
template <class Below>
using level_1 = add_tag_layer<101, Below>;
template <class Below>
using level_2 = add_tag_layer<102, Below>;
template <class Below>
using level_3 = add_tag_layer<103, Below>;
template <class Below>
using enlarged_0 = add_tag_layer<200, Below>;
template <class Below>
using enlarged_1 = add_tag_layer<201, Below>;
template <class Below>
using enlarged_2 = add_tag_layer<202, Below>;
template <class Below>
using enlarged_3 = add_tag_layer<203, Below>;

template <template <class> class Skip, template <class> class Enlarged, int Channels, class Below>
using decoded =
    pair_of_units<Channels, add_layer<concat_<Skip, Enlarged>, Enlarged<cont<Channels, 2, 2, 2, 2, Below>>>>;

using image = input<matrix<float>>;
using bottom = deeper<4, 512, deeper<3, 256, deeper<2, 128, deeper<1, 64, encoded<0, 32, image>>>>>;
using top = decoded<level_0, enlarged_0, 32,
                    decoded<level_1, enlarged_1, 64,
                            decoded<level_2, enlarged_2, 128, decoded<level_3, enlarged_3, 256, bottom>>>>;
using unet = loss_multiclass_log_per_pixel<con<2, 1, 1, 1, 1, top>>;

}  // namespace

int main() {
  constexpr long size = 256;
  dlib::rand random;
  std::vector<matrix<float>> x(4);
  std::vector<matrix<std::uint16_t>> classes(x.size());
  for (auto& picture : x) {
    picture.set_size(size, size);
    for (float& v : picture) v = random.get_random_float();
  }
  for (auto& picture : classes) {
    picture.set_size(size, size);
    for (auto& v : picture) v = static_cast<std::uint16_t>(random.get_random_32bit_number() & 1);
  }
  unet net;
  disable_duplicative_biases(net);
  std::vector<adam> optimiser(unet::num_computational_layers, adam());
  const auto step = [&] {
    net.compute_parameter_gradients(x.begin(), x.end(), classes.begin());
    net.update_parameters(make_sstack(optimiser), 1e-3);
  };
  step();
  std::cout << count_parameters(net) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    step();
    std::cout << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() << std::endl;
  }
}
