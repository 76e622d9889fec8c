/* What a project says to `ak` itself: the table [tool.ak] of its pyproject.toml.
 *
 *     [tool.ak]
 *     python = "3.12"          an interpreter's version, its path, or an environment's folder
 *     requirements = "r.txt"   what is installed for it; else requirements.txt, else the
 *                              dependencies of [project]; "" for nothing
 *     wheels = "wheels"        a folder whose packages are taken before any index's
 *     max-sessions = 20        under way at a time; more wait
 *     max-queue = 100          so many at most; then 429
 *     [tool.ak.triggers.NAME]  max-sessions and max-queue of one trigger */
#ifndef AK_PROJECT_H
#define AK_PROJECT_H

#include <jansson.h>
#include <stddef.h>

/* Into the manifest's plan: "python", "wheels", "requirements" (what is to be installed, one
 * text a line), "max_sessions", "max_queue", the last two in triggers as well; what is not said
 * is left out. 0, or -1 with words in why that name the place. */
int ak_project_read(const char *dir, json_t *plan, char *why, size_t size);

#endif
