/* ak completion: what a shell needs to complete `ak`, written from the tables of commands. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "exit_codes.h"

enum { PATH_SIZE = 128 };

/* --- What the three have in common
 * ----------------------------------------------------------------- */

typedef void Visit(const AkCmd *command, const char *path);

static void walk(const AkCmd *command, const char *path, Visit *visit)
{
    char below[PATH_SIZE];

    visit(command, path);
    for (const AkCmd *const *c = command->children; c && *c; c++) {
        if ((size_t)snprintf(below, sizeof below, "%s %s", path, (*c)->name) < sizeof below)
            walk(*c, below, visit);
    }
}

static bool is_common(const AkFlag *flag)
{
    for (const AkFlag *f = ak_common_flags(); f->name; f++)
        if (f == flag)
            return true;
    return false;
}

/* Every flag of a command, once: its own `--data` stands for the common one. */
static const AkFlag *flag_at(const AkCmd *command, size_t i)
{
    size_t own = 0;

    while (command->flags && command->flags[own].name)
        own++;
    if (i < own)
        return &command->flags[i];
    for (const AkFlag *f = ak_common_flags(); f->name; f++) {
        bool twice = false;
        for (size_t k = 0; k < own; k++)
            twice |= !strcmp(command->flags[k].name, f->name);
        if (!twice && i-- == own)
            return f;
    }
    return NULL;
}

/* The words that a value or an operand can be, "" for files, NULL for anything. */
static const char *words_of(const char *value)
{
    static const struct {
        const char *value, *words;
    } known[] = {{"FILE", ""},   {"DIR", ""}, {"PATH", ""},
                 {"PYTHON", ""}, {"py:", ""}, {"bash|zsh|fish", "bash zsh fish"}};

    for (size_t i = 0; value && i < sizeof known / sizeof *known; i++)
        if (strstr(value, known[i].value))
            return known[i].words;
    return NULL;
}

/* Text in single quotes, where `special` characters mean something too. */
static void quoted(const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr(special, *text))
            putchar('\\');
        putchar(*text);
    }
}

/* --- bash
 * ------------------------------------------------------------------------------------------- */

static void bash_path(const AkCmd *command, const char *path)
{
    (void)command;
    if (strchr(path, ' '))
        printf("        '%s') path=$given ;;\n", path);
}

static void bash_words(const AkCmd *command, const char *path)
{
    const AkFlag *flag;
    const char *words = words_of(command->operands);

    printf("    '%s')\n        flags='", path);
    for (size_t i = 0; (flag = flag_at(command, i)); i++)
        printf("%s--%s", i ? " " : "", flag->name);
    fputs("' words='", stdout);
    for (const AkCmd *const *c = command->children; c && *c; c++)
        printf("%s%s", c == command->children ? "" : " ", (*c)->name);
    printf("%s'%s ;;\n", words ? words : "", words && !*words ? " files=1" : "");
}

static void bash_values(const AkCmd *command, const char *path)
{
    const AkFlag *flag;

    for (size_t i = 0; (flag = flag_at(command, i)); i++) {
        const char *words = flag->kind == AK_FLAG_SWITCH ? NULL : words_of(flag->value);
        if (flag->kind == AK_FLAG_SWITCH || is_common(flag))
            continue;
        printf("    '%s --%s'", path, flag->name);
        if (flag->letter)
            printf(" | '%s -%c'", path, flag->letter);
        printf(") %s=1 ;;\n", words ? "files" : "none");
    }
}

static void write_bash(const AkCmd *root)
{
    puts("# bash completion for ak\n_ak() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local path=ak given i flags= words= files= none=\n"
         "    COMPREPLY=()\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        given=\"$path ${COMP_WORDS[i]}\"\n"
         "        case $given in");
    walk(root, root->name, bash_path);
    puts("        esac\n    done\n    case \"$path $before\" in\n    *' --data') files=1 ;;");
    walk(root, root->name, bash_values);
    puts("    esac\n"
         "    [ -z \"$none\" ] || return 0\n"
         "    if [ -n \"$files\" ]; then COMPREPLY=($(compgen -f -- \"$word\")); return 0; fi\n"
         "    case $path in");
    walk(root, root->name, bash_words);
    puts("    esac\n"
         "    case $word in\n"
         "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
         "    *)\n"
         "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "        [ -z \"$files\" ] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
         "        ;;\n"
         "    esac\n}\n"
         "complete -o filenames -F _ak ak");
}

/* --- zsh
 * -------------------------------------------------------------------------------------------- */

static void zsh_function(const char *path)
{
    putchar('_');
    for (; *path; path++)
        putchar(*path == ' ' ? '_' : *path);
}

static void zsh_value(const char *value)
{
    const char *words = words_of(value);

    putchar(':');
    quoted(value, "[]:");
    if (words && !*words)
        fputs(":_files", stdout);
    else if (words)
        printf(":(%s)", words);
    else
        fputs(": ", stdout);
}

static void zsh_flag(const AkFlag *flag)
{
    printf("        '%s--%s%s[", flag->kind == AK_FLAG_LIST ? "*" : "", flag->name,
           flag->kind == AK_FLAG_SWITCH ? "" : "=");
    quoted(flag->help, "[]:");
    putchar(']');
    if (flag->kind != AK_FLAG_SWITCH)
        zsh_value(flag->value);
    fputs("' \\\n", stdout);
}

static void zsh_children(const AkCmd *command, const char *path)
{
    fputs("        '1: :->command' '*:: :->rest'\n    case $state in\n    command)\n"
          "        local -a commands=(\n",
          stdout);
    for (const AkCmd *const *c = command->children; *c; c++) {
        printf("            '%s:", (*c)->name);
        quoted((*c)->summary, ":");
        puts("'");
    }
    puts("        )\n        _describe command commands ;;\n    rest)\n        case $words[1] "
         "in");
    for (const AkCmd *const *c = command->children; *c; c++) {
        printf("        %s) ", (*c)->name);
        zsh_function(path);
        printf("_%s ;;\n", (*c)->name);
    }
    puts("        esac ;;\n    esac\n}");
}

static void zsh_command(const AkCmd *command, const char *path)
{
    const AkFlag *flag;

    zsh_function(path);
    puts("() {\n    local curcontext=$curcontext state line\n    _arguments -C -s \\");
    for (size_t i = 0; (flag = flag_at(command, i)); i++)
        zsh_flag(flag);
    if (command->children) {
        zsh_children(command, path);
        return;
    }
    if (command->operands) {
        fputs("        '*", stdout);
        zsh_value(command->operands);
        puts("'\n}");
    } else {
        puts("        && return 0\n}");
    }
}

static void write_zsh(const AkCmd *root)
{
    puts("#compdef ak");
    walk(root, root->name, zsh_command);
    puts("_ak \"$@\"");
}

/* --- fish
 * ------------------------------------------------------------------------------------------- */

/* `ak session get` is seen when both words are; `ak session` when none of those below it is. */
static void fish_condition(const AkCmd *command, const char *path)
{
    char words[PATH_SIZE];
    const char *before = "";

    snprintf(words, sizeof words, "%s", path + strcspn(path, " "));
    fputs(" -n '", stdout);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        printf("%s__fish_seen_subcommand_from %s", before, word);
        before = "; and ";
    }
    if (command->children && *before)
        fputs("; and not __fish_seen_subcommand_from", stdout);
    else if (command->children)
        fputs("__fish_use_subcommand", stdout);
    for (const AkCmd *const *c = *before ? command->children : NULL; c && *c; c++)
        printf(" %s", (*c)->name);
    putchar('\'');
}

static void fish_value(const char *value)
{
    const char *words = words_of(value);

    if (words && !*words)
        fputs(" -r -F", stdout);
    else if (words)
        printf(" -x -a '%s'", words);
    else
        fputs(" -x", stdout);
}

static void fish_flag(const AkCmd *command, const char *path, const AkFlag *flag)
{
    fputs("complete -c ak", stdout);
    if (!is_common(flag))
        fish_condition(command, path);
    printf(" -l %s", flag->name);
    if (flag->letter)
        printf(" -s %c", flag->letter);
    if (flag->kind != AK_FLAG_SWITCH)
        fish_value(flag->value);
    fputs(" -d '", stdout);
    quoted(flag->help, "\\");
    puts("'");
}

static void fish_command(const AkCmd *command, const char *path)
{
    const AkFlag *flag;
    const char *words = words_of(command->operands);

    for (const AkCmd *const *c = command->children; c && *c; c++) {
        fputs("complete -c ak -f", stdout);
        fish_condition(command, path);
        printf(" -a %s -d '", (*c)->name);
        quoted((*c)->summary, "\\");
        puts("'");
    }
    for (size_t i = 0; (flag = flag_at(command, i)); i++)
        if (!is_common(flag) || !strcmp(path, "ak"))
            fish_flag(command, path, flag);
    if (command->children || (words && !*words))
        return;
    fputs("complete -c ak -f", stdout);
    fish_condition(command, path);
    if (words)
        printf(" -a '%s'", words);
    putchar('\n');
}

static void write_fish(const AkCmd *root)
{
    walk(root, root->name, fish_command);
}

/* --- The command
 * ------------------------------------------------------------------------------------ */

static int completion(const AkArgs *args)
{
    static const struct {
        const char *name;
        void (*write)(const AkCmd *root);
    } shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
    enum { SHELLS = sizeof shells / sizeof *shells };
    const char *names[SHELLS + 1] = {0}, *word = ak_args_operand(args, 0);

    for (size_t i = 0; i < SHELLS; i++) {
        names[i] = shells[i].name;
        if (strcmp(names[i], word) != 0)
            continue;
        shells[i].write(ak_args_root(args));
        return AK_EXIT_OK;
    }
    const char *near = ak_nearest(word, names);
    return ak_usage_error("no completion for '%s'%s%s%s; there are bash, zsh and fish", word,
                          near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

const AkCmd ak_cmd_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .summary = "print what a shell needs to complete ak",
    .more =
        "A package of ak has put it where the shell looks. Else, in the shell's own file:\n\n"
        "  bash   source <(ak completion bash)\n"
        "  zsh    ak completion zsh > \"${fpath[1]}/_ak\"\n"
        "  fish   ak completion fish | source",
    .min_operands = 1,
    .max_operands = 1,
    .run = completion,
};
