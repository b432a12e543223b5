# SPDX-License-Identifier: Apache-2.0
#
# joinleaf_add_provider(NAME <name> SOURCES <file>... [LIBRARIES <target>...] [NO_INSTALL])
#
# Builds the provider <name> as joinleaf-<name>.so, which YAML then calls `library: <name>`. The sources may be
# C or C++. The target is called joinleaf-<name>, for target_compile_definitions() and the like.
#
# The library lands in ${CMAKE_BINARY_DIR}/providers, a folder for JOINLEAF_PROVIDER_PATH, and is installed into
# ${CMAKE_INSTALL_LIBDIR}/joinleaf unless NO_INSTALL is given. It exports jl_provider_startup and nothing else,
# and a symbol that nothing defines is an error when it is linked rather than when it is loaded.
include_guard(GLOBAL)
include(GNUInstallDirs)

set(JOINLEAF_PROVIDER_MAP "${CMAKE_CURRENT_LIST_DIR}/joinleaf_provider.map")

function(joinleaf_add_provider)
    cmake_parse_arguments(PARSE_ARGV 0 arg "NO_INSTALL" "NAME" "SOURCES;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "joinleaf_add_provider: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT arg_NAME MATCHES "^[a-z0-9][a-z0-9._-]*$")
        message(FATAL_ERROR "joinleaf_add_provider: NAME '${arg_NAME}' must be small letters, digits, '.', '_' and '-'")
    endif()
    if(NOT arg_SOURCES)
        message(FATAL_ERROR "joinleaf_add_provider(NAME ${arg_NAME}): SOURCES is empty")
    endif()

    set(target joinleaf-${arg_NAME})
    add_library(${target} MODULE ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE joinleaf::sdk ${arg_LIBRARIES})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME "joinleaf-${arg_NAME}" SUFFIX ".so"
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        LIBRARY_OUTPUT_DIRECTORY "$<1:${CMAKE_BINARY_DIR}/providers>"
        LINK_DEPENDS "${JOINLEAF_PROVIDER_MAP}"
        INSTALL_RPATH "")
    _joinleaf_language_level(${target})
    _joinleaf_link_strictly(${target})
    set_property(GLOBAL APPEND PROPERTY JOINLEAF_PROVIDER_TARGETS ${target})

    if(NOT arg_NO_INSTALL)
        install(TARGETS ${target} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/joinleaf")
    endif()
endfunction()

# provider.h is C11, provider.hpp C++20; a project that asks for another level keeps it.
function(_joinleaf_language_level target)
    if(NOT CMAKE_C_STANDARD)
        set_target_properties(${target} PROPERTIES C_STANDARD 11)
    endif()
    if(NOT CMAKE_CXX_STANDARD)
        set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON)
    endif()
endfunction()

function(_joinleaf_link_strictly target)
    target_link_options(${target} PRIVATE
        "LINKER:--version-script=${JOINLEAF_PROVIDER_MAP}" "LINKER:-z,now" "LINKER:-z,relro")
    # clang links its sanitizer runtimes into the program only; a module then has undefined symbols by design.
    get_directory_property(link_options LINK_OPTIONS)
    set(flags "${link_options} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}")
    if(NOT (flags MATCHES "-fsanitize=" AND "${CMAKE_C_COMPILER_ID}${CMAKE_CXX_COMPILER_ID}" MATCHES "Clang"))
        target_link_options(${target} PRIVATE "LINKER:--no-undefined")
    endif()
endfunction()
