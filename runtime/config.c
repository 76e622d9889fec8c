/* config.yaml: read with libyaml, so that a mistake in it has a line; written by editing its
 * text, so that comments and order stay. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "bundle.h"

typedef enum Kind { TEXT, NUMBER } Kind;

typedef struct Known {
    const char *name;
    Kind kind;
    const char *fallback;
    const char *meaning;
} Known;

static const Known known[] = {
    {"db.dsn", TEXT, "", "the database's file; empty: in the data directory"},
    {"db.type", TEXT, "sqlite", "the kind of database: sqlite"},
    {"limits.backlog", NUMBER, "67108864",
     "bytes of events that may wait in memory before webhooks get a 503"},
    {"limits.line", NUMBER, "16777216", "bytes a protocol line may have"},
    {"limits.load", NUMBER, "60", "seconds a program's modules may take to load"},
    {"limits.memory", NUMBER, "4294967296", "bytes of address space a runner may have"},
    {"limits.open_files", NUMBER, "1024", "files a runner may have open"},
    {"limits.processes", NUMBER, "256", "processes and threads a runner may start"},
    {"limits.queue", NUMBER, "10000",
     "sessions that may wait for a process before webhooks get a 503"},
    {"limits.runners", NUMBER, "32", "processes that `ak serve` runs at a time"},
    {"limits.spare", NUMBER, "134217728",
     "bytes of free memory below which waiting sessions give their processes back at once"},
    {"limits.turn", NUMBER, "10", "seconds a program may compute between two steps"},
    {"run.idle", NUMBER, "30", "seconds a waiting session keeps its process"},
    {"run.python", TEXT, "",
     "interpreter of the programs, or its environment's folder; empty: the one built in"},
    {"serve.idle", NUMBER, "10", "seconds a waiting session of `ak serve` keeps its process"},
    {"serve.listen", TEXT, "127.0.0.1:9980", "where `ak serve` listens"},
    {"serve.otlp", TEXT, "",
     "collector of OpenTelemetry, such as http://localhost:4318; empty: no traces are sent"},
    {"serve.sync", NUMBER, "30", "seconds a synchronous webhook waits for its answer"},
    {"serve.token", TEXT, "", "token that clients of another machine need; webhooks do not"},
    {"temporal.shared", TEXT, "",
     "where deployments for Temporal lie; empty: temporal in the data directory"},
    {"serve.url", TEXT, "", "where webhooks are reached from outside; empty: where it listens"},
};
enum { KNOWN = sizeof known / sizeof *known };

struct AkConfig {
    AkSetting settings[KNOWN];
    char *owned[KNOWN];
};

static char *config_path(void)
{
    static char path[1100];

    snprintf(path, sizeof path, "%s/config.yaml", ak_config_dir());
    return path;
}

const char *ak_config_dir(void)
{
    static char dir[1024];
    const char *own = getenv("AK_CONFIG_HOME"), *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (own && *own)
        snprintf(dir, sizeof dir, "%s", own);
    else if (xdg && *xdg)
        snprintf(dir, sizeof dir, "%s/ak", xdg);
    else
        snprintf(dir, sizeof dir, "%s/.config/ak", home && *home ? home : ".");
    return dir;
}

static int find_known(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (!strcmp(known[i].name, name))
            return i;
    return -1;
}

static int check_value(int i, const char *value, char *why, size_t size)
{
    char *end;

    if (known[i].kind == NUMBER) {
        errno = 0;
        long long n = strtoll(value, &end, 10);
        if (!*value || *end || errno || n < 1) {
            snprintf(why, size, "%s must be a whole number above 0, not '%s'", known[i].name,
                     value);
            return -1;
        }
    }
    if (!strcmp(known[i].name, "db.type") && strcmp(value, "sqlite")) {
        snprintf(why, size, "db.type '%s' is not known; the one kind is sqlite", value);
        return -1;
    }
    return 0;
}

static int take_scalar(AkConfig *config, const char *name, const yaml_node_t *node, char *why,
                       size_t size)
{
    int i = find_known(name);
    char text[256];

    /* Settings of other programs and of other versions may stand in the same file. */
    if (i < 0)
        return 0;
    if (node->type != YAML_SCALAR_NODE) {
        snprintf(why, size, "%s:%zu: %s must be one value", config_path(),
                 node->start_mark.line + 1, name);
        return -1;
    }
    const char *value = (const char *)node->data.scalar.value;
    if (check_value(i, value, text, sizeof text) < 0) {
        snprintf(why, size, "%s:%zu: %s", config_path(), node->start_mark.line + 1, text);
        return -1;
    }
    free(config->owned[i]);
    config->owned[i] = strdup(value);
    config->settings[i].value = config->owned[i];
    config->settings[i].from_file = true;
    return 0;
}

/* Two levels: a section, and its settings. */
static int take_document(AkConfig *config, yaml_document_t *doc, char *why, size_t size)
{
    yaml_node_t *root = yaml_document_get_root_node(doc);

    if (!root)
        return 0;
    if (root->type != YAML_MAPPING_NODE) {
        snprintf(why, size, "%s:1: settings must be `section:` with `name: value` lines below",
                 config_path());
        return -1;
    }
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top;
         p++) {
        yaml_node_t *section = yaml_document_get_node(doc, p->key);
        yaml_node_t *body = yaml_document_get_node(doc, p->value);
        if (section->type != YAML_SCALAR_NODE || body->type != YAML_MAPPING_NODE)
            continue;
        for (yaml_node_pair_t *q = body->data.mapping.pairs.start;
             q < body->data.mapping.pairs.top; q++) {
            yaml_node_t *key = yaml_document_get_node(doc, q->key);
            char name[128];
            if (key->type != YAML_SCALAR_NODE)
                continue;
            snprintf(name, sizeof name, "%s.%s", (char *)section->data.scalar.value,
                     (char *)key->data.scalar.value);
            if (take_scalar(config, name, yaml_document_get_node(doc, q->value), why, size) < 0)
                return -1;
        }
    }
    return 0;
}

static int load_file(AkConfig *config, FILE *file, char *why, size_t size)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    int result = -1;

    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, file);
    if (!yaml_parser_load(&parser, &doc)) {
        snprintf(why, size, "%s:%zu: %s", config_path(), parser.problem_mark.line + 1,
                 parser.problem ? parser.problem : "not YAML");
    } else {
        result = take_document(config, &doc, why, size);
        yaml_document_delete(&doc);
    }
    yaml_parser_delete(&parser);
    return result;
}

AkConfig *ak_config_read(FILE *file, char *why, size_t size)
{
    AkConfig *config = calloc(1, sizeof *config);

    for (int i = 0; i < KNOWN; i++)
        config->settings[i] =
            (AkSetting){known[i].name, known[i].fallback, known[i].meaning, false};
    if (file && load_file(config, file, why, size) < 0) {
        ak_config_free(config);
        return NULL;
    }
    return config;
}

AkConfig *ak_config_load(char *why, size_t size)
{
    FILE *file = fopen(config_path(), "re");

    if (!file && errno != ENOENT && errno != ENOTDIR) {
        snprintf(why, size, "%s: %s", config_path(), strerror(errno));
        return NULL;
    }
    AkConfig *config = ak_config_read(file, why, size);
    if (file)
        fclose(file);
    return config;
}

void ak_config_free(AkConfig *config)
{
    if (!config)
        return;
    for (int i = 0; i < KNOWN; i++)
        free(config->owned[i]);
    free(config);
}

const AkSetting *ak_config_at(const AkConfig *config, size_t i)
{
    return i < KNOWN ? &config->settings[i] : NULL;
}

const char *ak_config_text(const AkConfig *config, const char *name)
{
    int i = find_known(name);

    return i < 0 ? NULL : config->settings[i].value;
}

int64_t ak_config_number(const AkConfig *config, const char *name)
{
    return strtoll(ak_config_text(config, name), NULL, 10);
}

/* The text between two lines of a file that hold `section:` and the next section. */
static char *edit(const char *text, const char *section, const char *key, const char *value)
{
    size_t section_len = strlen(section), key_len = strlen(key);
    bool in_section = false, done = false;
    size_t out_size;
    char *out;
    FILE *to = open_memstream(&out, &out_size);

    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        size_t indent = strspn(line, " ");
        const char *word = line + indent;
        bool blank = indent == len || *word == '#';
        if (!blank && indent == 0) {
            if (in_section && !done) {
                fprintf(to, "  %s: %s\n", key, value);
                done = true;
            }
            in_section = !strncmp(word, section, section_len) && word[section_len] == ':';
        }
        if (in_section && !blank && indent && !done && !strncmp(word, key, key_len) &&
            word[key_len] == ':') {
            fprintf(to, "%.*s%s: %s\n", (int)indent, line, key, value);
            done = true;
        } else {
            fprintf(to, "%.*s\n", (int)len, line);
        }
        line += len + (line[len] == '\n');
    }
    if (!done)
        fprintf(to, in_section ? "  %s: %s\n" : "%s:\n  %s: %s\n", in_section ? key : section,
                in_section ? value : key, value);
    fclose(to);
    return out;
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (file && getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text ? text : strdup("");
}

/* A new file takes the old one's place in one step: a crash leaves one of both. */
static int replace(const char *path, const char *text)
{
    char fresh[1200];

    snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    size_t len = strlen(text);
    bool ok = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    close(fd);
    return ok && rename(fresh, path) == 0 ? 0 : -1;
}

int ak_config_set(const char *name, const char *value, char *why, size_t size)
{
    int i = find_known(name);
    char section[64], quoted[2048];

    if (i < 0) {
        snprintf(why, size, "no setting is called '%s'; see ak config list", name);
        return -2;
    }
    if (check_value(i, value, why, size) < 0)
        return -1;
    if (strpbrk(value, "\n'")) {
        snprintf(why, size, "a value may not hold quotes or line ends");
        return -1;
    }
    snprintf(section, sizeof section, "%.*s", (int)strcspn(name, "."), name);
    snprintf(quoted, sizeof quoted, known[i].kind == NUMBER ? "%s" : "'%s'", value);
    char *old = read_all(config_path());
    char *text = edit(old, section, strchr(name, '.') + 1, quoted);
    int result = 0;
    if (ak_make_dirs(ak_config_dir()) < 0 || replace(config_path(), text) < 0) {
        snprintf(why, size, "%s: %s", config_path(), strerror(errno));
        result = -1;
    }
    free(old);
    free(text);
    return result;
}

/* A dsn names the database's own file (or a directory, which is taken as --data is). SQLite's
 * log and our lock stand beside it under its name; FILE.d holds unpacked code, made anew where
 * it is missing. */
static void place_dsn(const char *dsn, AkPlace *place)
{
    struct stat st;

    if (!strncmp(dsn, "file:", 5))
        dsn += 5;
    if (stat(dsn, &st) == 0 && S_ISDIR(st.st_mode)) {
        snprintf(place->dir, sizeof place->dir, "%s", dsn);
        return;
    }
    snprintf(place->db, sizeof place->db, "%s", dsn);
    snprintf(place->dir, sizeof place->dir, "%s.d", dsn);
}

int ak_config_place(const AkConfig *config, const char *state_dir, AkPlace *place, char *why,
                    size_t size)
{
    const char *dsn = ak_config_text(config, "db.dsn");
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    place->db[0] = '\0';
    if (state_dir && *state_dir) {
        snprintf(place->dir, sizeof place->dir, "%s", state_dir);
    } else if (*dsn) {
        place_dsn(dsn, place);
    } else if (xdg && *xdg) {
        snprintf(place->dir, sizeof place->dir, "%s/ak", xdg);
    } else {
        snprintf(place->dir, sizeof place->dir, "%s/.local/share/ak",
                 home && *home ? home : ".");
    }
    if (ak_make_dirs(place->dir) < 0) {
        snprintf(why, size, "%s: %s", place->dir, strerror(errno));
        return -1;
    }
    char *real = realpath(place->dir, NULL);
    if (real)
        snprintf(place->dir, sizeof place->dir, "%s", real);
    free(real);
    return 0;
}
