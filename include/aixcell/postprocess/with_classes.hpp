#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/joined_names.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>

namespace aixcell {

/// An instance representation and, on top, a class for each object: every pixel votes with its class probabilities.
///   target   the representation's, then one channel: class of the pixel's object, -1 outside and where unknown
///   output   the representation's, then `classes` logits
template <Postprocess Instance>
struct with_classes {
  static_assert(Instance::solves == task::instance_segmentation, "with_classes needs a postprocess that finds objects");

  struct tail {
    static constexpr std::string_view name = "classes";
  };
  static constexpr std::string_view name = detail::joined_names<Instance, tail>::value;
  static constexpr task solves = task::instance_segmentation;
  static constexpr bool needs_object_classes = true;
  static constexpr int feature_channels = [] {
    if constexpr (requires { Instance::feature_channels; }) return Instance::feature_channels;
    return 0;
  }();

  Instance instance;
  int classes = 2;
  float class_weight = 1.0f;           ///< of the classes in the loss
  std::vector<float> weight_of_class;  ///< empty, or one per class: rare classes may count more

  int output_channels() const { return instance.output_channels() + classes; }
  int target_channels() const { return instance.target_channels() + 1; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    const label_map& labels = truth.labels;
    require_rank(name, 2, "a label map [H,W]", labels.shape());
    tensor<float> t({labels.extent(0), labels.extent(1), target_channels()});
    instance.write_target(ctx, labels, t, 0);
    for (index_t p = 0; p < labels.size(); ++p) {
      const std::int32_t label = labels[p];
      const bool known = label > 0 && static_cast<std::size_t>(label) <= truth.object_class.size();
      t[p * t.extent(2) + instance.target_channels()] =
          known ? static_cast<float>(truth.object_class[static_cast<std::size_t>(label) - 1]) : -1.0f;
    }
    return t;
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return instance.template add_loss<Real>(ctx, output, target, gradient, {}) +
           add_losses<Real>(ctx, class_terms({}), output, target, gradient);
  }

  auto class_terms(channel_offsets at) const {
    return std::tuple{loss_term{cross_entropy{.class_weights = weight_of_class},
                                channel_range{at.output + instance.output_channels(), classes},
                                at.target + instance.target_channels(), -1, static_cast<double>(class_weight)}};
  }
  auto loss_terms(channel_offsets at) const requires requires(const Instance& i) { i.loss_terms(at); }
  { return std::tuple_cat(instance.loss_terms(at), class_terms(at)); }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const {
    detail::require_output(name, output, output_channels());
    prediction found = instance.decode_at(ctx, output, 0);
    const auto n = static_cast<std::size_t>(classes);
    std::vector<double> votes(found.objects.size() * n, 0.0), probability(n);
    for (index_t p = 0; p < found.labels.size(); ++p) {
      if (found.labels[p] <= 0) continue;
      const float* logits = output.data() + p * output.extent(2) + instance.output_channels();
      detail::softmax(logits, classes, probability.data());
      double* vote = votes.data() + static_cast<std::size_t>(found.labels[p] - 1) * n;
      for (std::size_t c = 0; c < n; ++c) vote[c] += probability[c];
    }
    name_classes(votes, found);
    return found;
  }

  /// Classes of objects by the sums of their pixels' probabilities, [objects,classes].
  void name_classes(std::span<const double> votes, prediction& found) const {
    const auto n = static_cast<std::size_t>(classes);
    for (std::size_t i = 0; i < found.objects.size(); ++i) {
      detected_object& o = found.objects[i];
      const double* vote = votes.data() + i * n;
      double sum = 0;
      for (std::size_t c = 0; c < n; ++c) sum += vote[c];
      if (!(sum > 0)) continue;  // the logits are not finite
      for (std::size_t c = 0; c < n; ++c) o.class_probabilities.push_back(static_cast<float>(vote[c] / sum));
      o.object_class = static_cast<int>(std::max_element(vote, vote + n) - vote);
    }
  }

  template <class Dense>
  requires requires(const Instance i, Dense d, mirror m) { i.flip(d, m); }
  void flip(Dense dense, mirror m) const { instance.flip(dense, m); }
};

/// The tunables are those of the representation.
template <class Instance, class Function>
void for_each_hyperparameter(with_classes<Instance>& policy, Function&& f) {
  for_each_hyperparameter(policy.instance, f);
}

}  // namespace aixcell
