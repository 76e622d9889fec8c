/* Runners: processes of user code, one a session, and what `ak` hears from them.
 *
 * A host is a deployment's side of it: the warm process and its runners. A runner is told about
 * by callbacks from the loop, in this order: messages, then one of `broken` or `lost`, and
 * nothing more. What C code below Python prints comes as `output`; it never touches the
 * protocol. */
#ifndef AK_RUNNER_H
#define AK_RUNNER_H

#include "loop.h"
#include "protocol.h"
#include "warm.h"

typedef struct AkHost AkHost;
typedef struct AkRunner AkRunner;

typedef struct AkHostOptions {
    AkWarmSpec warm;
    size_t max_line;       /* 0 for AK_LINE_MAX */
    int64_t start_wait_us; /* from the start to the first message; 0 for 10 s */
    int64_t stop_wait_us;  /* how long a process may stay stopped (SIGSTOP); 0 for 10 s */
} AkHostOptions;

typedef struct AkRunnerEvents {
    /* Slices live for the call. */
    void (*message)(void *owner, const AkMessage *message);
    /* The protocol was broken, or the process came to a state in which it cannot go on. */
    void (*broken)(void *owner, const char *why);
    /* Loading took too long: where it stood, or "" when it did not tell. */
    void (*stuck)(void *owner, const char *stack);
    void (*output)(void *owner, int stream, const char *text, size_t len);
    /* The answer to ak_runner_ask_stack. */
    void (*stack)(void *owner, const char *stack);
    void (*lost)(void *owner, const char *how);
} AkRunnerEvents;

AkHost *ak_host_new(AkLoop *loop, const AkHostOptions *options);
/* Ends its warm process; runners have to be freed before. */
void ak_host_free(AkHost *host);

/* NULL with errno when the system refuses. events is borrowed for the runner's life. */
AkRunner *ak_runner_start(AkHost *host, const char *entry, const AkRunnerEvents *events,
                          void *owner);
/* One line, newline included. Never blocks; what the runner does not read is kept. */
void ak_runner_send(AkRunner *runner, const char *line, size_t len);
void ak_runner_ask_stack(AkRunner *runner);
int ak_runner_pid(const AkRunner *runner); /* 0 before it is known */

/* None of its callbacks comes after these. `end` kills at once; `finish` is for one that has
 * said `done`: it may flush its output, which comes to `late` under the name given. */
typedef void AkLateOutput(void *owner, const char *name, int stream, const char *text,
                          size_t len);
void ak_runner_end(AkRunner *runner);
void ak_runner_finish(AkRunner *runner, AkLateOutput *late, void *owner, const char *name);
/* Is a process still flushing? */
bool ak_host_is_finishing(const AkHost *host);

#endif
