/* lsp_queue.h: messages that a thread of its own reads from standard input.
 *
 * So a check that runs is told at once that its texts changed, or that nobody waits for its
 * outcome any more.
 */
#ifndef CLI_LSP_QUEUE_H
#define CLI_LSP_QUEUE_H

#include "lsp_message.h"

typedef enum LspTaken { LSP_TAKEN, LSP_NONE, LSP_ENDED } LspTaken;

/* Starts the thread; false if there can be none. One a process. */
bool lsp_queue_start(void);

/* The next message; waits so many milliseconds for one, -1: as long as it takes. A request that
 * was cancelled meanwhile comes with LSP_REQUEST_CANCELLED in wrong, and its value. */
LspTaken lsp_queue_take(LspMessage *message, int wait_ms);

/* The request that is worked on; NULL when it is answered. Lent. */
void lsp_queue_answering(const json_t *id);

/* A text or file changed behind the message taken last, or its request was cancelled. Any
 * thread. */
bool lsp_queue_is_stale(void *unused);
bool lsp_queue_is_cancelled(void);

#endif
