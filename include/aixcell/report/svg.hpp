#pragma once
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <aixcell/metrics/confusion.hpp>
#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/report/text.hpp>

namespace aixcell {

enum class line_style { solid, dashed };

/// Points in drawing order. Points that are not finite interrupt the line.
struct plot_series {
  std::string name = {};
  std::vector<double> x = {};
  std::vector<double> y = {};  ///< as many as x
  line_style style = line_style::solid;
};

/// A vertical line with a word, e.g. at the best epoch.
struct plot_mark {
  double x = 0;
  std::string text = {};
};

struct plot_range {
  double low = 0;
  double high = 1;
};

struct line_plot {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::vector<plot_series> series = {};
  std::vector<plot_mark> marks = {};
  std::optional<plot_range> x_range = {};  ///< from the data where not said
  std::optional<plot_range> y_range = {};
  scale y_scale = scale::linear;  ///< logarithmic: values <= 0 interrupt the line
};

struct bar_plot {
  std::string title = {};
  std::string x_label = {};
  std::vector<std::string> names = {};    ///< one bar each, from top to bottom
  std::vector<double> values = {};        ///< as many
  std::vector<plot_range> whiskers = {};  ///< as many, e.g. confidence intervals; or none
  std::optional<plot_range> range = {};   ///< from 0 to the largest value where not said
};

struct confusion_plot {
  std::string title = {};
  std::vector<std::string> classes = {};  ///< names; where missing, the number
  confusion_matrix matrix = {};
};

namespace detail {

/// Mid-tones that read on white and on black.
inline std::string series_colour(std::size_t i) {
  static constexpr const char* colours[] = {"#2f7ed8", "#e0732f", "#2a9d6f", "#c2478f",
                                            "#8a63d2", "#b08a00", "#4aa3b5"};
  return colours[i % std::size(colours)];
}

inline std::string svg_number(double value) { return fixed_text(std::isfinite(value) ? value : 0, 2); }

struct svg_text {
  double x = 0, y = 0;
  std::string_view anchor = "start";
  double size = 12;
  std::string_view attributes = "";
};
inline std::string text_element(const svg_text& where, std::string_view text) {
  return "<text x=\"" + svg_number(where.x) + "\" y=\"" + svg_number(where.y) + "\" text-anchor=\"" +
         std::string(where.anchor) + "\" font-size=\"" + svg_number(where.size) + "\"" + std::string(where.attributes) +
         ">" + escaped(text) + "</text>\n";
}

struct svg_line {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};
inline std::string line_element(const svg_line& l, std::string_view attributes) {
  return "<line x1=\"" + svg_number(l.x1) + "\" y1=\"" + svg_number(l.y1) + "\" x2=\"" + svg_number(l.x2) + "\" y2=\"" +
         svg_number(l.y2) + "\" stroke=\"currentColor\"" + std::string(attributes) + "/>\n";
}

inline std::string svg_start(double width, double height, std::string_view title) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + svg_number(width) + " " + svg_number(height) +
         "\" width=\"" + svg_number(width) + "\" height=\"" + svg_number(height) + "\" role=\"img\" aria-label=\"" +
         escaped(title) + "\" font-family=\"system-ui,sans-serif\" fill=\"currentColor\">\n";
}

/// Characters, counting those of several bytes once.
inline double text_width(std::string_view text, double size) {
  const auto letters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return 0.56 * size * static_cast<double>(letters);
}

/// Position along an axis, and its round numbers.
class plot_axis {
 public:
  struct tick {
    double value;
    std::string text;
  };

  /// `least_step`: ticks are no closer than this, 1 where values count something.
  plot_axis(plot_range range, scale kind, double least_step = 0)
      : kind_(kind), low_(range.low), high_(range.high), least_step_(least_step) {
    if (!(std::isfinite(low_) && std::isfinite(high_)) || (kind == scale::logarithmic && low_ <= 0)) {
      low_ = kind == scale::logarithmic ? 0.1 : 0;
      high_ = 1;
    }
    if (!(high_ > low_)) {  // one value: some room around it
      const double room = low_ != 0 ? 0.1 * std::abs(low_) : 1;
      high_ = low_ + room;
      if (kind == scale::linear) low_ -= room;
    }
  }

  bool shows(double value) const { return std::isfinite(value) && (kind_ == scale::linear || value > 0); }

  /// 0 at the low end, 1 at the high end.
  double share(double value) const {
    const double s =
        kind_ == scale::linear ? (value - low_) / (high_ - low_) : std::log(value / low_) / std::log(high_ / low_);
    return std::clamp(s, -0.02, 1.02);  // a range that the caller chose may cut the data
  }

  std::vector<tick> ticks() const { return kind_ == scale::linear ? linear_ticks() : logarithmic_ticks(); }

 private:
  std::vector<tick> linear_ticks() const {
    const double rough = (high_ - low_) / 5, power = std::pow(10.0, std::floor(std::log10(rough)));
    double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
    step = std::max(step, least_step_);
    const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
    const bool plain = std::max(std::abs(low_), std::abs(high_)) < 1e6 && decimals <= 6;
    std::vector<tick> all;
    for (double n = std::ceil(low_ / step - 1e-9); n * step <= high_ + 1e-9 * step && all.size() < 20; ++n)
      all.push_back({n * step, plain ? fixed_text(n * step, decimals) : number_text(n * step)});
    return all;
  }
  std::vector<tick> logarithmic_ticks() const {
    const double decades = std::log10(high_ / low_);
    const double stride = std::max(1.0, std::ceil(decades / 6));
    std::vector<tick> all;
    for (double e = std::floor(std::log10(low_)); e <= std::log10(high_) && all.size() < 20; e += stride)
      for (const double m : {1.0, 2.0, 5.0}) {
        const double value = m * std::pow(10.0, e);
        if ((m == 1 || decades < 2) && value >= low_ * (1 - 1e-9) && value <= high_ * (1 + 1e-9))
          all.push_back({value, number_text(value)});
      }
    return all;
  }

  scale kind_;
  double low_, high_, least_step_;
};

/// The range of what can be drawn; with room above and below on a linear axis when asked for.
inline plot_range data_range(const line_plot& plot, const std::vector<double> plot_series::*values, scale kind) {
  plot_range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const plot_series& s : plot.series)
    for (const double v : s.*values) {
      if (!std::isfinite(v) || (kind == scale::logarithmic && v <= 0)) continue;
      range.low = std::min(range.low, v);
      range.high = std::max(range.high, v);
    }
  return range;
}

}  // namespace detail

/// A line plot as one `<svg>` element, to be put into HTML or saved as a file. Text takes the colour of its
/// surroundings, so it reads on light and dark. Throws shape_error if a series has unequal numbers of x and y.
inline std::string to_svg(const line_plot& plot) {
  using namespace detail;
  for (const plot_series& s : plot.series)
    if (s.x.size() != s.y.size())
      throw_unequal_shapes("to_svg: series '" + s.name + "'", {static_cast<index_t>(s.x.size())},
                           {static_cast<index_t>(s.y.size())});

  constexpr double width = 620, left = 62, right = 18, bottom = 46, plot_height = 240;
  // Title, then the legend in as many lines as it needs, then the plot.
  double top = plot.title.empty() ? 14 : 34;
  std::string legend;
  double cursor = left;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const plot_series& s = plot.series[i];
    if (s.name.empty()) continue;
    const double needed = 30 + text_width(s.name, 12) + 16;
    if (cursor > left && cursor + needed > width - right) {
      cursor = left;
      top += 18;
    }
    legend += "<line x1=\"" + svg_number(cursor) + "\" y1=\"" + svg_number(top + 2) + "\" x2=\"" +
              svg_number(cursor + 22) + "\" y2=\"" + svg_number(top + 2) + "\" stroke=\"" + series_colour(i) +
              "\" stroke-width=\"2.5\"" + (s.style == line_style::dashed ? " stroke-dasharray=\"5 4\"" : "") + "/>\n" +
              text_element({.x = cursor + 29, .y = top + 6}, s.name);
    cursor += needed;
  }
  if (!legend.empty()) top += 20;
  if (!plot.marks.empty()) top += 14;
  const double base = top + plot_height, height = base + bottom;

  plot_range y_range = data_range(plot, &plot_series::y, plot.y_scale);
  if (plot.y_scale == scale::linear) {
    const double room = 0.05 * (y_range.high - y_range.low);
    y_range = {y_range.low >= 0 && y_range.low < 0.5 * y_range.high ? 0 : y_range.low - room, y_range.high + room};
  }
  bool whole_x = true;
  for (const plot_series& s : plot.series)
    for (const double x : s.x) whole_x = whole_x && x == std::floor(x);
  const plot_axis x_axis(plot.x_range.value_or(data_range(plot, &plot_series::x, scale::linear)), scale::linear,
                         whole_x ? 1 : 0);
  const plot_axis y_axis(plot.y_range.value_or(y_range), plot.y_scale);
  const auto x_at = [&](double x) { return left + x_axis.share(x) * (width - left - right); };
  const auto y_at = [&](double y) { return base - y_axis.share(y) * plot_height; };

  std::string svg = svg_start(width, height, plot.title) +
                    text_element({.x = left, .y = 20, .size = 14, .attributes = " font-weight=\"600\""}, plot.title) +
                    legend;
  for (const auto& tick : y_axis.ticks())
    svg += line_element({left, y_at(tick.value), width - right, y_at(tick.value)}, " stroke-opacity=\"0.13\"") +
           text_element({.x = left - 8, .y = y_at(tick.value) + 4, .anchor = "end"}, tick.text);
  for (const auto& tick : x_axis.ticks())
    svg += line_element({x_at(tick.value), base, x_at(tick.value), base + 4}, " stroke-opacity=\"0.5\"") +
           text_element({.x = x_at(tick.value), .y = base + 18, .anchor = "middle"}, tick.text);
  svg += line_element({left, base, width - right, base}, " stroke-opacity=\"0.5\"");
  svg += text_element({.x = (left + width - right) / 2, .y = base + 38, .anchor = "middle"}, plot.x_label);
  const std::string turned = " transform=\"rotate(-90 14 " + svg_number((top + base) / 2) + ")\"";
  svg += text_element({.x = 14, .y = (top + base) / 2, .anchor = "middle", .attributes = turned}, plot.y_label);
  for (const plot_mark& mark : plot.marks) {
    if (!x_axis.shows(mark.x)) continue;
    svg += line_element({x_at(mark.x), top, x_at(mark.x), base}, " stroke-opacity=\"0.45\" stroke-dasharray=\"3 3\"") +
           text_element({.x = x_at(mark.x), .y = top - 5, .anchor = "middle", .size = 11}, mark.text);
  }

  std::size_t drawn = 0;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const plot_series& s = plot.series[i];
    std::string path, dots;
    bool pen_down = false;
    for (std::size_t k = 0; k < s.x.size(); ++k) {
      const bool visible = x_axis.shows(s.x[k]) && y_axis.shows(s.y[k]);
      if (visible) {
        const std::string x = svg_number(x_at(s.x[k])), y = svg_number(y_at(s.y[k]));
        path += (pen_down ? "L" : "M") + x + " " + y;
        if (s.x.size() <= 25)
          dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"2.8\" fill=\"" + series_colour(i) + "\"/>";
        ++drawn;
      }
      pen_down = visible;
    }
    if (!path.empty())
      svg += "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + series_colour(i) +
             "\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-linecap=\"round\"" +
             (s.style == line_style::dashed ? " stroke-dasharray=\"5 4\"" : "") + "/>" + dots + "\n";
  }
  if (drawn == 0)
    svg += text_element({.x = (left + width - right) / 2, .y = (top + base) / 2, .anchor = "middle"}, "no data");
  return svg + "</svg>\n";
}

/// Horizontal bars with their values, one `<svg>` element. Throws shape_error unless there is a name for each value, and
/// a whisker for each or none.
inline std::string to_svg(const bar_plot& plot) {
  using namespace detail;
  if (plot.names.size() != plot.values.size())
    throw_unequal_shapes("to_svg: bar plot '" + plot.title + "'", {static_cast<index_t>(plot.names.size())},
                         {static_cast<index_t>(plot.values.size())});
  if (!plot.whiskers.empty() && plot.whiskers.size() != plot.values.size())
    throw_unequal_shapes("to_svg: whiskers of '" + plot.title + "'", {static_cast<index_t>(plot.values.size())},
                         {static_cast<index_t>(plot.whiskers.size())});
  constexpr double width = 620, row = 26, value_room = 64;
  double left = 40, largest = 0;
  for (const auto& name : plot.names) left = std::min(300.0, std::max(left, text_width(name, 12) + 18));
  for (const double v : plot.values)
    if (std::isfinite(v)) largest = std::max(largest, v);
  for (const plot_range& w : plot.whiskers)
    if (std::isfinite(w.high)) largest = std::max(largest, w.high);
  const double top = plot.title.empty() ? 10 : 36;
  const double base = top + row * static_cast<double>(plot.names.size());
  const plot_axis axis(plot.range.value_or(plot_range{0, largest}), scale::linear);

  std::string svg = svg_start(width, base + (plot.x_label.empty() ? 12 : 30), plot.title) +
                    text_element({.x = 4, .y = 20, .size = 14, .attributes = " font-weight=\"600\""}, plot.title);
  for (std::size_t i = 0; i < plot.names.size(); ++i) {
    const double y = top + row * static_cast<double>(i), v = plot.values[i];
    const double length = std::isfinite(v) ? std::clamp(axis.share(v), 0.0, 1.0) * (width - left - value_room) : 0;
    svg += text_element({.x = left - 8, .y = y + 17, .anchor = "end"}, plot.names[i]) + "<rect x=\"" +
           svg_number(left) + "\" y=\"" + svg_number(y + 4) + "\" width=\"" + svg_number(length) + "\" height=\"" +
           svg_number(row - 8) + "\" rx=\"2\" fill=\"" + series_colour(0) + "\"/>\n";
    double end = left + length;
    if (!plot.whiskers.empty() && std::isfinite(plot.whiskers[i].low) && std::isfinite(plot.whiskers[i].high)) {
      const auto at = [&](double value) {
        return left + std::clamp(axis.share(value), 0.0, 1.0) * (width - left - value_room);
      };
      const double low = at(plot.whiskers[i].low), high = at(plot.whiskers[i].high), middle = y + row / 2;
      svg += line_element({low, middle, high, middle}, " stroke-width=\"1.5\"") +
             line_element({low, middle - 4, low, middle + 4}, " stroke-width=\"1.5\"") +
             line_element({high, middle - 4, high, middle + 4}, " stroke-width=\"1.5\"");
      end = std::max(end, high);
    }
    svg += text_element({.x = end + 7, .y = y + 17}, number_text(v));
  }
  svg += line_element({left, top, left, base}, " stroke-opacity=\"0.5\"");
  svg += text_element({.x = (left + width - value_room) / 2, .y = base + 20, .anchor = "middle"}, plot.x_label);
  return svg + "</svg>\n";
}

/// A confusion matrix: true classes are rows, shade is the share of the row, numbers are counts. One `<svg>` element.
inline std::string to_svg(const confusion_plot& plot) {
  using namespace detail;
  const int classes = plot.matrix.classes();
  const auto name = [&](int c) {
    const auto i = static_cast<std::size_t>(c);
    return i < plot.classes.size() ? plot.classes[i] : std::to_string(c);
  };
  double left = 70;
  for (int c = 0; c < classes; ++c) left = std::max(left, text_width(name(c), 12) + 40);
  const double cell = std::clamp(420.0 / std::max(1, classes), 34.0, 92.0), top = plot.title.empty() ? 48 : 74;
  const double side = cell * classes;

  std::string svg =
      svg_start(std::max(left + side + 12, 260.0), top + side + 12, plot.title) +
      text_element({.x = 4, .y = 20, .size = 14, .attributes = " font-weight=\"600\""}, plot.title) +
      text_element({.x = left + side / 2, .y = top - 30, .anchor = "middle", .attributes = " opacity=\"0.7\""},
                   "predicted");
  const std::string turned = " opacity=\"0.7\" transform=\"rotate(-90 14 " + svg_number(top + side / 2) + ")\"";
  svg += text_element({.x = 14, .y = top + side / 2, .anchor = "middle", .attributes = turned}, "true");
  for (int t = 0; t < classes; ++t) {
    const index_t row_total = plot.matrix.scores(t).truth;
    svg += text_element({.x = left - 8, .y = top + cell * (t + 0.5) + 4, .anchor = "end"}, name(t)) +
           text_element({.x = left + cell * (t + 0.5), .y = top - 9, .anchor = "middle"}, name(t));
    for (int p = 0; p < classes; ++p) {
      const index_t count = plot.matrix.count({t, p});
      const double share = row_total ? static_cast<double>(count) / static_cast<double>(row_total) : 0;
      const double x = left + cell * p, y = top + cell * t;
      svg += "<rect x=\"" + svg_number(x + 1) + "\" y=\"" + svg_number(y + 1) + "\" width=\"" + svg_number(cell - 2) +
             "\" height=\"" + svg_number(cell - 2) + "\" rx=\"3\" fill=\"" + series_colour(t == p ? 0 : 1) +
             "\" fill-opacity=\"" + svg_number(0.06 + 0.74 * share) + "\"/>\n" +
             text_element({.x = x + cell / 2, .y = y + cell / 2 + (cell > 50 ? 0 : 4), .anchor = "middle"},
                          std::to_string(count));
      if (cell > 50 && row_total)
        svg += text_element({.x = x + cell / 2,
                             .y = y + cell / 2 + 16,
                             .anchor = "middle",
                             .size = 10.5,
                             .attributes = " opacity=\"0.75\""},
                            fixed_text(100 * share, 1) + " %");
    }
  }
  return svg + "</svg>\n";
}

}  // namespace aixcell
