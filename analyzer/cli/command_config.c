/* aklint config: the settings that hold for a path, and where each was said. */
#include "commands.h"
#include "config.h"
#include "paths.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

static void print_settings(const CliSettings *settings)
{
    printf("# %s\n",
           settings->file ? cli_path_shown(settings->file) : "no configuration file: defaults");
    for (CliKey key = CLI_EXTEND + 1; key < CLI_KEYS; key++) {
        CliBuf value = {0};
        cli_config_value(settings, key, &value);
        printf("%s = %s  # %s\n", cli_config_key(key), value.data ? value.data : "\"\"",
               settings->origin[key] ? settings->origin[key] : "default");
        cli_buf_free(&value);
    }
}

static int print_mistakes(const CliConfigs *configs)
{
    for (size_t i = 0; i < configs->mistakes.len; i++) {
        const CliMistakeAt *m = configs->mistakes.items[i];
        fprintf(stderr, "%s:%u:%u: error AK003 %s%s%s\n", cli_path_shown(m->place.path),
                m->place.line, m->place.column, m->message, *m->advice ? "; " : "", m->advice);
    }
    return configs->mistakes.len ? 2 : 0;
}

static int settings_for(const CliOptions *options, CliConfigs *configs,
                        const CliSettings **settings)
{
    const char *typed = options->words.len ? cli_list_text(&options->words, 0) : ".",
               *why = NULL;
    const char *path = cli_path_absolute(typed);
    struct stat st;

    *settings = cli_config_defaults();
    if (options->isolated)
        return 0;
    if (options->config) {
        *settings = cli_config_file(configs, cli_path_absolute(options->config), &why);
        return *settings ? 0 : fail(cli_keep_format("%s: %s", options->config, why));
    }
    if (stat(path, &st) < 0)
        return fail(cli_keep_format("%s: there is no such path", typed));
    *settings = cli_config_for(configs, S_ISDIR(st.st_mode) ? path : cli_path_folder(path));
    return 0;
}

int cli_config(const CliOptions *options)
{
    CliConfigs configs = {0};
    const CliSettings *settings;

    if (options->words.len > 1)
        return fail("config takes one path");
    if (options->config && options->isolated)
        return fail("--config and --isolated contradict each other");
    if (settings_for(options, &configs, &settings) != 0)
        return 2;
    print_settings(settings);
    return print_mistakes(&configs);
}
