#pragma once
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include <aixcell/io/file.hpp>

namespace aixcell {

/// A table with named columns; a row is as long as the header.
struct table {
  std::string name = "table";  ///< the file, for messages
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<int> lines;  ///< the line of the file where a row begins; empty for a table that was not read

  /// True if there is such a column.
  bool has(std::string_view column) const { return std::find(columns.begin(), columns.end(), column) != columns.end(); }

  /// Its position. Throws data_error naming the columns there are.
  std::size_t column(std::string_view wanted) const {
    const auto found = std::find(columns.begin(), columns.end(), wanted);
    if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
    std::string known;
    for (const std::string& c : columns) known += (known.empty() ? "" : ", ") + c;
    throw data_error(name + ": expected a column \"" + std::string(wanted) + "\", found " + known);
  }

  /// The text of a cell.
  const std::string& text(std::size_t row, std::string_view column_name) const {
    return rows.at(row)[column(column_name)];
  }

  /// A cell as a whole number or fraction. Throws data_error naming file, line and column if it is none.
  template <class Number>
  Number number(std::size_t row, std::string_view column_name) const {
    const std::string& cell = text(row, column_name);
    Number value{};
    const auto [end, failure] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (failure == std::errc{} && end == cell.data() + cell.size()) return value;
    const std::string line = row < lines.size() ? ":" + std::to_string(lines[row]) : "";
    throw data_error(name + line + ": column " + std::string(column_name) + ": expected a number, found \"" + cell +
                     "\"");
  }
};

/// Reads comma-separated values (RFC 4180): the first record names the columns; cells in double quotes may hold commas,
/// line breaks and, doubled, quotes. LF or CRLF; a byte-order mark and empty lines are skipped. Throws data_error with
/// `file` and line.
inline table parse_csv(std::string_view content, const std::string& file) {
  table result;
  result.name = file;
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  int line = 1;
  const auto fail = [&](int where, const std::string& what) {
    throw data_error(file + ":" + std::to_string(where) + ": " + what);
  };
  for (std::size_t at = 0; at < content.size();) {
    if (content[at] == '\n' || content[at] == '\r') {  // an empty line
      line += content[at++] == '\n';
      continue;
    }
    std::vector<std::string> record;
    const int first_line = line;
    for (bool more = true; more;) {
      std::string cell;
      if (at < content.size() && content[at] == '"') {
        for (++at;; ++at) {
          if (at == content.size()) fail(first_line, "a quote is opened and never closed");
          if (content[at] == '\n') ++line;
          if (content[at] == '"' && (at + 1 == content.size() || content[at + 1] != '"')) break;
          if (content[at] == '"') ++at;
          cell += content[at];
        }
        ++at;
        if (at < content.size() && content[at] != ',' && content[at] != '\n' && content[at] != '\r') {
          fail(line, "text behind a closing quote; write a quote inside quotes twice");
        }
      } else {
        const std::size_t end = std::min(content.find_first_of(",\n\r", at), content.size());
        cell = content.substr(at, end - at);
        at = end;
        if (cell.find('"') != cell.npos) fail(line, "a quote inside a cell; put the cell in quotes");
      }
      record.push_back(std::move(cell));
      more = at < content.size() && content[at] == ',';
      if (more) ++at;
    }
    if (at < content.size() && content[at] == '\r') ++at;
    if (at < content.size() && content[at] == '\n') ++at;
    ++line;
    if (result.columns.empty()) {
      result.columns = std::move(record);
      for (std::size_t i = 0; i < result.columns.size(); ++i) {
        const auto begin = result.columns.begin();
        if (std::find(begin, begin + static_cast<std::ptrdiff_t>(i), result.columns[i]) !=
            begin + static_cast<std::ptrdiff_t>(i)) {
          fail(first_line, "column \"" + result.columns[i] + "\" occurs twice");
        }
      }
      continue;
    }
    if (record.size() != result.columns.size()) {
      fail(first_line,
           "expected " + std::to_string(result.columns.size()) + " cells, found " + std::to_string(record.size()));
    }
    result.rows.push_back(std::move(record));
    result.lines.push_back(first_line);
  }
  if (result.columns.empty()) throw data_error(file + ": the table is empty, expected a header with column names");
  return result;
}

/// Reads a file. Throws io_error, data_error.
inline table read_csv(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return parse_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

/// The table as text, a line per row; cells are quoted where they must be. Throws data_error if a row is longer or
/// shorter than the header.
inline std::string encode_csv(const table& content) {
  std::string text;
  const auto append = [&](const std::vector<std::string>& record) {
    if (record.size() != content.columns.size()) {
      throw data_error(content.name + ": expected " + std::to_string(content.columns.size()) +
                       " cells in a row, found " + std::to_string(record.size()));
    }
    for (std::size_t i = 0; i < record.size(); ++i) {
      if (i > 0) text += ',';
      // A lone empty cell would be an empty line, which is skipped.
      const bool quoted =
          record[i].find_first_of(",\"\r\n") != std::string::npos || (record.size() == 1 && record[i].empty());
      if (!quoted) {
        text += record[i];
        continue;
      }
      text += '"';
      for (const char c : record[i]) text += c == '"' ? std::string("\"\"") : std::string(1, c);
      text += '"';
    }
    text += '\n';
  };
  append(content.columns);
  for (const auto& row : content.rows) append(row);
  return text;
}

/// Writes a file, all or nothing. Throws io_error, data_error.
inline void write_csv(const std::filesystem::path& path, const table& content) {
  write_file_atomically(path, encode_csv(content));
}

}  // namespace aixcell
