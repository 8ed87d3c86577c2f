#pragma once
#include <aixcell/exchange/detail/onnx_builder.hpp>
#include <aixcell/exchange/stage_names.hpp>
#include <aixcell/preprocess/identity.hpp>
#include <aixcell/preprocess/percentile.hpp>
#include <aixcell/preprocess/z_score.hpp>

namespace aixcell::detail {

inline constexpr std::int64_t onnx_float = 1, onnx_int64 = 7, onnx_double = 11;  // TensorProto::DataType

/// Order statistics of each channel [N,C,pixels]: from the lower or the upper end of the values.
class onnx_percentile {
 public:
  onnx_percentile(onnx_builder& to, const std::string& flat) : to_(to), flat_(flat) {
    count_ = to_.node("Gather", {to_.node("Shape", {flat}), to_.integers("two", {2})}, {{"axis", std::int64_t{0}}});
    last_ = to_.node("Sub", {count_, one()});
  }

  /// Sorted from below: positions floor(p) and the next, between which the value lies.
  std::string low(double percent) {
    find_position(percent);
    const std::string k = to_.node("Min", {to_.node("Add", {below_, to_.integers("two", {2})}), count_});
    const std::string values = sorted(k, 0);
    return between(pick(values, below_), pick(values, to_.node("Sub", {k, one()})));
  }

  struct upper {
    std::string value, greatest;
  };
  /// Sorted from above, where the same positions count from the other end.
  upper high(double percent) {
    find_position(percent);
    const std::string k = to_.node("Sub", {count_, below_});
    const std::string values = sorted(k, 1), zero = to_.integers("none", {0});
    const std::string next = to_.node("Max", {to_.node("Sub", {k, to_.integers("two", {2})}), zero});
    return {between(pick(values, to_.node("Sub", {k, one()})), pick(values, next)), pick(values, zero)};
  }

 private:
  std::string one() { return to_.integers("one_pixel", {1}); }
  std::string cast(const std::string& x, std::int64_t type) { return to_.node("Cast", {x}, {{"to", type}}); }
  std::string pick(const std::string& values, const std::string& position) {
    return to_.node("Gather", {values, position}, {{"axis", std::int64_t{2}}});
  }
  std::string sorted(const std::string& k, std::int64_t largest) {
    const std::string values =
        to_.node("TopK", {flat_, k}, {{"axis", std::int64_t{2}}, {"largest", largest}, {"sorted", std::int64_t{1}}});
    to_.graph.nodes.back().outputs.push_back(values + "_positions");
    return values;
  }
  std::string between(const std::string& a, const std::string& b) {
    return to_.node("Add", {a, to_.node("Mul", {part_, to_.node("Sub", {b, a})})});
  }
  /// In float64: a position is as large as an image has pixels.
  void find_position(double percent) {
    const std::string share = to_.constant("share", {{1}, std::vector<double>{percent / 100}});
    const std::string position = to_.node("Mul", {cast(last_, onnx_double), share});
    const std::string whole = to_.node("Floor", {position});
    below_ = cast(whole, onnx_int64);
    part_ = cast(to_.node("Sub", {position, whole}), onnx_float);
  }

  onnx_builder& to_;
  std::string flat_, count_, last_, below_, part_;
};

/// x / y where y is positive, else 0.
inline std::string onnx_ratio(onnx_builder& to, const std::string& x, const std::string& y) {
  const std::string zero = to.number("zero", 0);
  return to.node("Where", {to.node("Greater", {y, zero}), to.node("Div", {x, y}), zero});
}

/// Adds the preprocessing of an image [N,C,H,W] to a graph and returns the result's name; empty if ONNX cannot say it.
inline std::string add_onnx_preprocessing(onnx_builder& to, any_pipeline& model, const std::string& image) {
  const std::string name = stage_names_of(model).preprocess;
  if (name == identity::name) return image;
  if (name == percentile::name) {
    const std::string flat = to.node("Reshape", {image, to.integers("pixels_of_channels", {0, 0, -1})});
    onnx_percentile order(to, flat);
    const std::string low = order.low(tunable_value(model, "preprocess.low"));
    const auto high = order.high(tunable_value(model, "preprocess.high"));
    const std::string top = to.node("Where", {to.node("Greater", {high.value, low}), high.value, high.greatest});
    const std::string scaled = onnx_ratio(to, to.node("Sub", {flat, low}), to.node("Sub", {top, low}));
    return to.node("Reshape", {scaled, to.node("Shape", {image})});
  }
  if (name == z_score::name) {
    const std::map<std::string, onnx_attribute> of_pixels{{"axes", int64s{2, 3}}};
    const std::string difference = to.node("Sub", {image, to.node("ReduceMean", {image}, of_pixels)});
    const std::string variance = to.node("ReduceMean", {to.node("Mul", {difference, difference})}, of_pixels);
    return onnx_ratio(to, difference, to.node("Sqrt", {variance}));
  }
  if (name == fitted_z_score::name) {
    const std::vector<float>& mean = fitted_vector(model, "mean");
    std::vector<float> factor;
    for (const float deviation : fitted_vector(model, "deviation"))
      factor.push_back(deviation > 0 ? 1 / deviation : 0.0f);
    const std::string difference = to.node("Sub", {image, to.by_channel("preprocess.mean", mean)});
    return to.node("Mul", {difference, to.by_channel("preprocess.factor", factor)});
  }
  return "";
}

}  // namespace aixcell::detail
