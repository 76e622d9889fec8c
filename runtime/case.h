/* A case of `ak test`: a txtar file that holds a program (or the name of one in its project),
 * what happens to it, and what is expected of it. docs/testing.md tells the format.
 *
 *     ak_case_read → ak_case_run → ak_case_judge → (ak_case_update)
 *
 * One case after the other: a run holds the clock of the whole process. */
#ifndef AK_CASE_H
#define AK_CASE_H

#include <jansson.h>
#include <limits.h>

#include "home.h"
#include "txtar.h"

typedef struct AkCase {
    char path[PATH_MAX];    /* of the case */
    char project[PATH_MAX]; /* the folder with a manifest that it lies in, or "" */
    AkText text;
    AkTxtar archive;
    char entry[1024]; /* file.py:func of the session to start, or "" */
    char dialect[16];
    int64_t at_us;      /* when the session starts; 0: now */
    int64_t for_us;     /* the case is over after so much time; 0: when everything has ended */
    json_t *event;      /* as given, or NULL */
    json_t *happenings; /* of events.json: objects that were checked */
    json_t *vars;       /* name to text */
} AkCase;

/* `dialect` is for a case that names none. 0, or -1 with words in why; to be freed in either
 * case. */
int ak_case_read(const char *path, const char *dialect, AkCase *c, char *why, size_t size);
void ak_case_free(AkCase *c);

/* The part of a name that is a path: the first file may carry the entry point. */
AkBytes ak_case_path(AkBytes name);
/* Is it a file of the program? Else it is what happens, or what is expected. */
bool ak_case_is_program(AkBytes name);
/* `90`, `1.5`, "30d", "12h", "5m", "10s", in microseconds; -1 for what is none. */
int64_t ak_case_duration(const json_t *value);

/* What a session other than the first has printed, by its function. */
typedef struct AkCasePrints {
    char func[256];
    AkText text;
} AkCasePrints;

typedef struct AkCaseRun {
    AkText prints, aside; /* of the first session: standard output, standard error */
    AkText calls;         /* names of its recorded calls, a line each */
    AkText outcomes;      /* JSON, a line each */
    AkCasePrints *others;
    size_t others_len;
    AkState state; /* of the first session; RUNNING: it waits */
    AkText value, error;
    json_t *faults; /* [{"what", "text"}]: what fails the case, whatever was expected */
    int64_t took_us, skipped_us;
    size_t sessions, records;
    bool interrupted;
} AkCaseRun;

typedef struct AkCaseBench {
    const AkHome *home; /* a temporary one; its store is not used */
    int64_t limit_us;   /* of real time, for one case */
    bool verbose;       /* tells on stdout what happens */
} AkCaseBench;

/* 0, or -1 with words in why: the case cannot be run. */
int ak_case_run(const AkCaseBench *bench, const AkCase *c, AkCaseRun *run, char *why,
                size_t size);
void ak_case_run_free(AkCaseRun *run);

/* [{"what", "text"}, or {"what", "diff"}]: a new reference; empty when the case holds. */
json_t *ak_case_judge(const AkCase *c, const AkCaseRun *run);
/* Rewrites the file so that what was seen is what is expected. 1 when that changed it, 0, or -1
 * with words in why. */
int ak_case_update(const AkCase *c, const AkCaseRun *run, char *why, size_t size);

#endif
