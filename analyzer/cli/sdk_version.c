/* sdk_version.c: lock files and requirements, read for one package. They are read as lines of
 * text: what is looked for stands on one line in each of the formats, or on the next in lock
 * files. */
#include "sdk_version.h"

#include "mem.h"
#include "paths.h"
#include "texts.h"

#include <string.h>

static const char package[] = "temporalio";
enum { MOST_BYTES = 32 << 20 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The text between quotes from here on, on this line; or NULL. */
static const char *quoted(const char *at)
{
    size_t skip = strcspn(at, "\"'\n"), len;

    if (at[skip] != '"' && at[skip] != '\'')
        return NULL;
    len = strcspn(at + skip + 1, "\"'\n");
    return len ? cli_keep_text(at + skip + 1, len) : NULL;
}

/* `name = "temporalio"`, and `version = "…"` in one of the lines behind it. */
static const char *in_lock(const char *text)
{
    const char *name = text;

    while ((name = strstr(name, "name = \"temporalio\""))) {
        const char *version = strstr(name, "\nversion = "), *next = strstr(name, "\n[[");

        if (version && (!next || version < next))
            return quoted(version + 11);
        name++;
    }
    return NULL;
}

/* What stands behind the package's name: a specifier such as ">=1.8,<2", "==1.7.1", "^1.7". */
static const char *specifier(const char *at)
{
    size_t len;

    while (is_blank(*at))
        at++;
    if (*at == '[') {
        at += strcspn(at, "]\n");
        at += *at == ']';
    }
    while (is_blank(*at))
        at++;
    if (!strchr("<>=~!^", *at) || !*at)
        return NULL;
    len = strcspn(at, ";#\"'\r\n\\");
    while (len && is_blank(at[len - 1]))
        len--;
    if (len > 2 && !strncmp(at, "==", 2) && !memchr(at, ',', len) && !memchr(at, '*', len)) {
        at += 2 + strspn(at + 2, "= ");
        len = strcspn(at, " ;#\"'\r\n\\");
    }
    return cli_keep_text(at, len);
}

/* `temporalio = "^1.7"` and `temporalio = {version = "^1.7"}` of a table, or NULL. */
static const char *table_entry(const char *at)
{
    const char *version;

    while (is_blank(*at))
        at++;
    if (*at++ != '=' || *at == '=')
        return NULL;
    version = strstr(at, "version");
    return quoted(strchr(at, '{') && version && strcspn(at, "\n") > (size_t)(version - at)
                      ? version + 7
                      : at);
}

static bool begins_word(const char *text, const char *at)
{
    return at == text || strchr(" \t\n\"'[,", at[-1]);
}

static const char *in_requirements(const char *text)
{
    for (const char *at = text; (at = strstr(at, package)); at++) {
        const char *found = NULL, *behind = at + sizeof(package) - 1;

        if (begins_word(text, at)) {
            found = table_entry(behind);
            found = found ? found : specifier(behind);
        }
        if (found)
            return found;
    }
    return NULL;
}

static const char *in_file(const char *folder, const char *name,
                           const char *(*find)(const char *))
{
    const char *found = NULL;
    char *text;
    size_t len;

    if (cli_text_read(cli_path_join(folder, name), MOST_BYTES, &text, &len) != 0)
        return NULL;
    if (len <= MOST_BYTES)
        found = find(text);
    cli_text_free(text, len, MOST_BYTES);
    return found;
}

static const char *of_folder(const char *folder)
{
    static const char *const locks[] = {"poetry.lock", "uv.lock", "pdm.lock"};
    static const char *const lists[] = {"requirements.txt", "requirements.lock",
                                        "requirements.in",  "pyproject.toml",
                                        "setup.cfg",        "setup.py"};
    const char *found = NULL;

    for (size_t i = 0; i < sizeof(locks) / sizeof(*locks) && !found; i++)
        found = in_file(folder, locks[i], in_lock);
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists) && !found; i++)
        found = in_file(folder, lists[i], in_requirements);
    return found;
}

const char *cli_sdk_version(const char *dir)
{
    const char *repository = cli_path_repository(dir);

    for (const char *folder = cli_path_absolute(dir);; folder = cli_path_folder(folder)) {
        const char *found = of_folder(folder);

        if (found || !strcmp(folder, "/") || (repository && !strcmp(folder, repository)))
            return found;
    }
}
