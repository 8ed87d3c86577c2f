#pragma once
#include <map>
#include <optional>
#include <string_view>

#include <aixcell/io/table.hpp>
#include <aixcell/metrics/clustered_proportion.hpp>
#include <aixcell/metrics/confusion.hpp>

namespace aixcell {

/// The cells found in one image.
struct image_count {
  std::string image;
  std::string group;              ///< what is compared: genotype, treatment, age; may be empty
  std::vector<index_t> of_class;  ///< cells of each class
  index_t unknown = 0;            ///< cells that got no class

  index_t classified() const {
    index_t sum = 0;
    for (const index_t n : of_class) sum += n;
    return sum;
  }
  index_t cells() const { return classified() + unknown; }
  /// Of the cells that have a class, those of this one.
  proportion share_of(int c) const { return {of_class.at(static_cast<std::size_t>(c)), classified()}; }
};

/// Counts the classes of objects: entry i is the class of object i+1, -1 unknown.
inline image_count count_cells(std::string image, std::string group, const std::vector<int>& object_class,
                               int classes) {
  image_count count{std::move(image), std::move(group), std::vector<index_t>(static_cast<std::size_t>(classes), 0), 0};
  for (const int c : object_class) {
    if (c >= classes)
      throw data_error("count_cells: " + count.image + " has a cell of class " + std::to_string(c) + ", expected 0.." +
                       std::to_string(classes - 1) + ", or -1 for unknown");
    c < 0 ? ++count.unknown : ++count.of_class[static_cast<std::size_t>(c)];
  }
  return count;
}

/// The images of one group together.
struct group_count {
  std::string group;
  index_t images = 0;
  std::vector<index_t> of_class;
  index_t unknown = 0;
  clustered_proportion share;         ///< of the class asked for; images are the clusters
  std::optional<interval> corrected;  ///< the same without the errors of the classifier, where these are known

  index_t cells() const {
    index_t sum = unknown;
    for (const index_t n : of_class) sum += n;
    return sum;
  }
};

struct group_comparison {
  std::string first, second;
  interval difference;  ///< share in the first minus share in the second
  double p_value = 1;   ///< by permutation of whole images
};

struct quantity_options {
  int counted_class = 1;  ///< whose share is asked for: 1 is binuclear of {mononuclear, binuclear}
  /// What a classifier said (columns) about objects of known class (rows) that it had not seen; empty: no correction.
  confusion_matrix known_errors = {};
  std::uint64_t seed = 0;
};

namespace detail {

inline test_quality quality_of(const confusion_matrix& m, int counted) {
  test_quality q;
  for (int truth = 0; truth < m.classes(); ++truth)
    for (int found = 0; found < m.classes(); ++found) {
      const index_t n = m.count({truth, found});
      proportion& of = truth == counted ? q.sensitivity : q.specificity;
      of.trials += n;
      if ((truth == counted) == (found == counted)) of.successes += n;
    }
  return q;
}

inline std::map<std::string, std::vector<proportion>> shares_by_group(const std::vector<image_count>& images,
                                                                      int counted) {
  std::map<std::string, std::vector<proportion>> shares;
  for (const image_count& image : images) shares[image.group].push_back(image.share_of(counted));
  return shares;
}

}  // namespace detail

/// Images pooled by group, groups by name. Errors of the classifier are taken out where they are known from objects of both
/// kinds.
inline std::vector<group_count> count_groups(const std::vector<image_count>& images, const quantity_options& options) {
  std::map<std::string, group_count> groups;
  for (const image_count& image : images) {
    group_count& g = groups[image.group];
    g.group = image.group;
    ++g.images;
    g.of_class.resize(image.of_class.size(), 0);
    for (std::size_t c = 0; c < image.of_class.size(); ++c) g.of_class[c] += image.of_class[c];
    g.unknown += image.unknown;
  }
  const auto shares = detail::shares_by_group(images, options.counted_class);
  const test_quality quality = detail::quality_of(options.known_errors, options.counted_class);
  std::vector<group_count> all;
  for (auto& [name, g] : groups) {
    g.share = share_of_clusters(shares.at(name));
    if (quality.sensitivity.trials > 0 && quality.specificity.trials > 0)
      g.corrected = corrected_share(g.share.share, quality);
    all.push_back(std::move(g));
  }
  return all;
}

/// Every pair of groups. The p-values are of single comparisons: with many groups some are small by chance.
inline std::vector<group_comparison> compare_groups(const std::vector<image_count>& images,
                                                    const quantity_options& options) {
  const auto shares = detail::shares_by_group(images, options.counted_class);
  std::vector<group_comparison> all;
  for (auto a = shares.begin(); a != shares.end(); ++a)
    for (auto b = std::next(a); b != shares.end(); ++b)
      all.push_back({a->first, b->first,
                     difference_of_shares(share_of_clusters(a->second).share, share_of_clusters(b->second).share),
                     permutation_p_value(a->second, b->second, {.seed = options.seed})});
  return all;
}

/// The group that a file name says: `pattern` is the name with {group} in the place of the group and `*` for anything, e.g.
/// `{group}_*` or `plate*-{group}-*`. The group is as short as the pattern allows; empty result: the name does not fit.
/// Throws data_error unless the pattern has {group} once.
inline std::optional<std::string> group_from_name(std::string_view pattern, std::string_view name) {
  constexpr std::string_view place = "{group}";
  const std::size_t at = pattern.find(place);
  if (at == pattern.npos || pattern.find(place, at + 1) != pattern.npos)
    throw data_error("pattern of groups \"" + std::string(pattern) + "\": expected {group} once, e.g. {group}_*");
  // Whether text fits a pattern of plain characters and stars.
  const auto fits = [](auto&& self, std::string_view p, std::string_view text) -> bool {
    if (p.empty()) return text.empty();
    if (p[0] != '*') return !text.empty() && text[0] == p[0] && self(self, p.substr(1), text.substr(1));
    for (std::size_t k = 0; k <= text.size(); ++k)
      if (self(self, p.substr(1), text.substr(k))) return true;
    return false;
  };
  const std::string_view before = pattern.substr(0, at), behind = pattern.substr(at + place.size());
  for (std::size_t begin = 0; begin < name.size(); ++begin)
    for (std::size_t length = 1; begin + length <= name.size(); ++length)
      if (fits(fits, before, name.substr(0, begin)) && fits(fits, behind, name.substr(begin + length)))
        return std::string(name.substr(begin, length));
  return std::nullopt;
}

}  // namespace aixcell
