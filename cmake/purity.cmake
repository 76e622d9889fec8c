# cmake -DNM=nm -Daklint_core=libaklint_core.a -Dak_engine=libak_engine.a -P purity.cmake
# Fails when an object of a pure library refers to anything but its own library, memory and string
# functions, what the compiler itself adds, and in grammar.c tree-sitter.
cmake_minimum_required(VERSION 3.18)

set(memory malloc calloc realloc reallocarray free)
set(strings memcpy mempcpy memmove memset memcmp bcmp memchr memrchr rawmemchr memmem
  strlen strnlen strcmp strncmp strchr strchrnul strrchr strstr strspn strcspn strpbrk
  strcpy stpcpy strncpy strcat strncat strdup strndup
  qsort bsearch snprintf vsnprintf)
# The arena leaves a check by longjmp when memory runs out; asserts are kept in builds for tests.
set(leaving _setjmp __sigsetjmp setjmp longjmp __longjmp_chk __assert_fail abort)
set(compiler "_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(memcpy|mempcpy|memmove|memset|strcpy|stpcpy|strncpy|strcat|strncat|snprintf|vsnprintf)_chk|__(u|)(div|mod|mul)ti3|__popcountdi2|__gnu_lto_.*")
set(allowed ${memory} ${strings} ${leaving})

set(bad "")
set(looked 0)
foreach(lib aklint_core ak_engine)
  if(NOT DEFINED ${lib})
    continue()
  endif()
  execute_process(COMMAND ${NM} --defined-only -g ${${lib}} OUTPUT_VARIABLE defined RESULT_VARIABLE failed1)
  execute_process(COMMAND ${NM} -u ${${lib}} OUTPUT_VARIABLE undefined RESULT_VARIABLE failed2)
  if(failed1 OR failed2)
    message(FATAL_ERROR "${NM} cannot read ${${lib}}")
  endif()
  string(REGEX MATCHALL " [A-Z] [A-Za-z_0-9.]+" own "${defined}")
  list(TRANSFORM own REPLACE "^ [A-Z] " "")
  string(REPLACE "\n" ";" lines "${undefined}")
  set(object "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(.+\\.o):$")
      set(object ${CMAKE_MATCH_1})
      math(EXPR looked "${looked} + 1")
    elseif(line MATCHES " [Uwv] ([A-Za-z_0-9.]+)")
      set(symbol ${CMAKE_MATCH_1})
      if(symbol IN_LIST allowed OR symbol IN_LIST own OR symbol MATCHES "^(${compiler})$"
         OR (object STREQUAL "grammar.c.o" AND symbol MATCHES "^(ts_|tree_sitter_python$)"))
        continue()
      endif()
      string(APPEND bad "\n  ${lib}: ${object} refers to ${symbol}")
    endif()
  endforeach()
endforeach()
if(bad)
  message(FATAL_ERROR "not pure:${bad}\nWhat touches the world belongs in analyzer/cli/ or runtime/.")
endif()
if(looked EQUAL 0)
  message(FATAL_ERROR "no object was looked at")
endif()
message(STATUS "pure: ${looked} objects")
