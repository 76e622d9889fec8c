/* Formats and files of output. */
#include "show.h"
#include "terminal.h"

#include <errno.h>
#include <string.h>

enum { PIECE = 16 * 1024 };

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

static int no_format(const char *name)
{
    const char *near = cli_print_nearest(name);

    return fail(near ? cli_keep_format("no format is called '%s'; did you mean %s?", name, near)
                     : cli_keep_format(
                           "no format is called '%s'; `aklint help check` lists them", name));
}

int cli_show_check(const CliOptions *o)
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

/* In pieces, so that Ctrl-C ends a long output, in plain colour. */
int cli_show_text(FILE *file, const char *name, const CliBuf *out)
{
    for (size_t at = 0; at < out->len && !ferror(file);) {
        size_t n = out->len - at < PIECE ? out->len - at : PIECE;
        if (cli_terminal_stopped()) {
            fputs(memchr(out->data, '\033', out->len) ? "\033[0m\n" : "\n", file);
            fflush(file);
            return 130;
        }
        at += fwrite(out->data + at, 1, n, file);
    }
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
    status = cli_show_text(file, path, &out);
    cli_buf_free(&out);
    if (fclose(file) != 0 && !status)
        status = fail(cli_keep_format("%s cannot be written: %s", path, strerror(errno)));
    return status;
}

int cli_show(const CliOptions *o, const CliReport *report)
{
    CliBuf out = {0};
    int status = 0;

    if (o->statistics)
        cli_print_statistics(report, &out);
    else
        cli_print_find(o->format ? o->format : "text")(report, &out);
    status = cli_show_text(stdout, "standard output", &out);
    cli_buf_free(&out);
    for (size_t i = 0; !status && i < o->outputs.len; i++)
        status = write_output(report, cli_list_text(&o->outputs, i));
    return status;
}
