/* libpython inside the warm process: the one place that knows Python.h. */
#ifndef AK_PYTHON_HOST_H
#define AK_PYTHON_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct AkPythonSpec {
    const char *support; /* directory with ak_runner.py */
    const char *code;
    const char *entry; /* "file.py:func" */
    bool cold;         /* leave the modules to each runner */
    const char *venv;  /* whose packages are there too, or NULL */
} AkPythonSpec;

/* Modules have started threads, which a fork would lose. */
enum { AK_PYTHON_HAS_THREADS = 1 };

/* "3.11", and where that interpreter is as a program: what environments are made with. The path
 * lives as long as the process. */
void ak_python_version(char *version, size_t size);
const char *ak_python_executable(void);

/* Starts the interpreter and loads the user's modules. Errors of the program are kept for the
 * sessions to report. 0, AK_PYTHON_HAS_THREADS, or -1 after words on stderr. The spec is
 * borrowed for the process's life. */
int ak_python_load(const AkPythonSpec *spec);
/* As fork(2), with the interpreter prepared on both sides. */
pid_t ak_python_fork(void);
/* In the child: one session over the connected socket. The exit code, with output flushed. */
int ak_python_session(int fd, const char *entry);

/* A session in a terminal, under pdb if `debug`. The script does the same in another
 * interpreter, with the arguments support, fd, code, entry, debug ("" or "1"). */
int ak_python_replay(int fd, const char *entry, bool debug);
extern const char ak_python_replay_script[];

#endif
