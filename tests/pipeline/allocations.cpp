// Counts what a training step asks of the heap. The replaced operators serve the whole program of this room's tests.
#include <atomic>
#include <cstdlib>
#include <new>

#include "support/catch.hpp"

#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/dice.hpp>
#include <aixcell/optim/adamw.hpp>
#include <aixcell/optim/clip.hpp>
#include <aixcell/pipeline/network.hpp>

namespace {

struct heap_use {
  long blocks, largest;
};

std::atomic<bool> counting = false;
std::atomic<long> blocks = 0, largest = 0;

void* counted(std::size_t bytes, std::size_t alignment) {
  if (counting) {
    ++blocks;
    const long wanted = static_cast<long>(bytes);
    for (long l = largest; l < wanted && !largest.compare_exchange_weak(l, wanted);) {
    }
  }
  void* const p = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

// Not inlined: where one of a pair is, compilers see memory of malloc go back by delete.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace aixcell {
namespace {

/// Of the third step on images of that edge: the first two get the memory that all later ones use.
template <class Enc, class Real>
heap_use heap_use_of_step(index_t edge, int threads) {
  context<cpu> ctx(threads);
  random_stream random(1);
  network<Enc, unet, cpu, Real> net(ctx, 1, {.channels = 2}, random);
  std::vector<parameter_slice> slices;
  for (const network_tensor& t : tensors_of(net))
    if (t.gradient) slices.push_back({t.value->data(), t.gradient->data(), t.value->size(), t.decays});
  adamw optimiser({}, slices);
  tensor<float> x({2, edge, edge, 1}), target({2, edge, edge, 1});
  for (float& v : x) v = random.uniform();
  for (float& v : target) v = random.chance(0.5f) ? 1.0f : 0.0f;
  const std::function<double(const tensor<float>&, tensor<float>&)> loss = [&](const tensor<float>& y,
                                                                               tensor<float>& gradient) {
    gradient.fill(0);
    const loss_arguments<float> a{.output = y, .channels = {0, 2}, .target = target, .gradient = gradient};
    return cross_entropy{}(ctx, a) + dice{}(ctx, a);
  };
  for (int step = 0; step < 3; ++step) {
    blocks = largest = 0;
    counting = step == 2;
    clear_gradients(ctx, slices);
    net.learn(ctx, x, loss);
    clip_gradient_norm(ctx, slices, 1.0f);
    optimiser.step(ctx, slices, 1e-3);
    counting = false;
  }
  return {blocks, largest};
}

}  // namespace

TEST_CASE("the heap is counted", "[pipeline][cpu]") {
  blocks = largest = 0;
  counting = true;
  const std::vector<double> some(1000);
  counting = false;
  CHECK(blocks == 1);
  CHECK(largest == 8000);
}

// What is left are the lists that hold a network's parts together: as many for every size of image.
TEMPLATE_TEST_CASE("a training step takes no memory for images, channels or parameters from the heap",
                   "[pipeline][cpu]", float, bfloat16) {
  constexpr long lists = 24, list_bytes = 16384;
  const heap_use small = heap_use_of_step<plain<4, 16>, TestType>(32, 1),
                 large = heap_use_of_step<plain<4, 16>, TestType>(80, 1);
  CHECK(small.blocks == large.blocks);
  CHECK(small.largest == large.largest);
  CHECK(small.blocks <= lists);
  CHECK(small.largest <= list_bytes);
  const heap_use resnet = heap_use_of_step<resnet18, TestType>(64, 1);
  CHECK(resnet.blocks <= lists);
  CHECK(resnet.largest <= list_bytes);
  // Threads may now and then hold more at once than in the steps before.
  CHECK(heap_use_of_step<plain<4, 16>, TestType>(80, 2).blocks <= lists + 8);
}

}  // namespace aixcell
