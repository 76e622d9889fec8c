/* How commands reach a running server: one JSON line each way over DIR/control.sock, which lies in a
 * folder that is its owner's alone. */
#ifndef AK_CONTROL_H
#define AK_CONTROL_H

#include <jansson.h>
#include <stdbool.h>

#include "loop.h"

enum { AK_CONTROL_LINE_MAX = 4 << 20 };

/* The server's answer. *served: somebody listens there; NULL then means that it gave no answer. */
json_t *ak_control_ask(const char *dir, const json_t *request, bool *served);

typedef struct AkControl AkControl;
/* Gives the answer away. */
typedef json_t *AkControlFn(void *owner, const json_t *request);

/* NULL with errno. Takes the place of a socket that a dead server left: call it with the store held. */
AkControl *ak_control_new(AkLoop *loop, const char *dir, AkControlFn *fn, void *owner);
void ak_control_free(AkControl *control);

#endif
