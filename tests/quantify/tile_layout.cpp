#include <aixcell/quantify/tile_layout.hpp>
#include "support/catch.hpp"

using namespace aixcell;

namespace {

tile_sizes equal_tiles(const std::vector<std::string>& ids) {
  tile_sizes sizes;
  for (const auto& id : ids) sizes[id] = {20, 30};
  return sizes;
}

std::vector<tile_place> from_csv(const std::string& csv, const std::vector<std::string>& ids) {
  return places_from_table(parse_csv(csv, "tiles.csv"), 4, equal_tiles(ids));
}

}  // namespace

TEST_CASE("names of tiles say field, row and column", "[quantify]") {
  const auto name = parse_tile_name("plate_A01_r02_c13");
  REQUIRE(name);
  CHECK(name->field == "plate_A01");
  CHECK(name->row == 2);
  CHECK(name->column == 13);
  for (const char* bad :
       {"", "A01", "A01_r02", "_r1_c2", "A_c1_r2", "A_r1_c", "A_r_c2", "A_r-1_c2", "A_r1_c2x", "A_r1x_c2"})
    CHECK_FALSE(parse_tile_name(bad));
}

TEST_CASE("places of a grid by names", "[quantify]") {
  const std::vector<std::string> ids{"A_r1_c1", "A_r1_c2", "A_r2_c1", "A_r2_c2", "B_r5_c5"};
  const auto places = places_from_names(ids, 4, equal_tiles(ids));
  REQUIRE(places.size() == 5);
  CHECK(places[3].id == "A_r2_c2");
  CHECK(places[3].top == 16);
  CHECK(places[3].left == 26);
  CHECK(places[4].field == "B");
  CHECK(places[4].top == 0);
  CHECK_THROWS_WITH(places_from_names({"A_r1_c1", "A_r2_c2"}, 4, equal_tiles(ids)),
                    Catch::Contains("no tile at row 1, column 2"));
  CHECK_THROWS_WITH(places_from_names({"A_r1_c1", "A_r01_c1"}, 4, equal_tiles({"A_r1_c1", "A_r01_c1"})),
                    Catch::Contains("both at row 1"));
  CHECK_THROWS_WITH(places_from_names({"photo"}, 4, equal_tiles({"photo"})), Catch::Contains("A01_r02_c03"));
  CHECK_THROWS_WITH(places_from_names(ids, 20, equal_tiles(ids)), Catch::Contains("smaller than a tile"));
  tile_sizes unequal = equal_tiles(ids);
  unequal["A_r2_c2"] = {20, 31};
  CHECK_THROWS_WITH(places_from_names(ids, 4, unequal), Catch::Contains("one size"));
}

TEST_CASE("places from a table", "[quantify]") {
  SECTION("of a grid") {
    const auto own = from_csv("id,field,row,column,overlap\na,F,0,0,6\nb,F,0,1,6\n", {"a", "b"});
    CHECK(own[1].left == 24);
    CHECK(from_csv("id,field,row,column\na,F,0,0\nb,F,0,1\n", {"a", "b"})[1].left == 26);
  }
  SECTION("of offsets") {
    const auto places = from_csv("id,field,y,x\na,F,100,-5\nb,F,90,20\nc,G,7,7\n", {"a", "b", "c"});
    CHECK(places[0].top == 10);
    CHECK(places[0].left == 0);
    CHECK(places[1].top == 0);
    CHECK(places[1].left == 25);
    CHECK(places[2].top == 0);
  }
  SECTION("what does not fit is refused") {
    CHECK_THROWS_WITH(from_csv("id,field,row,column\na,F,0,0\nz,F,0,1\n", {"a"}),
                      Catch::Contains("tile z has no image"));
    CHECK_THROWS_WITH(from_csv("id,field,y,x\nz,F,0,1\n", {"a"}), Catch::Contains("tile z has no image"));
    CHECK_THROWS_WITH(from_csv("id,field,row,column,overlap\na,F,0,0,6\nb,F,0,1,5\n", {"a", "b"}),
                      Catch::Contains("overlap of 6 and of 5"));
    CHECK_THROWS_WITH(from_csv("id,field,row,column\na,F,0,0\nb,F,0,2\n", {"a", "b"}), Catch::Contains("column 1"));
    CHECK_THROWS_WITH(from_csv("id,field,row,column\na,F,0,0\na,F,0,1\n", {"a"}), Catch::Contains("listed twice"));
    CHECK_THROWS_WITH(from_csv("id,field\na,F\n", {"a"}), Catch::Contains("row, column or y, x"));
    CHECK_THROWS_WITH(from_csv("id,field,y,x\n", {"a"}), Catch::Contains("no tile"));
    CHECK_THROWS_WITH(from_csv("id,field,y,x\na,F,0,north\n", {"a"}), Catch::Contains("expected a number"));
  }
}
