#include "stack.h"

#include <stdio.h>
#include <string.h>

/*   File "/x/y.py", line 12 in func   */
static bool read_line(const char *text, AkStackLine *line)
{
    unsigned long long number;

    if (sscanf(text, " File \"%511[^\"]\", line %llu in %127[^\n]", line->file, &number,
               line->func) != 3)
        return false;
    line->line = number;
    return true;
}

static bool is_users(const AkStackLine *line)
{
    return !strstr(line->file, "/lib/python") && !strstr(line->file, "ak_runner.py") &&
           line->file[0] != '<';
}

bool ak_stack_user_line(const char *stack, AkStackLine *line)
{
    const char *current = strstr(stack, "Current thread");
    bool found = false;

    /* Threads that wait come first; the one that the signal met is called the current one. */
    for (const char *at = current ? current : stack; at; at = strchr(at + 1, '\n')) {
        AkStackLine here;
        if (!read_line(at + (*at == '\n'), &here))
            continue;
        if (is_users(&here)) {
            *line = here;
            return true;
        }
        if (!found)
            *line = here;
        found = true;
    }
    return found;
}
