/* Git is asked which files differ and what they held; the library does the rest. */
#include "changed.h"
#include "paths.h"
#include "process.h"

#include <stdio.h>
#include <string.h>

typedef struct Old {
    CliRun *run;
    const char *top, *commit;
    CliList given; /* absolute paths whose text is that of the commit */
    size_t found;  /* files of the run before those were added that are gone today */
} Old;

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: --changed-since: %s\n", sentence);
    return 2;
}

/* What git prints, without its last line's end; NULL if it fails. Kept. */
static const char *ask(const char *folder, const char *const *words)
{
    const char *argv[16] = {"git", "-C", folder};
    CliBuf out = {0};
    const char *answer = NULL;

    for (size_t i = 0; words[i]; i++)
        argv[3 + i] = words[i];
    if (cli_process(argv, &out) == 0) {
        while (out.len && out.data[out.len - 1] == '\n')
            out.len--;
        answer = cli_keep_text(out.data ? out.data : "", out.len);
    }
    cli_buf_free(&out);
    return answer;
}

static int find_commit(Old *old, const char *ref)
{
    const char *here = cli_paths_base(), *spec = cli_keep_format("%s^{commit}", ref), *parted;
    const char *const top[] = {"rev-parse", "--show-toplevel", NULL};
    const char *const verify[] = {"rev-parse",        "--verify", "--quiet",
                                  "--end-of-options", spec,       NULL};
    const char *merge[] = {"merge-base", NULL, "HEAD", NULL};

    old->top = ask(here, top);
    if (!old->top)
        return fail("this is no git repository, or there is no git");
    old->commit = ask(here, verify);
    if (!old->commit)
        return fail(cli_keep_format("no commit is called '%s'", ref));
    merge[1] = old->commit;
    parted = ask(here, merge);
    if (parted && *parted)
        old->commit = parted;
    return 0;
}

static bool matters(const char *path)
{
    const char *name = cli_path_name(path), *dot = strrchr(name, '.');

    return (dot && !strcmp(dot, ".py")) || !strncmp(name, "autokitteh.y", 12);
}

/* A text that stands for no file: it was not there. */
static void hide(Old *old, const char *path)
{
    cli_texts_give(old->run->texts, path, NULL, 0);
    cli_list_add(&old->given, path);
}

/* A file that is gone today is put among the others. */
static void add_gone(Old *old, const char *path)
{
    CliFile *file = cli_keep(sizeof *file);

    *file = (CliFile){.path = path,
                      .use = AK_REPORT,
                      .settings = cli_config_for(&old->run->configs, cli_path_folder(path))};
    cli_list_add(&old->run->files.found, file);
}

static int give_old(Old *old, const char *path, const char *name)
{
    const char *const argv[] = {"git",      "-C",   old->top,
                                "cat-file", "blob", cli_keep_format("%s:%s", old->commit, name),
                                NULL};
    CliBuf out = {0};
    char *text;

    if (cli_process(argv, &out) != 0) {
        cli_buf_free(&out);
        return fail(cli_keep_format("git does not give %s as it was", name));
    }
    /* 64 zero bytes behind it, as the library wants them. */
    text = cli_keep(out.len + 64);
    if (out.len)
        memcpy(text, out.data, out.len);
    cli_texts_give(old->run->texts, path, text, out.len);
    cli_list_add(&old->given, path);
    cli_buf_free(&out);
    return 0;
}

static int take_change(Old *old, char status, const char *name)
{
    const char *path = cli_path_join(old->top, name);
    bool is_known = cli_files_get(&old->run->files, path) != NULL;

    if (!matters(name) || !cli_path_within(path, cli_paths_base()))
        return 0;
    if (status == 'A') {
        hide(old, path);
        return 0;
    }
    if (!is_known && status == 'D' && !strstr(name, "autokitteh.y"))
        add_gone(old, path);
    return give_old(old, path, name);
}

/* "M\0name\0A\0name\0" of git diff, names alone of git ls-files. */
static int read_changes(Old *old)
{
    const char *const diff[] = {"git",           "-C", old->top,    "diff", "--no-renames",
                                "--name-status", "-z", old->commit, "--",   NULL};
    const char *const fresh[] = {
        "git", "-C", old->top, "ls-files", "--others", "--exclude-standard", "-z", NULL};
    CliBuf out = {0};
    int status = 0;

    if (cli_process(diff, &out) != 0)
        status = fail("git diff fails");
    for (size_t i = 0; !status && i < out.len;) {
        char letter = out.data[i];
        i += strlen(out.data + i) + 1;
        status = take_change(old, letter, cli_keep_string(out.data + i));
        i += strlen(out.data + i) + 1;
    }
    out.len = 0;
    if (!status && cli_process(fresh, &out) != 0)
        status = fail("git ls-files fails");
    for (size_t i = 0; !status && i < out.len; i += strlen(out.data + i) + 1)
        status = take_change(old, 'A', cli_keep_string(out.data + i));
    cli_buf_free(&out);
    return status;
}

static void count_prints(const CliReport *report, CliMap *counts)
{
    for (size_t i = 0; i < report->count; i++) {
        const char *print = report->items[i].f->fingerprint;
        size_t *n = print ? cli_map_get(counts, print) : NULL;
        if (!print)
            continue;
        if (!n) {
            n = cli_keep(sizeof *n);
            cli_map_put(counts, cli_keep_string(print), n);
        }
        ++*n;
    }
}

int cli_changed_read(CliRun *run, const char *ref, CliMap *counts)
{
    Old old = {.run = run, .found = run->files.found.len};
    CliReport report;
    int status = find_commit(&old, ref);

    if (!status)
        status = read_changes(&old);
    if (!status)
        status = cli_run_pass(run, &report);
    if (!status)
        count_prints(&report, counts);
    cli_run_forget(run);
    for (size_t i = 0; i < old.given.len; i++)
        cli_texts_take_back(run->texts, cli_list_text(&old.given, i));
    run->files.found.len = old.found;
    return status;
}

void cli_changed_apply(const CliMap *old, CliReport *report)
{
    CliMap left = {0};
    size_t kept = 0;

    for (size_t i = 0; i < report->count; i++) {
        const char *print = report->items[i].f->fingerprint;
        const size_t *before = print ? cli_map_get(old, print) : NULL;
        size_t *n = print ? cli_map_get(&left, print) : NULL;
        if (!n && before) {
            n = cli_keep(sizeof *n);
            *n = *before;
            cli_map_put(&left, print, n);
        }
        if (n && *n)
            --*n;
        else
            report->items[kept++] = report->items[i];
    }
    report->count = kept;
}
