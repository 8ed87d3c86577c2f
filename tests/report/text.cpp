#include <aixcell/report/text.hpp>
#include <limits>
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("numbers as text", "[report]") {
  CHECK(fixed_text(0.8567, 2) == "0.86");
  CHECK(fixed_text(-0.001, 2) == "0.00");
  CHECK(fixed_text(-1.5, 1) == "-1.5");
  CHECK(fixed_text(12, 0) == "12");
  CHECK(fixed_text(1e300, 3) == "1.000e+300");
  CHECK(fixed_text(std::nan(""), 2) == no_number);
  CHECK(number_text(0.00034) == "0.00034");
  CHECK(number_text(12.5) == "12.5");
  CHECK(number_text(3e-7) == "3e-07");
  CHECK(number_text(std::numeric_limits<double>::infinity()) == no_number);
}

TEST_CASE("durations as text", "[report]") {
  CHECK(duration_text(0.4) == "0 s");
  CHECK(duration_text(59.6) == "1 min 00 s");
  CHECK(duration_text(185) == "3 min 05 s");
  CHECK(duration_text(7620) == "2 h 07 min");
  CHECK(duration_text(-1) == no_number);
  CHECK(duration_text(std::nan("")) == no_number);
}

TEST_CASE("text that HTML may hold", "[report]") {
  CHECK(escaped("<a href=\"x\">R&D's</a>") == "&lt;a href=&quot;x&quot;&gt;R&amp;D&#39;s&lt;/a&gt;");
  CHECK(escaped("plain \u00b5m") == "plain \u00b5m");
  CHECK(escaped(std::string("a\0b\x1b", 4)) == "a b ");
}
