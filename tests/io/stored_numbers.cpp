#include <aixcell/io/stored_numbers.hpp>
#include "support/catch.hpp"

namespace aixcell {

namespace {

/// What IEEE 754 says about a sign, `exponent_bits` of exponent and the rest of `bits` as fraction; no NaN, no infinity.
double value_of_bits(unsigned bits, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  double value = exponent > 0 ? 1 : 0;
  for (int b = 1; b <= fraction_bits; ++b)
    if (bits >> (fraction_bits - b) & 1) value += std::pow(2.0, -b);
  value *= std::pow(2.0, std::max(exponent, 1) - bias);
  return bits >> 15 ? -value : value;
}

/// Every 16 bits against the definition.
template <class Convert>
void check_every_value(int exponent_bits, Convert&& convert) {
  int wrong = 0, infinite = 0, nan = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float found = convert(static_cast<std::uint16_t>(bits));
    const unsigned fraction = bits & ((1u << (15 - exponent_bits)) - 1);
    if ((bits >> (15 - exponent_bits) & ((1u << exponent_bits) - 1)) == (1u << exponent_bits) - 1) {
      wrong += fraction == 0 ? !std::isinf(found) : !std::isnan(found);
      infinite += std::isinf(found), nan += std::isnan(found);
    } else {
      wrong += static_cast<double>(found) != value_of_bits(bits, exponent_bits);
    }
    wrong += std::signbit(found) != (bits >> 15 == 1);
  }
  CHECK(wrong == 0);
  CHECK(infinite == 2);
  CHECK(nan == 2 * ((1 << (15 - exponent_bits)) - 1));
}

template <class T>
stored_tensor stored(std::string_view type, const std::vector<T>& values) {
  stored_tensor t{*std::find_if(std::begin(element_types), std::end(element_types),
                                [&](const element_type& e) { return e.name == type; }),
                  {static_cast<std::int64_t>(values.size())},
                  std::vector<std::byte>(values.size() * sizeof(T))};
  std::memcpy(t.bytes.data(), values.data(), t.bytes.size());
  return t;
}

}  // namespace

TEST_CASE("half and bfloat16 have the values their bits say", "[io]") {
  check_every_value(5, float_from_half);
  check_every_value(8, float_from_bfloat16);
  CHECK(float_from_half(0x3C00) == 1);
  CHECK(float_from_half(0x7BFF) == 65504);
  CHECK(float_from_half(0x0001) == 0x1p-24f);
  CHECK(float_from_half(0xC000) == -2);
  CHECK(float_from_bfloat16(0x3F80) == 1);
  CHECK(float_from_bfloat16(0xC049) == -3.140625f);
}

TEST_CASE("numbers of every floating-point type are read, others are told apart", "[io]") {
  CHECK(number_at(stored<float>("F32", {1, -0.1f}), 1) == static_cast<double>(-0.1f));
  CHECK(number_at(stored<double>("F64", {1, 1e300}), 1) == 1e300);
  CHECK(number_at(stored<std::uint16_t>("F16", {0, 0x3800}), 1) == 0.5);
  CHECK(number_at(stored<std::uint16_t>("BF16", {0, 0x3F00}), 1) == 0.5);
  for (const element_type& type : element_types) {
    CAPTURE(type.name);
    CHECK(is_floating(type) == (type.name == "F64" || type.name == "F32" || type.name == "F16" || type.name == "BF16"));
  }
}

}  // namespace aixcell
