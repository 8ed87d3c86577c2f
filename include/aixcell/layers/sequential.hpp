#pragma once
#include <string>
#include <tuple>
#include <utility>

#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// Layers one after the other, known by their positions: `0.weight`, `1.weight`.
template <class... Layers>
struct sequential {
  using saved = std::tuple<typename Layers::saved...>;

  sequential() = default;
  explicit sequential(Layers... each) : layers(std::move(each)...) {}

  template <class Real, class Device>
  tensor<Real, Device> forward(context<Device>& ctx, tensor<Real, Device> x, saved* keep) const {
    for_each_position(
        [&](auto i) { x = std::get<i()>(layers).forward(ctx, x, keep ? &std::get<i()>(*keep) : nullptr); });
    return x;
  }

  template <class Real, class Device>
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    for_each_position([&](auto i) {
      constexpr std::size_t at = sizeof...(Layers) - 1 - i();
      dy = std::get<at>(layers).backward(ctx, std::move(dy), std::get<at>(kept));
    });
    return dy;
  }

  static void for_each_member(auto& self, auto&& visit) {
    for_each_position([&](auto i) { visit(std::to_string(i()), std::get<i()>(self.layers)); });
  }

  std::tuple<Layers...> layers;

 private:
  template <class Function>
  static void for_each_position(Function&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (f(std::integral_constant<std::size_t, I>{}), ...); }
    (std::index_sequence_for<Layers...>{});
  }
};

}  // namespace aixcell
