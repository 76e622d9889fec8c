/* python.h: the project's interpreter as the referee of syntax.
 *
 * A child process that compiles what it is sent and runs none of it: isolated, without the
 * project's folder on its path.
 */
#ifndef CLI_PYTHON_H
#define CLI_PYTHON_H

#include "mem.h"

#include <stddef.h>
#include <stdint.h>

typedef struct CliPython CliPython;

/* chosen: an interpreter named in the settings, or NULL: that of VIRTUAL_ENV, of .venv or venv
 * in project, python3, python. Strings must outlive the result. */
CliPython *cli_python_new(const char *chosen, const char *project);
void cli_python_free(CliPython *python);

/* Starts it, for who cannot wait that long with the first question; it starts by itself too. */
void cli_python_start(CliPython *python);

/* The folders that the interpreter has its packages in; none without an interpreter. */
void cli_python_sites(CliPython *python, CliList *folders);

/* As AkOptions.compiles. Any thread; one question at a time. */
int cli_python_compiles(CliPython *python, const char *path, const char *text, size_t len,
                        uint32_t *line, uint32_t *column, const char **why);

#endif
