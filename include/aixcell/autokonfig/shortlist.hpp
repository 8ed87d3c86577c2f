#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/autokonfig/recommend.hpp>

namespace aixcell {

namespace detail {

/// How much a trial of one pipeline already tells about another, in units of preference.
inline double likeness(const registered_pipeline& a, const registered_pipeline& b) {
  return 0.6 * (a.encoder == b.encoder) + 0.6 * (a.postprocess == b.postprocess) + 0.3 * (a.decoder == b.decoder) +
         0.3 * (a.preprocess == b.preprocess);
}

}  // namespace detail

/// At most `count` of the candidates that fit, worth trying together: each next one is the most preferred after taking
/// off its likeness to what was chosen before (maximal marginal relevance, Carbonell & Goldstein 1998), so that trials
/// compare different ideas and not five shades of one.
inline std::vector<const candidate*> shortlist(const std::vector<candidate>& candidates, std::size_t count) {
  struct rated {
    const candidate* entry;
    double likeness = 0;  ///< to the most similar one chosen
    double worth() const { return entry->preference - likeness; }
  };
  std::vector<rated> left;
  for (const candidate& c : candidates)
    if (c.fits) left.push_back({&c});
  std::vector<const candidate*> chosen;
  while (chosen.size() < count && !left.empty()) {
    const auto best = std::max_element(left.begin(), left.end(),
                                       [](const rated& a, const rated& b) { return a.worth() < b.worth(); });
    chosen.push_back(best->entry);
    left.erase(best);
    for (rated& r : left)
      r.likeness = std::max(r.likeness, detail::likeness(*r.entry->pipeline, *chosen.back()->pipeline));
  }
  return chosen;
}

}  // namespace aixcell
