/* Settings of the installation: config.yaml in the configuration directory, and where state
 * lies. Every setting has a dotted name ("db.dsn"); the table of names is in config.c. */
#ifndef AK_CONFIG_H
#define AK_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct AkConfig AkConfig;

typedef struct AkSetting {
    const char *name;
    const char *value; /* as text; the default when the file does not name it */
    const char *meaning;
    bool from_file;
} AkSetting;

/* The directory of config.yaml: $AK_CONFIG_HOME, else $XDG_CONFIG_HOME/ak, else ~/.config/ak.
 * Filled in on the first call; never NULL. */
const char *ak_config_dir(void);

/* Reads config.yaml; a missing file is an empty one. NULL when it cannot be used: `why` (of
 * size `size`) says what is wrong and on which line. */
AkConfig *ak_config_load(char *why, size_t size);
/* The same from an open file; NULL: none is there. */
AkConfig *ak_config_read(FILE *file, char *why, size_t size);
void ak_config_free(AkConfig *config);

/* The i-th setting, NULL at the end. Lives as long as the configuration. */
const AkSetting *ak_config_at(const AkConfig *config, size_t i);
/* NULL for a name that no setting has. */
const char *ak_config_text(const AkConfig *config, const char *name);
int64_t ak_config_number(const AkConfig *config, const char *name);

/* Writes one setting into config.yaml, leaving the rest of the text as it is. 0, or -1 with
 * `why`. */
int ak_config_set(const char *name, const char *value, char *why, size_t size);

/* Where state lies: a directory, made with mode 0700. */
typedef struct AkPlace {
    char dir[1024];
    char db[1024]; /* the database's file, when db.dsn names it; else empty: it is in dir */
} AkPlace;

/* From --data DIR (or NULL), else db.dsn, else $XDG_DATA_HOME/ak. 0, or -1 with `why`. */
int ak_config_place(const AkConfig *config, const char *state_dir, AkPlace *place, char *why,
                    size_t size);

#endif
