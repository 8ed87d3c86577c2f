#include <aixcell/library/grids.hpp>

#include <set>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

template <class Grid>
std::set<std::string> distinct_names(const Grid& grid) {
  const std::vector<std::string> names = network_names(grid);
  std::set<std::string> distinct(names.begin(), names.end());
  CHECK(distinct.size() == names.size());
  return distinct;
}

/// Composable with everything that stands around the networks of a grid.
template <class Enc, class Dec>
constexpr bool composes() {
  return Composable<percentile, Enc, Dec, interior_border> && Composable<percentile, Enc, Dec, star_convex<32>> &&
         Composable<percentile, Enc, Dec, flow_field> && Composable<percentile, Enc, Dec, distance_watershed>;
}

}  // namespace

TEST_CASE("thesis_grid has its eighteen networks, and each composes", "[library]") {
  std::set<std::string> expected;
  for (const std::string encoder :
       {"vgg16_bn", "resnet34", "se_resnext50_32x4d", "densenet121", "mobilenet_v2", "efficientnet_b0"})
    for (const std::string decoder : {"unet", "linknet", "fpn"}) expected.insert(encoder + "+" + decoder);
  REQUIRE(expected.size() == 18);
  CHECK(distinct_names(thesis_grid) == expected);
  for_each_network(thesis_grid.encoders, thesis_grid.decoders,
                   []<class Enc, class Dec>(one_network<Enc, Dec>) { STATIC_REQUIRE(composes<Enc, Dec>()); });
}

TEST_CASE("full_grid is every pair that fits, once, and holds thesis_grid", "[library]") {
  const std::set<std::string> full = distinct_names(full_grid);
  std::size_t fitting = 0;
  boost::hana::for_each(full_grid.encoders, [&]<class Enc>(boost::hana::basic_type<Enc>) {
    boost::hana::for_each(full_grid.decoders, [&]<class Dec>(boost::hana::basic_type<Dec>) {
      if (!composes<Enc, Dec>()) return;
      ++fitting;
      CHECK(full.count(std::string(Enc::name) + "+" + std::string(Dec::name)) == 1);
    });
  });
  CHECK(full.size() == fitting);
  for (const std::string& name : network_names(thesis_grid)) CHECK(full.count(name) == 1);
}

}  // namespace aixcell::test
