# What `cmake --install` puts where for `ak`, component `runtime`: the program, its pages for man,
# completions, the unit for systemd, the packages that programs import (for editors and type checkers;
# the program carries its own), examples.
if(SKBUILD OR NOT TARGET ak)
  return()
endif()
set(dir ${PROJECT_BINARY_DIR}/share)
set(ak_shells "")
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${dir}/ak.${shell} DEPENDS ak COMMENT "Writing ak.${shell}" VERBATIM
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:ak> "-DWORDS=completion;${shell}" -DOUT=${dir}/ak.${shell}
      -P ${PROJECT_SOURCE_DIR}/cmake/written.cmake)
  list(APPEND ak_shells ${dir}/ak.${shell})
endforeach()
add_custom_command(OUTPUT ${dir}/man/ak.1 DEPENDS ak COMMENT "Writing the pages of ak" VERBATIM
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${dir}/man COMMAND $<TARGET_FILE:ak> manual ${dir}/man)
add_custom_target(manual_ak ALL DEPENDS ${ak_shells} ${dir}/man/ak.1)

install(TARGETS ak DESTINATION ${ak_bin} COMPONENT runtime)
install(DIRECTORY ${dir}/man/ DESTINATION ${ak_man}/man1 COMPONENT runtime FILES_MATCHING PATTERN "ak*.1")
install(FILES ${dir}/ak.bash DESTINATION ${ak_data}/bash-completion/completions RENAME ak COMPONENT runtime)
install(FILES ${dir}/ak.zsh DESTINATION ${ak_data}/zsh/site-functions RENAME _ak COMPONENT runtime)
install(FILES ${dir}/ak.fish DESTINATION ${ak_data}/fish/vendor_completions.d RENAME ak.fish COMPONENT runtime)
install(DIRECTORY runtime/autokitteh runtime/ak DESTINATION ${ak_data}/ak/python COMPONENT runtime
  FILES_MATCHING PATTERN "*.py" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY examples/webhook examples/clean/autokitteh DESTINATION ${ak_data}/doc/ak/examples COMPONENT runtime
  PATTERN "__pycache__" EXCLUDE)
install(FILES LICENSE CHANGELOG.md docs/ak.md docs/run.md docs/testing.md DESTINATION ${ak_data}/doc/ak COMPONENT runtime)
install(FILES LICENSE CHANGELOG.md docs/cli.md docs/pitfalls.md DESTINATION ${ak_data}/doc/aklint COMPONENT program)
# The unit names the program where it is installed; what CPack gathers is for /usr.
set(AK_UNIT_DIR lib/systemd/system CACHE STRING "Where units of systemd go, below the prefix")
install(CODE "
  set(prefix \"\${CMAKE_INSTALL_PREFIX}\")
  if(prefix MATCHES \"_CPack_Packages\")
    set(prefix /usr)
  endif()
  file(READ ${PROJECT_SOURCE_DIR}/packaging/ak.service unit)
  string(REPLACE \"/usr/bin/ak\" \"\${prefix}/${CMAKE_INSTALL_BINDIR}/ak\" unit \"\${unit}\")
  file(WRITE ${dir}/ak.service \"\${unit}\")" COMPONENT runtime)
install(FILES ${dir}/ak.service packaging/ak.socket DESTINATION ${AK_UNIT_DIR} COMPONENT runtime)
