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
           (begins_with(call->dotted, "subprocess.") ||
            begins_with(call->dotted, "os.system") || begins_with(call->dotted, "os.popen"));
}

/* `requests.Session()` reaches nothing yet; its methods do. The sandbox refuses the standard
 * library's classes already when they are constructed. */
static bool only_constructs(const AkCall *call)
{
    return ak_does(call, AK_CONSTRUCTOR) &&
           !ak_does_any(call, AK_FILE | AK_DATABASE | AK_INPUT) &&
           !ak__is_stdlib(call->dotted, (uint32_t)strcspn(call->dotted, "."));
}

/* One finding for a cause: a file where it is opened, a program where it is started, an answer
 * where it is asked for; what tells of the machine is AK307's. */
static bool is_told_elsewhere(const AkPass *pass, const AkCall *call)
{
    char maker[256];
    const char *call_end = strstr(call->dotted, "().");
    const AkKnown *known;

    if (begins_with(call->dotted, "io.TextIOWrapper.") ||
        begins_with(call->dotted, "subprocess.Popen.") || ak_does(call, AK_ENV))
        return true;
    if (!call_end || (size_t)(call_end - call->dotted) >= sizeof(maker))
        return false;
    memcpy(maker, call->dotted, (size_t)(call_end - call->dotted));
    maker[call_end - call->dotted] = '\0';
    known = ak_known(pass->knowledge, maker);
    return known && known->effects & io && !(known->effects & AK_CONSTRUCTOR);
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

        if (!(ak_does_any(call, io) ||
              (temporal && ak_does(call, AK_PROCESS) && runs_program(call))))
            continue;
        if (!(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW) || only_constructs(call) ||
            is_told_elsewhere(pass, call) || (!temporal && !is_unrecorded(call)))
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
