#pragma once
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <filesystem>

#include <aixcell/io/safetensors.hpp>
#include <aixcell/pipeline/training.hpp>

namespace aixcell {

namespace detail {

/// 16 hexadecimal digits: counters and floating-point numbers come back bit for bit.
template <class T>
std::string bits_to_text(T value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, std::bit_cast<std::uint64_t>(value));
  return text;
}
template <class T>
T bits_from_text(const std::string& text) {
  return std::bit_cast<T>(static_cast<std::uint64_t>(std::strtoull(text.c_str(), nullptr, 16)));
}

}  // namespace detail

/// Writes everything that decides how a run goes on, all or nothing: a file that was there is replaced only by a whole
/// one. Throws io_error.
inline void save_checkpoint(training& run, const std::filesystem::path& path) {
  safetensors_file file;
  file.metadata["aixcell_checkpoint"] = "1";
  file.metadata["identity"] = run.identity();
  run.for_each_value([&](const std::string& name, auto& value) {
    if constexpr (requires { value.shape(); })
      file.put(name, value);
    else
      file.metadata[name] = detail::bits_to_text(value);
  });
  write_safetensors(path, file);
}

/// Brings a run to where the checkpoint was written. Throws io_error if the file is damaged, data_error if it belongs
/// to a run of another pipeline, seed or plan; the run is then unchanged or must not be used.
inline void load_checkpoint(training& run, const std::filesystem::path& path) {
  const safetensors_file file = read_safetensors(path);
  const auto text = [&](const std::string& name) -> const std::string& {
    const auto found = file.metadata.find(name);
    if (found == file.metadata.end())
      throw io_error(path.string() + ": no value \"" + name + "\"; not a checkpoint, delete it to start anew");
    return found->second;
  };
  text("aixcell_checkpoint");
  if (text("identity") != run.identity())
    throw data_error(path.string() + ": is the checkpoint of another run (" + text("identity") + "), this one is " +
                     run.identity() + "; use another folder or delete it");
  run.for_each_value([&](const std::string& name, auto& value) {
    using type = std::remove_cvref_t<decltype(value)>;
    if constexpr (requires { value.shape(); })
      file.get(path.string(), name, value.as_view());
    else
      value = detail::bits_from_text<type>(text(name));
  });
}

}  // namespace aixcell
