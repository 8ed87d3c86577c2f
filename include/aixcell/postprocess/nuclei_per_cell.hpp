#pragma once
#include <string>

#include <aixcell/data/cell_nuclei.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/interior_border.hpp>

namespace aixcell {

/// Cells and the nuclei inside them, found at once; a cell's class is the number of its nuclei: 0 mononuclear, 1
/// binuclear or more, -1 if none was found. A nucleus counts for the cell that covers most of it. For cardiomyocytes,
/// hepatocytes.
///   target   [H,W,2] interior/border classes of cells, then of nuclei
///   output   [H,W,6] logits of the same
struct nuclei_per_cell {
  static constexpr std::string_view name = "nuclei_per_cell";
  static constexpr task solves = task::instance_segmentation;
  static constexpr bool needs_nuclei = true;

  interior_border cells;
  interior_border nuclei{.border_width = 1.5f};

  int output_channels() const { return 2 * interior_border::channels; }
  int target_channels() const { return 2; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a label map [H,W]", truth.labels.shape());
    if (!truth.nuclei.empty()) require_shape("nuclei_per_cell: the nuclei", truth.labels.shape(), truth.nuclei.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), 2});
    cells.write_target(ctx, truth.labels, t, 0);
    if (!truth.nuclei.empty()) nuclei.write_target(ctx, truth.nuclei, t, 1);
    // Who did not look for cells at a pixel did not look for nuclei there.
    for (index_t p = 0; p < truth.labels.size(); ++p)
      if (truth.nuclei.empty() || truth.labels[p] < 0) t[2 * p + 1] = -1;
    return t;
  }

  auto loss_terms(channel_offsets at) const {
    return std::tuple_cat(cells.loss_terms(at),
                          nuclei.loss_terms({at.output + interior_border::channels, at.target + 1}));
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_losses<Real>(ctx, loss_terms({}), output, target, gradient);
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const {
    prediction found = cells.decode_at(ctx, output, 0);
    found.nuclei = nuclei.decode_at(ctx, output, interior_border::channels).labels;
    count_nuclei(found);
    return found;
  }

  /// Gives cells the number and the class of the nuclei inside them.
  static void count_nuclei(prediction& found) {
    const auto inside = nuclei_of_cells(found.labels, found.nuclei);
    for (std::size_t i = 0; i < found.objects.size(); ++i) {
      detected_object& cell = found.objects[i];
      cell.nuclei = static_cast<int>(inside[i].size());
      cell.object_class = std::min(cell.nuclei, 2) - 1;
    }
  }
};
static_assert(Postprocess<nuclei_per_cell>);

/// The tunables of both maps: `cells.seed_threshold`, `nuclei.seed_threshold`, ...
template <class Function>
void for_each_hyperparameter(nuclei_per_cell& policy, Function&& f) {
  const auto each = [&](const char* prefix, interior_border& map) {
    for_each_hyperparameter(map, [&](const auto& h, auto& value) {
      auto named = h;
      const std::string name = prefix + std::string(h.name);
      named.name = name;
      f(named, value);
    });
  };
  each("cells.", policy.cells);
  each("nuclei.", policy.nuclei);
}

}  // namespace aixcell
