# Checks that aixcell/aixcell.hpp includes every header for users, from core to pipeline, and nothing else. After adding one:
#     cmake -D AIXCELL_ROOT=<folder that holds aixcell/> -D WRITE=ON -P umbrella.cmake
cmake_policy(VERSION 3.25)

set(content [=[
#pragma once
// Every room from core to pipeline, for programs that embed a pipeline; needs the components images and json. Our own code
// includes the headers that it uses. Written by tests/umbrella.cmake.
]=])
foreach(room IN ITEMS core kernels layers losses optim metrics io data preprocess encoder decoder postprocess pipeline)
  file(GLOB headers RELATIVE ${AIXCELL_ROOT} ${AIXCELL_ROOT}/aixcell/${room}/*.hpp ${AIXCELL_ROOT}/aixcell/${room}/cpu/*.hpp)
  list(SORT headers)
  foreach(header IN LISTS headers)
    string(APPEND content "#include <${header}>\n")
  endforeach()
endforeach()
string(APPEND content "#include <aixcell/version.hpp>\n")

set(file ${AIXCELL_ROOT}/aixcell/aixcell.hpp)
if(WRITE)
  file(WRITE ${file} "${content}")
  return()
endif()
file(READ ${file} present)
if(NOT present STREQUAL content)
  message(FATAL_ERROR "${file} is not what the folders hold; write it anew: "
                      "cmake -D AIXCELL_ROOT=${AIXCELL_ROOT} -D WRITE=ON -P ${CMAKE_CURRENT_LIST_FILE}")
endif()
