/* sdk_version.h: which version of Temporal's SDK a project uses. */
#ifndef CLI_SDK_VERSION_H
#define CLI_SDK_VERSION_H

/* "1.12.0" as poetry.lock, uv.lock, pdm.lock or a requirements file pins it, else the
 * requirement
 * (">=1.8,<2", "^1.7") of requirements files or pyproject.toml, of the nearest folder at or
 * above dir that says anything; NULL when none does. Kept until the program ends. */
const char *cli_sdk_version(const char *dir);

#endif
