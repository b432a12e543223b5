# SPDX-License-Identifier: Apache-2.0
# Headers, CMake package and pkg-config file. Each room installs its own binaries and data;
# libraries and programs that others link join the export set joinleafTargets.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/joinleaf")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/joinleaf" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(TARGETS joinleaf_headers joinleaf_sdk joinleaf_winsock EXPORT joinleafTargets)
install(EXPORT joinleafTargets NAMESPACE joinleaf:: DESTINATION "${package_dir}")

set(provider_dir "${CMAKE_INSTALL_LIBDIR}/joinleaf")
install(DIRECTORY DESTINATION "${provider_dir}")
configure_package_config_file(cmake/joinleafConfig.cmake.in "${PROJECT_BINARY_DIR}/package/joinleafConfig.cmake"
    INSTALL_DESTINATION "${package_dir}" PATH_VARS provider_dir)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/joinleafConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/package/joinleafConfig.cmake"
    "${PROJECT_BINARY_DIR}/package/joinleafConfigVersion.cmake"
    cmake/joinleaf_add_provider.cmake
    cmake/joinleaf_provider.map
    DESTINATION "${package_dir}")

file(RELATIVE_PATH pc_to_prefix "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/joinleaf.pc.in "${PROJECT_BINARY_DIR}/package/joinleaf.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/joinleaf.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)
