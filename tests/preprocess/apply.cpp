#include <aixcell/preprocess/apply.hpp>
#include <aixcell/preprocess/identity.hpp>
#include <aixcell/preprocess/top_hat.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

static_assert(std::is_same_v<fitted_state_t<identity>, no_state>);
static_assert(std::is_same_v<fitted_state_t<top_hat>, top_hat::state>);

TEST_CASE("apply_preprocess names the pixel that is no number", "[preprocess]") {
  context<cpu> ctx;
  tensor<float> pixels({4, 5, 3});
  const auto message = [&] {
    try {
      apply_preprocess(ctx, identity{}, {}, pixels);
    } catch (const data_error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(message() == "");
  pixels(2, 4, 1) = NAN;
  CHECK_THAT(message(), Catch::Contains("pixel (2, 4)"));
  CHECK(message().find('\n') == std::string::npos);
  pixels(2, 4, 1) = 0;
  pixels(0, 0, 0) = -3e38f;  // finite, but differences of such numbers are not
  CHECK_THAT(message(), Catch::Contains("pixel (0, 0)"));
}

TEST_CASE("fit_preprocess of a policy that learns nothing reads no image", "[preprocess]") {
  struct unreadable final : example_source {
    index_t size() const override { return 3; }
    example load(index_t) const override { throw io_error("read"); }
  };
  context<cpu> ctx;
  CHECK_NOTHROW(fit_preprocess(ctx, identity{}, unreadable{}));
  CHECK_THROWS_AS(fit_preprocess(ctx, top_hat{}, unreadable{}), io_error);
}

}  // namespace aixcell
