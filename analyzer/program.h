/* program.h: the whole program, as rules see it.
 *
 * facts.h says what one block of text says; here is what it means together: which module a file
 * is, what a name stands for, which function a call reaches, in which contexts each function
 * runs and by which shortest way. The tables are complete when the first rule runs and do not
 * change afterwards. All of it lives as long as the check.
 *
 * Strings called an atom are interned: equal atoms are the same pointer.
 */
#ifndef AK_PROGRAM_H
#define AK_PROGRAM_H

#include "aklint.h"
#include "facts.h"
#include "knowledge.h"

typedef struct AkModule AkModule;
typedef struct AkUnit AkUnit;
typedef struct AkFunction AkFunction;
typedef struct AkClass AkClass;
typedef struct AkCall AkCall;

/* ---- Modules and their parsed blocks ---- */

struct AkModule {
    const char *path;
    const char *name; /* dotted, seen from the nearest folder that is no package; an atom. NULL
                         while nothing opened or imported it */
    const char *text; /* as parsed; NULL while nothing asked for it */
    const AkUnit *const *units; /* parsed blocks, in the order of the text */
    uint32_t unit_len, len;
    AkUse use;
    unsigned dialects; /* rule books that hold for its text: bits of AkDialect */
    bool is_package;   /* an __init__.py */
    bool is_test;      /* by its path: tests/, test_*.py, *_test.py, conftest.py */
    bool imports_temporal, imports_ak; /* itself, anywhere in its text */
};

/* One block that was parsed. Numbers of expressions, statements, … are those of its facts. */
struct AkUnit {
    AkModule *module;
    const AkFacts *facts;
    uint32_t start; /* where its bytes begin in the module's text */
    /* A member of a large class that was cut again: its outermost scope is that class's. */
    const AkClass *member_of;
    AkFunction *const
        *functions;           /* by number in facts; [0] is the block's own top-level code */
    AkClass *const *classes;  /* by number in facts */
    const char *const *atoms; /* names of the facts, interned */
};

/* ---- Values: what an expression may be ---- */

typedef enum AkValueKind {
    AK_V_UNKNOWN,
    AK_V_EXTERNAL, /* dotted: a module, function, class or constant that no file here defines */
    AK_V_RESULT,   /* dotted: an instance of that external class, or what that function returned
                    */
    AK_V_MODULE,   /* module */
    AK_V_FUNCTION, /* function; a lambda too. As an attribute of a class: not bound */
    AK_V_BOUND, /* function with its self: a method taken from an instance, or a class method */
    AK_V_CLASS, /* class_ */
    AK_V_INSTANCE,  /* class_ */
    AK_V_PARTIAL,   /* expr: the call of functools.partial */
    AK_V_COROUTINE, /* function: called, not awaited */
    AK_V_GENERATOR, /* function: a generator that was called; or expr: a generator expression */
    AK_V_STRING,    /* text; NULL when too long to be kept */
    AK_V_BYTES,
    AK_V_NUMBER, /* text: the literal; negative when expr is a minus */
    AK_V_TRUE,
    AK_V_FALSE,
    AK_V_NONE,
    AK_V_LIST, /* expr: a display or comprehension */
    AK_V_TUPLE,
    AK_V_SET,
    AK_V_DICT,
    AK_V_TYPED, /* expr: the annotation `list[X]` of a container whose items are X */
    AK_V_SUPER, /* class_: `super()` in a method of it */
} AkValueKind;

typedef struct AkValue {
    uint8_t kind; /* AkValueKind */
    bool guessed; /* one of several that depend on who calls, a default, or not sure at all */
    bool open;    /* INSTANCE, CLASS: perhaps of a class derived from it (self, annotations) */
    const char *dotted; /* EXTERNAL, RESULT: an atom */
    const char *text;   /* STRING, NUMBER: an atom */
    AkModule *module;
    AkFunction *function;
    AkClass *class_;
    const AkUnit *unit; /* where it is made, with expr; NULL if nowhere in particular */
    AkExprId expr;
} AkValue;

/* What it may be. Holds AK_V_UNKNOWN beside others when there may be more. Empty: never
 * anything (code that does not run). */
typedef struct AkValues {
    const AkValue *items;
    uint32_t len;
} AkValues;

/* ---- Functions and classes ---- */

typedef enum AkRole {
    AK_ROLE_RUN = 1 << 0, /* workflow.run */
    AK_ROLE_SIGNAL = 1 << 1,
    AK_ROLE_QUERY = 1 << 2,
    AK_ROLE_UPDATE = 1 << 3,
    AK_ROLE_VALIDATOR = 1 << 4,
    AK_ROLE_INIT = 1 << 5,      /* __init__ of a workflow class */
    AK_ROLE_ACTIVITY = 1 << 6,  /* activity.defn, autokitteh.activity */
    AK_ROLE_ENTRY = 1 << 7,     /* named as an entry point */
    AK_ROLE_NEXUS = 1 << 8,     /* a Nexus operation: runs as an activity does */
    AK_ROLE_MODULE = 1 << 9,    /* top-level code of a block */
    AK_ROLE_FIELDS = 1 << 10,   /* not written: evaluates the field defaults of a class */
    AK_ROLE_PROPERTY = 1 << 11, /* property, cached_property and their setters */
    AK_ROLE_STATIC = 1 << 12,
    AK_ROLE_CLASSMETHOD = 1 << 13,
    AK_ROLE_CONDITION = 1 << 14, /* given to workflow.wait_condition */
    AK_ROLE_INHIBIT = 1 << 15,   /* autokitteh.inhibit_activities */
    AK_ROLE_DYNAMIC_CONFIG = 1 << 16,
} AkRole;

enum {
    AK_ROLES_HANDLER =
        AK_ROLE_RUN | AK_ROLE_SIGNAL | AK_ROLE_QUERY | AK_ROLE_UPDATE | AK_ROLE_VALIDATOR
};

struct AkFunction {
    const AkUnit *unit;
    uint32_t index;        /* into unit->facts->functions; 0: top-level code of the block */
    const char *name;      /* "run", "<lambda>", "<module>", "<fields>"; an atom */
    const char *qualified; /* "Order.run", "outer.<locals>.inner"; of the module: "<module>" */
    AkClass *class_;       /* whose body defines it, or NULL */
    AkFunction *outer;     /* the function around it, or NULL */
    unsigned roles;        /* bits of AkRole */
    const AkCall *calls;   /* in the order of the text; empty if nothing reaches it */
    size_t call_len;
    bool analysed;         /* its calls are known */
    struct AkReach *reach; /* contexts and trails: ask ak_contexts, ak_trail */
};

/* Shorthand for its row of facts; the dummy row for top-level code. */
static inline const AkFunctionFact *ak_fact(const AkFunction *fn)
{
    return &fn->unit->facts->functions[fn->index];
}

struct AkClass {
    const AkUnit *unit;
    uint32_t index;   /* into unit->facts->classes */
    const char *name; /* an atom */
    const char *qualified;
    AkFunction *outer;      /* the function that defines it, or NULL: a local class */
    bool is_workflow;       /* workflow.defn, also through a decorator of the project */
    AkExprId workflow_defn; /* the decorator's expression, in unit; 0 if a project decorator
                               applies it */
    bool is_dataclass;      /* dataclass, attrs, pydantic model, NamedTuple: has fields */
    bool bases_known;       /* every base is a class of the project or `object` */
    AkClass *const *mro;    /* itself first, classes of the project only; C3 */
    size_t mro_len;
    const char *const
        *external_bases; /* dotted names of bases that are not here, of any depth */
    size_t external_base_len;
    const AkUnit *const *members; /* blocks of a class cut at its methods, parsed so far */
    size_t member_len;
    AkFunction *fields; /* AK_ROLE_FIELDS, or NULL */
};

/* ---- Calls ---- */

typedef enum AkCallKind {
    AK_CALL_PLAIN,     /* written as a call: expr is an AK_X_CALL */
    AK_CALL_CALLBACK,  /* expr is handed to via, which calls it: sorted(key=…), a project
                          function … */
    AK_CALL_DECORATOR, /* expr is a decorator that is applied */
    AK_CALL_PROPERTY,  /* expr is an attribute whose getter (setter) runs */
    AK_CALL_DEFAULT,   /* default_factory=… of a field: runs when the class is called */
    AK_CALL_INIT, /* expr calls a class: runs __init__, __new__, __post_init__, field defaults
                   */
    AK_CALL_OPERATOR, /* expr is an operator, comparison, subscript, f-string, …: runs method */
    AK_CALL_ITERATION, /* expr is iterated by for, unpacking, sorted, list, …: runs method */
    AK_CALL_WITH,      /* expr is a context manager */
    AK_CALL_AWAIT,     /* expr is awaited: __await__ */
    AK_CALL_IMPORT,    /* stmt imports callee.module, whose top-level code runs */
    AK_CALL_READ, /* no call: expr reads an external name that has effects: os.environ, sys.argv
                   */
} AkCallKind;

/* One row for each thing that a place may call; a place with several possible callees has
 * several rows. */
struct AkCall {
    AkFunction *fn;        /* in whose body it stands */
    AkExprId expr;         /* the place, in fn->unit */
    AkStmtId stmt;         /* the statement around it */
    uint8_t kind;          /* AkCallKind */
    bool awaited, dropped; /* see AkExprFlag */
    bool in_loop;          /* in the body of a loop or comprehension of fn */
    bool proved;           /* false: the callee was guessed */
    bool unresolved;       /* nothing is known of the callee */
    uint16_t mask;         /* contexts of fn that get here past guards: bits of AkContext */
    AkValue callee;
    const char *dotted; /* external callee: "time.time", "requests.Session.get",
                           "builtins.open"; or NULL */
    const AkKnown
        *known; /* what is known of dotted, conditions on arguments applied; or NULL */
    AkFunction
        *target; /* callee of the project; its body runs (a class: its __init__); or NULL */
    const char *method;      /* implicit kinds: "__getitem__", …; an atom, or NULL */
    AkExprId via;            /* CALLBACK, ITERATION: the call that does it, or 0 */
    struct AkUnless *unless; /* runs only where an argument of fn is missing; mostly NULL */
};

static inline const AkExpr *ak_call_expr(const AkCall *call)
{
    return &call->fn->unit->facts->exprs[call->expr];
}

/* ---- Entry points and manifests ---- */

typedef struct AkManifest {
    const char *path;
    const char *text;
    size_t len;
    const AkNode *root; /* NULL for an empty file */
} AkManifest;

typedef enum AkEntryOrigin {
    AK_ENTRY_MANIFEST, /* node in manifest */
    AK_ENTRY_OPTION,   /* AkOptions.entries */
    AK_ENTRY_GUESS,    /* by its name, in a run with nothing that names entry points */
    AK_ENTRY_START,    /* start("file.py:function"): call */
} AkEntryOrigin;

typedef enum AkEntryState {
    AK_ENTRY_FOUND,     /* function is it */
    AK_ENTRY_MALFORMED, /* no "file:function" */
    AK_ENTRY_NO_FILE,
    AK_ENTRY_NO_NAME, /* the module binds no such name */
    AK_ENTRY_CLASS,   /* class_ */
    AK_ENTRY_VALUE,   /* bound to something that is surely no function */
    AK_ENTRY_UNKNOWN, /* bound to something that cannot be known */
} AkEntryState;

typedef struct AkEntry {
    AkEntryOrigin origin;
    AkEntryState state;
    const char *text; /* as written: "flow.py:on_event" */
    const char *file; /* the part before the colon, seen from the manifest's folder */
    const char *name; /* the part behind it, or NULL */
    AkModule *module; /* or NULL */
    AkFunction *function;
    AkClass *class_;
    const AkManifest *manifest; /* MANIFEST */
    const AkNode *node;         /* MANIFEST: the scalar */
    bool durable;       /* false: its trigger says so, or its manifest is of version v2 */
    const AkCall *call; /* START */
} AkEntry;

#endif
