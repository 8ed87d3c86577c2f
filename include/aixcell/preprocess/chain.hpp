#pragma once
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/joined_names.hpp>
#include <aixcell/kernels/cpu/resize.hpp>
#include <aixcell/preprocess/apply.hpp>

namespace aixcell {

namespace detail {

/// Whether something is saved under the name of a policy: fitted state or tunables (a chain may have both).
template <class P>
inline constexpr bool saves_values = FitsAndApplies<P> || requires {
  P::hyperparameters();
};

template <class... P>
inline constexpr bool saved_names_differ = [] {
  const std::array<std::string_view, sizeof...(P)> names{(saves_values<P> ? P::name : std::string_view{})...};
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!names[i].empty() && names[i] == names[j]) return false;
  return true;
}();

/// Examples as they come out of a policy; labels follow a change of size.
template <class P>
class preprocessed_source final : public example_source {
 public:
  preprocessed_source(const P& policy, const fitted_state_t<P>& state, const example_source& from)
      : policy_(policy), state_(state), from_(from) {}
  index_t size() const override { return from_.size(); }
  example load(index_t i) const override {
    context<cpu> serial(1);
    example e = from_.load(i);
    e.picture.pixels = apply_preprocess(serial, policy_, state_, e.picture.pixels);
    fit_labels(e.truth, e.picture.height(), e.picture.width());
    return e;
  }

 private:
  const P& policy_;
  const fitted_state_t<P>& state_;
  const example_source& from_;
};

}  // namespace detail

/// Policies one after the other; each is fitted on what the ones before it make of the training split.
template <Preprocess... P>
struct chain {
  static_assert(sizeof...(P) > 0, "a chain needs a policy");
  static_assert(detail::saved_names_differ<P...>,
                "a chain holds a policy once if it learns or has tunables: these are saved under its name");

  static constexpr std::string_view name = detail::joined_names<P...>::value;
  static constexpr int channels_out(int channels_in) {
    ((channels_in = P::channels_out(channels_in)), ...);
    return channels_in;
  }

  static constexpr bool accepts_channels(int channels_in) {
    bool all = true;
    ((all = all && aixcell::accepts_channels<P>(channels_in), channels_in = P::channels_out(channels_in)), ...);
    return all;
  }

  std::tuple<P...> policies;

  struct state {
    std::tuple<fitted_state_t<P>...> states;
    /// Names are those of the policy, a dot, and its own: `top_hat.radius`.
    static void for_each_member(auto& self, auto&& visit) { each(self, visit, std::index_sequence_for<P...>{}); }
    friend bool operator==(const state& a, const state& b) { return equal(a, b, std::index_sequence_for<P...>{}); }

   private:
    template <std::size_t... I>
    static bool equal(const state& a, const state& b, std::index_sequence<I...>) {
      const auto same = []<class S>([[maybe_unused]] const S& x, [[maybe_unused]] const S& y) {
        if constexpr (std::is_empty_v<S>)
          return true;  // no_state
        else
          return x == y;
      };
      return (same(std::get<I>(a.states), std::get<I>(b.states)) && ...);
    }
    template <std::size_t... I>
    static void each(auto& self, auto& visit, std::index_sequence<I...>) {
      (each_of<P>(std::get<I>(self.states), visit), ...);
    }
    template <class One>
    static void each_of(auto& fitted, auto& visit) {
      fitted_state_t<One>::for_each_member(fitted, [&](std::string_view member, auto& value) {
        visit(std::string(One::name) + "." + std::string(member), value);
      });
    }
  };

  state fit(context<cpu>& ctx, const example_source& training) const {
    state s;
    fit_from<0>(ctx, training, s);
    return s;
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels, const state& s) const {
    tensor<float> out = apply_preprocess(ctx, std::get<0>(policies), std::get<0>(s.states), pixels);
    apply_rest(ctx, out, s, std::make_index_sequence<sizeof...(P) - 1>{});
    return out;
  }

 private:
  template <std::size_t I>
  void fit_from(context<cpu>& ctx, const example_source& training, state& s) const {
    const auto& policy = std::get<I>(policies);
    auto& fitted = std::get<I>(s.states);
    fitted = fit_preprocess(ctx, policy, training);
    if constexpr (I + 1 < sizeof...(P)) {
      using type = std::tuple_element_t<I, std::tuple<P...>>;
      fit_from<I + 1>(ctx, detail::preprocessed_source<type>(policy, fitted, training), s);
    }
  }
  template <std::size_t... I>
  void apply_rest(context<cpu>& ctx, tensor<float>& out, const state& s, std::index_sequence<I...>) const {
    ((out = apply_preprocess(ctx, std::get<I + 1>(policies), std::get<I + 1>(s.states), out)), ...);
  }
};

namespace detail {

void for_each_hyperparameter_of_chain(auto& policies, auto& f) {
  std::apply(
      [&](auto&... policy) {
        const auto each = [&](auto& one) {
          for_each_hyperparameter(one, [&](auto h, auto& value) {
            const std::string name = std::string(one.name) + "." + std::string(h.name);
            h.name = name;
            f(h, value);
          });
        };
        (each(policy), ...);
      },
      policies);
}

}  // namespace detail

/// The tunables of a chain are those of its policies, named `top_hat.width`; the name lives as long as the call of f.
template <class... P, class Function>
void for_each_hyperparameter(chain<P...>& policy, Function&& f) {
  detail::for_each_hyperparameter_of_chain(policy.policies, f);
}
template <class... P, class Function>
void for_each_hyperparameter(const chain<P...>& policy, Function&& f) {
  detail::for_each_hyperparameter_of_chain(policy.policies, f);
}

}  // namespace aixcell
