#include <aixcell/report/svg.hpp>
#include "report/well_formed.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using Catch::Contains;

namespace {

std::vector<std::string> tick_texts(plot_range range, scale kind = scale::linear, double least_step = 0) {
  std::vector<std::string> texts;
  for (const auto& tick : detail::plot_axis(range, kind, least_step).ticks()) texts.push_back(tick.text);
  return texts;
}

void check_drawable(const std::string& svg) {
  CHECK(first_unbalanced_tag(svg) == "");
  CHECK_THAT(svg, !Contains("nan") && !Contains("inf\""));
}

}  // namespace

TEST_CASE("ticks are round numbers", "[report]") {
  CHECK(tick_texts({0, 1}) == std::vector<std::string>{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(tick_texts({1, 60}) == std::vector<std::string>{"10", "20", "30", "40", "50", "60"});
  CHECK(tick_texts({-0.03, 0.02}) == std::vector<std::string>{"-0.03", "-0.02", "-0.01", "0.00", "0.01", "0.02"});
  CHECK(tick_texts({1, 3}, scale::linear, 1) == std::vector<std::string>{"1", "2", "3"});
  CHECK(tick_texts({0.001, 100}, scale::logarithmic) ==
        std::vector<std::string>{"0.001", "0.01", "0.1", "1", "10", "100"});
  CHECK(tick_texts({0.1, 1}, scale::logarithmic) == std::vector<std::string>{"0.1", "0.2", "0.5", "1"});
  CHECK(tick_texts({5, 5}).size() >= 2);  // a constant still has an axis
  CHECK(tick_texts({1, -1}).size() >= 2);
}

TEST_CASE("a line plot", "[report]") {
  line_plot plot{.title = "a < b", .x_label = "epoch", .y_label = "loss & more"};
  plot.series.push_back({"first", {1, 2, 3, 4, 5}, {1, 2, std::nan(""), 4, INFINITY}});
  plot.series.push_back({"second", {1, 2}, {3, 4}, line_style::dashed});
  plot.marks.push_back({3, "best"});
  const std::string svg = to_svg(plot);
  check_drawable(svg);
  CHECK_THAT(svg, Contains("a &lt; b") && Contains("loss &amp; more") && Contains("best"));
  // The NaN interrupts the first line: two moves in its path.
  const auto path = svg.substr(svg.find("<path d=\""));
  const auto first = path.substr(0, path.find("\" fill"));
  CHECK(std::count(first.begin(), first.end(), 'M') == 2);
  CHECK(std::count(first.begin(), first.end(), 'L') == 1);

  plot.y_scale = scale::logarithmic;
  plot.series[0].y[0] = -1;
  check_drawable(to_svg(plot));
  plot.series[1].y.pop_back();
  CHECK_THROWS_WITH(to_svg(plot), Contains("series 'second'"));
}

TEST_CASE("a line goes through its points", "[report]") {
  const std::string svg = to_svg(line_plot{.series = {{"", {0, 10}, {0, 1}}}, .y_range = plot_range{0, 1}});
  // 620 wide, 62 left, 18 right; 14 above, 240 high
  CHECK_THAT(svg, Contains("d=\"M62.00 254.00L602.00 14.00\""));
}

TEST_CASE("plots of nothing", "[report]") {
  check_drawable(to_svg(line_plot{}));
  CHECK_THAT(to_svg(line_plot{}), Contains("no data"));
  check_drawable(to_svg(line_plot{.series = {{"one", {1}, {std::nan("")}}}}));
  check_drawable(to_svg(line_plot{.series = {{"zero", {0}, {0}}}, .y_scale = scale::logarithmic}));
  check_drawable(to_svg(bar_plot{}));
  check_drawable(to_svg(confusion_plot{}));
}

TEST_CASE("bars and matrices", "[report]") {
  const std::string bars = to_svg(bar_plot{"title", "x", {"a&b", "c"}, {0.5, std::nan("")}});
  check_drawable(bars);
  CHECK_THAT(bars, Contains("a&amp;b") && Contains("0.5"));
  CHECK_THROWS_AS(to_svg(bar_plot{"title", "x", {"a"}, {}}), shape_error);
  bar_plot with_whiskers{.names = {"a", "b"}, .values = {0.5, 0.4}, .whiskers = {{0.3, 0.6}, {0.2, std::nan("")}}};
  const auto lines = [](const std::string& svg) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = svg.find("<line", at)) != svg.npos; ++at) ++count;
    return count;
  };
  const std::size_t three_more = lines(to_svg(with_whiskers));  // the one that is not finite is left out
  check_drawable(to_svg(with_whiskers));
  with_whiskers.whiskers.pop_back();
  CHECK_THROWS_AS(to_svg(with_whiskers), shape_error);
  with_whiskers.whiskers.clear();
  CHECK(three_more == lines(to_svg(with_whiskers)) + 3);

  confusion_matrix matrix(2);
  matrix.add({0, 0}, 30);
  matrix.add({0, 1}, 10);
  const std::string svg = to_svg(confusion_plot{"", {"mono"}, matrix});
  check_drawable(svg);
  CHECK_THAT(svg, Contains("mono") && Contains("75.0 %") && Contains(">10<"));
}
