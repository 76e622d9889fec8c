/* terminal.h: who looks at the output, a line that tells how far we are, Ctrl-C. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

typedef enum CliColor { CLI_COLOR_AUTO, CLI_COLOR_ALWAYS, CLI_COLOR_NEVER } CliColor;

/* Whether fd is to get colour: NO_COLOR and FORCE_COLOR count where the user said nothing. */
bool cli_terminal_color(CliColor wanted, int fd);

/* Starts the clock of the progress line and takes Ctrl-C over. */
void cli_terminal_start(bool progress);
void cli_terminal_end(void); /* no more progress */

/* Shows "what done/all" on standard error, if that is a terminal and the run lasts. Any thread.
 */
void cli_terminal_progress(const char *what, size_t done, size_t all);
void cli_terminal_clear(void);

/* Ctrl-C was pressed. */
bool cli_terminal_stopped(void);

#endif
