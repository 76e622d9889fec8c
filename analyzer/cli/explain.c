/* aklint explain and aklint rules: the rule book, for a terminal and as docs/pitfalls.md, and
 * why a line is found fault with. */
#include "commands.h"
#include "json.h"
#include "paths.h"
#include "rules.h"
#include "run.h"
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

static void add_dialects(CliBuf *out, unsigned dialects)
{
    const unsigned all = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH | AK_DIALECT_TEMPORAL;
    const char *comma = "";

    if ((dialects & all) == all || !dialects) {
        cli_buf_puts(out, "all");
        return;
    }
    for (unsigned bit = 1; bit <= AK_DIALECT_TEMPORAL; bit <<= 1)
        if (dialects & bit) {
            cli_buf_printf(out, "%s%s", comma, cli_dialect_word(bit));
            comma = ", ";
        }
}

static const char *fix_word(AkFixKind fix)
{
    return fix == AK_FIX_SAFE ? "safe" : fix == AK_FIX_UNSAFE ? "unsafe" : "none";
}

static void add_code(CliBuf *out, const char *name, const char *text, size_t len)
{
    const char *dot = strrchr(name, '.');

    while (len && text[len - 1] == '\n')
        len--;
    cli_buf_printf(out, "`%s`\n\n```%s\n", name,
                   !dot                  ? ""
                   : !strcmp(dot, ".py") ? "python"
                                         : dot + 1);
    cli_buf_add(out, text, len);
    cli_buf_puts(out, "\n```\n\n");
}

/* The name in a line "-- name --" of a txtar, and where the next line starts. */
static const char *file_name(const char *at, const char *end, const char **next)
{
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t len = (size_t)((stop ? stop : end) - at);

    if (len < 7 || memcmp(at, "-- ", 3) || memcmp(at + len - 3, " --", 3))
        return NULL;
    *next = stop ? stop + 1 : end;
    return cli_keep_text(at + 3, len - 6);
}

static const char *next_line(const char *at, const char *end)
{
    const char *stop = memchr(at, '\n', (size_t)(end - at));

    return stop ? stop + 1 : end;
}

/* The files of an example one after the other. */
static void add_example(CliBuf *out, const char *text, size_t len)
{
    const char *end = text + len, *at = text, *start, *name;

    while (at < end) {
        name = file_name(at, end, &start);
        if (!name) {
            at = next_line(at, end);
            continue;
        }
        for (at = start; at < end && !file_name(at, end, &(const char *){NULL});
             at = next_line(at, end))
            ;
        add_code(out, name, start, (size_t)(at - start));
    }
}

/* A rule's summary follows its name in lists and is a sentence here. */
static void add_sentence(CliBuf *out, const char *text)
{
    char first = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;

    if (*text)
        cli_buf_printf(out, "%c%s.\n\n", first, text + 1);
}

/* One section of docs/pitfalls.md. */
static void add_section(CliBuf *out, const AkRule *rule)
{
    size_t len;
    const char *example = ak_rule_example(rule, &len);

    cli_buf_printf(out, "## %s %s\n\n", ak_rule_id(rule), ak_rule_name(rule));
    add_sentence(out, ak_rule_summary(rule));
    cli_buf_printf(out, "Level: %s. Dialects: ", cli_level_word(ak_rule_level(rule)));
    add_dialects(out, ak_rule_dialects(rule));
    cli_buf_printf(out, ". Fix: %s.\n\n", fix_word(ak_rule_fix(rule)));
    cli_buf_printf(out, "**Why.** %s\n\n**Instead.** %s\n\n", ak_rule_why(rule),
                   ak_rule_instead(rule));
    if (example && len)
        add_example(out, example, len);
    cli_buf_printf(out, "**Not seen.** %s\n", ak_rule_misses(rule));
}

static json_t *rule_object(const AkRule *rule)
{
    json_t *o = json_object(), *dialects = json_array();
    size_t len;
    const char *example = ak_rule_example(rule, &len);

    for (unsigned bit = 1; bit <= AK_DIALECT_TEMPORAL; bit <<= 1)
        if (ak_rule_dialects(rule) & bit)
            json_array_append_new(dialects, json_string(cli_dialect_word(bit)));
    cli_json_set(o, "code", json_string(ak_rule_id(rule)));
    cli_json_set(o, "name", json_string(ak_rule_name(rule)));
    cli_json_set(o, "level", json_string(cli_level_word(ak_rule_level(rule))));
    cli_json_set(o, "dialects", dialects);
    cli_json_set(o, "fix", json_string(fix_word(ak_rule_fix(rule))));
    cli_json_set(o, "summary", cli_json_text(ak_rule_summary(rule)));
    cli_json_set(o, "why", cli_json_text(ak_rule_why(rule)));
    cli_json_set(o, "instead", cli_json_text(ak_rule_instead(rule)));
    cli_json_set(o, "misses", cli_json_text(ak_rule_misses(rule)));
    cli_json_set(o, "example", example ? json_stringn(example, len) : json_null());
    return o;
}

static int print(CliBuf *out)
{
    if (out->len)
        fwrite(out->data, 1, out->len, stdout);
    cli_buf_free(out);
    return fflush(stdout) != 0 || ferror(stdout) ? fail("standard output cannot be written")
                                                 : 0;
}

/* 1 for JSON, 0 for text, -1 behind a sentence. */
static int wants_json(const CliOptions *options)
{
    if (!options->format || !strcmp(options->format, "text"))
        return 0;
    if (!strcmp(options->format, "json"))
        return 1;
    fail(cli_keep_format("--format is text or json here, not '%s'", options->format));
    return -1;
}

static int print_json(const CliList *rules)
{
    CliBuf out = {0};
    json_t *all = json_array();

    for (size_t i = 0; i < rules->len; i++)
        json_array_append_new(all, rule_object(rules->items[i]));
    cli_json_write(&out, all, JSON_INDENT(2));
    return print(&out);
}

static int print_text(const CliList *rules, bool whole_page)
{
    CliBuf out = {0};
    size_t len;
    const char *head = ak_rules_head(&len);

    if (whole_page)
        cli_buf_add(&out, head, len);
    for (size_t i = 0; i < rules->len; i++) {
        cli_buf_puts(&out, i ? "\n" : "");
        add_section(&out, rules->items[i]);
    }
    return print(&out);
}

static int find_rules(const CliOptions *options, CliList *rules)
{
    for (size_t i = 0; options->all && i < ak_rule_count(); i++)
        cli_list_add(rules, ak_rule_at(i));
    for (size_t i = 0; i < options->words.len; i++) {
        const char *word = cli_list_text(&options->words, i);
        const AkRule *rule = ak_rule_find(word), *near = rule ? NULL : ak_rule_nearest(word);
        if (near)
            return fail(cli_keep_format("no rule is called '%s'; did you mean %s (%s)?", word,
                                        ak_rule_id(near), ak_rule_name(near)));
        if (!rule)
            return fail(
                cli_keep_format("no rule is called '%s'; `aklint rules` lists them", word));
        cli_list_add(rules, rule);
    }
    return rules->len ? 0 : fail("which rule? `aklint rules` lists them");
}

/* ---- a line of a file ---- */

/* The file of "flow.py:12" or "flow.py:12:5", or NULL where the word is none. */
static const char *place_file(const char *word, unsigned long *line)
{
    const char *colon = strrchr(word, ':'), *before = colon;
    char *end;

    if (!colon || colon == word)
        return NULL;
    for (const char *p = word; p < colon; p++)
        if (*p == ':' && strspn(p + 1, "0123456789") == (size_t)(colon - p - 1))
            before = p;
    *line = strtoul(before + 1, &end, 10);
    return end > before + 1 && *line ? cli_keep_text(word, (size_t)(before - word)) : NULL;
}

static void keep_line(CliReport *report, const char *path, unsigned long line)
{
    size_t kept = 0;

    for (size_t i = 0; i < report->count; i++) {
        const AkPlace *p = &report->items[i].f->place;
        if (p->line <= line && line <= p->end_line && !strcmp(report->items[i].path, path))
            report->items[kept++] = report->items[i];
    }
    report->count = kept;
}

static void list_rules(const CliReport *report, CliList *rules)
{
    for (size_t i = 0; i < report->count; i++) {
        bool listed = false;
        for (size_t k = 0; k < rules->len; k++)
            listed |= rules->items[k] == (const void *)report->items[i].f->rule;
        if (!listed)
            cli_list_add(rules, report->items[i].f->rule);
    }
}

static void add_ways(CliBuf *out, AkCheck *check, const char *path, uint32_t line)
{
    const AkRunsIn *ways;
    size_t len = ak_check_runs_in(check, path, line, &ways);

    for (size_t i = 0; i < len; i++) {
        cli_buf_puts(out, "runs in: ");
        cli_survey_contexts(out, ways[i].context);
        cli_buf_printf(out, " (%s), in %s%s\n", cli_dialect_word(ways[i].dialect),
                       ways[i].function, ways[i].proved ? "" : ", likely");
        for (size_t k = 0; k < ways[i].trail_len; k++)
            cli_buf_printf(out, "    %s:%u  %s\n", cli_survey_path(&ways[i].trail[k].place),
                           ways[i].trail[k].place.line, ways[i].trail[k].text);
    }
    if (!len)
        cli_buf_puts(out, "runs in: nothing durable that is known\n");
}

/* In which contexts the line runs, by which ways, and what is known of its calls. */
static void add_survey(CliBuf *out, const CliRun *run, const char *absolute, uint32_t line)
{
    const char *path = cli_path_to_library(absolute);

    for (size_t c = 0; c < run->checks.len; c++) {
        const AkSeenCall *calls;
        size_t len = ak_check_calls_on(run->checks.items[c], path, line, &calls);
        add_ways(out, run->checks.items[c], path, line);
        for (size_t i = 0; i < len; i++) {
            cli_buf_printf(out, "%s:%u:%u ", cli_path_shown(absolute), calls[i].place.line,
                           calls[i].place.column);
            cli_survey_call(out, &calls[i]);
            cli_buf_putc(out, '\n');
        }
    }
    cli_buf_putc(out, '\n');
}

static int explain_line(CliRun *run, CliColor color, const char *path, unsigned long line)
{
    CliReport report;
    CliList rules = {0};
    CliBuf out = {0};
    int status = cli_run_pass(run, &report);

    if (status)
        return status;
    keep_line(&report, path, line);
    report.quiet = true;
    report.color = cli_terminal_color(color, 1);
    add_survey(&out, run, path, (uint32_t)line);
    cli_print_text(&report, &out);
    list_rules(&report, &rules);
    for (size_t i = 0; i < rules.len; i++) {
        cli_buf_puts(&out, i ? "\n" : "");
        add_section(&out, rules.items[i]);
    }
    if (!report.count)
        cli_buf_printf(&out, "Nothing is found at %s:%lu.\n", cli_path_shown(path), line);
    return print(&out);
}

static int explain_place(const CliOptions *options, const char *file, unsigned long line)
{
    const char *around = cli_path_project(cli_path_folder(cli_path_absolute(file)));
    CliOptions check = *options;
    CliColor color;
    CliRun run;
    int status = cli_color(options, &color);

    if (status)
        return status;
    /* Who calls the line may stand in any file of the project. */
    check.words = (CliList){0};
    cli_list_add(&check.words, around ? around : cli_path_folder(cli_path_absolute(file)));
    cli_list_add(&check.words, file);
    status = cli_run_start(&run, &check);
    for (size_t i = 0; i < run.files.problems.len; i++)
        fprintf(stderr, "aklint: %s\n", cli_list_text(&run.files.problems, i));
    if (!status)
        status =
            run.files.refused ? 2 : explain_line(&run, color, cli_path_absolute(file), line);
    cli_run_end(&run);
    return status;
}

int cli_explain(const CliOptions *options)
{
    const char *file = NULL;
    unsigned long line;
    CliList rules = {0};
    int json = wants_json(options);

    if (json < 0)
        return 2;
    if (options->words.len == 1 && !json)
        file = place_file(cli_list_text(&options->words, 0), &line);
    if (file)
        return explain_place(options, file, line);
    if (find_rules(options, &rules) != 0)
        return 2;
    return json ? print_json(&rules) : print_text(&rules, options->all);
}

static void add_line(CliBuf *out, const AkRule *rule)
{
    CliBuf dialects = {0};

    add_dialects(&dialects, ak_rule_dialects(rule));
    cli_buf_printf(out, "%s  %-28s  %-7s  %-24s  %s%s\n", ak_rule_id(rule), ak_rule_name(rule),
                   cli_level_word(ak_rule_level(rule)), dialects.data, ak_rule_summary(rule),
                   ak_rule_fix(rule) == AK_FIX_NONE ? "" : " [*]");
    cli_buf_free(&dialects);
}

int cli_rules(const CliOptions *options)
{
    int json = wants_json(options);
    CliList rules = {0};
    CliBuf out = {0};

    if (json < 0)
        return 2;
    if (options->words.len)
        return fail(cli_keep_format("rules takes no '%s'; did you mean `aklint explain %s`?",
                                    cli_list_text(&options->words, 0),
                                    cli_list_text(&options->words, 0)));
    for (size_t i = 0; i < ak_rule_count(); i++) {
        cli_list_add(&rules, ak_rule_at(i));
        add_line(&out, ak_rule_at(i));
    }
    if (!json)
        return print(&out);
    cli_buf_free(&out);
    return print_json(&rules);
}
