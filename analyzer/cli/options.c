/* One table of options, from which reading, help and the nearest name all come. */
#include "options.h"
#include "nearest.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    FOR_CHECK = 1 << CLI_CHECK,
    FOR_RULES = 1 << CLI_RULES,
    FOR_EXPLAIN = 1 << CLI_EXPLAIN,
    FOR_LOOK = 1 << CLI_CONTEXTS | 1 << CLI_GRAPH,
    FOR_CONFIG = 1 << CLI_CONFIG,
    FOR_LSP = 1 << CLI_LSP,
    FOR_CLEAN = 1 << CLI_CLEAN,
    FOR_ALL = (1 << CLI_COMMANDS) - 1
};

typedef enum Kind { FLAG, TEXT, LIST, COMMAS, NUMBER } Kind;

typedef struct Option {
    const char *name;
    char letter;
    Kind kind;
    unsigned commands;
    size_t offset;
    const char *section, *value, *help;
} Option;

#define AT(field) offsetof(CliOptions, field)

static const Option table[] = {
    {"select", 's', COMMAS, FOR_CHECK, AT(select), "Rules", "RULES",
     "Only these: ids, names or prefixes (AK301, wall-clock, AK3), with commas"},
    {"ignore", 0, COMMAS, FOR_CHECK, AT(ignore), "Rules", "RULES", "Not these"},
    {"dialect", 'd', COMMAS, FOR_CHECK | FOR_LOOK, AT(dialects), "Rules", "DIALECT",
     "Take every file as ak, autokitteh or temporal, whatever it imports"},
    {"entry", 'e', LIST, FOR_CHECK | FOR_LOOK, AT(entries), "Rules", "FILE:FUNC",
     "FUNC is an entry point; may be given several times"},

    {"format", 'f', TEXT, FOR_CHECK | FOR_RULES | FOR_EXPLAIN | FOR_LOOK, AT(format), "Output",
     "FORMAT",
     "text, concise, grouped, json, json-lines, sarif, github, gitlab, junit, rdjson, azure, "
     "pylint"},
    {"output-format", 0, TEXT, FOR_CHECK | FOR_RULES | FOR_EXPLAIN | FOR_LOOK, AT(format), NULL,
     "FORMAT", ""},
    {"output", 'o', LIST, FOR_CHECK, AT(outputs), "Output", "FORMAT=FILE",
     "Also write this format to a file; may be given several times"},
    {"show", 0, TEXT, FOR_CHECK, AT(show), "Output", "notes",
     "Show notes too, not only their number"},
    {"statistics", 0, FLAG, FOR_CHECK, AT(statistics), "Output", NULL,
     "One line a rule, with its count"},
    {"show-files", 0, FLAG, FOR_CHECK, AT(show_files), "Output", NULL,
     "List the files and stop"},
    {"watch", 'w', FLAG, FOR_CHECK, AT(watch), "Output", NULL,
     "Check again whenever a file changes, until Ctrl-C"},
    {"quiet", 'q', FLAG, FOR_CHECK, AT(quiet), "Output", NULL,
     "Findings only: no summary, no remarks"},
    {"color", 0, TEXT, FOR_ALL, AT(color), "Output", "WHEN", "auto, always or never"},

    {"fail-on", 0, TEXT, FOR_CHECK, AT(fail_on), "Outcome", "LEVEL",
     "Exit with 1 from this level on: error (default), warning or note"},
    {"max-warnings", 0, NUMBER, FOR_CHECK, AT(max_warnings), "Outcome", "N",
     "Exit with 1 when there are more warnings"},
    {"exit-zero", 0, FLAG, FOR_CHECK, AT(exit_zero), "Outcome", NULL,
     "Exit with 0 whatever is found"},
    {"baseline", 0, TEXT, FOR_CHECK, AT(baseline), "Outcome", "FILE",
     "Leave out what FILE lists"},
    {"update-baseline", 0, FLAG, FOR_CHECK, AT(update_baseline), "Outcome", NULL,
     "Take what is gone out of the baseline; write it if it is not there yet"},
    {"grow-baseline", 0, FLAG, FOR_CHECK, AT(grow_baseline), "Outcome", NULL,
     "Take what is new into the baseline, too"},
    {"changed-since", 0, TEXT, FOR_CHECK, AT(changed_since), "Outcome", "REF",
     "Only findings that were not there at this commit"},

    {"fix", 0, FLAG, FOR_CHECK, AT(fix), "Changes", NULL, "Apply safe fixes"},
    {"unsafe-fixes", 0, FLAG, FOR_CHECK, AT(unsafe_fixes), "Changes", NULL,
     "With --fix or --diff: fixes that may change what the program does, too"},
    {"diff", 0, FLAG, FOR_CHECK, AT(diff), "Changes", NULL, "Print what --fix would change"},
    {"add-allow", 0, FLAG, FOR_CHECK, AT(add_allow), "Changes", NULL,
     "Write a comment that silences each finding"},
    {"reason", 0, TEXT, FOR_CHECK, AT(reason), "Changes", "TEXT", "With --add-allow: why"},

    {"exclude", 0, COMMAS, FOR_CHECK | FOR_LOOK, AT(exclude), "Files", "GLOBS",
     "Leave out, as .gitignore would"},
    {"force-exclude", 0, FLAG, FOR_CHECK | FOR_LOOK, AT(force_exclude), "Files", NULL,
     "Leave out paths that are named, too"},
    {"project", 0, FLAG, FOR_CHECK, AT(project), "Files", NULL,
     "Check the project around the paths; show what lies in them or leads through them"},
    {"stdin-filename", 0, TEXT, FOR_CHECK, AT(stdin_filename), "Files", "FILE",
     "What standard input (-) is called"},
    {"max-bytes", 0, NUMBER, FOR_CHECK | FOR_LOOK, AT(max_bytes), "Files", "N",
     "Do not look into larger files (4194304)"},
    {"config", 0, TEXT, FOR_CHECK | FOR_LOOK | FOR_CONFIG | FOR_LSP, AT(config), "Files",
     "FILE", "Settings from this file, for all sources"},
    {"isolated", 0, FLAG, FOR_CHECK | FOR_LOOK | FOR_CONFIG | FOR_LSP, AT(isolated), "Files",
     NULL, "No settings from files"},
    {"jobs", 'j', NUMBER, FOR_CHECK | FOR_LOOK, AT(jobs), "Files", "N",
     "Work on N cores (all)"},
    {"no-cache", 0, FLAG, FOR_CHECK, AT(no_cache), "Files", NULL,
     "Neither use nor keep what former runs found"},
    {"cache-dir", 0, TEXT, FOR_CHECK | FOR_CLEAN, AT(cache_dir), "Files", "FOLDER",
     "Where that is kept (AKLINT_CACHE_DIR, or ~/.cache/aklint)"},

    {"all", 0, FLAG, FOR_EXPLAIN, AT(all), "Output", NULL,
     "Every rule: the page docs/pitfalls.md"},
    {"help", 'h', FLAG, FOR_ALL, AT(help), "Help", NULL, "This text"},
    {"version", 'V', FLAG, FOR_ALL, AT(version), "Help", NULL, "Which aklint this is"},
};

enum { OPTIONS = sizeof table / sizeof *table };

static const struct {
    const char *name, *takes, *about;
} commands[CLI_COMMANDS] = {
    [CLI_CHECK] = {"check", "[PATH...]",
                   "Check files and folders (this folder); - is standard input"},
    [CLI_RULES] = {"rules", "", "List the rules"},
    [CLI_EXPLAIN] = {"explain", "RULE... | FILE:LINE",
                     "What a rule is about, or why a line is found fault with"},
    [CLI_CONTEXTS] =
        {"contexts", "[PATH...]",
         "Where durable code starts, what it reaches, and calls that could not be resolved"},
    [CLI_GRAPH] = {"graph", "ROOT [PATH...]", "A workflow as a picture: mermaid, dot or svg"},
    [CLI_CONFIG] = {"config", "[PATH]",
                    "Which settings hold for a path, and where each is said"},
    [CLI_LSP] = {"lsp", "", "Serve an editor: the Language Server Protocol on standard input"},
    [CLI_CLEAN] = {"clean", "", "Remove what former runs found and kept"},
    [CLI_MANUAL] = {"manual", "man | bash | zsh | fish",
                    "Write the manual page, or completions for a shell"},
    [CLI_HELP] = {"help", "[COMMAND]", "Help on a command"},
    [CLI_VERSION] = {"version", "", "Which aklint this is"},
};

CliWord cli_option_at(size_t i)
{
    const Option *o = &table[i < OPTIONS ? i : 0];

    return i < OPTIONS ? (CliWord){o->name, o->value, o->help, o->letter, o->commands}
                       : (CliWord){0};
}

CliWord cli_command_at(size_t i)
{
    return i < CLI_COMMANDS ? (CliWord){.name = commands[i].name,
                                        .takes = commands[i].takes,
                                        .about = commands[i].about}
                            : (CliWord){0};
}

CliCommand cli_command_find(const char *word)
{
    CliCommand c = 0;

    while (c < CLI_COMMANDS && strcmp(word, commands[c].name))
        c++;
    return c;
}

const char *cli_command_nearest(const char *word)
{
    CliNearest near = {0};

    for (CliCommand c = 0; c < CLI_COMMANDS; c++)
        cli_nearest(&near, word, commands[c].name);
    return near.word;
}

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

static const Option *find_long(const char *name, size_t len)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
            return &table[i];
    return NULL;
}

static const Option *find_letter(char letter)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (table[i].letter == letter)
            return &table[i];
    return NULL;
}

static void unknown(const char *typed, size_t len)
{
    const char *word = cli_keep_text(typed, len);
    CliNearest near = {0};

    for (size_t i = 0; i < OPTIONS; i++)
        cli_nearest(&near, word, table[i].name);
    if (near.word)
        fail(cli_keep_format("unknown option --%s; did you mean --%s?", word, near.word));
    else
        fail(cli_keep_format("unknown option --%s; `aklint help check` lists them", word));
}

static void add_commas(CliList *list, const char *value)
{
    while (*value) {
        size_t n = strcspn(value, ",");
        if (n)
            cli_list_add(list, cli_keep_text(value, n));
        value += n;
        value += *value == ',';
    }
}

static int store(CliOptions *o, const Option *option, const char *value)
{
    void *field = (char *)o + option->offset;
    char *end;
    long n;

    cli_list_add(&o->used, option);
    switch (option->kind) {
    case FLAG: *(bool *)field = true; return 0;
    case TEXT: *(const char **)field = value; return 0;
    case LIST: cli_list_add(field, value); return 0;
    case COMMAS: add_commas(field, value); return 0;
    case NUMBER: break;
    }
    errno = 0;
    n = strtol(value, &end, 10);
    if (!*value || *end || n < 0 || errno)
        return fail(cli_keep_format("--%s takes a number, not '%s'", option->name, value));
    *(long *)field = n;
    return 0;
}

/* Returns how many further arguments were used, or -1 behind a sentence that says what is
 * wrong. */
static int read_long(CliOptions *o, const char *arg, const char *next)
{
    size_t len = strcspn(arg, "=");
    const Option *option = find_long(arg, len);
    const char *value = arg[len] ? arg + len + 1 : NULL;

    if (!option) {
        unknown(arg, len);
        return -1;
    }
    if (option->kind == FLAG && value) {
        fail(cli_keep_format("--%s takes no value", option->name));
        return -1;
    }
    if (option->kind == FLAG || value)
        return store(o, option, value) ? -1 : 0;
    if (!next) {
        fail(cli_keep_format("--%s needs a value: %s", option->name, option->value));
        return -1;
    }
    return store(o, option, next) ? -1 : 1;
}

/* "-q", "-fjson", "-f json", "-qV". */
static int read_letters(CliOptions *o, const char *letters, const char *next)
{
    for (; *letters; letters++) {
        const Option *option = find_letter(*letters);
        if (!option) {
            fail(cli_keep_format("unknown option -%c; `aklint help check` lists them",
                                 *letters));
            return -1;
        }
        if (option->kind == FLAG) {
            store(o, option, NULL);
            continue;
        }
        if (letters[1])
            return store(o, option, letters + 1) ? -1 : 0;
        if (!next) {
            fail(cli_keep_format("-%c needs a value: %s", *letters, option->value));
            return -1;
        }
        return store(o, option, next) ? -1 : 1;
    }
    return 0;
}

static void take_word(CliOptions *o, const char *word, bool *first)
{
    CliCommand command = *first ? cli_command_find(word) : CLI_COMMANDS;

    *first = false;
    if (command != CLI_COMMANDS) {
        o->command = command;
        o->named = true;
    } else {
        cli_list_add(&o->words, word);
    }
}

/* The command may stand behind its options, so this is asked at the end. */
static int check_commands(const CliOptions *o)
{
    for (size_t i = 0; i < o->used.len; i++) {
        const Option *option = o->used.items[i];
        if (!(option->commands & 1u << o->command))
            return fail(cli_keep_format("`aklint %s` takes no --%s", commands[o->command].name,
                                        option->name));
    }
    return 0;
}

int cli_options_read(CliOptions *o, int argc, char **argv)
{
    bool first = true, only_words = false;

    *o = (CliOptions){.max_bytes = -1, .max_warnings = -1, .jobs = -1};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        int used = 0;
        if (only_words || arg[0] != '-' || !arg[1]) {
            take_word(o, arg, &first);
        } else if (!strcmp(arg, "--")) {
            only_words = true;
            first = false;
        } else {
            used = arg[1] == '-' ? read_long(o, arg + 2, next) : read_letters(o, arg + 1, next);
        }
        if (used < 0)
            return 2;
        i += used;
    }
    return check_commands(o);
}

static void print_wrapped(const char *text, size_t indent, FILE *out)
{
    size_t column = indent;

    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > indent && column + 1 + n > 96) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)n, text);
        column += n;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(const Option *option, FILE *out)
{
    const int wide = 30;
    CliBuf left = {0};

    if (option->letter)
        cli_buf_printf(&left, "  -%c, ", option->letter);
    else
        cli_buf_puts(&left, "      ");
    cli_buf_printf(&left, "--%s%s%s", option->name, option->value ? " " : "",
                   option->value ? option->value : "");
    fprintf(out, "%-*s", wide, left.data);
    if (left.len >= (size_t)wide)
        fprintf(out, "\n%*s", wide, "");
    print_wrapped(option->help, (size_t)wide, out);
    cli_buf_free(&left);
}

static void print_options(CliCommand command, FILE *out)
{
    static const char *const sections[] = {"Rules",   "Output", "Outcome",
                                           "Changes", "Files",  "Help"};

    for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
        bool headed = false;
        for (size_t i = 0; i < OPTIONS; i++) {
            const Option *option = &table[i];
            if (!(option->commands & 1u << command) || !option->section ||
                strcmp(option->section, sections[s]))
                continue;
            if (!headed)
                fprintf(out, "\n%s:\n", sections[s]);
            headed = true;
            print_option(option, out);
        }
    }
}

static void print_overview(FILE *out)
{
    fputs("aklint finds what would break a durable Python program, before it runs.\n\n"
          "Usage: aklint [COMMAND] [OPTION...] [PATH...]\n\nCommands:\n",
          out);
    for (CliCommand c = 0; c < CLI_COMMANDS; c++)
        fprintf(out, "  %-10s%s\n", commands[c].name, commands[c].about);
    fputs("\nOften used:\n"
          "  aklint                          check this folder\n"
          "  aklint flows/ --show notes      one folder, notes as well\n"
          "  aklint --fix --unsafe-fixes     repair what can be repaired\n"
          "  aklint --format json > out      for programs; sarif, github, gitlab, junit ... as "
          "well\n"
          "  aklint explain AK301            what a rule is about\n"
          "  aklint explain flow.py:12       why this line, and the way to it\n"
          "\nExit codes: 0 clean; 1 findings; 2 usage, configuration, or a path that cannot be "
          "read.\n"
          "Options: `aklint help check`.\n",
          out);
}

void cli_options_help(CliCommand command, bool overview, FILE *out)
{
    if (overview) {
        print_overview(out);
        return;
    }
    fprintf(out, "%s\n\nUsage: aklint %s [OPTION...] %s\n", commands[command].about,
            commands[command].name, commands[command].takes);
    print_options(command, out);
}
