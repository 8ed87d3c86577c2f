#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include <aixcell/exchange/weights.hpp>

namespace aixcell::program {

/// Weights that a training begins with, read once.
struct given_weights {
  safetensors_file content;
  std::string path;      ///< for messages
  std::string identity;  ///< name of the file without folders, digest of its tensors

  /// Fills the encoder; if `aloud`, says what was found. Throws io_error, and has changed nothing, if they do not fit.
  void fill(any_pipeline& model, bool aloud) const;
};

/// Nothing if the path is empty.
std::optional<given_weights> read_given_weights(const std::filesystem::path& path);

}  // namespace aixcell::program
