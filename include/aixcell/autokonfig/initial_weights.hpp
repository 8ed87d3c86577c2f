#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <aixcell/autokonfig/recommend.hpp>

namespace aixcell {

/// Leaves out the candidates whose encoder initial weights do not fit: where `initialise` (fit_options) throws an error,
/// its message is the reason. One network of each encoder is set up to try, for images of `channels`. Those that fit stay
/// first, order kept.
inline void require_initialised(context<cpu>& ctx, std::vector<candidate>& candidates, int channels,
                                const std::function<void(any_pipeline&)>& initialise) {
  std::map<std::string, std::string> reasons;  // by encoder; empty: the weights fit
  for (candidate& c : candidates) {
    if (!c.fits) continue;
    const auto [reason, is_new] = reasons.try_emplace(c.pipeline->encoder);
    if (is_new) {
      const auto model = c.pipeline->make();
      model->set_up(ctx, {.channels = channels});
      try {
        initialise(*model);
      } catch (const error& e) {
        reason->second = e.what();
      }
    }
    if (reason->second.empty()) continue;
    c.fits = false;
    c.preference = 0;
    c.reason = reason->second;
  }
  std::stable_partition(candidates.begin(), candidates.end(), [](const candidate& c) { return c.fits; });
}

}  // namespace aixcell
