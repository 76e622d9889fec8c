/* Search attributes without types, or forgotten where the project searches by them. */
#include "rule.h"

#include <string.h>

/* Attributes that every workflow has. */
static const char *const system_attributes[] = {"BuildIds",
                                                "CloseTime",
                                                "ExecutionDuration",
                                                "ExecutionStatus",
                                                "ExecutionTime",
                                                "HistoryLength",
                                                "HistorySizeBytes",
                                                "ParentWorkflowId",
                                                "RootWorkflowId",
                                                "RunId",
                                                "StartTime",
                                                "StateTransitionCount",
                                                "TaskQueue",
                                                "TemporalChangeVersion",
                                                "TemporalReportedProblems",
                                                "TemporalScheduledById",
                                                "TemporalScheduledStartTime",
                                                "WorkflowId",
                                                "WorkflowType"};

static bool is_system(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(system_attributes) / sizeof(*system_attributes); i++)
        if (strlen(system_attributes[i]) == len && memcmp(system_attributes[i], name, len) == 0)
            return true;
    return false;
}

/* The first word of the query that is compared and is no attribute of the system. */
static bool asks_for_own(const char *query)
{
    for (const char *at = query; *at;) {
        size_t len =
            strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

        if (!len) {
            at++;
            continue;
        }
        const char *after = at + len + strspn(at + len, " ");
        if (strchr("=<>!", *after) && *after && !is_system(at, len))
            return true;
        at += len;
    }
    return false;
}

static bool project_searches(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        AkArgument query;
        const char *text;

        if (call->kind != AK_CALL_PLAIN ||
            (!ak_calls(call, "temporalio.client.Client.list_workflows") &&
             !ak_calls(call, "temporalio.client.Client.count_workflows")))
            continue;
        query = ak_argument(pass, call, "query", 0);
        text = query.given == AK_GIVEN ? ak_string(pass, query.unit, query.expr) : NULL;
        if (text && asks_for_own(text))
            return true;
    }
    return false;
}

static bool is_dict(AkPass *pass, const AkArgument *given)
{
    return given->given == AK_GIVEN &&
           ak_value(pass, given->unit, given->expr).kind == AK_V_DICT;
}

static bool takes_attributes(const AkCall *call)
{
    const char *name = ak_workflow_name(call);

    return ak_starts(call) || (name && strcmp(name, "continue_as_new") == 0) ||
           ak_calls(call, "temporalio.client.ScheduleActionStartWorkflow");
}

static void check_call(AkPass *pass, const AkCall *call, bool searches)
{
    bool upsert = ak_calls(call, "temporalio.workflow.upsert_search_attributes");
    AkArgument given;

    if (!upsert && !takes_attributes(call))
        return;
    given = upsert ? ak_argument(pass, call, "attributes", 0)
                   : ak_argument(pass, call, "search_attributes", -1);
    if (is_dict(pass, &given))
        ak_report_call(pass, call, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                       "'%s' gets search attributes in a dict without types",
                       ak_callee_text(pass, call));
    else if (searches && ak_starts(call) & AK_STARTS_WORKFLOW && given.given == AK_ABSENT)
        ak_level(
            ak_report_call(pass, call, 0,
                           "'%s' gives no search attributes, and the project searches by them",
                           ak_callee_text(pass, call)),
            AK_NOTE);
}

static void check(AkPass *pass)
{
    bool searches = project_searches(pass);

    for (size_t i = 0; i < pass->call_len; i++)
        if (pass->calls[i]->kind == AK_CALL_PLAIN && pass->calls[i]->dotted)
            check_call(pass, pass->calls[i], searches);
}

const AkRule ak_rule_AK701 = {
    .id = "AK701",
    .name = "search-attributes",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "search attributes are given without types",
    .why = "The dict is deprecated: the SDK guesses types from values and warns, and a wrong "
           "guess is refused by the "
           "server. Workflows started without the attributes that the project searches by are "
           "not found.",
    .instead = "Give "
               "TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword("
               "\"CustomerId\"), id)]), "
               "from temporalio.common.",
    .misses = "Queries that are built when the line runs.",
    .fix = AK_FIX_NONE,
    .check = check,
};
