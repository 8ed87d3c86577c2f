#pragma once
#include <memory>
#include <optional>

#include <aixcell/kernels/cpu/native_precision.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/pipeline/network.hpp>

namespace aixcell {

/// Encoder, decoder and head whose types are not known. Without parameters until it is set up.
class any_network {
 public:
  virtual ~any_network() = default;

  virtual std::string_view encoder() const = 0;
  virtual std::string_view decoder() const = 0;
  virtual std::unique_ptr<any_network> blank() const = 0;  ///< not set up
  virtual void set_up(context<cpu>& ctx, int channels, const output_head& head, random_stream& random) = 0;
  virtual tensor<float> forward(context<cpu>& ctx, const tensor<float>& x) const = 0;
  /// `loss(output, gradient)` overwrites the gradient and returns the value.
  virtual double learn(context<cpu>& ctx, const tensor<float>& x,
                       const std::function<double(const tensor<float>&, tensor<float>&)>& loss) = 0;
  virtual void freeze(context<cpu>& ctx, int channels) = 0;
  virtual std::vector<network_tensor> tensors() = 0;
  virtual resource_estimate estimate(const shape& batch, const output_head& head, int target_channels,
                                     const compute_settings& how) const = 0;
  virtual trace record(const shape& batch, const output_head& head) const = 0;
};

/// One set of weights, and both precisions to run it in: each call takes that of its context.
template <Encoder Enc, DecoderStage Dec>
class network_stage final : public any_network {
 public:
  std::string_view encoder() const override { return Enc::name; }
  std::string_view decoder() const override { return Dec::name; }
  std::unique_ptr<any_network> blank() const override { return std::make_unique<network_stage>(); }
  void set_up(context<cpu>& ctx, int channels, const output_head& head, random_stream& random) override {
    random_stream none = random.unwanted();
    {
      context<cpu> passing(1);
      in_bfloat16_.emplace(passing, channels, head, none);
    }
    // The twin's own parameters go, and their memory with them, before there are others.
    const std::vector<network_tensor> same = tensors_of(*in_bfloat16_);
    for (const network_tensor& t : same) {
      *t.value = {};
      if (t.gradient) *t.gradient = {};
    }
    in_float_.emplace(ctx, channels, head, random);
    const std::vector<network_tensor> own = tensors_of(*in_float_);
    for (std::size_t i = 0; i < own.size(); ++i) {
      *same[i].value = *own[i].value;  // tensors share their elements
      if (own[i].gradient) *same[i].gradient = *own[i].gradient;
    }
  }
  tensor<float> forward(context<cpu>& ctx, const tensor<float>& x) const override {
    return half_precision(ctx.settings().precision) ? in_bfloat16_->forward(ctx, x, nullptr)
                                           : in_float_->forward(ctx, x, nullptr);
  }
  double learn(context<cpu>& ctx, const tensor<float>& x,
               const std::function<double(const tensor<float>&, tensor<float>&)>& loss) override {
    thaw();
    return half_precision(ctx.settings().precision) ? in_bfloat16_->learn(ctx, x, loss) : in_float_->learn(ctx, x, loss);
  }
  void freeze(context<cpu>& ctx, int channels) override {
    thaw();
    half_precision(ctx.settings().precision) ? in_bfloat16_->freeze(ctx, channels) : in_float_->freeze(ctx, channels);
    frozen_ = true;
  }
  std::vector<network_tensor> tensors() override {
    thaw();
    return tensors_of(*in_float_);
  }
  resource_estimate estimate(const shape& batch, const output_head& head, int target_channels,
                             const compute_settings& how) const override {
    compute_settings settled = how;
    settled.precision = native_precision(how.precision);
    return estimate_network<Enc, Dec>(batch, head, target_channels, settled);
  }
  trace record(const shape& batch, const output_head& head) const override {
    return record_network<Enc, Dec>(batch, head);
  }

 private:
  void thaw() {
    if (!std::exchange(frozen_, false)) return;
    in_bfloat16_->thaw();
    in_float_->thaw();
  }
  static bool half_precision(precision wanted) { return native_precision(wanted) == precision::bfloat16; }

  std::optional<network<Enc, Dec, cpu, float>> in_float_;
  std::optional<network<Enc, Dec, cpu, bfloat16>> in_bfloat16_;
  bool frozen_ = false;
};

}  // namespace aixcell
