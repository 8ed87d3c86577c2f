#pragma once
#include <algorithm>
#include <cassert>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <aixcell/core/context.hpp>
#include <aixcell/core/dry_value.hpp>
#include <aixcell/core/view.hpp>

namespace aixcell {

// Every value of a view. A GPU's twin is kernels/gpu/fill.hpp: its memory is written there and never from here.

template <class T>
void fill_values(context<cpu>&, view<T, cpu> x, std::type_identity_t<T> value) {
  std::fill(x.begin(), x.end(), value);
}
template <class T>
void fill_values(context<dry>&, view<T, dry>, std::type_identity_t<T>) {}

/// A dense array that keeps its elements alive. Copying a tensor shares the elements (as torch::Tensor and cv::Mat
/// do), so that a layer can keep its input for the backward pass for free; `clone` copies them.
/// Elements are trivially copyable and uninitialised unless said otherwise. A `tensor<T, dry>` has no elements.
template <class T, class Device = cpu>
class tensor {
  static_assert(std::is_trivially_copyable_v<T>, "a tensor holds plain numbers");

 public:
  using value_type = T;
  using device = Device;

  tensor() = default;
  // Layers and their saved values hold hundreds of tensors. What copies, moves, makes and destroys one is compiled once
  // and called; as part of every caller it would be most of what a compiler has to optimise.
  [[gnu::noinline]] tensor(const tensor& other) = default;
  [[gnu::noinline]] tensor(tensor&& other) noexcept = default;
  [[gnu::noinline]] tensor& operator=(const tensor& other) = default;
  [[gnu::noinline]] tensor& operator=(tensor&& other) noexcept = default;
  [[gnu::noinline]] ~tensor() = default;

  /// Uninitialised elements from the context's pool.
  [[gnu::noinline]] tensor(context<Device>& ctx, const aixcell::shape& extents)
      : owner_(ctx.memory().allocate(static_cast<std::size_t>(extents.count()) * bytes_each(ctx))), shape_(extents) {}

  /// Zeroed elements on the heap, for what lives outside any context: images, labels, files.
  explicit tensor(const aixcell::shape& extents) requires std::is_same_v<Device, cpu> : shape_(extents) {
    const auto bytes = detail::rounded_to_alignment(static_cast<std::size_t>(extents.count()) * sizeof(T));
    void* block = ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{detail::memory_alignment});
    owner_ = {block, [](void* p) { ::operator delete (p, std::align_val_t{detail::memory_alignment}); }};
    fill(T{});
  }

  static tensor zeros(context<Device>& ctx, const aixcell::shape& extents) {
    tensor t(ctx, extents);
    fill_values(ctx, t.as_view(), T{});
    if constexpr (std::is_same_v<Device, dry>) ctx.note("zeros", {}, {t.as_view()});
    return t;
  }

  const aixcell::shape& shape() const noexcept { return shape_; }
  index_t extent(int dimension) const noexcept { return shape_[dimension]; }
  index_t size() const noexcept { return shape_.count(); }
  bool empty() const noexcept { return size() == 0; }
  /// Whether no other tensor shares the elements, so that whoever holds this one may overwrite them.
  bool is_sole_owner() const noexcept { return owner_.use_count() == 1; }

  using origin = std::function<tensor(context<Device>&)>;
  /// `how(ctx)` computes the same elements again. Forgotten by this tensor as soon as it is asked for elements to write; nobody
  /// writes into elements that others share.
  void made_by(origin how) { origin_ = std::make_shared<const origin>(std::move(how)); }
  /// This for later: without elements if they can be computed again.
  tensor for_later() const {
    tensor t = *this;
    if (origin_) t.owner_ = nullptr;
    return t;
  }
  /// With the elements that `for_later` left out.
  tensor restored(context<Device>& ctx) const {
    if (owner_ || !origin_) return *this;
    tensor t = (*origin_)(ctx);
    t.origin_ = origin_;
    return t;
  }

  T* data() noexcept {
    if (origin_) forget_origin();
    return static_cast<T*>(owner_.get());
  }
  const T* data() const noexcept { return static_cast<const T*>(owner_.get()); }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size(); }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size(); }

  view<T, Device> as_view() noexcept { return {data(), shape_}; }
  view<const T, Device> as_view() const noexcept { return {data(), shape_}; }
  operator view<T, Device>() noexcept { return as_view(); }
  operator view<const T, Device>() const noexcept { return as_view(); }

  T& operator[](index_t i) noexcept { return as_view()[i]; }
  const T& operator[](index_t i) const noexcept { return as_view()[i]; }
  template <class... Index>
  T& operator()(Index... coordinates) noexcept {
    return as_view()(coordinates...);
  }
  template <class... Index>
  const T& operator()(Index... coordinates) const noexcept {
    return as_view()(coordinates...);
  }

  /// Sub-array `i` of the first dimension; valid while this tensor lives.
  view<T, Device> slice(index_t i) noexcept { return as_view().slice(i); }
  view<const T, Device> slice(index_t i) const noexcept { return as_view().slice(i); }

  /// The same elements, shared, under another shape of equal count.
  tensor reshaped(const aixcell::shape& extents) const {
    assert(extents.count() == size());
    assert(owner_ || !origin_);
    tensor t = *this;
    t.shape_ = extents;
    t.origin_ = nullptr;
    return t;
  }

  /// Of memory that the processor can write; `fill_values` takes any.
  void fill(T value) requires(std::is_same_v<Device, cpu> || std::is_same_v<Device, dry>) {
    if constexpr (!std::is_same_v<Device, dry>) std::fill(begin(), end(), value);
  }

  tensor clone() const requires std::is_same_v<Device, cpu> {
    tensor t(shape_);
    std::copy(begin(), end(), t.begin());
    return t;
  }

  /// The same nothing, shared, under another name of its type.
  template <class U>
  tensor<U, dry> counted_as() const requires std::is_same_v<Device, dry> {
    tensor<U, dry> t;
    t.owner_ = owner_;
    t.shape_ = shape_;
    return t;
  }

 private:
  template <class, class>
  friend class tensor;

  [[gnu::noinline]] void forget_origin() noexcept { origin_ = nullptr; }

  static std::size_t bytes_each(const context<Device>& ctx) {
    if constexpr (std::is_same_v<Device, dry>)
      return detail::stored_bytes<T>(ctx);
    else
      return sizeof(T);
  }

  std::shared_ptr<void> owner_;
  std::shared_ptr<const origin> origin_;  // null: the elements are not computed again
  aixcell::shape shape_;
};

}  // namespace aixcell
