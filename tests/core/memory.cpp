#include <aixcell/core/memory.hpp>

#include <cstdint>
#include <thread>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("blocks are aligned and distinct", "[core]") {
  const auto pool = std::make_shared<memory_pool<cpu>>();
  std::vector<std::shared_ptr<void>> blocks;
  for (const std::size_t bytes : {0, 1, 63, 64, 65, 1000}) {
    blocks.push_back(pool->allocate(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(blocks.back().get()) % 64 == 0);
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) CHECK(blocks[i] != blocks.back());
  }
}

TEST_CASE("memory that came back is given out again", "[core]") {
  constexpr std::size_t large = 10 * block_layout::small_block;
  const auto pool = std::make_shared<memory_pool<cpu>>();
  auto block = pool->allocate(large);
  const auto above = pool->allocate(large);  // keeps the gap from growing
  void* const address = block.get();
  block.reset();

  SECTION("to who needs as much, or less") {
    CHECK(pool->allocate(large).get() == address);
    CHECK(pool->allocate(large / 2).get() == address);
    CHECK(pool->allocate(large).get() == address);  // the halves have become one again
    CHECK(pool->use().held == 2 * large);
  }
  SECTION("not while somebody holds it") {
    const auto first = pool->allocate(large);
    CHECK(pool->allocate(large).get() != first.get());
  }
  SECTION("not to who needs more") {
    const auto more = pool->allocate(2 * large);
    CHECK(more.get() != address);
    std::fill_n(static_cast<char*>(more.get()), 2 * large, char{1});
  }
  SECTION("not to small blocks, which live apart") {
    const auto small = pool->allocate(64);
    CHECK(pool->allocate(large).get() == address);
  }
}

TEST_CASE("a pool knows what is in use, what was at most and what it holds", "[core]") {
  const auto pool = std::make_shared<memory_pool<cpu>>();
  auto a = pool->allocate(100);  // 128 when aligned
  auto b = pool->allocate(64);
  CHECK(pool->use().live == 192);
  CHECK(pool->use().held == 192);
  a.reset();
  CHECK(pool->use().live == 64);
  CHECK(pool->use().peak == 192);
  pool->reset_peak();
  CHECK(pool->use().peak == 64);
  b.reset();
  CHECK(pool->use().live == 0);
  CHECK(pool->use().held == 192);
}

TEST_CASE("a block outlives the last handle to its pool", "[core]") {
  auto pool = std::make_shared<memory_pool<cpu>>();
  const auto block = pool->allocate(256);
  pool.reset();
  static_cast<char*>(block.get())[255] = 7;
  CHECK(static_cast<char*>(block.get())[255] == 7);
}

TEST_CASE("threads share a pool", "[core]") {
  const auto pool = std::make_shared<memory_pool<cpu>>();
  std::vector<std::thread> threads;
  std::array<bool, 4> intact{};
  for (std::size_t t = 0; t < intact.size(); ++t)
    threads.emplace_back([&, t] {
      intact[t] = true;
      for (int round = 0; round < 200; ++round) {
        const auto block = pool->allocate(512);
        auto* const bytes = static_cast<unsigned char*>(block.get());
        std::fill(bytes, bytes + 512, static_cast<unsigned char>(t));
        std::this_thread::yield();
        intact[t] = intact[t] && std::all_of(bytes, bytes + 512, [&](unsigned char x) { return x == t; });
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(intact == std::array{true, true, true, true});
  CHECK(pool->use().live == 0);
}

TEST_CASE("a dry pool counts what a real one would hold", "[core]") {
  const auto real = std::make_shared<memory_pool<cpu>>();
  const auto counted = std::make_shared<memory_pool<dry>>();
  std::vector<std::shared_ptr<void>> real_blocks, counted_blocks;
  // The way of a training step: activations pile up, then go, each leaving a gradient for a while.
  const std::vector<std::size_t> sizes{4'000, 16'384, 100, 4'000, 65, 64, 1, 0, 9'999};
  const auto agree = [&] {
    CHECK(real->use().live == counted->use().live);
    CHECK(real->use().peak == counted->use().peak);
    CHECK(real->use().held == counted->use().held);
  };
  for (const std::size_t bytes : sizes) {
    real_blocks.push_back(real->allocate(bytes));
    counted_blocks.push_back(counted->allocate(bytes));
    agree();
  }
  while (!real_blocks.empty()) {
    const auto real_gradient = real->allocate(5'000);
    const auto counted_gradient = counted->allocate(5'000);
    agree();
    real_blocks.pop_back();
    counted_blocks.pop_back();
    agree();
  }
  CHECK(counted->use().live == 0);
  real->reset_peak();
  counted->reset_peak();
  agree();
}
