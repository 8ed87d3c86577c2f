#include <aixcell/kernels/cpu/fill_holes.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

label_map drawn(std::initializer_list<const char*> rows) {
  label_map labels({static_cast<index_t>(rows.size()), static_cast<index_t>(std::string_view(*rows.begin()).size())});
  index_t p = 0;
  for (const char* row : rows)
    for (; *row; ++row) labels[p++] = *row == '.' ? 0 : *row == '?' ? ignored_label : *row - '0';
  return labels;
}

}  // namespace

TEST_CASE("fill_holes fills what one object surrounds", "[kernels][cpu]") {
  label_map labels = drawn({"111..22222.",  //
                            "1.1..2...2.",  // two holes: one pixel, and one that is open at a corner only
                            "111..2.3.2.",  // an island: its ring touches two objects
                            ".....2...2.",  //
                            "444..22222.",  //
                            "4.4........",  // opens to the edge of the image below
                            "4.4.555....",  //
                            "....5.6....",  // two objects around it
                            "....566...."});
  const label_map expected = drawn({"111..22222.",  //
                                    "111..2...2.",  //
                                    "111..2.3.2.",  //
                                    ".....2...2.",  //
                                    "444..22222.",  //
                                    "4.4........",  //
                                    "4.4.555....",  //
                                    "....5.6....",  //
                                    "....566...."});
  fill_holes(labels);
  CHECK(std::equal(labels.begin(), labels.end(), expected.begin()));
}

TEST_CASE("fill_holes: any size, pixels nobody knows", "[kernels][cpu]") {
  for (const shape size : {shape{0, 3}, shape{1, 1}, shape{1, 9}, shape{9, 1}}) {
    label_map labels(size);
    fill_holes(labels);
    CHECK(std::all_of(labels.begin(), labels.end(), [](int l) { return l == 0; }));
  }
  label_map labels = drawn({"111", "1?1", "111"});
  fill_holes(labels);
  CHECK(labels[4] == ignored_label);  // not background: nothing is filled
  CHECK_THROWS_AS(fill_holes(label_map({3})), shape_error);
}

}  // namespace aixcell::test
