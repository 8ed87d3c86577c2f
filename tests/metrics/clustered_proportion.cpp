#include <aixcell/metrics/clustered_proportion.hpp>
#include "support/catch.hpp"

using namespace aixcell;

namespace {

/// Clusters whose own share varies around a mean: Beta(a, b) by ranks of uniforms (a, b whole numbers).
std::vector<proportion> beta_binomial(random_stream& random, index_t clusters, int a, int b) {
  std::vector<proportion> all;
  for (index_t k = 0; k < clusters; ++k) {
    std::vector<float> uniforms;  // the a-th smallest of a + b - 1 has this distribution
    for (int i = 0; i < a + b - 1; ++i) uniforms.push_back(random.uniform());
    std::sort(uniforms.begin(), uniforms.end());
    const float share = uniforms[static_cast<std::size_t>(a - 1)];
    proportion c{0, 10 + random.below(40)};
    for (index_t i = 0; i < c.trials; ++i) c.successes += random.chance(share);
    all.push_back(c);
  }
  return all;
}

}  // namespace

TEST_CASE("Student's t has the tabled points", "[metrics]") {
  CHECK(student_point(1) == Approx(12.7062).epsilon(1e-5));
  CHECK(student_point(2) == Approx(4.30265).epsilon(1e-5));
  CHECK(student_point(3) == Approx(3.18245).epsilon(1e-5));
  CHECK(student_point(4) == Approx(2.77645).epsilon(1e-5));
  CHECK(student_point(7) == Approx(2.36462).epsilon(1e-5));
  CHECK(student_point(30) == Approx(2.04227).epsilon(1e-5));
  CHECK(student_point(1000) == Approx(1.96234).epsilon(1e-5));
}

TEST_CASE("shares of clusters", "[metrics]") {
  SECTION("by hand") {
    // share 30/60; residuals 5 - 10, 10 - 10, 15 - 10; between = 3/2 * 50 / 3600; independent = 0.25 / 60
    const auto s = share_of_clusters({{5, 20}, {10, 20}, {15, 20}});
    CHECK(s.share.estimate == 0.5);
    CHECK(s.design_effect == Approx(5));
    CHECK(s.clusters == 3);
    CHECK(s.share.high - s.share.low > 0.5);  // 12 effective cells, t of 2 degrees
  }
  SECTION("alike clusters are not better than independent items") {
    const auto s = share_of_clusters({{10, 20}, {10, 20}, {10, 20}});
    CHECK(s.design_effect == 1);
    const interval plain = wilson_interval({30, 60});
    CHECK(s.share.low < plain.low);
    CHECK(s.share.high > plain.high);
  }
  SECTION("one cluster, none, no items") {
    const auto one = share_of_clusters({{3, 10}, {0, 0}});
    CHECK(one.share.low == wilson_interval({3, 10}).low);
    CHECK(one.clusters == 1);
    CHECK(share_of_clusters({}).share.high == 1);
    CHECK(share_of_clusters({{0, 5}, {0, 9}}).share.estimate == 0);
    CHECK(share_of_clusters({{0, 5}, {0, 9}}).share.low == 0);
    CHECK(share_of_clusters({{0, 5}, {0, 9}}).share.high < 1);
    CHECK_THROWS_AS(share_of_clusters({{6, 5}}), data_error);
  }
}

TEST_CASE("the interval of clustered items holds the truth 95 times in 100, that of independent ones does not",
          "[metrics]") {
  random_stream random(23);
  for (const index_t clusters : {5, 12, 40}) {
    int inside = 0, inside_plain = 0;
    constexpr int rounds = 2000;
    for (int i = 0; i < rounds; ++i) {
      const auto data = beta_binomial(random, clusters, 3, 7);  // mean 0.3
      const interval found = share_of_clusters(data).share;
      inside += found.low <= 0.3 && 0.3 <= found.high;
      proportion all;
      for (const auto& c : data) all.successes += c.successes, all.trials += c.trials;
      const interval plain = wilson_interval(all);
      inside_plain += plain.low <= 0.3 && 0.3 <= plain.high;
    }
    INFO(clusters << " clusters: " << inside << ", as independent items " << inside_plain << " of " << rounds);
    CHECK(inside > 0.93 * rounds);
    CHECK(inside < 0.99 * rounds);
    CHECK(inside_plain < 0.85 * rounds);
  }
}

TEST_CASE("differences of shares", "[metrics]") {
  // Newcombe 1998, table II, method 10: 56/70 - 48/80.
  const interval d = difference_of_shares(wilson_interval({56, 70}), wilson_interval({48, 80}));
  CHECK(d.estimate == Approx(0.2));
  CHECK(d.low == Approx(0.0524).margin(5e-5));
  CHECK(d.high == Approx(0.3339).margin(5e-5));
}

TEST_CASE("permutations of clusters", "[metrics]") {
  SECTION("all divisions by hand") {
    // 2 of 4 clusters: 6 divisions; only the found one and its mirror image differ as much
    CHECK(permutation_p_value({{8, 10}, {9, 10}}, {{1, 10}, {2, 10}}) == Approx(2.0 / 6));
    CHECK(permutation_p_value({{5, 10}, {5, 10}}, {{5, 10}, {5, 10}}) == 1);
    CHECK(permutation_p_value({{5, 10}}, {}) == 1);
    CHECK(permutation_p_value({{5, 10}}, {{0, 0}}) == 1);
  }
  SECTION("random draws agree with all of them") {
    random_stream random(24);
    const auto a = beta_binomial(random, 7, 4, 6), b = beta_binomial(random, 6, 2, 8);  // 1716 divisions
    const double exact = permutation_p_value(a, b), drawn = permutation_p_value(a, b, {.draws = 1715});
    CHECK(drawn == Approx(exact).margin(0.04));
    CHECK(drawn == permutation_p_value(a, b, {.draws = 1715}));
  }
  SECTION("equal groups give any value equally often") {
    random_stream random(25);
    int small = 0;
    for (int i = 0; i < 400; ++i)
      small += permutation_p_value(beta_binomial(random, 5, 3, 7), beta_binomial(random, 5, 3, 7)) <= 0.1;
    CHECK(small > 20);
    CHECK(small < 60);
  }
}

TEST_CASE("the errors of a test are taken out of a share", "[metrics]") {
  const test_quality quality{{800, 1000}, {900, 1000}};
  const interval perfect = wilson_interval({300, 1000});
  // truth p: found = 0.8 p + 0.1 (1 - p); 0.3 found, so p = 0.2 / 0.7
  CHECK(corrected_share(perfect, quality).estimate == Approx(0.2 / 0.7));
  CHECK(corrected_share(wilson_interval({50, 1000}), quality).estimate == 0);
  CHECK(corrected_share(perfect, {{500, 1000}, {500, 1000}}).low == 0);
  CHECK(corrected_share(perfect, {{500, 1000}, {500, 1000}}).high == 1);
  CHECK(corrected_share(perfect, {{1000, 1000}, {1000, 1000}}).estimate == Approx(0.3));

  // Simulated: the interval holds the truth.
  random_stream random(26);
  int inside = 0;
  constexpr int rounds = 2000;
  for (int i = 0; i < rounds; ++i) {
    proportion found{0, 300};
    test_quality seen{{0, 60}, {0, 120}};
    for (int k = 0; k < 300; ++k) found.successes += random.chance(0.25f) ? random.chance(0.85f) : random.chance(0.08f);
    for (int k = 0; k < 60; ++k) seen.sensitivity.successes += random.chance(0.85f);
    for (int k = 0; k < 120; ++k) seen.specificity.successes += random.chance(0.92f);
    const interval c = corrected_share(wilson_interval(found), seen);
    inside += c.low <= 0.25 && 0.25 <= c.high;
  }
  INFO(inside << " of " << rounds);
  CHECK(inside > 0.93 * rounds);
}
