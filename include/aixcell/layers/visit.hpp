#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
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

/// Calls f(path, member) for every parameter and buffer that exists below `member`. Called, not inlined: a block would hold
/// its kind of layer as often as it has one.
template <class Member, class Function>
[[gnu::noinline]] void visit_tensors(const std::string& path, Member& member, Function& f) {
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

/// What a walk over a layer found: in every entry, one of the two. As a visitor it has one type for all layers of a device,
/// so that the walk over a layer is compiled once, whatever is done with its tensors and whichever networks it is part of.
template <class Parameter, class Buffer>
struct found_tensors {
  struct found {
    std::string path;
    Parameter* parameter;
    Buffer* buffer;
  };
  std::vector<found> all;

  void add(std::string_view path, Parameter* p, Buffer* b) { all.push_back({std::string(path), p, b}); }
  void operator()(std::string_view path, Parameter& p) { add(path, &p, nullptr); }
  void operator()(std::string_view path, Buffer& b) { add(path, nullptr, &b); }
};

/// Networks say it: their walks are long.
template <class Layer>
concept SaysItsTensors = requires {
  typename Layer::parameter_type;
  typename Layer::buffer_type;
};

template <SaysItsTensors Layer>
[[gnu::noinline]] auto find_tensors(Layer& layer) {
  found_tensors<typename Layer::parameter_type, typename Layer::buffer_type> found;
  visit_tensors("", layer, found);
  return found.all;
}

template <class From, class T>
std::conditional_t<std::is_const_v<From>, const T, T>& as_const_as(T& value) {
  return value;
}

}  // namespace detail

/// Calls f(path, parameter) for every trainable tensor of a layer, in a fixed order. Paths join the names of members
/// with dots and count the elements of vectors, as torchvision's do: `encoder.layer1.0.conv1.weight`.
template <class Layer, class Function>
void for_each_parameter(Layer& layer, Function&& f) {
  if constexpr (detail::SaysItsTensors<Layer>) {
    for (const auto& found : detail::find_tensors(const_cast<std::remove_const_t<Layer>&>(layer)))
      if (found.parameter) f(std::string_view(found.path), detail::as_const_as<Layer>(*found.parameter));
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
    for (const auto& found : detail::find_tensors(const_cast<std::remove_const_t<Layer>&>(layer)))
      if (found.buffer) f(std::string_view(found.path), detail::as_const_as<Layer>(*found.buffer));
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
