#include <aixcell/core/error.hpp>

#include <string>
#include <type_traits>

#include "support/catch.hpp"

using namespace aixcell;

// The kinds are siblings: who catches one does not catch another.
static_assert(!std::is_base_of_v<data_error, io_error> && !std::is_base_of_v<io_error, data_error>);
static_assert(!std::is_base_of_v<shape_error, data_error> && !std::is_base_of_v<not_available, interrupted>);

TEMPLATE_TEST_CASE("every error is an aixcell::error with its message", "[core]", shape_error, data_error, io_error,
                   device_error, not_available, interrupted) {
  const std::string message = "plate3/07.png: mask is 512x512, image is 512x488; export both at one size";
  try {
    throw TestType(message);
  } catch (const error& e) {
    CHECK(e.what() == message);
  }
  CHECK_THROWS_AS(throw TestType(message), std::runtime_error);
}
