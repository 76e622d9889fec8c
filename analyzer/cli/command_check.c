/* aklint check: find, run, keep what the user wants to see, show it, say how it went. */
#include "baseline.h"
#include "changed.h"
#include "commands.h"
#include "findings.h"
#include "fix.h"
#include "paths.h"
#include "rules.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLEAN = 0, FOUND = 1, BROKEN = 2, INTERRUPTED = 130, ROUNDS = 20 };

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return BROKEN;
}

/* ---- formats ---- */

static int no_format(const char *name)
{
    const char *near = cli_print_nearest(name);

    return fail(near ? cli_keep_format("no format is called '%s'; did you mean %s?", name, near)
                     : cli_keep_format(
                           "no format is called '%s'; `aklint help check` lists them", name));
}

static int check_formats(const CliOptions *o)
{
    if (o->format && !cli_print_find(o->format))
        return no_format(o->format);
    for (size_t i = 0; i < o->outputs.len; i++) {
        const char *typed = cli_list_text(&o->outputs, i), *equals = strchr(typed, '=');
        if (!equals || !equals[1])
            return fail(cli_keep_format("--output takes FORMAT=FILE, not '%s'", typed));
        if (!cli_print_find(cli_keep_text(typed, (size_t)(equals - typed))))
            return no_format(cli_keep_text(typed, (size_t)(equals - typed)));
    }
    return 0;
}

static int write_out(FILE *file, const char *name, const CliBuf *out)
{
    if (out->len)
        fwrite(out->data, 1, out->len, file);
    if (fflush(file) != 0 || ferror(file))
        return fail(cli_keep_format("%s cannot be written: %s", name, strerror(errno)));
    return 0;
}

static int write_output(const CliReport *report, const char *typed)
{
    const char *equals = strchr(typed, '='), *path = equals + 1;
    CliReport plain = *report;
    CliBuf out = {0};
    FILE *file = fopen(path, "w");
    int status;

    if (!file)
        return fail(cli_keep_format("%s cannot be written: %s", path, strerror(errno)));
    plain.color = false;
    cli_print_find(cli_keep_text(typed, (size_t)(equals - typed)))(&plain, &out);
    status = write_out(file, path, &out);
    cli_buf_free(&out);
    if (fclose(file) != 0 && !status)
        status = fail(cli_keep_format("%s cannot be written: %s", path, strerror(errno)));
    return status;
}

static int show(const CliRun *run, const CliReport *report)
{
    const CliOptions *o = run->options;
    CliBuf out = {0};
    int status = 0;

    if (o->statistics)
        cli_print_statistics(report, &out);
    else
        cli_print_find(o->format ? o->format : "text")(report, &out);
    status = write_out(stdout, "standard output", &out);
    cli_buf_free(&out);
    for (size_t i = 0; !status && i < o->outputs.len; i++)
        status = write_output(report, cli_list_text(&o->outputs, i));
    return status;
}

/* ---- what is shown ---- */

/* What narrows each report of this command. */
typedef struct Narrow {
    CliRun *run;
    CliBaseline *baseline; /* or NULL */
    CliMap old;            /* fingerprints at --changed-since */
    bool notes;
} Narrow;

static void count_shown(CliReport *report, bool notes)
{
    size_t kept = 0;

    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        if (item->level == AK_NOTE && !notes) {
            report->hidden_notes++;
            continue;
        }
        report->by_level[item->level]++;
        report->fixable += cli_has_fix(item->f) && item->f->fix == AK_FIX_SAFE;
        report->unsafely_fixable += cli_has_fix(item->f) && item->f->fix == AK_FIX_UNSAFE;
        report->items[kept++] = *item;
    }
    report->count = kept;
}

static int pass(const Narrow *narrow, CliReport *report)
{
    int status;

    cli_run_forget(narrow->run);
    status = cli_run_pass(narrow->run, report);
    if (status)
        return status;
    if (narrow->run->options->changed_since)
        cli_changed_apply(&narrow->old, report);
    if (narrow->baseline)
        cli_baseline_apply(narrow->baseline, report);
    count_shown(report, narrow->notes);
    return 0;
}

static AkLevel failing_level(CliRun *run, const CliFinding *item)
{
    const CliFile *file = cli_map_get(&run->files.by_path, item->path);

    if (run->fail_on >= 0)
        return (AkLevel)run->fail_on;
    return (file ? file->settings : cli_config_for(&run->configs, cli_path_folder(item->path)))
        ->fail_on;
}

static bool wants_notes(const CliRun *run)
{
    if (run->show_notes || run->fail_on == AK_NOTE)
        return true;
    for (size_t i = 0; i < run->files.found.len && run->fail_on < 0; i++)
        if (((const CliFile *)run->files.found.items[i])->settings->fail_on == AK_NOTE)
            return true;
    return false;
}

static int verdict(CliRun *run, const CliReport *report)
{
    const CliOptions *o = run->options;

    if (o->exit_zero)
        return CLEAN;
    for (size_t i = 0; i < report->count; i++)
        if (report->items[i].level <= failing_level(run, &report->items[i]))
            return FOUND;
    if (o->max_warnings >= 0 && report->by_level[AK_WARNING] > (size_t)o->max_warnings) {
        fprintf(stderr, "aklint: %zu warnings, %ld are allowed\n", report->by_level[AK_WARNING],
                o->max_warnings);
        return FOUND;
    }
    return CLEAN;
}

/* ---- what goes to standard error ---- */

static void say(const CliList *lines)
{
    for (size_t i = 0; i < lines->len; i++)
        fprintf(stderr, "aklint: %s\n", cli_list_text(lines, i));
}

static int say_problems(const CliRun *run)
{
    if (!run->options->quiet)
        say(&run->notices);
    say(&run->files.problems);
    say(&run->texts->problems);
    if (run->configs.mistakes.len)
        fputs("aklint: the configuration has mistakes (AK003)\n", stderr);
    return run->files.refused || run->texts->refused || run->configs.mistakes.len ? BROKEN
                                                                                  : CLEAN;
}

static int list_files(const CliRun *run)
{
    CliBuf out = {0};
    int status;

    for (size_t i = 0; i < run->files.found.len; i++) {
        const CliFile *file = run->files.found.items[i];
        if (file->use == AK_REPORT)
            cli_buf_printf(&out, "%s\n", cli_path_shown(file->path));
    }
    status = write_out(stdout, "standard output", &out);
    cli_buf_free(&out);
    say(&run->files.problems);
    return status || run->files.refused ? BROKEN : CLEAN;
}

/* ---- baseline ---- */

static int read_baseline(Narrow *narrow)
{
    const CliOptions *o = narrow->run->options;
    const char *path = o->baseline;

    if (!path)
        path = cli_config_for(&narrow->run->configs, cli_paths_cwd())->baseline;
    if (!path)
        return o->update_baseline || o->grow_baseline
                   ? fail("which baseline? --baseline FILE names it")
                   : 0;
    narrow->baseline = cli_baseline_read(path, o->update_baseline || o->grow_baseline);
    return narrow->baseline ? 0 : BROKEN;
}

/* Whether this run would have found a finding of the baseline: its file was checked or is gone,
 * and its rule was not left out. */
static bool is_judged(void *arg, const char *path, const char *code)
{
    const Narrow *narrow = arg;
    const CliOptions *o = narrow->run->options;
    const CliFile *file = cli_map_get(&narrow->run->files.by_path, path);

    (void)code;
    if (o->select.len || o->ignore.len || o->changed_since)
        return false;
    return file ? file->use == AK_REPORT : access(path, F_OK) < 0;
}

static int keep_baseline(Narrow *narrow, CliReport *report)
{
    const CliOptions *o = narrow->run->options;
    bool grow = o->grow_baseline || cli_baseline_is_new(narrow->baseline);
    int status;

    if (!o->update_baseline && !o->grow_baseline) {
        if (cli_baseline_stale(narrow->baseline, is_judged, narrow))
            fputs("aklint: --update-baseline takes them out\n", stderr);
        return 0;
    }
    status = cli_baseline_write(narrow->baseline, report, grow, is_judged, narrow);
    if (grow && !status) {
        report->known += report->count;
        report->count = report->fixable = report->unsafely_fixable = 0;
        memset(report->by_level, 0, sizeof report->by_level);
    }
    return status;
}

/* ---- changes ---- */

/* Rounds of fixes; each sees what the one before did. */
static int fix(const Narrow *narrow, CliFixes *fixes, CliReport *report)
{
    const CliOptions *o = narrow->run->options;
    int status = 0;

    if (o->add_allow)
        return cli_fix_allow(fixes, report, o->reason) ? pass(narrow, report) : 0;
    for (unsigned round = 0; !status && round < ROUNDS && cli_fix_round(fixes, report);
         round++) {
        status = pass(narrow, report);
        if (!status && cli_fix_retract(fixes))
            status = pass(narrow, report);
    }
    return status;
}

static int finish_fixes(const CliFixes *fixes, FILE *remarks)
{
    const CliOptions *o = fixes->run->options;
    size_t files = cli_fix_count(fixes);
    CliBuf out = {0};
    int status = 0;

    if (o->diff)
        cli_fix_diff(fixes, &out);
    else
        status = cli_fix_write(fixes, &out);
    if (write_out(stdout, "standard output", &out) != 0)
        status = BROKEN;
    cli_buf_free(&out);
    if (!o->quiet && files)
        fprintf(remarks, "%s %zu file%s.\n", o->diff ? "Would change" : "Changed", files,
                files == 1 ? "" : "s");
    return status;
}

/* ---- the command ---- */

/* What changes files prints its outcome first; a diff is all that is wanted of --diff. */
static int change(Narrow *narrow, CliReport *report, bool *done)
{
    const CliOptions *o = narrow->run->options;
    CliFixes fixes = {.run = narrow->run, .unsafe = o->unsafe_fixes};
    int status = fix(narrow, &fixes, report);

    cli_terminal_end();
    if (status)
        return status;
    status = finish_fixes(&fixes, stderr);
    *done = o->diff;
    if (o->diff && !status && cli_fix_count(&fixes) && !o->exit_zero)
        status = FOUND;
    return status;
}

static int prepare(Narrow *narrow)
{
    CliRun *run = narrow->run;
    int status = read_baseline(narrow);

    narrow->notes = wants_notes(run);
    if (!status && run->options->changed_since)
        status = cli_changed_read(run, run->options->changed_since, &narrow->old);
    return status;
}

static int check_and_show(CliRun *run, CliColor color)
{
    const CliOptions *o = run->options;
    Narrow narrow = {.run = run};
    bool done = false, reads_stdin = run->stdin_path != NULL;
    CliReport report;
    int status = prepare(&narrow), found;

    if (!status)
        status = pass(&narrow, &report);
    if (!status && (o->fix || o->diff || o->add_allow))
        status = change(&narrow, &report, &done);
    if (status == INTERRUPTED || done)
        return say_problems(run) == BROKEN ? BROKEN : status;
    if (status && !run->checks.len)
        return status;
    cli_terminal_end();
    if (narrow.baseline && keep_baseline(&narrow, &report) != 0)
        status = BROKEN;
    report.color = cli_terminal_color(color, 1);
    report.quiet = o->quiet;
    if (!(reads_stdin && o->fix) && show(run, &report) != 0)
        status = BROKEN;
    found = verdict(run, &report);
    if (say_problems(run) == BROKEN)
        status = BROKEN;
    return status ? status : found;
}

static int check_changes(const CliOptions *o)
{
    if (o->add_allow && !o->reason)
        return fail("--add-allow wants a --reason");
    if (o->add_allow && (o->fix || o->diff))
        return fail("--add-allow goes without --fix and --diff");
    if (o->reason && !o->add_allow)
        return fail("--reason goes with --add-allow");
    if (o->reason && strpbrk(o->reason, "\r\n"))
        return fail("--reason is one line");
    if (o->unsafe_fixes && !o->fix && !o->diff)
        return fail("--unsafe-fixes goes with --fix or --diff");
    if (o->fix && o->diff)
        return fail("--fix and --diff contradict each other");
    return 0;
}

int cli_check(const CliOptions *options)
{
    CliColor color;
    CliRun run;
    int status = cli_color(options, &color);

    if (!status)
        status = check_formats(options);
    if (!status)
        status = check_changes(options);
    if (status)
        return status;
    cli_terminal_start(!options->quiet);
    status = cli_run_start(&run, options);
    if (!status)
        status = options->show_files ? list_files(&run) : check_and_show(&run, color);
    cli_terminal_end();
    cli_run_end(&run);
    return status;
}
