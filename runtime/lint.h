/* The linter as the gate uses it: over one project, with the project's settings, printed by
 * aklint's own printers. */
#ifndef AK_LINT_H
#define AK_LINT_H

#include <jansson.h>
#include <stdbool.h>

#include "manifest.h"

typedef struct AkLintOptions {
    const char *dir;
    const char
        *dialect; /* "ak" or "autokitteh"; NULL: as the project's settings say, else ak */
    const char *fail_on; /* error, warning, note; NULL: as the settings say */
    json_t *allow;       /* [{"id", "reason"}]: their findings do not count */
    bool json;           /* nothing is printed */
    const char *only;    /* findings of this file alone; or NULL */
} AkLintOptions;

typedef struct AkLint {
    const char *dialect;
    size_t failing, allowed; /* findings that stand in the way; that were waved through */
    size_t errors, warnings, notes; /* of those shown */
    json_t *findings;               /* aklint's JSON, of those shown */
    json_t *kept;     /* the same and the allowed ones, by paths below the project, no fixes */
    json_t *pictures; /* {"file.py:func": {"nodes", "edges"}}, see ak_check_picture */
} AkLint;

/* The manifest's own mistakes are findings too. 0, or an exit code after words on stderr. */
int ak_lint(const AkLintOptions *options, const AkManifest *manifest, AkLint *lint);
void ak_lint_free(AkLint *lint);

#endif
