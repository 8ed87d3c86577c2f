#include <aixcell/io/safetensors.hpp>
#include "support.hpp"

namespace aixcell::test {
namespace {

std::vector<std::byte> file_of(std::string header, std::size_t data_bytes, std::uint64_t announced = 0) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((announced ? announced : header.size()) >> (8 * i));
  bytes += header + std::string(data_bytes, '\1');
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  return {begin, begin + bytes.size()};
}

safetensors_file example() {
  safetensors_file content;
  content.metadata = {{"pipeline", "percentile+unet"}, {"text", "\xC3\xA9\n\""}};
  tensor<float> weight({2, 3});
  for (index_t i = 0; i < 6; ++i) weight[i] = static_cast<float>(i) / 3;
  content.put("encoder.weight", weight);
  content.put("steps", tensor<std::int64_t>({1}));
  content.put("flags", tensor<std::uint8_t>({3}));
  content.put("nothing", tensor<double>({0, 4}));
  content.put("none either", tensor<double>({0}));
  return content;
}

std::string refusal(const std::vector<std::byte>& bytes) {
  return message_of<io_error>([&] { parse_safetensors(bytes, "m.safetensors"); });
}

}  // namespace

TEST_CASE("a model file reads back, bit for bit", "[io]") {
  const temporary_folder folder;
  const safetensors_file content = example();
  write_safetensors(folder / "m.safetensors", content);
  const auto back = read_safetensors(folder / "m.safetensors");
  CHECK(back.metadata == content.metadata);
  REQUIRE(back.tensors.size() == content.tensors.size());
  for (const auto& [name, stored] : content.tensors) {
    CHECK(back.tensors.at(name).type == stored.type);
    CHECK(back.tensors.at(name).extents == stored.extents);
    CHECK(back.tensors.at(name).bytes == stored.bytes);
  }
  CHECK(encode_safetensors(back) == encode_safetensors(content));
  CHECK(std::to_integer<int>(encode_safetensors(content)[0]) % 8 == 0);
  tensor<float> weight({2, 3});
  back.get("m", "encoder.weight", weight.as_view());
  CHECK(weight[5] == 5.0f / 3);
  tensor<float> other({3, 2});
  CHECK(contains(message_of<io_error>([&] { back.get("m", "encoder.weight", other.as_view()); }),
                 "m: tensor \"encoder.weight\": expected F32 [3,2], found F32 [2,3]"));
  CHECK(contains(message_of<io_error>([&] { back.get("m", "weight", other.as_view()); }), "is missing"));
  CHECK(parse_safetensors(file_of("{}", 0), "empty").tensors.empty());
  CHECK(parse_safetensors(file_of(R"({"s":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}   )", 2), "scalar")
            .tensors.size() == 1);
}

TEST_CASE("every corrupt header is refused in one line", "[io]") {
  const std::string good = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  const auto one = [](const std::string& entry) { return file_of("{\"w\":{" + entry + "}}", 8); };
  const auto two = [](const std::string& a, const std::string& b, std::size_t bytes) {
    return file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
                       R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}",
                   bytes);
  };
  const std::vector<std::vector<std::byte>> corrupt = {
      file_of("", 0),
      file_of("", 8),
      file_of("{}", 1),
      file_of("[]", 0),
      file_of("{", 0),
      file_of("null", 0),
      file_of("7", 0),
      file_of("{}", 0, 3),
      file_of("{}", 0, 1),
      file_of("{}", 0, std::uint64_t{1} << 63),
      file_of("{}", 0, ~std::uint64_t{0}),
      file_of("{}", 0, 100'000'001),
      file_of(" {}", 0),
      file_of("{}x", 0),
      file_of(std::string("{}\0", 3), 0),
      file_of(std::string("{}\0x", 4), 0),
      file_of("{\"\xFF\":{}}", 0),
      file_of("{\"w\":1}", 0),
      file_of("{\"w\":[]}", 0),
      file_of("{\"w\":null}", 0),
      file_of("{\"w\":{}}", 0),
      file_of(R"({"__metadata__":1})", 0),
      file_of(R"({"__metadata__":{"a":1}})", 0),
      file_of(R"({"__metadata__":{"a":{"b":"c"}}})", 0),
      file_of(R"({"__metadata__":{"a":"1","a":"2"}})", 0),
      file_of("{\"w\":{" + good + "},\"w\":{" + good + "}}", 8),
      file_of("{\"w\":{" + good + "}}", 7),
      file_of("{\"w\":{" + good + "}}", 9),
      file_of("{\"w\":{" + good + "}}", 0),
      one(good + ",\"x\":1"),
      one(good + "," + good),
      one(R"("dtype":"F32","shape":[2])"),
      one(R"("dtype":"F32","data_offsets":[0,8])"),
      one(R"("shape":[2],"data_offsets":[0,8])"),
      one(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])"),
      one(R"("dtype":"","shape":[2],"data_offsets":[0,8])"),
      one(R"("dtype":4,"shape":[2],"data_offsets":[0,8])"),
      one(R"("dtype":"f32","shape":[2],"data_offsets":[0,8])"),
      one(R"("dtype":"F64","shape":[2],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[0],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[4611686018427387905,2],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,8])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":[8,16])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":[0])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":8)"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":[0.0,8])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":["0","8"])"),
      one(R"("dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615])"),
      one(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"),
      two("[0,4]", "[0,4]", 4),
      two("[0,4]", "[2,6]", 6),
      two("[0,4]", "[5,9]", 9),
      two("[1,5]", "[5,9]", 9),
      two("[0,4]", "[4,8]", 9),
      file_of(std::string(5000, '[') + std::string(5000, ']'), 0),
      file_of("{\"a\":" + std::string(90000, '['), 0),
      file_of("{\"a\":" + std::string(9000, '[') + std::string(9000, ']') + "}", 0)};
  CHECK(corrupt.size() >= 60);
  for (std::size_t i = 0; i < corrupt.size(); ++i) {
    INFO(i << ": " << refusal(corrupt[i]));
    CHECK(is_good_message(refusal(corrupt[i]), "m.safetensors: "));
  }
  CHECK(refusal(two("[0,4]", "[4,8]", 8)).empty());
  CHECK(refusal(one(good)).empty());
}

TEST_CASE("a model file cut anywhere is refused", "[io]") {
  const auto whole = encode_safetensors(example());
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CHECK(is_good_message(refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)}), "m.safetensors"));
  }
}

TEST_CASE("random damage to a model file is an error or a valid file, never a crash", "[io]") {
  const auto whole = encode_safetensors(example());
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    auto damaged = whole;
    for (std::uint32_t k = 0; k <= random() % 3; ++k)
      damaged[random() % damaged.size()] ^= static_cast<std::byte>(1u << random() % 8);
    refused += !refusal(damaged).empty();
  }
  CHECK(refused > 2500);
}

TEST_CASE("what cannot be written is refused before anything is", "[io]") {
  safetensors_file content = example();
  content.metadata["bad"] = "\xFF\xFE";
  CHECK_THROWS_AS(encode_safetensors(content), data_error);
  content = example();
  content.tensors["steps"].extents = {2};
  CHECK_THROWS_AS(encode_safetensors(content), data_error);
  content = example();
  content.tensors["__metadata__"] = content.tensors["steps"];
  CHECK_THROWS_AS(encode_safetensors(content), data_error);
}

}  // namespace aixcell::test
