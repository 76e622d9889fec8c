/* The environments of deployments: a virtual environment for each set of requirements and
 * interpreter, in DIR/envs under the digest of both, made once and shared. Nothing is ever
 * installed into an environment of the user's. */
#ifndef AK_VENV_H
#define AK_VENV_H

#include <jansson.h>
#include <stdbool.h>

#include "config.h"
#include "store.h"

typedef struct AkVenv {
    int lock; /* of what was made: held until the deployment is recorded; -1 */
} AkVenv;

/* Whether Python is there with what makes environments (its module venv). */
bool ak_venv_possible(void);

/* Reads "python", "requirements" and "wheels" of the plan (project.h), makes what is not there
 * yet, with its progress on stderr unless quiet, and notes in plan's "environment" what a host
 * needs to find it. An exit code, after words; ak_venv_release in any case. */
int ak_venv_prepare(const AkPlace *place, const AkConfig *config, const char *project,
                    json_t *plan, bool quiet, AkVenv *venv);
void ak_venv_release(AkVenv *venv);

/* The interpreter that is meant: of an environment's folder the one in it (written to path),
 * else what was given. */
const char *ak_venv_python(const char *given, char *path, size_t size);

typedef struct AkVenvPlace {
    char interpreter[1200]; /* "" for the one built in */
    char dir[1200];         /* the environment that the one built in is to use, or "" */
} AkVenvPlace;

/* What a deployment's programs run in: what `ak run` was told, the environment that was made for
 * it, the setting run.python, the one built in. config may be NULL: no settings. 0, or -1 with
 * words in why when the environment is gone. */
int ak_venv_find(const AkPlace *place, const AkConfig *config, const json_t *plan,
                 AkVenvPlace *found, char *why, size_t size);

/* Removes the environments that no deployment has. */
void ak_venv_sweep(const AkPlace *place, AkStore *store);

#endif
