# tests/test_<module>.c: one program each, run by ctest. tests/tools/*.c, tests/bench/*.c: programs
# that scripts run. tests/oracle_<module>.py compares our results with CPython's, through the tool
# <module>_dump. All are linked with whatever libraries there are. A test that takes more than one file has
# the others in tests/<module>/.
pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
file(GLOB ak_tests CONFIGURE_DEPENDS tests/test_*.c)
file(GLOB ak_tools CONFIGURE_DEPENDS tests/tools/*.c)
file(GLOB ak_oracles CONFIGURE_DEPENDS tests/oracle_*.py)
file(GLOB ak_benches CONFIGURE_DEPENDS tests/bench/*.c)
foreach(source ${ak_tests} ${ak_tools} ${ak_benches})
  get_filename_component(name ${source} NAME_WE)
  string(REPLACE test_ "" module ${name})
  file(GLOB parts CONFIGURE_DEPENDS tests/${module}/*.c)
  add_executable(${name} ${source} ${parts})
  target_link_libraries(${name} PRIVATE ak_warnings PkgConfig::CHECK PkgConfig::JANSSON Threads::Threads)
  foreach(lib ak_runtime ak_engine aklint_cli aklint_core ts ts_python)
    if(TARGET ${lib})
      target_link_libraries(${name} PRIVATE ${lib})
    endif()
  endforeach()
endforeach()
foreach(source ${ak_benches}) # built when asked for
  get_filename_component(name ${source} NAME_WE)
  set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
endforeach()
foreach(source ${ak_tests})
  get_filename_component(name ${source} NAME_WE)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # check gives a test four seconds, which a busy machine and a sanitizer can use up.
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS c ENVIRONMENT "CK_DEFAULT_TIMEOUT=120")
endforeach()
# A broken promise is found, named, and made as small as it gets.
add_test(NAME test_sim_finds COMMAND test_sim 20000 1 40 12 lies)
set_tests_properties(test_sim_finds PROPERTIES TIMEOUT 300 LABELS c
  PASS_REGULAR_EXPRESSION "FAILED ses_[a-z0-9]+: .*again: test_sim 1 [0-9]+ [0-9]+ [0-9]+ lies")
foreach(source ${ak_oracles})
  get_filename_component(name ${source} NAME_WE)
  string(REPLACE "oracle_" "" module ${name})
  add_test(NAME ${name} COMMAND python3 ${source} $<TARGET_FILE:${module}_dump>)
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endforeach()

add_test(NAME parsers COMMAND sh ${PROJECT_SOURCE_DIR}/tests/parsers.sh $<TARGET_FILE:facts_dump>)
set_tests_properties(parsers PROPERTIES TIMEOUT 300)

# The build guards itself. That does not depend on how it is built, so once is enough (AK_GUARDS).
option(AK_GUARDS "Test the scripts of the build, purity and the generated docs" ON)
if(NOT AK_GUARDS)
  return()
endif()
if(TARGET purity)
  add_test(NAME purity COMMAND ${ak_purity_command})
endif()
if(TARGET aklint)
  # The page of rules is what the rules say; `./dev docs` writes it anew.
  add_test(NAME docs COMMAND ${CMAKE_COMMAND} -DAKLINT=$<TARGET_FILE:aklint> -DROOT=${PROJECT_SOURCE_DIR}
    -P ${PROJECT_SOURCE_DIR}/cmake/docs.cmake)
endif()
foreach(script fetch gen_rules grammars purity)
  add_test(NAME build_${script} COMMAND sh ${PROJECT_SOURCE_DIR}/tests/build/${script}.sh ${PROJECT_BINARY_DIR}/tmp_${script})
  set_tests_properties(build_${script} PROPERTIES TIMEOUT 120
    ENVIRONMENT "CMAKE=${CMAKE_COMMAND};CC=${CMAKE_C_COMPILER};NM=${CMAKE_NM};AR=${CMAKE_AR}")
endforeach()
