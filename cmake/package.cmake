# Debian packages by CPack (./dev deb): aklint, ak, libaklint-dev, one for each component.
if(SKBUILD)
  return()
endif()
set(AK_MAINTAINER "The aklint and ak authors <maintainers@users.noreply.github.com>" CACHE STRING
  "Who answers for a package that is made here")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ak)
set(CPACK_PACKAGE_CONTACT "${AK_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_OUTPUT_FILE_PREFIX ${PROJECT_BINARY_DIR}/deb)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL program)
if(TARGET aklint_archive)
  list(APPEND CPACK_COMPONENTS_ALL development)
endif()
if(TARGET ak)
  list(APPEND CPACK_COMPONENTS_ALL runtime)
endif()
set(CPACK_AK_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/finish.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME aklint)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION devel)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "linter for durable Python programs
aklint finds what would break a durable program before it is deployed:
clocks, random numbers, blocking calls, values that cannot be recorded. It
follows calls from the workflow into helpers and other files, for Temporal and
for AutoKitteh.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "python3")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ak)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION admin)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "runtime for durable Python programs
ak deploys programs that pass its checks and runs them on one machine:
webhooks, schedules, sessions. Each step is recorded, so that a session
that was killed goes on where it was.")
get_property(ak_late_packages GLOBAL PROPERTY AK_LATE_PACKAGES)
list(JOIN ak_late_packages ", " ak_late_packages)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "passwd, ${ak_late_packages}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS "python3-venv, tzdata")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "aklint")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/postinst
  ${PROJECT_SOURCE_DIR}/packaging/prerm ${PROJECT_SOURCE_DIR}/packaging/postrm ${PROJECT_SOURCE_DIR}/packaging/conffiles)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libaklint-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "analyzer behind aklint, development files
The analyzer as a C library: bytes in, findings out. A static archive, its
header, and files for pkg-config and CMake.")
include(CPack)
