#include "open_data.hpp"

#include <aixcell/data/read_dataset.hpp>
#include <aixcell/data/split.hpp>
#include <aixcell/data/synthetic.hpp>

namespace aixcell::program {

opened_data open_data(context<cpu>& ctx, const std::string& where, const acquisition& how,
                      const std::string& view) {
  if (where == "synthetic" && !view.empty())
    throw data_error("--view " + view + ": synthetic cells have no views; leave it out");
  if (where == "synthetic") return {select_channels(ctx, synthetic_dataset(60, {}, 1), how.channels), {}};
  dataset_parts parts = read_dataset(ctx, where, how, view);
  return {std::move(parts.train), std::move(parts.test)};
}

opened_data open_data_with_test(context<cpu>& ctx, const std::string& where, std::uint64_t seed,
                                const acquisition& how, const std::string& view) {
  opened_data data = open_data(ctx, where, how, view);
  if (!data.test.samples.empty()) return data;
  auto [train, test] = split(data.train, {.validation = 0.2, .seed = seed});
  return {std::move(train), std::move(test), true};
}

}  // namespace aixcell::program
