#include <aixcell/io/file.hpp>
#include "support.hpp"

namespace aixcell::test {

TEST_CASE("a written file reads back and leaves nothing beside it", "[io]") {
  const temporary_folder folder;
  write_file_atomically(folder / "a", std::string_view("first"));
  write_file_atomically(folder / "a", std::string_view("second, longer"));
  const auto bytes = read_file(folder / "a");
  CHECK(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == "second, longer");
  CHECK(read_file_head(folder / "a", 6).size() == 6);
  CHECK(read_file_head(folder / "a", 600).size() == bytes.size());
  CHECK(folder.files() == 1);
  write_file_atomically(folder / "empty", std::string_view());
  CHECK(read_file(folder / "empty").empty());
}

TEST_CASE("a failed write keeps the old file and leaves no part", "[io]") {
  const temporary_folder folder;
  std::filesystem::create_directories(folder / "taken/inside");
  CHECK(contains(message_of<io_error>([&] { write_file_atomically(folder / "taken", std::string_view("x")); }),
                 "taken: cannot be written"));
  CHECK(folder.files() == 1);
  CHECK(contains(message_of<io_error>([&] { write_file_atomically(folder / "no/file", std::string_view("x")); }),
                 "does the folder exist"));
}

TEST_CASE("what is no file is refused by name", "[io]") {
  const temporary_folder folder;
  CHECK(contains(message_of<io_error>([&] { read_file(folder.path()); }), "is a folder"));
  CHECK(contains(message_of<io_error>([&] { read_file(folder / "missing"); }), "missing: cannot be opened: No such"));
  CHECK(contains(message_of<io_error>([&] { read_file("/dev/null"); }), "not a regular file"));
}

}  // namespace aixcell::test
