/* ak manual: pages for man, written from the tables of commands. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "commands.h"
#include "exit_codes.h"

/* --- Text
 * ------------------------------------------------------------------------------------------- */

static void prose(FILE *to, const char *text)
{
    bool line_starts = true;

    for (; *text; text++) {
        /* A dot or an apostrophe at the start of a line is a request to the formatter. */
        if (line_starts && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        line_starts = *text == '\n';
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            putc(*text, to);
    }
}

static void head(FILE *to, const char *title, const char *name, const char *summary)
{
    fputs(".TH ", to);
    for (const char *p = title; *p; p++)
        putc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, to);
    fprintf(to, " 1 \"\" \"ak %s\" \"ak\"\n.SH NAME\n", AK_VERSION);
    prose(to, name);
    fputs(" \\- ", to);
    prose(to, summary);
    putc('\n', to);
}

/* Lines as they stand: tables and examples are laid out by hand. */
static void more(FILE *to, const char *text)
{
    if (!text)
        return;
    fputs(".PP\n.nf\n", to);
    prose(to, text);
    fputs("\n.fi\n", to);
}

static void flag(FILE *to, const AkFlag *f)
{
    fputs(".TP\n.B ", to);
    if (f->letter)
        fprintf(to, "\\-%c, ", f->letter);
    fputs("\\-\\-", to);
    prose(to, f->name);
    if (f->value) {
        fputs(" \\fI", to);
        prose(to, f->value);
        fputs("\\fR", to);
    }
    putc('\n', to);
    prose(to, f->help);
    putc('\n', to);
}

static void flags(FILE *to, const AkFlag *list)
{
    for (const AkFlag *f = list; f && f->name; f++)
        flag(to, f);
}

static void synopsis(FILE *to, const char *path, const AkCmd *command)
{
    fputs(".B ", to);
    prose(to, path);
    fputs("\n", to);
    if (command->children)
        fputs("\\fICOMMAND\\fR ", to);
    else if (command->operands) {
        prose(to, command->operands);
        putc(' ', to);
    }
    fputs("[\\fIflags\\fR]\n", to);
}

/* --- Pages
 * ------------------------------------------------------------------------------------------ */

static void exit_status(FILE *to)
{
    static const char *const codes[][2] = {
        {"0", "done; the program completed"},
        {"1", "the program, or the operation, failed"},
        {"40", "a bad flag, argument, setting or input"},
        {"41", "a token is missing"},
        {"42", "refused by the gate, or by the state things are in"},
        {"43", "the token was refused"},
        {"44", "nothing by that name"},
        {"130, 129, 143", "left waiting after Ctrl-C, SIGHUP, SIGTERM"}};

    fputs(".SH EXIT STATUS\n", to);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        fprintf(to, ".TP\n.B %s\n%s\n", codes[i][0], codes[i][1]);
}

static void children(FILE *to, const AkCmd *command, const char *path)
{
    fputs(".SH COMMANDS\n", to);
    for (const AkCmd *const *c = command->children; *c; c++) {
        char below[128];
        snprintf(below, sizeof below, "%s %s", path, (*c)->name);
        fputs(".SS ", to);
        prose(to, below);
        fputs("\n", to);
        synopsis(to, below, *c);
        fputs(".PP\n", to);
        prose(to, (*c)->summary);
        fputs(".\n", to);
        more(to, (*c)->more);
        flags(to, (*c)->flags);
    }
}

static void command_page(FILE *to, const AkCmd *command)
{
    char title[80], path[80];

    snprintf(title, sizeof title, "ak-%s", command->name);
    snprintf(path, sizeof path, "ak %s", command->name);
    head(to, title, title, command->summary);
    fputs(".SH SYNOPSIS\n", to);
    synopsis(to, path, command);
    if (command->more) {
        fputs(".SH DESCRIPTION\n", to);
        more(to, command->more);
    }
    if (command->children)
        children(to, command, path);
    fputs(".SH OPTIONS\n", to);
    flags(to, command->flags);
    flags(to, ak_common_flags());
    exit_status(to);
    fputs(".SH SEE ALSO\n.BR ak (1)\n", to);
}

static void main_page(FILE *to, const AkCmd *root)
{
    head(to, root->name, root->name, root->summary);
    fputs(".SH SYNOPSIS\n.B ak\n[\\fB\\-\\-data\\fR \\fIDIR\\fR] \\fICOMMAND\\fR "
          "[\\fIflags\\fR]\n.SH COMMANDS\n",
          to);
    for (const AkCmd *const *c = root->children; *c; c++) {
        fprintf(to, ".TP\n.BR ak\\-%s (1)\n", (*c)->name);
        prose(to, (*c)->summary);
        putc('\n', to);
    }
    fputs(".SH OPTIONS\n", to);
    flags(to, root->flags);
    flags(to, ak_common_flags());
    exit_status(to);
    fputs(".SH ENVIRONMENT\n.TP\n.B AK_TOKEN\nthe token of a server that is not on loopback\n"
          ".TP\n.B AK_CONFIG_HOME\nthe folder of config.yaml\n"
          ".TP\n.B NO_COLOR\nno colours on terminals\n"
          ".SH FILES\n.TP\n.I $XDG_DATA_HOME/ak\nthe state, unless \\-\\-data or config.yaml "
          "say otherwise\n.TP\n.I $XDG_CONFIG_HOME/ak/config.yaml\nsettings; see\n"
          ".BR ak\\-config (1)\n.TP\n.I autokitteh.yaml\nthe manifest of a project\n"
          ".SH SEE ALSO\n.BR aklint (1)\n",
          to);
}

/* --- The command
 * ------------------------------------------------------------------------------------ */

static int write_page(const char *dir, const AkCmd *command, bool whole)
{
    char path[4096];

    snprintf(path, sizeof path, "%.4000s/%s%s.1", dir, whole ? "" : "ak-", command->name);
    FILE *to = fopen(path, "we");
    if (!to)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", path, strerror(errno));
    if (whole)
        main_page(to, command);
    else
        command_page(to, command);
    return ak_file_end(to) == 0 ? 0
                                : ak_say_error(AK_EXIT_FAILED, "%s: it cannot be written: %s",
                                               path, strerror(errno));
}

static int manual(const AkArgs *args)
{
    const AkCmd *root = ak_args_root(args);
    const char *dir = ak_args_operand(args, 0);

    if (!dir) {
        main_page(stdout, root);
        return AK_EXIT_OK;
    }
    if (ak_make_dirs(dir) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", dir, strerror(errno));
    int code = write_page(dir, root, true);
    for (const AkCmd *const *c = root->children; *c && !code; c++)
        code = write_page(dir, *c, false);
    if (!code && ak_args_json(args)) {
        printf("{\"pages\": [\"ak.1\"");
        for (const AkCmd *const *c = root->children; *c; c++)
            printf(", \"ak-%s.1\"", (*c)->name);
        puts("]}");
    }
    return code;
}

const AkCmd ak_cmd_manual = {
    .name = "manual",
    .operands = "[DIR]",
    .summary = "write the pages for man into a folder; without one, print that of ak",
    .max_operands = 1,
    .run = manual,
};
