#pragma once
#include <aixcell/pipeline/any_network.hpp>
#include <aixcell/pipeline/any_pipeline.hpp>
#include <aixcell/pipeline/any_postprocess.hpp>
#include <aixcell/pipeline/any_preprocess.hpp>
#include <aixcell/pipeline/compute_device.hpp>

namespace aixcell {

/// A pipeline of stages whose types are not known. Every stage is compiled once, a pipeline of them costs nothing: hundreds
/// can be registered. Whether the stages fit is the business of who puts them together (see pipeline and registry).
class staged_pipeline : public any_pipeline {
 public:
  staged_pipeline(std::unique_ptr<any_preprocess> preprocess, std::unique_ptr<any_network> network,
                  std::unique_ptr<any_postprocess> postprocess)
      : preprocess_(std::move(preprocess)), network_(std::move(network)), postprocess_(std::move(postprocess)) {}

  std::string name() const override {
    std::string text;
    for (const std::string_view stage :
         {preprocess_->name(), network_->encoder(), network_->decoder(), postprocess_->name()})
      text += (text.empty() ? "" : "+") + std::string(stage);
    return text;
  }
  task solves() const override { return postprocess_->solves(); }
  bool needs_nuclei() const override { return postprocess_->needs_nuclei(); }
  bool needs_object_classes() const override { return postprocess_->needs_object_classes(); }
  bool needs_image_classes() const override { return postprocess_->needs_image_classes(); }
  bool accepts_channels(int channels) const override { return preprocess_->accepts_channels(channels); }
  const pipeline_setup& setup() const override { return setup_; }

  using any_pipeline::estimate;
  resource_estimate estimate(const shape& batch, const compute_settings& how) const override {
    return network_->estimate(batch, postprocess_->head(), postprocess_->target_channels(), how);
  }
  trace record(const shape& batch) const override { return network_->record(batch, postprocess_->head()); }

  std::unique_ptr<any_pipeline> blank() const override {
    return std::make_unique<staged_pipeline>(preprocess_->blank(), network_->blank(), postprocess_->blank());
  }

  void set_up(context<cpu>& ctx, const pipeline_setup& setup) override {
    if (!accepts_channels(setup.channels))
      throw data_error(name() + ": its preprocessing does not work on images of " + std::to_string(setup.channels) +
                       " channel(s); select others, or take another pipeline");
    setup_ = setup;
    postprocess_->set_classes(setup);
    random_stream random = random_stream(setup.seed).child(0x6E6574);  // "net"
    if (!setup.draw_weights) random = random.unwanted();
    const int channels = preprocess_->channels_out(setup.channels);
    network_->set_up(ctx, channels, postprocess_->head(), random);
    device_ = ctx.networks();
    elsewhere_ = nullptr;
    if (!device_) return;
    elsewhere_ =
        device_->make({network_->encoder(), network_->decoder(), channels, postprocess_->head(), ctx.settings()});
    weights_changed();
  }

  void fit_preprocess(context<cpu>& ctx, const example_source& training) override { preprocess_->fit(ctx, training); }

  void require_training() const override {
    if (!network_->trains()) throw_prediction_only(network_->encoder(), network_->decoder());
  }
  double learn(context<cpu>& ctx, const tensor<float>& x, const tensor<float>& target) override {
    return network_->learn(ctx, x, [&](const tensor<float>& y, tensor<float>& gradient) {
      return postprocess_->loss(ctx, y, target, gradient);
    });
  }

  void freeze(context<cpu>& ctx) override {
    if (!elsewhere_) network_->freeze(ctx, preprocess_->channels_out(setup_.channels));
  }
  tensor<float> preprocess(context<cpu>& ctx, view<const float, cpu> pixels) const override {
    return preprocess_->apply(ctx, pixels);
  }
  tensor<float> forward(context<cpu>& ctx, const tensor<float>& x) const override {
    return elsewhere_ ? elsewhere_->forward(x) : network_->forward(ctx, x);
  }
  tensor<float> target(context<cpu>& ctx, const annotation& truth) const override {
    return postprocess_->target(ctx, truth);
  }
  prediction decode(context<cpu>& ctx, view<const float, cpu> dense) const override {
    return postprocess_->decode(ctx, dense);
  }
  void restore_directions(view<float, cpu> dense, mirror m) const override {
    postprocess_->restore_directions(dense, m);
  }

  device_network* training_device() override {
    if (elsewhere_) elsewhere_->set_loss(postprocess_->loss_terms());
    return elsewhere_.get();
  }
  device_stages on_device() const override {
    if (!elsewhere_) return {};
    return {elsewhere_.get(), preprocess_->reference(), postprocess_->reference()};
  }
  void weights_changed() override {
    if (elsewhere_) elsewhere_->take_weights(network_->tensors());
  }

  std::vector<tunable> tunables() override {
    std::vector<tunable> all = preprocess_->tunables();
    for (tunable& t : postprocess_->tunables()) all.push_back(std::move(t));
    return all;
  }
  std::vector<fitted_value> fitted_values() override { return preprocess_->fitted_values(); }
  std::vector<network_tensor> tensors() override { return network_->tensors(); }

 protected:
  any_preprocess& preprocess_part() { return *preprocess_; }
  any_postprocess& postprocess_part() { return *postprocess_; }

 private:
  std::unique_ptr<any_preprocess> preprocess_;
  std::unique_ptr<any_network> network_;
  std::unique_ptr<any_postprocess> postprocess_;
  pipeline_setup setup_;
  std::shared_ptr<compute_device> device_;
  std::unique_ptr<device_network> elsewhere_;
};

}  // namespace aixcell
