#pragma once
#include <aixcell/kernels/gpu/adaptive_pool.hpp>
#include <aixcell/kernels/gpu/channel_gate.hpp>
#include <aixcell/kernels/gpu/channels.hpp>
#include <aixcell/kernels/gpu/conv2d.hpp>
#include <aixcell/kernels/gpu/conv2d_bf16.hpp>
#include <aixcell/kernels/gpu/crop.hpp>
#include <aixcell/kernels/gpu/elementwise.hpp>
#include <aixcell/kernels/gpu/fill.hpp>
#include <aixcell/kernels/gpu/layer_norm.hpp>
#include <aixcell/kernels/gpu/normalisation.hpp>
#include <aixcell/kernels/gpu/patches.hpp>
#include <aixcell/kernels/gpu/pool2d.hpp>
#include <aixcell/kernels/gpu/upsample.hpp>

// The twins of every kernel that layers, encoders and decoders call, for any GpuDevice: kernels/cpu/of_layers.hpp says how they are
// found. Include it, and the device (device/cuda.cuh or device/emulated.hpp), before a layer is instantiated.
