#include "fit_story.hpp"

#include <numeric>
#include <set>

#include <aixcell/io/write_png.hpp>
#include <aixcell/metrics/balanced_accuracy.hpp>
#include <aixcell/report/html.hpp>
#include <aixcell/report/overlay.hpp>
#include <aixcell/report/svg.hpp>

namespace aixcell::program {

namespace {

/// An id as part of a file name.
std::string file_safe(std::string id) {
  for (char& c : id)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  return id;
}

std::string three(double value) { return fixed_text(value, 3); }

std::string range_text(const interval& i) { return "95 % interval " + three(i.low) + " to " + three(i.high); }

void add_numbers(report_content& page, const fit_story& s) {
  if (const confusion_matrix& counts = s.test.image_classes; counts.total() > 0) {
    const interval balanced = balanced_accuracy_interval(counts);
    page.numbers.push_back({"Balanced accuracy", three(balanced.estimate),
                            range_text(balanced) + ", " + std::to_string(counts.total()) + " test images"});
    const interval accuracy = wilson_interval({counts.correct(), counts.total()});
    page.numbers.push_back({"Accuracy", three(accuracy.estimate), range_text(accuracy)});
  }
  if (s.test.solves == task::image_classification) {
    page.numbers.push_back({"Macro F1", three(s.test.image_classes.macro_f1()), "mean over the classes"});
  } else if (s.test.solves == task::semantic_segmentation) {
    const semantic_scores pixels = scores_of(s.test.pixels);
    page.numbers.push_back({"Mean IoU", three(pixels.mean_iou), std::to_string(s.test_images) + " test images"});
    page.numbers.push_back({"Mean Dice", three(pixels.mean_dice), "pixel accuracy " + three(pixels.pixel_accuracy)});
  } else {
    const auto summary = s.test.objects.summary();
    page.numbers.push_back(
        {"AP at IoU 0.5", three(summary[0].pooled.average_precision),
         std::to_string(summary[0].counts.truth()) + " objects in " + std::to_string(s.test_images) + " test images"});
    page.numbers.push_back({"Mean AP, IoU 0.5 to 0.95", three(s.test.objects.mean_average_precision()),
                            "panoptic quality at 0.5: " + three(summary[0].pooled.panoptic_quality)});
    if (s.test.object_class_count > 0 && s.test.object_classes.matched > 0) {
      const interval accuracy = s.test.object_classes.among_matched();
      page.numbers.push_back(
          {"Class accuracy", three(accuracy.estimate),
           range_text(accuracy) + ", " + std::to_string(s.test.object_classes.matched) + " objects"});
    }
  }
  page.numbers.push_back({"Training", duration_text(s.training.seconds),
                          std::to_string(s.training.epochs) + " epochs, " + std::to_string(s.threads) + " threads"});
  page.numbers.push_back({"Prediction", fixed_text(s.prediction_ms, 0) + " ms", "an image, mirror images averaged"});
}

void add_summary(report_content& page, const fit_story& s) {
  page.summary = {{"Pipeline", s.pipeline},
                  {"Data set", s.data_name + (s.licence.empty() ? "" : ", licence " + s.licence)},
                  {"Images", std::to_string(s.training.training_images) + " to train on, " +
                                 std::to_string(s.training.validation_images) + " for validation, " +
                                 std::to_string(s.test_images) + " for the test" +
                                 (s.test_was_held_out ? " (held out by aixcell)" : "")}};
  page.summary.push_back({"Image size", std::to_string(s.fingerprint.median_width) + " x " +
                                            std::to_string(s.fingerprint.median_height) + " pixels (median), " +
                                            std::to_string(s.fingerprint.channels) + " channel(s)"});
  if (s.fingerprint.objects > 0) {
    const auto& diameter = s.fingerprint.diameter_percentiles;
    page.summary.push_back({"Objects", std::to_string(s.fingerprint.objects) + ", " +
                                           number_text(s.fingerprint.objects_per_image) + " in an image (median), " +
                                           fixed_text(100 * s.fingerprint.touching, 0) + " % touch another"});
    page.summary.push_back({"Object diameter", fixed_text(diameter[2], 0) + " pixels (median), " +
                                                   fixed_text(diameter[0], 0) + " to " + fixed_text(diameter[4], 0) +
                                                   " for 90 %"});
  }
  std::string of_classes;
  for (std::size_t c = 0; c < s.names.image_classes.size() && c < s.fingerprint.image_class_counts.size(); ++c)
    of_classes += (c ? ", " : "") + s.names.image_classes[c] + " " + number_text(s.fingerprint.image_class_counts[c]);
  if (!of_classes.empty()) page.summary.push_back({"Images by class", of_classes + " (to learn from)"});
  page.summary.push_back({"Background, noise", "unevenness " + fixed_text(s.fingerprint.background_unevenness, 3) +
                                                   ", noise " + fixed_text(s.fingerprint.noise, 3) +
                                                   " of the intensity range"});
}

/// `orange: mononuclear, light blue: binuclear`, the colours of report/overlay.hpp.
std::string class_legend(const std::vector<std::string>& names, std::size_t first) {
  static constexpr const char* colours[] = {"orange", "light blue", "green", "yellow", "pink", "red", "blue"};
  std::string text;
  for (std::size_t c = first; c < names.size(); ++c)
    text += (text.empty() ? "" : ", ") + std::string(colours[(c - first) % std::size(colours)]) + ": " + names[c];
  return text;
}

void add_curves(report_content& page, const fit_story& s) {
  plot_series loss{"training loss"}, validation{"validation score"};
  double best = -1, best_epoch = 0;
  for (const logged_epoch& e : s.epochs) {
    loss.x.push_back(e.epoch), loss.y.push_back(e.loss);
    validation.x.push_back(e.epoch), validation.y.push_back(e.validation);
    if (e.validation > best) best = e.validation, best_epoch = e.epoch;
  }
  const std::vector<plot_mark> marks =
      best >= 0 ? std::vector<plot_mark>{{best_epoch, "best"}} : std::vector<plot_mark>{};
  page.plots.push_back(
      {to_svg(line_plot{.title = "Loss", .x_label = "epoch", .y_label = "loss", .series = {loss}, .marks = marks}),
       "Mean over the epoch."});
  page.plots.push_back({to_svg(line_plot{.title = "Validation",
                                         .x_label = "epoch",
                                         .y_label = "score",
                                         .series = {validation},
                                         .marks = marks,
                                         .y_range = plot_range{0, 1}}),
                        "Of the averaged weights; the weights of the best epoch are kept."});
  if (s.test.image_classes.total() > 0)
    page.plots.push_back({to_svg(confusion_plot{"Classes of images", s.names.image_classes, s.test.image_classes}),
                          "Test images."});
  if (s.test.solves == task::instance_segmentation) {
    plot_series ap{"average precision"}, f1{"F1"}, quality{"panoptic quality"};
    report_table table{"Test set by IoU threshold",
                       {"IoU", "AP", "precision", "recall", "F1", "panoptic quality"},
                       {},
                       "All objects pooled."};
    for (const dataset_match_scores& at : s.test.objects.summary()) {
      for (plot_series* series : {&ap, &f1, &quality}) series->x.push_back(at.threshold);
      ap.y.push_back(at.pooled.average_precision);
      f1.y.push_back(at.pooled.f1);
      quality.y.push_back(at.pooled.panoptic_quality);
      table.rows.push_back({fixed_text(at.threshold, 2), three(at.pooled.average_precision), three(at.pooled.precision),
                            three(at.pooled.recall), three(at.pooled.f1), three(at.pooled.panoptic_quality)});
    }
    page.plots.push_back({to_svg(line_plot{.title = "Quality by IoU threshold",
                                           .x_label = "IoU threshold",
                                           .y_label = "score",
                                           .series = {ap, f1, quality},
                                           .y_range = plot_range{0, 1}}),
                          "Test images."});
    page.tables.push_back(std::move(table));
    if (s.test.object_class_count > 0 && s.test.object_classes.matched > 0)
      page.plots.push_back({to_svg(confusion_plot{"Object classes", s.names.classes, s.test.object_classes.confusion}),
                            "Objects that were found, test images."});
  } else if (s.test.solves == task::semantic_segmentation) {
    page.plots.push_back(
        {to_svg(confusion_plot{"Pixel classes", s.names.classes, s.test.pixels}), "Pixels of the test images."});
  }
}

std::string score_note(task t) {
  switch (t) {
    case task::semantic_segmentation:
      return "The score of an image is its mean IoU over the classes.";
    case task::image_classification:
      return "The score of an image is the probability of its true class, all classes thought equally frequent. Balanced "
             "accuracy is the mean recall of the classes; its interval combines the Wilson intervals of the recalls.";
    default:
      return "The score of an image is its average precision, averaged over the IoU thresholds 0.5 to 0.95. AP is "
             "tp / (tp + fp + fn) with objects matched one to one; panoptic quality follows Kirillov et al. 2019.";
  }
}

/// `truth G1, found S (0.62)`, empty where images have no classes.
std::string image_class_text(const std::vector<std::string>& names, const annotation& truth, const prediction& found) {
  const auto name = [&](int c) {
    return c >= 0 && c < std::ssize(names) ? names[static_cast<std::size_t>(c)] : std::string("unknown");
  };
  if (names.empty()) return "";
  std::string text = "truth " + name(truth.image_class) + ", found " + name(found.image_class);
  if (found.image_class >= 0)
    text += " (" + three(static_cast<double>(
                       found.image_class_probabilities[static_cast<std::size_t>(found.image_class)])) + ")";
  return text;
}

void add_trials(report_content& page, const fit_story& s) {
  if (s.trials.empty()) return;
  report_table tried{"Pipelines tried",
                     {"pipeline", "rounds", "seconds", "validation", "predicted latency", "predicted memory", "why"},
                     {},
                     "Successive halving: the better half of each round went on, the best was trained to the end."};
  for (const trial& t : s.trials) {
    std::string latency, memory;
    for (const candidate& c : s.candidates)
      if (c.pipeline->name == t.pipeline) {
        latency = fixed_text(c.latency_ms, 0) + " ms";
        memory = fixed_text(c.training_bytes / 0x1p20, 0) + " MiB";
      }
    tried.rows.push_back({t.pipeline, std::to_string(t.rounds), fixed_text(t.seconds, 0), three(t.validation), latency,
                          memory, t.reason});
  }
  page.tables.push_back(std::move(tried));
}

}  // namespace

std::vector<shown_image> choose_shown(const std::vector<double>& scores) {
  constexpr std::size_t each = 3;
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  std::vector<shown_image> shown;
  std::set<std::size_t> taken;
  const auto take = [&](const char* kind, std::size_t rank) {
    if (taken.insert(rank).second) shown.push_back({kind, static_cast<index_t>(order[rank]), scores[order[rank]]});
  };
  const std::size_t n = order.size();
  for (std::size_t k = 0; k < std::min(each, n); ++k) take("worst", k);
  for (std::size_t k = 0; k < std::min(each, n); ++k) take("best", n - 1 - k);
  for (std::size_t k = 1; k <= each && n > 2 * each; ++k) take("some", k * n / (each + 1));
  return shown;
}

void write_report(context<cpu>& ctx, const any_pipeline& model, const dataset& test, const fit_story& story,
                  const std::vector<shown_image>& shown, const std::filesystem::path& folder) {
  report_content page;
  page.title = "aixcell: " + story.data_name;
  page.subtitle = "How well " + story.pipeline + " does on images it has never seen.";
  add_numbers(page, story);
  add_summary(page, story);
  add_curves(page, story);
  add_trials(page, story);

  const bool semantic = model.solves() == task::semantic_segmentation;
  const std::string classes = semantic                            ? class_legend(story.names.classes, 1)
                              : story.test.object_class_count > 0 ? class_legend(story.names.classes, 0)
                                                                  : "";
  const std::string legend = classes.empty() ? "" : " (" + classes + ")";
  std::filesystem::create_directory(folder / "overlays");
  std::map<std::string, int> count;
  for (const shown_image& s : shown) {
    example e = test.load(s.position);
    as_pixel_classes(e.truth, model);
    prediction found = predict(ctx, model, e.picture, {.mirrored = true});
    if (story.refine) story.refine(e.picture, found);
    const std::string id = test.samples[static_cast<std::size_t>(s.position)].id;
    const std::filesystem::path file =
        folder / "overlays" / (s.kind + "_" + std::to_string(++count[s.kind]) + "_" + file_safe(id) + ".png");
    std::string kind = s.kind;
    kind[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(kind[0])));
    const std::string title = kind + ": " + id + ", score " + three(s.score);
    const std::string of_image = image_class_text(story.names.image_classes, e.truth, found);
    if (model.solves() == task::image_classification) {
      const rgb_picture shown_picture = enlarged(display(e.picture.pixels), 160);
      write_png(file, shown_picture);
      page.figures.push_back({title, {{encode_png(shown_picture), of_image}}, ""});
      continue;
    }
    const comparison c = compare(e.picture.pixels, e.truth, found, {.task = model.solves()});
    write_png(file, c.panel());
    page.figures.push_back(
        {title,
         {{encode_png(c.picture), "image" + (of_image.empty() ? "" : ": " + of_image)},
          {encode_png(c.truth), "truth" + legend},
          {encode_png(c.predicted), "prediction" + legend},
          {encode_png(c.errors), std::string(semantic ? class_errors_legend : object_errors_legend)}},
         ""});
  }
  page.notes = {
      score_note(model.solves()),
      "Predictions are averages over each image and its three mirror images. Intervals of accuracies are Wilson score "
      "intervals. Test images took no part in training or in any choice."};
  write_file_atomically(folder / "report.html", to_html(page));
}

}  // namespace aixcell::program
