/* ak config: where settings lie, what they are, how to change one. */
#include "commands.h"

#include <jansson.h>
#include <stdio.h>

#include "config.h"
#include "exit_codes.h"

static int where(const AkArgs *args)
{
    if (ak_args_json(args))
        printf("{\"config\": \"%s\"}\n", ak_config_dir());
    else
        puts(ak_config_dir());
    return AK_EXIT_OK;
}

static int list(const AkArgs *args)
{
    char why[512];
    AkConfig *config = ak_config_load(why, sizeof why);

    if (!config)
        return ak_usage_error("%s", why);
    json_t *all = json_array();
    const AkSetting *s;
    for (size_t i = 0; (s = ak_config_at(config, i)); i++) {
        if (ak_args_json(args))
            json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:b}", "name", s->name,
                                                 "value", s->value, "meaning", s->meaning,
                                                 "set", s->from_file));
        else
            printf("%-18s %-14s %s%s\n", s->name, *s->value ? s->value : "-", s->meaning,
                   s->from_file ? " (set)" : "");
    }
    if (ak_args_json(args)) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(all);
    ak_config_free(config);
    return AK_EXIT_OK;
}

static int set(const AkArgs *args)
{
    char why[512];
    int failed =
        ak_config_set(ak_args_operand(args, 0), ak_args_operand(args, 1), why, sizeof why);

    if (failed == -2)
        return ak_say_error(AK_EXIT_NOT_FOUND, "%s", why);
    if (failed)
        return ak_usage_error("%s", why);
    if (ak_args_json(args)) {
        json_t *said = json_pack("{s:s, s:s}", "name", ak_args_operand(args, 0), "value",
                                 ak_args_operand(args, 1));
        json_dumpf(said, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(said);
    }
    return AK_EXIT_OK;
}

static const AkCmd cmd_where = {
    .name = "where", .summary = "print the directory of config.yaml", .run = where};
static const AkCmd cmd_list = {
    .name = "list", .summary = "print every setting, its value and its meaning", .run = list};
static const AkCmd cmd_set = {.name = "set",
                              .operands = "NAME VALUE",
                              .summary = "change one setting in config.yaml",
                              .min_operands = 2,
                              .max_operands = 2,
                              .run = set};
static const AkCmd *const children[] = {&cmd_where, &cmd_list, &cmd_set, NULL};

const AkCmd ak_cmd_config = {
    .name = "config", .summary = "settings of this installation", .children = children};
