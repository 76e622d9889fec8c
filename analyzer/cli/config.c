/* From TOML to settings. A table of keys says what each takes; whatever does not fit is a
 * mistake with a place, and the rest of the file still holds. */
#include "config.h"
#include "glob.h"
#include "nearest.h"
#include "node.h"
#include "paths.h"
#include "rules.h"
#include "texts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Reading {
    CliConfigs *configs;
    CliSettings *settings;
    const char *path, *text;
    size_t len;
    unsigned extended;
    size_t mistakes; /* so far */
} Reading;

typedef void (*Take)(Reading *r, CliKey key, const AkNode *value);

static const CliSettings *load(CliConfigs *configs, const char *path, unsigned extended,
                               const char **why, bool *speaks);

/* Whoever mends the first hundred sees the next; a file that is no settings at all has no end. */
enum { MOST_MISTAKES = 100 };

static void mistake(Reading *r, const AkNode *node, const char *message, const char *advice)
{
    CliMistakeAt *m = cli_keep(sizeof *m);

    if (r->mistakes++ > MOST_MISTAKES)
        return;
    if (r->mistakes > MOST_MISTAKES) {
        message = "there are more mistakes than the hundred above";
        advice = "";
    }
    m->place = cli_place(r->path, r->text, r->len, node->start, node->end);
    m->message = message;
    m->advice = advice;
    cli_list_add(&r->configs->mistakes, m);
}

static void unknown_key(Reading *r, const AkNode *name, const char *const *known, size_t count)
{
    CliNearest near = {0};

    for (size_t i = 0; i < count; i++)
        cli_nearest(&near, name->text, known[i]);
    mistake(r, name,
            near.word
                ? cli_keep_format("unknown key '%s'; did you mean '%s'?", name->text, near.word)
                : cli_keep_format("unknown key '%s'", name->text),
            "`aklint config` lists the keys");
}

static bool is_string(const AkNode *node)
{
    return node->kind == AK_NODE_SCALAR && node->quoted;
}

static const char *string_of(Reading *r, CliKey key, const AkNode *value)
{
    if (is_string(value))
        return value->text;
    mistake(r, value, cli_keep_format("%s takes a string", cli_config_key(key)), "");
    return NULL;
}

/* The strings of a list; one string stands for a list of one. */
static CliList strings_of(Reading *r, const char *name, const AkNode *value)
{
    CliList list = {0};

    if (is_string(value)) {
        cli_list_add(&list, value);
    } else if (value->kind != AK_NODE_LIST) {
        mistake(r, value, cli_keep_format("%s takes a list of strings", name), "");
    } else {
        for (size_t i = 0; i < value->count; i++) {
            if (is_string(value->items[i]))
                cli_list_add(&list, value->items[i]);
            else
                mistake(r, value->items[i], cli_keep_format("%s takes strings only", name), "");
        }
    }
    return list;
}

static bool check_selector(Reading *r, const AkNode *node)
{
    const AkRule *near;

    if (cli_selector_known(node->text))
        return true;
    near = ak_rule_nearest(node->text);
    mistake(r, node,
            near ? cli_keep_format("no rule is called '%s'; did you mean %s (%s)?", node->text,
                                   ak_rule_id(near), ak_rule_name(near))
                 : cli_keep_format("no rule is called '%s'", node->text),
            "`aklint rules` lists them");
    return false;
}

static CliList selectors_of(Reading *r, const char *name, const AkNode *value)
{
    CliList nodes = strings_of(r, name, value), selectors = {0};

    for (size_t i = 0; i < nodes.len; i++) {
        const AkNode *node = nodes.items[i];
        if (check_selector(r, node))
            cli_list_add(&selectors, node->text);
    }
    return selectors;
}

static void take_select(Reading *r, CliKey key, const AkNode *value)
{
    CliList *list = key == CLI_SELECT ? &r->settings->select : &r->settings->ignore;

    *list = selectors_of(r, cli_config_key(key), value);
}

static bool is_table(Reading *r, CliKey key, const AkNode *value)
{
    if (value->kind == AK_NODE_MAP)
        return true;
    mistake(r, value, cli_keep_format("%s takes a table", cli_config_key(key)), "");
    return false;
}

static void set_levels(CliSettings *settings, const char *selector, AkLevel level)
{
    for (size_t i = 0; i < ak_rule_count(); i++)
        if (cli_rule_match(selector, ak_rule_at(i)))
            settings->levels[i] = level;
}

static void take_levels(Reading *r, CliKey key, const AkNode *value)
{
    CliSettings *s = r->settings;

    if (!is_table(r, key, value))
        return;
    s->levels = cli_keep(ak_rule_count() * sizeof *s->levels);
    for (size_t i = 0; i < ak_rule_count(); i++)
        s->levels[i] = ak_rule_level(ak_rule_at(i));
    for (size_t i = 0; i < value->count; i++) {
        const AkNode *rule = value->items[2 * i], *word = value->items[2 * i + 1];
        AkLevel level;
        if (!check_selector(r, rule))
            continue;
        if (is_string(word) && cli_level_read(word->text, &level))
            set_levels(s, rule->text, level);
        else
            mistake(r, word, "a level is \"error\", \"warning\", \"note\" or \"off\"", "");
    }
}

static CliGlob *glob_of(Reading *r, const char *glob)
{
    CliGlob *g = cli_keep(sizeof *g);

    g->folder = cli_path_folder(r->path);
    g->glob = glob;
    return g;
}

static void take_per_file(Reading *r, CliKey key, const AkNode *value)
{
    if (!is_table(r, key, value))
        return;
    r->settings->per_file = (CliList){0};
    for (size_t i = 0; i < value->count; i++) {
        CliGlob *g = glob_of(r, value->items[2 * i]->text);
        g->selectors = selectors_of(r, cli_config_key(key), value->items[2 * i + 1]);
        cli_list_add(&r->settings->per_file, g);
    }
}

static void take_globs(Reading *r, CliKey key, const AkNode *value)
{
    CliList nodes = strings_of(r, cli_config_key(key), value);
    CliList *globs = &r->settings->globs[key == CLI_EXTEND_EXCLUDE];

    *globs = (CliList){0};
    for (size_t i = 0; i < nodes.len; i++)
        cli_list_add(globs, glob_of(r, ((const AkNode *)nodes.items[i])->text));
}

static const char *nearest_dialect(const char *typed)
{
    CliNearest near = {0};

    cli_nearest(&near, typed, "ak");
    cli_nearest(&near, typed, "autokitteh");
    cli_nearest(&near, typed, "temporal");
    return near.word;
}

static void take_dialect(Reading *r, CliKey key, const AkNode *value)
{
    CliList nodes = strings_of(r, cli_config_key(key), value);

    r->settings->dialects = 0;
    for (size_t i = 0; i < nodes.len; i++) {
        const AkNode *node = nodes.items[i];
        const char *near = nearest_dialect(node->text);
        if (!cli_dialect_read(node->text, &r->settings->dialects))
            mistake(r, node,
                    near ? cli_keep_format("no dialect is called '%s'; did you mean '%s'?",
                                           node->text, near)
                         : cli_keep_format("no dialect is called '%s'", node->text),
                    "\"ak\", \"autokitteh\", \"temporal\" or \"auto\"");
    }
}

static void take_entries(Reading *r, CliKey key, const AkNode *value)
{
    CliList nodes = strings_of(r, cli_config_key(key), value);

    r->settings->entries = (CliList){0};
    for (size_t i = 0; i < nodes.len; i++) {
        const AkNode *node = nodes.items[i];
        const char *colon = strrchr(node->text, ':');
        if (!colon || colon == node->text || !colon[1])
            mistake(r, node, cli_keep_format("'%s' is no entry point", node->text),
                    "write \"file.py:function\"");
        else
            cli_list_add(&r->settings->entries,
                         cli_path_absolute(cli_path_join(r->settings->folder, node->text)));
    }
}

/* One of the library's words; a mistake names the nearest. */
static bool is_word(Reading *r, const AkNode *node, const char *(*word)(size_t i),
                    const char *what)
{
    CliNearest near = {0};
    CliBuf all = {0};
    const char *known;

    if (!is_string(node)) {
        mistake(r, node, cli_keep_format("%s is a string", what), "");
        return false;
    }
    for (size_t i = 0; (known = word(i)); i++) {
        if (!strcmp(node->text, known)) {
            cli_buf_free(&all);
            return true;
        }
        cli_nearest(&near, node->text, known);
        cli_buf_printf(&all, "%s\"%s\"", i ? ", " : "", known);
    }
    mistake(r, node,
            near.word ? cli_keep_format("%s is not '%s'; did you mean '%s'?", what, node->text,
                                        near.word)
                      : cli_keep_format("%s is not '%s'", what, node->text),
            cli_keep_text(all.data, all.len));
    cli_buf_free(&all);
    return false;
}

/* "mylib.now": what follows `import`, a name, a dot. */
static bool is_dotted(Reading *r, const AkNode *name)
{
    const char *p = name->text, *dot = strchr(p, '.');

    if (dot && dot != p && dot[strlen(dot) - 1] != '.' && !strpbrk(p, " \t/:()") &&
        !strstr(p, ".."))
        return true;
    mistake(r, name, cli_keep_format("'%s' is no dotted name", name->text),
            "write it as it is imported: \"package.module.function\"");
    return false;
}

static void take_calls(Reading *r, CliKey key, const AkNode *value)
{
    if (!is_table(r, key, value))
        return;
    r->settings->calls = (CliList){0};
    for (size_t i = 0; i < value->count; i++) {
        const AkNode *name = value->items[2 * i], *kind = value->items[2 * i + 1];
        if (!is_dotted(r, name) || !is_word(r, kind, ak_call_word, "what a call does"))
            continue;
        cli_list_add(&r->settings->calls, name->text);
        cli_list_add(&r->settings->calls, kind->text);
    }
}

static bool is_wrapped(Reading *r, const AkNode *node)
{
    const char *near = NULL;

    if (is_string(node) && ak_wrapped_known(node->text, &near))
        return true;
    if (!is_string(node))
        mistake(r, node, "what a wrapper stands for is a string", "");
    else
        mistake(r, node,
                near ? cli_keep_format("there is no '%s'; did you mean '%s'?", node->text, near)
                     : cli_keep_format("there is no '%s' to stand for", node->text),
                "write the framework's name: \"temporalio.workflow.execute_activity\"");
    return false;
}

static void take_wrappers(Reading *r, CliKey key, const AkNode *value)
{
    if (!is_table(r, key, value))
        return;
    r->settings->wrappers = (CliList){0};
    for (size_t i = 0; i < value->count; i++) {
        const AkNode *name = value->items[2 * i], *other = value->items[2 * i + 1];
        if (!is_dotted(r, name) || !is_wrapped(r, other))
            continue;
        cli_list_add(&r->settings->wrappers, name->text);
        cli_list_add(&r->settings->wrappers, other->text);
    }
}

static void take_contexts(Reading *r, CliKey key, const AkNode *value)
{
    if (!is_table(r, key, value))
        return;
    r->settings->contexts = (CliList){0};
    for (size_t i = 0; i < value->count; i++) {
        const AkNode *where = value->items[2 * i], *word = value->items[2 * i + 1];
        size_t file = strcspn(where->text, ":");
        CliGlob *g;
        if (!file || (where->text[file] && !where->text[file + 1])) {
            mistake(r, where, cli_keep_format("'%s' names no code", where->text),
                    "write \"folder/**\", \"file.py\" or \"file.py:Class.method\"");
            continue;
        }
        if (!is_word(r, word, ak_context_word, "a context"))
            continue;
        g = glob_of(r, cli_keep_text(where->text, file));
        g->function = where->text[file] ? where->text + file + 1 : NULL;
        cli_list_add(&g->selectors, word->text);
        cli_list_add(&r->settings->contexts, g);
    }
}

static void take_follow(Reading *r, CliKey key, const AkNode *value)
{
    CliList nodes = strings_of(r, cli_config_key(key), value);

    r->settings->follow = (CliList){0};
    for (size_t i = 0; i < nodes.len; i++) {
        const AkNode *node = nodes.items[i];
        if (!*node->text || strpbrk(node->text, "/."))
            mistake(r, node, cli_keep_format("'%s' is no package", node->text),
                    "write the name that it is imported by");
        else
            cli_list_add(&r->settings->follow, node->text);
    }
}

static void take_fail_on(Reading *r, CliKey key, const AkNode *value)
{
    const char *word = string_of(r, key, value);
    AkLevel level;

    if (!word)
        return;
    if (cli_level_read(word, &level) && level != AK_OFF)
        r->settings->fail_on = level;
    else
        mistake(r, value, "fail-on is \"error\", \"warning\" or \"note\"", "");
}

static bool number_of(Reading *r, const char *name, const AkNode *value,
                      unsigned long long most, unsigned long long *n)
{
    char *end;

    errno = 0;
    *n = value->kind == AK_NODE_SCALAR && !value->quoted ? strtoull(value->text, &end, 10) : 0;
    if (*n && !*end && !errno && value->text[0] != '-' && *n <= most)
        return true;
    mistake(r, value, cli_keep_format("%s takes a number above 0", name), "");
    return false;
}

static void take_max_bytes(Reading *r, CliKey key, const AkNode *value)
{
    unsigned long long n;

    if (number_of(r, cli_config_key(key), value, SIZE_MAX, &n))
        r->settings->max_bytes = (size_t)n;
}

static void take_budgets(Reading *r, CliKey key, const AkNode *value)
{
    static const char *const names[] = {"statements", "loop-statements"};
    AkBudgets *budgets = &r->settings->budgets;
    unsigned *const to[] = {&budgets->statements, &budgets->loop_statements};

    if (!is_table(r, key, value))
        return;
    *budgets = (AkBudgets){0};
    for (size_t i = 0; i < value->count; i++) {
        const AkNode *name = value->items[2 * i];
        unsigned long long n;
        size_t k = 0;
        while (k < 2 && strcmp(name->text, names[k]))
            k++;
        if (k == 2)
            unknown_key(r, name, names, 2);
        else if (number_of(r, names[k], value->items[2 * i + 1], UINT32_MAX, &n))
            *to[k] = (unsigned)n;
    }
}

static void take_path(Reading *r, CliKey key, const AkNode *value)
{
    const char *path = string_of(r, key, value);

    if (!path)
        return;
    path = cli_path_absolute(*path == '/' ? path : cli_path_join(r->settings->folder, path));
    if (key == CLI_PYTHON)
        r->settings->python = path;
    else
        r->settings->baseline = path;
}

static void take_extend(Reading *r, CliKey key, const AkNode *value)
{
    const char *path = string_of(r, key, value), *why = NULL;
    const CliSettings *base;
    bool speaks;

    if (!path)
        return;
    path = cli_path_absolute(*path == '/' ? path : cli_path_join(r->settings->folder, path));
    base = r->extended > 8 ? NULL : load(r->configs, path, r->extended + 1, &why, &speaks);
    if (!base) {
        mistake(r, value,
                cli_keep_format("'%s' cannot be extended: %s", value->text,
                                why ? why : "it extends itself"),
                "");
        return;
    }
    *r->settings = *base;
    r->settings->file = r->path;
    r->settings->folder = cli_path_folder(r->path);
}

/* In the order of CliKey; extend comes first, as what follows goes over it. */
static const struct {
    const char *name;
    Take take;
} keys[CLI_KEYS] = {
    [CLI_EXTEND] = {"extend", take_extend},
    [CLI_SELECT] = {"select", take_select},
    [CLI_IGNORE] = {"ignore", take_select},
    [CLI_LEVELS] = {"levels", take_levels},
    [CLI_PER_FILE_IGNORES] = {"per-file-ignores", take_per_file},
    [CLI_EXCLUDE] = {"exclude", take_globs},
    [CLI_EXTEND_EXCLUDE] = {"extend-exclude", take_globs},
    [CLI_DIALECT] = {"dialect", take_dialect},
    [CLI_ENTRY_POINTS] = {"entry-points", take_entries},
    [CLI_IN_CONTEXTS] = {"contexts", take_contexts},
    [CLI_CALLS] = {"calls", take_calls},
    [CLI_WRAPPERS] = {"wrappers", take_wrappers},
    [CLI_BUDGETS] = {"budgets", take_budgets},
    [CLI_FOLLOW_PACKAGES] = {"follow-packages", take_follow},
    [CLI_FAIL_ON] = {"fail-on", take_fail_on},
    [CLI_MAX_BYTES] = {"max-bytes", take_max_bytes},
    [CLI_PYTHON] = {"python", take_path},
    [CLI_BASELINE] = {"baseline", take_path},
};

const char *cli_config_key(CliKey key)
{
    return keys[key].name;
}

static void check_keys(Reading *r, const AkNode *table)
{
    const char *names[CLI_KEYS];

    for (size_t k = 0; k < CLI_KEYS; k++)
        names[k] = keys[k].name;
    for (size_t i = 0; i < table->count; i++) {
        bool known = false;
        for (size_t k = 0; k < CLI_KEYS; k++)
            known |= !strcmp(table->items[2 * i]->text, names[k]);
        if (!known)
            unknown_key(r, table->items[2 * i], names, CLI_KEYS);
    }
}

static void read_table(Reading *r, const AkNode *table)
{
    check_keys(r, table);
    for (CliKey k = 0; k < CLI_KEYS; k++)
        for (size_t i = 0; i < table->count; i++) {
            const AkNode *name = table->items[2 * i];
            if (strcmp(name->text, keys[k].name))
                continue;
            keys[k].take(r, k, table->items[2 * i + 1]);
            r->settings->origin[k] = cli_keep_format(
                "%s:%u", cli_path_shown(r->path),
                cli_place(r->path, r->text, r->len, name->start, name->end).line);
        }
}

static bool is_pyproject(const char *path)
{
    return !strcmp(cli_path_name(path), "pyproject.toml");
}

/* The table of a file that is ours; NULL where the file does not speak of us. */
static const AkNode *own_table(Reading *r, const AkNode *root)
{
    const AkNode *tool;

    if (!is_pyproject(r->path))
        return root ? root : cli_node_new(AK_NODE_MAP, 0, 0);
    tool = cli_node_get(cli_node_get(root, "tool"), "aklint");
    if (tool && tool->kind != AK_NODE_MAP) {
        mistake(r, tool, "tool.aklint takes a table", "");
        return NULL;
    }
    return tool;
}

static bool names_us(const char *text, size_t len)
{
    for (const char *p = text; (p = memchr(p, 'a', len - (size_t)(p - text))); p++)
        if (len - (size_t)(p - text) >= 6 && !memcmp(p, "aklint", 6))
            return true;
    return false;
}

static void read_text(Reading *r, bool *speaks)
{
    const AkNode *root, *table;
    CliMistake wrong;

    if (is_pyproject(r->path) && !names_us(r->text, r->len))
        return;
    if (cli_toml(r->text, r->len, &root, &wrong) < 0) {
        AkNode at = {.start = wrong.start, .end = wrong.end};
        mistake(r, &at, wrong.why, "the settings of this file do not hold until it is mended");
        *speaks = true;
        return;
    }
    table = own_table(r, root);
    if (table) {
        *speaks = true;
        read_table(r, table);
    }
}

/* *speaks: the file holds settings of ours. */
static const CliSettings *load(CliConfigs *configs, const char *path, unsigned extended,
                               const char **why, bool *speaks)
{
    CliSettings *settings;
    Reading reading;
    char *text;
    size_t len;
    int error;

    *speaks = true;
    settings = cli_map_get(&configs->by_file, path);
    if (settings)
        return settings;
    *speaks = false;
    error = cli_text_read(path, SIZE_MAX, &text, &len);
    if (error) {
        *why = cli_keep_string(strerror(error));
        return NULL;
    }
    settings = cli_keep(sizeof *settings);
    *settings = *cli_config_defaults();
    settings->file = path;
    settings->folder = cli_path_folder(path);
    reading = (Reading){configs, settings, path, text, len, extended, 0};
    read_text(&reading, speaks);
    cli_text_free(text, len, SIZE_MAX);
    if (*speaks)
        cli_map_put(&configs->by_file, path, settings);
    return settings;
}

const CliSettings *cli_config_defaults(void)
{
    static CliSettings defaults;

    defaults.folder = cli_paths_cwd();
    defaults.fail_on = AK_ERROR;
    return &defaults;
}

const CliSettings *cli_config_file(CliConfigs *configs, const char *path, const char **why)
{
    bool speaks;

    return load(configs, path, 0, why, &speaks);
}

static const CliSettings *said_in(CliConfigs *configs, const char *folder)
{
    static const char *const names[] = {"aklint.toml", ".aklint.toml", "pyproject.toml"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = cli_path_join(folder, names[i]), *why = NULL;
        const CliSettings *settings;
        bool speaks;
        if (access(path, F_OK) < 0)
            continue;
        settings = load(configs, path, 0, &why, &speaks);
        if (!settings) {
            CliMistakeAt *m = cli_keep(sizeof *m);
            *m = (CliMistakeAt){{path, 0, 0, 1, 1, 1, 1}, why, ""};
            cli_list_add(&configs->mistakes, m);
        } else if (speaks) {
            return settings;
        }
    }
    return NULL;
}

const CliSettings *cli_config_below(CliConfigs *configs, const char *folder,
                                    const CliSettings *above)
{
    const CliSettings *settings;

    if (configs->fixed)
        return configs->fixed;
    settings = cli_map_get(&configs->by_folder, folder);
    if (settings)
        return settings;
    settings = said_in(configs, folder);
    if (!settings)
        settings = above;
    cli_map_put(&configs->by_folder, folder, settings);
    return settings;
}

const CliSettings *cli_config_for(CliConfigs *configs, const char *folder)
{
    const CliSettings *settings = cli_map_get(&configs->by_folder, folder);

    if (settings)
        return settings;
    settings = strcmp(folder, "/") ? cli_config_for(configs, cli_path_folder(folder))
                                   : cli_config_defaults();
    return cli_config_below(configs, folder, settings);
}

bool cli_config_glob(const CliGlob *g, const char *path)
{
    size_t len = strlen(g->glob), skip = strcmp(g->folder, "/") ? strlen(g->folder) + 1 : 1;

    if (!cli_path_within(path, g->folder) || !strcmp(path, g->folder))
        return false;
    while (len && g->glob[len - 1] == '/')
        len--;
    return cli_glob_name_or_path(g->glob, len, path + skip);
}

bool cli_config_excludes(const CliSettings *settings, const char *path)
{
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < settings->globs[k].len; i++)
            if (cli_config_glob(settings->globs[k].items[i], path))
                return true;
    return false;
}
