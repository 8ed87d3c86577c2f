#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <aixcell/report/text.hpp>

namespace aixcell {

/// A number that belongs at the top: `AP at IoU 0.5`, `0.864`, `95 % interval 0.851 to 0.876`.
struct report_number {
  std::string name = {};
  std::string value = {};
  std::string detail = {};
};

struct report_row {
  std::string name = {};
  std::string value = {};
};

struct report_table {
  std::string title = {};
  std::vector<std::string> columns = {};
  std::vector<std::vector<std::string>> rows = {};  ///< the first cell names the row
  std::string note = {};
};

struct report_plot {
  std::string svg = {};  ///< one `<svg>` element, put into the page as it is; `to_svg` makes it
  std::string caption = {};
};

struct report_picture {
  std::vector<std::byte> png = {};  ///< the bytes of a PNG file
  std::string caption = {};
};

/// Pictures of one image, side by side.
struct report_figure {
  std::string title = {};
  std::vector<report_picture> pictures = {};
  std::string note = {};
};

/// What a report says, top to bottom; parts that are empty are left out. All text is plain and gets escaped.
struct report_content {
  std::string title = {};
  std::string subtitle = {};
  std::vector<report_number> numbers = {};
  std::vector<report_row> summary = {};
  std::vector<report_plot> plots = {};
  std::vector<report_table> tables = {};
  std::vector<report_figure> figures = {};
  std::vector<std::string> notes = {};  ///< a paragraph each
};

namespace detail {

/// RFC 4648, section 4.
inline std::string base64(const std::vector<std::byte>& bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t rest = bytes.size() - i;
    const unsigned group = std::to_integer<unsigned>(bytes[i]) << 16 |
                           (rest > 1 ? std::to_integer<unsigned>(bytes[i + 1]) << 8 : 0u) |
                           (rest > 2 ? std::to_integer<unsigned>(bytes[i + 2]) : 0u);
    text += digits[group >> 18];
    text += digits[group >> 12 & 63];
    text += rest > 1 ? digits[group >> 6 & 63] : '=';
    text += rest > 2 ? digits[group & 63] : '=';
  }
  return text;
}

inline constexpr std::string_view report_style = R"(
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2430;--soft:#5d6778;--line:#dfe3ea;--card:#f5f7fa;--accent:#2f7ed8}
@media (prefers-color-scheme:dark){:root{--paper:#14171c;--ink:#e4e8ee;--soft:#9aa5b5;--line:#2e3540;--card:#1c2128}}
*{box-sizing:border-box}
body{margin:0 auto;padding:40px 28px 64px;max-width:1180px;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:27px;line-height:1.25;margin:0;font-weight:650;letter-spacing:-.01em}
h2{font-size:18px;margin:44px 0 14px;font-weight:600}
h3{font-size:15px;margin:0 0 8px;font-weight:600}
.subtitle{color:var(--soft);margin:6px 0 0}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin-top:28px}
.number{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px}
.number .name{color:var(--soft);font-size:13px}
.number .value{font-size:28px;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
.number .detail{color:var(--soft);font-size:12.5px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:5px 26px;margin:28px 0 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:26px 30px;align-items:start}
.plots figure{margin:0}.plots svg{max-width:100%;height:auto;display:block}
figcaption,.note{color:var(--soft);font-size:13px;margin-top:5px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:5px 0 5px 30px;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{color:var(--soft);font-weight:500;border-bottom-width:2px}
.table,.example{margin-bottom:30px;break-inside:avoid}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,240px),1fr));gap:10px}
.pictures figure{margin:0}.pictures img{width:100%;display:block;border-radius:4px;background:#000}
@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#ccc;--card:#fff}body{padding:0;max-width:none;font-size:11pt}
h2{break-after:avoid}figure,.number{break-inside:avoid}.pictures{grid-template-columns:repeat(4,1fr)}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)";

/// `<tag class="name">text</tag>`, or nothing for an empty text.
inline std::string optional_element(std::string_view tag, std::string_view name, std::string_view text) {
  if (text.empty()) return {};
  const std::string open(tag);
  return "<" + open + (name.empty() ? "" : " class=\"" + std::string(name) + "\"") + ">" + escaped(text) + "</" + open +
         ">\n";
}

inline std::string table_html(const report_table& table) {
  std::string html =
      "<div class=\"table\">" + optional_element("h3", "", table.title) + "<div class=\"scroll\"><table><thead><tr>";
  for (const auto& column : table.columns) html += "<th>" + escaped(column) + "</th>";
  html += "</tr></thead><tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (const auto& cell : row) html += "<td>" + escaped(cell) + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>" + optional_element("p", "note", table.note) + "</div>\n";
}

inline std::string figure_html(const report_figure& figure) {
  std::string html =
      "<div class=\"example\">" + optional_element("h3", "", figure.title) + "<div class=\"pictures\">\n";
  for (const auto& picture : figure.pictures)
    html += "<figure><img alt=\"" + escaped(picture.caption) + "\" src=\"data:image/png;base64," + base64(picture.png) +
            "\">" + optional_element("figcaption", "", picture.caption) + "</figure>\n";
  return html + "</div>" + optional_element("p", "note", figure.note) + "</div>\n";
}

}  // namespace detail

/// One self-contained HTML page: no script, no other file; reads in light and dark and on paper.
inline std::string to_html(const report_content& report) {
  using namespace detail;
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>" +
      escaped(report.title) + "</title>\n<style>" + std::string(report_style) + "</style></head>\n<body>\n" + "<h1>" +
      escaped(report.title) + "</h1>\n" + optional_element("p", "subtitle", report.subtitle);
  if (!report.numbers.empty()) {
    html += "<div class=\"numbers\">\n";
    for (const auto& n : report.numbers)
      html += "<div class=\"number\">" + optional_element("div", "name", n.name) +
              optional_element("div", "value", n.value) + optional_element("div", "detail", n.detail) + "</div>\n";
    html += "</div>\n";
  }
  if (!report.summary.empty()) {
    html += "<dl>\n";
    for (const auto& row : report.summary)
      html += "<dt>" + escaped(row.name) + "</dt><dd>" + escaped(row.value) + "</dd>\n";
    html += "</dl>\n";
  }
  if (!report.plots.empty()) {
    html += "<h2>Curves</h2>\n<div class=\"plots\">\n";
    for (const auto& plot : report.plots)
      html += "<figure>" + plot.svg + optional_element("figcaption", "", plot.caption) + "</figure>\n";
    html += "</div>\n";
  }
  if (!report.tables.empty()) html += "<h2>Numbers</h2>\n";
  for (const auto& table : report.tables) html += table_html(table);
  if (!report.figures.empty()) html += "<h2>Images</h2>\n";
  for (const auto& figure : report.figures) html += figure_html(figure);
  if (!report.notes.empty()) html += "<h2>Notes</h2>\n";
  for (const auto& note : report.notes) html += optional_element("p", "", note);
  return html + "</body></html>\n";
}

}  // namespace aixcell
