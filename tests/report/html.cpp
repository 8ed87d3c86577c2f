#include <aixcell/report/html.hpp>
#include "report/example_report.hpp"
#include "report/well_formed.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using Catch::Contains;

TEST_CASE("base64 of RFC 4648", "[report]") {
  const auto encoded = [](std::string_view text) {
    std::vector<std::byte> bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return detail::base64(bytes);
  };
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foobar") == "Zm9vYmFy");
  CHECK(detail::base64({std::byte{0xff}, std::byte{0xfe}, std::byte{0xfd}}) == "//79");
}

TEST_CASE("a report is one well-formed page", "[report]") {
  const std::string html = to_html(example_report([](const rgb_picture&) {
    return std::vector{std::byte{1}, std::byte{2}, std::byte{3}};
  }));
  CHECK(first_unbalanced_tag(html) == "");
  CHECK_THAT(html, Contains("binuclear cells &lt;example&gt;") && Contains("data:image/png;base64,AQID"));
  CHECK_THAT(html, Contains("<h2>Images</h2>") && Contains("<h2>Numbers</h2>") && Contains("<h2>Notes</h2>"));
  CHECK_THAT(html, !Contains("<script") && !Contains("<link") && !Contains("src=\"http") && !Contains("nan"));
}

TEST_CASE("an empty report has no empty parts", "[report]") {
  const std::string html = to_html({.title = "nothing"});
  CHECK(first_unbalanced_tag(html) == "");
  CHECK_THAT(html, !Contains("<h2>") && !Contains("<table") && !Contains("<dl>"));
}
