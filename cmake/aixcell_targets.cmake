# The exported targets. aixcell::aixcell needs Eigen, Boost headers and threads; each optional part says what else it needs.
#   aixcell::png   stb_image, one implementation unit per consumer     aixcell::jpeg  libjpeg-turbo
#   aixcell::tiff  libtiff and pugixml                                 aixcell::json  nlohmann_json (model files)
#   aixcell::library  the registry of pipelines (Boost.Hana)           aixcell::images = png + jpeg + tiff
include(GNUInstallDirs)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(JPEG REQUIRED)
find_package(TIFF REQUIRED)
find_package(pugixml REQUIRED)
find_path(AIXCELL_STB_INCLUDE_DIR stb/stb_image.h REQUIRED)

add_library(aixcell INTERFACE)
target_compile_features(aixcell INTERFACE cxx_std_20)
target_include_directories(aixcell INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(aixcell INTERFACE Eigen3::Eigen Boost::headers Threads::Threads)
if(OpenMP_CXX_FOUND)
  target_link_libraries(aixcell INTERFACE OpenMP::OpenMP_CXX)
endif()

function(aixcell_component name)
  cmake_parse_arguments(PARSE_ARGV 1 part "" "" "LINK")
  add_library(aixcell_${name} INTERFACE)
  target_link_libraries(aixcell_${name} INTERFACE aixcell ${part_LINK})
  add_library(aixcell::${name} ALIAS aixcell_${name})
  set_target_properties(aixcell_${name} PROPERTIES EXPORT_NAME ${name})
endfunction()

add_library(aixcell::aixcell ALIAS aixcell)
aixcell_component(json LINK nlohmann_json::nlohmann_json)
aixcell_component(png)
target_include_directories(aixcell_png SYSTEM INTERFACE ${AIXCELL_STB_INCLUDE_DIR})
target_sources(aixcell_png INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/cmake/stb_implementation.cpp>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_DATADIR}/aixcell/stb_implementation.cpp>)
aixcell_component(jpeg LINK JPEG::JPEG)
aixcell_component(tiff LINK TIFF::TIFF pugixml::pugixml)
aixcell_component(images LINK aixcell_png aixcell_jpeg aixcell_tiff)
aixcell_component(library LINK aixcell_json)
