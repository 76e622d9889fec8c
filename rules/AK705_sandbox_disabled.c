/* Workflows that run without the SDK's sandbox. */
#include "rule.h"

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->class_len; i++) {
        const AkClass *class_ = pass->classes[i];
        AkArgument given;

        if (!class_->is_workflow || !class_->workflow_defn || class_->unit->module->is_test ||
            ak_expr(class_->unit->facts, class_->workflow_defn)->kind != AK_X_CALL)
            continue;
        given = ak_argument_at(pass, class_->unit, class_->workflow_defn, "sandboxed", -1);
        if (given.given == AK_GIVEN &&
            ak_value(pass, given.unit, given.expr).kind == AK_V_FALSE)
            ak_report_class(pass, class_, "workflow '%s' runs without the sandbox",
                            class_->name);
    }
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->kind != AK_CALL_PLAIN || call->fn->unit->module->is_test)
            continue;
        if (ak_calls(call, "temporalio.worker.UnsandboxedWorkflowRunner"))
            ak_report_call(pass, call, 0,
                           "all workflows of this worker run without the sandbox");
        else if (ak_calls(call, "temporalio.worker.workflow_sandbox.SandboxRestrictions.with_"
                                "passthrough_all_modules") ||
                 ak_calls(call, "temporalio.worker.workflow_sandbox.SandboxRestrictions."
                                "default.with_passthrough_all_modules"))
            ak_report_call(pass, call, 0, "the sandbox lets all modules through");
    }
}

const AkRule ak_rule_AK705 = {
    .id = "AK705",
    .name = "sandbox-disabled",
    .level = AK_NOTE,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflows run without the sandbox",
    .why = "Nothing refuses clocks, random numbers and files at run time then, and module "
           "state is shared by all workflows "
           "of the process. What is left is this check.",
    .instead = "Pass single modules through: with workflow.unsafe.imports_passed_through(): "
               "import …, or "
               "SandboxRestrictions.default.with_passthrough_modules(\"…\").",
    .misses = "Restrictions that are lifted one by one.",
    .fix = AK_FIX_NONE,
    .check = check,
};
