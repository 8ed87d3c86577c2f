#pragma once
#include <array>
#include <span>
#include <string>

#include <sodium.h>

#include <aixcell/core/error.hpp>

namespace aixcell {

/// The SHA-256 digest as 64 hexadecimal digits (FIPS 180-4). Target aixcell::exchange.
inline std::string sha256_hex(std::span<const std::byte> bytes) {
  if (sodium_init() < 0) throw not_available("SHA-256: libsodium cannot start; install Debian's libsodium23 again");
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text;
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  return text.data();
}
inline std::string sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace aixcell
