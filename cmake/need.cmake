# ak_need(PREFIX module debian fedora homebrew): a library of the system through pkg-config, as
# PkgConfig::PREFIX. One that is missing is named with the package that has it. With AK_STATIC_DEPS the
# archive is linked instead of the shared library, so that the program runs where neither is installed.
option(AK_STATIC_DEPS "Link jansson and libyaml from their archives (.a)" OFF)
function(ak_need prefix module debian fedora homebrew)
  pkg_check_modules(${prefix} QUIET IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${prefix}_FOUND)
    message(FATAL_ERROR "The library ${module} is missing. It is in: ${debian} (Debian, Ubuntu), \
${fedora} (Fedora), ${homebrew} (Homebrew). Install that and build again.")
  endif()
  if(NOT AK_STATIC_DEPS)
    return()
  endif()
  list(GET ${prefix}_LIBRARIES 0 name)
  find_library(${prefix}_ARCHIVE lib${name}.a HINTS ${${prefix}_LIBDIR})
  if(NOT ${prefix}_ARCHIVE)
    message(FATAL_ERROR "AK_STATIC_DEPS: there is no lib${name}.a here; ${debian} has it on Debian and Ubuntu")
  endif()
  set_target_properties(PkgConfig::${prefix} PROPERTIES INTERFACE_LINK_LIBRARIES ${${prefix}_ARCHIVE})
endfunction()
