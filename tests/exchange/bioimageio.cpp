#include <aixcell/exchange/bioimageio.hpp>

#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/star_convex.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/top_hat.hpp>

#include "exchange/exported_model.hpp"
#include "io/support.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

using small_pipeline = pipeline<percentile, plain<2, 4>, unet, interior_border>;

template <class Pipeline>
struct exported_package {
  context<cpu> ctx{1};
  Pipeline model;
  test::temporary_folder folder;
  std::filesystem::path path = folder / "model.zip";
  model_card card;

  explicit exported_package(index_t height = 64, index_t width = 32) {
    model.set_up(ctx, {.channels = 2, .seed = 4});
    random_stream random(6);
    test::disturb(ctx, model, random);
    card.facts = {
        {"data", {{"name", "small: cells"}, {"digest", "00ff"}}},
        {"licence", "CC0"},
        {"test",
         {{"images", 3},
          {"objects", {{"average_precision_50_by_image", {{"estimate", 0.75}, {"interval", {0.5, 0.875}}}}}}}}};
    package_options options{.test_image = test::random_image({height, width, 2}, random)};
    options.authors = {"A. \"Quoted\" Name: one"};
    options.timestamp = "2024-05-01T12:00:00Z";
    write_bioimageio(ctx, path, model, card, options);
  }
  zip_entries entries() const { return decode_zip(read_text_file(path), "model.zip"); }
};

}  // namespace

TEST_CASE("SHA-256 digests are those of the standard", "[exchange]") {
  CHECK(sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4, example
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("zip archives give back what went in, and equal bytes for equal content", "[exchange]") {
  const zip_entries in{{"a.txt", "alpha"}, {"empty", ""}, {"large.bin", std::string(100'000, 'x') + '\0' + "y"}};
  const std::string bytes = encode_zip(in);
  CHECK(decode_zip(bytes, "a.zip") == in);
  CHECK(encode_zip(in) == bytes);
  CHECK(bytes.size() < 10'000);
  CHECK_THROWS_AS(decode_zip("", "a.zip"), io_error);
  CHECK_THROWS_WITH(decode_zip("no archive at all, but long enough", "a.zip"), Catch::StartsWith("a.zip: zip archive"));
  CHECK_THROWS_AS(decode_zip(bytes.substr(0, bytes.size() / 2), "a.zip"), io_error);
  CHECK_THROWS_WITH(decode_zip(bytes, "a.zip", 1000), Catch::Contains("more than a model can have"));
}

TEST_CASE("YAML keeps the order and quotes every text", "[exchange]") {
  const nlohmann::ordered_json j = {{"name", "a: \"b\" #c\n- d"},
                                    {"list", {1, 2.5, "no", nullptr, true}},
                                    {"none", nlohmann::ordered_json::array()},
                                    {"steps", {{{"id", "x"}, {"size", {{"min", 32}}}}}}};
  CHECK(to_yaml(j) ==
        "name: \"a: \\\"b\\\" #c\\n- d\"\n"
        "list:\n  - 1\n  - 2.5\n  - \"no\"\n  - null\n  - true\n"
        "none: []\n"
        "steps:\n  -\n    id: \"x\"\n    size:\n      min: 32\n");
}

TEST_CASE("a package holds what it promises and is verified", "[exchange]") {
  exported_package<small_pipeline> p;
  const zip_entries entries = p.entries();
  for (const char* name :
       {"rdf.yaml", "weights.onnx", "README.md", "test_image.npy", "test_output.npy", "test_pixel_probabilities.npy"})
    CHECK(entries.contains(name));
  CHECK(decode_npy(entries.at("test_output.npy"), "o").shape() == shape{1, 3, 64, 32});
  const std::string& readme = entries.at("README.md");
  CHECK(readme.find("# Validation") != std::string::npos);
  CHECK(readme.find("average_precision_50_by_image: 0.75 [0.5, 0.875]") != std::string::npos);
  CHECK(readme.find("licence of the data: CC0") != std::string::npos);
  CHECK(entries.at("rdf.yaml").find("min_percentile: 1.0") != std::string::npos);
  verify_package(p.ctx, p.model, p.path);

  // The probabilities of a pixel sum to 1.
  const tensor<float> maps = decode_npy(entries.at("test_pixel_probabilities.npy"), "p");
  for (index_t i = 0; i < 64 * 32; ++i) CHECK(maps[i] + maps[2048 + i] + maps[4096 + i] == Approx(1.0f));
}

TEST_CASE("a package whose preprocessing the format cannot say takes preprocessed images", "[exchange]") {
  exported_package<pipeline<chain<top_hat, percentile>, plain<2, 4>, unet, star_convex<4>>> p(33, 40);
  const zip_entries entries = p.entries();
  CHECK(entries.at("README.md").find("no counterpart in the format") != std::string::npos);
  CHECK(entries.at("rdf.yaml").find("preprocessing:") == std::string::npos);
  CHECK(decode_npy(entries.at("test_object_probability.npy"), "o").shape() == shape{1, 1, 33, 40});
  verify_package(p.ctx, p.model, p.path);
}

TEST_CASE("verification names what is wrong", "[exchange]") {
  exported_package<small_pipeline> p;
  const zip_entries good = p.entries();
  const auto refused = [&](const zip_entries& entries, const std::string& why) {
    CHECK_THROWS_WITH(verify_package(p.ctx, p.model, encode_zip(entries), "p.zip"), Catch::Contains(why));
  };
  for (const auto& [name, content] : good) {
    zip_entries damaged = good;
    damaged[name].back() ^= 1;
    if (name != "rdf.yaml") refused(damaged, name + " is not what rdf.yaml says");
    damaged.erase(name);
    refused(damaged, name + " is missing");
  }
  // A tensor that was exchanged together with its digest.
  zip_entries other = good;
  tensor<float> values = decode_npy(good.at("test_output.npy"), "o");
  values[5] += 0.5f;
  other["test_output.npy"] = encode_npy(values);
  std::string& description = other["rdf.yaml"];
  const std::string old = sha256_hex(good.at("test_output.npy"));
  description.replace(description.find(old), old.size(), sha256_hex(other["test_output.npy"]));
  refused(other, "does not reproduce test_output.npy");
  other["rdf.yaml"] = "type: model\n";
  refused(other, "names no file");

  small_pipeline stranger;
  stranger.set_up(p.ctx, {.channels = 2, .seed = 5});
  CHECK_THROWS_AS(verify_package(p.ctx, stranger, p.path), data_error);
}

TEST_CASE("a test image with other channels is refused and nothing is written", "[exchange]") {
  context<cpu> ctx(1);
  small_pipeline model;
  model.set_up(ctx, {.channels = 1});
  const test::temporary_folder folder;
  CHECK_THROWS_AS(write_bioimageio(ctx, folder / "a.zip", model, {}, {.test_image = tensor<float>({32, 32, 3})}),
                  shape_error);
  CHECK_THROWS_AS(
      write_bioimageio(ctx, folder / "none" / "a.zip", model, {}, {.test_image = tensor<float>({32, 32, 1})}),
      io_error);
  CHECK(std::filesystem::is_empty(folder / ""));
}
