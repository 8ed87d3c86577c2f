#pragma once
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <aixcell/data/tiles.hpp>
#include <aixcell/io/table.hpp>

namespace aixcell {

/// Where a tile image lies in its field.
struct tile_place {
  std::string id;     ///< file name without extension
  std::string field;  ///< the tiles of one field belong together
  index_t top = 0, left = 0;
};

/// A tile image whose name says field, row and column.
struct tile_name {
  std::string field;
  index_t row = 0, column = 0;
};

/// Reads names like `A01_r02_c03`: the field, then row and column, from 0 or 1. nullopt if a name is none.
inline std::optional<tile_name> parse_tile_name(std::string_view id) {
  const auto number_behind = [&](std::string_view mark, std::string_view text) -> std::optional<index_t> {
    if (!text.starts_with(mark)) return std::nullopt;
    index_t value = 0;
    const char *begin = text.data() + mark.size(), *last = text.data() + text.size();
    const auto [end, failure] = std::from_chars(begin, last, value);
    if (failure != std::errc{} || end != last || value < 0 || *begin == '-') return std::nullopt;
    return value;
  };
  const std::size_t column_at = id.rfind("_c"), row_at = column_at == id.npos ? id.npos : id.rfind("_r", column_at);
  if (row_at == id.npos || row_at == 0) return std::nullopt;
  const auto row = number_behind("_r", id.substr(row_at, column_at - row_at));
  const auto column = number_behind("_c", id.substr(column_at));
  if (!row || !column) return std::nullopt;
  return tile_name{std::string(id.substr(0, row_at)), *row, *column};
}

/// Heights and widths of tile images, by id.
using tile_sizes = std::map<std::string, shape>;

namespace detail {

inline const shape& size_of_tile(const tile_sizes& sizes, const std::string& id, const std::string& where) {
  const auto found = sizes.find(id);
  if (found == sizes.end())
    throw data_error(where + ": tile " + id + " has no image among those given; add it, or take it out of the table");
  return found->second;
}

struct grid_tile {
  std::string id;
  index_t row, column;
};

/// Places of a full grid of equal tiles that overlap by `overlap` pixels. Throws data_error if one is missing or twice there.
inline void place_grid(std::vector<tile_place>& places, const std::string& field, const std::vector<grid_tile>& tiles,
                       index_t overlap, const tile_sizes& sizes, const std::string& where) {
  index_t first_row = tiles[0].row, last_row = first_row, first_column = tiles[0].column, last_column = first_column;
  const shape& size = size_of_tile(sizes, tiles[0].id, where);
  std::map<std::pair<index_t, index_t>, std::string> at;
  for (const grid_tile& t : tiles) {
    first_row = std::min(first_row, t.row), last_row = std::max(last_row, t.row);
    first_column = std::min(first_column, t.column), last_column = std::max(last_column, t.column);
    const shape& own = size_of_tile(sizes, t.id, where);
    if (own[0] != size[0] || own[1] != size[1])
      throw data_error(where + ": tile " + t.id + " is " + std::to_string(own[0]) + "x" + std::to_string(own[1]) +
                       ", tile " + tiles[0].id + " of the same field is " + std::to_string(size[0]) + "x" +
                       std::to_string(size[1]) + "; tiles in rows and columns need one size, others need y and x");
    if (const auto [other, is_new] = at.try_emplace({t.row, t.column}, t.id); !is_new)
      throw data_error(where + ": tiles " + other->second + " and " + t.id + " are both at row " +
                       std::to_string(t.row) + ", column " + std::to_string(t.column) + " of field " + field);
  }
  if (overlap < 0 || overlap >= size[0] || overlap >= size[1])
    throw data_error(where + ": an overlap of " + std::to_string(overlap) + " pixels does not fit tiles of " +
                     std::to_string(size[0]) + "x" + std::to_string(size[1]) + "; it must be smaller than a tile");
  for (index_t row = first_row; row <= last_row; ++row)
    for (index_t column = first_column; column <= last_column; ++column)
      if (!at.contains({row, column}))
        throw data_error(where + ": field " + field + " has no tile at row " + std::to_string(row) + ", column " +
                         std::to_string(column) + "; add it, or give y and x for fields that are no full grid");
  for (const grid_tile& t : tiles)
    places.push_back(
        {t.id, field, (t.row - first_row) * (size[0] - overlap), (t.column - first_column) * (size[1] - overlap)});
}

}  // namespace detail

/// Places of tiles by their names (see parse_tile_name): all tiles of a field have one size and share `overlap` pixels with
/// their neighbours. Throws data_error for a name that says no place, a missing tile, an overlap that does not fit.
inline std::vector<tile_place> places_from_names(const std::vector<std::string>& ids, index_t overlap,
                                                 const tile_sizes& sizes) {
  std::map<std::string, std::vector<detail::grid_tile>> fields;
  for (const std::string& id : ids) {
    const auto name = parse_tile_name(id);
    if (!name)
      throw data_error(id +
                       ": expected a name like A01_r02_c03 (field, row, column); rename it or give a table of tiles");
    fields[name->field].push_back({id, name->row, name->column});
  }
  std::vector<tile_place> places;
  for (const auto& [field, tiles] : fields)
    detail::place_grid(places, field, tiles, overlap, sizes, "tiles of " + field);
  return places;
}

/// Places of tiles from a table with the columns id, field and
///   row, column [, overlap]   numbers of a full grid; overlap in pixels, one for a field (`default_overlap` without it), or
///   y, x                      offsets of the first pixel; the smallest of a field become 0
/// Throws data_error for columns that lack, tiles without image, an overlap that differs within a field or does not fit.
inline std::vector<tile_place> places_from_table(const table& rows, index_t default_overlap, const tile_sizes& sizes) {
  const bool grid = rows.has("row") && rows.has("column");
  if (!grid && !(rows.has("y") && rows.has("x")))
    throw data_error(rows.name + ": expected the columns id, field and row, column or y, x; found none of these pairs");
  if (rows.rows.empty()) throw data_error(rows.name + ": lists no tile");
  std::vector<tile_place> places;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < rows.rows.size(); ++i)
    if (const std::string& id = rows.text(i, "id"); !seen.insert(id).second)
      throw data_error(rows.name + ": tile " + id + " is listed twice");
  if (grid) {
    std::map<std::string, std::vector<detail::grid_tile>> fields;
    std::map<std::string, index_t> overlap;
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
      const std::string& field = rows.text(i, "field");
      fields[field].push_back({rows.text(i, "id"), rows.number<index_t>(i, "row"), rows.number<index_t>(i, "column")});
      const index_t own = rows.has("overlap") ? rows.number<index_t>(i, "overlap") : default_overlap;
      if (const auto [other, is_new] = overlap.try_emplace(field, own); !is_new && other->second != own)
        throw data_error(rows.name + ": field " + field + " has tiles with an overlap of " +
                         std::to_string(other->second) + " and of " + std::to_string(own) +
                         " pixels; give y and x where it is not everywhere the same");
    }
    for (const auto& [field, tiles] : fields)
      detail::place_grid(places, field, tiles, overlap.at(field), sizes, rows.name);
    return places;
  }
  std::map<std::string, std::pair<index_t, index_t>> first;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    tile_place place{rows.text(i, "id"), rows.text(i, "field"), rows.number<index_t>(i, "y"),
                     rows.number<index_t>(i, "x")};
    detail::size_of_tile(sizes, place.id, rows.name);
    const auto [at, is_new] = first.try_emplace(place.field, std::pair{place.top, place.left});
    at->second = {std::min(at->second.first, place.top), std::min(at->second.second, place.left)};
    places.push_back(std::move(place));
  }
  for (tile_place& place : places) {
    place.top -= first.at(place.field).first;
    place.left -= first.at(place.field).second;
  }
  return places;
}

}  // namespace aixcell
