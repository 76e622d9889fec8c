/* The gate of `ak deploy`: manifest, linter, the interpreter that will run the code. What
 * passes has a bundle and a verdict that is tied to its content. */
#ifndef AK_GATE_H
#define AK_GATE_H

#include "engine/bytes.h"
#include "home.h"
#include "hosts.h"
#include "lint.h"
#include "venv.h"

typedef struct AkGateOptions {
    const char *dir, *dialect, *fail_on; /* the last two may be NULL */
    json_t *allow;                       /* [{"id", "reason"}] */
    bool json;
} AkGateOptions;

typedef struct AkGate {
    AkManifest manifest;
    AkLint lint;
    AkText tar;
    char digest[65];
    AkVenv venv;
    json_t *verdict;
    /* The code as it was loaded, in a store of its own. */
    AkStore *scratch;
    AkLoop *loop;
    AkHosts *hosts;
    char scratch_id[64];
    json_t *findings; /* of the linter, then of loading; with AkGateOptions.json */
} AkGate;

/* home is open for reading. 0; AK_EXIT_REFUSED after findings; another exit code after words.
 */
int ak_gate(AkHome *home, const AkGateOptions *options, AkGate *gate);

/* When there is no manifest to read, with errno: words on stderr, AK_EXIT_NOT_FOUND. */
int ak_gate_no_manifest(const char *dir, const AkManifest *manifest);
/* The project's live sessions against what has passed (dryrun.h): all, or only these ids. The
 * rows are the caller's. An exit code after words. */
int ak_gate_dryrun(AkHome *home, AkGate *gate, const json_t *only, json_t **sessions);
void ak_gate_free(AkGate *gate);

#endif
