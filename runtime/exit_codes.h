/* How `ak` ends: the same numbers as `ak` of AutoKitteh where both know the case. */
#ifndef AK_EXIT_CODES_H
#define AK_EXIT_CODES_H

enum {
    AK_EXIT_OK = 0,
    AK_EXIT_FAILED = 1,        /* the program, or the operation, failed */
    AK_EXIT_USAGE = 40,        /* a bad flag, argument or input */
    AK_EXIT_NO_TOKEN = 41,     /* a token is needed and none was given */
    AK_EXIT_REFUSED = 42,      /* by the gate, or by the state things are in */
    AK_EXIT_BAD_TOKEN = 43,    /* the token given was refused */
    AK_EXIT_NOT_FOUND = 44,    /* nothing by that name */
    AK_EXIT_INTERRUPTED = 130, /* Ctrl-C: the session waits for --resume */
};

#endif
