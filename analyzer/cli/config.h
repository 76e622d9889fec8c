/* config.h: settings of [tool.aklint] in pyproject.toml, or of aklint.toml.
 *
 * The nearest file above a source holds for it, alone: files are merged only where one says
 * `extend`. Settings are kept until the program ends. Mistakes become findings (AK003).
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "map.h"
#include "mem.h"

#include <aklint.h>

typedef enum CliKey {
    CLI_EXTEND,
    CLI_SELECT,
    CLI_IGNORE,
    CLI_LEVELS,
    CLI_PER_FILE_IGNORES,
    CLI_EXCLUDE,
    CLI_EXTEND_EXCLUDE,
    CLI_DIALECT,
    CLI_ENTRY_POINTS,
    CLI_IN_CONTEXTS,
    CLI_CALLS,
    CLI_WRAPPERS,
    CLI_BUDGETS,
    CLI_FOLLOW_PACKAGES,
    CLI_FAIL_ON,
    CLI_MAX_BYTES,
    CLI_PYTHON,
    CLI_BASELINE,
    CLI_KEYS
} CliKey;

/* A glob holds from the folder of the file that states it. */
typedef struct CliGlob {
    const char *folder, *glob;
    CliList selectors;    /* of per-file-ignores; of contexts: the context */
    const char *function; /* of contexts: "Order.total", or NULL for the whole file */
} CliGlob;

typedef struct CliSettings {
    const char *file;   /* absolute; NULL for the defaults */
    const char *folder; /* where entry points and paths start */
    CliList select, ignore;
    AkLevel *levels;   /* by rule; NULL: as the rule book says */
    CliList globs[2];  /* CliGlob: exclude, extend-exclude */
    CliList per_file;  /* CliGlob */
    unsigned dialects; /* 0: by what a file imports */
    CliList entries;   /* "flow.py:on_event", absolute */
    CliList contexts;  /* CliGlob with the context for its only selector */
    CliList calls;     /* name, kind, name, kind, … */
    CliList wrappers;  /* name, what it stands for, … */
    AkBudgets budgets;
    CliList follow; /* packages whose code is followed, by the name they are imported by */
    AkLevel fail_on;
    size_t max_bytes;
    const char *python, *baseline; /* absolute or NULL */
    const char *origin[CLI_KEYS];  /* "pyproject.toml:12"; NULL: default */
} CliSettings;

typedef struct CliMistakeAt {
    AkPlace place; /* with an absolute path */
    const char *message, *advice;
} CliMistakeAt;

typedef struct CliConfigs {
    CliMap by_folder; /* folder → settings */
    CliMap by_file;
    CliList mistakes;         /* CliMistakeAt */
    const CliSettings *fixed; /* --config or --isolated: holds for every file */
} CliConfigs;

const CliSettings *cli_config_defaults(void);

/* One file, whatever its name; NULL with *why if it cannot be read. */
const CliSettings *cli_config_file(CliConfigs *configs, const char *path, const char **why);

/* What holds for the files in folder, as said in it or above it. */
const CliSettings *cli_config_for(CliConfigs *configs, const char *folder);

/* The same for a folder whose parent's settings are known. */
const CliSettings *cli_config_below(CliConfigs *configs, const char *folder,
                                    const CliSettings *above);

/* Whether a glob holds for a path, as it would in .gitignore. */
bool cli_config_glob(const CliGlob *glob, const char *path);
bool cli_config_excludes(const CliSettings *settings, const char *path);

/* The name of a key, and its value as TOML. */
const char *cli_config_key(CliKey key);
void cli_config_value(const CliSettings *settings, CliKey key, CliBuf *out);

#endif
