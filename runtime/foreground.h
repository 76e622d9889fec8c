/* Sessions in the foreground of a terminal: what `ak run`, `ak session stop` and the like
 * share. Prints live, shows what is waited for, and gives way to Ctrl-C. */
#ifndef AK_FOREGROUND_H
#define AK_FOREGROUND_H

#include "driver.h"
#include "home.h"
#include "hosts.h"

typedef struct AkForeground AkForeground;

typedef struct AkForegroundOptions {
    bool json;  /* prints and the end as JSON lines */
    bool quiet; /* prints of the program are not shown */
} AkForegroundOptions;

/* NULL after words on stderr. */
AkForeground *ak_foreground_new(AkHome *home, const AkForegroundOptions *options);
void ak_foreground_free(AkForeground *foreground);
AkDriver *ak_foreground_driver(AkForeground *foreground);

/* Runs until this session and all it has started have ended, or Ctrl-C; says how it went. The
 * exit code of `ak`. */
int ak_foreground_run(AkForeground *foreground, const char *session_id);

#endif
