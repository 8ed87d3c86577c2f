# Compiles kernels for one architecture with warnings as errors and reads what the tools say of them:
#     cmake -D NVCC=... -D PTXAS=... -D SOURCE=x.cu -D INCLUDE=<include folders> -D ARCHITECTURE=80 -D WORK=<scratch folder>
#           [-D INSTRUCTIONS="cp.async mma.sync"] -P compile_kernels.cmake
# Fails on a warning, a spill, a stack frame, products of warpgroups that the assembler puts in a row, or where the PTX lacks an
# instruction that was meant. Prints registers.
cmake_policy(VERSION 3.25)
file(MAKE_DIRECTORY ${WORK})
get_filename_component(stem ${SOURCE} NAME_WE)
set(ptx ${WORK}/${stem}_${ARCHITECTURE}.ptx)
separate_arguments(INCLUDE)
list(TRANSFORM INCLUDE PREPEND -I)
# 1675: g++'s pragmas in loops for the processor, which a header of an operation brings along.
execute_process(COMMAND ${NVCC} -std=c++20 --expt-relaxed-constexpr -gencode=arch=compute_${ARCHITECTURE},code=compute_${ARCHITECTURE} -ptx ${INCLUDE}
                        -Werror all-warnings -diag-suppress 1675 -Xcompiler -Wall,-Wextra -o ${ptx} ${SOURCE}
                RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "nvcc refused ${SOURCE}:\n${text}")
endif()
execute_process(COMMAND ${PTXAS} -v -arch=sm_${ARCHITECTURE} -o ${WORK}/${stem}_${ARCHITECTURE}.cubin ${ptx}
                RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "ptxas refused ${ptx}:\n${text}")
endif()

# The launchers too, once: what nvcc hands to the compiler of the host is not what it read.
if(ARCHITECTURE STREQUAL "80")
  execute_process(COMMAND ${NVCC} -std=c++20 --expt-relaxed-constexpr -c ${INCLUDE}
                          -gencode=arch=compute_${ARCHITECTURE},code=sm_${ARCHITECTURE}
                          -Werror all-warnings -diag-suppress 1675 -o ${WORK}/${stem}_${ARCHITECTURE}.o ${SOURCE}
                  RESULT_VARIABLE result OUTPUT_VARIABLE host_text ERROR_VARIABLE host_text)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "nvcc's host compiler refused ${SOURCE}:\n${host_text}")
  endif()
endif()

# ptxas waits for each product of a warpgroup where something else sets registers of its sums, and says so in passing.
if(text MATCHES "wgmma.mma_async instructions are serialized[^\n]*")
  message(SEND_ERROR "sm_${ARCHITECTURE}: ${CMAKE_MATCH_0}")
endif()
string(REPLACE ";" "," text "${text}")
string(REPLACE "\n" ";" lines "${text}")
set(kernels 0)
set(most 0)
foreach(line IN LISTS lines)
  if(line MATCHES "Compiling entry function '([^']*)'")
    set(kernel ${CMAKE_MATCH_1})
  elseif(line MATCHES "([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads")
    if(NOT "${CMAKE_MATCH_1}${CMAKE_MATCH_2}${CMAKE_MATCH_3}" STREQUAL "000")
      message(SEND_ERROR "sm_${ARCHITECTURE}: ${line}\n  in ${kernel}")
    endif()
  elseif(line MATCHES "Used ([0-9]+) registers")
    math(EXPR kernels "${kernels} + 1")
    if(CMAKE_MATCH_1 GREATER most)
      set(most ${CMAKE_MATCH_1})
    endif()
  endif()
endforeach()
if(kernels EQUAL 0)
  message(FATAL_ERROR "ptxas names no kernel:\n${text}")
endif()

file(READ ${ptx} code)
separate_arguments(INSTRUCTIONS)
foreach(instruction IN LISTS INSTRUCTIONS)
  string(FIND "${code}" "${instruction}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "sm_${ARCHITECTURE}: ${SOURCE}: no ${instruction} in the PTX")
  endif()
endforeach()
message(STATUS "sm_${ARCHITECTURE}: ${kernels} kernels, no stack, no spills, at most ${most} registers")
