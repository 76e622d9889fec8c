/* options.h: the command line as the user typed it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "mem.h"

#include <stdio.h>

typedef enum CliCommand {
    CLI_CHECK,
    CLI_RULES,
    CLI_EXPLAIN,
    CLI_CONTEXTS,
    CLI_GRAPH,
    CLI_CONFIG,
    CLI_LSP,
    CLI_CLEAN,
    CLI_MANUAL,
    CLI_HELP,
    CLI_VERSION,
    CLI_COMMANDS
} CliCommand;

/* Texts are NULL, numbers -1, where the user said nothing. */
typedef struct CliOptions {
    CliCommand command;
    bool named;    /* the command was typed */
    CliList words; /* paths, or what the command takes */
    CliList used;  /* the options that were typed, for reading alone */
    CliList select, ignore, entries, dialects, exclude, outputs;
    const char *format, *show, *fail_on, *color, *stdin_filename, *config;
    const char *baseline, *changed_since, *reason, *cache_dir;
    long max_bytes, max_warnings, jobs;
    bool quiet, statistics, exit_zero, show_files, isolated, force_exclude, all, no_cache;
    bool project, watch;
    bool fix, unsafe_fixes, diff, update_baseline, grow_baseline, add_allow;
    bool help, version;
} CliOptions;

/* 0; or 2, with a sentence on standard error. */
int cli_options_read(CliOptions *options, int argc, char **argv);

/* What `aklint help` or `aklint help COMMAND` says. */
void cli_options_help(CliCommand command, bool overview, FILE *out);

/* What there is to type, for pages and completions. name is NULL behind the last. */
typedef struct CliWord {
    const char *name, *takes, *about; /* takes: NULL where there is no value */
    char letter;                      /* of an option, or 0 */
    unsigned commands;                /* bits 1 << CliCommand that take an option */
} CliWord;
CliWord cli_option_at(size_t i);
CliWord cli_command_at(size_t i);

/* CLI_COMMANDS if there is none of that name. */
CliCommand cli_command_find(const char *word);
const char *cli_command_nearest(const char *word);

#endif
