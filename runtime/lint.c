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
    const CliFile *file = cli_map_get(&run->files.by_path, item->path);

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

    json_array_foreach(allow, i, item)
        if (cli_rule_match(json_string_value(json_object_get(item, "id")), rule))
            return true;
    return false;
}

static int check_allowed(const json_t *allow)
{
    size_t i;
    json_t *item;

    json_array_foreach(allow, i, item) {
        const char *word = json_string_value(json_object_get(item, "id"));
        if (!cli_selector_known(word)) {
            fprintf(stderr, "ak: --allow: no rule is called '%s'; `aklint rules` lists them\n", word);
            return AK_EXIT_USAGE;
        }
    }
    return 0;
}

/* --- The manifest's mistakes, where the rules have not said the same ---------------------------------- */

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
        f->place = cli_place(cli_path_to_library(path), m->text, m->len, mistake->start, mistake->end);
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

/* --- The run -------------------------------------------------------------------------------------------- */

static void count(CliRun *run, CliReport *report, const AkLintOptions *options, AkLint *lint)
{
    const char *only = options->only ? cli_path_absolute(options->only) : NULL;
    size_t kept = 0;

    report->by_level[AK_ERROR] = report->by_level[AK_WARNING] = report->by_level[AK_NOTE] = 0;
    for (size_t i = 0; i < report->count; i++) {
        CliFinding item = report->items[i];
        if (only && strcmp(only, item.path))
            continue;
        if (is_allowed(options->allow, item.f->rule)) {
            lint->allowed++;
            continue;
        }
        lint->failing += (int)item.level <= failing_level(run, &item);
        report->by_level[item.level]++;
        report->items[kept++] = item;
    }
    report->count = kept;
    lint->errors = report->by_level[AK_ERROR];
    lint->warnings = report->by_level[AK_WARNING];
    lint->notes = report->by_level[AK_NOTE];
}

static void show(const AkLintOptions *options, CliReport *report, AkLint *lint)
{
    CliBuf out = {0};

    report->color = cli_terminal_color(CLI_COLOR_AUTO, 1);
    (options->json ? cli_print_json : cli_print_text)(report, &out);
    if (options->json)
        lint->findings = json_loadb(out.data ? out.data : "[]", out.data ? out.len : 2, 0, NULL);
    else if (report->count)
        fwrite(out.data, 1, out.len, stdout);
    fflush(stdout);
    cli_buf_free(&out);
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

static int run_all(CliRun *run, const AkLintOptions *options, const AkManifest *manifest, AkLint *lint)
{
    CliNarrow narrow;
    CliReport report;

    lint->dialect = dialect_of(run, options);
    run->dialects = strcmp(lint->dialect, "ak") ? AK_DIALECT_AUTOKITTEH : AK_DIALECT_AK;
    if (cli_narrow_start(&narrow, run) || cli_narrow_pass(&narrow, &report) ||
        cli_narrow_keep(&narrow, &report))
        return AK_EXIT_FAILED;
    cli_terminal_end();
    add_mistakes(&report, manifest);
    count(run, &report, options, lint);
    show(options, &report, lint);
    say(&run->files.problems);
    say(&run->texts->problems);
    if (run->files.refused || run->texts->refused || run->configs.mistakes.len)
        lint->failing++;
    return 0;
}

int ak_lint(const AkLintOptions *options, const AkManifest *manifest, AkLint *lint)
{
    CliOptions cli = {.command = CLI_CHECK, .fail_on = options->fail_on, .max_bytes = -1,
                      .max_warnings = -1, .jobs = -1};
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
    int code = cli_run_start(&run, &cli) ? AK_EXIT_USAGE : run_all(&run, options, manifest, lint);
    cli_terminal_end();
    signal(SIGINT, SIG_DFL);
    cli_run_end(&run);
    return code;
}
