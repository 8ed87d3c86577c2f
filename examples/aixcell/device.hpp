#pragma once
#include <memory>
#include <string>

#include <aixcell/core/context.hpp>

#include "commands.hpp"

namespace aixcell::program {

// Where networks run. cuda.cu is compiled where there is nvcc, no_cuda.cpp elsewhere: the same functions.

/// Whether this program was built with CUDA.
bool built_with_cuda();

/// Version of the cuDNN that this program was built with, e.g. 91900; 0: without.
int built_with_cudnn();

/// The first GPU with the networks that were compiled for it, and whose convolutions they use. Throws not_available if this
/// program was built without CUDA, or without the cuDNN that is asked for, device_error where there is no GPU that it can use.
std::shared_ptr<compute_device> open_cuda(bool by_cudnn);

/// The processor's context, with networks where the user wants them. Throws as open_cuda: nothing falls back.
context<cpu> context_for(const compute_arguments& wanted);

/// What networks will store their values as. The automatic choice on a GPU is bfloat16, for its tensor cores.
precision stored_precision(const compute_arguments& wanted);

}  // namespace aixcell::program
