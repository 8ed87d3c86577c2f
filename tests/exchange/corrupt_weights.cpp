// Files of weights with one thing wrong each: every one is refused in one line that names the file, the tensor, what was
// expected and what was found, and the network keeps its bits.
#include <fstream>
#include <set>

#include <sys/resource.h>

#include <aixcell/encoder/plain.hpp>
#include <aixcell/exchange/weights.hpp>
#include "exchange/weight_files.hpp"
#include "io/support.hpp"

namespace aixcell::test {

namespace {

using small = plain<2, 4>;

struct corrupt_file {
  std::string what;
  std::vector<std::byte> bytes;
  std::vector<std::string> says = {};  ///< parts of the message besides the file's name
};

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// A file from a header's text and data; `announced` is the length that the file gives its header, by default the true one.
std::vector<std::byte> raw_file(const std::string& header, const std::string& data,
                                std::optional<std::uint64_t> announced = {}) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(announced.value_or(header.size()) >> (8 * i));
  return bytes_of(text + header + data);
}

/// A header as it is written, entry by entry, so that one may be wrong.
struct raw_entry {
  std::string name, type, extents;
  std::uint64_t begin, end;
  std::string text() const {
    return quoted(name) + R"(:{"dtype":)" + quoted(type) + R"(,"shape":)" + extents + R"(,"data_offsets":[)" +
           std::to_string(begin) + "," + std::to_string(end) + "]}";
  }
};

struct raw_content {
  std::vector<raw_entry> entries;
  std::string data;

  explicit raw_content(const safetensors_file& file) {
    for (const auto& [name, stored] : file.tensors) {
      const auto begin = data.size();
      data.append(reinterpret_cast<const char*>(stored.bytes.data()), stored.bytes.size());
      entries.push_back(
          {name, std::string(stored.type.name), safetensors_file::to_text(stored.extents), begin, data.size()});
    }
  }
  std::string header() const {
    std::string text = "{";
    for (const raw_entry& e : entries) text += (text.size() > 1 ? "," : "") + e.text();
    return text + "}";
  }
  std::vector<std::byte> bytes() const { return raw_file(header(), data); }
};

template <class T>
void set_number(stored_tensor& stored, std::size_t i, T value) {
  std::memcpy(stored.bytes.data() + i * sizeof value, &value, sizeof value);
}

/// Well-formed files whose tensor `name` is not what the network needs.
void add_wrong_tensors(const safetensors_file& good, const std::string& name, random_stream random,
                       std::vector<corrupt_file>& all) {
  const stored_tensor stored = good.tensors.at(name);
  const std::string shape_here = safetensors_file::to_text(stored.extents);
  const auto add = [&](const std::string& what, const stored_tensor& changed, std::vector<std::string> says) {
    safetensors_file file = good;
    file.tensors[name] = changed;
    says.push_back("tensor " + quoted(name));
    says.insert(says.end(), {"expected", "found"});
    all.push_back({name + " " + what, encode_safetensors(file), std::move(says)});
  };

  safetensors_file without = good;
  without.tensors.erase(name);
  const std::vector<std::string> missing = {"tensor " + quoted(name), "expected F32 " + shape_here,
                                            "found none (1 of 20"};
  all.push_back({name + " missing", encode_safetensors(without), missing});
  without.tensors["x" + name] = stored;
  all.push_back({name + " renamed", encode_safetensors(without), missing});

  const auto count = static_cast<std::uint64_t>(stored.bytes.size() / 4);
  for (const auto& [value, text] : {std::pair{std::nanf(""), "nan"}, {HUGE_VALF, "inf"}, {-HUGE_VALF, "-inf"}}) {
    const auto at = static_cast<std::size_t>(random.below(static_cast<index_t>(count)));
    stored_tensor changed = stored;
    set_number(changed, at, value);
    std::string where;  // the index by repeated division, last extent first
    std::size_t rest = at;
    for (std::size_t d = stored.extents.size(); d-- > 0;) {
      const auto extent = static_cast<std::size_t>(stored.extents[d]);
      where = std::to_string(rest % extent) + (where.empty() ? "" : ",") + where;
      rest /= extent;
    }
    add(text, changed, {std::string("found ") + text + " at [" + where + "]"});
  }
  stored_tensor wide{element_types[1], stored.extents, std::vector<std::byte>(count * 8)};
  set_number(wide, static_cast<std::size_t>(random.below(static_cast<index_t>(count))), -1e39);
  add("beyond float32", wide, {"-1e+39"});
  if (name.ends_with("running_var")) {
    stored_tensor negative = stored;
    set_number(negative, 2, -0.5f);
    add("negative", negative, {"expected variances, found -0.5 at [2]"});
  }

  stored_tensor other = stored;
  other.type = element_types[6];
  add("of integers", other, {"expected F32 " + shape_here + ", found I32 " + shape_here});
  other = stored;
  other.extents[0] += 1;
  other.bytes.resize(static_cast<std::size_t>(other.extents[0]) * stored.bytes.size() /
                     static_cast<std::size_t>(stored.extents[0]));
  add("longer", other, {"expected F32 " + shape_here, "found F32 " + safetensors_file::to_text(other.extents)});
  other = stored;
  other.extents[0] -= 1;
  other.bytes.resize(static_cast<std::size_t>(other.extents[0]) * stored.bytes.size() /
                     static_cast<std::size_t>(stored.extents[0]));
  add("shorter", other, {"expected F32 " + shape_here, "found F32 " + safetensors_file::to_text(other.extents)});
  other = stored;
  other.extents.insert(other.extents.begin(), 1);
  add("of another rank", other, {"expected F32 " + shape_here, "found F32 [1,"});
  if (stored.extents.size() == 4) {
    other = stored;
    std::reverse(other.extents.begin(), other.extents.end());  // as TensorFlow stores filters
    add("turned", other, {"expected F32 " + shape_here, "found F32 " + safetensors_file::to_text(other.extents)});
  }
}

/// Files whose header says something wrong about tensor number `i`.
void add_wrong_entries(const raw_content& good, std::size_t i, std::vector<corrupt_file>& all) {
  const std::string name = good.entries[i].name, where = "tensor " + quoted(name);
  const auto add = [&](const std::string& what, std::vector<std::string> says, auto&& change) {
    raw_content changed = good;
    change(changed.entries[i], changed);
    all.push_back({name + " " + what, changed.bytes(), std::move(says)});
  };
  add("twice", {quoted(name), "twice"}, [](const raw_entry& e, raw_content& c) { c.entries.push_back(e); });
  add("swapped offsets", {where, "expected", "found"}, [](raw_entry& e, auto&) { std::swap(e.begin, e.end); });
  add("beyond the file", {where, "expected", "found"}, [](raw_entry& e, const raw_content& c) {
    const std::uint64_t bytes = e.end - e.begin;
    e.begin = c.data.size() - 1, e.end = e.begin + bytes;
  });
  add("offsets near 2^64", {where, "expected"}, [](raw_entry& e, auto&) { e.begin = e.end = ~std::uint64_t{0} - 7; });
  add("overlapping its neighbour", {"tensor", "expected", "found", "overlap"},
      [&](raw_entry& e, auto&) { i == 0 ? (e.begin += 4, e.end += 4) : (e.begin -= 4, e.end -= 4); });
  add("with fewer bytes than its shape", {where, "expected", "found"}, [](raw_entry& e, auto&) { e.end -= 4; });
  add("of unknown type", {where, "F8_E4M3"}, [](raw_entry& e, auto&) { e.type = "F8_E4M3"; });
  add("claiming terabytes", {where, "expected", "found"},
      [](raw_entry& e, auto&) { e.extents = "[1099511627776,16]"; });
  add("claiming 2^124 elements", {where},
      [](raw_entry& e, auto&) { e.extents = "[4611686018427387904,4611686018427387904]"; });
  add("with a negative extent", {where, "expected"}, [](raw_entry& e, auto&) { e.extents = "[-4]"; });
  add("with a fractional extent", {where, "expected"}, [](raw_entry& e, auto&) { e.extents = "[4.0]"; });
}

/// Files that are broken as a whole.
void add_wrong_files(const raw_content& good, random_stream random, std::vector<corrupt_file>& all) {
  const std::string header = good.header();
  const std::vector<std::byte> whole = good.bytes();
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, header.size() - 1, header.size() + 1, whole.size() - 8, whole.size(),
        std::uint64_t{90'000'000}, std::uint64_t{100'000'001}, std::uint64_t{1} << 62, std::uint64_t{1} << 63,
        (std::uint64_t{1} << 63) + header.size(), ~std::uint64_t{0}})
    all.push_back({"header of " + std::to_string(length) + " bytes", raw_file(header, good.data, length)});
  std::set<std::size_t> cuts{0, 1, 7, 8, 9, 8 + header.size() - 1, 8 + header.size(), whole.size() - 1};
  while (cuts.size() < 60) cuts.insert(static_cast<std::size_t>(random.below(static_cast<index_t>(whole.size()))));
  for (const std::size_t cut : cuts)
    all.push_back(
        {"cut after " + std::to_string(cut), {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut)}});
  all.push_back({"data behind the end", raw_file(header, good.data + "more")});
  all.push_back({"text behind the header", raw_file(header + std::string("\0{}", 3), good.data)});
  all.push_back({"array for a header", raw_file("[" + header + "]", good.data)});
  all.push_back({"deep header", raw_file("{\"a\":" + std::string(50000, '['), good.data)});
  all.push_back({"text", bytes_of("not weights, but a line of text\n")});
  all.push_back({"archive of torch.save", bytes_of(std::string("PK\3\4", 4) + good.data), {"torch.save", "save_file"}});
  all.push_back({"pickle of torch.save", bytes_of("\x80\x02" + good.data), {"torch.save", "save_file"}});
  // A header that differs in one bit, or lacks, repeats or changes a few bytes, means something else or nothing.
  for (int n = 0; n < 300; ++n) {
    std::string changed = header;
    const auto at = static_cast<std::size_t>(random.below(static_cast<index_t>(header.size())));
    changed[at] = static_cast<char>(changed[at] ^ 1 << random.below(8));
    all.push_back({"flipped bit in byte " + std::to_string(at), raw_file(changed, good.data)});
  }
  for (int n = 0; n < 60; ++n) {
    std::string changed = header;
    const auto at = static_cast<std::size_t>(random.below(static_cast<index_t>(header.size() - 8)));
    const auto length = static_cast<std::size_t>(1 + random.below(8));
    if (n % 3 == 0) changed.erase(at, length);
    if (n % 3 == 1) changed.insert(at, header.substr(at, length));
    if (n % 3 == 2)
      for (std::size_t k = 0; k < length; ++k) changed[at + k] = static_cast<char>(1 + random.below(255));
    all.push_back({"damage " + std::to_string(n % 3) + " at byte " + std::to_string(at), raw_file(changed, good.data)});
  }
}

template <class Enc>
void add_other_network(int channels, std::vector<corrupt_file>& all) {
  auto network = random_encoder<Enc>(channels, 5);
  all.push_back({"weights of " + std::string(Enc::name),
                 encode_safetensors(torch_file(network)),
                 {"tensor \"stage.", "expected", "found"}});
}

/// Refused as it should be: the message, empty if the file was taken.
template <class Network>
std::string refusal_of_file(Network& network, const std::filesystem::path& path) {
  try {
    weights::load(network, path);
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("corrupt files of weights are refused and change nothing", "[exchange]") {
  const temporary_folder folder;
  auto network = random_encoder<small>(3, 1), source = random_encoder<small>(3, 2);
  const safetensors_file good = torch_file(source);
  const raw_content raw(good);
  std::vector<corrupt_file> all;
  for (const auto& [name, stored] : good.tensors)
    add_wrong_tensors(good, name, random_stream(3).child(all.size()), all);
  for (std::size_t i = 0; i < raw.entries.size(); ++i) add_wrong_entries(raw, i, all);
  add_wrong_files(raw, random_stream(4), all);
  add_other_network<plain<1, 4>>(3, all);
  add_other_network<plain<3, 4>>(3, all);
  add_other_network<plain<2, 5>>(3, all);
  add_other_network<plain<2, 8>>(1, all);

  const auto before = bits_of(network);
  const std::filesystem::path path = folder / "weights.safetensors";
  std::set<std::vector<std::byte>> refused;
  for (const corrupt_file& file : all) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(file.bytes.data()), static_cast<std::streamsize>(file.bytes.size()));
    const std::string message = refusal_of_file(network, path);
    CAPTURE(file.what, message);
    CHECK(is_good_message(message, path.string()));
    CHECK(message.starts_with(path.string() + ": "));
    for (const std::string& part : file.says) CHECK(contains(message, part));
    REQUIRE((bits_of(network) == before));
    if (!message.empty()) refused.insert(file.bytes);
  }
  CHECK(refused.size() >= 200);

  CHECK(contains(refusal_of_file(network, folder / "none.safetensors"), "none.safetensors: cannot be opened"));
  CHECK(contains(refusal_of_file(network, folder.path()), "is a folder"));
  std::ofstream(path, std::ios::binary) << std::string();
  CHECK(contains(refusal_of_file(network, path), "found 0 bytes"));

  // The one they were made from is taken.
  CHECK_FALSE(weights::load(network, parse_safetensors(raw.bytes(), "w"), "w").loaded.empty());
  CHECK((bits_of(network) == bits_of(source)));
}

TEST_CASE("what a header claims is not allocated", "[exchange]") {
  auto network = random_encoder<small>(3, 1);
  const raw_content good(torch_file(network));
  const auto resident = [] {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;  // KiB
  };
  const auto refused = [&](const std::vector<std::byte>& bytes) {
    CHECK_THROWS_AS(weights::load(network, parse_safetensors(bytes, "w"), "w"), io_error);
  };
  refused(raw_file(good.header(), good.data, 90'000'000));
  const auto before = resident();
  refused(raw_file(good.header(), good.data, 99'999'999));
  for (const char* extents : {"[268435456]", "[4,3,8192,8192]", "[4,268435456,3,3]", "[17179869184]"})
    for (const bool claims_bytes : {false, true}) {
      raw_content claiming = good;
      claiming.entries[0].extents = extents;
      if (claims_bytes) claiming.entries[0].end = claiming.entries[0].begin + (std::uint64_t{1} << 30);
      refused(claiming.bytes());
    }
  CHECK(resident() - before < 32 * 1024);
}

}  // namespace aixcell::test
