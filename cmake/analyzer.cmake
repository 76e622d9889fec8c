file(GLOB ak_core_sources CONFIGURE_DEPENDS analyzer/*.c)
file(GLOB ak_rules CONFIGURE_DEPENDS rules/AK*.c)
file(GLOB ak_examples CONFIGURE_DEPENDS tests/fixtures/AK*/example.txtar)
file(GLOB ak_cli_sources CONFIGURE_DEPENDS analyzer/cli/*.c)
include(cmake/need.cmake)
ak_need(JANSSON jansson>=2.13 libjansson-dev jansson-devel jansson)
ak_need(YAML yaml-0.1 libyaml-dev libyaml-devel libyaml)

# The list of rules and their examples, from the folders: nobody keeps it by hand.
set(ak_registry ${PROJECT_BINARY_DIR}/registry.c)
add_custom_command(OUTPUT ${ak_registry}
  COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DOUT=${ak_registry} -P ${PROJECT_SOURCE_DIR}/cmake/gen_rules.cmake
  DEPENDS ${ak_rules} ${ak_examples} ${PROJECT_SOURCE_DIR}/docs/pitfalls_head.md ${PROJECT_SOURCE_DIR}/cmake/gen_rules.cmake
  COMMENT "Generating the list of rules" VERBATIM)
if(EXISTS ${PROJECT_SOURCE_DIR}/analyzer/rule.h)
  list(APPEND ak_core_sources ${ak_rules} ${ak_registry})
endif()

# What a manifest's schedules and filters mean is read by the engine's own parsers.
list(APPEND ak_core_sources runtime/engine/cron.c runtime/engine/filter.c)

if(ak_core_sources)
  add_library(aklint_core STATIC ${ak_core_sources})
  target_include_directories(aklint_core PUBLIC analyzer PRIVATE runtime/engine)
  target_link_libraries(aklint_core PRIVATE ak_warnings ts ts_python)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/analyzer/cli/main.c)
  list(FILTER ak_cli_sources EXCLUDE REGEX "/main\\.c$")
  add_library(aklint_cli STATIC ${ak_cli_sources})
  target_link_libraries(aklint_cli PUBLIC aklint_core PkgConfig::YAML PkgConfig::JANSSON Threads::Threads
    PRIVATE ak_warnings ts ts_toml)
  add_executable(aklint analyzer/cli/main.c)
  target_link_libraries(aklint PRIVATE ak_warnings aklint_cli)
endif()
