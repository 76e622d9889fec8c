/* Of all findings, those that this run is to show. */
#include "narrow.h"
#include "changed.h"
#include "paths.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

/* To fail on notes without showing them would leave the user in the dark. */
static bool wants_notes(const CliRun *run)
{
    if (run->show_notes || run->fail_on == AK_NOTE)
        return true;
    for (size_t i = 0; i < run->files.found.len && run->fail_on < 0; i++)
        if (((const CliFile *)run->files.found.items[i])->settings->fail_on == AK_NOTE)
            return true;
    return false;
}

static int read_baseline(CliNarrow *narrow)
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
    return narrow->baseline ? 0 : 2;
}

int cli_narrow_start(CliNarrow *narrow, CliRun *run)
{
    int status;

    *narrow = (CliNarrow){.run = run, .notes = wants_notes(run)};
    status = read_baseline(narrow);
    if (!status && run->options->changed_since)
        status = cli_changed_read(run, run->options->changed_since, &narrow->old);
    return status;
}

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

int cli_narrow_pass(const CliNarrow *narrow, CliReport *report)
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

/* Whether this run would have found a finding of the baseline: its file was checked or is gone,
 * and its rule was not left out. */
static bool is_judged(void *arg, const char *path, const char *code)
{
    const CliNarrow *narrow = arg;
    const CliOptions *o = narrow->run->options;
    const CliFile *file = cli_files_get(&narrow->run->files, path);

    (void)code;
    if (o->select.len || o->ignore.len || o->changed_since)
        return false;
    return file ? file->use == AK_REPORT : access(path, F_OK) < 0;
}

int cli_narrow_keep(CliNarrow *narrow, CliReport *report)
{
    const CliOptions *o = narrow->run->options;
    bool grow;
    int status;

    if (!narrow->baseline)
        return 0;
    grow = o->grow_baseline || cli_baseline_is_new(narrow->baseline);
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
