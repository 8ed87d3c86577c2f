#pragma once
#include <utility>

#include <aixcell/data/dataset.hpp>

namespace aixcell {

/// The data set with these channels of its images only, in this order; see find_channel for how they are named. The set
/// remembers the choice (`acquired`), for the model that learns from it. Checked as by dataset::checked; throws data_error
/// naming the file and the channels it has.
inline dataset select_channels(context<cpu>& ctx, dataset set, std::vector<std::string> wanted) {
  if (wanted.empty()) return dataset::checked(ctx, std::move(set));
  if (set.channel_names.empty() && !set.samples.empty())
    set.channel_names = set.samples.front().read().picture.channel_names;
  set.acquired.channels = wanted;
  set.acquired.channel_names = std::exchange(set.channel_names, {});
  for (sample& s : set.samples)
    s.read = [inner = std::move(s.read), wanted, names = set.acquired.channel_names, file = s.image_file] {
      example e = inner();
      e.picture = select_channels(e.picture, wanted, names, file);
      return e;
    };
  return dataset::checked(ctx, std::move(set));
}

}  // namespace aixcell
