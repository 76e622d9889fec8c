/* Workers that are stopped without time for their activities. */
#include "rule.h"

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        const AkModule *module = call->fn->unit->module;

        if (call->kind != AK_CALL_PLAIN || !ak_calls(call, "temporalio.worker.Worker") ||
            module->is_test || ak_module_has(module, "add_signal_handler") ||
            ak_module_has(module, "SIGTERM") ||
            ak_argument(pass, call, "graceful_shutdown_timeout", -1).given != AK_ABSENT ||
            ak_argument(pass, call, "activities", -1).given == AK_ABSENT)
            continue;
        ak_report_call(pass, call, 0, "this worker gives its activities no time to finish");
    }
}

const AkRule ak_rule_AK702 = {
    .id = "AK702",
    .name = "no-graceful-shutdown",
    .level = AK_NOTE,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a worker is stopped without time for its activities",
    .why = "Each deployment stops workers. Without a graceful_shutdown_timeout running "
           "activities are cancelled at once and "
           "run again elsewhere; without handling of SIGTERM the process dies in the middle.",
    .instead = "Give graceful_shutdown_timeout=timedelta(…), and wait for a stop event inside "
               "async with worker:, set by "
               "loop.add_signal_handler(signal.SIGTERM, …).",
    .misses = "Signals that are handled in another file.",
    .fix = AK_FIX_NONE,
    .check = check,
};
