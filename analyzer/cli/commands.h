/* commands.h: what the words behind `aklint` do. Each returns the exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "options.h"
#include "terminal.h"

int cli_check(const CliOptions *options);
/* Whether its options go together; 2 behind a sentence if not. */
int cli_check_usage(const CliOptions *options);
/* Checks whenever a file changes; what the options are is read anew each time. */
int cli_watch(int argc, char **argv);
int cli_rules(const CliOptions *options);
int cli_explain(const CliOptions *options);
int cli_contexts(const CliOptions *options);
int cli_graph(const CliOptions *options);
int cli_config(const CliOptions *options);
int cli_clean(const CliOptions *options);
int cli_manual(const CliOptions *options);
int cli_lsp(const CliOptions *options);

/* How --color was meant; 2 behind a sentence if it was not. */
int cli_color(const CliOptions *options, CliColor *color);

#endif
