# For building aixcell itself: warnings, sanitizers. Never exported.
add_library(aixcell_development INTERFACE)
# Of CUDA only what nvcc says itself: what it makes for the compiler of the host is not ours.
target_compile_options(aixcell_development INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion>")
option(AIXCELL_WARNINGS_AS_ERRORS "Refuse warnings" ON)
if(AIXCELL_WARNINGS_AS_ERRORS)
  target_compile_options(aixcell_development INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Werror>"
                                                              "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>")
endif()

# What UBSan leaves out beside AddressSanitizer, which stops at null pointers and beyond objects itself; pointers that overflow and
# the types of virtual objects are given up. A fifth of the time to compile both.
set(AIXCELL_LEFT_TO_ADDRESS -fno-sanitize=null,vptr,object-size,pointer-overflow)
set(AIXCELL_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")
if(AIXCELL_SANITIZE)
  target_compile_options(aixcell_development INTERFACE -fsanitize=${AIXCELL_SANITIZE} -fno-omit-frame-pointer
                                                       -fno-sanitize-recover=all)
  if(AIXCELL_SANITIZE MATCHES "address")
    target_compile_options(aixcell_development INTERFACE ${AIXCELL_LEFT_TO_ADDRESS})
  endif()
  target_link_options(aixcell_development INTERFACE -fsanitize=${AIXCELL_SANITIZE})
else()
  target_compile_options(aixcell_compiled_kernels PRIVATE -O2)
endif()

set(CMAKE_CXX_EXTENSIONS OFF)

find_program(AIXCELL_CCACHE ccache)
if(AIXCELL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${AIXCELL_CCACHE})
endif()
