#pragma once
#include <cmath>
#include <functional>

#include <aixcell/core/random.hpp>
#include <aixcell/metrics/interval.hpp>
#include <aixcell/report/html.hpp>
#include <aixcell/report/overlay.hpp>
#include <aixcell/report/svg.hpp>

namespace aixcell {

/// Drawn, not photographed: discs in two channels with one missed, one invented and one shifted object.
struct drawn_example {
  image picture;
  annotation truth;
  prediction predicted;
};
inline drawn_example draw_example(random_stream random) {
  constexpr index_t size = 160;
  drawn_example e;
  e.picture.pixels = tensor<float>({size, size, 2});
  e.truth.labels = label_map({size, size});
  e.predicted.labels = label_map({size, size});
  for (std::int32_t k = 1; k <= 12; ++k) {
    const float cy = random.uniform(10, size - 10), cx = random.uniform(10, size - 10), r = random.uniform(8, 15);
    const float shift = k == 3 ? 9.0f : random.uniform(0, 2);
    e.truth.object_class.push_back(static_cast<int>(random.below(2)));
    e.predicted.objects.emplace_back();
    e.predicted.objects.back().object_class = static_cast<int>(random.below(2));
    for (index_t y = 0; y < size; ++y)
      for (index_t x = 0; x < size; ++x) {
        const float dy = static_cast<float>(y) - cy, dx = static_cast<float>(x) - cx, d = std::hypot(dy, dx);
        if (d < r / 2) e.picture.pixels(y, x, 0) += 400;
        if (d < r) e.picture.pixels(y, x, 1) += 120 + 200 * (d / r);
        if (d < r && k != 5) e.truth.labels(y, x) = k;
        if (std::hypot(dy, dx - shift) < r && k != 7) e.predicted.labels(y, x) = k;
      }
  }
  for (auto& v : e.picture.pixels) v += 30 * random.uniform();
  return e;
}

/// A whole report from made-up numbers, and says so.
using png_encoder = std::function<std::vector<std::byte>(const rgb_picture&)>;
inline report_content example_report(const png_encoder& encode) {
  report_content r;
  r.title = "Mono- and binuclear cells <example>";
  r.subtitle = "All numbers and images on this page are invented: it shows what a report looks like.";
  r.numbers = {{"AP at IoU 0.5", "0.864", "95 % interval 0.851 to 0.876"},
               {"Panoptic quality", "0.771", "at IoU 0.5"},
               {"Class accuracy", "0.931", "95 % interval 0.902 to 0.952, 412 objects"},
               {"Training", duration_text(1145), "2 cores"}};
  r.summary = {{"Pipeline", "percentile+resnet18+unet+star_convex"},
               {"Data", "demo (120 training, 20 validation, 40 test images)"},
               {"Seed", "1"}};

  plot_series training{"training loss", {}, {}}, validation{"validation loss", {}, {}, line_style::dashed};
  plot_series metric{"validation AP", {}, {}};
  random_stream random(4);
  for (int epoch = 1; epoch <= 60; ++epoch) {
    const double x = epoch;
    training.x.push_back(x);
    training.y.push_back(0.2 + 1.1 * std::exp(-x / 9) + 0.02 * static_cast<double>(random.normal()));
    validation.x.push_back(x);
    validation.y.push_back(epoch == 20 ? std::nan("")
                                       : 0.28 + 1.0 * std::exp(-x / 9) + 0.001 * x +
                                             0.03 * static_cast<double>(random.normal()));
    metric.x.push_back(x);
    metric.y.push_back(0.86 * (1 - std::exp(-x / 8)) + 0.01 * static_cast<double>(random.normal()));
  }
  r.plots.push_back({to_svg(line_plot{.title = "Loss",
                                      .x_label = "epoch",
                                      .y_label = "loss",
                                      .series = {training, validation},
                                      .marks = {{47, "best"}}}),
                     "Validation loss is not measured in epoch 20."});
  r.plots.push_back({to_svg(line_plot{.title = "Validation",
                                      .x_label = "epoch",
                                      .y_label = "AP at IoU 0.5",
                                      .series = {metric},
                                      .y_range = plot_range{0, 1}}),
                     ""});
  plot_series ap{"average precision", {}, {}}, f1{"F1", {}, {}}, quality{"panoptic quality", {}, {}};
  report_table table{
      "Test set by IoU threshold", {"IoU", "AP", "precision", "recall", "F1"}, {}, "Pooled over images."};
  for (const double t : iou_thresholds) {
    const double value = 0.87 * std::sqrt(1 - std::pow((t - 0.4) / 0.6, 3));
    for (plot_series* s : {&ap, &f1, &quality}) s->x.push_back(t);
    ap.y.push_back(value);
    f1.y.push_back(2 * value / (1 + value));
    quality.y.push_back(0.9 * value);
    table.rows.push_back({fixed_text(t, 2), fixed_text(value, 3), fixed_text(0.9, 3), fixed_text(value, 3),
                          fixed_text(2 * value / (1 + value), 3)});
  }
  r.tables.push_back(table);
  r.plots.push_back({to_svg(line_plot{.title = "Quality by IoU threshold",
                                      .x_label = "IoU threshold",
                                      .y_label = "score",
                                      .series = {ap, f1, quality},
                                      .y_range = plot_range{0, 1}}),
                     ""});
  confusion_matrix classes(2);
  classes.add({0, 0}, 260);
  classes.add({0, 1}, 9);
  classes.add({1, 0}, 19);
  classes.add({1, 1}, 124);
  r.plots.push_back(
      {to_svg(confusion_plot{"Object classes", {"mononuclear", "binuclear"}, classes}), "Matched objects."});
  r.plots.push_back(
      {to_svg(bar_plot{"Candidates tried",
                       "validation AP",
                       {"resnet18+unet+star_convex", "plain+unet+interior_border", "resnet34+fpn+semantic"},
                       {0.861, 0.823, 0.640}}),
       ""});
  for (int k = 0; k < 2; ++k) {
    const drawn_example e = draw_example(random.child(static_cast<std::uint64_t>(k)));
    const comparison c = compare(e.picture.pixels, e.truth, e.predicted);
    r.figures.push_back({k == 0 ? "Best: drawn_07.png, AP 0.91" : "Worst: drawn_12.png, AP 0.42",
                         {{encode(c.picture), "image"},
                          {encode(c.truth), "truth"},
                          {encode(c.predicted), "prediction"},
                          {encode(c.errors), std::string(object_errors_legend)}},
                         ""});
  }
  r.notes = {"Intervals are Wilson score intervals."};
  return r;
}

}  // namespace aixcell
