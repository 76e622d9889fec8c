/* aklint manual: the page for man and completions for shells, from the table of options. */
#include "commands.h"
#include "show.h"

#include <string.h>

/* ---- man ---- */

/* A dot or an apostrophe at the start of a line is a request to the formatter. */
static void add_prose(CliBuf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        cli_buf_puts(out, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            cli_buf_puts(out, "\\e");
        else if (*text == '-')
            cli_buf_puts(out, "\\-");
        else
            cli_buf_putc(out, *text);
    }
}

static void man_option(CliBuf *out, const CliWord *option)
{
    cli_buf_puts(out, ".TP\n.B ");
    if (option->letter)
        cli_buf_printf(out, "\\-%c, ", option->letter);
    cli_buf_puts(out, "\\-\\-");
    add_prose(out, option->name);
    if (option->takes) {
        cli_buf_puts(out, " \\fI");
        add_prose(out, option->takes);
        cli_buf_puts(out, "\\fR");
    }
    cli_buf_putc(out, '\n');
    add_prose(out, option->about);
    cli_buf_putc(out, '\n');
}

static void write_man(CliBuf *out)
{
    CliWord word;

    cli_buf_printf(out,
                   ".TH AKLINT 1 \"\" \"aklint %s\"\n.SH NAME\naklint \\- finds what would "
                   "break a durable Python program, before it runs\n",
                   ak_version());
    cli_buf_puts(out, ".SH SYNOPSIS\n.B aklint\n[\\fICOMMAND\\fR] [\\fIOPTION\\fR...] "
                      "[\\fIPATH\\fR...]\n.SH COMMANDS\n");
    for (size_t i = 0; (word = cli_command_at(i)).name; i++) {
        cli_buf_printf(out, ".TP\n.B %s", word.name);
        if (*word.takes)
            cli_buf_printf(out, " \\fI%s\\fR", word.takes);
        cli_buf_putc(out, '\n');
        add_prose(out, word.about);
        cli_buf_puts(out, ".\n");
    }
    cli_buf_puts(out, ".SH OPTIONS\n");
    for (size_t i = 0; (word = cli_option_at(i)).name; i++)
        if (*word.about)
            man_option(out, &word);
    cli_buf_puts(out, ".SH EXIT STATUS\n.TP\n.B 0\nclean\n.TP\n.B 1\nfindings at or above the "
                      "failing level\n.TP\n.B 2\nusage, configuration, an internal error, or a "
                      "path that cannot be read\n.TP\n.B 130\ninterrupted\n.SH FILES\n.TP\n.B "
                      "pyproject.toml\nsettings in the table [tool.aklint]\n.TP\n.B "
                      "aklint.toml\nthe same keys at its top\n");
}

/* ---- shells ---- */

static bool takes_file(const CliWord *option)
{
    return option->takes && strstr(option->takes, "FILE");
}

static void add_words(CliBuf *out, CliWord (*at)(size_t), const char *before)
{
    CliWord word;

    for (size_t i = 0; (word = at(i)).name; i++)
        cli_buf_printf(out, "%s%s%s", i ? " " : "", before, word.name);
}

static void write_bash(CliBuf *out)
{
    cli_buf_puts(out,
                 "# bash completion for aklint\n_aklint() {\n"
                 "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                 "    COMPREPLY=()\n    case $before in\n"
                 "    explain) COMPREPLY=($(compgen -W \"$(aklint rules 2>/dev/null | cut "
                 "-d' ' -f1)\" -- \"$word\")); [ ${#COMPREPLY[@]} -gt 0 ] && return ;;\n"
                 "    manual) COMPREPLY=($(compgen -W 'man bash zsh fish' -- \"$word\")); "
                 "return ;;\n    esac\n    case $word in\n    -*) COMPREPLY=($(compgen -W '");
    add_words(out, cli_option_at, "--");
    cli_buf_puts(out,
                 "' -- \"$word\")) ;;\n    *)\n        COMPREPLY=($(compgen -f -- \"$word\"))\n"
                 "        [ \"$COMP_CWORD\" -gt 1 ] || COMPREPLY+=($(compgen -W '");
    add_words(out, cli_command_at, "");
    cli_buf_puts(out, "' -- \"$word\"))\n        ;;\n    esac\n}\n"
                      "complete -o filenames -F _aklint aklint\n");
}

/* Text in single quotes of zsh, where colons and brackets mean something too. */
static void add_quoted(CliBuf *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            cli_buf_puts(out, "'\\'");
        else if (strchr(special, *text))
            cli_buf_putc(out, '\\');
        cli_buf_putc(out, *text);
    }
}

static void write_zsh(CliBuf *out)
{
    CliWord word;

    cli_buf_puts(out, "#compdef aklint\n_aklint_first() {\n    local -a words=(\n");
    for (size_t i = 0; (word = cli_command_at(i)).name; i++) {
        cli_buf_printf(out, "        '%s:", word.name);
        add_quoted(out, word.about, ":");
        cli_buf_puts(out, "'\n");
    }
    cli_buf_puts(out, "    )\n    _describe command words\n    _files\n}\n_arguments -s \\\n");
    for (size_t i = 0; (word = cli_option_at(i)).name; i++) {
        cli_buf_printf(out, "    '--%s%s[", word.name, word.takes ? "=" : "");
        add_quoted(out, word.about, "[]:");
        cli_buf_puts(out, "]");
        if (word.takes) {
            cli_buf_putc(out, ':');
            add_quoted(out, word.takes, "[]:");
            cli_buf_puts(out, takes_file(&word) ? ":_files" : ": ");
        }
        cli_buf_puts(out, "' \\\n");
    }
    cli_buf_puts(out, "    '1: :_aklint_first' '*: :_files'\n");
}

static void write_fish(CliBuf *out)
{
    CliWord word;

    for (size_t i = 0; (word = cli_command_at(i)).name; i++) {
        cli_buf_printf(out, "complete -c aklint -n __fish_use_subcommand -a %s -d '",
                       word.name);
        add_quoted(out, word.about, "");
        cli_buf_puts(out, "'\n");
    }
    for (size_t i = 0; (word = cli_option_at(i)).name; i++) {
        cli_buf_printf(out, "complete -c aklint -l %s", word.name);
        if (word.letter)
            cli_buf_printf(out, " -s %c", word.letter);
        cli_buf_puts(out, takes_file(&word) ? " -r" : word.takes ? " -x" : "");
        cli_buf_puts(out, " -d '");
        add_quoted(out, word.about, "");
        cli_buf_puts(out, "'\n");
    }
}

int cli_manual(const CliOptions *options)
{
    static const struct {
        const char *name;
        void (*write)(CliBuf *out);
    } all[] = {
        {"man", write_man}, {"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
    const char *word = options->words.len == 1 ? cli_list_text(&options->words, 0) : "";
    CliBuf out = {0};
    int status;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(word, all[i].name))
            all[i].write(&out);
    if (!out.len) {
        fputs("aklint: `aklint manual` takes one of man, bash, zsh, fish\n", stderr);
        return 2;
    }
    status = cli_show_text(stdout, "standard output", &out);
    cli_buf_free(&out);
    return status;
}
