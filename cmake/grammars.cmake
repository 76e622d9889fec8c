# The tree-sitter core and its grammars: sources under third_party/src (third_party/fetch brings
# them, by name and hash), or folders given with -DTREE_SITTER_DIR, -DTREE_SITTER_PYTHON_DIR,
# -DTREE_SITTER_TOML_DIR.
set(ak_src ${PROJECT_SOURCE_DIR}/third_party/src)
set(TREE_SITTER_DIR "${ak_src}/tree-sitter" CACHE PATH "tree-sitter core: holds lib/src/lib.c")
set(TREE_SITTER_PYTHON_DIR "${ak_src}/tree-sitter-python" CACHE PATH "Python grammar: holds src/parser.c")
set(TREE_SITTER_TOML_DIR "${ak_src}/tree-sitter-toml" CACHE PATH "TOML grammar: holds src/parser.c")
if(NOT EXISTS ${TREE_SITTER_DIR}/lib/src/lib.c OR NOT EXISTS ${TREE_SITTER_PYTHON_DIR}/src/scanner.c
   OR NOT EXISTS ${TREE_SITTER_TOML_DIR}/src/parser.c)
  execute_process(COMMAND sh ${PROJECT_SOURCE_DIR}/third_party/fetch RESULT_VARIABLE ak_fetch)
  if(NOT ak_fetch EQUAL 0)
    message(FATAL_ERROR "The grammar sources are not there and could not be fetched; run third_party/fetch or give -DTREE_SITTER_DIR=…, -DTREE_SITTER_PYTHON_DIR=…, -DTREE_SITTER_TOML_DIR=…")
  endif()
endif()

add_library(ts STATIC ${TREE_SITTER_DIR}/lib/src/lib.c)
target_include_directories(ts SYSTEM PUBLIC ${TREE_SITTER_DIR}/lib/include PRIVATE ${TREE_SITTER_DIR}/lib/src)
target_compile_options(ts PRIVATE -w -O3)
target_compile_definitions(ts PRIVATE _POSIX_C_SOURCE=200112L _DEFAULT_SOURCE)
foreach(lang python toml)
  string(TOUPPER ${lang} up)
  set(dir ${TREE_SITTER_${up}_DIR}/src)
  file(GLOB scanner ${dir}/scanner.c)
  add_library(ts_${lang} STATIC ${dir}/parser.c ${scanner})
  target_include_directories(ts_${lang} SYSTEM PRIVATE ${dir})
  target_compile_options(ts_${lang} PRIVATE -w)
endforeach()
# The TOML grammar's distribution has no tree_sitter/parser.h and names the version field as it was before.
target_include_directories(ts_toml SYSTEM PRIVATE ${TREE_SITTER_PYTHON_DIR}/src)
target_compile_definitions(ts_toml PRIVATE version=abi_version)
