#include <aixcell/io/npy.hpp>

#include "io/support.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

/// A file as numpy.save writes it, version 1, by hand.
std::string npy_with(const std::string& header, const std::string& elements) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + elements;
}

}  // namespace

TEST_CASE("arrays survive the way through a .npy file", "[io]") {
  const auto extents = GENERATE(shape{1}, shape{7}, shape{3, 5}, shape{2, 3, 4}, shape{1, 3, 5, 2}, shape{2, 0, 4});
  tensor<float> values(extents);
  for (index_t i = 0; i < values.size(); ++i) values[i] = 0.37f * static_cast<float>(i) - 1;
  const std::string bytes = encode_npy(values);
  CHECK((bytes.size() - static_cast<std::size_t>(values.size()) * 4) % 64 == 0);
  const tensor<float> back = decode_npy(bytes, "a.npy");
  CHECK(back.shape() == values.shape());
  CHECK(std::equal(back.begin(), back.end(), values.begin(), values.end()));
}

TEST_CASE("a header reads as Python writes it", "[io]") {
  CHECK(encode_npy(tensor<float>({2, 3}).as_view()).substr(10, 59) ==
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  const std::string two(8, '\0');
  CHECK(decode_npy(npy_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }  \n", two), "a").size() == 2);
  CHECK(decode_npy(npy_with("{\"shape\":(1,2),\"fortran_order\":False,\"descr\":\"<f4\"}", two), "a").shape() ==
        shape{1, 2});
}

TEST_CASE("what is no float32 array is refused with the reason", "[io]") {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", two(8, '\0');
  const auto refused = [](const std::string& bytes, const std::string& why) {
    CHECK_THROWS_WITH(decode_npy(bytes, "a.npy"), Catch::StartsWith("a.npy: ") && Catch::Contains(why));
  };
  refused("", "not a .npy file");
  refused("\x93NUMPY", "not a .npy file");
  refused(npy_with(good, two).substr(0, 30), "shorter than its header says");
  refused(npy_with(good, two.substr(1)), "expected 8 bytes for shape [2], found 7");
  refused(npy_with(good, two + "x"), "found 9");
  refused(npy_with("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", two), "save it as float32");
  refused(npy_with("{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}", two), "row-major");
  refused(npy_with("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", two), "1 to 4 dimensions, found 0");
  refused(npy_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,2)}", two), "found 5");
  refused(npy_with("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", two), "whole numbers");
  refused(npy_with("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,)}", two), "beyond any memory");
  refused(npy_with("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999,999999999999)}", two),
          "beyond any memory");
  refused(npy_with("{'descr': '<f4', 'fortran_order': False}", two), "lacks");
  refused(npy_with("{'descr': '<f4', 'code': 'x'}", two), "unknown key 'code'");
  refused(npy_with("{'descr: <f4", two), "quoted name");
  CHECK_THROWS_AS(read_npy("/nowhere/a.npy"), io_error);
}
