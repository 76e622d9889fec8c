/* Projects whose workflows say nothing of themselves, and loggers that are replaced. */
#include "rule.h"

#include <string.h>

static void check_assignments(AkPass *pass, const AkUnit *unit)
{
    const AkFacts *facts = unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);

        if (expr->kind != AK_X_ATTRIBUTE || !(expr->flags & AK_XF_STORE) ||
            strcmp(ak_name(facts, expr->name), "logger") != 0)
            continue;
        AkValue object = ak_value(pass, unit, ak_kid(facts, expr->kids, 0));
        if (object.kind != AK_V_EXTERNAL || strcmp(object.dotted, "temporalio.workflow") != 0)
            continue;
        AkReport *report = ak_report_expr(pass, ak_function_of(unit, i), i, 0,
                                          "the SDK's workflow.logger is replaced");
        ak_level(report, AK_WARNING);
        ak_advice(report,
                  "Use workflow.logger as it is, or a LoggerAdapter of your own beside it.");
    }
}

static bool is_observed(const AkPass *pass)
{
    static const char *const signs[] = {"workflow.logger", "TelemetryConfig",
                                        "interceptors=", "metric_meter", "import logger"};

    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
        if (ak_text_has(pass, AK_IN_OTHERS, signs[i]))
            return true;
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->module_len; i++)
        for (size_t k = 0; k < pass->modules[i]->unit_len; k++)
            check_assignments(pass, pass->modules[i]->units[k]);
    if (is_observed(pass))
        return;
    for (size_t i = 0; i < pass->class_len; i++) {
        const AkClass *class_ = pass->classes[i];

        if (!class_->is_workflow || class_->unit->module->is_test ||
            class_->unit->module->use != AK_REPORT)
            continue;
        ak_level(ak_report_class(
                     pass, class_,
                     "neither '%s' nor any other workflow logs, measures or is intercepted",
                     class_->name),
                 AK_NOTE);
        return;
    }
}

const AkRule ak_rule_AK703 = {
    .id = "AK703",
    .name = "unobserved-workflow",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "no workflow of the project can be observed, or its logger is replaced",
    .why = "A workflow runs for days in processes that nobody watches. The SDK's logger knows "
           "the run and keeps quiet on "
           "replay; a logger put in its place does neither.",
    .instead = "Log with workflow.logger, and give the runtime a TelemetryConfig or the worker "
               "interceptors.",
    .misses = "Observation that is set up outside the checked files. The absence is said once "
              "for a run, as a note.",
    .fix = AK_FIX_NONE,
    .check = check,
};
