/* A session's program run again from its journal, in this terminal: nothing is executed,
 * nothing is written; where the record ends, the replay ends. */
#ifndef AK_REPLAY_H
#define AK_REPLAY_H

#include "config.h"
#include "store.h"

typedef struct AkReplayOptions {
    const char *code;        /* directory with the code; NULL: the session's own bundle */
    const char *interpreter; /* or an environment's folder; NULL: the deployment's */
    const AkConfig *config;  /* the settings; NULL: none */
    char *const *env;        /* the program's whole environment; NULL: that of `ak` */
    int limit_ms;            /* between two messages of the program; 0: as long as it likes */
    bool debug;              /* stop in pdb at the handler's first line, and at an error */
    bool quiet;              /* what the program prints is not shown */
    bool json;
} AkReplayOptions;

typedef struct AkReplayed {
    bool agrees;       /* as far as there is a record */
    const char *words; /* how it ended; static */
    uint64_t records;
    AkText at;    /* what the program asked for where that was, or nothing */
    AkText error; /* JSON: both calls of a divergence, or how the program failed; or nothing */
} AkReplayed;

/* Shows nothing of its result. 0, or an exit code after words on stderr: no replay could be
 * tried. `replayed` is to be freed in either case. */
int ak_replay_check(AkStore *store, const AkPlace *place, const char *session_id,
                    const AkReplayOptions *options, AkReplayed *replayed);
void ak_replayed_free(AkReplayed *replayed);

/* The same, told. Exit code; words on stderr. */
int ak_replay(AkStore *store, const AkPlace *place, const char *session_id,
              const AkReplayOptions *options);

#endif
