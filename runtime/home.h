/* What nearly every command begins with: settings, the place of the state, the store. */
#ifndef AK_HOME_H
#define AK_HOME_H

#include "cli.h"
#include "config.h"
#include "store.h"

typedef struct AkHome {
    AkConfig *config;
    AkPlace place;
    AkStore *store;
    const char *shown_dir; /* what --data said, or "" */
    bool in_memory;        /* --data :memory: leaves nothing behind */
} AkHome;

/* 0, or an exit code after words on stderr. */
int ak_home_open(const AkArgs *args, AkStoreMode mode, AkHome *home);
/* One that leaves nothing behind, whatever --data says. */
int ak_home_open_memory(AkHome *home);
void ak_home_close(AkHome *home);
/* Says what the store has against it; AK_EXIT_FAILED. */
int ak_home_fault(const AkHome *home);

/* After deployments came or went: removes the environments that none has any more. */
void ak_home_sweep(const AkArgs *args);

#endif
