/* files.h: which files a run looks at. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "config.h"
#include "map.h"
#include "mem.h"

#include <aklint.h>
#include <sys/types.h>

typedef struct CliInode {
    dev_t device;
    ino_t number; /* 0: not found by a walk */
} CliInode;

typedef struct CliFile {
    const char *path; /* absolute */
    AkUse use;
    unsigned order; /* when it was found: the first of one path counts */
    const CliSettings *settings;
    CliInode inode;
} CliFile;

typedef struct CliFiles {
    CliConfigs *configs;
    const CliList *exclude; /* globs of the command line, from the working folder */
    bool force_exclude;     /* they hold for paths that were named, too */
    CliList found;          /* CliFile, sorted by path once cli_files_sort was there */
    size_t sorted;          /* as many of them */
    CliList manifests;      /* CliFile, of autokitteh.yaml */
    CliList problems;       /* lines for standard error */
    bool refused;           /* one of them is a path that is missing or may not be read */
    CliMap folders;         /* device and inode of folders that were walked */
    CliMap inodes;          /* of files found in a walk, once a link asks */
    size_t found_noted, manifests_noted; /* how many of them that map has */
} CliFiles;

/* Finds the sources at paths (as typed) and, as known files, those of the projects around them.
 * Widens the base of cli_paths. Stops early on Ctrl-C. */
void cli_files_find(CliFiles *files, const CliList *paths);

/* The sources of the project around a file that is not on the disk, and the file's settings. */
const CliSettings *cli_files_around(CliFiles *files, const char *path);

/* A package that lies in one of the folders, as a library; false if it is in none. */
bool cli_files_follow(CliFiles *files, const CliList *folders, const char *package,
                      const CliSettings *settings);

/* A file that no walk finds; one that was found already counts for more when use does. */
void cli_files_add(CliFiles *files, const char *path, AkUse use, const CliSettings *settings);

/* After the last of the above: sorts them, each path once. */
void cli_files_sort(CliFiles *files);

/* One of the sorted files, or NULL. */
CliFile *cli_files_get(const CliFiles *files, const char *path);

#endif
