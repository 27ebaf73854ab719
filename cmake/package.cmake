# SPDX-License-Identifier: Apache-2.0
# scripts/package: one Debian package with everything that cmake --install installs. Libraries it needs are found by
# dpkg-shlibdeps, so it is for the release it was built on.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kt)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "kt maintainers <maintainers@kt.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Key transparency log server and verifier")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "kt-server keeps a transparency log of device keys and answers with proofs;
kt-verify checks every proof, watches its owner's account, audits the log, and
derives codes that two people compare. With libkt for applications.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libzbar0") # kt-verify loads it when it reads an image
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nginx, prometheus")
set(CPACK_SET_DESTDIR ON) # for what goes to /etc
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/scripts/debian/postinst;${CMAKE_SOURCE_DIR}/scripts/debian/prerm"
  "${CMAKE_SOURCE_DIR}/scripts/debian/postrm;${CMAKE_BINARY_DIR}/conffiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${CMAKE_BINARY_DIR}/conffiles "/etc/default/kt-server\n")
file(CHMOD ${CMAKE_BINARY_DIR}/conffiles PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
include(CPack)
