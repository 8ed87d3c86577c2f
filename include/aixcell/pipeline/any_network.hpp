#pragma once
#include <memory>

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
  virtual std::vector<network_tensor> tensors() = 0;
  virtual resource_estimate estimate(const shape& batch, const output_head& head, int target_channels) const = 0;
  virtual trace record(const shape& batch, const output_head& head) const = 0;
};

template <Encoder Enc, DecoderStage Dec>
class network_stage final : public any_network {
 public:
  std::string_view encoder() const override { return Enc::name; }
  std::string_view decoder() const override { return Dec::name; }
  std::unique_ptr<any_network> blank() const override { return std::make_unique<network_stage>(); }
  void set_up(context<cpu>& ctx, int channels, const output_head& head, random_stream& random) override {
    network_.emplace(ctx, channels, head, random);
  }
  tensor<float> forward(context<cpu>& ctx, const tensor<float>& x) const override {
    return network_->forward(ctx, x, nullptr);
  }
  double learn(context<cpu>& ctx, const tensor<float>& x,
               const std::function<double(const tensor<float>&, tensor<float>&)>& loss) override {
    return network_->learn(ctx, x, loss);
  }
  std::vector<network_tensor> tensors() override { return tensors_of(*network_); }
  resource_estimate estimate(const shape& batch, const output_head& head, int target_channels) const override {
    return estimate_network<Enc, Dec>(batch, head, target_channels);
  }
  trace record(const shape& batch, const output_head& head) const override {
    return record_network<Enc, Dec>(batch, head);
  }

 private:
  std::optional<network<Enc, Dec, cpu>> network_;
};

}  // namespace aixcell
