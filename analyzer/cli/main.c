/* aklint: finds what would break a durable Python program, before it runs. This file reads the
 * first word and hands over. */
#include "commands.h"
#include "paths.h"

#include <aklint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

int cli_color(const CliOptions *options, CliColor *color)
{
    static const char *const words[] = {"auto", "always", "never"};

    *color = CLI_COLOR_AUTO;
    for (CliColor c = CLI_COLOR_AUTO; options->color && c <= CLI_COLOR_NEVER; c++)
        if (!strcmp(options->color, words[c])) {
            *color = c;
            return 0;
        }
    if (!options->color)
        return 0;
    fprintf(stderr, "aklint: --color is auto, always or never, not '%s'\n", options->color);
    return 2;
}

static int help(const CliOptions *options)
{
    const char *word = options->words.len ? cli_list_text(&options->words, 0) : NULL, *near;
    CliCommand command = word ? cli_command_find(word) : CLI_COMMANDS;

    if (!word) {
        cli_options_help(CLI_HELP, true, stdout);
        return 0;
    }
    if (command != CLI_COMMANDS) {
        cli_options_help(command, false, stdout);
        return 0;
    }
    near = cli_command_nearest(word);
    fprintf(stderr,
            near ? "aklint: no command is called '%s'; did you mean %s?\n"
                 : "aklint: no command is called '%s'\n",
            word, near);
    return 2;
}

/* A word that is no path and nearly a command was hardly meant as a path. */
static int misspelt(const CliOptions *options)
{
    const char *word = options->words.len == 1 ? cli_list_text(&options->words, 0) : "-", *near;

    if (strpbrk(word, "./-") || access(word, F_OK) == 0)
        return 0;
    near = cli_command_nearest(word);
    if (!near)
        return 0;
    fprintf(stderr, "aklint: '%s' is neither a path nor a command; did you mean `aklint %s`?\n",
            word, near);
    return 2;
}

static int watch(const CliOptions *options, int argc, char **argv)
{
    bool reads_input = options->stdin_filename != NULL;

    for (size_t i = 0; i < options->words.len; i++)
        reads_input |= !strcmp(cli_list_text(&options->words, i), "-");
    if (reads_input || options->show_files || options->diff) {
        fprintf(stderr, "aklint: --watch and %s contradict each other\n",
                options->diff         ? "--diff"
                : options->show_files ? "--show-files"
                                      : "standard input");
        return 2;
    }
    return cli_watch(argc, argv);
}

/* Else the C library keeps room for the largest text that each thread ever read: a megabyte and more
 * on a large tree. A run that checks once does not want it; one that checks again does. */
static void bound_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

static int run(const CliOptions *options, int argc, char **argv)
{
    int status;

    if (options->version || options->command == CLI_VERSION) {
        printf("aklint %s\n", ak_version());
        return 0;
    }
    if (options->help) {
        cli_options_help(options->command, options->command == CLI_CHECK && !options->named,
                         stdout);
        return 0;
    }
    switch (options->command) {
    case CLI_RULES: return cli_rules(options);
    case CLI_EXPLAIN: return cli_explain(options);
    case CLI_CONTEXTS: return cli_contexts(options);
    case CLI_GRAPH: return cli_graph(options);
    case CLI_CONFIG: return cli_config(options);
    case CLI_LSP: return cli_lsp(options);
    case CLI_CLEAN: return cli_clean(options);
    case CLI_MANUAL: return cli_manual(options);
    case CLI_HELP: return help(options);
    default: break;
    }
    status = options->named ? 0 : misspelt(options);
    if (status)
        return status;
    if (options->watch)
        return watch(options, argc, argv);
    bound_memory();
    return cli_check(options);
}

int main(int argc, char **argv)
{
    CliOptions options;
    int status = 2;

    if (!cli_paths_start())
        fputs("aklint: the working folder is gone\n", stderr);
    else if (cli_options_read(&options, argc, argv) == 0)
        status = run(&options, argc, argv);
    cli_forget();
    return status;
}
