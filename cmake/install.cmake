# SPDX-License-Identifier: Apache-2.0
# cmake --install: the programs, the libraries, the public headers, a pkg-config file and a CMake package.
include(CMakePackageConfigHelpers)

foreach(program kt-server kt-verify)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

foreach(library kt ktlog ktjson)
  if(TARGET ${library})
    install(TARGETS ${library} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()

install(DIRECTORY ${CMAKE_SOURCE_DIR}/lib/include/kt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")

set(KT_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/kt)
# Relative, so that cmake --install --prefix elsewhere stays right.
file(RELATIVE_PATH KT_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/kt.pc.in ${CMAKE_BINARY_DIR}/kt.pc @ONLY)
configure_package_config_file(cmake/kt-config.cmake.in ${CMAKE_BINARY_DIR}/kt-config.cmake
  INSTALL_DESTINATION ${KT_PACKAGE_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/kt-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/kt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/kt-config.cmake ${CMAKE_BINARY_DIR}/kt-config-version.cmake
  DESTINATION ${KT_PACKAGE_DIR})
