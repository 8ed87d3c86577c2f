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

/// Calls f(path, member) for every parameter and buffer that exists below `member`.
template <class Member, class Function>
void visit_tensors(const std::string& path, Member& member, Function& f) {
  using type = std::remove_const_t<Member>;
  if constexpr (is_parameter<type> || is_buffer<type>) {
    if (!member.value.empty()) f(std::string_view(path), member);
  } else if constexpr (is_vector<type>) {
    for (std::size_t i = 0; i < member.size(); ++i) visit_tensors(path + "." + std::to_string(i), member[i], f);
  } else if constexpr (is_optional<type>) {
    if (member) visit_tensors(path, *member, f);
  } else {
    type::for_each_member(member, [&](std::string_view name, auto& child) {
      visit_tensors(path.empty() ? std::string(name) : path + "." + std::string(name), child, f);
    });
  }
}

}  // namespace detail

/// Calls f(path, parameter) for every trainable tensor of a layer, in a fixed order. Paths join the names of members
/// with dots and count the elements of vectors, as torchvision's do: `encoder.layer1.0.conv1.weight`.
template <class Layer, class Function>
void for_each_parameter(Layer& layer, Function&& f) {
  auto only = [&](std::string_view path, auto& member) {
    if constexpr (detail::is_parameter<std::remove_cvref_t<decltype(member)>>) f(path, member);
  };
  detail::visit_tensors("", layer, only);
}

/// The same for what is stored but not trained: running statistics.
template <class Layer, class Function>
void for_each_buffer(Layer& layer, Function&& f) {
  auto only = [&](std::string_view path, auto& member) {
    if constexpr (detail::is_buffer<std::remove_cvref_t<decltype(member)>>) f(path, member);
  };
  detail::visit_tensors("", layer, only);
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
