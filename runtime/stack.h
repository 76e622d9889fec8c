/* What Python's faulthandler writes, read for the one line a user wants: where their own code
 * stood. */
#ifndef AK_STACK_H
#define AK_STACK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct AkStackLine {
    char file[512], func[128];
    uint64_t line;
} AkStackLine;

/* The innermost line outside the standard library and the runner, of the thread that is at
 * work; else the innermost of all. False when there is no line at all. */
bool ak_stack_user_line(const char *stack, AkStackLine *line);

#endif
