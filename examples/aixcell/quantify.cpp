#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include <aixcell/data/read_dataset.hpp>
#include <aixcell/io/any_image.hpp>
#include <aixcell/library/load_model.hpp>
#include <aixcell/pipeline/predict.hpp>
#include <aixcell/pipeline/stitch.hpp>
#include <aixcell/quantify/tile_layout.hpp>
#include <aixcell/report/html.hpp>
#include <aixcell/report/svg.hpp>

#include "aixcell_instances.hpp"
#include "cell_table.hpp"
#include "commands.hpp"
#include "device.hpp"
#include "found_images.hpp"
#include "object_classes.hpp"
#include "open_data.hpp"
#include "staged_folder.hpp"
#include "stop.hpp"

namespace aixcell::program {

namespace {

namespace fs = std::filesystem;

/// A field and the files with its tiles; an image of its own is a field with one tile.
struct field_files {
  std::string name;
  std::vector<std::pair<fs::path, tile_place>> tiles;
};

std::vector<field_files> fields_of(const std::vector<fs::path>& files, const acquisition& how,
                                   const quantify_arguments& a) {
  std::vector<field_files> fields;
  if (a.tiles.empty()) {
    for (const fs::path& file : files)
      fields.push_back({file.stem().string(), {{file, {file.stem().string(), "", 0, 0}}}});
    return fields;
  }
  std::map<std::string, fs::path> file_of;
  std::vector<std::string> ids;
  tile_sizes sizes;
  for (const fs::path& file : files) {
    ids.push_back(file.stem().string());
    file_of[ids.back()] = file;
    const image picture = read_image(file, how);
    sizes[ids.back()] = {picture.height(), picture.width()};
  }
  const std::vector<tile_place> places = a.tiles == "names" ? places_from_names(ids, a.overlap, sizes)
                                                            : places_from_table(read_csv(a.tiles), a.overlap, sizes);
  std::map<std::string, field_files> by_name;
  std::set<std::string> placed;
  for (const tile_place& place : places) {
    field_files& field = by_name[place.field];
    field.name = place.field;
    field.tiles.emplace_back(file_of.at(place.id), place);
    placed.insert(place.id);
  }
  for (const std::string& id : ids)
    if (!placed.contains(id))
      throw data_error(file_of[id].string() + ": has no place in " + a.tiles + "; add it there or leave it out");
  for (auto& [name, field] : by_name) fields.push_back(std::move(field));
  return fields;
}

/// The group of every field, by its name.
std::map<std::string, std::string> groups_of(const std::vector<field_files>& fields, const std::string& groups) {
  std::map<std::string, std::string> group;
  if (groups.find("{group}") != groups.npos) {
    for (const field_files& field : fields) {
      const auto found = group_from_name(groups, field.name);
      if (!found)
        throw data_error(field.name + ": does not fit --groups " + groups + "; mend the pattern or give a table");
      group[field.name] = *found;
    }
    return group;
  }
  if (groups.empty()) return group;
  const table rows = read_csv(groups);
  const char* key = rows.has("id") ? "id" : "image";
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const fs::path named = rows.text(i, key);
    group[named.string()] = group[named.stem().string()] = rows.text(i, "group");
  }
  for (const field_files& field : fields)
    if (!group.contains(field.name))
      throw data_error(groups + ": has no row for " + field.name + "; add it (columns " + key + ", group)");
  return group;
}

/// The class whose share is asked for.
int counted_class(const std::vector<std::string>& names, const std::string& wanted) {
  const auto at = std::find(names.begin(), names.end(), wanted.empty() ? "binuclear" : wanted);
  if (at != names.end()) return static_cast<int>(at - names.begin());
  if (wanted.empty()) return static_cast<int>(names.size()) - 1;
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  throw data_error("--count " + wanted + ": the model tells " + known);
}

/// Criteria for two nuclei of one cell, from annotated cells.
pair_criteria learn_pairs(context<cpu>& ctx, const std::string& data, int channels) {
  const dataset train = open_data(ctx, data).train;
  if (!train.has_nuclei())
    throw data_error(data + ": pairs are learned from cells with a folder nuclei/ beside masks/; there is none");
  if (train.channels != channels)
    throw data_error(data + ": has " + std::to_string(train.channels) + " channel(s), the model was trained on " +
                     std::to_string(channels) + "; brightness of nuclei would mean another thing");
  std::vector<known_pair> known;
  for (index_t i = 0; i < train.size(); ++i) {
    const example e = train.load(i);
    if (e.truth.nuclei.empty()) continue;
    const auto some = known_pairs(e.truth.labels, e.truth.nuclei, e.picture.pixels,
                                  background_level(e.truth.nuclei, e.picture.pixels, 0));
    known.insert(known.end(), some.begin(), some.end());
  }
  const pair_criteria learned = fit_pair_criteria(known);
  std::printf("pairs of nuclei: at most %s diameters apart, areas within %s, intensities within %s (from %zu pairs)\n",
              number_text(learned.distance).c_str(), number_text(learned.area).c_str(),
              number_text(learned.intensity).c_str(), known.size());
  return learned;
}

std::string percent(const interval& i) {
  return fixed_text(100 * i.estimate, 1) + " % [" + fixed_text(100 * i.low, 1) + ", " + fixed_text(100 * i.high, 1) +
         "]";
}

std::string shown_group(const std::string& group) { return group.empty() ? "all images" : group; }

bar_plot share_bars(const std::string& title, const std::string& counted) {
  return {.title = title, .x_label = "share of " + counted + " cells in %, 95 % interval", .range = plot_range{0, 100}};
}

void add_bar(bar_plot& plot, const std::string& name, const interval& share) {
  plot.names.push_back(name);
  plot.values.push_back(100 * share.estimate);
  plot.whiskers.push_back({100 * share.low, 100 * share.high});
}

report_table shown_table(const std::string& title, const table& content, const std::string& note = "") {
  return {title, content.columns, content.rows, note};
}

}  // namespace

void quantify(const quantify_arguments& arguments) {
  const std::vector<fs::path> files = image_files(arguments.images);
  context<cpu> ctx = context_for(arguments.compute);
  const loaded_model loaded = load_model(ctx, arguments.model, compiled_pipelines());
  loaded.model->freeze(ctx);
  const any_pipeline& model = *loaded.model;
  const acquisition how = arguments.acquired.over(loaded.card.acquired);
  const auto rule = stored_class_rule(loaded.card, arguments.model);
  if (model.solves() != task::instance_segmentation)
    throw data_error(arguments.model.string() +
                     ": tells no objects apart, so that none can be counted; fit a model of objects");

  quantity_names names{.channels = feature_channels(loaded.card.channel_names, model.setup().channels),
                       .classes = loaded.card.class_names,
                       .radius = arguments.radius,
                       .paired = arguments.pair_nuclei || !arguments.pairs_from.empty()};
  if (names.paired)
    names.classes = {"mononuclear", "binuclear"};
  else if (names.classes.empty())
    throw data_error(arguments.model.string() +
                     ": tells no classes of objects; fit with classes.csv or nuclei/, or, if it finds nuclei, let "
                     "--pair-nuclei take two close ones for a binuclear cell");
  const int counted = counted_class(names.classes, arguments.counted);
  const std::string& counted_name = names.classes[static_cast<std::size_t>(counted)];
  const std::vector<field_files> fields = fields_of(files, how, arguments);
  const auto group = groups_of(fields, arguments.groups);
  pair_criteria criteria;
  if (!arguments.pairs_from.empty()) criteria = learn_pairs(ctx, arguments.pairs_from, model.setup().channels);

  table objects = empty_objects(names);
  std::vector<image_count> images;
  report_content page;
  staged_folder out(arguments.out);
  for (const field_files& field : fields) {
    std::vector<image> pictures;
    std::vector<stitched_tile> tiles;
    std::vector<rectangle> where;
    std::vector<view<const float, cpu>> pixels_of;
    for (const auto& [file, place] : field.tiles) {
      throw_if_stopped("stopped; nothing was written");
      pictures.push_back(read_image(file, how));
      const image& picture = pictures.back();
      if (picture.channels() != model.setup().channels)
        throw data_error(file.string() + ": has " + std::to_string(picture.channels()) +
                         " channel(s), the model was trained on " + std::to_string(model.setup().channels) +
                         "; select the channels of the training images (--channels)");
      tiles.push_back({place.top, place.left, aixcell::predict(ctx, model, picture, {.mirrored = arguments.mirrored})});
      where.push_back({place.top, place.left, picture.height(), picture.width()});
    }
    for (const image& picture : pictures) pixels_of.push_back(picture.pixels);
    const bool whole = field.tiles.size() == 1;
    const tensor<float> pixels = whole ? pictures[0].pixels : stitch_pixels(where, pixels_of);
    prediction found = whole ? std::move(tiles[0].found) : stitch(tiles);
    if (rule && !names.paired) apply_class_rule(*rule, pixels, found);

    quantified_field measured{field.name, group.contains(field.name) ? group.at(field.name) : "",
                              pixels,     found,
                              {},         arguments.without_border};
    if (names.paired) {
      const auto nuclei = measure_regions(found.labels, pixels);
      measured.partner = pair_nuclei(nuclei, criteria, background_level(found.labels, pixels, 0));
      for (std::size_t i = 0; i < nuclei.size(); ++i)
        found.objects[static_cast<std::size_t>(nuclei[i].label) - 1].object_class = measured.partner[i] >= 0 ? 1 : 0;
    }
    images.push_back(add_objects(objects, names, measured));
    write_label_file(out.path() / (field.name + "_labels"), found.labels,
                     tiff_codec::recognises(read_file_head(field.tiles[0].first, 16)));
    const rgb_picture overlay = overlay_of(ctx, pixels, found, model.solves());
    write_png(out.path() / (field.name + "_overlay.png"), overlay);
    const image_count& count = images.back();
    const std::string share = percent(wilson_interval(count.share_of(counted)));
    std::printf("%s: %td cells, %s %s\n", field.name.c_str(), count.cells(), counted_name.c_str(), share.c_str());
    std::fflush(stdout);
    if (page.figures.size() < 12)
      page.figures.push_back(
          {field.name + ": " + std::to_string(count.cells()) + " cells, " + counted_name + " " + share,
           {{encode_png(overlay), ""}},
           ""});
  }

  quantity_options options{.counted_class = counted};
  if (rule && !names.paired) options.known_errors = rule->chosen().confusion;
  const std::vector<group_count> groups = count_groups(images, options);
  const std::vector<group_comparison> comparisons = compare_groups(images, options);
  const table counts = counts_table(images, names, counted), grouped = groups_table(groups, names),
              compared = comparisons_table(comparisons);
  write_csv(out.path() / "objects.csv", objects);
  write_csv(out.path() / "counts.csv", counts);
  write_csv(out.path() / "groups.csv", grouped);
  if (!comparisons.empty()) write_csv(out.path() / "comparisons.csv", compared);

  bar_plot by_group = share_bars("By group", counted_name), by_image = share_bars("By image", counted_name);
  for (const group_count& g : groups) {
    add_bar(by_group, shown_group(g.group), g.share.share);
    page.numbers.push_back({shown_group(g.group), fixed_text(100 * g.share.share.estimate, 1) + " % " + counted_name,
                            percent(g.share.share) + ", " + std::to_string(g.cells()) + " cells in " +
                                std::to_string(g.images) + " images"});
    std::printf("%s: %s %s of %td cells in %td images%s\n", shown_group(g.group).c_str(), counted_name.c_str(),
                percent(g.share.share).c_str(), g.cells(), g.images,
                g.corrected ? ("; without the errors of the classifier " + percent(*g.corrected)).c_str() : "");
  }
  for (const image_count& image : images)
    add_bar(by_image, image.group.empty() ? image.image : image.image + " (" + image.group + ")",
            wilson_interval(image.share_of(counted)));
  for (const group_comparison& c : comparisons)
    std::printf("%s - %s: %s, p = %s\n", shown_group(c.first).c_str(), shown_group(c.second).c_str(),
                percent(c.difference).c_str(), number_text(c.p_value).c_str());
  page.title = "Share of " + counted_name + " cells";
  page.subtitle = std::to_string(images.size()) + " images, " + loaded.model->name();
  page.plots = {{to_svg(by_group), "Images of a group vary more than chance: their intervals know that."},
                {to_svg(by_image), "Each image for itself."}};
  write_file_atomically(out.path() / "shares.svg", to_svg(by_group));
  page.tables = {
      shown_table("Groups", grouped,
                  "share: of the cells with a class. design_effect: how many times larger the variance is than "
                  "of independent cells. corrected: without the errors of the classifier, as measured on "
                  "validation images.")};
  if (!comparisons.empty())
    page.tables.push_back(shown_table("Differences", compared, "p_value: images permuted between the two groups."));
  page.tables.push_back(shown_table("Images", counts));
  if (rule && !names.paired)
    page.notes.push_back("Classes of objects are told by " +
                         std::string(class_source_names[static_cast<std::size_t>(rule->source)]) +
                         ", which was best on validation images.");
  write_file_atomically(out.path() / "summary.html", to_html(page));
  out.commit();
  std::printf(
      "%s holds objects.csv, counts.csv, groups.csv, summary.html, shares.svg, labels and overlays of %zu fields\n",
      arguments.out.c_str(), images.size());
}

}  // namespace aixcell::program
