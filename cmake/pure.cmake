# aklint_core and ak_engine decide and touch nothing: their objects may refer to memory and string
# functions only, grammar.c to tree-sitter too. `purity` looks at the objects of this build.
# Sanitizers and coverage add calls of their own, so those builds are left out.
string(TOUPPER "${CMAKE_BUILD_TYPE}" ak_type)
if("${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${ak_type}}" MATCHES "-fsanitize|--coverage")
  return()
endif()
set(ak_pure "")
foreach(lib aklint_core ak_engine)
  if(TARGET ${lib})
    list(APPEND ak_pure ${lib})
    # With optimization across files an object holds no machine code, unless one asks for both.
    if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${lib} PRIVATE -ffat-lto-objects)
    elseif(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
      return()
    endif()
  endif()
endforeach()
if(NOT ak_pure)
  return()
endif()
set(ak_purity_command ${CMAKE_COMMAND} -DNM=${CMAKE_NM})
foreach(lib ${ak_pure})
  list(APPEND ak_purity_command "-D${lib}=$<TARGET_FILE:${lib}>")
endforeach()
list(APPEND ak_purity_command -P ${PROJECT_SOURCE_DIR}/cmake/purity.cmake)
add_custom_target(purity COMMAND ${ak_purity_command} DEPENDS ${ak_pure} VERBATIM
  COMMENT "Looking for what the pure libraries must not refer to")
