# aixcell::cuda: what a unit that runs on GPUs links. CUDA's runtime, and what nvcc has to be told; read by the build with
# AIXCELL_CUDA=ON, and by find_package(aixcell COMPONENTS cuda). The project that links it enables the language CUDA and sets
# CMAKE_CUDA_ARCHITECTURES: one list for a program, 80 or later.
find_package(CUDAToolkit 12.8 QUIET)
if(CUDAToolkit_FOUND AND NOT TARGET aixcell::cuda)
  add_library(aixcell::cuda INTERFACE IMPORTED GLOBAL)
  target_link_libraries(aixcell::cuda INTERFACE aixcell::aixcell CUDA::cudart_static)
  # The standard as an option: CMake 3.25 does not know what nvcc 13 can. 1675: g++'s pragmas in loops for the processor,
  # which a header of an operation brings along.
  target_compile_options(aixcell::cuda INTERFACE
    "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;--expt-relaxed-constexpr;-diag-suppress=1675>")
  if(OpenMP_CXX_FOUND)
    # Inline functions exist once in a program: those of this unit must not be the ones without threads.
    target_compile_options(aixcell::cuda INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${OpenMP_CXX_FLAGS}>")
  endif()
endif()
