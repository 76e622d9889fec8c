/* From options and settings to checks of the library, and back to findings. */
#include "run.h"
#include "node.h"
#include "paths.h"
#include "rules.h"
#include "sdk_version.h"
#include "terminal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Group {
    const CliSettings *settings; /* of its first file: all share what the library is told */
    const char *key;
    AkOptions options;
    CliList select, entries, contexts;
    AkCheck *check;
} Group;

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

/* ---- what the user said ---- */

static int check_selectors(const char *option, const CliList *selectors)
{
    for (size_t i = 0; i < selectors->len; i++) {
        const char *word = cli_list_text(selectors, i);
        const AkRule *near;
        if (cli_selector_known(word))
            continue;
        near = ak_rule_nearest(word);
        if (near)
            return fail(cli_keep_format("--%s: no rule is called '%s'; did you mean %s (%s)?",
                                        option, word, ak_rule_id(near), ak_rule_name(near)));
        return fail(cli_keep_format("--%s: no rule is called '%s'; `aklint rules` lists them",
                                    option, word));
    }
    return 0;
}

static int read_levels(CliRun *run)
{
    const CliOptions *o = run->options;
    AkLevel level;

    run->fail_on = -1;
    if (o->fail_on) {
        if (!cli_level_read(o->fail_on, &level) || level == AK_OFF)
            return fail(
                cli_keep_format("--fail-on is error, warning or note, not '%s'", o->fail_on));
        run->fail_on = (int)level;
    }
    if (o->show && strcmp(o->show, "notes"))
        return fail(cli_keep_format("--show takes notes, not '%s'", o->show));
    run->show_notes = o->show != NULL;
    return 0;
}

static int read_dialects(CliRun *run)
{
    for (size_t i = 0; i < run->options->dialects.len; i++) {
        const char *word = cli_list_text(&run->options->dialects, i);
        if (!cli_dialect_read(word, &run->dialects))
            return fail(
                cli_keep_format("--dialect is ak, autokitteh or temporal, not '%s'", word));
    }
    return 0;
}

static int read_entries(CliRun *run)
{
    for (size_t i = 0; i < run->options->entries.len; i++) {
        const char *typed = cli_list_text(&run->options->entries, i);
        const char *colon = strrchr(typed, ':'), *file;
        if (!colon || colon == typed || !colon[1])
            return fail(cli_keep_format("--entry takes file.py:function, not '%s'", typed));
        file = cli_path_absolute(cli_keep_text(typed, (size_t)(colon - typed)));
        if (access(file, F_OK) < 0 && !(run->stdin_path && !strcmp(file, run->stdin_path)))
            return fail(cli_keep_format("--entry %s: there is no such file", typed));
        cli_list_add(&run->entries, cli_keep_format("%s%s", file, colon));
    }
    return 0;
}

static int read_options(CliRun *run)
{
    const CliOptions *o = run->options;
    int status = check_selectors("select", &o->select);

    if (!status)
        status = check_selectors("ignore", &o->ignore);
    if (!status)
        status = read_levels(run);
    if (!status)
        status = read_dialects(run);
    return status;
}

static int read_config(CliRun *run)
{
    const CliOptions *o = run->options;
    const char *why = NULL;

    if (o->config && o->isolated)
        return fail("--config and --isolated contradict each other");
    if (o->isolated)
        run->configs.fixed = cli_config_defaults();
    if (!o->config)
        return 0;
    run->configs.fixed = cli_config_file(&run->configs, cli_path_absolute(o->config), &why);
    return run->configs.fixed ? 0 : fail(cli_keep_format("%s: %s", o->config, why));
}

/* ---- files ---- */

static int read_stdin(CliRun *run)
{
    const char *name = run->options->stdin_filename ? run->options->stdin_filename : "-";
    const CliSettings *settings;
    size_t len;

    run->stdin_path = cli_path_absolute(name);
    if (cli_text_read_stdin(&run->stdin_text, &len) != 0)
        return fail("standard input cannot be read");
    settings = cli_files_around(&run->files, run->stdin_path);
    cli_files_add(&run->files, run->stdin_path, AK_REPORT, settings);
    cli_texts_give(run->texts, run->stdin_path, run->stdin_text, len);
    return 0;
}

static int find_files(CliRun *run)
{
    const CliOptions *o = run->options;
    CliList paths = {0};
    bool from_stdin = !o->words.len && o->stdin_filename;

    for (size_t i = 0; i < o->words.len; i++) {
        if (!strcmp(cli_list_text(&o->words, i), "-"))
            from_stdin = true;
        else
            cli_list_add(&paths, cli_list_text(&o->words, i));
    }
    if (!paths.len && !from_stdin)
        cli_list_add(&paths, ".");
    run->files.configs = &run->configs;
    run->files.exclude = &o->exclude;
    run->files.force_exclude = o->force_exclude;
    cli_files_find(&run->files, &paths);
    if (from_stdin && read_stdin(run) != 0)
        return 2;
    cli_files_sort(&run->files);
    return 0;
}

/* Packages that settings want followed, once for each of the settings that say so. */
static void follow_packages(CliRun *run)
{
    const CliSettings *last = NULL;
    CliList folders = {0};
    size_t found = run->files.found.len;

    for (size_t i = 0; i < found; i++) {
        const CliSettings *s = ((const CliFile *)run->files.found.items[i])->settings;
        if (s == last || !s->follow.len)
            continue;
        last = s;
        if (!run->python)
            run->python = cli_python_new(s->python, cli_paths_base());
        if (!folders.len)
            cli_python_sites(run->python, &folders);
        for (size_t k = 0; k < s->follow.len; k++)
            if (!cli_files_follow(&run->files, &folders, cli_list_text(&s->follow, k), s))
                cli_list_add(&run->files.problems,
                             cli_keep_format("follow-packages: '%s' is not installed",
                                             cli_list_text(&s->follow, k)));
    }
    cli_files_sort(&run->files);
}

int cli_run_start(CliRun *run, const CliOptions *options)
{
    unsigned cores = options->jobs > 0 ? (unsigned)(options->jobs > 64 ? 64 : options->jobs)
                                       : cli_threads_cores();
    int status;

    *run = (CliRun){.options = options, .texts = &run->own_texts};
    cli_texts_start(run->texts, options->max_bytes > 0 ? (size_t)options->max_bytes : 4u << 20);
    status = read_options(run);
    if (!status)
        status = read_config(run);
    if (!status)
        status = find_files(run);
    if (!status)
        status = read_entries(run);
    if (!status)
        follow_packages(run);
    if (!status && cli_terminal_stopped())
        status = 130;
    run->threads = cli_threads_new(cores);
    return status;
}

/* ---- the library's callbacks ---- */

static void in_parallel(void *payload, void (*job)(void *arg, size_t i), void *arg, size_t n)
{
    cli_threads_run(((CliRun *)payload)->threads, job, arg, n);
}

static int read_text(void *payload, const char *path, const char **text, size_t *len,
                     const char **why)
{
    CliMemo *memo = ((CliRun *)payload)->memo;
    int status = cli_texts_read(payload, path, text, len, why);

    if (memo && status < 0)
        cli_memo_spoil(memo);
    else if (memo)
        cli_memo_saw(memo, path, *text, *len);
    return status;
}

/* An interpreter's answer is not kept: another one may answer next time. */
static int compiles(void *payload, const char *path, const char *text, size_t len,
                    uint32_t *line, uint32_t *column, const char **why)
{
    if (((CliRun *)payload)->memo)
        cli_memo_spoil(((CliRun *)payload)->memo);
    return cli_python_compiles(((CliRun *)payload)->python, path, text, len, line, column, why);
}

static bool stop(void *payload)
{
    const CliRun *run = payload;

    return cli_terminal_stopped() || (run->stop && run->stop(run->stop_arg));
}

static void progress(void *payload, size_t done, size_t all)
{
    (void)payload;
    cli_terminal_progress("Checking:", done, all);
}

/* ---- groups ---- */

static const char *group_key(const CliSettings *s)
{
    CliBuf key = {0};
    const char *kept;

    cli_buf_printf(&key, "%u %zu %s", s->dialects, s->max_bytes, s->python ? s->python : "");
    for (size_t i = 0; i < s->entries.len; i++)
        cli_buf_printf(&key, "\ne %s", cli_list_text(&s->entries, i));
    for (size_t i = 0; i < s->calls.len; i++)
        cli_buf_printf(&key, "\nc %s", cli_list_text(&s->calls, i));
    for (size_t i = 0; i < s->wrappers.len; i++)
        cli_buf_printf(&key, "\nw %s", cli_list_text(&s->wrappers, i));
    for (size_t i = 0; i < s->contexts.len; i++) {
        const CliGlob *g = s->contexts.items[i];
        cli_buf_printf(&key, "\nx %s %s %s %s", g->folder, g->glob,
                       g->function ? g->function : "", cli_list_text(&g->selectors, 0));
    }
    cli_buf_printf(&key, "\nb %u %u", s->budgets.statements, s->budgets.loop_statements);
    kept = cli_keep_text(key.data, key.len);
    cli_buf_free(&key);
    return kept;
}

static void add_entries(Group *group, const CliList *entries)
{
    for (size_t i = 0; i < entries->len; i++)
        cli_list_add(&group->entries, cli_path_to_library(cli_list_text(entries, i)));
}

/* A glob stands for each file that it matches. */
static void add_contexts(const CliRun *run, Group *group, const CliList *contexts)
{
    for (size_t i = 0; i < contexts->len; i++) {
        const CliGlob *g = contexts->items[i];
        for (size_t k = 0; k < run->files.found.len; k++) {
            const CliFile *file = run->files.found.items[k];
            const char *path = cli_path_to_library(file->path);
            if (file->use == AK_LIBRARY || !cli_config_glob(g, file->path))
                continue;
            cli_list_add(&group->contexts,
                         g->function ? cli_keep_format("%s:%s", path, g->function) : path);
            cli_list_add(&group->contexts, cli_list_text(&g->selectors, 0));
        }
    }
}

static const char *const *texts_of(const CliList *list)
{
    return list->len ? (const char *const *)(const void *)list->items : NULL;
}

static Group *group_new(CliRun *run, const CliSettings *settings, const char *key)
{
    Group *group = cli_keep(sizeof *group);
    AkOptions *o = &group->options;

    group->settings = settings;
    group->key = key;
    add_entries(group, &run->entries);
    add_entries(group, &settings->entries);
    add_contexts(run, group, &settings->contexts);
    o->dialects = run->dialects ? run->dialects : settings->dialects;
    o->entries = texts_of(&group->entries);
    o->contexts = texts_of(&group->contexts);
    o->calls = texts_of(&settings->calls);
    o->wrappers = texts_of(&settings->wrappers);
    o->budgets = settings->budgets;
    o->sdk_version = cli_sdk_version(cli_paths_base());
    o->max_bytes =
        run->options->max_bytes > 0 ? (size_t)run->options->max_bytes : settings->max_bytes;
    o->threads = run->options->jobs > 0 ? (unsigned)run->options->jobs : cli_threads_cores();
    o->memory = run->memory;
    o->payload = run;
    o->read = read_text;
    o->release = cli_texts_release;
    o->parallel = in_parallel;
    o->compiles = compiles;
    o->stop = stop;
    o->progress = progress;
    if (!run->python)
        run->python = cli_python_new(settings->python, cli_paths_base());
    group->check = ak_check_new(o);
    cli_list_add(&run->checks, group->check);
    return group;
}

static Group *group_of(CliRun *run, CliList *groups, CliMap *by_settings,
                       const CliSettings *settings)
{
    const char *address = cli_keep_format("%p", (const void *)settings), *key;
    Group *group = cli_map_get(by_settings, address);

    if (group)
        return group;
    key = group_key(settings);
    for (size_t i = 0; i < groups->len && !group; i++)
        if (!strcmp(((Group *)groups->items[i])->key, key))
            group = groups->items[i];
    if (!group) {
        group = group_new(run, settings, key);
        cli_list_add(groups, group);
    }
    cli_map_put(by_settings, address, group);
    return group;
}

static void give_file(CliRun *run, Group *group, const CliFile *file, AkUse use)
{
    const CliText *text = cli_map_get(&run->texts->given, file->path);
    const char *path = cli_path_to_library(file->path);

    /* The cache compares with what is on the disk. */
    if (text) {
        cli_cache_close(run->cache);
        run->cache = NULL;
    }
    if (!text)
        ak_check_path(group->check, path, use);
    else if (text->text)
        ak_check_text(group->check, path, text->text, text->len, use);
}

/* A line of what the checks are told. */
static void tell(CliRun *run, char kind, const char *first, const char *second)
{
    if (!run->cache)
        return;
    cli_buf_putc(&run->told, kind);
    cli_buf_add(&run->told, first, strlen(first) + 1);
    cli_buf_add(&run->told, second, strlen(second) + 1);
}

/* With --project all of it is looked into, and is_asked decides what is shown. */
static AkUse use_of(const CliRun *run, const CliFile *file)
{
    return run->options->project && file->use == AK_KNOWN ? AK_REPORT : file->use;
}

static void give_files(CliRun *run, CliList *groups, CliMap *by_settings)
{
    const CliSettings *last = NULL;
    Group *owner = NULL;

    for (size_t i = 0; i < run->files.found.len; i++) {
        const CliFile *file = run->files.found.items[i];
        if (!owner || file->settings != last)
            owner = group_of(run, groups, by_settings, file->settings);
        last = file->settings;
    }
    for (size_t i = 0; i < run->files.found.len; i++) {
        const CliFile *file = run->files.found.items[i];
        owner = groups->len > 1 ? group_of(run, groups, by_settings, file->settings)
                                : groups->items[0];
        tell(run, (char)('0' + use_of(run, file)), owner->key, file->path);
        for (size_t g = 0; g < groups->len; g++)
            give_file(run, groups->items[g], file,
                      groups->items[g] == owner || file->use == AK_LIBRARY ? use_of(run, file)
                                                                           : AK_KNOWN);
    }
}

/* ---- manifests and mistakes in settings ---- */

/* A rule book without AK003 must not make a mistake silent. */
static void report(AkCheck *check, const AkPlace *place, const char *message,
                   const char *advice)
{
    if (ak_check_report(check, "AK003", place, message, advice) < 0)
        fprintf(stderr, "aklint: %s:%u:%u: %s\n",
                cli_path_shown(cli_path_from_library(place->path)), place->line, place->column,
                message);
}

static void report_broken(AkCheck *check, const char *path, const char *text, size_t len,
                          const CliMistake *wrong)
{
    AkPlace place = cli_place(path, text, len, wrong->start, wrong->end);

    report(check, &place, cli_keep_format("the manifest is no YAML: %s", wrong->why),
           "mend it: its entry points and connections are not known until then");
}

static void parse_manifest(AkCheck *check, const char *path, const CliText *text)
{
    const AkNode *root;
    CliMistake wrong;

    if (cli_manifest(text->text, text->len, &root, &wrong) < 0)
        report_broken(check, path, text->text, text->len, &wrong);
    else
        ak_check_manifest(check, path, text->text, text->len, root);
}

static void give_manifest(CliRun *run, AkCheck *check, const char *absolute)
{
    const char *path = cli_path_to_library(absolute);
    const CliText *given = cli_map_get(&run->texts->given, absolute);
    CliText *text = cli_keep(sizeof *text);
    char *data;
    int error;

    if (given) {
        if (given->text)
            parse_manifest(check, path, given);
        return;
    }
    error = cli_text_read(absolute, SIZE_MAX, &data, &text->len);
    if (error) {
        cli_list_add(&run->texts->problems,
                     cli_keep_format("%s: %s", cli_path_shown(absolute), strerror(error)));
        run->texts->refused = true;
        return;
    }
    text->text = data;
    cli_list_add(&run->manifest_texts, text);
    tell(run, 'y', path, data);
    parse_manifest(check, path, text);
}

static void give_manifests(CliRun *run, CliList *groups, CliMap *by_settings)
{
    for (size_t i = 0; i < run->files.manifests.len; i++) {
        const CliFile *file = run->files.manifests.items[i];
        Group *group = group_of(run, groups, by_settings, file->settings);
        give_manifest(run, group->check, file->path);
    }
}

static void give_mistakes(CliRun *run, AkCheck *check)
{
    for (size_t i = 0; i < run->configs.mistakes.len; i++) {
        const CliMistakeAt *m = run->configs.mistakes.items[i];
        AkPlace place = m->place;
        place.path = cli_path_to_library(place.path);
        tell(run, 'm', cli_keep_format("%s %u %u", place.path, place.line, place.column),
             cli_keep_format("%s %s", m->message, m->advice ? m->advice : ""));
        report(check, &place, m->message, m->advice);
    }
}

/* ---- findings ---- */

static size_t strongest(const CliList *selectors, const AkRule *rule)
{
    size_t best = 0;

    for (size_t i = 0; i < selectors->len; i++) {
        size_t match = cli_rule_match(cli_list_text(selectors, i), rule);
        best = match > best ? match : best;
    }
    return best;
}

/* Within one place, what names a rule more exactly goes first; the command line goes over
 * files. */
static bool is_chosen(const CliRun *run, const CliSettings *s, const AkRule *rule)
{
    const CliOptions *o = run->options;
    size_t chosen = s->origin[CLI_SELECT] ? strongest(&s->select, rule) : 1;
    size_t refused = strongest(&s->ignore, rule);

    if (o->select.len) {
        chosen = strongest(&o->select, rule);
        refused = 0;
    }
    return chosen > refused && chosen > strongest(&o->ignore, rule);
}

static bool is_ignored_here(const CliSettings *s, const char *path, const AkRule *rule)
{
    for (size_t i = 0; i < s->per_file.len; i++) {
        const CliGlob *g = s->per_file.items[i];
        if (cli_config_glob(g, path) && strongest(&g->selectors, rule))
            return true;
    }
    return false;
}

static const CliSettings *settings_of(CliRun *run, const char *path, bool *asked)
{
    const CliFile *file = cli_files_get(&run->files, path);

    for (size_t i = 0; !file && i < run->files.manifests.len; i++)
        if (!strcmp(((CliFile *)run->files.manifests.items[i])->path, path))
            file = run->files.manifests.items[i];
    *asked = !file || file->use == AK_REPORT;
    return file ? file->settings : cli_config_for(&run->configs, cli_path_folder(path));
}

/* A change of a workflow's file can make a line of a helper wrong, and the other way round. */
static bool leads_through(CliRun *run, const AkFinding *f)
{
    bool asked = false;

    for (size_t i = 0; run->options->project && i < f->trail_len && !asked; i++)
        settings_of(run, cli_path_from_library(f->trail[i].place.path), &asked);
    return asked;
}

static bool is_named(const CliList *selectors, const AkRule *rule)
{
    return cli_list_has(selectors, ak_rule_id(rule)) ||
           cli_list_has(selectors, ak_rule_name(rule));
}

/* A rule that is off until somebody wants it is on where `levels` or its name in `select` say so. */
static AkLevel level_of(const CliRun *run, const CliSettings *s, const AkFinding *f)
{
    AkLevel usual = ak_rule_level(f->rule);

    if (s->levels && s->levels[cli_rule_index(f->rule)] != usual)
        return s->levels[cli_rule_index(f->rule)];
    if (usual == AK_OFF &&
        (is_named(&run->options->select, f->rule) || is_named(&s->select, f->rule)))
        return AK_ERROR;
    return f->level;
}

static void take_finding(CliRun *run, CliReport *report, const AkFinding *f)
{
    const char *path = cli_path_from_library(f->place.path);
    bool asked, is_own = !strcmp(ak_rule_id(f->rule), "AK003");
    const CliSettings *s = settings_of(run, path, &asked);
    AkLevel level = f->level;

    if (!asked && !leads_through(run, f))
        return;
    if (!is_own && (!is_chosen(run, s, f->rule) || is_ignored_here(s, path, f->rule)))
        return;
    if (!is_own)
        level = level_of(run, s, f);
    if (level != AK_OFF)
        report->items[report->count++] = (CliFinding){f, level, path};
}

static int by_place(const void *a, const void *b)
{
    const CliFinding *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    if (!order)
        order = (x->f->place.line > y->f->place.line) - (x->f->place.line < y->f->place.line);
    if (!order)
        order = (x->f->place.column > y->f->place.column) -
                (x->f->place.column < y->f->place.column);
    if (!order)
        order = strcmp(ak_rule_id(x->f->rule), ak_rule_id(y->f->rule));
    return order ? order : strcmp(x->f->message, y->f->message);
}

static void add_counts(AkCounts *sum, const AkCounts *part)
{
    sum->files += part->files;
    sum->files_opened += part->files_opened;
    sum->blocks += part->blocks;
    sum->blocks_parsed += part->blocks_parsed;
    sum->functions += part->functions;
    sum->unresolved += part->unresolved;
    sum->silenced += part->silenced;
}

static void take_known(CliRun *run, CliReport *report, const CliRecord *record)
{
    for (size_t i = 0; i < record->finding_len; i++)
        take_finding(run, report, &record->findings[i]);
    for (size_t i = 0; i < record->notice_len; i++)
        cli_list_add(&run->notices, record->notices[i]);
    add_counts(&report->counts, &record->counts);
}

static void collect(CliRun *run, CliReport *report)
{
    size_t all = 0;

    for (size_t i = 0; i < run->checks.len; i++)
        all += ak_check_count(run->checks.items[i]);
    for (size_t i = 0; i < run->known.len; i++)
        all += ((const CliRecord *)run->known.items[i])->finding_len;
    *report = (CliReport){.texts = run->texts};
    report->items = cli_keep((all + 1) * sizeof *report->items);
    run->notices = (CliList){0};
    for (size_t i = 0; i < run->checks.len; i++) {
        AkCheck *check = run->checks.items[i];
        AkCounts counts;
        for (size_t k = 0; k < ak_check_count(check); k++)
            take_finding(run, report, ak_check_finding(check, k));
        for (size_t k = 0; k < ak_check_notice_count(check); k++)
            cli_list_add(&run->notices, cli_keep_string(ak_check_notice(check, k)));
        ak_check_counts(check, &counts);
        add_counts(&report->counts, &counts);
    }
    for (size_t i = 0; i < run->known.len; i++)
        take_known(run, report, run->known.items[i]);
    qsort(report->items, report->count, sizeof *report->items, by_place);
}

/* ---- the cache ---- */

static void add_all(CliBuf *told, const char *what, const char *const *texts)
{
    cli_buf_printf(told, "%s\n", what);
    for (; texts && *texts; texts++)
        cli_buf_add(told, *texts, strlen(*texts) + 1);
}

/* What this check alone is told, and then what all are. */
static CliMemo *memo_of(const CliRun *run, const Group *group)
{
    const AkOptions *o = &group->options;
    CliBuf told = {0};
    CliMemo *memo;

    if (!run->cache)
        return NULL;
    cli_buf_printf(&told, "%u %zu %zu %s\n%s\n%s\n", o->dialects, o->max_bytes,
                   run->texts->map_above, o->sdk_version ? o->sdk_version : "",
                   cli_paths_base(), group->key);
    add_all(&told, "entries", o->entries);
    add_all(&told, "calls", o->calls);
    cli_buf_add(&told, run->told.data ? run->told.data : "", run->told.len);
    memo = cli_memo_new(run->cache, &told);
    cli_buf_free(&told);
    return memo;
}

static void drop_check(CliRun *run, AkCheck *check)
{
    size_t kept = 0;

    for (size_t i = 0; i < run->checks.len; i++)
        if (run->checks.items[i] != check)
            run->checks.items[kept++] = run->checks.items[i];
    run->checks.len = kept;
    ak_check_free(check);
}

/* Runs a check, or finds what it would find. */
static int run_group(CliRun *run, const Group *group)
{
    const CliRecord *known = NULL;
    int status = AK_OK;

    run->memo = memo_of(run, group);
    if (run->memo)
        known = cli_memo_find(run->memo, run->threads, run->texts->map_above);
    if (known) {
        cli_list_add(&run->known, known);
        drop_check(run, group->check);
    } else {
        status = ak_check_run(group->check);
        if (run->memo && status == AK_OK)
            cli_memo_keep(run->memo, group->check);
    }
    cli_memo_free(run->memo);
    run->memo = NULL;
    cli_terminal_clear();
    if (status == AK_ESTOPPED)
        return 130;
    return status < 0 ? fail(ak_check_error(group->check)) : 0;
}

int cli_run_pass(CliRun *run, CliReport *report)
{
    CliList groups = {0};
    CliMap by_settings = {0};

    /* Even without a file there may be mistakes to report. */
    if (!run->files.found.len)
        group_of(run, &groups, &by_settings, cli_config_for(&run->configs, cli_paths_cwd()));
    give_files(run, &groups, &by_settings);
    give_manifests(run, &groups, &by_settings);
    give_mistakes(run, ((Group *)groups.items[0])->check);
    for (size_t i = 0; i < groups.len; i++) {
        int status = run_group(run, groups.items[i]);
        if (status)
            return status;
    }
    collect(run, report);
    return 0;
}

void cli_run_forget(CliRun *run)
{
    for (size_t i = 0; i < run->checks.len; i++)
        ak_check_free(run->checks.items[i]);
    if (run->memory && run->checks.len)
        ak_memory_turn(run->memory);
    run->checks.len = run->known.len = run->told.len = 0;
    cli_texts_reclaim(run->texts);
    for (size_t i = 0; i < run->manifest_texts.len; i++) {
        CliText *text = run->manifest_texts.items[i];
        cli_text_free((char *)(uintptr_t)text->text, text->len, SIZE_MAX);
    }
    run->manifest_texts.len = 0;
}

void cli_run_end(CliRun *run)
{
    cli_run_forget(run);
    cli_buf_free(&run->told);
    cli_cache_close(run->cache);
    cli_threads_free(run->threads);
    cli_python_free(run->python);
    cli_texts_end(run->texts);
    if (run->stdin_text)
        cli_text_free(run->stdin_text, 0, 0);
}
