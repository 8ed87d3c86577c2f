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

TEST_CASE("a block that came back is given out again", "[core]") {
  const auto pool = std::make_shared<memory_pool<cpu>>();
  auto block = pool->allocate(10'000);
  void* const address = block.get();
  block.reset();

  SECTION("to who needs as much, or a little less") {
    CHECK(pool->allocate(10'000).get() == address);
    CHECK(pool->allocate(9'000).get() == address);
  }
  SECTION("and keeps its capacity when it served less in between") {
    pool->allocate(9'000).reset();
    CHECK(pool->allocate(10'000).get() == address);
  }
  SECTION("not while somebody holds it") {
    const auto first = pool->allocate(10'000);
    CHECK(pool->allocate(10'000).get() != first.get());
  }
  SECTION("not to who needs far less: the rest would lie waste") {
    const auto small = pool->allocate(1'000);
    CHECK(small.get() != address);
  }
  SECTION("not to who needs more") {
    const auto large = pool->allocate(20'000);  // a sanitizer sees it when the old block is too short
    static_cast<char*>(large.get())[19'999] = 1;
    CHECK(large.get() != nullptr);
  }
}

TEST_CASE("a pool knows what is in use and what was at most", "[core]") {
  const auto pool = std::make_shared<memory_pool<cpu>>();
  auto a = pool->allocate(100);  // 128 when aligned
  auto b = pool->allocate(64);
  CHECK(pool->use().live == 192);
  a.reset();
  CHECK(pool->use().live == 64);
  CHECK(pool->use().peak == 192);
  pool->reset_peak();
  CHECK(pool->use().peak == 64);
  b.reset();
  pool->trim();
  CHECK(pool->use().live == 0);
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
