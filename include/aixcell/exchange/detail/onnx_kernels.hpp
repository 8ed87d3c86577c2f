#pragma once
#include <cmath>
#include <functional>

#include <aixcell/core/trace.hpp>
#include <aixcell/exchange/detail/onnx_builder.hpp>
#include <aixcell/kernels/cpu/normalisation.hpp>

namespace aixcell::detail {

/// Translates the kernels of a trace to ONNX, one after the other: activations [N,H,W,C] become [N,C,H,W], filters
/// [K,R,S,C] become [K,C,R,S]. What depends on parameters alone (a normalisation folded into a filter) is computed here, by
/// the CPU twins of the kernels; what remains are operators of the graph.
class onnx_kernels {
 public:
  /// `parameter(name)` gives the values of the model, which outlive this.
  onnx_kernels(onnx_builder& to, const trace& from, const std::string& input,
               const std::function<const tensor<float>&(const std::string&)>& parameter)
      : to_(to), trace_(from), values_(static_cast<std::size_t>(from.values)) {
    for (const auto& [value, name] : from.parameters) at(value) = parameter(name);
    at(from.input) = input;
  }

  /// Adds all nodes; returns the name of the network's output.
  std::string translate() {
    for (const recorded_kernel& k : trace_.kernels) translate(k);
    return graph_name(at(trace_.output), "output");
  }

 private:
  /// The mean and variance that the channels of a group share, on their way from the sums to the coefficients of a group
  /// normalisation: ONNX has one operator for all of it.
  struct group_statistics {
    int of = -1;  ///< the value that is normalised
    index_t channels = 1;
    std::string weight_name;
    tensor<float> weight, bias;
    float epsilon = 0;
  };
  /// What a value of the trace has become: known elements, a value of the graph, or statistics of one.
  using translated = std::variant<std::monostate, tensor<float>, std::string, group_statistics>;

  translated& at(int value) { return values_[static_cast<std::size_t>(value)]; }
  static std::string graph_name(const translated& v, std::string_view kernel) {
    if (const auto* name = std::get_if<std::string>(&v)) return *name;
    throw not_available("ONNX export: kernel " + std::string(kernel) +
                        " works on parameters where images were expected; it needs a translation of its own");
  }

  // Operands of the kernel that is being translated.
  std::string image(const recorded_kernel& k, std::size_t i) { return graph_name(at(k.inputs[i].value), k.name); }
  bool has(const recorded_kernel& k, std::size_t i) const { return k.inputs[i].value >= 0; }
  const tensor<float>& constant(const recorded_kernel& k, std::size_t i) {
    if (const auto* t = std::get_if<tensor<float>>(&at(k.inputs[i].value))) return *t;
    throw not_available("ONNX export: kernel " + std::string(k.name) +
                        " has a filter or factor that is computed from "
                        "the image; it needs a translation of its own");
  }
  /// The name of the parameter that operand i is, else `otherwise`.
  std::string parameter_name(const recorded_kernel& k, std::size_t i, const std::string& otherwise) const {
    const auto found = trace_.parameters.find(k.inputs[i].value);
    return found == trace_.parameters.end() ? otherwise : found->second;
  }
  static std::span<const float> elements(const tensor<float>& t) {
    return {t.data(), static_cast<std::size_t>(t.size())};
  }
  static std::int64_t whole(const recorded_kernel& k, std::string_view name) {
    return static_cast<std::int64_t>(k.attribute(name));
  }
  static activation act_of(const recorded_kernel& k) { return static_cast<activation>(whole(k, "act")); }
  void result(const recorded_kernel& k, translated value) { at(k.outputs[0].value) = std::move(value); }

  void translate(const recorded_kernel& k) {
    using rule = void (onnx_kernels::*)(const recorded_kernel&);
    static constexpr std::pair<std::string_view, rule> rules[] = {
        {"zeros", &onnx_kernels::zeros},
        {"accumulate", &onnx_kernels::accumulate},
        {"apply_activation", &onnx_kernels::apply_activation},
        {"concatenate_channels", &onnx_kernels::concatenate_channels},
        {"add_bias", &onnx_kernels::add_bias},
        {"spatial_mean", &onnx_kernels::spatial_mean},
        {"gate_channels", &onnx_kernels::gate_channels},
        {"conv2d", &onnx_kernels::conv2d},
        {"conv2d_backward_data", &onnx_kernels::conv2d_backward_data},
        {"crop", &onnx_kernels::crop},
        {"adaptive_average", &onnx_kernels::adaptive_average},
        {"layer_norm", &onnx_kernels::layer_norm},
        {"to_patches", &onnx_kernels::to_patches},
        {"upsample", &onnx_kernels::upsample},
        {"max_pool2d", &onnx_kernels::max_pool2d},
        {"average_pool2d", &onnx_kernels::average_pool2d},
        {"channel_sums", &onnx_kernels::channel_sums},
        {"normalisation_moments", &onnx_kernels::normalisation_moments},
        {"normalisation_coefficients", &onnx_kernels::normalisation_coefficients},
        {"scale_shift_activate", &onnx_kernels::scale_shift_activate},
    };
    for (const auto& [name, translation] : rules)
      if (name == k.name) return (this->*translation)(k);
    throw not_available("ONNX export: kernel " + std::string(k.name) +
                        " has no translation; exchange/detail/onnx_kernels.hpp is where one belongs");
  }

  void zeros(const recorded_kernel& k) { result(k, tensor<float>(k.outputs[0].shape)); }
  void accumulate(const recorded_kernel& k) { result(k, to_.node("Add", {image(k, 0), image(k, 1)})); }
  void apply_activation(const recorded_kernel& k) { result(k, to_.activated(act_of(k), image(k, 0))); }
  void concatenate_channels(const recorded_kernel& k) {
    result(k, to_.node("Concat", {image(k, 0), image(k, 1)}, {{"axis", std::int64_t{1}}}));
  }
  void spatial_mean(const recorded_kernel& k) { result(k, to_.node("GlobalAveragePool", {image(k, 0)})); }
  void gate_channels(const recorded_kernel& k) { result(k, to_.node("Mul", {image(k, 0), image(k, 1)})); }

  void add_bias(const recorded_kernel& k) {
    const std::string y = image(k, 1), name = parameter_name(k, 0, "bias");
    const tensor<float>& bias = constant(k, 0);
    // The kernel works in place, so nobody else reads the value before: a convolution can take the bias along.
    onnx_node* last = to_.graph.nodes.empty() ? nullptr : &to_.graph.nodes.back();
    if (last && last->op == "ConvTranspose" && last->outputs[0] == y && last->inputs.size() == 2) {
      last->inputs.push_back(to_.floats(name, {bias.size()}, {bias.begin(), bias.end()}));
      return result(k, y);
    }
    result(k, to_.node("Add", {y, to_.by_channel(name, elements(bias))}));
  }

  /// A filter [K,R,S,C] as [K,C,R,S], filter k times scale[k]. Its extents are those that the kernel sees: a matrix is
  /// stored as [K,C].
  std::string filter(const recorded_kernel& k, std::span<const float> scale) {
    const tensor<float>& from = constant(k, 1);
    const shape& seen = k.inputs[1].shape;
    const index_t count = seen[0], taps = seen[1] * seen[2], channels = seen[3];
    std::vector<float> out(static_cast<std::size_t>(from.size()));
    for (index_t i = 0; i < count; ++i)
      for (index_t t = 0; t < taps; ++t)
        for (index_t c = 0; c < channels; ++c)
          out[static_cast<std::size_t>((i * channels + c) * taps + t)] =
              from[(i * taps + t) * channels + c] * (scale.empty() ? 1.0f : scale[static_cast<std::size_t>(i)]);
    return to_.floats(parameter_name(k, 1, "filter"), {count, channels, seen[1], seen[2]},
                      std::move(out));
  }

  static std::map<std::string, onnx_attribute> geometry(const recorded_kernel& k) {
    const std::int64_t stride = whole(k, "stride"), padding = whole(k, "padding"), dilation = whole(k, "dilation");
    return {{"kernel_shape", int64s{k.inputs[1].shape[1], k.inputs[1].shape[2]}},
            {"strides", int64s{stride, stride}},
            {"pads", int64s{padding, padding, padding, padding}},
            {"dilations", int64s{dilation, dilation}},
            {"group", whole(k, "groups")}};
  }

  void conv2d(const recorded_kernel& k) {
    std::vector<std::string> inputs{image(k, 0),
                                    filter(k, has(k, 3) ? elements(constant(k, 3)) : std::span<const float>{})};
    if (has(k, 2)) {
      const tensor<float>& bias = constant(k, 2);
      inputs.push_back(
          to_.floats(parameter_name(k, 2, inputs[1] + ".shift"), {bias.size()}, {bias.begin(), bias.end()}));
    }
    std::string y = to_.node("Conv", std::move(inputs), geometry(k));
    if (has(k, 4)) y = to_.node("Add", {y, image(k, 4)});
    result(k, to_.activated(act_of(k), y));
  }

  /// The adjoint of a convolution as a layer: the transposed convolution.
  void conv2d_backward_data(const recorded_kernel& k) {
    auto attributes = geometry(k);
    const shape &x = k.inputs[0].shape, &y = k.outputs[0].shape, &taps = k.inputs[1].shape;
    const std::int64_t stride = whole(k, "stride"), padding = whole(k, "padding"), dilation = whole(k, "dilation");
    const auto beyond = [&](int axis) {
      return y[axis] - ((x[axis] - 1) * stride + (taps[axis] - 1) * dilation + 1 - 2 * padding);
    };
    attributes["output_padding"] = int64s{beyond(1), beyond(2)};
    result(k, to_.node("ConvTranspose", {image(k, 0), filter(k, {})}, std::move(attributes)));
  }

  void crop(const recorded_kernel& k) {
    const shape& y = k.outputs[0].shape;
    const std::string size = std::to_string(y[1]) + "x" + std::to_string(y[2]);
    result(k, to_.node("Slice", {image(k, 0), to_.integers("corner", {0, 0}),
                                 to_.integers("crop_" + size, {y[1], y[2]}), to_.integers("image_axes", {2, 3})}));
  }

  /// Means over a grid of cells: along each axis a product with a matrix whose row i has equal shares in cell i.
  void adaptive_average(const recorded_kernel& k) {
    const shape &x = k.inputs[0].shape, &y = k.outputs[0].shape;
    if (y[1] == 1 && y[2] == 1) return spatial_mean(k);
    const auto shares = [](index_t cells, index_t extent, bool transposed) {
      std::vector<float> m(static_cast<std::size_t>(cells * extent), 0.0f);
      for (index_t i = 0; i < cells; ++i) {
        const index_t begin = i * extent / cells, end = ((i + 1) * extent + cells - 1) / cells;
        for (index_t p = begin; p < end; ++p)
          m[static_cast<std::size_t>(transposed ? p * cells + i : i * extent + p)] =
              1.0f / static_cast<float>(end - begin);
      }
      return m;
    };
    const std::string rows = to_.floats("row_cells", {y[1], x[1]}, shares(y[1], x[1], false));
    const std::string columns = to_.floats("column_cells", {x[2], y[2]}, shares(y[2], x[2], true));
    result(k, to_.node("MatMul", {to_.node("MatMul", {rows, image(k, 0)}), columns}));
  }

  void layer_norm(const recorded_kernel& k) {
    const tensor<float>&weight = constant(k, 1), &bias = constant(k, 2);
    const std::string last = to_.node("Transpose", {image(k, 0)}, {{"perm", int64s{0, 2, 3, 1}}});
    const std::string y = to_.node(
        "LayerNormalization",
        {last, to_.floats(parameter_name(k, 1, "norm.weight"), {weight.size()}, {weight.begin(), weight.end()}),
         to_.floats(parameter_name(k, 2, "norm.bias"), {bias.size()}, {bias.begin(), bias.end()})},
        {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<float>(k.attribute("epsilon"))}});
    result(k, to_.node("Transpose", {y}, {{"perm", int64s{0, 3, 1, 2}}}));
  }

  void to_patches(const recorded_kernel& k) {
    const shape &x = k.inputs[0].shape, &y = k.outputs[0].shape;
    const std::int64_t size = whole(k, "size"), below = y[1] * size - x[1], right = y[2] * size - x[2];
    std::string whole_patches = image(k, 0);
    if (below > 0 || right > 0)
      whole_patches =
          to_.node("Pad", {whole_patches, to_.integers("to_whole_patches", {0, 0, 0, 0, 0, 0, below, right})});
    result(k, to_.node("SpaceToDepth", {whole_patches}, {{"blocksize", size}}));
  }

  /// Such that a runner finds the output's extent, floor(from * scale), whatever it computes in.
  static float resize_scale(index_t from, index_t to) {
    const double exact = static_cast<double>(to) / static_cast<double>(from);
    auto scale = static_cast<float>(exact);
    while (static_cast<double>(scale) < exact) scale = std::nextafter(scale, 2 * scale);
    return scale;
  }

  void upsample(const recorded_kernel& k) {
    const shape &x = k.inputs[0].shape, &y = k.outputs[0].shape;
    std::string from = image(k, 0);
    if (x[1] == y[1] && x[2] == y[2]) return result(k, from);
    const bool whole_factors = y[1] % x[1] == 0 && y[2] % x[2] == 0;
    // A single pixel has no neighbours to blend with; some runners read beyond it.
    const bool bilinear = k.attribute("bilinear") != 0 && x[1] * x[2] > 1;
    if (!bilinear && !whole_factors) {  // by position: no rounding of a factor can pick a neighbour
      for (const int axis : {1, 2}) {
        int64s source;
        for (index_t i = 0; i < y[axis]; ++i) source.push_back(i * x[axis] / y[axis]);
        const std::string name = "nearest_" + std::to_string(x[axis]) + "_to_" + std::to_string(y[axis]);
        from = to_.node("Gather", {from, to_.integers(name, source)}, {{"axis", std::int64_t{axis + 1}}});
      }
      return result(k, from);
    }
    const std::string scales = to_.floats("scales", {4}, {1, 1, resize_scale(x[1], y[1]), resize_scale(x[2], y[2])});
    std::map<std::string, onnx_attribute> attributes{{"mode", std::string(bilinear ? "linear" : "nearest")}};
    attributes["coordinate_transformation_mode"] = std::string(bilinear ? "half_pixel" : "asymmetric");
    if (!bilinear) attributes["nearest_mode"] = std::string("floor");
    result(k, to_.node("Resize", {from, "", scales}, std::move(attributes)));
  }

  void pool(const recorded_kernel& k, const char* op) {
    const std::int64_t window = whole(k, "window"), stride = whole(k, "stride"), padding = whole(k, "padding");
    const shape &x = k.inputs[0].shape, &y = k.outputs[0].shape;
    const auto after = [&](int axis) {
      return std::max<std::int64_t>(0, (y[axis] - 1) * stride + window - padding - x[axis]);
    };
    std::map<std::string, onnx_attribute> attributes{{"kernel_shape", int64s{window, window}},
                                                     {"strides", int64s{stride, stride}},
                                                     {"pads", int64s{padding, padding, after(1), after(2)}}};
    result(k, to_.node(op, {image(k, 0)}, std::move(attributes)));
  }
  void max_pool2d(const recorded_kernel& k) { pool(k, "MaxPool"); }
  void average_pool2d(const recorded_kernel& k) { pool(k, "AveragePool"); }

  void channel_sums(const recorded_kernel& k) {
    image(k, 0);
    group_statistics sums;
    sums.of = k.inputs[0].value;
    result(k, std::move(sums));
  }
  void normalisation_moments(const recorded_kernel& k) {
    auto moments = std::get<group_statistics>(at(k.inputs[0].value));
    if (whole(k, "images") != 1)
      throw not_available("ONNX export: a normalisation over several images; inference has none here");
    moments.channels = whole(k, "channels");
    for (const recorded_operand& o : k.outputs) at(o.value) = moments;
  }
  void normalisation_coefficients(const recorded_kernel& k) {
    if (const auto* moments = std::get_if<group_statistics>(&at(k.inputs[0].value))) {
      group_statistics coefficients = *moments;
      coefficients.weight = constant(k, 2), coefficients.bias = constant(k, 3);
      coefficients.weight_name = parameter_name(k, 2, "norm.weight");
      coefficients.epsilon = static_cast<float>(k.attribute("epsilon"));
      for (const recorded_operand& o : k.outputs) at(o.value) = coefficients;
      return;
    }
    context<cpu> ctx(1);
    const auto as_used = [&](std::size_t i) { return constant(k, i).reshaped(k.inputs[i].shape); };
    const tensor<float> mean = as_used(0), variance = as_used(1), weight = as_used(2), bias = as_used(3);
    tensor<float> scale(k.outputs[0].shape), shift(k.outputs[1].shape);
    aixcell::normalisation_coefficients<float>(
        ctx, {.mean = mean, .variance = variance, .weight = weight, .bias = bias, .epsilon = k.attribute("epsilon")},
        scale, shift);
    at(k.outputs[0].value) = std::move(scale);
    at(k.outputs[1].value) = std::move(shift);
  }

  void scale_shift_activate(const recorded_kernel& k) {
    if (std::holds_alternative<tensor<float>>(at(k.inputs[0].value))) {  // the bias of a convolution
      context<cpu> ctx(1);
      const auto as_used = [&](std::size_t i) { return constant(k, i).reshaped(k.inputs[i].shape); };
      const tensor<float> x = as_used(0), scale = as_used(1), shift = as_used(2);
      tensor<float> y(k.outputs[0].shape);
      aixcell::scale_shift_activate<float>(
          ctx, {.x = x, .scale = scale, .shift = shift, .residual = {}, .act = act_of(k)}, y);
      return result(k, std::move(y));
    }
    std::string y;
    if (const auto* group = std::get_if<group_statistics>(&at(k.inputs[1].value))) {
      y = group_normalised(k, *group);
    } else {
      const tensor<float>&scale = constant(k, 1), &shift = constant(k, 2);
      y = to_.node("Mul", {image(k, 0), to_.by_channel(parameter_name(k, 1, "norm.scale"), elements(scale))});
      if (std::any_of(shift.begin(), shift.end(), [](float v) { return v != 0; }))
        y = to_.node("Add", {y, to_.by_channel("norm.shift", elements(shift))});
    }
    if (has(k, 3)) y = to_.node("Add", {y, image(k, 3)});
    result(k, to_.activated(act_of(k), y));
  }

  /// Group normalisation is instance normalisation of [N,groups,everything else].
  std::string group_normalised(const recorded_kernel& k, const group_statistics& g) {
    if (g.of != k.inputs[0].value) throw not_available("ONNX export: an image scaled by the statistics of another one");
    const std::string x = image(k, 0);
    const index_t groups = g.weight.size() / g.channels;
    const std::string count = std::to_string(groups);
    const std::string grouped = to_.node("Reshape", {x, to_.integers("groups_" + count, {0, groups, -1})});
    const std::vector<float> ones(static_cast<std::size_t>(groups), 1.0f), none(ones.size(), 0.0f);
    const std::string normal =
        to_.node("InstanceNormalization",
                 {grouped, to_.floats("ones_" + count, {groups}, ones), to_.floats("zeros_" + count, {groups}, none)},
                 {{"epsilon", g.epsilon}});
    const std::string back = to_.node("Reshape", {normal, to_.node("Shape", {x})});
    const std::string scaled = to_.node("Mul", {back, to_.by_channel(g.weight_name, elements(g.weight))});
    return to_.node("Add", {scaled, to_.by_channel(g.weight_name + ".bias", elements(g.bias))});
  }

  onnx_builder& to_;
  const trace& trace_;
  std::vector<translated> values_;
};

}  // namespace aixcell::detail
