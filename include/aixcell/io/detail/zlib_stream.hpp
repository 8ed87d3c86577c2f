#pragma once
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <vector>

#include <aixcell/core/parallel.hpp>

namespace aixcell::detail {

/// Fewer than 2^32 bytes as deflate's blocks (RFC 1951), the last piece of a stream ends it, others end at a whole byte. Of
/// matches only runs are looked for: in rows of pixels that are filtered there is little else to find (overlays of noisy images become
/// 1 % larger than by zlib's search, in half the time).
inline std::vector<std::byte> deflated(std::span<const std::byte> bytes, bool last) {
  z_stream stream{};
  constexpr int raw = -15, memory = 8;  // no header; window and memory as zlib's default
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, raw, memory, Z_RLE) != Z_OK) throw std::bad_alloc();
  std::vector<std::byte> out(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);  // cannot fail: there is room for the worst case
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// A zlib stream (RFC 1950) that holds `bytes`. Cut into pieces of a fixed size for the threads: same stream for any number
/// of them.
inline std::vector<std::byte> zlib_stream(const context<cpu>& ctx, std::span<const std::byte> bytes) {
  constexpr index_t piece = index_t{1} << 19;
  const index_t size = std::ssize(bytes);
  std::vector<std::vector<std::byte>> pieces(
      static_cast<std::size_t>(std::max<index_t>(1, (size + piece - 1) / piece)));
  parallel_for(ctx, std::ssize(pieces), [&](index_t p) {
    const auto begin = static_cast<std::size_t>(p * piece);
    const auto part = bytes.subspan(begin, std::min(static_cast<std::size_t>(piece), bytes.size() - begin));
    pieces[static_cast<std::size_t>(p)] = deflated(part, p + 1 == std::ssize(pieces));
  });
  std::vector<std::byte> out{std::byte{0x78}, std::byte{0x01}};
  for (const auto& part : pieces) out.insert(out.end(), part.begin(), part.end());
  const uLong sum = adler32_z(1, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(sum >> shift));
  return out;
}

}  // namespace aixcell::detail
