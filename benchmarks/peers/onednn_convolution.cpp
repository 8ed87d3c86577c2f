// Convolution beside oneDNN, same shapes, same threads, in one process:
//
//     benchmark_peers_onednn_convolution --benchmark_repetitions=7 --benchmark_enable_random_interleaving=true
//
// Names are direction/filter inputs->outputs at size/type/who. oneDNN runs on channels-last images, as aixcell does
// (`onednn`), and in the blocked layout it likes best, reorders not counted (`onednn_blocked`); its filters are in its own
// layout in both, aixcell packs its float32 filters within the measured time. Batches of 4.
#include <benchmark/benchmark.h>
#include <aixcell/core/random.hpp>
#include <aixcell/kernels/cpu/conv2d.hpp>

#include <oneapi/dnnl/dnnl.hpp>

namespace aixcell {
namespace {

enum class direction { forward, data_gradient, filter_gradient };
constexpr const char* direction_names[] = {"forward", "data_gradient", "filter_gradient"};

struct workload {
  index_t inputs, size, outputs, kernel;
  int stride;

  shape x() const { return {4, size, size, inputs}; }
  shape filter() const { return {outputs, kernel, kernel, inputs}; }
  conv2d_geometry geometry() const { return {.stride = stride, .padding = static_cast<int>(kernel) / 2}; }
  shape y() const { return conv2d_output_shape(x(), filter(), geometry()); }
  double flops() const { return conv2d_cost(x(), filter(), y(), 4).flops; }
  std::string name() const {
    return std::to_string(kernel) + "x" + std::to_string(kernel) + (stride > 1 ? "/" + std::to_string(stride) : "") + " " +
           std::to_string(inputs) + "->" + std::to_string(outputs) + " at " + std::to_string(size);
  }
};

template <class Real>
tensor<Real> random_values(const shape& extents) {
  random_stream random(1);
  tensor<Real> t(extents);
  for (Real& v : t) v = static_cast<Real>(random.uniform(-1, 1));
  return t;
}

void report(benchmark::State& state, const workload& w) {
  state.counters["FLOP/s"] = benchmark::Counter(w.flops(), benchmark::Counter::kIsIterationInvariantRate);
}

template <class Real>
void ours(benchmark::State& state, const workload& w, direction d) {
  context<cpu> ctx;
  auto x = random_values<Real>(w.x()), y = random_values<Real>(w.y());
  auto filter = random_values<float>(w.filter());
  const auto run = [&] {
    if (d == direction::forward) conv2d<Real>(ctx, x, filter, w.geometry(), {}, y);
    if (d == direction::data_gradient) conv2d_backward_data<Real>(ctx, y, filter, w.geometry(), x);
    if (d == direction::filter_gradient) conv2d_backward_filter<Real>(ctx, x, y, w.geometry(), filter);
    benchmark::ClobberMemory();
  };
  run();
  for (auto _ : state) run();
  report(state, w);
}

dnnl::memory random_memory(const dnnl::memory::desc& layout, const dnnl::engine& engine) {
  dnnl::memory m(layout, engine);
  // Small positive numbers, read as float32 or as bfloat16.
  auto* values = static_cast<std::uint16_t*>(m.get_data_handle());
  random_stream random(1);
  for (std::size_t i = 0; i < layout.get_size() / 2; ++i)
    values[i] = static_cast<std::uint16_t>(0x3c00 + random.below(0x80));
  return m;
}

void theirs(benchmark::State& state, const workload& w, direction d, dnnl::memory::data_type type, bool blocked) {
  using namespace dnnl;
  using tag = memory::format_tag;
  const engine processor(engine::kind::cpu, 0);
  stream queue(processor);
  const index_t out = w.y()[1], pad = w.kernel / 2;
  const tag images = blocked ? tag::any : tag::nhwc;
  const memory::desc x({4, w.inputs, w.size, w.size}, type, images),
      filter({w.outputs, w.inputs, w.kernel, w.kernel}, type, tag::any), y({4, w.outputs, out, out}, type, images);
  const memory::dims strides{w.stride, w.stride}, before{pad, pad};
  const index_t behind = (out - 1) * w.stride + w.kernel - w.size - pad;
  const memory::dims after{behind, behind};
  const auto direct = algorithm::convolution_direct;
  const convolution_forward::primitive_desc forward(
      {prop_kind::forward_training, direct, x, filter, y, strides, before, after}, processor);
  const auto measure = [&](const primitive& p, const std::unordered_map<int, memory>& arguments) {
    const auto run = [&] {
      p.execute(queue, arguments);
      queue.wait();
    };
    run();
    for (auto _ : state) run();
    report(state, w);
  };
  if (d == direction::forward) {
    measure(convolution_forward(forward), {{DNNL_ARG_SRC, random_memory(forward.src_desc(), processor)},
                                           {DNNL_ARG_WEIGHTS, random_memory(forward.weights_desc(), processor)},
                                           {DNNL_ARG_DST, random_memory(forward.dst_desc(), processor)}});
  } else if (d == direction::data_gradient) {
    const convolution_backward_data::primitive_desc back({direct, x, filter, y, strides, before, after}, processor,
                                                         forward);
    measure(convolution_backward_data(back), {{DNNL_ARG_DIFF_SRC, random_memory(back.diff_src_desc(), processor)},
                                              {DNNL_ARG_WEIGHTS, random_memory(back.weights_desc(), processor)},
                                              {DNNL_ARG_DIFF_DST, random_memory(back.diff_dst_desc(), processor)}});
  } else {
    const convolution_backward_weights::primitive_desc back({direct, x, filter, y, strides, before, after}, processor,
                                                            forward);
    measure(convolution_backward_weights(back),
            {{DNNL_ARG_SRC, random_memory(back.src_desc(), processor)},
             {DNNL_ARG_DIFF_WEIGHTS, random_memory(back.diff_weights_desc(), processor)},
             {DNNL_ARG_DIFF_DST, random_memory(back.diff_dst_desc(), processor)}});
  }
}

void add_benchmarks() {
  const workload workloads[] = {{64, 256, 64, 3, 1}, {32, 256, 32, 3, 1}, {256, 32, 256, 3, 1}, {512, 16, 512, 3, 1},
                                {64, 64, 128, 3, 2}, {256, 64, 64, 1, 1}, {3, 256, 64, 7, 2}};
  for (const workload& w : workloads)
    for (const direction d : {direction::forward, direction::data_gradient, direction::filter_gradient}) {
      const std::string name = std::string(direction_names[static_cast<int>(d)]) + "/" + w.name();
      const auto add = [](const std::string& full_name, auto&& measure) {
        benchmark::RegisterBenchmark(full_name.c_str(), measure)
            ->UseRealTime()
            ->MinTime(0.2)
            ->Unit(benchmark::kMillisecond);
      };
      using type = dnnl::memory::data_type;
      add(name + "/float32/aixcell", [=](benchmark::State& s) { ours<float>(s, w, d); });
      add(name + "/float32/onednn", [=](benchmark::State& s) { theirs(s, w, d, type::f32, false); });
      add(name + "/float32/onednn_blocked", [=](benchmark::State& s) { theirs(s, w, d, type::f32, true); });
      if (!detail::processor().matrix_unit) continue;
      add(name + "/bfloat16/aixcell", [=](benchmark::State& s) { ours<bfloat16>(s, w, d); });
      add(name + "/bfloat16/onednn", [=](benchmark::State& s) { theirs(s, w, d, type::bf16, false); });
      add(name + "/bfloat16/onednn_blocked", [=](benchmark::State& s) { theirs(s, w, d, type::bf16, true); });
    }
}

}  // namespace
}  // namespace aixcell

int main(int argc, char** argv) {
  aixcell::add_benchmarks();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
