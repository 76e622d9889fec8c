/* aklint check: find, run, keep what the user wants to see, show it, say how it went. */
#include "commands.h"
#include "findings.h"
#include "fix.h"
#include "narrow.h"
#include "paths.h"
#include "rules.h"
#include "run.h"
#include "show.h"

#include <stdio.h>
#include <string.h>

enum { CLEAN = 0, FOUND = 1, BROKEN = 2, INTERRUPTED = 130, ROUNDS = 20 };

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return BROKEN;
}

/* ---- how it went ---- */

static AkLevel failing_level(CliRun *run, const CliFinding *item)
{
    const CliFile *file = cli_files_get(&run->files, item->path);

    if (run->fail_on >= 0)
        return (AkLevel)run->fail_on;
    return (file ? file->settings : cli_config_for(&run->configs, cli_path_folder(item->path)))
        ->fail_on;
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

static bool is_partial(const CliRun *run)
{
    return run->files.refused || run->texts->refused;
}

static int say_problems(const CliRun *run)
{
    if (!run->options->quiet)
        say(&run->notices);
    say(&run->files.problems);
    say(&run->texts->problems);
    if (run->configs.mistakes.len)
        fputs("aklint: the configuration has mistakes (AK003)\n", stderr);
    return is_partial(run) || run->configs.mistakes.len ? BROKEN : CLEAN;
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
    status = cli_show_text(stdout, "standard output", &out);
    cli_buf_free(&out);
    say(&run->files.problems);
    return status || run->files.refused ? BROKEN : CLEAN;
}

/* ---- changes ---- */

/* Rounds of fixes; each sees what the one before did. */
static int fix(const CliNarrow *narrow, CliFixes *fixes, CliReport *report)
{
    const CliOptions *o = narrow->run->options;
    int status = 0;

    if (o->add_allow)
        return cli_fix_allow(fixes, report, o->reason) ? cli_narrow_pass(narrow, report) : 0;
    for (unsigned round = 0; !status && round < ROUNDS && cli_fix_round(fixes, report);
         round++) {
        status = cli_narrow_pass(narrow, report);
        if (!status && cli_fix_retract(fixes))
            status = cli_narrow_pass(narrow, report);
    }
    return status;
}

static int finish_fixes(const CliFixes *fixes)
{
    const CliOptions *o = fixes->run->options;
    size_t files = cli_fix_count(fixes);
    CliBuf out = {0};
    int status = 0;

    if (o->diff)
        cli_fix_diff(fixes, &out);
    else
        status = cli_fix_write(fixes, &out);
    if (cli_show_text(stdout, "standard output", &out) != 0)
        status = BROKEN;
    cli_buf_free(&out);
    if (!o->quiet && files)
        fprintf(stderr, "%s %zu file%s.\n", o->diff ? "Would change" : "Changed", files,
                files == 1 ? "" : "s");
    return status;
}

/* ---- the command ---- */

static bool is_changing(const CliOptions *o)
{
    return o->fix || o->diff || o->add_allow;
}

/* The report goes where the changed text of standard input does not. */
static int show_report(CliNarrow *narrow, CliReport *report, CliColor color)
{
    const CliOptions *o = narrow->run->options;
    int status = cli_narrow_keep(narrow, report);

    report->color = cli_terminal_color(color, 1);
    report->quiet = o->quiet;
    report->partial = is_partial(narrow->run);
    if (!status && !(is_changing(o) && narrow->run->stdin_path))
        status = cli_show(o, report);
    return status;
}

/* Fixes look at texts that are on no disk, and standard input is none. */
static void open_cache(CliRun *run)
{
    const CliOptions *o = run->options;

    if (o->no_cache || is_changing(o) || run->stdin_path)
        return;
    run->cache = cli_cache_open(cli_cache_folder(o->cache_dir));
    if (!run->cache && o->cache_dir && !o->quiet)
        fprintf(stderr, "aklint: --cache-dir %s cannot be used; going on without\n",
                o->cache_dir);
}

static int find(CliNarrow *narrow, CliFixes *fixes, CliReport *report)
{
    int status = cli_narrow_start(narrow, fixes->run);

    open_cache(fixes->run);
    if (!status)
        status = cli_narrow_pass(narrow, report);
    if (!status && is_changing(fixes->run->options))
        status = fix(narrow, fixes, report);
    cli_terminal_end();
    return status;
}

static int check_and_show(CliRun *run, CliColor color)
{
    const CliOptions *o = run->options;
    CliFixes fixes = {.run = run, .unsafe = o->unsafe_fixes};
    CliNarrow narrow;
    CliReport report;
    int status = find(&narrow, &fixes, &report), changed, shown = 0;

    if (status)
        return status;
    changed = is_changing(o) ? finish_fixes(&fixes) : 0;
    if (!o->diff)
        shown = show_report(&narrow, &report, color);
    if (shown == INTERRUPTED)
        return shown;
    if (say_problems(run) == BROKEN || changed || shown)
        return BROKEN;
    if (o->diff)
        return cli_fix_count(&fixes) && !o->exit_zero ? FOUND : CLEAN;
    return verdict(run, &report);
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

int cli_check_usage(const CliOptions *options)
{
    CliColor color;
    int status = cli_color(options, &color);

    if (!status)
        status = cli_show_check(options);
    return status ? status : check_changes(options);
}

int cli_check(const CliOptions *options)
{
    CliColor color = CLI_COLOR_AUTO;
    CliRun run;
    int status = cli_check_usage(options);

    if (status)
        return status;
    cli_color(options, &color);
    cli_terminal_start(!options->quiet);
    status = cli_run_start(&run, options);
    if (!status)
        status = options->show_files ? list_files(&run) : check_and_show(&run, color);
    cli_terminal_end();
    cli_run_end(&run);
    return status;
}
