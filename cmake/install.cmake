# SPDX-License-Identifier: Apache-2.0
# cmake --install: the programs; libkt with headers, a pkg-config file and a CMake package; man pages, completions, units,
# hooks. libktlog and libktjson are parts of the programs and have no public headers: they are not installed.
include(CMakePackageConfigHelpers)

foreach(program kt-server kt-verify)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

# --- libkt ---------------------------------------------------------------------------------------------------------------

install(TARGETS kt ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET kt-shared)
  install(TARGETS kt-shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  # Whoever links the archive needs its libraries too; libkt.so brings them.
  set(KT_PC_REQUIRES Requires.private)
else()
  set(KT_PC_REQUIRES Requires)
endif()
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

# --- documentation -----------------------------------------------------------------------------------------------------------

install(FILES ${CMAKE_SOURCE_DIR}/kt-server/openapi.yaml ${CMAKE_SOURCE_DIR}/docs/embedding.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kt)
install(FILES ${CMAKE_SOURCE_DIR}/docs/examples/messenger/messenger.c
  ${CMAKE_SOURCE_DIR}/docs/examples/messenger/CMakeLists.txt
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kt/examples/messenger)

# docs/man/NAME.SECTION.scd becomes man/manSECTION/NAME.SECTION.
file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.scd)
find_program(KT_SCDOC scdoc)
if(NOT KT_SCDOC)
  message(STATUS "scdoc is missing: man pages are left out")
else()
  set(manuals)
  set(filter ${CMAKE_SOURCE_DIR}/cmake/man.awk)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
  foreach(page ${pages})
    get_filename_component(manual ${page} NAME_WLE)
    string(REGEX REPLACE "^.*\\." "" section ${manual})
    set(output ${CMAKE_BINARY_DIR}/man/${manual})
    add_custom_command(OUTPUT ${output}
      COMMAND sh -c "\"$0\" <\"$1\" >\"$2.raw\" && exec awk -f \"$3\" \"$2.raw\" >\"$2\""
        ${KT_SCDOC} ${page} ${output} ${filter}
      DEPENDS ${page} ${filter} VERBATIM)
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    list(APPEND manuals ${output})
  endforeach()
  add_custom_target(kt-manuals ALL DEPENDS ${manuals})
endif()

# `kt-verify completion SHELL` prints what each shell loads.
if(KT_COMPLETIONS AND TARGET kt-verify)
  set(destination_bash bash-completion/completions)
  set(destination_zsh zsh/site-functions)
  set(destination_fish fish/vendor_completions.d)
  set(name_bash kt-verify)
  set(name_zsh _kt-verify)
  set(name_fish kt-verify.fish)
  set(completions)
  foreach(shell bash zsh fish)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/completions/${shell})
    set(output ${CMAKE_BINARY_DIR}/completions/${shell}/${name_${shell}})
    add_custom_command(OUTPUT ${output}
      COMMAND sh -c "exec \"$0\" completion \"$1\" >\"$2\"" $<TARGET_FILE:kt-verify> ${shell} ${output}
      DEPENDS kt-verify VERBATIM)
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_DATADIR}/${destination_${shell}})
    list(APPEND completions ${output})
  endforeach()
  add_custom_target(kt-completions ALL DEPENDS ${completions})
endif()

# --- units and hooks -----------------------------------------------------------------------------------------------------------

# The server's unit is the system's. Those of the monitor are a user's; their sandbox is written once for both.
configure_file(scripts/systemd/kt-server.service.in ${CMAKE_BINARY_DIR}/kt-server.service @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/kt-server.service DESTINATION lib/systemd/system)
install(FILES ${CMAKE_SOURCE_DIR}/scripts/systemd/kt-server.sysusers.conf DESTINATION lib/sysusers.d
  RENAME kt-server.conf)
install(FILES ${CMAKE_SOURCE_DIR}/scripts/systemd/kt-server.tmpfiles.conf DESTINATION lib/tmpfiles.d
  RENAME kt-server.conf)
# Only a package puts something into /etc (scripts/package).
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  install(FILES ${CMAKE_SOURCE_DIR}/scripts/systemd/kt-server.default DESTINATION /etc/default RENAME kt-server)
endif()
file(READ ${CMAKE_SOURCE_DIR}/scripts/systemd/sandbox.conf KT_UNIT_SANDBOX)
foreach(unit kt-verify-monitor.service kt-verify-monitor-daemon.service)
  configure_file(scripts/systemd/${unit}.in ${CMAKE_BINARY_DIR}/${unit} @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${unit} DESTINATION lib/systemd/user)
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/scripts/systemd/kt-verify-monitor.timer DESTINATION lib/systemd/user)
install(PROGRAMS ${CMAKE_SOURCE_DIR}/scripts/hooks/mail ${CMAKE_SOURCE_DIR}/scripts/hooks/desktop
  DESTINATION ${CMAKE_INSTALL_DATADIR}/kt/hooks)
