/* `ak`: durable Python programs, run so that each step survives a crash. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "exit_codes.h"
#include "filter_word.h"
#include "zygote.h"

static const AkCmd *const commands[] = {&ak_cmd_init,       &ak_cmd_run,     &ak_cmd_test,
                                        &ak_cmd_deploy,     &ak_cmd_serve,   &ak_cmd_session,
                                        &ak_cmd_deployment, &ak_cmd_trigger, &ak_cmd_event,
                                        &ak_cmd_var,        &ak_cmd_store,   &ak_cmd_manifest,
                                        &ak_cmd_worker,     &ak_cmd_config,  &ak_cmd_doctor,
                                        &ak_cmd_completion, &ak_cmd_manual,  NULL};

static int root(const AkArgs *args)
{
    if (ak_args_switch(args, "version")) {
        puts(ak_args_json(args) ? "{\"version\": \"" AK_VERSION "\"}" : "ak " AK_VERSION);
        return AK_EXIT_OK;
    }
    return ak_usage_error("a command is missing; see ak --help");
}

static const AkFlag root_flags[] = {
    {"version", 0, AK_FLAG_SWITCH, NULL, "print the version"},
    {0},
};

static const AkCmd ak = {
    .name = "ak",
    .summary = "runs durable Python programs: each step recorded, each crash survived",
    .flags = root_flags,
    .children = commands,
    .run = root,
};

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], AK_ZYGOTE_WORD))
        return ak_zygote_main(argc, argv);
    if (argc > 1 && !strcmp(argv[1], AK_FILTER_WORD))
        return ak_filter_main(argc, argv);
    return ak_cli_main(&ak, argc, argv);
}
