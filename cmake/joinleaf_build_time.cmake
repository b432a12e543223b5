# SPDX-License-Identifier: Apache-2.0
# What makes a build from nothing short: nearly all of its time goes into reading the same headers again.

# Headers that most files of a target read are compiled once. Where ccache is in use it is left out: ccache takes whole
# files, and those without a precompiled header it knows again elsewhere.
include_guard(GLOBAL)

set(precompile_default ON)
if(CMAKE_CXX_COMPILER_LAUNCHER)
    set(precompile_default OFF)
endif()
option(JOINLEAF_PRECOMPILE "Compile the headers of the tests and of the command once" ${precompile_default})

set(precompiled_standard <algorithm> <array> <atomic> <chrono> <cstdint> <filesystem> <fstream> <functional> <map> <memory>
    <mutex> <optional> <set> <span> <string> <string_view> <thread> <utility> <vector>)

# Programs of tests share one compiled GoogleTest; its holder is compiled with the options that they all have.
function(joinleaf_precompile_tests)
    if(NOT JOINLEAF_PRECOMPILE)
        return()
    endif()
    if(NOT TARGET joinleaf_precompiled_tests)
        set(holder "${PROJECT_BINARY_DIR}/precompiled_tests.cpp")
        file(CONFIGURE OUTPUT "${holder}" CONTENT "int main() {}\n")
        add_executable(joinleaf_precompiled_tests EXCLUDE_FROM_ALL "${holder}")
        target_link_libraries(joinleaf_precompiled_tests PRIVATE GTest::gmock Threads::Threads)
        target_precompile_headers(joinleaf_precompiled_tests PRIVATE ${precompiled_standard} <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    foreach(target IN LISTS ARGN)
        target_precompile_headers(${target} REUSE_FROM joinleaf_precompiled_tests)
    endforeach()
endfunction()

# Any other target, with the headers that it reads most.
function(joinleaf_precompile target)
    if(JOINLEAF_PRECOMPILE)
        target_precompile_headers(${target} PRIVATE ${precompiled_standard} ${ARGN})
    endif()
endfunction()

# Eight files are compiled as one: for builds from nothing, as in CI. Names of one file's unnamed namespace may then stand
# in the way of another's parameters, which -Wshadow would tell.
option(JOINLEAF_UNITE "Compile several files of the large targets together" OFF)

function(joinleaf_unite)
    if(JOINLEAF_UNITE)
        set_target_properties(${ARGN} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
        foreach(target IN LISTS ARGN)
            target_compile_options(${target} PRIVATE -Wno-shadow)
        endforeach()
    endif()
endfunction()
