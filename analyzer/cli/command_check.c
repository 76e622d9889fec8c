/* aklint check: find, run, keep what the user wants to see, show it, say how it went. */
#include "commands.h"
#include "findings.h"
#include "paths.h"
#include "rules.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CLEAN = 0, FOUND = 1, BROKEN = 2, INTERRUPTED = 130 };

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
                     : cli_keep_format("no format is called '%s'; `aklint help check` lists them", name));
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

static AkLevel failing_level(CliRun *run, const CliFinding *item)
{
    const CliFile *file = cli_map_get(&run->files.by_path, item->path);

    if (run->fail_on >= 0)
        return (AkLevel)run->fail_on;
    return (file ? file->settings : cli_config_for(&run->configs, cli_path_folder(item->path)))->fail_on;
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
    return run->files.refused || run->texts->refused || run->configs.mistakes.len ? BROKEN : CLEAN;
}

/* ---- the command ---- */

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

static int check_and_show(CliRun *run, CliColor color)
{
    CliReport report;
    int status = cli_run_pass(run, &report), found;

    if (status)
        return status;
    count_shown(&report, wants_notes(run));
    report.color = cli_terminal_color(color, 1);
    report.quiet = run->options->quiet;
    cli_terminal_end();
    status = show(run, &report);
    found = verdict(run, &report);
    if (say_problems(run) == BROKEN)
        status = BROKEN;
    return status ? status : found;
}

int cli_check(const CliOptions *options)
{
    CliColor color;
    CliRun run;
    int status = cli_color(options, &color);

    if (!status)
        status = check_formats(options);
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
