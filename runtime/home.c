#define _GNU_SOURCE
#include "home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "exit_codes.h"
#include "venv.h"

static int open_in_memory(AkHome *home)
{
    const char *below = getenv("TMPDIR");
    char dir[512];

    snprintf(dir, sizeof dir, "%.400s/ak-XXXXXX", below && *below ? below : "/tmp");
    if (!mkdtemp(dir))
        return ak_say_error(AK_EXIT_FAILED, "no folder can be made in %s: %s",
                            below && *below ? below : "/tmp", strerror(errno));
    snprintf(home->place.dir, sizeof home->place.dir, "%s", dir);
    home->in_memory = true;
    home->store = ak_store_open_memory();
    return home->store ? 0 : ak_say_error(AK_EXIT_FAILED, "out of memory");
}

static int explain(int fault, AkStoreMode mode, const AkHome *home, const char *why)
{
    if (fault == AK_E_BUSY)
        return ak_say_error(AK_EXIT_REFUSED,
                            "%s holds %s; give this one a state of its own: ak --data DIR …",
                            mode == AK_STORE_SERVE ? "another ak" : "a server",
                            *home->place.db ? home->place.db : home->place.dir);
    return ak_say_error(fault == AK_E_ABSENT ? AK_EXIT_NOT_FOUND : AK_EXIT_FAILED, "%s", why);
}

int ak_home_open_memory(AkHome *home)
{
    char why[1024];

    *home = (AkHome){.shown_dir = ""};
    home->config = ak_config_load(why, sizeof why);
    if (!home->config)
        return ak_usage_error("%s", why);
    int failed = open_in_memory(home);
    if (failed)
        ak_home_close(home);
    return failed;
}

int ak_home_open(const AkArgs *args, AkStoreMode mode, AkHome *home)
{
    const char *dir = ak_args_state_dir(args);
    AkStoreOptions options = {.mode = mode, .checkpoint = AK_CHECKPOINT_THREAD};
    char why[1024];

    *home = (AkHome){.shown_dir = dir ? dir : ""};
    if (dir && !strcmp(dir, ":memory:")) {
        int failed = ak_home_open_memory(home);
        home->shown_dir = dir;
        return failed;
    }
    home->config = ak_config_load(why, sizeof why);
    if (!home->config)
        return ak_usage_error("%s", why);
    if (ak_config_place(home->config, dir, &home->place, why, sizeof why) < 0) {
        ak_home_close(home);
        return ak_usage_error("%s", why);
    }
    if (*home->place.db)
        options.file = home->place.db;
    int fault = ak_store_open_sqlite(home->place.dir, &options, &home->store, why, sizeof why);
    /* Where nothing was ever run there is nothing to look at, which is no mistake. */
    if (fault == AK_E_ABSENT && mode == AK_STORE_READ && (home->store = ak_store_open_memory()))
        return 0;
    if (fault) {
        int code = explain(fault, mode, home, why);
        ak_home_close(home);
        return code;
    }
    return 0;
}

int ak_home_fault(const AkHome *home)
{
    return ak_say_error(AK_EXIT_FAILED, "%s", ak_store_error(home->store));
}

void ak_home_close(AkHome *home)
{
    ak_store_close(home->store);
    if (home->in_memory)
        ak_remove_tree(home->place.dir);
    ak_config_free(home->config);
    *home = (AkHome){0};
}

void ak_home_sweep(const AkArgs *args)
{
    AkHome home;

    /* By a new look at the store: the change was perhaps made by the server. */
    if (ak_home_open(args, AK_STORE_READ, &home))
        return;
    ak_venv_sweep(&home.place, home.store);
    ak_home_close(&home);
}
