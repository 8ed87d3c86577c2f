#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <aixcell/core/parallel.hpp>

namespace aixcell::detail {

// Deflate (RFC 1951) for images: matches are found through one table of the last places, codes are made for each block. Noise
// is most of an image and must not be searched long: ten times as fast as stb_image_write, and smaller.

/// Bits, the lowest first, behind what a vector holds.
class bit_writer {
 public:
  explicit bit_writer(std::vector<std::byte>& out) : out_(out), at_(out.size()) {}

  /// Room for so many bits more; must come before they are put.
  void reserve(std::size_t bits) { out_.resize(at_ + bits / 8 + 16); }

  void put(std::uint32_t value, int count) {
    bits_ |= std::uint64_t{value} << held_;
    held_ += count;
    if (held_ < 32) return;
    for (std::size_t k = 0; k < 4; ++k) out_[at_ + k] = static_cast<std::byte>(bits_ >> (8 * k));
    at_ += 4;
    bits_ >>= 32;
    held_ -= 32;
  }
  /// Ends at a whole byte.
  void finish() {
    for (; held_ > 0; held_ -= 8, bits_ >>= 8) out_[at_++] = static_cast<std::byte>(bits_);
    held_ = 0, bits_ = 0;
    out_.resize(at_);
  }

 private:
  std::vector<std::byte>& out_;
  std::size_t at_;
  std::uint64_t bits_ = 0;
  int held_ = 0;
};

/// A prefix code of symbols 0..N-1 for how often they come, no length above `longest`; at least two symbols have one.
template <std::size_t N>
class prefix_code {
 public:
  prefix_code(std::array<std::uint32_t, N> frequency, std::size_t longest) {
    std::vector<std::size_t> symbols;  // rarest first
    const auto collect = [&] {
      symbols.clear();
      for (std::size_t s = 0; s < N; ++s)
        if (frequency[s] > 0) symbols.push_back(s);
    };
    collect();
    for (std::size_t s = 0; symbols.size() < 2; ++s) frequency[s] = std::max(frequency[s], std::uint32_t{1}), collect();
    std::stable_sort(symbols.begin(), symbols.end(),
                     [&](std::size_t a, std::size_t b) { return frequency[a] < frequency[b]; });
    std::vector<std::size_t> of_length = lengths_of_tree(symbols, frequency);
    limit(of_length, longest);
    std::size_t next = 0;
    for (std::size_t length = longest; length > 0; --length)
      for (std::size_t k = 0; k < of_length[length]; ++k) lengths[symbols[next++]] = static_cast<std::uint8_t>(length);
    std::uint32_t code = 0;
    for (std::size_t length = 1; length <= longest; ++length, code <<= 1)
      for (std::size_t s = 0; s < N; ++s)
        if (lengths[s] == length) codes_[s] = reversed(code++, length);
  }

  void put(bit_writer& out, std::size_t symbol) const { out.put(codes_[symbol], lengths[symbol]); }

  std::array<std::uint8_t, N> lengths{};  ///< in bits; 0: has no code

 private:
  /// How many symbols have each length in Huffman's tree.
  static std::vector<std::size_t> lengths_of_tree(const std::vector<std::size_t>& symbols,
                                                  const std::array<std::uint32_t, N>& frequency) {
    // Leaves and inner nodes both come in the order of their weights, so that two queues serve as one heap.
    const std::size_t leaves = symbols.size(), nodes = 2 * leaves - 1;
    std::vector<std::uint64_t> weight(nodes);
    std::vector<std::size_t> parent(nodes, 0), depth(nodes, 0), of_length(nodes + 1, 0);
    for (std::size_t k = 0; k < leaves; ++k) weight[k] = frequency[symbols[k]];
    std::size_t leaf = 0, inner = leaves;
    for (std::size_t made = leaves; made < nodes; ++made)
      for (int child = 0; child < 2; ++child) {
        const bool is_leaf = leaf < leaves && (inner == made || weight[leaf] <= weight[inner]);
        const std::size_t least = is_leaf ? leaf++ : inner++;
        weight[made] += weight[least];
        parent[least] = made;
      }
    for (std::size_t k = nodes - 1; k-- > 0;) {
      depth[k] = depth[parent[k]] + 1;
      if (k < leaves) ++of_length[depth[k]];
    }
    return of_length;
  }

  /// Shortens what is too long; others get longer for it, the longest of those that can.
  static void limit(std::vector<std::size_t>& of_length, std::size_t longest) {
    of_length.resize(std::max(of_length.size(), longest + 1));
    for (std::size_t length = longest + 1; length < of_length.size(); ++length) of_length[longest] += of_length[length];
    std::size_t taken = 0;  // of 2^longest codes
    for (std::size_t length = 1; length <= longest; ++length) taken += of_length[length] << (longest - length);
    for (; taken > std::size_t{1} << longest; --taken) {
      std::size_t length = longest - 1;
      while (of_length[length] == 0) --length;
      --of_length[longest], --of_length[length], of_length[length + 1] += 2;
    }
  }

  static std::uint32_t reversed(std::uint32_t code, std::size_t length) {
    std::uint32_t r = 0;
    for (std::size_t k = 0; k < length; ++k) r |= (code >> k & 1) << (length - 1 - k);
    return r;
  }

  std::array<std::uint32_t, N> codes_{};
};

/// Lengths 3..258 and distances 1..32768 are a symbol and bits behind it.
struct symbol_range {
  std::uint16_t first;
  std::uint8_t extra_bits;
};
inline constexpr auto length_ranges = [] {
  std::array<symbol_range, 29> r{};
  unsigned next = 3;
  for (unsigned s = 0; s < 28; next += 1u << r[s++].extra_bits)
    r[s] = {static_cast<std::uint16_t>(next), static_cast<std::uint8_t>(s < 8 ? 0 : s / 4 - 1)};
  r[28] = {258, 0};
  return r;
}();
inline constexpr auto distance_ranges = [] {
  std::array<symbol_range, 30> r{};
  unsigned next = 1;
  for (unsigned s = 0; s < 30; next += 1u << r[s++].extra_bits)
    r[s] = {static_cast<std::uint16_t>(next), static_cast<std::uint8_t>(s < 4 ? 0 : s / 2 - 1)};
  return r;
}();
inline constexpr auto symbols_of_lengths = [] {
  std::array<std::uint8_t, 259> symbol{};
  for (unsigned length = 3; length < 259; ++length)
    for (unsigned s = 0; s < 29; ++s)
      if (length_ranges[s].first <= length) symbol[length] = static_cast<std::uint8_t>(s);
  return symbol;
}();
/// Of distances below 257, and of those above by what remains of them without seven bits: no symbol begins in between.
inline constexpr auto symbols_of_distances = [] {
  std::array<std::uint8_t, 512> symbol{};
  for (unsigned k = 0; k < 512; ++k)
    for (unsigned s = 0; s < 30; ++s)
      if (distance_ranges[s].first <= (k < 256 ? k + 1 : ((k - 256) << 7) + 1))
        symbol[k] = static_cast<std::uint8_t>(s);
  return symbol;
}();
constexpr std::size_t symbol_of_length(std::uint32_t length) { return symbols_of_lengths[length]; }
constexpr std::size_t symbol_of_distance(std::uint32_t distance) {
  return symbols_of_distances[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)];
}

/// Collects literals and matches and writes them a block at a time.
class deflate_blocks {
 public:
  explicit deflate_blocks(std::vector<std::byte>& out) : bits_(out) { tokens_.reserve(most_tokens); }

  void literal(std::byte b) { add(std::to_integer<std::uint32_t>(b)); }
  void match(std::size_t length, std::size_t distance) {
    add(is_match | static_cast<std::uint32_t>(length << 16) | static_cast<std::uint32_t>(distance));
  }
  /// To a whole byte: at the end of all, or before more blocks that know nothing of these.
  void finish(bool last) {
    write(last);
    if (!last) {
      bits_.put(0, 3);  // a block of no bytes as they are, which begins and ends at whole ones
      bits_.finish();
      bits_.reserve(32);
      bits_.put(0xffff0000u, 32);
    }
    bits_.finish();
  }

 private:
  static constexpr std::size_t most_tokens = 1 << 15, end_of_block = 256;
  static constexpr std::uint32_t is_match = 1u << 31;
  static std::uint32_t length_of(std::uint32_t token) { return token >> 16 & 0x1ff; }
  static std::uint32_t distance_of(std::uint32_t token) { return token & 0xffff; }

  void add(std::uint32_t token) {
    tokens_.push_back(token);
    if (tokens_.size() == most_tokens) write(false);
  }

  void write(bool last) {
    std::array<std::uint32_t, 286> literals{};
    std::array<std::uint32_t, 30> distances{};
    for (const std::uint32_t t : tokens_) {
      if (t & is_match)
        ++literals[257 + symbol_of_length(length_of(t))], ++distances[symbol_of_distance(distance_of(t))];
      else
        ++literals[t];
    }
    literals[end_of_block] = 1;
    const prefix_code literal_code(literals, 15);
    const prefix_code distance_code(distances, 15);
    constexpr std::size_t most_in_header = 1 << 13, most_in_token = 15 + 5 + 15 + 13;
    bits_.reserve(most_in_header + most_in_token * (tokens_.size() + 1));
    bits_.put(last, 1);
    bits_.put(2, 2);  // codes of its own
    write_lengths(literal_code.lengths, distance_code.lengths);
    for (const std::uint32_t t : tokens_) {
      if (!(t & is_match)) {
        literal_code.put(bits_, t);
        continue;
      }
      const std::size_t length = symbol_of_length(length_of(t)), distance = symbol_of_distance(distance_of(t));
      literal_code.put(bits_, 257 + length);
      bits_.put(length_of(t) - length_ranges[length].first, length_ranges[length].extra_bits);
      distance_code.put(bits_, distance);
      bits_.put(distance_of(t) - distance_ranges[distance].first, distance_ranges[distance].extra_bits);
    }
    literal_code.put(bits_, end_of_block);
    tokens_.clear();
  }

  /// Both lists of lengths, all of them: runs of zeros are short to say, other runs seldom long.
  void write_lengths(const std::array<std::uint8_t, 286>& literals, const std::array<std::uint8_t, 30>& distances) {
    std::vector<std::uint8_t> all(literals.begin(), literals.end());
    all.insert(all.end(), distances.begin(), distances.end());
    struct token {
      std::size_t symbol;
      std::uint32_t rest;
      int bits;
    };
    std::vector<token> said;
    for (std::size_t i = 0; i < all.size();) {
      std::size_t run = 1;
      while (i + run < all.size() && all[i + run] == all[i] && run < 138) ++run;
      if (all[i] != 0 || run < 3)
        said.push_back({all[i], 0, 0}), run = 1;
      else if (run <= 10)
        said.push_back({17, static_cast<std::uint32_t>(run - 3), 3});
      else
        said.push_back({18, static_cast<std::uint32_t>(run - 11), 7});
      i += run;
    }
    std::array<std::uint32_t, 19> frequency{};
    for (const token& t : said) ++frequency[t.symbol];
    const prefix_code code(frequency, 7);
    bits_.put(286 - 257, 5), bits_.put(30 - 1, 5), bits_.put(19 - 4, 4);
    for (const std::size_t s : {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15})
      bits_.put(code.lengths[s], 3);
    for (const token& t : said) code.put(bits_, t.symbol), bits_.put(t.rest, t.bits);
  }

  bit_writer bits_;
  std::vector<std::uint32_t> tokens_;
};

inline std::uint32_t adler_32(std::span<const std::byte> bytes) {
  std::uint32_t a = 1, b = 0;
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), 5552));  // b stays below 2^32
    for (const std::byte v : part) a += std::to_integer<std::uint32_t>(v), b += a;
    a %= 65521, b %= 65521;
    bytes = bytes.subspan(part.size());
  }
  return b << 16 | a;
}

/// Fewer than 2^32 bytes as deflate's blocks, which find their matches among themselves.
inline std::vector<std::byte> deflated(std::span<const std::byte> bytes, bool last) {
  constexpr std::size_t window = 1 << 15, longest = 258;
  std::vector<std::byte> out;
  out.reserve(bytes.size() / 2 + 1024);
  deflate_blocks blocks(out);
  std::vector<std::uint32_t> last_place(1 << 14, 0);  // one more than the place
  const auto word = [&](std::size_t at) {
    std::uint32_t w;
    std::memcpy(&w, bytes.data() + at, sizeof w);
    return w;
  };
  const auto place_of = [&](std::uint32_t w) -> std::uint32_t& { return last_place[w * 2654435761u >> 18]; };
  std::size_t at = 0, missed = 0;
  while (at + 4 <= bytes.size()) {
    const std::uint32_t here = word(at);
    std::uint32_t& place = place_of(here);
    const std::size_t before = place;
    place = static_cast<std::uint32_t>(at + 1);
    if (before != 0 && at + 1 - before <= window && word(before - 1) == here) {
      std::size_t length = 4;
      const std::size_t most = std::min(longest, bytes.size() - at);
      while (length < most && bytes[before - 1 + length] == bytes[at + length]) ++length;
      blocks.match(length, at + 1 - before);
      at += length;
      missed = 0;
      if (at + 4 <= bytes.size())
        place_of(word(at - 1)) =
            static_cast<std::uint32_t>(at);  // what begins inside the match is seldom wanted, but this
      continue;
    }
    // In noise fewer and fewer places are looked at.
    for (std::size_t k = 0; k <= missed / 64 && at < bytes.size(); ++k) blocks.literal(bytes[at++]);
    missed = std::min<std::size_t>(missed + 1, 64 * 8);
  }
  while (at < bytes.size()) blocks.literal(bytes[at++]);
  blocks.finish(last);
  return out;
}

/// A zlib stream (RFC 1950) that holds `bytes`. Linear time. Cut into pieces of a fixed size for the threads: same stream for
/// any number of them.
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
  const std::uint32_t sum = adler_32(bytes);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(sum >> shift));
  return out;
}

}  // namespace aixcell::detail
