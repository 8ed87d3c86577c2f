# What each optional component needs: read by the build and, installed, by find_package(aixcell).
#   AIXCELL_COMPONENTS        in the order in which they build on each other
#   AIXCELL_PARTS_<name>      the components it contains       AIXCELL_LINK_<name>  the imported targets it links
#   AIXCELL_PACKAGES_<name>   what find_package looks for      AIXCELL_DEBIAN_<name>  the Debian packages with them
#   AIXCELL_LIBRARIES_<name>  libraries whose Debian packages have no CMake package that works alone, as <header>|<library>;
#                             they become the imported targets aixcell::system_<library>
set(AIXCELL_COMPONENTS kernels png jpeg tiff json images library exchange quantify)
set(AIXCELL_PACKAGES_png ZLIB)
set(AIXCELL_LINK_png ZLIB::ZLIB)
set(AIXCELL_DEBIAN_png "libstb-dev and zlib1g-dev")
set(AIXCELL_PACKAGES_jpeg JPEG)
set(AIXCELL_LINK_jpeg JPEG::JPEG)
set(AIXCELL_DEBIAN_jpeg libjpeg62-turbo-dev)
set(AIXCELL_PACKAGES_tiff TIFF pugixml)
set(AIXCELL_LINK_tiff TIFF::TIFF pugixml::pugixml)
set(AIXCELL_DEBIAN_tiff "libtiff-dev and libpugixml-dev")
set(AIXCELL_PACKAGES_json nlohmann_json)
set(AIXCELL_LINK_json nlohmann_json::nlohmann_json)
set(AIXCELL_DEBIAN_json nlohmann-json3-dev)
set(AIXCELL_PACKAGES_quantify nanoflann)
set(AIXCELL_LINK_quantify nanoflann::nanoflann)
set(AIXCELL_DEBIAN_quantify libnanoflann-dev)
set(AIXCELL_PARTS_images png jpeg tiff)
set(AIXCELL_PARTS_library kernels json)
set(AIXCELL_PARTS_quantify json)
set(AIXCELL_PARTS_exchange png json)
set(AIXCELL_LIBRARIES_exchange onnx/onnx_pb.h|onnx onnx/onnx_pb.h|onnx_proto google/protobuf/message.h|protobuf zip.h|zip
                               sodium.h|sodium)
set(AIXCELL_LINK_exchange aixcell::system_onnx aixcell::system_onnx_proto aixcell::system_protobuf aixcell::system_zip
                          aixcell::system_sodium)
set(AIXCELL_DEBIAN_exchange "libonnx-dev, libprotobuf-dev, libzip-dev and libsodium-dev")

# Looks for what a component needs; `missing` becomes the Debian packages to install, or empty.
# A macro: the imported targets and result variables of find_package belong to the caller's folder.
macro(aixcell_find_dependencies component missing)
  set(${missing} "")
  foreach(aixcell_part IN ITEMS ${AIXCELL_PARTS_${component}} ${component})
    if(aixcell_part STREQUAL "png")
      find_path(AIXCELL_STB_INCLUDE_DIR stb/stb_image.h)
      if(NOT AIXCELL_STB_INCLUDE_DIR)
        list(APPEND ${missing} ${AIXCELL_DEBIAN_png})
      endif()
    endif()
    foreach(aixcell_library IN LISTS AIXCELL_LIBRARIES_${aixcell_part})
      string(REGEX MATCH "^(.*)\\|(.*)$" aixcell_library "${aixcell_library}")
      set(aixcell_header ${CMAKE_MATCH_1})
      set(aixcell_library ${CMAKE_MATCH_2})
      find_path(AIXCELL_INCLUDE_${aixcell_library} ${aixcell_header})
      find_library(AIXCELL_LIBRARY_${aixcell_library} ${aixcell_library})
      mark_as_advanced(AIXCELL_INCLUDE_${aixcell_library} AIXCELL_LIBRARY_${aixcell_library})
      if(NOT AIXCELL_INCLUDE_${aixcell_library} OR NOT AIXCELL_LIBRARY_${aixcell_library})
        list(APPEND ${missing} ${AIXCELL_DEBIAN_${aixcell_part}})
      elseif(NOT TARGET aixcell::system_${aixcell_library})
        add_library(aixcell::system_${aixcell_library} UNKNOWN IMPORTED GLOBAL)
        set_target_properties(aixcell::system_${aixcell_library} PROPERTIES
          IMPORTED_LOCATION "${AIXCELL_LIBRARY_${aixcell_library}}"
          INTERFACE_INCLUDE_DIRECTORIES "${AIXCELL_INCLUDE_${aixcell_library}}")
      endif()
    endforeach()
    foreach(aixcell_package IN LISTS AIXCELL_PACKAGES_${aixcell_part})
      find_package(${aixcell_package} QUIET)
      if(NOT ${aixcell_package}_FOUND)
        list(APPEND ${missing} ${AIXCELL_DEBIAN_${aixcell_part}})
      endif()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES ${missing})
  list(JOIN ${missing} ", " ${missing})
endmacro()
