#pragma once
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <concepts>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/exchange/detail/torch_layout.hpp>
#include <aixcell/exchange/detail/weight_names.hpp>
#include <aixcell/io/stored_numbers.hpp>
#include <aixcell/pipeline/any_pipeline.hpp>
#include <aixcell/pipeline/network.hpp>

// Weights that were trained elsewhere, and weights for elsewhere: safetensors files with torchvision's names, filters
// [K,C,R,S]. A model of aixcell is such a file, too: its filters are [K,R,S,C], which its metadata tells. Target
// aixcell::json.

namespace aixcell::weights {

struct load_options {
  std::optional<std::string> prefix = {};  ///< in front of the file's names, e.g. `module.`; not given: found out
  bool allow_missing = false;              ///< tensors that the file lacks keep their values
  bool whole = false;                      ///< of a pipeline: fill all of it, not its encoder alone
};

/// What a file gave. Names are the file's, but for `missing`.
struct load_report {
  std::string prefix;                           ///< of the file's names
  std::vector<std::string> loaded, missing;     ///< `missing` only where that is allowed
  std::vector<std::string> expected_left_over;  ///< counters, classifiers
  std::vector<std::string> left_over;           ///< what else the encoder has no place for: decoders, other heads
  index_t channels = 0, channels_in_file = 0;   ///< that the first filter sees; if unequal, it was adapted

  /// One line for people: `60 tensors loaded from below "module.", first filter from 3 to 1 channel`.
  std::string summary() const {
    std::string text = std::to_string(loaded.size()) + " tensors loaded";
    if (!prefix.empty()) text += " from below \"" + prefix + "\"";
    if (channels != channels_in_file)
      text += ", first filter from " + std::to_string(channels_in_file) + " to " + std::to_string(channels) +
              (channels == 1 ? " channel" : " channels");
    if (!missing.empty()) text += "; missing: " + shortened(missing);
    if (!left_over.empty()) text += "; left over: " + shortened(left_over);
    if (!expected_left_over.empty())
      text += "; not needed: " + std::to_string(expected_left_over.size()) + " of classifier and counters";
    return text;
  }

 private:
  static std::string shortened(const std::vector<std::string>& names) {
    std::string text = names[0];
    for (std::size_t i = 1; i < std::min<std::size_t>(3, names.size()); ++i) text += ", " + names[i];
    return names.size() > 3 ? text + " and " + std::to_string(names.size() - 3) + " more" : text;
  }
};

namespace detail {

inline std::string place(const std::string& file, const std::string& tensor) {
  return file + ": tensor \"" + tensor + "\": ";
}

/// The extents in a file of a tensor of shape `s` here.
inline std::vector<std::int64_t> stored_extents(const shape& s, bool ours) {
  const shape extents = ours ? s : torch_shape(s);
  std::vector<std::int64_t> all;
  for (int d = 0; d < extents.rank(); ++d) all.push_back(extents[d]);
  return all;
}

/// `[3,0,1,2]`, of element `i` in a row-major tensor.
inline std::string coordinates_text(const std::vector<std::int64_t>& extents, std::size_t i) {
  std::vector<std::int64_t> at(extents.size());
  for (std::size_t d = extents.size(); d-- > 0; i /= static_cast<std::size_t>(extents[d]))
    at[d] = static_cast<std::int64_t>(i % static_cast<std::size_t>(extents[d]));
  return safetensors_file::to_text(at);
}

/// How a tensor of the network is looked for in a file.
struct sought_tensor {
  shape extents;      ///< here
  bool is_first;      ///< the filter that sees the image: the file's may have other channels
  bool is_variance;   ///< must not be negative
  bool is_ours;       ///< in a model of aixcell: the order of elements is ours
  std::string where;  ///< file and tensor, for messages
};

/// The numbers of a stored tensor in our order; the shape is the one sought but for the channels of a first filter. Throws
/// io_error unless type and shape fit and every number is finite in float32.
inline tensor<float> read_tensor(const stored_tensor& stored, const sought_tensor& sought) {
  shape s = sought.extents;
  if (sought.is_first && stored.extents.size() == 4)
    s[3] = std::max<index_t>(1, stored.extents[sought.is_ours ? 3 : 1]);
  if (!is_floating(stored.type) || stored.extents != stored_extents(s, sought.is_ours))
    throw io_error(sought.where + "expected F32 " +
                   safetensors_file::to_text(stored_extents(sought.extents, sought.is_ours)) + ", found " +
                   std::string(stored.type.name) + " " + safetensors_file::to_text(stored.extents) +
                   "; give the weights of this very encoder");
  tensor<float> values(s);
  for (index_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<std::size_t>(sought.is_ours ? i : torch_index(s, i));
    const double v = number_at(stored, at);
    if (!(std::abs(v) <= FLT_MAX) || (sought.is_variance && v < 0)) {
      char number[32];
      std::snprintf(number, sizeof number, "%g", v);
      throw io_error(sought.where + "expected " + (sought.is_variance ? "variances" : "finite float32 numbers") +
                     ", found " + number + " at " + coordinates_text(stored.extents, at) +
                     "; the file is damaged, or its training has diverged");
    }
    values[i] = static_cast<float>(v);
  }
  return values;
}

/// Fills `tensors` from a file. All checks come before the first change.
inline load_report fill(const std::vector<network_tensor>& tensors, const safetensors_file& content,
                        const std::string& file, const load_options& options) {
  if (content.metadata.contains("aixcell_checkpoint"))
    throw io_error(file +
                   ": expected trained weights, found a checkpoint of an unfinished run; give a model.safetensors");
  const bool ours = content.metadata.contains("aixcell");
  std::map<std::string, std::string> in_file;  // present name to the file's
  for (const auto& [name, unused] : content.tensors)
    if (const auto [other, is_new] = in_file.emplace(present_name(name), name); !is_new)
      throw io_error(place(file, name) + "expected it once, found it as \"" + other->second + "\", too; remove one");
  std::set<std::string> wanted;
  for (const network_tensor& t : tensors)
    if (!is_counter(t.name)) wanted.insert(t.name);

  load_report report;
  report.prefix = options.prefix ? *options.prefix : find_prefix(wanted, in_file, file);
  std::vector<std::pair<const network_tensor*, tensor<float>>> planned;
  std::set<std::string> used;
  for (const network_tensor& t : tensors) {
    if (is_counter(t.name)) continue;
    const shape& s = t.value->shape();
    const bool is_first_filter = s.rank() == 4 && report.channels == 0;
    if (is_first_filter) report.channels = report.channels_in_file = s[3];
    const auto found = in_file.find(report.prefix + t.name);
    if (found == in_file.end()) {
      report.missing.push_back(t.name);
      continue;
    }
    tensor<float> values =
        read_tensor(content.tensors.at(found->second), {.extents = s,
                                                        .is_first = is_first_filter,
                                                        .is_variance = t.name.ends_with("running_var"),
                                                        .is_ours = ours,
                                                        .where = place(file, found->second)});
    if (is_first_filter && values.extent(3) != s[3]) {
      report.channels_in_file = values.extent(3);
      values = for_channels(values, s[3]);
    }
    report.loaded.push_back(found->second);
    used.insert(found->second);
    planned.emplace_back(&t, std::move(values));
  }
  if (!report.missing.empty() && (planned.empty() || !options.allow_missing)) {
    const std::string& name = report.missing[0];
    const auto& lacking = *std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    throw io_error(place(file, report.prefix + name) + "expected F32 " +
                   safetensors_file::to_text(stored_extents(lacking.value->shape(), ours)) + ", found none (" +
                   std::to_string(report.missing.size()) + " of " + std::to_string(wanted.size()) +
                   " are missing; the file has " + std::to_string(content.tensors.size()) +
                   (content.tensors.empty() ? "" : ", as \"" + content.tensors.begin()->first + "\"") +
                   "); give the weights of this very encoder, with torchvision's names");
  }

  std::set<std::string_view> parts;
  for (const std::string& name : wanted) parts.insert(first_part(name));
  for (const auto& [present, name] : in_file) {
    if (used.contains(name)) continue;
    const bool below = present.starts_with(report.prefix);
    const std::string_view rest = std::string_view(present).substr(below ? report.prefix.size() : 0);
    if (is_counter(rest) || (below && belongs_to_classifier(rest))) {
      report.expected_left_over.push_back(name);
    } else if (below && parts.contains(first_part(rest))) {
      // A resnet34 holds every tensor of a resnet18, and more blocks between them.
      const stored_tensor& stored = content.tensors.at(name);
      throw io_error(place(file, name) + "expected no such layer in this encoder, found " +
                     std::string(stored.type.name) + " " + safetensors_file::to_text(stored.extents) +
                     "; the file belongs to a larger network, give the weights of this very encoder");
    } else {
      report.left_over.push_back(name);
    }
  }
  for (auto& [to, values] : planned) std::copy(values.begin(), values.end(), to->value->begin());
  return report;
}

/// Those of the encoder, named as it names them.
inline std::vector<network_tensor> encoder_tensors(std::vector<network_tensor> all) {
  constexpr std::string_view part = "encoder.";
  std::erase_if(all, [&](const network_tensor& t) { return !t.name.starts_with(part); });
  for (network_tensor& t : all) t.name.erase(0, part.size());
  return all;
}

inline void write(const std::filesystem::path& path, const std::vector<network_tensor>& tensors) {
  safetensors_file file;
  file.metadata["format"] = "pt";  // by this torch's readers know that the layout is theirs
  for (const network_tensor& t : tensors)
    if (!is_counter(t.name)) file.put(t.name, to_torch(*t.value));
  write_safetensors(path, file);
}

}  // namespace detail

/// Reads a file of weights. Throws io_error, and for what torch.save writes, which is a program and not data, with the
/// way to turn it into safetensors.
inline safetensors_file read(const std::filesystem::path& path) {
  const auto head = read_file_head(path, 4);
  const auto begins_with = [&](std::string_view magic) {
    return std::string_view(reinterpret_cast<const char*>(head.data()), head.size()).starts_with(magic);
  };
  if (begins_with("PK\x03\x04") || begins_with("\x80\x02"))
    throw io_error(path.string() +
                   ": expected a safetensors file, found one of torch.save; convert it in Python: "
                   "safetensors.torch.save_file(torch.load(FILE, map_location='cpu'), NEW)");
  return read_safetensors(path);
}

/// Fills the encoder of a pipeline, which is set up. The file's tensors are those of torchvision's network of the same
/// name, of any floating-point type, or those of a model of aixcell. A first filter that was made for another number of
/// channels is adapted (detail::for_channels). `file` stands in messages.
/// Throws io_error, and has changed nothing, if the file is damaged, lacks a tensor, has one of another shape, one with
/// NaN, infinity or a negative variance, or layers inside the encoder's parts that the encoder does not have.
inline load_report load(any_pipeline& model, const safetensors_file& content, const std::string& file,
                        const load_options& options = {}) {
  const auto tensors = model.tensors();
  return detail::fill(options.whole ? tensors : detail::encoder_tensors(tensors), content, file, options);
}
inline load_report load(any_pipeline& model, const std::filesystem::path& path, const load_options& options = {}) {
  return load(model, read(path), path.string(), options);
}

/// The same for the network of an encoder, or any layer.
template <class Network>
requires(!std::derived_from<Network, any_pipeline>) load_report
    load(Network& network, const safetensors_file& content, const std::string& file, const load_options& options = {}) {
  return detail::fill(tensors_of(network), content, file, options);
}
template <class Network>
requires(!std::derived_from<Network, any_pipeline>) load_report
    load(Network& network, const std::filesystem::path& path, const load_options& options = {}) {
  return load(network, read(path), path.string(), options);
}

/// Writes a network as torch wants it: its names, filters [K,C,R,S], float32; `load` gives the same bits back.
/// Throws io_error.
template <class Network>
requires(!std::derived_from<Network, any_pipeline>) void save(Network& network, const std::filesystem::path& path) {
  detail::write(path, tensors_of(network));
}

}  // namespace aixcell::weights

namespace aixcell {

/// The network of a pipeline, names beginning with `encoder.`, `decoder.`, `features.`, `head.`, as torch wants it.
/// Throws io_error.
inline void save_torch_weights(const std::filesystem::path& path, any_pipeline& model) {
  weights::detail::write(path, model.tensors());
}

}  // namespace aixcell
