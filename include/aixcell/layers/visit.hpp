#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <aixcell/layers/parameter.hpp>

namespace aixcell {

namespace detail {

template <class T>
inline constexpr bool is_parameter = false;
template <class Device, class Real>
inline constexpr bool is_parameter<parameter<Device, Real>> = true;

template <class T>
inline constexpr bool is_buffer = false;
template <class Device, class Real>
inline constexpr bool is_buffer<buffer<Device, Real>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

[[gnu::noinline]] inline std::string joined(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

/// Calls f(path, member) for every parameter and buffer that exists below `member`.
template <class Member, class Function>
void visit_tensors(const std::string& path, Member& member, Function& f) {
  using type = std::remove_const_t<Member>;
  if constexpr (is_parameter<type> || is_buffer<type>) {
    if (!member.value.empty()) f(std::string_view(path), member);
  } else if constexpr (is_vector<type>) {
    for (std::size_t i = 0; i < member.size(); ++i) visit_tensors(joined(path, std::to_string(i)), member[i], f);
  } else if constexpr (is_optional<type>) {
    if (member) visit_tensors(path, *member, f);
  } else {
    type::for_each_member(member,
                          [&](std::string_view name, auto& child) { visit_tensors(joined(path, name), child, f); });
  }
}

/// What a walk over a layer found. As a visitor it has one type for all layers of a device, so that the walk over a layer is
/// compiled once, whatever is done with its tensors and whichever networks it is part of.
template <class Parameter, class Buffer>
struct found_tensors {
  std::vector<std::pair<std::string, Parameter*>> parameters;
  std::vector<std::pair<std::string, Buffer*>> buffers;

  void operator()(std::string_view path, Parameter& p) { parameters.emplace_back(path, &p); }
  void operator()(std::string_view path, Buffer& b) { buffers.emplace_back(path, &b); }
};

template <class Layer>
concept SaysItsTensors = requires {
  typename Layer::parameter_type;
  typename Layer::buffer_type;
};

template <SaysItsTensors Layer>
[[gnu::noinline]] auto find_tensors(Layer& layer) {
  found_tensors<typename Layer::parameter_type, typename Layer::buffer_type> found;
  visit_tensors("", layer, found);
  return found;
}
template <SaysItsTensors Layer>
auto find_tensors(const Layer& layer) {
  const auto found = find_tensors(const_cast<Layer&>(layer));
  found_tensors<const typename Layer::parameter_type, const typename Layer::buffer_type> fixed;
  fixed.parameters.assign(found.parameters.begin(), found.parameters.end());
  fixed.buffers.assign(found.buffers.begin(), found.buffers.end());
  return fixed;
}

}  // namespace detail

/// Calls f(path, parameter) for every trainable tensor of a layer, in a fixed order. Paths join the names of members
/// with dots and count the elements of vectors, as torchvision's do: `encoder.layer1.0.conv1.weight`.
template <class Layer, class Function>
void for_each_parameter(Layer& layer, Function&& f) {
  if constexpr (detail::SaysItsTensors<Layer>) {
    for (const auto& [path, p] : detail::find_tensors(layer).parameters) f(std::string_view(path), *p);
  } else {
    auto only = [&](std::string_view path, auto& member) {
      if constexpr (detail::is_parameter<std::remove_cvref_t<decltype(member)>>) f(path, member);
    };
    detail::visit_tensors("", layer, only);
  }
}

/// The same for what is stored but not trained: running statistics.
template <class Layer, class Function>
void for_each_buffer(Layer& layer, Function&& f) {
  if constexpr (detail::SaysItsTensors<Layer>) {
    for (const auto& [path, b] : detail::find_tensors(layer).buffers) f(std::string_view(path), *b);
  } else {
    auto only = [&](std::string_view path, auto& member) {
      if constexpr (detail::is_buffer<std::remove_cvref_t<decltype(member)>>) f(path, member);
    };
    detail::visit_tensors("", layer, only);
  }
}

/// Number of trainable values.
template <class Layer>
index_t parameter_count(const Layer& layer) {
  index_t sum = 0;
  for_each_parameter(layer, [&](std::string_view, const auto& p) { sum += p.value.size(); });
  return sum;
}

template <class Layer>
void clear_gradients(Layer& layer) {
  for_each_parameter(layer, [](std::string_view, auto& p) { p.gradient.fill(0); });
}

}  // namespace aixcell
