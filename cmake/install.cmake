# SPDX-License-Identifier: Apache-2.0
# cmake --install: the programs, the libraries, the public headers, a pkg-config file, a CMake package, units and hooks.
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

# Units of a user's systemd, and hooks to copy. The sandbox is written once for both services.
file(READ ${CMAKE_SOURCE_DIR}/scripts/systemd/sandbox.conf KT_UNIT_SANDBOX)
foreach(unit kt-verify-monitor.service kt-verify-monitor-daemon.service)
  configure_file(scripts/systemd/${unit}.in ${CMAKE_BINARY_DIR}/${unit} @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${unit} DESTINATION lib/systemd/user)
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/scripts/systemd/kt-verify-monitor.timer DESTINATION lib/systemd/user)
install(PROGRAMS ${CMAKE_SOURCE_DIR}/scripts/hooks/mail ${CMAKE_SOURCE_DIR}/scripts/hooks/desktop
  DESTINATION ${CMAKE_INSTALL_DATADIR}/kt/hooks)
