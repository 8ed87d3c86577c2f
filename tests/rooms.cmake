# Checks who includes whom in include/aixcell:
#   - a room includes itself and the rooms before it in `rooms`; nobody but itself includes `report`
#   - detail/ is private to its room
#   - of device/, a kernel in kernels/gpu includes core.hpp and nothing else: neither CUDA nor the emulation
#   - libraries appear only where `libraries` says; of Eigen only <Eigen/Core>
#     cmake -D AIXCELL_ROOT=<folder that holds aixcell/> -P rooms.cmake
cmake_policy(VERSION 3.25)

set(rooms core device kernels layers losses optim metrics io data preprocess encoder decoder postprocess pipeline exchange library
          autokonfig quantify report)

# library | what its includes start with | headers (regular expression, relative to include/) that may have them
set(libraries
  "Boost.Hana|boost/hana|^aixcell/library/"
  "Boost.Container|boost/container/|^aixcell/core/short_list.hpp$"
  "other Boost|boost/|^$"
  "CUDA|cuda|^aixcell/device/cuda.cuh$"
  "cuDNN|cudnn|^aixcell/kernels/cudnn/"
  "nlohmann_json|nlohmann/|^aixcell/(io/json|io/safetensors|data/(read|write)_dataset|pipeline/model_file|pipeline/checkpoint|exchange/|library/|autokonfig/|quantify/|report/)"
  "libjpeg|jpeglib|^aixcell/io/jpeg"
  "libtiff|tiff|^aixcell/io/(detail/)?(read_|write_)?tiff"
  "pugixml|pugixml|^aixcell/io/(detail/)?(ome|tiff)"
  "protobuf and ONNX|google/protobuf|^aixcell/exchange/"
  "ONNX|onnx/|^aixcell/exchange/"
  "libzip|zip.h|^aixcell/exchange/"
  "libsodium|sodium|^aixcell/exchange/"
  "nanoflann|nanoflann|^aixcell/quantify/"
  "stb|stb/|^$"
  "CLI11|CLI/|^$"
  "Catch2|catch2/|^$")
# Each of these costs every unit that includes it more than it gives.
set(refused iostream regex format)

set(violations "")
macro(refuse text)
  list(APPEND violations "${header}: includes <${included}>: ${text}")
endmacro()

file(GLOB_RECURSE headers RELATIVE ${AIXCELL_ROOT} ${AIXCELL_ROOT}/aixcell/*)
foreach(header IN LISTS headers)
  string(REGEX MATCH "^aixcell/([a-z_]+)/" in_a_room ${header})
  set(room ${CMAKE_MATCH_1})
  if(NOT in_a_room)
    continue()  # aixcell.hpp, which includes every room, and version.hpp
  endif()
  list(FIND rooms ${room} place)
  if(place EQUAL -1)
    list(APPEND violations "${header}: no room is called ${room}")
    continue()
  endif()
  file(STRINGS ${AIXCELL_ROOT}/${header} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    if(line MATCHES "include[ \t]*\"")
      list(APPEND violations "${header}: ${line}: write <aixcell/room/file.hpp>")
      continue()
    endif()
    string(REGEX MATCH "<([^>]*)>" unused "${line}")
    set(included ${CMAKE_MATCH_1})
    if(included MATCHES "^aixcell/([a-z_]+)/")
      set(other ${CMAKE_MATCH_1})
      list(FIND rooms ${other} other_place)
      if(other_place EQUAL -1)
        refuse("no room is called ${other}")
      elseif(other_place GREATER place)
        refuse("room ${other} comes after room ${room}")
      elseif(included MATCHES "\\.cuh$" AND NOT header MATCHES "\\.cuh$")
        refuse("a .hpp includes no .cuh: every compiler must read it")
      elseif(header MATCHES "^aixcell/kernels/gpu/" AND other STREQUAL "device" AND NOT included STREQUAL
             "aixcell/device/core.hpp")
        refuse("a kernel includes of device/ only core.hpp")
      elseif(included MATCHES "/detail/" AND NOT other STREQUAL room)
        refuse("detail/ is private to room ${other}")
      endif()
    elseif(included MATCHES "^aixcell/" AND NOT included STREQUAL "aixcell/version.hpp")
      refuse("a room includes narrow headers, not the one for users")
    elseif(included MATCHES "^Eigen/" AND NOT included STREQUAL "Eigen/Core")
      refuse("of Eigen only <Eigen/Core>")
    elseif(included IN_LIST refused)
      refuse("too costly for a header")
    else()
      foreach(row IN LISTS libraries)
        string(REPLACE "|" ";" row "${row}")
        list(GET row 0 library)
        list(GET row 1 start)
        list(LENGTH row columns)
        list(SUBLIST row 2 -1 places)
        list(JOIN places "|" places)  # the bar also separates alternatives
        if(included MATCHES "^${start}")
          if(NOT header MATCHES "${places}")
            refuse("${library} is not for this header (tests/rooms.cmake lists where it may be)")
          endif()
          break()
        endif()
      endforeach()
    endif()
  endforeach()
endforeach()

list(LENGTH headers count)
if(count EQUAL 0)
  message(FATAL_ERROR "no header found under ${AIXCELL_ROOT}/aixcell")
endif()
if(violations)
  list(JOIN violations "\n  " violations)
  message(FATAL_ERROR "rooms:\n  ${violations}")
endif()
message(STATUS "rooms: ${count} headers, none includes what it should not")
