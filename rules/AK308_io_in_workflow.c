/* Files, network, databases, subprocesses and input in workflow code. */
#include "rule.h"

#include <string.h>

static const AkEffects io = AK_FILE | AK_NETWORK | AK_DATABASE | AK_INPUT;

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Starting a program is I/O; what forks or makes pools of processes is AK309's. */
static bool runs_program(const AkCall *call)
{
    return ak_does(call, AK_PROCESS) && !ak_does(call, AK_THREAD) &&
           (begins_with(call->dotted, "subprocess.") || begins_with(call->dotted, "os.system") ||
            begins_with(call->dotted, "os.popen"));
}

/* `requests.Session()` reaches nothing yet; its methods do. */
static bool only_constructs(const AkCall *call)
{
    return ak_does(call, AK_CONSTRUCTOR) && !ak_does_any(call, AK_FILE | AK_DATABASE | AK_INPUT);
}

/* One finding for a file: where it is opened. */
static bool uses_open_file(const AkCall *call)
{
    return begins_with(call->dotted, "io.TextIOWrapper.");
}

/* Builtins and what C code calls back run unrecorded; every other call is recorded. */
static bool is_unrecorded(const AkCall *call)
{
    return begins_with(call->dotted, "builtins.") || call->kind == AK_CALL_CALLBACK ||
           call->kind == AK_CALL_DEFAULT;
}

static void check(AkPass *pass)
{
    bool temporal = pass->dialect == AK_DIALECT_TEMPORAL;

    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        AkReport *report;

        if (!(ak_does_any(call, io) || (temporal && ak_does(call, AK_PROCESS) && runs_program(call))))
            continue;
        if (!(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW) || only_constructs(call) ||
            uses_open_file(call) || (!temporal && !is_unrecorded(call)))
            continue;
        report = ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                temporal ? "'%s' reaches outside the workflow"
                                         : "'%s' is not recorded: a replay does it again",
                                call->dotted);
        if (!temporal)
            ak_level(report, AK_WARNING);
    }
}

const AkRule ak_rule_AK308 = {
    .id = "AK308",
    .name = "io-in-workflow",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code reads or writes outside: files, network, databases, programs",
    .why = "The answer may differ on replay, the effect happens again, and the wait holds the "
           "worker's thread. A program for our own runtime has its calls recorded, except "
           "builtins such as open and input.",
    .instead = "Do it in an activity and return what the workflow needs.",
    .misses = "Packages that are neither in the tables nor followed.",
    .fix = AK_FIX_NONE,
    .check = check,
};
