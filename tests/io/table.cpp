#include <aixcell/io/table.hpp>
#include "support.hpp"

namespace aixcell::test {

TEST_CASE("CSV with quotes, commas, line breaks and either line ending", "[io]") {
  const auto t =
      parse_csv("\xEF\xBB\xBFid,label,class\r\n\r\na,1,\"mono, or \"\"bi\"\"\"\r\n\"x\ny\",-2.5,\nlast,3,z", "c.csv");
  CHECK(t.columns == std::vector<std::string>{"id", "label", "class"});
  REQUIRE(t.rows.size() == 3);
  CHECK(t.text(0, "class") == "mono, or \"bi\"");
  CHECK(t.text(1, "id") == "x\ny");
  CHECK(t.text(1, "class").empty());
  CHECK(t.number<int>(0, "label") == 1);
  CHECK(t.number<double>(1, "label") == -2.5);
  CHECK(t.lines == std::vector<int>{3, 4, 6});
  CHECK(t.has("id"));
  CHECK_FALSE(t.has("ID"));
}

TEST_CASE("a written table reads back", "[io]") {
  const temporary_folder folder;
  aixcell::table t;
  t.columns = {GENERATE("a", "a,b")};
  t.rows = {{""}, {"\""}, {"1\r\n2"}, {"plain"}, {","}};
  write_csv(folder / "t.csv", t);
  const auto back = read_csv(folder / "t.csv");
  CHECK(back.columns == t.columns);
  CHECK(back.rows == t.rows);
  t.rows.push_back({"one", "too many"});
  CHECK_THROWS_AS(write_csv(folder / "u.csv", t), data_error);
  CHECK(folder.files() == 1);
}

TEST_CASE("damaged tables are refused with file and line", "[io]") {
  const auto message = [](std::string_view text) { return message_of<data_error>([&] { parse_csv(text, "c.csv"); }); };
  CHECK(contains(message("a,b\n1,2\n3\n"), "c.csv:3: expected 2 cells, found 1"));
  CHECK(contains(message("a,b\n1,\"2\n3\n"), "c.csv:2: a quote is opened"));
  CHECK(contains(message("a,b\n1,\"2\"x\n"), "c.csv:2: text behind a closing quote"));
  CHECK(contains(message("a,b\n1,2\"\n"), "c.csv:2: a quote inside a cell"));
  CHECK(contains(message("a,a\n"), "c.csv:1: column \"a\" occurs twice"));
  CHECK(contains(message(""), "c.csv: the table is empty"));
  const auto t = parse_csv("a,b\n1,2x\n", "c.csv");
  CHECK(contains(message_of<data_error>([&] { t.number<int>(0, "b"); }),
                 "c.csv:2: column b: expected a number, found \"2x\""));
  CHECK(contains(message_of<data_error>([&] { t.text(0, "c"); }), "expected a column \"c\", found a, b"));
}

}  // namespace aixcell::test
