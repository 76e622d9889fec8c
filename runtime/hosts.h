/* Deployments and the processes that have them loaded. The code of a deployment is taken from
 * its bundle in the store and laid out once below DIR/cache, which may be deleted at any time.
 */
#ifndef AK_HOSTS_H
#define AK_HOSTS_H

#include "config.h"
#include "runner.h"
#include "store.h"

typedef struct AkHosts AkHosts;

/* Everything is borrowed. NULL when memory ran out. */
AkHosts *ak_hosts_new(AkLoop *loop, AkStore *store, const AkConfig *config,
                      const AkPlace *place);
void ak_hosts_free(AkHosts *hosts);
/* For processes that start from now on. Borrowed. */
void ak_hosts_set_config(AkHosts *hosts, const AkConfig *config);
/* Where webhooks are reached from outside, without a last '/'. Borrowed. */
void ak_hosts_set_url(AkHosts *hosts, const char *url);

/* The host of a deployment, made on first use and kept. `entry` is what is loaded first. NULL
 * with words in why. */
AkHost *ak_hosts_get(AkHosts *hosts, const char *deployment_id, const char *entry, char *why,
                     size_t size);

/* The environment that the deployment's programs have: name=value, NULL at the end. NULL with
 * words in why; for ak_hosts_env_free. */
char **ak_hosts_env(AkHosts *hosts, const char *deployment_id, char *why, size_t size);
void ak_hosts_env_free(char **env);

/* Turns the loop until every process that was told to finish is gone, for a moment at most. */
void ak_hosts_settle(AkHosts *hosts, AkLoop *loop);

/* A deployment made by `ak run`: what a later --resume needs to know. Texts may be NULL. */
typedef struct AkLocal {
    const char *root;   /* the project's directory; names the project */
    const char *cwd;    /* where the program runs; NULL: in its code */
    const char *python; /* interpreter; NULL: the one built in */
    const char *runner; /* another ak_runner.py, for that interpreter */
} AkLocal;

/* Finds or makes project and deployment for this bundle. In a transaction of its own. 0 or a
 * fault. */
int ak_local_deployment(AkStore *store, const AkLocal *local, AkBytes tar, char project_id[32],
                        char deployment_id[32]);

/* Where ak_runner.py and the packages lie, below DIR/cache. 0, or -1 with errno. */
int ak_support_dir(const AkPlace *place, char *path, size_t size);

#endif
