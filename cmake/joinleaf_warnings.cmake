# SPDX-License-Identifier: Apache-2.0
# Warnings for every target of the tree. Headers of other packages come in as system headers and stay silent.
include_guard(GLOBAL)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wswitch-enum
                    $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc 12 finds uninitialised members in every temporary std::string it inlines; the analyzer of clang-tidy and
    # the sanitizers look for the real ones.
    add_compile_options(-Wno-maybe-uninitialized)
endif()
if(JOINLEAF_WERROR)
    add_compile_options(-Werror)
endif()
