# cmake -DPROGRAM=… -DWORDS="a;b" -DOUT=file -P written.cmake: what a program prints.
cmake_minimum_required(VERSION 3.18)
execute_process(COMMAND ${PROGRAM} ${WORDS} OUTPUT_FILE ${OUT}.new RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${PROGRAM} ${WORDS} failed: ${failed}")
endif()
file(RENAME ${OUT}.new ${OUT})
