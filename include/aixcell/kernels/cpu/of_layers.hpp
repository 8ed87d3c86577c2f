#pragma once
#include <aixcell/kernels/cpu/adaptive_pool.hpp>
#include <aixcell/kernels/cpu/channel_gate.hpp>
#include <aixcell/kernels/cpu/channels.hpp>
#include <aixcell/kernels/cpu/conv2d.hpp>
#include <aixcell/kernels/cpu/conv2d_joined.hpp>
#include <aixcell/kernels/cpu/crop.hpp>
#include <aixcell/kernels/cpu/elementwise.hpp>
#include <aixcell/kernels/cpu/layer_norm.hpp>
#include <aixcell/kernels/cpu/normalisation.hpp>
#include <aixcell/kernels/cpu/patches.hpp>
#include <aixcell/kernels/cpu/pool2d.hpp>
#include <aixcell/kernels/cpu/upsample.hpp>

// The processor's twins of every kernel that layers, encoders and decoders call. Those name kernels, not devices: which
// twin runs is found through the context when a layer is instantiated (argument-dependent lookup), so whoever runs one on
// the processor includes this header, on a GPU kernels/gpu/of_layers.hpp. pipeline/ does it for all that it runs.

// Half of the time that a unit with a network takes to compile is spent on these. Programs that link aixcell::kernels have them
// compiled once, in a unit of their own.
#if defined(AIXCELL_KERNELS_APART)
namespace aixcell {
#include <aixcell/kernels/cpu/detail/compiled_kernels.inl>
}  // namespace aixcell
#endif
