/* temporal.h: what rules about Temporal programs share. Part of rule.h.
 *
 * Bodies: a statement belongs to the function whose scope it has; statements of functions and
 * classes nested in it do not. State: the attributes of a workflow's `self`.
 */
#ifndef AK_TEMPORAL_H
#define AK_TEMPORAL_H

#include "program.h"
#include "sdk_names.h"

struct AkPass;

/* ---- Commands ---- */

typedef enum AkStarterKind {
    AK_STARTS_ACTIVITY = 1 << 0,
    AK_STARTS_CHILD = 1 << 1,
    AK_STARTS_LOCAL = 1 << 2,    /* an activity, in the worker of the workflow */
    AK_STARTS_WORKFLOW = 1 << 3, /* from a client */
    AK_STARTS_HANDLE = 1 << 4,   /* gives a handle; else what the thing returned */
} AkStarterKind;

/* What the call starts: bits of AkStarterKind, 0 for none. Plain calls only. */
unsigned ak_starts(const AkCall *call);
/* The function that runs then: an activity's body, a workflow's run method. Also by the name in a
 * string, if one function of the run has it. NULL when not known. */
const AkFunction *ak_started(struct AkPass *pass, const AkCall *call);
/* Name under which an activity, handler or workflow is known to the server; NULL if not constant. */
const char *ak_defined_name(struct AkPass *pass, const AkFunction *fn);
/* Whether the call asks the server for something that is awaited: an activity, a child workflow, a timer,
 * a message, a condition. */
bool ak_is_command(const AkCall *call);
/* Whether the SDK refuses the call in a query or a validator. */
bool ak_is_guarded(const AkCall *call);
/* The name behind "temporalio.workflow.", or NULL. */
const char *ak_workflow_name(const AkCall *call);

/* ---- Reach ---- */

typedef bool (*AkIsCall)(const AkCall *call, void *arg);
/* The first call that is one, in the function or in what it calls, a few deep; NULL if none.
 * Functions nested in it count, as they run when it does or on its behalf. */
const AkCall *ak_reaches(struct AkPass *pass, const AkFunction *fn, AkIsCall is, void *arg);

/* ---- Bodies ---- */

/* Whether the statement, the expression is the function's own. */
bool ak_owns_stmt(const AkFunction *fn, AkStmtId stmt);
bool ak_owns_expr(const AkFunction *fn, AkExprId expr);
/* Whether the function has a statement of the kind below (or at) the other. */
bool ak_has_stmt(const AkFunction *fn, AkStmtId below, AkStmtKind kind);
/* The first call of fn below (or at) the statement that is one; NULL. */
const AkCall *ak_call_below(const AkFunction *fn, AkStmtId below, AkIsCall is, void *arg);
/* The try statement whose body holds the statement, innermost first: 0 when there is no more. */
AkStmtId ak_try_around(const AkFunction *fn, AkStmtId stmt);
/* The call at that place of the function, or NULL. */
const AkCall *ak_call_at(const AkFunction *fn, AkExprId expr);

/* ---- Classes and state ---- */

/* The class that a function belongs to: its own, or that of the method it is nested in. */
const AkClass *ak_owner(const AkFunction *fn);
/* The attribute's name if the expression is `self.name` in a method (or nested in one); NULL. */
const char *ak_self_attribute(const AkUnit *unit, AkExprId expr);
/* The `self.name` that a store or a change goes to: of `self.a`, `self.a[k]`, `self.a.b.c`; 0. */
AkExprId ak_self_root(const AkUnit *unit, AkExprId expr);
/* The change of workflow state that a call makes: the `self.x` whose mutating method is called.
 * *guessed: by the method's name alone. 0: none. */
AkExprId ak_mutates_state(struct AkPass *pass, const AkCall *call, bool *guessed);
/* Whether a function is a method (also inherited) of the class. */
bool ak_is_method_of(const AkFunction *fn, const AkClass *class_);
/* Parameters without self, `*args` and `**kwargs`; *least: those without a default; *any: has `*args`. */
size_t ak_params(const AkFunction *fn, size_t *least, bool *any);
/* The n-th of those, or NULL. */
const AkParam *ak_param_at(const AkFunction *fn, size_t n);
/* The decorator of fn that is (or calls) the external name, or 0. */
AkExprId ak_decorator(struct AkPass *pass, const AkFunction *fn, const char *dotted);

/* Whether the module has the name by imports under `if TYPE_CHECKING` only. */
bool ak_only_typed(struct AkPass *pass, const AkUnit *unit, const char *name);

/* An import of temporalio, at module level or deeper. */
typedef struct AkSdkImport {
    const char *module;  /* "temporalio.workflow" */
    const char *name;    /* what `from` takes; "" of a plain import */
    uint32_t start, end; /* bytes of the module: of the name, or of the module's own */
    bool optional;       /* may be left out: below a try or an if */
} AkSdkImport;
size_t ak_sdk_imports(struct AkPass *pass, const AkModule *module, AkSdkImport *out,
                      size_t room);

/* Whether the text of a module that the book holds for has the word anywhere; in tests too or only. */
typedef enum AkWhere { AK_IN_ANY, AK_IN_TESTS, AK_IN_OTHERS } AkWhere;
bool ak_text_has(const struct AkPass *pass, AkWhere where, const char *word);
bool ak_module_has(const AkModule *module, const char *word);

/* ---- The SDK's version ---- */

/* Versions that the project allows (AkOptions.sdk_version); all when it does not say. */
AkSdkVersions ak_sdk_pinned(const struct AkPass *pass);

#endif
