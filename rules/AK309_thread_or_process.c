/* Threads, pools and processes in workflow code. */
#include "rule.h"

#include <string.h>

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Asks or guards, starts nothing. The sandbox refuses them all the same. */
static bool starts_nothing(const char *dotted)
{
    static const char *const names[] = {"Lock",           "RLock",        "Event",
                                        "Condition",      "Semaphore",    "BoundedSemaphore",
                                        "Barrier",        "local",        "get_ident",
                                        "current_thread", "main_thread",  "active_count",
                                        "enumerate",      "get_native_id"};
    static const char module[] = "threading.";

    if (!begins_with(dotted, module))
        return false;
    dotted += sizeof(module) - 1;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        size_t len = strlen(names[i]);

        if (strncmp(dotted, names[i], len) == 0 && (!dotted[len] || dotted[len] == '.'))
            return true;
    }
    return false;
}

static bool is_program(const AkCall *call)
{
    return !ak_does(call, AK_THREAD) &&
           (begins_with(call->dotted, "subprocess.") ||
            begins_with(call->dotted, "os.system") || begins_with(call->dotted, "os.popen"));
}

static bool concerns(const AkPass *pass, const AkCall *call)
{
    if (!ak_does_any(call, AK_THREAD | AK_PROCESS) || is_program(call) ||
        ak_does(call, AK_ENV) || begins_with(call->dotted, "queue."))
        return false;
    /* A started program is a recorded call; so is a lock, which AK204 speaks of. */
    if (pass->dialect != AK_DIALECT_TEMPORAL &&
        (!ak_does(call, AK_THREAD) || starts_nothing(call->dotted)))
        return false;
    return ak_contexts_at(pass, call) & AK_CTX_WORKFLOW;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (concerns(pass, call))
            ak_report_call(pass, call, AK_CTX_WORKFLOW, "'%s' leaves the workflow's own thread",
                           call->dotted);
    }
}

const AkRule ak_rule_AK309 = {
    .id = "AK309",
    .name = "thread-or-process",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "workflow code starts threads or processes",
    .why =
        "The order in which threads and processes finish is not in the history, and what they "
        "do is not recorded: on replay they run again and finish in another order.",
    .instead = "Start several activities and wait for them with asyncio.gather, or use threads "
               "inside one activity.",
    .misses = "Packages that start threads inside.",
    .fix = AK_FIX_NONE,
    .check = check,
};
