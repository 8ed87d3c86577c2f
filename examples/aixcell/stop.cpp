#include "stop.hpp"

#include <atomic>
#include <csignal>

#include <aixcell/core/error.hpp>

namespace aixcell::program {

namespace {

// What a signal handler may touch: a lock-free atomic.
std::atomic<bool> asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

void listen_for_interrupt() {
  std::signal(SIGINT, [](int) {
    asked = true;
    std::signal(SIGINT, SIG_DFL);
  });
}

bool stop_requested() { return asked; }

void throw_if_stopped(const char* message) {
  if (asked) throw interrupted(message);
}

}  // namespace aixcell::program
