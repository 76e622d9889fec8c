/* rule.h: what a rule is, and what it may ask. The only header that a rule includes.
 *
 *     static void check(AkPass *pass)
 *     {
 *         for (size_t i = 0; i < pass->call_len; i++) {
 *             const AkCall *call = pass->calls[i];
 *             if (ak_does(call, AK_SLEEP) && ak_contexts_at(pass, call) & AK_CTX_WORKFLOW)
 *                 ak_report_call(pass, call, AK_CTX_WORKFLOW, "'%s' blocks the workflow", call->dotted);
 *         }
 *     }
 *
 * A check runs once for each rule book (AkPass.dialect) that the rule names and the run holds.
 * It sees the functions, calls, classes and modules for which that book holds, with the contexts
 * they have under it: a helper reached from a Temporal activity and from an `ak` handler is an
 * activity under one and an entry under the other. A rule for all books that finds the same
 * cause twice is shown once.
 *
 * A check does not worry about: silencing comments, chosen rules, order, doubles, trails, code
 * under `if TYPE_CHECKING` (it has no contexts), files that are known but not to be reported on.
 */
#ifndef AK_RULE_H
#define AK_RULE_H

#include "distance.h"
#include "program.h"
#include "temporal.h"

#if defined(__GNUC__)
#define AK_FORMAT(at, first) __attribute__((format(printf, at, first)))
#else
#define AK_FORMAT(at, first)
#endif

typedef struct AkPass AkPass;

struct AkRule {
    const char *id, *name;
    AkLevel level; /* of a proved finding; a guessed one is a warning at most */
    unsigned dialects;
    const char *since;
    const char *summary; /* one line */
    const char *why, *instead, *misses;
    AkFixKind fix;
    void (*check)(AkPass *pass);
};

enum { AK_DIALECTS_ALL = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH | AK_DIALECT_TEMPORAL };

/* Generated at build time from rules/ and tests/fixtures/<id>/example.txtar; sorted by id. */
typedef struct AkRuleExample {
    const char *id;
    const unsigned char *text;
    size_t len;
} AkRuleExample;
extern const AkRule *const ak__rules[];
extern const size_t ak__rule_len;
extern const AkRuleExample ak__rule_examples[];
/* docs/pitfalls_head.md: how the page of all rules opens. */
extern const unsigned char ak__rules_head[];
extern const size_t ak__rules_head_len;

/* ---- The tables ---- */

struct AkPass {
    AkDialect dialect; /* the one rule book of this pass */
    const AkRule *rule;
    const AkKnowledge *knowledge;

    /* Code for which the book holds, in the order of paths and texts. */
    const AkModule *const *modules;
    const AkFunction *const *functions; /* lambdas and top-level code too */
    const AkCall *const *calls;         /* of those functions, all kinds */
    const AkClass *const *classes;
    size_t module_len, function_len, call_len, class_len;

    const AkEntry *entries;
    const AkManifest *manifests;
    size_t entry_len, manifest_len;

    struct AkProgram *program; /* not for rules */
    const struct AkIndex *index;
};

/* The functions in a class's own body, and the calls of an external name (ak_calls() is true of
 * each), of those above and in their order. */
typedef struct AkFunctionList {
    const AkFunction *const *items;
    size_t len;
} AkFunctionList;
typedef struct AkCallList {
    const AkCall *const *items;
    size_t len;
} AkCallList;
typedef struct AkLoopList {
    const AkLoop *const *items;
    size_t len;
} AkLoopList;
AkFunctionList ak_own_functions(const AkPass *pass, const AkClass *class_);
AkCallList ak_calls_of(const AkPass *pass, const char *dotted);
/* `for` loops and the clauses of comprehensions whose iterated expression the function itself evaluates. */
AkLoopList ak_loops_of(const AkPass *pass, const AkFunction *fn);

/* Contexts: bits of AkContext. A call's are those of its function that get past the guards
 * around the place (`if workflow.in_workflow()`, `not is_replaying()`, an except branch that
 * only runs outside a workflow). 0: nothing is known to run it. */
unsigned ak_contexts(const AkPass *pass, const AkFunction *fn);
unsigned ak_contexts_at(const AkPass *pass, const AkCall *call);
unsigned ak_contexts_of(const AkPass *pass, const AkFunction *fn, AkStmtId stmt);

/* The first expression of a function's text; those up to its fact's end follow. */
AkExprId ak_first_expr(const AkFunction *fn);

/* What the settings let pass; 0: as the rule says. */
AkBudgets ak_budgets(const AkPass *pass);

/* Whether the callee has all (any) of these effects. False when nothing is known of it. */
bool ak_does(const AkCall *call, AkEffects effects);
bool ak_does_any(const AkCall *call, AkEffects effects);
/* Whether code of these contexts of Temporal's is all that gets there. */
bool ak_only_in(const AkCall *call, unsigned contexts);
/* Whether the callee is that external name, after aliases: ak_calls(call, "asyncio.wait"). */
bool ak_calls(const AkCall *call, const char *dotted);

/* Whether the call runs whenever the way shown for the context is taken to it: none of its steps
 * stands in an except branch, nor below a test or a loop of a function that is called. */
bool ak_surely_runs(const AkPass *pass, const AkCall *call, unsigned context);
/* The outermost call of the way shown for the context: in the root's own text, or in that of the module
 * that is imported last. The call itself when nothing lies between. */
const AkCall *ak_way_in(const AkPass *pass, const AkCall *call, unsigned context);
/* Whether the way shown for the context leads to the function over methods of the root's own `self`
 * (`self.m()`, `self.part.m()`, `super().m()`, functions nested in those), so that its `self` is, or
 * belongs to, the object that the root was called on. */
bool ak_keeps_self(AkPass *pass, const AkFunction *fn, unsigned context);

/* ---- Values ---- */

/* What an expression may be; asked as often as one likes. */
AkValues ak_values(AkPass *pass, const AkUnit *unit, AkExprId expr);
/* The one thing it is, or a value of AK_V_UNKNOWN when it is several or not known. */
AkValue ak_value(AkPass *pass, const AkUnit *unit, AkExprId expr);
/* One of the kind among what it may be, or NULL. */
const AkValue *ak_value_of_kind(AkPass *pass, const AkUnit *unit, AkExprId expr,
                                AkValueKind kind);
/* What a name of the scope means there: parameters, closures, globals, builtins. */
AkValues ak_lookup(AkPass *pass, const AkUnit *unit, AkScopeId scope, const char *name);
/* The attribute of a value, through base classes and imports. */
AkValues ak_attribute(AkPass *pass, const AkValue *value, const char *name);
/* Constants, folded: strings joined by + and f-strings of constants, numbers with + - * / and
 * minus, timedelta(…) as seconds (also hours * n, a + b). False or NULL when not constant. */
const char *ak_string(AkPass *pass, const AkUnit *unit, AkExprId expr);
bool ak_number(AkPass *pass, const AkUnit *unit, AkExprId expr, double *out);
bool ak_seconds(AkPass *pass, const AkUnit *unit, AkExprId expr, double *out);
/* How a value reads in a message: "datetime.datetime.now", "Order.run", "lambda"; never NULL. */
const char *ak_describe(AkPass *pass, const AkValue *value);

/* Whether the class is, or derives from, the external class of that name; AK_MAYBE when a base
 * is not known. */
typedef enum AkAnswer { AK_NO, AK_YES, AK_MAYBE } AkAnswer;
AkAnswer ak_derives(AkPass *pass, const AkClass *class_, const char *dotted);
/* The method that a name means on an instance: the class's own or the next base's; or NULL. */
const AkFunction *ak_method(AkPass *pass, const AkClass *class_, const char *name);

/* Whether the call crosses a boundary where arguments and results are pickled or serialized: a
 * recorded call or an activity of an `ak` program, an activity, child workflow or message started
 * from a Temporal workflow. False where nothing durable runs it. */
bool ak_crosses(const AkPass *pass, const AkCall *call);

/* Whether the SDK's sandbox watches the function when a workflow runs it: its module is not passed
 * through, its workflow not `sandboxed=False`. */
bool ak_is_sandboxed(AkPass *pass, const AkFunction *fn);
/* Whether the workers' workflows share the module: passed through, or imported by one that is. */
bool ak_is_passed_through(AkPass *pass, const AkModule *module);

/* Whether sessions that run the module's code are recorded: always, but in the hosted service's
 * dialect when all triggers of the project around it are not durable. */
bool ak_is_durable(const AkPass *pass, const AkModule *module);

/* A call that the function comes to make, itself or through what it calls outside activities, and
 * that the test accepts; the shortest way. NULL if there is none. Code under other contexts than
 * these does not count (0: all do). */
typedef bool (*AkCallTest)(const AkPass *pass, const AkCall *call);
const AkCall *ak_leads_to(const AkPass *pass, const AkFunction *fn, unsigned contexts,
                          AkCallTest test);

/* ---- Arguments ---- */

typedef enum AkGiven {
    AK_ABSENT,      /* not given */
    AK_GIVEN,       /* unit and expr: the value */
    AK_MAYBE_GIVEN, /* a `*x` or `**x` that cannot be seen through may hold it */
} AkGiven;

typedef struct AkArgument {
    AkGiven given;
    const AkUnit *unit;
    AkExprId expr;
    bool by_keyword;
} AkArgument;

/* The argument of that keyword or position (-1: by keyword only). `**x` is followed into dict
 * literals, dict(…) and constants; positions count what the caller writes, without self. call is
 * of kind AK_CALL_PLAIN or AK_CALL_INIT. */
AkArgument ak_argument(AkPass *pass, const AkCall *call, const char *keyword, int position);
AkArgument ak_argument_at(AkPass *pass, const AkUnit *unit, AkExprId call, const char *keyword,
                          int position);
/* Plain arguments in order: how many, and whether a `*x` makes the number unknown. */
size_t ak_positional_count(const AkCall *call, bool *unsure);

/* ---- Places and text ---- */

/* The text of an expression; not zero-ended. */
const char *ak_text(const AkUnit *unit, AkExprId expr, size_t *len);
/* The call's callee, as written; "" for implicit kinds. */
const char *ak_callee_text(AkPass *pass, const AkCall *call);
/* Whether the statement stands below the other (or is it). */
bool ak_inside(const AkFacts *facts, AkStmtId stmt, AkStmtId around);
/* The function in whose body the expression runs. */
const AkFunction *ak_function_of(const AkUnit *unit, AkExprId expr);
/* A value of the map, by key; NULL if it is none or lacks the key. */
const AkNode *ak_node_get(const AkNode *map, const char *key);

/* ---- Reporting ----
 *
 * The message is one sentence about the user's code, without a period. context is the one that
 * makes it a finding (one bit of AkContext, or 0): it chooses the trail. Nothing returns NULL.
 */
typedef struct AkReport AkReport;

AkReport *ak_report_call(AkPass *pass, const AkCall *call, unsigned context, const char *format,
                         ...) AK_FORMAT(4, 5);
AkReport *ak_report_expr(AkPass *pass, const AkFunction *fn, AkExprId expr, unsigned context,
                         const char *format, ...) AK_FORMAT(5, 6);
AkReport *ak_report_stmt(AkPass *pass, const AkFunction *fn, AkStmtId stmt, unsigned context,
                         const char *format, ...) AK_FORMAT(5, 6);
/* At its name, or at `lambda`. */
AkReport *ak_report_function(AkPass *pass, const AkFunction *fn, unsigned context,
                             const char *format, ...) AK_FORMAT(4, 5);
AkReport *ak_report_class(AkPass *pass, const AkClass *class_, const char *format, ...)
    AK_FORMAT(3, 4);
/* Any bytes of a block, from its start. */
AkReport *ak_report_bytes(AkPass *pass, const AkFunction *fn, uint32_t start, uint32_t end,
                          unsigned context, const char *format, ...) AK_FORMAT(6, 7);
AkReport *ak_report_module(AkPass *pass, const AkModule *module, uint32_t start, uint32_t end,
                           const char *format, ...) AK_FORMAT(5, 6);
AkReport *ak_report_node(AkPass *pass, const AkManifest *manifest, const AkNode *node,
                         const char *format, ...) AK_FORMAT(4, 5);
/* Where the entry is named: in the manifest; else at the function. */
AkReport *ak_report_entry(AkPass *pass, const AkEntry *entry, const char *format, ...)
    AK_FORMAT(3, 4);

/* The level is this one, if the rule's own is louder or not the same. */
void ak_level(AkReport *report, AkLevel level);
/* Guessed: "likely", and a warning at most. */
void ak_likely(AkReport *report);
/* What to write instead, one line; the rule's `instead` stands if none is given. */
void ak_advice(AkReport *report, const char *format, ...) AK_FORMAT(2, 3);
/* What the fingerprint is made of beside rule and function; the message if none is given. */
void ak_sink(AkReport *report, const char *sink);
/* A step behind those of the trail: where the effect at the end lies, or what a place means. */
void ak_step(AkReport *report, const AkUnit *unit, AkExprId expr, const char *format, ...)
    AK_FORMAT(4, 5);
/* Moves the finding to the place where a project call leads to: for what is reported at the call
 * and explained at its target, the trail from target's contexts goes on to the end. */
void ak_step_call(AkReport *report, const AkCall *call);

/* A fix: first its kind and what it does, then its edits. A fix whose kind is AK_FIX_NONE is
 * dropped. */
void ak_fix(AkReport *report, AkFixKind kind, const char *format, ...) AK_FORMAT(3, 4);
void ak_fix_replace(AkReport *report, const AkUnit *unit, AkExprId expr, const char *text);
void ak_fix_bytes(AkReport *report, const AkUnit *unit, uint32_t start, uint32_t end,
                  const char *text);
void ak_fix_node(AkReport *report, const AkManifest *manifest, const AkNode *node,
                 const char *text);
/* Makes `module` (name NULL) or a name of it usable in the file: adds an import when there is
 * none and gives the text to write for it ("workflow", "wf"). NULL: not possible here. */
const char *ak_fix_import(AkReport *report, const char *module, const char *name);
/* Writes that import and tail in place of the callee: ("temporalio", "workflow", ".now"). What
 * temporalio.workflow offers is written only where it works. */
void ak_fix_callee(AkReport *report, const AkCall *call, const char *module, const char *name,
                   const char *tail);

#endif
