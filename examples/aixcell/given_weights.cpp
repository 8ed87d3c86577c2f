#include "given_weights.hpp"

#include <cstdio>

namespace aixcell::program {

namespace {

/// FNV-1a of names and bytes, 16 hexadecimal digits.
std::string digest_of(const safetensors_file& file) {
  std::uint64_t digest = 0xCBF29CE484222325u;
  const auto mix = [&](std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) digest = (digest ^ std::to_integer<std::uint64_t>(b)) * 0x100000001B3u;
  };
  for (const auto& [name, stored] : file.tensors) mix(std::as_bytes(std::span(name))), mix(stored.bytes);
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(digest));
  return text;
}

}  // namespace

void given_weights::fill(any_pipeline& model, bool aloud) const {
  const weights::load_report loaded = weights::load(model, content, path);
  if (!aloud) return;
  std::printf("%s: %s\n", path.c_str(), loaded.summary().c_str());
  std::fflush(stdout);
}

std::optional<given_weights> read_given_weights(const std::filesystem::path& path) {
  if (path.empty()) return {};
  given_weights given{weights::read(path), path.string(), ""};
  given.identity = path.filename().string() + " " + digest_of(given.content);
  return given;
}

}  // namespace aixcell::program
