#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/device/recorded_work.hpp>
#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/augment.hpp>
#include <aixcell/kernels/gpu/of_layers.hpp>
#include <aixcell/kernels/gpu/optimiser.hpp>
#include <aixcell/losses/gpu/add_losses.hpp>
#include <aixcell/pipeline/compute_device.hpp>
#include <aixcell/pipeline/gpu/map_on.hpp>
#include <aixcell/pipeline/gpu/stages_on.hpp>
#include <aixcell/pipeline/gpu/step_memory.hpp>

// Networks on any GpuDevice. A unit for a GPU includes device/cuda.cuh, the twins of the stages that it adds
// (preprocess/gpu/of_stages.hpp, postprocess/gpu/of_stages.hpp), this header, and the encoders and decoders that it adds; tests
// include device/emulated.hpp instead.

namespace aixcell {

namespace detail {

template <GpuDevice Device>
tensor<parameter_chunk, Device> chunk_table(context<Device>& ctx, std::span<const device_parameter> parameters) {
  const std::vector<parameter_chunk> chunks = parameter_chunks(parameters);
  tensor<parameter_chunk, Device> table(ctx, {std::ssize(chunks)});
  copy(ctx, view<const parameter_chunk, cpu>(chunks.data(), table.shape()), table.as_view());
  return table;
}

template <GpuDevice Device>
struct images_on final : device_images {
  std::vector<tensor<float, Device>> images;
};

/// What steps of one shape share. It stays where it is, and so does all that a step allocates: from the second step on their
/// work is a recording.
template <GpuDevice Device>
struct like_steps {
  like_steps(const context<Device>& shared, const shape& batch, const shape& targets, std::size_t losses,
             const step_options& o)
      : ctx(shared.settings().record_steps ? shared.with_own_memory() : shared),
        x(ctx, batch),
        target(ctx, targets),
        results(ctx, {static_cast<index_t>(losses), loss_result_count}),
        norm(ctx, {2}),
        numbers(ctx, {1}),
        options(o) {}

  /// Options differ in nothing but what is read from `numbers`.
  bool include(const shape& batch, const shape& targets, step_options o) const {
    o.learning_rate = options.learning_rate, o.average_decay = options.average_decay, o.step = options.step;
    return x.shape() == batch && target.shape() == targets && o == options;
  }
  void set_numbers(const step_options& o) {
    const step_numbers now{.learning_rate = static_cast<float>(o.learning_rate),
                           .correct1 = bias_correction(o.adamw.beta1, o.step),
                           .correct2 = bias_correction(o.adamw.beta2, o.step),
                           .average_share = static_cast<float>(1 - o.average_decay)};
    copy(ctx, view<const step_numbers, cpu>(&now, {1}), numbers.as_view());
  }

  context<Device> ctx;
  tensor<float, Device> x, target;
  tensor<double, Device> results, norm;
  tensor<step_numbers, Device> numbers;
  step_options options;
  bool taken = false;
  std::optional<recorded_work<Device>> work;
};

}  // namespace detail

/// A network of known type on a device, storing the images between its layers as Real.
template <Encoder Enc, DecoderStage Dec, class Real, GpuDevice Device>
class network_on final : public device_network {
 public:
  network_on(context<Device> ctx, int channels, const output_head& head, std::shared_ptr<const stages_on<Device>> stages)
      : ctx_(std::move(ctx)), head_(head), net_(ctx_, channels, head, none_), stages_(std::move(stages)) {
    for_each_parameter(net_, [&](std::string_view, auto& p) {
      values_.push_back(&p.value);
      trained_.push_back({p.value.data(), p.gradient.data(), nullptr, nullptr, p.value.size(), p.decays});
    });
    for_each_buffer(net_, [&](std::string_view, auto& b) { values_.push_back(&b.value); });
  }

  void take_weights(const std::vector<network_tensor>& from) override {
    const std::lock_guard turn = my_turn();
    upload(from);
  }

  tensor<float> forward(const tensor<float>& x) override {
    const std::lock_guard turn = my_turn();
    return to_host(ctx_, net_.forward(ctx_, to_device(ctx_, x), nullptr));
  }

  bool has_twin(const stage_reference& stage) const override { return stages_->has(stage); }
  device_map_pointer upload(view<const float, cpu> map) override {
    const std::lock_guard turn = my_turn();
    tensor<float, Device> there(ctx_, map.shape());
    copy(ctx_, map, there.as_view());
    return on_device(std::move(there));
  }
  tensor<float> download(const device_map& map) override {
    const std::lock_guard turn = my_turn();
    return to_host(ctx_, values_of<Device>(map));
  }
  device_map_pointer preprocess(const stage_reference& stage, const device_map& pixels) override {
    const std::lock_guard turn = my_turn();
    return on_device(stages_->preprocess(ctx_, stage, values_of<Device>(pixels)));
  }
  device_map_pointer dense(const device_map& prepared, const rectangle& where, const predict_options& options,
                           const channel_order& order) override {
    const std::lock_guard turn = my_turn();
    const auto forward = [&](const tensor<float, Device>& x) { return net_.forward(ctx_, x, nullptr); };
    return on_device(tiled_output(ctx_, part_of(ctx_, values_of<Device>(prepared), where), options, forward, order));
  }
  prediction decode(const stage_reference& stage, const device_map& dense) override {
    const std::lock_guard turn = my_turn();
    return stages_->decoded(ctx_, stage, values_of<Device>(dense));
  }

  void begin_steps(const training_state& state, aixcell::optimiser kind) override {
    const std::lock_guard turn = my_turn();
    steps_.reset();
    upload(state.tensors);
    state_ = state;
    averages_ = copies_of(state.averages);
    moments_ = copies_of(state.moments);
    const std::size_t each = kind == aixcell::optimiser::adamw ? 2 : 1;
    if (averages_.size() != values_.size() || moments_.size() != each * trained_.size())
      throw shape_error("begin_steps: " + std::to_string(averages_.size()) + " averages and " +
                        std::to_string(moments_.size()) + " moments for " + std::to_string(values_.size()) +
                        " tensors, " + std::to_string(trained_.size()) + " of them parameters");
    for (std::size_t i = 0; i < trained_.size(); ++i) {
      trained_[i].mean = moments_[each * i].data();
      trained_[i].square = each == 2 ? moments_[2 * i + 1].data() : nullptr;
    }
    std::vector<device_parameter> averaged;
    for (std::size_t i = 0; i < values_.size(); ++i)
      averaged.push_back(
          {values_[i]->data(), averages_[i].data(), averages_[i].data(), nullptr, values_[i]->size(), false});
    parameters_ = detail::chunk_table(ctx_, std::span<const device_parameter>(trained_));
    averaged_ = detail::chunk_table(ctx_, std::span<const device_parameter>(averaged));
  }

  void set_loss(std::vector<any_loss_term> terms) override {
    const std::lock_guard turn = my_turn();
    steps_.reset();
    losses_ = losses_on(ctx_, terms);
  }

  std::unique_ptr<device_images> keep(const std::vector<const tensor<float>*>& images) override {
    const std::lock_guard turn = my_turn();
    std::size_t bytes = 0;
    for (const tensor<float>* i : images) bytes += static_cast<std::size_t>(i->size()) * sizeof(float);
    if (bytes > ctx_.memory().capacity() / 4) return nullptr;
    auto kept = std::make_unique<detail::images_on<Device>>();
    kept->images = copies_of(images);
    return kept;
  }

  step_result step(const tensor<float>& x, const tensor<float>& target, const step_options& o) override {
    const std::lock_guard turn = my_turn();
    return take_step(x.shape(), target, o, [&](view<float, Device> batch) { copy(ctx_, x.as_view(), batch); });
  }

  step_result step(const device_images& images, const std::vector<crop_of_kept>& crops, const tensor<float>& target,
                   const step_options& o) override {
    const std::lock_guard turn = my_turn();
    const auto& kept = static_cast<const detail::images_on<Device>&>(images).images;
    std::vector<crop_of<float, Device>> all;
    for (const crop_of_kept& c : crops) all.push_back({kept.at(c.image).as_view(), &c.plan});
    const index_t edge = crops.at(0).plan.from.edge;
    return take_step({std::ssize(all), edge, edge, all[0].image.extent(2)}, target, o,
                     [&](view<float, Device> batch) { cut_pixels(ctx_, all, batch); });
  }

  /// Whether the last step was launched as a recording.
  bool steps_are_recorded() const { return steps_ && steps_->work; }

  void end_steps() override {
    const std::lock_guard turn = my_turn();
    for (std::size_t i = 0; i < values_.size(); ++i) {
      download(*values_[i], *state_.tensors[i].value);
      download(averages_[i], *state_.averages[i]);
    }
    for (std::size_t i = 0; i < moments_.size(); ++i) download(moments_[i], *state_.moments[i]);
    synchronise(ctx_);
    steps_.reset();
    averages_.clear();
    moments_.clear();
    state_ = {};
  }

 private:
  /// Waits, so that who measures a stage measures its work.
  device_map_pointer on_device(tensor<float, Device> values) {
    synchronise(ctx_);
    return std::make_shared<map_on<Device>>(std::move(values));
  }
  std::lock_guard<std::mutex> my_turn() {
    make_current(ctx_);
    return std::lock_guard(turn_);
  }

  using like_steps = detail::like_steps<Device>;

  step_result take_step(const shape& batch, const tensor<float>& target, const step_options& o, auto&& fill) {
    if (!steps_ || !steps_->include(batch, target.shape(), o)) {
      steps_.reset();  // its memory first
      require_room(batch, target.shape());
      steps_.emplace(ctx_, batch, target.shape(), losses_.size(), o);
    }
    like_steps& s = *steps_;
    fill(s.x.as_view());
    copy(ctx_, target.as_view(), s.target.as_view());
    s.set_numbers(o);
    // The first step of a shape loads kernels, plans convolutions and finds out how much memory it takes.
    if (s.taken && !s.work && ctx_.settings().record_steps) record(s);
    if (s.work)
      s.work->launch(ctx_);
    else
      enqueue_step(s);
    s.taken = true;
    return {sum_of_losses(to_host(ctx_, s.results)), to_host(ctx_, s.norm)[0]};
  }

  /// Before a kernel runs. Not asked where it is not known: a library has workspace of its own, and steps that are not recorded
  /// take what is idle in a pool that others use too.
  void require_room(const shape& batch, const shape& targets) const {
    if (ctx_.settings().record_steps && !ctx_.convolutions())
      require_room_for_step<Enc, Dec, Real>(ctx_, {batch, targets, head_, ctx_.settings()});
  }

  void record(like_steps& s) {
    try {
      s.work = recorded_work<Device>::record(s.ctx, [&] { enqueue_step(s); });
    } catch (const device_memory_error&) {
      throw;  // says what to do
    } catch (const device_error& e) {
      throw device_error(std::string(e.what()) +
                         "; this happened as a training step was recorded: without recording "
                         "(compute_settings::record_steps, --launch-singly) steps are taken launch by launch");
    }
  }

  /// Forward, loss, backward, clipping, optimiser, average. Nobody waits, nothing is copied.
  void enqueue_step(like_steps& s) {
    fill_values(s.ctx, s.norm.as_view(), 0);
    clear_gradients(s.ctx, parameters_);
    net_.learn(s.ctx, s.x, [&](const auto& y, auto gradient) {
      fill_values(s.ctx, gradient.as_view(), 0);
      add_losses<float>(s.ctx, losses_, y, s.target, gradient, s.results);
      return 0.0;
    });
    const step_options& o = s.options;
    if (o.clip_norm > 0) gradient_norm(s.ctx, parameters_, o.clip_norm, s.norm);
    const view<const double, Device> clip =
        o.clip_norm > 0 ? std::as_const(s.norm).as_view() : view<const double, Device>();
    if (o.optimiser == aixcell::optimiser::adamw)
      adamw_step(s.ctx, parameters_,
                 {.beta1 = o.adamw.beta1,
                  .beta2 = o.adamw.beta2,
                  .epsilon = o.adamw.epsilon,
                  .weight_decay = o.adamw.weight_decay},
                 s.numbers, clip);
    else
      sgd_step(s.ctx, parameters_,
               {.momentum = o.sgd.momentum, .weight_decay = o.sgd.weight_decay, .nesterov = o.sgd.nesterov}, s.numbers,
               clip);
    move_average(s.ctx, averaged_, s.numbers);
  }

  void upload(const std::vector<network_tensor>& from) {
    if (from.size() != values_.size())
      throw shape_error("take_weights: " + std::to_string(from.size()) + " tensors for a network of " +
                        std::to_string(values_.size()));
    for (std::size_t i = 0; i < from.size(); ++i)
      copy(ctx_, std::as_const(*from[i].value).as_view(), values_[i]->as_view());
  }
  void download(const tensor<float, Device>& from, tensor<float>& to) { copy(ctx_, from.as_view(), to.as_view()); }
  std::vector<tensor<float, Device>> copies_of(const auto& from) {
    std::vector<tensor<float, Device>> copies;
    for (const tensor<float>* t : from) copies.push_back(to_device(ctx_, *t));
    return copies;
  }

  std::mutex turn_;
  context<Device> ctx_;
  output_head head_;
  random_stream none_ = random_stream(0).unwanted();  // weights come from the host
  network<Enc, Dec, Device, Real> net_;
  std::shared_ptr<const stages_on<Device>> stages_;
  std::vector<tensor<float, Device>*> values_;  // as tensors_of: parameters first
  std::vector<device_parameter> trained_;
  tensor<parameter_chunk, Device> parameters_, averaged_;
  std::vector<loss_on<Device>> losses_;
  training_state state_;
  std::vector<tensor<float, Device>> averages_, moments_;
  std::optional<like_steps> steps_;  // the last ones
};

/// The pairs of encoder and decoder that were compiled for a device, and the stages before and behind them that have twins there:
///     networks_on<cuda> device("cuda:0", context<cuda>());
///     device.add<resnet18, unet>().add<percentile, z_score>().add<star_convex<32>>();
template <GpuDevice Device>
class networks_on final : public compute_device {
 public:
  networks_on(std::string name, context<Device> ctx) : name_(std::move(name)), ctx_(std::move(ctx)) {}

  template <Encoder Enc, DecoderStage Dec>
  networks_on& add() {
    const auto make = [stages = stages_](context<Device> ctx, const network_request& wanted) {
      const precision p = wanted.compute.precision;
      return p == precision::float32 || p == precision::tf32 ? made<Enc, Dec, float>(std::move(ctx), wanted, stages)
                                                             : made<Enc, Dec, bfloat16>(std::move(ctx), wanted, stages);
    };
    pairs_.push_back({Enc::name, Dec::name, make});
    return *this;
  }

  /// In `predict` these stages are done there; what is not added is done on the processor.
  template <class... Stage>
  requires(sizeof...(Stage) > 0 && ((Preprocess<Stage> || Postprocess<Stage>)&&...))
  networks_on& add() {
    (stages_->template add<Stage>(), ...);
    return *this;
  }

  std::string name() const override { return name_; }
  std::string description() const override {
    std::string text = name_ + ": networks";
    for (std::size_t i = 0; i < pairs_.size(); ++i)
      text += (i == 0 ? " " : ", ") + std::string(pairs_[i].encoder) + "+" + std::string(pairs_[i].decoder);
    return text + "; " + stages_->description() + "; the rest of a prediction on the processor";
  }
  /// Automatic is bfloat16: tensor cores.
  std::unique_ptr<device_network> make(const network_request& wanted) override {
    make_current(ctx_);
    for (const pair& p : pairs_)
      if (p.encoder == wanted.encoder && p.decoder == wanted.decoder) {
        context<Device> ctx = ctx_;
        ctx.compute_as(wanted.compute);
        return p.make(std::move(ctx), wanted);
      }
    throw not_available(name_ + ": encoder " + std::string(wanted.encoder) + " with decoder " +
                        std::string(wanted.decoder) +
                        " was not compiled for this device; take another pipeline, add the pair, or run it on the "
                        "processor (--device cpu)");
  }

 private:
  struct pair {
    std::string_view encoder, decoder;
    std::function<std::unique_ptr<device_network>(context<Device>, const network_request&)> make;
  };
  template <class Enc, class Dec, class Real>
  static std::unique_ptr<device_network> made(context<Device> ctx, const network_request& wanted,
                                              std::shared_ptr<const stages_on<Device>> stages) {
    return std::make_unique<network_on<Enc, Dec, Real, Device>>(std::move(ctx), wanted.channels, wanted.head,
                                                                std::move(stages));
  }

  std::string name_;
  context<Device> ctx_;
  std::vector<pair> pairs_;
  std::shared_ptr<stages_on<Device>> stages_ = std::make_shared<stages_on<Device>>();
};

}  // namespace aixcell
