# The exported targets. aixcell::aixcell needs Eigen, Boost headers and threads, and uses OpenMP where the compiler has
# it. Each optional component exists where its packages were found:
#   kernels  the kernels of networks in a unit of their own, so that units with networks compile in two thirds of the time
#   png      PNG and BMP through stb and zlib, one implementation unit per program      jpeg     JPEG through libjpeg-turbo
#   tiff     TIFF and OME-TIFF through libtiff and pugixml                     images   png + jpeg + tiff
#   json     data set tables and model files through nlohmann_json             library  the registry (Boost.Hana), json, kernels
#   exchange ONNX graphs and bioimage.io packages (libonnx, protobuf, libzip, libsodium), png, json
#   quantify neighbours of cells through nanoflann's kd-tree, json
# With AIXCELL_CUDA=ON there is aixcell::cuda besides (aixcell_cuda.cmake), and where cuDNN is found aixcell::cudnn
# (aixcell_cudnn.cmake).
# No component adds -march or -ffast-math: hot loops choose their instruction set at run time.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
include(${CMAKE_CURRENT_LIST_DIR}/aixcell_dependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/aixcell_instances.cmake)

set(AIXCELL_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/aixcell)

file(GLOB_RECURSE AIXCELL_HEADERS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/aixcell/*.hpp
     ${PROJECT_SOURCE_DIR}/include/aixcell/*.inl ${PROJECT_SOURCE_DIR}/include/aixcell/*.cuh)

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP QUIET COMPONENTS CXX)

add_library(aixcell INTERFACE)
add_library(aixcell::aixcell ALIAS aixcell)
target_compile_features(aixcell INTERFACE cxx_std_20)
target_sources(aixcell INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${AIXCELL_HEADERS})
target_link_libraries(aixcell INTERFACE Eigen3::Eigen Boost::headers Threads::Threads)
if(OpenMP_CXX_FOUND)
  # The installed package looks for OpenMP itself: the consumer's compiler may not have it.
  target_link_libraries(aixcell INTERFACE $<BUILD_INTERFACE:OpenMP::OpenMP_CXX>)
endif()
install(TARGETS aixcell EXPORT aixcell_aixcell FILE_SET HEADERS)
install(EXPORT aixcell_aixcell NAMESPACE aixcell:: DESTINATION ${AIXCELL_CMAKE_DIR} FILE aixcell_aixcell.cmake)

# GPUs: only where they are asked for, because networks take nvcc minutes.
option(AIXCELL_CUDA "Build what runs on NVIDIA GPUs; needs nvcc 12.8 or later" OFF)
set(AIXCELL_CUDA_ARCHITECTURES "80-real;90;90a-real" CACHE STRING "GPUs that AIXCELL_CUDA compiles for")
option(AIXCELL_CUDNN "With AIXCELL_CUDA: convolutions by cuDNN too, where its headers are" ON)
if(AIXCELL_CUDA)
  # Before the language, which looks at it.
  set(CMAKE_CUDA_ARCHITECTURES ${AIXCELL_CUDA_ARCHITECTURES})
  enable_language(CUDA)
  include(${CMAKE_CURRENT_LIST_DIR}/aixcell_cuda.cmake)
  if(NOT TARGET aixcell::cuda)
    message(FATAL_ERROR "aixcell: AIXCELL_CUDA needs CUDA 12.8 or later, nvcc and the runtime's static library")
  endif()
  if(AIXCELL_CUDNN)
    include(${CMAKE_CURRENT_LIST_DIR}/aixcell_cudnn.cmake)
    if(NOT TARGET aixcell::cudnn)
      message(STATUS "aixcell: no component 'cudnn': NVIDIA's cudnn9-cuda package would add it")
    endif()
  endif()
endif()

# Each component is an export file of its own, so that a package is looked for only where it is needed.
foreach(component IN LISTS AIXCELL_COMPONENTS)
  aixcell_find_dependencies(${component} missing)
  if(missing)
    message(STATUS "aixcell: no component '${component}': Debian's ${missing} would add it")
    continue()
  endif()
  add_library(aixcell_${component} INTERFACE)
  add_library(aixcell::${component} ALIAS aixcell_${component})
  set_target_properties(aixcell_${component} PROPERTIES EXPORT_NAME ${component})
  target_link_libraries(aixcell_${component} INTERFACE aixcell ${AIXCELL_LINK_${component}})
  foreach(part IN LISTS AIXCELL_PARTS_${component})
    target_link_libraries(aixcell_${component} INTERFACE aixcell_${part})
  endforeach()
  if(component STREQUAL kernels)
    add_library(aixcell_compiled_kernels STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/kernels.cpp)
    target_link_libraries(aixcell_compiled_kernels PRIVATE aixcell $<TARGET_NAME_IF_EXISTS:aixcell_development>)
    target_compile_definitions(aixcell_compiled_kernels PRIVATE AIXCELL_KERNELS_APART)
    target_compile_definitions(aixcell_kernels INTERFACE AIXCELL_KERNELS_APART)
    target_link_libraries(aixcell_kernels INTERFACE $<BUILD_INTERFACE:aixcell_compiled_kernels>)
    target_sources(aixcell_kernels INTERFACE $<INSTALL_INTERFACE:${AIXCELL_CMAKE_DIR}/kernels.cpp>)
    install(FILES ${PROJECT_SOURCE_DIR}/cmake/kernels.cpp DESTINATION ${AIXCELL_CMAKE_DIR})
  endif()
  if(component STREQUAL png)
    target_include_directories(aixcell_png SYSTEM INTERFACE $<BUILD_INTERFACE:${AIXCELL_STB_INCLUDE_DIR}>)
    target_sources(aixcell_png INTERFACE
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/cmake/stb_implementation.cpp>
      $<INSTALL_INTERFACE:${AIXCELL_CMAKE_DIR}/stb_implementation.cpp>)
    install(FILES ${PROJECT_SOURCE_DIR}/cmake/stb_implementation.cpp DESTINATION ${AIXCELL_CMAKE_DIR})
  endif()
  if(component STREQUAL exchange)
    target_compile_definitions(aixcell_exchange INTERFACE ONNX_NAMESPACE=onnx ONNX_ML=1)  # as Debian built libonnx
  endif()
  install(TARGETS aixcell_${component} EXPORT aixcell_${component})
  install(EXPORT aixcell_${component} NAMESPACE aixcell:: DESTINATION ${AIXCELL_CMAKE_DIR}
          FILE aixcell_${component}.cmake)
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/aixcell-config.cmake.in
  ${PROJECT_BINARY_DIR}/aixcell-config.cmake INSTALL_DESTINATION ${AIXCELL_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/aixcell-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/aixcell-config.cmake ${PROJECT_BINARY_DIR}/aixcell-config-version.cmake
  ${CMAKE_CURRENT_LIST_DIR}/aixcell_dependencies.cmake ${CMAKE_CURRENT_LIST_DIR}/aixcell_instances.cmake
  ${CMAKE_CURRENT_LIST_DIR}/aixcell_cuda.cmake ${CMAKE_CURRENT_LIST_DIR}/aixcell_cudnn.cmake
  DESTINATION ${AIXCELL_CMAKE_DIR})
