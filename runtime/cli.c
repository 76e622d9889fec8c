/* Command lines: finds the command, reads its flags, prints help. Knows no command by name. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyzer/distance.h"
#include "exit_codes.h"

enum { MAX_GIVEN = 256, MAX_WORDS = 128 };

typedef struct Given {
    const char *flag, *value;
} Given;

struct AkArgs {
    const AkCmd *root, *command;
    const char *path; /* "ak session get" */
    const char *state_dir;
    bool json, help;
    Given given[MAX_GIVEN];
    size_t given_len;
    const char *operands[MAX_GIVEN];
    size_t operands_len;
};

/* Flags that every command takes. */
static const AkFlag common[] = {
    {"data", 0, AK_FLAG_VALUE, "DIR", "keep the state in DIR"},
    {"json", 'j', AK_FLAG_SWITCH, NULL, "print JSON, for programs"},
    {"help", 'h', AK_FLAG_SWITCH, NULL, "show this help"},
    {0},
};

static void say(const char *format, va_list list)
{
    fflush(stdout);
    fputs("ak: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
}

int ak_say_error(int exit_code, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list);
    va_end(list);
    return exit_code;
}

int ak_usage_error(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list);
    va_end(list);
    return AK_EXIT_USAGE;
}

const char *ak_nearest(const char *word, const char *const *list)
{
    const char *best = NULL;
    size_t len = strlen(word), nearest = len / 3 + 2;

    for (size_t i = 0; len > 2 && list[i]; i++)
        if (!strncmp(word, list[i], len))
            return list[i];
    for (; *list; list++) {
        size_t d = ak_distance(word, *list, nearest);
        if (d < nearest) {
            nearest = d;
            best = *list;
        }
    }
    return best;
}

static const AkFlag *find_flag(const AkFlag *flags, const char *name, size_t len)
{
    for (; flags && flags->name; flags++)
        if (strlen(flags->name) == len && !memcmp(flags->name, name, len))
            return flags;
    return NULL;
}

static const AkFlag *find_letter(const AkFlag *flags, char letter)
{
    for (; flags && flags->name; flags++)
        if (flags->letter == letter)
            return flags;
    return NULL;
}

static int unknown_flag(const AkArgs *args, const char *word)
{
    const char *names[MAX_WORDS];
    size_t n = 0;

    for (const AkFlag *f = args->command->flags; f && f->name && n < MAX_WORDS - 4; f++)
        names[n++] = f->name;
    for (const AkFlag *f = common; f->name; f++)
        names[n++] = f->name;
    names[n] = NULL;
    const char *near = ak_nearest(word + strspn(word, "-"), names);
    if (near)
        return ak_usage_error("unknown flag %s; did you mean --%s?", word, near);
    return ak_usage_error("unknown flag %s; see %s --help", word, args->path);
}

static int unknown_command(const AkArgs *args, const char *word)
{
    const char *names[MAX_WORDS];
    size_t n = 0;

    for (const AkCmd *const *c = args->command->children; *c && n < MAX_WORDS - 1; c++)
        names[n++] = (*c)->name;
    names[n] = NULL;
    const char *near = ak_nearest(word, names);
    if (near)
        return ak_usage_error("unknown command '%s'; did you mean '%s %s'?", word, args->path,
                              near);
    return ak_usage_error("unknown command '%s'; see %s --help", word, args->path);
}

static void print_flags(const AkFlag *flags)
{
    for (; flags && flags->name; flags++) {
        char left[64], letter[8] = "    ";
        if (flags->letter)
            snprintf(letter, sizeof letter, "-%c, ", flags->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, flags->name, flags->value ? " " : "",
                 flags->value ? flags->value : "");
        if (strlen(left) > 26)
            printf("  %s\n  %-26s %s\n", left, "", flags->help);
        else
            printf("  %-26s %s\n", left, flags->help);
    }
}

static void print_help(const AkArgs *args)
{
    const AkCmd *command = args->command;

    printf("%s: %s\n\n", args->path, command->summary);
    if (command->children) {
        printf("Usage: %s [--data DIR] COMMAND …\n\nCommands:\n", args->path);
        for (const AkCmd *const *c = command->children; *c; c++)
            printf("  %-14s %s\n", (*c)->name, (*c)->summary);
        putchar('\n');
    } else {
        printf("Usage: %s%s%s [flags]\n\n", args->path, command->operands ? " " : "",
               command->operands ? command->operands : "");
    }
    if (command->more)
        printf("%s\n\n", command->more);
    puts("Flags:");
    print_flags(command->flags);
    for (const AkFlag *f = common; f->name; f++)
        if (!find_flag(command->flags, f->name, strlen(f->name)))
            print_flags((const AkFlag[]){*f, {0}});
    if (command->children)
        printf("\n%s COMMAND --help tells more about one command.\n", args->path);
}

static bool is_list_data(const AkArgs *args, const AkFlag *flag, const char *value)
{
    return flag == &common[0] && strchr(value, '=') &&
           find_flag(args->command->flags, "data", 4);
}

static int take(AkArgs *args, const AkFlag *flag, const char *value)
{
    if (flag == &common[0]) {
        args->state_dir = value;
        return 0;
    }
    if (flag == &common[1])
        args->json = true;
    if (flag == &common[2])
        args->help = true;
    if (args->given_len == MAX_GIVEN)
        return ak_usage_error("more than %d flags", MAX_GIVEN);
    args->given[args->given_len++] = (Given){flag->name, value};
    return 0;
}

/* One flag at argv[*at]; moves *at to the last word taken. */
static int read_flag(AkArgs *args, int argc, char **argv, int *at)
{
    const char *word = argv[*at], *value = NULL;
    const AkFlag *flag;

    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");
        if (word[2 + len])
            value = word + 2 + len + 1;
        flag = find_flag(common, word + 2, len);
        if (!flag)
            flag = find_flag(args->command->flags, word + 2, len);
    } else {
        flag = find_letter(args->command->flags, word[1]);
        if (!flag)
            flag = find_letter(common, word[1]);
        if (flag && word[2])
            value = word[2] == '=' ? word + 3 : word + 2;
    }
    if (!flag)
        return unknown_flag(args, word);
    if (flag->kind == AK_FLAG_SWITCH) {
        if (value)
            return ak_usage_error("--%s takes no value", flag->name);
        return take(args, flag, "");
    }
    if (!value && *at + 1 >= argc)
        return ak_usage_error("--%s needs a value: --%s %s", flag->name, flag->name,
                              flag->value);
    if (!value)
        value = argv[++*at];
    /* `--data` names the state directory, but with a '=' in it adds to the event of `ak run`.
     */
    if (is_list_data(args, flag, value))
        flag = find_flag(args->command->flags, "data", 4);
    return take(args, flag, value);
}

static const AkCmd *find_child(const AkCmd *command, const char *word)
{
    for (const AkCmd *const *c = command->children; *c; c++)
        if (!strcmp((*c)->name, word))
            return *c;
    return NULL;
}

int ak_cli_main(const AkCmd *root, int argc, char **argv)
{
    static AkArgs args;
    static char path[128];
    bool only_operands = false;

    snprintf(path, sizeof path, "%s", root->name);
    args = (AkArgs){.root = root, .command = root, .path = path};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int failed = 0;

        if (!only_operands && !strcmp(word, "--")) {
            only_operands = true;
        } else if (!only_operands && word[0] == '-' && word[1]) {
            failed = read_flag(&args, argc, argv, &i);
        } else if (args.command->children) {
            const AkCmd *child = find_child(args.command, word);
            if (!child)
                return unknown_command(&args, word);
            args.command = child;
            size_t len = strlen(path);
            snprintf(path + len, sizeof path - len, " %s", word);
        } else if (args.operands_len < MAX_GIVEN) {
            args.operands[args.operands_len++] = word;
        }
        if (failed)
            return failed;
    }
    bool lacks_word = args.command->children && (!args.command->run || args.given_len == 0);
    if (args.help || lacks_word) {
        print_help(&args);
        return AK_EXIT_OK;
    }
    int n = (int)args.operands_len;
    if (n < args.command->min_operands)
        return ak_usage_error("usage: %s %s", path, args.command->operands);
    if (args.command->max_operands >= 0 && n > args.command->max_operands)
        return ak_usage_error("'%s' is too much; usage: %s %s",
                              args.operands[args.command->max_operands], path,
                              args.command->operands ? args.command->operands : "");
    return args.command->run(&args);
}

const char *ak_args_item(const AkArgs *args, const char *flag, size_t i)
{
    for (size_t g = 0; g < args->given_len; g++)
        if (!strcmp(args->given[g].flag, flag) && i-- == 0)
            return args->given[g].value;
    return NULL;
}

const char *ak_args_value(const AkArgs *args, const char *flag)
{
    for (size_t g = args->given_len; g-- > 0;)
        if (!strcmp(args->given[g].flag, flag))
            return args->given[g].value;
    return NULL;
}

int ak_args_number(const AkArgs *args, const char *flag, size_t fallback, size_t *number)
{
    const char *given = ak_args_value(args, flag);
    char *end;

    *number = given ? strtoul(given, &end, 10) : fallback;
    if (given && (*end || *given < '0' || *given > '9'))
        return ak_usage_error("--%s wants a whole number, not '%s'", flag, given);
    return 0;
}

bool ak_args_switch(const AkArgs *args, const char *flag)
{
    return ak_args_value(args, flag) != NULL;
}

const char *ak_args_operand(const AkArgs *args, size_t i)
{
    return i < args->operands_len ? args->operands[i] : NULL;
}

const char *ak_args_state_dir(const AkArgs *args)
{
    return args->state_dir;
}

bool ak_args_json(const AkArgs *args)
{
    return args->json;
}

const AkCmd *ak_args_root(const AkArgs *args)
{
    return args->root;
}

const AkFlag *ak_common_flags(void)
{
    return common;
}
