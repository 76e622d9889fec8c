# cmake -DAKLINT=… -DWHAT=man|bash|zsh|fish -DOUT=file -P manual.cmake: what `aklint manual` writes.
cmake_minimum_required(VERSION 3.18)
execute_process(COMMAND ${AKLINT} manual ${WHAT} OUTPUT_FILE ${OUT}.new RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "aklint manual ${WHAT} failed: ${failed}")
endif()
file(RENAME ${OUT}.new ${OUT})
