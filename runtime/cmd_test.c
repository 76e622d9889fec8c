/* ak test: cases of a program, run with time skipped. */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "case.h"
#include "case_find.h"
#include "commands.h"
#include "exit_codes.h"
#include "loop.h"
#include "report.h"

enum { LIMIT_S = 60 };

typedef enum Result { PASSED, FAILED, BAD, SKIPPED, UPDATED, RESULTS } Result;

static const char *const result_names[RESULTS] = {"passed", "failed", "bad", "skipped",
                                                  "updated"};

typedef struct Verdict {
    const char *path;
    Result result;
    json_t *failures; /* or NULL */
    char why[1024];   /* of BAD and SKIPPED */
    int64_t took_us, skipped_us;
    size_t sessions, records;
    AkText aside; /* what the program said on standard error */
} Verdict;

typedef struct Suite {
    const AkArgs *args;
    AkCaseBench bench;
    const char *dialect;
    size_t counts[RESULTS];
    json_t *all; /* of JUnit's file, or NULL */
    bool json, update, colour, interrupted;
} Suite;

/* --- As people read it
 * ------------------------------------------------------------------------------ */

static void print_indented(const char *words, bool colour)
{
    while (*words) {
        size_t len = strcspn(words, "\n");
        const char *paint = !colour           ? ""
                            : words[0] == '-' ? "\033[31m"
                            : words[0] == '+' ? "\033[32m"
                            : words[0] == '@' ? "\033[36m"
                                              : "";
        printf("      %s", paint);
        ak_report_text(stdout, (AkBytes){words, len});
        printf("%s\n", *paint ? "\033[0m" : "");
        words += len + (words[len] == '\n');
    }
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_failure(const json_t *failure, bool colour)
{
    const char *diff = text(failure, "diff"), *what = text(failure, "what");

    if (diff) {
        printf("    %s differ%s\n", what, strcmp(what, "prints") ? "s" : "");
        print_indented(diff, colour);
    } else {
        printf("    %s\n", what);
        print_indented(text(failure, "text"), false);
        if (!strcmp(what, "error"))
            puts("      (an error that is expected stands in the case's error.txt)");
    }
}

static void print_verdict(const Suite *s, const Verdict *v)
{
    static const char *const words[RESULTS] = {"ok  ", "FAIL", "BAD ", "skip", "new "};
    static const char *const paints[RESULTS] = {"\033[32m", "\033[31m", "\033[31m", "\033[33m",
                                                "\033[36m"};
    char took[40], skipped[40];
    size_t i;
    json_t *failure;

    printf("%s%s%s  %s", s->colour ? paints[v->result] : "", words[v->result],
           s->colour ? "\033[0m" : "", v->path);
    if (*v->why)
        printf(": %s\n", v->why);
    else
        printf("  %s%s%s%s\n", ak_report_length(v->took_us, took, sizeof took),
               v->skipped_us ? ", " : "",
               v->skipped_us ? ak_report_length(v->skipped_us, skipped, sizeof skipped) : "",
               v->skipped_us ? " skipped" : "");
    json_array_foreach(v->failures, i, failure) print_failure(failure, s->colour);
    if (v->result == FAILED && v->aside.len) {
        puts("    standard error");
        print_indented(v->aside.at, false);
    }
    fflush(stdout);
}

static void print_summary(const Suite *s, int64_t took_us)
{
    char took[40];
    const char *before = "";

    for (int r = 0; r < RESULTS; r++)
        if (s->counts[r] || r == PASSED) {
            printf("%s%zu %s", before, s->counts[r], result_names[r]);
            before = ", ";
        }
    printf(" in %s\n", ak_report_length(took_us, took, sizeof took));
}

/* --- As programs read it
 * ---------------------------------------------------------------------------- */

static json_t *verdict_json(const Verdict *v)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:f, s:f, s:i, s:i}", "kind", "case", "case", v->path, "result",
        result_names[v->result], "seconds", (double)v->took_us / 1e6, "skipped_seconds",
        (double)v->skipped_us / 1e6, "sessions", (int)v->sessions, "records", (int)v->records);

    if (*v->why)
        json_object_set_new(o, "why", json_string(v->why));
    json_object_set_new(o, "failures", v->failures ? json_incref(v->failures) : json_array());
    return o;
}

static void print_json(json_t *o)
{
    json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    fflush(stdout);
}

static void summary_json(const Suite *s, int64_t took_us)
{
    json_t *o = json_pack("{s:s, s:f}", "kind", "summary", "seconds", (double)took_us / 1e6);

    for (int r = 0; r < RESULTS; r++)
        json_object_set_new(o, result_names[r], json_integer((json_int_t)s->counts[r]));
    print_json(o);
    json_decref(o);
}

static void xml(FILE *to, const char *words)
{
    for (; *words; words++) {
        unsigned char c = (unsigned char)*words;
        if (c == '&' || c == '<' || c == '>' || c == '"')
            fprintf(to, "&#%d;", c);
        else if (c >= 0x20 || c == '\n' || c == '\t')
            putc(c, to);
    }
}

static void junit_failure(FILE *to, const json_t *failure)
{
    const char *words = text(failure, "diff") ? text(failure, "diff") : text(failure, "text");

    fputs("    <failure message=\"", to);
    xml(to, text(failure, "what"));
    fputs("\">", to);
    xml(to, words);
    fputs("</failure>\n", to);
}

static void junit_case(FILE *to, const json_t *o)
{
    const char *result = text(o, "result");
    size_t i;
    json_t *failure;

    fputs("  <testcase classname=\"ak test\" name=\"", to);
    xml(to, text(o, "case"));
    fprintf(to, "\" time=\"%.3f\">\n", json_real_value(json_object_get(o, "seconds")));
    if (!strcmp(result, "skipped"))
        fputs("    <skipped/>\n", to);
    if (!strcmp(result, "bad")) {
        fputs("    <error message=\"", to);
        xml(to, text(o, "why"));
        fputs("\"/>\n", to);
    }
    json_array_foreach(json_object_get(o, "failures"), i, failure) junit_failure(to, failure);
    fputs("  </testcase>\n", to);
}

static int write_junit(const Suite *s, const char *path, int64_t took_us)
{
    FILE *to = fopen(path, "we");
    size_t i;
    json_t *o;

    if (!to)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", path, strerror(errno));
    fprintf(to,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"ak test\" "
            "tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n",
            json_array_size(s->all), s->counts[FAILED], s->counts[BAD], s->counts[SKIPPED],
            (double)took_us / 1e6);
    json_array_foreach(s->all, i, o) junit_case(to, o);
    fputs("</testsuite>\n", to);
    return ak_file_end(to) == 0 ? 0
                                : ak_say_error(AK_EXIT_FAILED, "%s: %s", path, strerror(errno));
}

/* --- One case
 * --------------------------------------------------------------------------------------- */

static void judge(Suite *s, const AkCase *c, AkCaseRun *run, Verdict *v)
{
    int updated =
        s->update && !run->interrupted ? ak_case_update(c, run, v->why, sizeof v->why) : 0;

    v->failures = s->update ? json_incref(run->faults) : ak_case_judge(c, run);
    v->result = updated < 0                    ? BAD
                : json_array_size(v->failures) ? FAILED
                : updated                      ? UPDATED
                                               : PASSED;
    v->took_us = run->took_us;
    v->skipped_us = run->skipped_us;
    v->sessions = run->sessions;
    v->records = run->records;
    v->aside = run->aside;
    run->aside = (AkText){0};
    s->interrupted = run->interrupted;
}

static void try_case(Suite *s, const char *path, Verdict *v)
{
    AkCase c;
    AkCaseRun run = {0};

    *v = (Verdict){.path = path, .result = BAD};
    if (strstr(path, ".nondurable.")) {
        v->result = SKIPPED;
        snprintf(v->why, sizeof v->why, "it is for sessions that are not durable");
        return;
    }
    if (ak_case_read(path, s->dialect, &c, v->why, sizeof v->why) == 0 &&
        ak_case_run(&s->bench, &c, &run, v->why, sizeof v->why) == 0)
        judge(s, &c, &run, v);
    ak_case_run_free(&run);
    ak_case_free(&c);
}

static void tell(Suite *s, const Verdict *v)
{
    json_t *o = s->json || s->all ? verdict_json(v) : NULL;

    s->counts[v->result]++;
    if (s->json)
        print_json(o);
    else
        print_verdict(s, v);
    if (s->all)
        json_array_append(s->all, o);
    json_decref(o);
}

static bool is_wanted(const char *pattern, const char *path)
{
    if (!pattern || strstr(path, pattern))
        return true;
    return strpbrk(pattern, "*?[") && fnmatch(pattern, path, 0) == 0;
}

/* --- The command
 * ------------------------------------------------------------------------------------ */

static int find_all(const AkArgs *args, AkPaths *cases)
{
    const char *path = ak_args_operand(args, 0);

    if (!path && ak_cases_find(".", cases) < 0)
        return ak_say_error(AK_EXIT_FAILED, ".: %s", strerror(errno));
    for (size_t i = 0; (path = ak_args_operand(args, i)); i++)
        if (ak_cases_find(path, cases) < 0)
            return ak_say_error(errno == ENOENT ? AK_EXIT_NOT_FOUND : AK_EXIT_FAILED, "%s: %s",
                                path, strerror(errno));
    if (cases->len)
        return 0;
    path = ak_args_operand(args, 0);
    return ak_usage_error("no case (*.txtar) lies in %s; ak init shows one, and "
                          "docs/testing.md tells how they are written",
                          path ? path : "this folder");
}

static int run_all(Suite *s, const AkPaths *cases)
{
    const char *pattern = ak_args_value(s->args, "match"),
               *junit = ak_args_value(s->args, "junit");
    int64_t begun = ak_loop_now().mono_us;
    size_t ran = 0;

    for (size_t i = 0; i < cases->len && !s->interrupted; i++) {
        Verdict v;
        if (!is_wanted(pattern, cases->items[i]))
            continue;
        ran++;
        if (s->bench.verbose)
            printf("---   %s\n", cases->items[i]);
        try_case(s, cases->items[i], &v);
        if (!s->interrupted)
            tell(s, &v);
        json_decref(v.failures);
        ak_text_free(&v.aside);
    }
    int64_t took = ak_loop_now().mono_us - begun;
    if (s->interrupted)
        return ak_say_error(AK_EXIT_INTERRUPTED, "interrupted");
    if (!ran)
        return ak_usage_error("none of %zu cases matches '%s'", cases->len, pattern);
    if (s->json)
        summary_json(s, took);
    else
        print_summary(s, took);
    int failed = junit ? write_junit(s, junit, took) : 0;
    return s->counts[BAD] ? AK_EXIT_USAGE : s->counts[FAILED] ? AK_EXIT_FAILED : failed;
}

static int read_limit(const AkArgs *args, int64_t *limit_us)
{
    const char *given = ak_args_value(args, "timeout");
    char *end;
    double seconds = given ? strtod(given, &end) : LIMIT_S;

    if (given && (end == given || *end || !(seconds > 0) || seconds > 1e6))
        return ak_usage_error("--timeout wants seconds, not '%s'", given);
    *limit_us = (int64_t)(seconds * 1e6);
    return 0;
}

static int test(const AkArgs *args)
{
    AkHome home;
    AkPaths cases = {0};
    const char *dialect = ak_args_value(args, "dialect");
    Suite s = {.args = args,
               .dialect = dialect ? dialect : "ak",
               .json = ak_args_json(args),
               .update = ak_args_switch(args, "update"),
               .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};

    if (strcmp(s.dialect, "ak") && strcmp(s.dialect, "autokitteh"))
        return ak_usage_error("--dialect is ak or autokitteh, not '%s'", s.dialect);
    int code = read_limit(args, &s.bench.limit_us);
    if (!code)
        code = find_all(args, &cases);
    if (!code && !(code = ak_home_open_memory(&home))) {
        s.bench.home = &home;
        s.bench.verbose = ak_args_switch(args, "verbose") && !s.json;
        s.all = ak_args_value(args, "junit") ? json_array() : NULL;
        signal(SIGPIPE, SIG_IGN);
        code = run_all(&s, &cases);
        json_decref(s.all);
        ak_home_close(&home);
    }
    ak_paths_free(&cases);
    return code;
}

static const AkFlag flags[] = {
    {"match", 'k', AK_FLAG_VALUE, "PATTERN", "only cases whose path holds this, or fits it"},
    {"update", 'u', AK_FLAG_SWITCH, NULL, "write into the cases what was seen"},
    {"verbose", 'v', AK_FLAG_SWITCH, NULL,
     "show prints and events as they come, with their time"},
    {"junit", 0, AK_FLAG_VALUE, "FILE", "write a report for JUnit's readers as well"},
    {"timeout", 0, AK_FLAG_VALUE, "SECONDS", "give up on a case after so long (60)"},
    {"dialect", 0, AK_FLAG_VALUE, "NAME", "ak or autokitteh, where a case does not say (ak)"},
    {0},
};

const AkCmd ak_cmd_test = {
    .name = "test",
    .operands = "[DIR|FILE]…",
    .summary = "run the test cases of a program, with time skipped",
    .more =
        "A case is a file NAME.txtar: what the program has to print, its files, its event.\n"
        "Nothing waits: when every session sleeps or waits, the clock jumps to the next time\n"
        "that one of them waits for. After each case the recorded steps are replayed against\n"
        "the code, which has to do the same again. docs/testing.md tells the format.\n\n"
        "  ak test                 every case below this folder\n"
        "  ak test -k order -v     those with `order` in their path, told as they run\n"
        "  ak test --update        what is printed now is what is expected from now on",
    .flags = flags,
    .min_operands = 0,
    .max_operands = -1,
    .run = test,
};
