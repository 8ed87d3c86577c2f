// Writes docs/architectures.md to standard output: every encoder and every network of full_grid with its size, cost and
// memory, from dry runs of the code itself. `cmake --build --preset release --target architectures_table`.
#include <cstdio>

#include <aixcell/library/grids.hpp>
#include "encoder/published_parameters.hpp"

namespace aixcell {
namespace {

constexpr shape image{1, 256, 256, 3}, batch{4, 256, 256, 3};
// The head and the targets are those of interior_border.
const interior_border representation;

std::string with_commas(index_t number) {
  std::string text = std::to_string(number);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

constexpr double mebibytes(std::size_t bytes) { return static_cast<double>(bytes) / 0x1p20; }

template <class Enc>
void write_encoder() {
  context<dry> ctx;
  random_stream none(0);
  const typename Enc::template network<dry, float> network(ctx, static_cast<int>(image[3]), none);
  const index_t parameters = parameter_count(network);
  const tensor<float, dry> x(ctx, image);
  network.forward(ctx, x, nullptr);
  constexpr published_size known = published<Enc>;
  const std::string whole = known.parameters > 0 ? with_commas(known.parameters) : "",
                    left_out = known.parameters > 0 ? with_commas(known.left_out) : "";
  std::printf("| %s | %s | %s | %s | %s | %.2f | %s |\n", std::string(Enc::name).c_str(),
              with_commas(parameters).c_str(), whole.c_str(), left_out.c_str(),
              known.parameters == 0                             ? ""
              : known.parameters - known.left_out == parameters ? "equal"
                                                                : "DIFFERENT",
              ctx.spent().flops / 1e9, std::string(known.source).c_str());
}

template <class Enc, class Dec>
void write_network() {
  const output_head head = head_for(representation);
  const resource_estimate one = estimate_network<Enc, Dec>(image, head);
  const resource_estimate step = estimate_network<Enc, Dec>(batch, head, representation.target_channels());
  std::printf("| %s | %s | %.2f | %.2f | %.1f | %.0f | %.0f | %.0f | %.0f |\n", std::string(Enc::name).c_str(),
              std::string(Dec::name).c_str(), one.parameters / 1e6, one.inference.flops / 1e9,
              step.training.flops / 1e9, mebibytes(one.inference_bytes), mebibytes(one.inference_memory()),
              mebibytes(step.training_bytes), mebibytes(step.training_memory()));
}

}  // namespace
}  // namespace aixcell

int main() {
  using namespace aixcell;
  std::printf(
      "# Architectures\n\n"
      "Generated: `cmake --preset release -DAIXCELL_BUILD_BENCHMARKS=ON`, `cmake --build --preset release --target "
      "architectures_table`.\n"
      "Nothing here is typed: the numbers are those of dry runs of the networks' code, the published counts those "
      "that\n"
      "`tests/encoder/every_encoder.cpp` checks.\n"
      "Images have three channels. A FLOP is one addition or multiplication.\n\n"
      "## Encoders\n\n"
      "`published` is the whole network that classifies ImageNet, `left out` its classifier and what else an encoder "
      "has no\n"
      "use for; `aixcell` is what is here, and equal to the difference. FLOPs of the encoder for one image of "
      "256x256.\n\n"
      "| encoder | aixcell | published | left out | | GFLOP | source |\n|---|--:|--:|--:|---|--:|---|\n");
  boost::hana::for_each(full_grid.encoders, []<class Enc>(boost::hana::basic_type<Enc>) { write_encoder<Enc>(); });
  std::printf(
      "\n## Networks\n\n"
      "Encoder, decoder and the output that %s asks for. Inference is one image of 256x256, a training step four of "
      "them,\n"
      "forward, backward and the loss. `net` is what activations and workspace take of the pool, `all` adds what else "
      "the\n"
      "process needs: weights and gradients to predict; to train also two moments, the averaged and the best weights.\n"
      "What was measured beside it is in `memory.md`.\n\n"
      "| encoder | decoder | parameters, M | inference, GFLOP | step, GFLOP | inference, net MiB | all MiB | step, net "
      "MiB | "
      "all MiB |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n",
      std::string(interior_border::name).c_str());
  for_each_network(full_grid.encoders, full_grid.decoders,
                   []<class Enc, class Dec>(one_network<Enc, Dec>) { write_network<Enc, Dec>(); });
}
