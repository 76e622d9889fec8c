/* A session's program run again from its journal, in this terminal: nothing is executed,
 * nothing is written; where the record ends, the replay ends. */
#ifndef AK_REPLAY_H
#define AK_REPLAY_H

#include "config.h"
#include "store.h"

typedef struct AkReplayOptions {
    const char *code;        /* directory with the code; NULL: the session's own bundle */
    const char *interpreter; /* NULL: the deployment's */
    bool debug;              /* stop in pdb at the handler's first line, and at an error */
    bool json;
} AkReplayOptions;

/* Exit code; words on stderr. */
int ak_replay(AkStore *store, const AkPlace *place, const char *session_id,
              const AkReplayOptions *options);

#endif
