#define _GNU_SOURCE
#include "migrate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "exit_codes.h"
#include "members.h"

enum { PATIENCE_S = 60, PAUSE_US = 100000 };

/* --- Showing
 * --------------------------------------------------------------------------------------- */

static void show_place(char sign, const json_t *step, const json_t *place)
{
    printf("  %c %4lld  %s  %s:%lld\n", sign,
           (long long)json_integer_value(json_object_get(step, "seq")),
           ak_member_text(place, "name"), ak_member_text(place, "file"),
           (long long)json_integer_value(json_object_get(place, "line")));
}

/* A step that is the same is one line, with the place it has in the new code. */
static void show_step(const json_t *step)
{
    const json_t *recorded = json_object_get(step, "recorded"),
                 *now = json_object_get(step, "now");
    const char *result = ak_member_text(step, "result");

    if (!strcmp(result, "same")) {
        show_place(' ', step, now);
    } else if (!strcmp(result, "other arguments")) {
        show_place('~', step, now);
    } else {
        show_place('-', step, recorded);
        if (now)
            show_place('+', step, now);
    }
}

static bool agrees(const json_t *row)
{
    return !strcmp(ak_member_text(row, "result"), "agrees");
}

static void show(const json_t *row)
{
    size_t i, same = 0, other = 0;
    json_t *step;

    json_array_foreach(json_object_get(row, "steps"), i, step)
    {
        same += !strcmp(ak_member_text(step, "result"), "same");
        other += !strcmp(ak_member_text(step, "result"), "other arguments");
    }
    printf("[plan] session %s (%s): %s", ak_member_text(row, "session_id"),
           ak_member_text(row, "entry"), ak_member_text(row, "result"));
    if (agrees(row))
        printf(" in %zu step%s%s\n", same + other, same + other == 1 ? "" : "s",
               other ? ", some with other arguments (~)" : "");
    else
        printf("%s%s\n", *ak_member_text(row, "words") ? ": " : "",
               ak_member_text(row, "words"));
    if (!agrees(row) || other)
        json_array_foreach(json_object_get(row, "steps"), i, step) show_step(step);
}

/* How many would not go on as recorded. */
static size_t show_all(const json_t *rows, bool quiet)
{
    size_t i, wrong = 0;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        wrong += !agrees(row);
        if (!quiet)
            show(row);
    }
    fflush(stdout);
    return wrong;
}

static int judge(const AkArgs *args, const json_t *rows)
{
    size_t wrong = show_all(rows, ak_args_json(args));

    if (!wrong)
        return 0;
    return ak_say_error(AK_EXIT_REFUSED,
                        "%zu of %zu live sessions would not go on as recorded; deploy without "
                        "--migrate to let them end on the code they began with",
                        wrong, json_array_size(rows));
}

int ak_migrate_look(const AkArgs *args, AkHome *home, AkGate *gate, json_t **rows)
{
    int code = ak_gate_dryrun(home, gate, NULL, rows);

    return code ? code : judge(args, *rows);
}

/* --- Moving
 * ---------------------------------------------------------------------------------------- */

static void drop(json_t *rows, const json_t *ids)
{
    size_t i, k;
    json_t *id;

    json_array_foreach(
        ids, i,
        id) for (k = json_array_size(rows);
                 k-- > 0;) if (!strcmp(ak_member_text(json_array_get(rows, k), "session_id"),
                                       json_string_value(id))) json_array_remove(rows, k);
}

/* Those that went on, once more: what has ended meanwhile is not among them any more. */
static int look_again(const AkArgs *args, AkHome *home, AkGate *gate, const json_t *changed,
                      json_t *rows)
{
    json_t *fresh = NULL;

    usleep(PAUSE_US);
    drop(rows, changed);
    int code = ak_gate_dryrun(home, gate, changed, &fresh);
    if (!code)
        code = judge(args, fresh);
    if (!code)
        json_array_extend(rows, fresh);
    json_decref(fresh);
    return code;
}

int ak_migrate_deploy(const AkArgs *args, AkHome *home, AkGate *gate, json_t *request,
                      json_t *rows, json_t **answer)
{
    int64_t end = ak_loop_now().mono_us + PATIENCE_S * INT64_C(1000000);

    json_object_set(request, "migrate", rows);
    for (;;) {
        json_t *got = NULL;
        int code = ak_admin_ask(args, request, &got);
        json_t *changed = json_object_get(got, "changed");
        if (!changed) {
            *answer = got;
            return code;
        }
        if (ak_loop_now().mono_us > end)
            code = ak_say_error(AK_EXIT_REFUSED,
                                "session %s does not come to rest; stop it, or try again later",
                                json_string_value(json_array_get(changed, 0)));
        else
            code = look_again(args, home, gate, changed, rows);
        json_decref(got);
        if (code)
            return code;
    }
}
