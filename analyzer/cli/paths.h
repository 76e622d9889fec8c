/* paths.h: one file, three spellings.
 *
 * The command line works with absolute paths. People see a path from where they stand, if the
 * file lies below. The library knows a file from the base, the top of what is checked, so that
 * what it says (and its fingerprints) does not depend on the folder that it was started in. All
 * results are kept until the program ends.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <stdbool.h>

/* Learns the working folder; false if there is none. */
bool cli_paths_start(void);
const char *cli_paths_cwd(void);

const char *cli_path_absolute(const char *path);
const char *cli_path_shown(const char *absolute);
const char *cli_path_folder(const char *absolute); /* "/" has itself */
const char *cli_path_join(const char *folder, const char *name);
const char *cli_path_name(const char *path); /* what stands behind the last '/' */
bool cli_path_within(const char *absolute, const char *folder); /* also the folder itself */

/* The nearest folder at or above dir that holds a project's mark, or NULL. */
const char *cli_path_project(const char *dir);
/* The nearest folder at or above dir that holds .git, or NULL. */
const char *cli_path_repository(const char *dir);

/* Makes the base reach up to folder. */
void cli_paths_widen(const char *folder);
const char *cli_paths_base(void);
const char *cli_path_to_library(const char *absolute);
const char *cli_path_from_library(const char *path);

#endif
