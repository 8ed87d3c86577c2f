#pragma once
#include <string>

#include <aixcell/data/dataset.hpp>

namespace aixcell::program {

/// A data set and the part of it that is only for the final figures.
struct opened_data {
  dataset train;
  dataset test;                    ///< empty if the data set says nothing about a test part
  bool test_was_held_out = false;  ///< by us, not by the data set
};

/// `where` is a folder, or `synthetic` for the built-in cardiomyocytes; `how` says what becomes of stacks and channels,
/// `view` which classes of images are seen as one. Reads and checks every image.
opened_data open_data(context<cpu>& ctx, const std::string& where, const acquisition& how = {},
                      const std::string& view = {});

/// The same with a test part: what the data set says, or 20 % of its images, groups together.
opened_data open_data_with_test(context<cpu>& ctx, const std::string& where, std::uint64_t seed,
                                const acquisition& how = {}, const std::string& view = {});

}  // namespace aixcell::program
