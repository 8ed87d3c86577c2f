#include <aixcell/exchange/weights.hpp>
#include <aixcell/encoder/efficientnet.hpp>
#include <aixcell/encoder/mobilenet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/pipeline/model_file.hpp>
#include "exchange/weight_files.hpp"
#include "io/support.hpp"
#include "pipeline/toy.hpp"

namespace aixcell::test {

namespace {

using small = plain<2, 4>;
using Catch::Contains;
using Catch::Matchers::StartsWith;

std::unique_ptr<toy_pipeline> set_up_toy(std::uint64_t seed, int channels = 1) {
  auto model = std::make_unique<toy_pipeline>();
  context<cpu> ctx(1);
  model->set_up(ctx, {.channels = channels, .seed = seed});
  return model;
}

/// Part of a DenseNet.
struct one_dense_layer {
  one_dense_layer(context<cpu>& ctx, random_stream& random)
      : norm(ctx, {.channels = 3}, random), conv(ctx, {.inputs = 3, .outputs = 2}, random) {}
  static void for_each_member(auto& self, auto&& visit) {
    visit("features.denseblock1.denselayer1.norm1", self.norm);
    visit("features.denseblock1.denselayer1.conv2", self.conv);
  }
  batch_norm<cpu, float> norm;
  convolution<cpu, float> conv;
};

/// The bits of those tensors of a pipeline whose names begin so, or do not.
std::vector<std::byte> bits_below(any_pipeline& model, const std::string& part, bool below = true) {
  std::vector<network_tensor> chosen = model.tensors();
  std::erase_if(chosen, [&](const network_tensor& t) { return t.name.starts_with(part) != below; });
  return bits_of_tensors(chosen);
}

}  // namespace

TEST_CASE("weights are saved and loaded bit for bit, filters as [K,C,R,S]", "[exchange]") {
  const temporary_folder folder;
  auto network = random_encoder<small>(3, 1), other = random_encoder<small>(3, 2);
  weights::save(network, folder / "w.safetensors");
  const safetensors_file written = read_safetensors(folder / "w.safetensors"), expected = torch_file(network);
  REQUIRE(written.tensors.size() == expected.tensors.size());
  for (const auto& [name, stored] : expected.tensors) {
    CAPTURE(name);
    CHECK(written.tensors.at(name).extents == stored.extents);
    CHECK((written.tensors.at(name).bytes == stored.bytes));
  }
  CHECK(written.tensors.at("stage.0.0.conv.weight").extents == std::vector<std::int64_t>{4, 3, 3, 3});
  CHECK(written.metadata == std::map<std::string, std::string>{{"format", "pt"}});
  const auto report = weights::load(other, folder / "w.safetensors");
  CHECK((bits_of(other) == bits_of(network)));
  CHECK(report.loaded.size() == written.tensors.size());
  CHECK(report.channels == 3);
  CHECK((report.prefix.empty() && report.missing.empty() && report.left_over.empty()));
  CHECK(report.summary() == std::to_string(written.tensors.size()) + " tensors loaded");
}

TEMPLATE_TEST_CASE("every tensor of an encoder comes back, counters stay behind", "[exchange]", mobilenet_v2,
                   efficientnet_b0) {
  auto network = random_encoder<TestType>(1, 1), other = random_encoder<TestType>(1, 2);
  const safetensors_file file = torch_file(network);
  std::vector<network_tensor> counters = tensors_of(other);
  std::erase_if(counters, [](const network_tensor& t) { return !t.name.ends_with("passes"); });
  const auto before = bits_of_tensors(counters);
  CHECK(weights::load(other, file, "w").loaded.size() == file.tensors.size());
  CHECK((bits_of_tensors(counters) == before));
  const auto loaded = torch_file(other);
  for (const auto& [name, stored] : file.tensors) CHECK((loaded.tensors.at(name).bytes == stored.bytes));
}

TEST_CASE("a pipeline gets its encoder, or all of it", "[exchange]") {
  const temporary_folder folder;
  const auto model = set_up_toy(1), other = set_up_toy(2);
  save_torch_weights(folder / "w.safetensors", *model);
  const auto decoder = bits_below(*other, "encoder.", false);
  const auto report = weights::load(*other, folder / "w.safetensors");
  CHECK(report.prefix == "encoder.");
  CHECK((bits_below(*other, "encoder.") == bits_below(*model, "encoder.")));
  CHECK((bits_below(*other, "encoder.", false) == decoder));
  CHECK(report.left_over.size() == model->tensors().size() - report.loaded.size());
  CHECK_THAT(report.summary(), Contains(" loaded from below \"encoder.\"; left over: decoder."));

  CHECK(weights::load(*other, folder / "w.safetensors", {.whole = true}).left_over.empty());
  CHECK((bits_below(*other, "") == bits_below(*model, "")));
}

TEST_CASE("a training begins with them", "[exchange]") {
  const auto source = set_up_toy(7);
  fit_options options;
  options.training.epochs = 1;
  options.training.tile = 32;
  options.training.crops_per_epoch = 4;
  options.training.adamw.learning_rate = 1e-9f;
  options.initialise = [&](any_pipeline& model) {
    REQUIRE(model.setup().channels == 1);
    safetensors_file file;
    for (const network_tensor& t : source->tensors()) file.put(t.name, weights::detail::to_torch(*t.value));
    weights::load(model, file, "w");
  };
  context<cpu> ctx(1);
  toy_pipeline model;
  fit(ctx, model, discs_dataset(6), options);
  const auto given = source->tensors(), trained = model.tensors();
  for (std::size_t i = 0; i < given.size(); ++i)
    if (given[i].gradient && given[i].name.starts_with("encoder."))
      for (index_t k = 0; k < given[i].value->size(); ++k)
        CHECK((*trained[i].value)[k] == Approx((*given[i].value)[k]).margin(1e-6));
}

TEST_CASE("a model of aixcell gives its encoder to another, in its own order", "[exchange]") {
  const temporary_folder folder;
  const auto model = set_up_toy(1, 3), same = set_up_toy(2, 3), gray = set_up_toy(3, 1);
  save_model(folder / "model.safetensors", *model, {});
  const auto report = weights::load(*same, folder / "model.safetensors");
  CHECK((bits_below(*same, "encoder.") == bits_below(*model, "encoder.")));
  CHECK(report.left_over.size() == model->tensors().size() - report.loaded.size());
  const auto adapted = weights::load(*gray, folder / "model.safetensors");
  CHECK(adapted.channels_in_file == 3);
  CHECK_THAT(adapted.summary(), Contains("first filter from 3 to 1 channel;"));
  const tensor<float>&from = *model->tensors()[0].value, &to = *gray->tensors()[0].value;
  REQUIRE(to.shape() == shape{4, 3, 3, 1});
  for (index_t i = 0; i < to.size(); ++i)
    CHECK(to[i] == Approx(double{from[3 * i]} + double{from[3 * i + 1]} + double{from[3 * i + 2]}));

  auto network = random_encoder<small>(1, 2);
  safetensors_file checkpoint = torch_file(network);
  checkpoint.metadata["aixcell_checkpoint"] = "1";
  CHECK_THAT(refusal(network, checkpoint), StartsWith("w.safetensors: ") && Contains("checkpoint"));
}

TEST_CASE("what stands in front of the names is found out", "[exchange]") {
  auto network = random_encoder<small>(1, 1);
  for (const char* prefix : {"", "module.", "encoder.", "module.backbone.", "stage.", "0."}) {
    CAPTURE(prefix);
    const auto file = torch_file(network, prefix);
    auto found = random_encoder<small>(1, 2), told = random_encoder<small>(1, 3);
    CHECK(weights::load(found, file, "w").prefix == prefix);
    CHECK((bits_of(found) == bits_of(network)));
    weights::load(told, file, "w", {.prefix = prefix});
    CHECK((bits_of(told) == bits_of(network)));
    CHECK_THAT(refusal(told, file, {.prefix = "other."}), Contains("\"other.stage.0.0.conv.weight\""));
  }
  auto two = torch_file(network, "student.");
  two.tensors.merge(torch_file(network, "teacher.").tensors);
  auto other = random_encoder<small>(1, 2);
  CHECK_THAT(refusal(other, two), Contains("\"student.\"") && Contains("\"teacher.\"") && Contains("prefix"));
  CHECK(weights::load(other, two, "w", {.prefix = "teacher."}).left_over.size() == two.tensors.size() / 2);
  auto average = torch_file(network);  // beside the plain ones
  average.tensors.merge(torch_file(network, "ema.").tensors);
  CHECK(weights::load(other, average, "w").prefix.empty());
}

TEST_CASE("classifiers and counters are left over, decoders too, layers between the encoder's are not", "[exchange]") {
  auto network = random_encoder<small>(1, 1), other = random_encoder<small>(1, 2);
  safetensors_file file = torch_file(network);
  file.put("fc.weight", tensor<float>({10, 8}));
  file.put("classifier.1.bias", tensor<float>({10}));
  file.put("stage.0.0.norm.num_batches_tracked", tensor<std::int64_t>({1}));
  file.put("decoder.weight", tensor<float>({1}));
  const auto report = weights::load(other, file, "w");
  CHECK(report.expected_left_over ==
        std::vector<std::string>{"classifier.1.bias", "fc.weight", "stage.0.0.norm.num_batches_tracked"});
  CHECK(report.left_over == std::vector<std::string>{"decoder.weight"});

  auto larger = random_encoder<plain<3, 4>>(1, 1);
  CHECK_THAT(refusal(network, torch_file(larger)),
             StartsWith("w.safetensors: tensor \"stage.2.0.conv.weight\": expected no such layer") &&
                 Contains("found F32 [16,8,3,3]") && Contains("larger network"));
  CHECK_THAT(
      refusal(larger, torch_file(network)),
      StartsWith("w.safetensors: tensor \"stage.2.0.conv.weight\": expected F32 [16,8,3,3], found none (10 of 30"));
  auto wider = random_encoder<plain<2, 6>>(1, 1);
  CHECK_THAT(refusal(network, torch_file(wider)), Contains("expected F32 [4,1,3,3], found F32 [6,1,3,3]"));
  auto mobile = random_encoder<mobilenet_v2>(1, 1);
  CHECK_THAT(refusal(mobile, torch_file(network)),
             StartsWith("w.safetensors: tensor \"features.0.0.weight\": expected F32 [32,1,3,3], found none"));
}

TEST_CASE("what is missing keeps its values where that is allowed", "[exchange]") {
  auto network = random_encoder<plain<3, 4>>(1, 1);
  auto part = random_encoder<small>(1, 2);
  const auto before = bits_of(network);
  const auto report = weights::load(network, torch_file(part), "w", {.allow_missing = true});
  CHECK(report.missing.size() == 10);
  CHECK_THAT(report.summary(), Contains("missing: stage.2.0.conv.weight, ") && Contains(" and 7 more"));
  CHECK((bits_of(network) != before));
  CHECK(network.stages[0].units.layers[0].conv.weight.value[5] == part.stages[0].units.layers[0].conv.weight.value[5]);
  safetensors_file nothing;
  CHECK_THAT(refusal(network, nothing, {.allow_missing = true}), Contains("30 of 30 are missing; the file has 0"));
}

TEST_CASE("an image of equal channels is answered as before, however many the file's filter saw", "[exchange]") {
  context<cpu> ctx(1);
  const tensor<float> gray = random_tensor<float>({1, 9, 7, 1}, 5);
  const auto repeated = [&](index_t channels) {
    tensor<float> x({1, 9, 7, channels});
    for (index_t i = 0; i < x.size(); ++i) x[i] = gray[i / channels];
    return x;
  };
  for (const int in_file : {1, 2, 3, 4})
    for (const int channels : {1, 2, 3, 4, 5, 6, 7}) {
      CAPTURE(in_file, channels);
      auto made_for = random_encoder<small>(in_file, 1), network = random_encoder<small>(channels, 2);
      const auto report = weights::load(network, torch_file(made_for), "w");
      CHECK(report.channels_in_file == in_file);
      CHECK(report.channels == channels);
      const auto before = made_for.forward(ctx, repeated(in_file), nullptr),
                 after = network.forward(ctx, repeated(channels), nullptr);
      for (std::size_t level = 0; level < before.size(); ++level)
        CHECK(relative_difference(after[level], before[level]) < 1e-5);
    }
}

TEST_CASE("the first filter's channels are repeated in turn, each as strong as the next", "[exchange]") {
  const tensor<float> filter = random_tensor<float>({2, 3, 3, 3}, 1);
  const auto six = weights::detail::for_channels(filter, 6);
  for (index_t tap = 0; tap < 18; ++tap)
    for (index_t c = 0; c < 6; ++c) CHECK(six[tap * 6 + c] == Approx(filter[tap * 3 + c % 3] / 2).margin(1e-7));
  tensor<float> same({2, 3, 3, 3});  // a filter for gray: every image channel counts alike
  for (index_t i = 0; i < same.size(); ++i) same[i] = filter[i / 3];
  for (const index_t channels : {1, 2, 4, 5})
    for (const auto adapted = weights::detail::for_channels(same, channels); index_t i : {index_t{0}, 3 * channels + 1})
      CHECK(adapted[i] == Approx(3.0 / static_cast<double>(channels) * filter[i / channels]));
}

TEST_CASE("weights of every floating-point type are taken", "[exchange]") {
  auto network = random_encoder<small>(2, 1);
  for (const network_tensor& t : tensors_of(network))  // numbers that every type holds
    for (float& v : *t.value) v = std::round(v * 16) / 16;
  const auto bits = [](float v, std::string_view type) {
    if (type == "BF16") return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(v) >> 16);
    if (v == 0) return static_cast<std::uint16_t>(std::signbit(v) << 15);
    int exponent;  // a half: sign, exponent + 15, ten bits after the leading one
    const float fraction = std::frexp(std::abs(v), &exponent);
    return static_cast<std::uint16_t>((v < 0) << 15 | (exponent + 14) << 10 | static_cast<int>(fraction * 2048 - 1024));
  };
  for (const std::string_view type : {"F64", "F16", "BF16"}) {
    CAPTURE(type);
    safetensors_file file = torch_file(network);
    for (auto& [name, stored] : file.tensors) {
      stored_tensor converted{type == "F64"   ? element_types[1]
                              : type == "F16" ? element_types[2]
                                              : element_types[3],
                              stored.extents,
                              {}};
      for (std::size_t i = 0; i < stored.bytes.size() / 4; ++i) {
        float v;
        std::memcpy(&v, stored.bytes.data() + 4 * i, 4);
        const auto append = [&](auto number) {
          const auto* begin = reinterpret_cast<const std::byte*>(&number);
          converted.bytes.insert(converted.bytes.end(), begin, begin + sizeof number);
        };
        type == "F64" ? append(static_cast<double>(v)) : append(bits(v, type));
      }
      stored = std::move(converted);
    }
    auto other = random_encoder<small>(2, 2);
    weights::load(other, parse_safetensors(encode_safetensors(file), "w"), "w");
    CHECK((bits_of(other) == bits_of(network)));
  }
}

TEST_CASE("the names that DenseNets were published with are known", "[exchange]") {
  CHECK(weights::detail::present_name("features.denseblock1.denselayer2.norm.1.running_mean") ==
        "features.denseblock1.denselayer2.norm1.running_mean");
  CHECK(weights::detail::present_name("features.denseblock4.denselayer16.conv.2.weight") ==
        "features.denseblock4.denselayer16.conv2.weight");
  for (const char* name : {"features.denseblock1.denselayer2.norm1.weight", "features.transition1.norm.weight",
                           "features.conv0.weight", "denselayer"})
    CHECK(weights::detail::present_name(name) == name);
  context<cpu> ctx(1);
  random_stream random(1);
  one_dense_layer network(ctx, random), other(ctx, random);
  shake(network);
  safetensors_file published;
  for (const auto& [name, stored] : torch_file(network).tensors) {
    std::string old = name;
    published.tensors[old.insert(old.find_first_of("12", old.find("denselayer1.") + 12), ".")] = stored;
  }
  REQUIRE(published.tensors.contains("features.denseblock1.denselayer1.norm.1.weight"));
  REQUIRE(published.tensors.contains("features.denseblock1.denselayer1.conv.2.weight"));
  weights::load(other, published, "w");
  CHECK((bits_of(other) == bits_of(network)));
  published.tensors["features.denseblock1.denselayer1.norm1.weight"] =
      published.tensors["features.denseblock1.denselayer1.norm.1.weight"];
  CHECK_THAT(refusal(other, published), Contains("denselayer1.norm1.weight\": expected it once"));
}

}  // namespace aixcell::test
