# aixcell::system_cudnn: headers and library of cuDNN 9, for any compiler. aixcell::cudnn: aixcell::cuda and convolutions by cuDNN,
# for units that nvcc compiles and that include kernels/cudnn/convolutions.cuh. Neither exists where cuDNN is not found; NVIDIA
# installs it beside CUDA (Debian packages cudnn9-cuda-12, cudnn9-cuda-13 of developer.nvidia.com) or in the system's folders.
find_package(CUDAToolkit 12.8 QUIET)
if(CUDAToolkit_FOUND)
  find_path(AIXCELL_CUDNN_INCLUDE_DIR cudnn_graph.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(AIXCELL_CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
  mark_as_advanced(AIXCELL_CUDNN_INCLUDE_DIR AIXCELL_CUDNN_LIBRARY)
  if(AIXCELL_CUDNN_INCLUDE_DIR AND AIXCELL_CUDNN_LIBRARY AND NOT TARGET aixcell::system_cudnn)
    add_library(aixcell::system_cudnn UNKNOWN IMPORTED GLOBAL)
    set_target_properties(aixcell::system_cudnn PROPERTIES
      IMPORTED_LOCATION "${AIXCELL_CUDNN_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${AIXCELL_CUDNN_INCLUDE_DIR}")
    target_link_libraries(aixcell::system_cudnn INTERFACE CUDA::cudart_static)
  endif()
endif()
if(TARGET aixcell::system_cudnn AND TARGET aixcell::cuda AND NOT TARGET aixcell::cudnn)
  add_library(aixcell::cudnn INTERFACE IMPORTED GLOBAL)
  target_link_libraries(aixcell::cudnn INTERFACE aixcell::cuda aixcell::system_cudnn)
endif()
