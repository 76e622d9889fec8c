# The tree-sitter core and its grammars, as the targets ts, ts_python, ts_toml. For each, the first
# that there is of: a folder given with -DTREE_SITTER_DIR, -DTREE_SITTER_PYTHON_DIR or
# -DTREE_SITTER_TOML_DIR; an installed library that is new enough (AK_SYSTEM_TREE_SITTER); the
# pinned sources, which third_party/fetch brings by name and hash.
set(ak_src ${PROJECT_SOURCE_DIR}/third_party/src)
option(AK_SYSTEM_TREE_SITTER "Take installed tree-sitter libraries that are new enough" ON)
set(TREE_SITTER_DIR "${ak_src}/tree-sitter" CACHE PATH "tree-sitter core: holds lib/src/lib.c")
set(TREE_SITTER_PYTHON_DIR "${ak_src}/tree-sitter-python" CACHE PATH "Python grammar: holds src/parser.c")
set(TREE_SITTER_TOML_DIR "${ak_src}/tree-sitter-toml" CACHE PATH "TOML grammar: holds src/parser.c")

# Says in <up>_FROM where a part comes from: given, system or pinned.
macro(ak_choose up folder package version marker)
  set(${up}_FROM pinned)
  if(NOT "${${up}_DIR}" STREQUAL "${ak_src}/${folder}")
    set(${up}_FROM given)
    if(NOT EXISTS "${${up}_DIR}/${marker}")
      message(FATAL_ERROR "${up}_DIR: ${${up}_DIR} holds no ${marker}")
    endif()
  elseif(AK_SYSTEM_TREE_SITTER)
    pkg_check_modules(${up} QUIET IMPORTED_TARGET GLOBAL ${package}>=${version})
    if(${up}_FOUND)
      set(${up}_FROM system)
      message(STATUS "${package} ${${up}_VERSION}: the installed library")
    endif()
  endif()
endmacro()
ak_choose(TREE_SITTER tree-sitter tree-sitter 0.25 lib/src/lib.c)
ak_choose(TREE_SITTER_PYTHON tree-sitter-python tree-sitter-python 0.25 src/parser.c)
ak_choose(TREE_SITTER_TOML tree-sitter-toml tree-sitter-toml 0.7 src/parser.c)

if(pinned IN_LIST TREE_SITTER_FROM OR pinned IN_LIST TREE_SITTER_PYTHON_FROM OR pinned IN_LIST TREE_SITTER_TOML_FROM)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/third_party/fetch RESULT_VARIABLE ak_fetch)
  if(NOT ak_fetch EQUAL 0)
    message(FATAL_ERROR "The grammar sources are not there and could not be fetched: see above, run \
third_party/fetch again, or give -DTREE_SITTER_DIR=…, -DTREE_SITTER_PYTHON_DIR=…, -DTREE_SITTER_TOML_DIR=…")
  endif()
endif()

# Generated code of others: not for our warnings. Sanitizers watch it as well.
if(TREE_SITTER_FROM STREQUAL system)
  add_library(ts INTERFACE)
  target_link_libraries(ts INTERFACE PkgConfig::TREE_SITTER)
else()
  add_library(ts STATIC ${TREE_SITTER_DIR}/lib/src/lib.c)
  target_include_directories(ts SYSTEM PUBLIC ${TREE_SITTER_DIR}/lib/include PRIVATE ${TREE_SITTER_DIR}/lib/src)
  target_compile_options(ts PRIVATE -w)
  target_compile_definitions(ts PRIVATE _POSIX_C_SOURCE=200112L _DEFAULT_SOURCE)
endif()
foreach(lang python toml)
  string(TOUPPER TREE_SITTER_${lang} up)
  if(${up}_FROM STREQUAL system)
    add_library(ts_${lang} INTERFACE)
    target_link_libraries(ts_${lang} INTERFACE PkgConfig::${up})
    continue()
  endif()
  set(dir ${${up}_DIR}/src)
  file(GLOB scanner ${dir}/scanner.c)
  add_library(ts_${lang} STATIC ${dir}/parser.c ${scanner})
  target_include_directories(ts_${lang} SYSTEM PRIVATE ${dir})
  target_compile_options(ts_${lang} PRIVATE -w)
endforeach()

# The archive of the TOML grammar lacks tree_sitter/parser.h. The core's own header does, although it
# is newer than this grammar: one field has another name since, and one points to another type, which
# the core tells apart by the version in that field.
if(NOT TREE_SITTER_TOML_FROM STREQUAL system AND NOT EXISTS ${TREE_SITTER_TOML_DIR}/src/tree_sitter/parser.h)
  if(NOT EXISTS ${TREE_SITTER_DIR}/lib/src/parser.h)
    message(FATAL_ERROR "${TREE_SITTER_TOML_DIR} lacks src/tree_sitter/parser.h, and so does TREE_SITTER_DIR (lib/src/parser.h)")
  endif()
  configure_file(${TREE_SITTER_DIR}/lib/src/parser.h ${PROJECT_BINARY_DIR}/toml/tree_sitter/parser.h COPYONLY)
  target_include_directories(ts_toml SYSTEM PRIVATE ${PROJECT_BINARY_DIR}/toml)
  target_compile_options(ts_toml PRIVATE -Wno-incompatible-pointer-types)
  target_compile_definitions(ts_toml PRIVATE version=abi_version)
endif()
