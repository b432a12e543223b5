# SPDX-License-Identifier: Apache-2.0
# JOINLEAF_SANITIZE and JOINLEAF_FUZZ, applied to every target so that runtime, providers and tests agree.
include_guard(GLOBAL)

set(sanitizers "")
if(JOINLEAF_SANITIZE STREQUAL "address")
    set(sanitizers address undefined)
elseif(JOINLEAF_SANITIZE STREQUAL "thread")
    set(sanitizers thread)
elseif(NOT JOINLEAF_SANITIZE STREQUAL "")
    message(FATAL_ERROR "JOINLEAF_SANITIZE is '${JOINLEAF_SANITIZE}'; it may be empty, 'address' or 'thread'")
endif()

if(JOINLEAF_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "JOINLEAF_FUZZ needs clang (libFuzzer); the compiler is ${CMAKE_CXX_COMPILER_ID}. "
                            "Configure with -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
    endif()
    list(APPEND sanitizers fuzzer-no-link)
endif()

if(sanitizers)
    list(JOIN sanitizers "," names)
    add_compile_options(-fsanitize=${names} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${names})
endif()
if("undefined" IN_LIST sanitizers)
    # A finding ends the test; without this it is only a line in its output.
    # The vptr check asks the kernel about memory through a pipe of its own, and reports a fault where a test has used
    # up the descriptors.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
endif()
