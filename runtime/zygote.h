/* The warm process of a deployment: has the interpreter and the user's modules loaded, and
 * forks a runner for each session. For another interpreter (`--python`) it loads nothing and
 * starts ak_runner.py anew. Being the parent of all runners, it ends them when `ak` is gone.
 *
 * It is `ak` itself, started as `ak @zygote name=value…` with a packet socket as descriptor 3:
 * asks come in, tellings go out. This header is what both ends share. */
#ifndef AK_ZYGOTE_H
#define AK_ZYGOTE_H

#include <stdint.h>

#define AK_ZYGOTE_WORD "@zygote"

enum { AK_ZYGOTE_CONTROL_FD = 3, AK_ZYGOTE_ASK_FDS = 3 };

typedef enum AkZygoteAskKind {
    AK_ZYGOTE_START = 1, /* with descriptors: protocol socket, stdout, stderr */
    AK_ZYGOTE_SIGNAL,    /* to the runner's whole process group */
} AkZygoteAskKind;

typedef struct AkZygoteAsk {
    uint32_t kind;
    uint32_t id; /* the caller's name for the runner */
    int32_t signal;
    char socket[108]; /* another interpreter connects here */
    char entry[512];  /* "file.py:func" */
} AkZygoteAsk;

typedef enum AkZygoteTellKind {
    AK_ZYGOTE_READY = 1, /* modules are loaded, once */
    AK_ZYGOTE_STARTED,   /* pid */
    AK_ZYGOTE_STOPPED,   /* somebody sent SIGSTOP */
    AK_ZYGOTE_CONTINUED, /* and SIGCONT */
    AK_ZYGOTE_ENDED,     /* status, as waitpid gives it */
    AK_ZYGOTE_TOO_MANY,  /* the runner started more processes than it may, and is killed */
    AK_ZYGOTE_REFUSED,   /* no process could be made; status is an errno */
} AkZygoteTellKind;

typedef struct AkZygoteTell {
    uint32_t kind;
    uint32_t id;
    int32_t pid;
    int32_t status;
} AkZygoteTell;

/* The warm process; returns its exit code. */
int ak_zygote_main(int argc, char **argv);

#endif
