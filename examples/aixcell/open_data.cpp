#include "open_data.hpp"

#include <aixcell/data/read_dataset.hpp>
#include <aixcell/data/split.hpp>
#include <aixcell/data/synthetic.hpp>

namespace aixcell::program {

opened_data open_data(context<cpu>& ctx, const std::string& where) {
  if (where == "synthetic") return {synthetic_dataset(60, {}, 1), {}};
  dataset_parts parts = read_dataset(ctx, where);
  return {std::move(parts.train), std::move(parts.test)};
}

opened_data open_data_with_test(context<cpu>& ctx, const std::string& where, std::uint64_t seed) {
  opened_data data = open_data(ctx, where);
  if (!data.test.samples.empty()) return data;
  auto [train, test] = split(data.train, {.validation = 0.2, .seed = seed});
  return {std::move(train), std::move(test), true};
}

}  // namespace aixcell::program
