/* The shape of a command line: commands with flags, as tables, and what was given.
 * A command is one constant in its cmd_*.c; main.c lists them. Help and completion read the
 * tables. Strings in AkArgs are lent by argv and live as long as the program. */
#ifndef AK_CLI_H
#define AK_CLI_H

#include <stdbool.h>
#include <stddef.h>

typedef struct AkArgs AkArgs;
typedef struct AkCmd AkCmd;

typedef enum AkFlagKind {
    AK_FLAG_SWITCH, /* --json */
    AK_FLAG_VALUE,  /* --event FILE, the last one counts */
    AK_FLAG_LIST,   /* --data k=v, every one counts */
} AkFlagKind;

typedef struct AkFlag {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    AkFlagKind kind;
    const char *value; /* what help calls the value */
    const char *help;
} AkFlag;

struct AkCmd {
    const char *name;
    const char *operands;           /* as help shows them: "FILE:FUNC" */
    const char *summary;            /* one line */
    const char *more;               /* paragraphs for --help, or NULL */
    const AkFlag *flags;            /* ends with a null name; NULL: none */
    const AkCmd *const *children;   /* ends with NULL; a command has these or run */
    int min_operands, max_operands; /* max < 0: any number */
    int (*run)(const AkArgs *args); /* the exit code */
};

/* Parses and runs; the exit code. */
int ak_cli_main(const AkCmd *root, int argc, char **argv);

bool ak_args_switch(const AkArgs *args, const char *flag);
/* NULL when not given. */
const char *ak_args_value(const AkArgs *args, const char *flag);
/* A whole number, or the fallback. 0, or AK_EXIT_USAGE after words on stderr. */
int ak_args_number(const AkArgs *args, const char *flag, size_t fallback, size_t *number);
/* The i-th value of a list, NULL at its end. */
const char *ak_args_item(const AkArgs *args, const char *flag, size_t i);
/* The i-th operand, NULL at the end. */
const char *ak_args_operand(const AkArgs *args, size_t i);
/* Where the state is to lie: --data DIR, or NULL. */
const char *ak_args_state_dir(const AkArgs *args);
bool ak_args_json(const AkArgs *args);
/* The tables themselves, for what is written from them. */
const AkCmd *ak_args_root(const AkArgs *args);
const AkFlag *ak_common_flags(void); /* every command takes these; ends with a null name */

/* Says what is wrong on stderr, in one line, and returns AK_EXIT_USAGE. */
int ak_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for any exit code. */
int ak_say_error(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The word of a list that is most like the one given, or NULL when none is near. */
const char *ak_nearest(const char *word, const char *const *list);

#endif
