file(GLOB ak_engine_sources CONFIGURE_DEPENDS runtime/engine/*.c)
file(GLOB ak_runtime_sources CONFIGURE_DEPENDS runtime/*.c)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.70)
pkg_check_modules(PYTHON REQUIRED IMPORTED_TARGET python3-embed)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_get_variable(AK_PYTHON_PREFIX python3-embed prefix)
include(cmake/late.cmake)
ak_late(runtime/http.c MICROHTTPD)
ak_late(runtime/python_host.c PYTHON)
ak_late(runtime/otlp.c CURL)

if(ak_engine_sources)
  add_library(ak_engine STATIC ${ak_engine_sources})
  target_include_directories(ak_engine PUBLIC runtime/engine)
  target_link_libraries(ak_engine PRIVATE ak_warnings)
endif()
if(ak_runtime_sources)
  # The Python side travels inside the program (cmake/embed.cmake).
  file(GLOB_RECURSE ak_packages CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/runtime
    runtime/autokitteh/*.py runtime/autokitteh/py.typed runtime/ak/*.py runtime/ak/py.typed
    runtime/temporal/*.py runtime/temporal/requirements.txt)
  configure_file(ak_runner.py ${CMAKE_CURRENT_BINARY_DIR}/python/ak_runner.py COPYONLY)
  set(ak_python ak_runner.py)
  foreach(file ${ak_packages})
    configure_file(runtime/${file} ${CMAKE_CURRENT_BINARY_DIR}/python/${file} COPYONLY)
    list(APPEND ak_python ${file})
  endforeach()
  set(ak_embedded ${CMAKE_CURRENT_BINARY_DIR}/embedded_files.c)
  list(TRANSFORM ak_python PREPEND ${CMAKE_CURRENT_BINARY_DIR}/python/ OUTPUT_VARIABLE ak_python_files)
  add_custom_command(OUTPUT ${ak_embedded} VERBATIM
    COMMAND ${CMAKE_COMMAND} -DOUT=${ak_embedded} -DROOT=${CMAKE_CURRENT_BINARY_DIR}/python
      "-DFILES=${ak_python}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${ak_python_files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  # So do the page and the schemas of the API.
  file(GLOB ak_page CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/runtime runtime/page/*)
  list(APPEND ak_page api_schemas.json)
  list(TRANSFORM ak_page PREPEND ${PROJECT_SOURCE_DIR}/runtime/ OUTPUT_VARIABLE ak_page_sources)
  set(ak_page_table ${CMAKE_CURRENT_BINARY_DIR}/page_files.c)
  add_custom_command(OUTPUT ${ak_page_table} VERBATIM
    COMMAND ${CMAKE_COMMAND} -DOUT=${ak_page_table} -DNAME=ak_page_files -DROOT=${PROJECT_SOURCE_DIR}/runtime
      "-DFILES=${ak_page}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${ak_page_sources} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)

  list(FILTER ak_runtime_sources EXCLUDE REGEX "/main\\.c$")
  add_library(ak_runtime STATIC ${ak_runtime_sources} ${ak_embedded} ${ak_page_table})
  target_include_directories(ak_runtime PUBLIC runtime)
  target_link_libraries(ak_runtime PUBLIC ak_engine PkgConfig::JANSSON PkgConfig::SQLITE PkgConfig::UV
    PkgConfig::YAML PkgConfig::PYTHON PkgConfig::MICROHTTPD PkgConfig::CURL Threads::Threads PRIVATE ak_warnings aklint_cli)
  set_property(SOURCE runtime/python_host.c APPEND PROPERTY COMPILE_DEFINITIONS AK_PYTHON_PREFIX="${AK_PYTHON_PREFIX}")
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/runtime/main.c)
  add_executable(ak runtime/main.c)
  target_link_libraries(ak PRIVATE ak_warnings ak_runtime)
endif()
if(BUILD_TESTING AND TARGET ak)
  # The same program with the points at which tests/e2e/test_run_kill.py kills it.
  add_executable(ak_kill runtime/main.c runtime/driver.c runtime/live_runner.c
    runtime/live_store.c runtime/killpoint.c)
  target_compile_definitions(ak_kill PRIVATE AK_KILL_POINTS)
  target_link_libraries(ak_kill PRIVATE ak_warnings ak_runtime)
endif()
