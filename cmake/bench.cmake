# tests/bench/<name>_bench.c: measured by hand (`cmake --build build --target store_bench`), not built
# otherwise.
file(GLOB ak_benches CONFIGURE_DEPENDS tests/bench/*_bench.c)
foreach(source ${ak_benches})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PRIVATE ak_warnings)
  foreach(lib ak_runtime ak_engine aklint_core)
    if(TARGET ${lib})
      target_link_libraries(${name} PRIVATE ${lib})
    endif()
  endforeach()
endforeach()
