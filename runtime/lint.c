/* Alone in the runtime in knowing aklint's command line: its settings, walk, printers. */
#define _GNU_SOURCE
#include "lint.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyzer/cli/narrow.h"
#include "../analyzer/cli/node.h"
#include "../analyzer/cli/paths.h"
#include "../analyzer/cli/rules.h"
#include "../analyzer/cli/run.h"
#include "../analyzer/cli/terminal.h"
#include "exit_codes.h"

static int failing_level(CliRun *run, const CliFinding *item)
{
    const CliFile *file = cli_files_get(&run->files, item->path);

    if (run->fail_on >= 0)
        return run->fail_on;
    return (int)(file ? file->settings
                      : cli_config_for(&run->configs, cli_path_folder(item->path)))
        ->fail_on;
}

static bool is_allowed(const json_t *allow, const AkRule *rule)
{
    size_t i;
    json_t *item;

    json_array_foreach(allow, i,
                       item) if (cli_rule_match(json_string_value(json_object_get(item, "id")),
                                                rule)) return true;
    return false;
}

static int check_allowed(const json_t *allow)
{
    size_t i;
    json_t *item;

    json_array_foreach(allow, i, item)
    {
        const char *word = json_string_value(json_object_get(item, "id"));
        if (!cli_selector_known(word)) {
            fprintf(stderr, "ak: --allow: no rule is called '%s'; `aklint rules` lists them\n",
                    word);
            return AK_EXIT_USAGE;
        }
    }
    return 0;
}

/* --- The manifest's mistakes, where the rules have not said the same
 * ---------------------------------- */

static const AkRule *manifest_rule(void)
{
    const AkRule *rule = ak_rule_find("AK107");

    if (!rule)
        rule = ak_rule_find("AK003");
    return rule ? rule : ak_rule_at(0);
}

static bool is_told(const CliReport *report, const char *path, uint32_t line)
{
    for (size_t i = 0; i < report->count; i++)
        if (!strcmp(report->items[i].path, path) && report->items[i].f->place.line == line)
            return true;
    return false;
}

static void add_mistakes(CliReport *report, const AkManifest *m)
{
    const char *path = cli_path_absolute(m->path);
    CliFinding *items = cli_keep((report->count + m->mistakes_len + 1) * sizeof *items);
    size_t n = 0;

    for (size_t i = 0; i < m->mistakes_len; i++) {
        const AkMistake *mistake = &m->mistakes[i];
        AkFinding *f = cli_keep(sizeof *f);
        f->place =
            cli_place(cli_path_to_library(path), m->text, m->len, mistake->start, mistake->end);
        if (is_told(report, path, f->place.line))
            continue;
        f->rule = manifest_rule();
        f->proved = true;
        f->dialect = AK_DIALECT_AK;
        f->context = "";
        f->message = mistake->message;
        f->advice = mistake->advice;
        f->fingerprint = cli_keep_format("%016llx", (unsigned long long)mistake->start);
        f->noqa_line = f->place.line;
        items[n++] = (CliFinding){f, AK_ERROR, path};
        report->by_level[AK_ERROR]++;
    }
    memcpy(items + n, report->items, report->count * sizeof *items);
    report->items = items;
    report->count += n;
}

/* --- The run
 * --------------------------------------------------------------------------------------------
 */

/* What is allowed goes from report to waved. */
static void count(CliRun *run, CliReport *report, CliReport *waved,
                  const AkLintOptions *options, AkLint *lint)
{
    const char *only = options->only ? cli_path_absolute(options->only) : NULL;
    size_t kept = 0;

    *waved = *report;
    waved->items = cli_keep((report->count + 1) * sizeof *waved->items);
    waved->count = 0;

    report->by_level[AK_ERROR] = report->by_level[AK_WARNING] = report->by_level[AK_NOTE] = 0;
    for (size_t i = 0; i < report->count; i++) {
        CliFinding item = report->items[i];
        if (only && strcmp(only, item.path))
            continue;
        if (is_allowed(options->allow, item.f->rule)) {
            waved->items[waved->count++] = item;
            continue;
        }
        lint->failing += (int)item.level <= failing_level(run, &item);
        report->by_level[item.level]++;
        report->items[kept++] = item;
    }
    report->count = kept;
    lint->allowed = waved->count;
    lint->errors = report->by_level[AK_ERROR];
    lint->warnings = report->by_level[AK_WARNING];
    lint->notes = report->by_level[AK_NOTE];
}

static json_t *as_json(const CliReport *report)
{
    CliBuf out = {0};
    json_t *all;

    cli_print_json(report, &out);
    all = out.data ? json_loadb(out.data, out.len, 0, NULL) : json_array();
    cli_buf_free(&out);
    return all;
}

static void show(const AkLintOptions *options, CliReport *report, AkLint *lint)
{
    CliBuf out = {0};

    report->color = cli_terminal_color(CLI_COLOR_AUTO, 1);
    lint->findings = as_json(report);
    if (options->json || !report->count)
        return;
    cli_print_text(report, &out);
    fwrite(out.data, 1, out.len, stdout);
    fflush(stdout);
    cli_buf_free(&out);
}

/* --- What is kept with the deployment: findings and pictures, by paths below the project
 * ------------------------------------------------------------------------------------------ */

enum { PICTURE_MAX = 500 };

static const char *below(const char *root, const char *path)
{
    size_t len = strlen(root);

    return !strncmp(path, root, len) && path[len] == '/' ? path + len + 1 : path;
}

static void shorten(const char *root, json_t *object)
{
    const char *path = json_string_value(json_object_get(object, "filename"));

    if (path)
        json_object_set_new(object, "filename", json_string(below(root, path)));
}

static void keep_findings(const char *root, const json_t *from, bool allowed, json_t *to)
{
    size_t i, k;
    json_t *item, *step;

    json_array_foreach(from, i, item)
    {
        json_t *kept = json_deep_copy(item);
        shorten(root, kept);
        json_array_foreach(json_object_get(kept, "trail"), k, step) shorten(root, step);
        json_object_del(kept, "fix");
        if (allowed)
            json_object_set_new(kept, "allowed", json_true());
        json_array_append_new(to, kept);
    }
}

static const char *const shape_names[] = {
    [AK_SHAPE_START] = "start",       [AK_SHAPE_END] = "end",
    [AK_SHAPE_ACTIVITY] = "activity", [AK_SHAPE_TIMER] = "timer",
    [AK_SHAPE_CHILD] = "child",       [AK_SHAPE_WAIT] = "wait",
    [AK_SHAPE_CHOICE] = "choice",     [AK_SHAPE_LOOP] = "loop",
    [AK_SHAPE_TRY] = "try",           [AK_SHAPE_COMMAND] = "command",
    [AK_SHAPE_CALL] = "call",
};

static const char *file_of(const char *root, const AkPlace *place)
{
    return below(root, cli_path_absolute(cli_path_from_library(place->path)));
}

static json_t *picture_json(const char *root, const AkPicture *picture)
{
    json_t *nodes = json_array(), *edges = json_array();

    for (size_t i = 0; i < picture->node_len; i++) {
        const AkPictureNode *n = &picture->nodes[i];
        json_array_append_new(
            nodes, json_pack("{s:s, s:s, s:s, s:i, s:i}", "shape", shape_names[n->shape],
                             "label", n->label, "file", file_of(root, &n->place), "line",
                             (int)n->place.line, "end_line", (int)n->place.end_line));
    }
    for (size_t i = 0; i < picture->edge_len; i++) {
        const AkPictureEdge *e = &picture->edges[i];
        json_array_append_new(edges, json_pack("{s:i, s:i, s:s}", "from", (int)e->from, "to",
                                               (int)e->to, "label", e->label));
    }
    return json_pack("{s:o, s:o}", "nodes", nodes, "edges", edges);
}

/* Of every entry point, by file.py:function. One that nobody could take in is left out. */
static json_t *pictures_of(const CliRun *run, const char *root)
{
    json_t *all = json_object();
    const AkStart *starts;
    AkPicture picture;
    char name[600];

    for (size_t c = 0; c < run->checks.len; c++) {
        size_t len = ak_check_starts(run->checks.items[c], &starts);
        for (size_t i = 0; i < len; i++) {
            if (!(starts[i].contexts & AK_CTX_WORKFLOW) ||
                ak_check_picture(run->checks.items[c], i, &picture) < 0 ||
                picture.node_len > PICTURE_MAX)
                continue;
            snprintf(name, sizeof name, "%s:%s", file_of(root, &starts[i].place),
                     starts[i].name);
            json_object_set_new(all, name, picture_json(root, &picture));
        }
    }
    return all;
}

static void keep(const CliRun *run, const AkLintOptions *options, const CliReport *waved,
                 AkLint *lint)
{
    const char *root = cli_path_absolute(options->dir);
    json_t *allowed = as_json(waved);

    lint->kept = json_array();
    keep_findings(root, lint->findings, false, lint->kept);
    keep_findings(root, allowed, true, lint->kept);
    lint->pictures = pictures_of(run, root);
    json_decref(allowed);
}

static const char *dialect_of(CliRun *run, const AkLintOptions *options)
{
    const CliSettings *settings =
        cli_config_for(&run->configs, cli_path_absolute(options->dir));

    if (options->dialect)
        return options->dialect;
    return settings->dialects == AK_DIALECT_AUTOKITTEH ? "autokitteh" : "ak";
}

static void say(const CliList *lines)
{
    for (size_t i = 0; i < lines->len; i++)
        fprintf(stderr, "ak: %s\n", cli_list_text(lines, i));
}

static int run_all(CliRun *run, const AkLintOptions *options, const AkManifest *manifest,
                   AkLint *lint)
{
    CliNarrow narrow;
    CliReport report, waved;

    lint->dialect = dialect_of(run, options);
    run->dialects = strcmp(lint->dialect, "ak") ? AK_DIALECT_AUTOKITTEH : AK_DIALECT_AK;
    if (cli_narrow_start(&narrow, run) || cli_narrow_pass(&narrow, &report) ||
        cli_narrow_keep(&narrow, &report))
        return AK_EXIT_FAILED;
    cli_terminal_end();
    add_mistakes(&report, manifest);
    count(run, &report, &waved, options, lint);
    show(options, &report, lint);
    keep(run, options, &waved, lint);
    say(&run->files.problems);
    say(&run->texts->problems);
    if (run->files.refused || run->texts->refused || run->configs.mistakes.len)
        lint->failing++;
    return 0;
}

void ak_lint_free(AkLint *lint)
{
    json_decref(lint->findings);
    json_decref(lint->kept);
    json_decref(lint->pictures);
    *lint = (AkLint){0};
}

int ak_lint(const AkLintOptions *options, const AkManifest *manifest, AkLint *lint)
{
    CliOptions cli = {.command = CLI_CHECK,
                      .fail_on = options->fail_on,
                      .max_bytes = -1,
                      .max_warnings = -1,
                      .jobs = -1};
    CliRun run;

    *lint = (AkLint){0};
    if (check_allowed(options->allow))
        return AK_EXIT_USAGE;
    if (!cli_paths_start()) {
        fputs("ak: the working folder is gone\n", stderr);
        return AK_EXIT_FAILED;
    }
    cli_list_add(&cli.words, cli_keep_string(options->dir));
    cli_terminal_start(!options->json);
    int code =
        cli_run_start(&run, &cli) ? AK_EXIT_USAGE : run_all(&run, options, manifest, lint);
    cli_terminal_end();
    signal(SIGINT, SIG_DFL);
    cli_run_end(&run);
    return code;
}
