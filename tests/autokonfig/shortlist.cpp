#include <aixcell/autokonfig/shortlist.hpp>
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

struct named_candidates {
  std::vector<registered_pipeline> pipelines;
  std::vector<candidate> all;

  void add(const char* encoder, const char* postprocess, double preference, bool fits = true) {
    registered_pipeline p;
    p.name = std::string(encoder) + "+" + postprocess;
    p.preprocess = "percentile", p.encoder = encoder, p.decoder = "unet", p.postprocess = postprocess;
    pipelines.push_back(p);
    candidate c;
    c.fits = fits, c.preference = preference;
    all.push_back(c);
  }
  std::vector<std::string> shortlisted(std::size_t count) {
    for (std::size_t i = 0; i < all.size(); ++i) all[i].pipeline = &pipelines[i];
    std::vector<std::string> names;
    for (const candidate* c : shortlist(all, count)) names.push_back(c->pipeline->name);
    return names;
  }
};

}  // namespace

TEST_CASE("a shortlist starts with the most preferred and goes on with what is unlike it", "[autokonfig]") {
  named_candidates c;
  c.add("small", "borders", 5.0);
  c.add("small", "polygons", 4.9);
  c.add("large", "polygons", 4.6);  // shares nothing with the first
  c.add("broken", "other", 9.0, false);
  CHECK(c.shortlisted(2) == std::vector<std::string>{"small+borders", "large+polygons"});
  CHECK(c.shortlisted(9) == std::vector<std::string>{"small+borders", "large+polygons", "small+polygons"});
  CHECK(c.shortlisted(0).empty());
}

TEST_CASE("a clearly better relative comes before a poor stranger", "[autokonfig]") {
  named_candidates c;
  c.add("small", "borders", 5.0);
  c.add("small", "polygons", 4.9);
  c.add("large", "polygons", 1.0);
  CHECK(c.shortlisted(2) == std::vector<std::string>{"small+borders", "small+polygons"});
}

}  // namespace aixcell::test
