/* aklint.h: find what would break a durable Python program, before it runs.
 *
 * The library reads bytes that the caller hands it and returns findings. It opens no file, prints
 * nothing, reads no clock and keeps no global state: one process may run many checks, on any
 * thread, over unsaved editor buffers. Files and threads belong to the caller, who lends them
 * through the callbacks of AkOptions.
 *
 *     AkCheck *check = ak_check_new(&options);
 *     ak_check_path(check, "flow.py", AK_REPORT);
 *     if (ak_check_run(check) < 0)
 *         fail(ak_check_error(check));
 *     for (size_t i = 0; i < ak_check_count(check); i++)
 *         show(ak_check_finding(check, i));
 *     ak_check_free(check);
 *
 * Everything that a function returns belongs to the check and lives until ak_check_free.
 */
#ifndef AKLINT_H
#define AKLINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AkCheck AkCheck;   /* one run: sources, facts, findings */
typedef struct AkRule AkRule;     /* one pitfall; static, never freed */
typedef struct AkMemory AkMemory; /* what blocks of code said, between checks */

/* What can fail returns 0 or one of these. The words are in ak_check_error. A broken Python file
 * is no failure: it is a finding of the rule syntax-error. */
typedef enum AkStatus {
    AK_OK = 0,
    AK_ENOMEM = -1,
    AK_EINVAL = -2, /* a path added twice, an unknown rule, an entry that is no file:function */
    AK_ESTOPPED = -3, /* AkOptions.stop returned true */
} AkStatus;

typedef enum AkLevel { AK_ERROR, AK_WARNING, AK_NOTE, AK_OFF } AkLevel;

/* Which rule books apply. AK_AUTO decides per file by what it and its callers import. */
typedef enum AkDialect {
    AK_AUTO = 0,
    AK_DIALECT_AK = 1 << 0,         /* programs for the bundled runtime, the strict contract */
    AK_DIALECT_AUTOKITTEH = 1 << 1, /* the hosted service as it behaves today */
    AK_DIALECT_TEMPORAL = 1 << 2,
} AkDialect;

/* What a line runs as. A function may run in several. */
typedef enum AkContext {
    AK_CTX_WORKFLOW = 1 << 0, /* must be deterministic: Temporal workflow code, `ak` handlers */
    AK_CTX_READONLY = 1 << 1, /* queries, validators: workflow code that may change nothing */
    AK_CTX_ACTIVITY = 1 << 2,
    AK_CTX_ENTRY = 1 << 3, /* an `ak` handler and what it reaches; set beside AK_CTX_WORKFLOW */
    AK_CTX_IMPORT = 1 << 4, /* runs when a module of a durable program is imported */
    AK_CTX_CLIENT = 1 << 5, /* starters, workers, tests */
    AK_CTX_SIGNAL = 1 << 6, /* signal or update handler; set beside AK_CTX_WORKFLOW */
} AkContext;

/* Lines and columns count from 1, columns in characters; ends are exclusive. Bytes are offsets
 * into the text as it was given. */
typedef struct AkPlace {
    const char *path;
    uint32_t start_byte, end_byte;
    uint32_t line, column, end_line, end_column;
} AkPlace;

/* Why a finding holds, outermost first: "workflow Order.run", "calls stamp", "calls datetime.now". */
typedef struct AkStep {
    AkPlace place;
    const char *text;
} AkStep;

typedef struct AkEdit {
    AkPlace place;    /* what is replaced; empty to insert */
    const char *text; /* what stands there afterwards */
} AkEdit;

typedef enum AkFixKind { AK_FIX_NONE, AK_FIX_SAFE, AK_FIX_UNSAFE } AkFixKind;

typedef struct AkFinding {
    const AkRule *rule;
    AkLevel level;     /* AK_OFF: of a rule that is off unless the caller's settings want it */
    bool proved;       /* false: the checker had to guess somewhere ("likely") */
    AkDialect dialect; /* whose rule book found it */
    const char *context; /* "workflow", "activity", "entry", "import", ... or "" */
    AkPlace place;
    const char *message; /* one sentence about the user's code, no period */
    const char *advice;  /* one line: what to write instead */
    const AkStep *trail;
    size_t trail_len;
    AkFixKind fix;
    const char *fix_message;
    const AkEdit *edits;
    size_t edits_len;
    const char
        *fingerprint;   /* 16 hex digits of rule, qualified function and sink; no line in it */
    uint32_t noqa_line; /* where a comment would silence it */
} AkFinding;

/* A YAML or TOML value with its place, as the caller's parser found it. */
typedef enum AkNodeKind { AK_NODE_SCALAR, AK_NODE_LIST, AK_NODE_MAP } AkNodeKind;
typedef struct AkNode AkNode;
struct AkNode {
    AkNodeKind kind;
    bool quoted;          /* a scalar in quotes: "1" is no number */
    const char *text;     /* scalars */
    uint32_t start, end;  /* bytes in the file */
    size_t count;         /* items of a list, pairs of a map */
    const AkNode **items; /* a map: key, value, key, value */
};

/* How a path given to the check is treated. */
typedef enum AkUse {
    AK_REPORT = 0, /* look into it and report */
    AK_KNOWN = 1,  /* exists: opened when something reaches it, never reported on by itself */
    AK_LIBRARY =
        2, /* an installed package: as AK_KNOWN, and its code is followed, not judged */
} AkUse;

/* How much rules let pass; 0 is the default. */
typedef struct AkBudgets {
    unsigned statements;      /* AK512: plain statements in a workflow's run, 60 */
    unsigned loop_statements; /* AK512: statements in a loop that gives no command, 4 */
} AkBudgets;

typedef struct AkOptions {
    unsigned dialects;          /* bits of AkDialect; 0 is AK_AUTO */
    const char *const *select;  /* rule ids, names or prefixes, NULL-ended; NULL for all */
    const char *const *ignore;  /* the same, taken away afterwards; or NULL */
    const char *const *entries; /* "flow.py:on_event", NULL-ended; or NULL */
    const char *const
        *calls; /* "mylib.now", "clock", "mylib.pure", "pure", ..., NULL-ended; or NULL */
    /* Code that runs in a context although nothing shown here calls it: "pricing.py" (its functions and
     * methods) or "pricing.py:Order.total", then a word of ak_context_word, NULL-ended; or NULL */
    const char *const *contexts;
    /* Names of packages that are not part of the check, and what each stands for: "mylib.run_activity",
     * "temporalio.workflow.execute_activity", NULL-ended; or NULL */
    const char *const *wrappers;
    AkBudgets budgets;
    /* The project's temporalio: "1.12.0" of a lock file, or a requirement ">=1.8,<2"; or NULL. */
    const char *sdk_version;
    size_t max_bytes; /* 0 for the default, 4 MiB a source */
    unsigned threads; /* how many jobs may run at once; 0 or 1: all on the caller's thread */

    /* Checks over and over what changes little (an editor): blocks whose bytes an earlier check saw
     * are not read again. One check at a time; NULL for none. The findings are the same. */
    AkMemory *memory;

    /* The caller's world. payload is handed to each. All may be called from any job's thread. */
    void *payload;
    /* Text of a path given by ak_check_path: fills text (with 64 readable zero bytes behind it)
     * and len, or returns a negative number and sets why (a static string or one that lives as
     * long as the check). */
    int (*read)(void *payload, const char *path, const char **text, size_t *len,
                const char **why);
    /* A text from read is not needed any more. May be NULL: texts then live as long as the check. */
    void (*release)(void *payload, const char *path, const char *text, size_t len);
    /* Runs job(arg, 0) … job(arg, n - 1), in any order, on any threads; returns when all are done.
     * NULL: they run one after the other. */
    void (*parallel)(void *payload, void (*job)(void *arg, size_t i), void *arg, size_t n);
    /* Whether CPython accepts this text: 1 yes, 0 no (line, column, why filled), -1 no interpreter.
     * Asked only where the grammar fails. NULL: no interpreter. */
    int (*compiles)(void *payload, const char *path, const char *text, size_t len,
                    uint32_t *line, uint32_t *column, const char **why);
    bool (*stop)(void *payload); /* true ends the run; or NULL */
    void (*progress)(void *payload, size_t done,
                     size_t all); /* blocks parsed of those asked for; or NULL */
} AkOptions;

/* NULL when there is no memory. Belongs to the caller, who frees it behind the last check that uses
 * it. ak_memory_turn, when no such check lives, forgets what the last two turns did not use. */
AkMemory *ak_memory_new(void);
void ak_memory_turn(AkMemory *memory);
void ak_memory_free(AkMemory *memory); /* NULL is fine */

/* options may be NULL. The strings it points at must live as long as the check. */
AkCheck *ak_check_new(const AkOptions *options);
void ak_check_free(AkCheck *check);

/* Names a Python file, relative to the working folder or absolute, always with '/'. The string lives
 * as long as the check. Its text is asked for by AkOptions.read when it can matter. */
int ak_check_path(AkCheck *check, const char *path, AkUse use);

/* Gives a text at once (an editor's buffer, standard input). Not copied; it lives as long as the
 * check, with 64 readable zero bytes behind it; the path is copied. Wins over the same path given
 * by ak_check_path. */
int ak_check_text(AkCheck *check, const char *path, const char *text, size_t len, AkUse use);

/* Gives a parsed autokitteh.yaml: its `call:` values are entry points of the files beside it. root
 * and text live as long as the check. root is NULL for an empty file. */
int ak_check_manifest(AkCheck *check, const char *path, const char *text, size_t len,
                      const AkNode *root);

/* Reports a finding that the caller's parsers made (AK003: configuration; a manifest that is no
 * YAML). The strings are copied. */
int ak_check_report(AkCheck *check, const char *rule_id, const AkPlace *place,
                    const char *message, const char *advice);

/* Runs every chosen rule. The findings are sorted by path, place and rule, and are the same in
 * every run. May be called once. */
int ak_check_run(AkCheck *check);

const char *ak_check_error(const AkCheck *check);
size_t ak_check_count(const AkCheck *check);
const AkFinding *ak_check_finding(const AkCheck *check, size_t i);

/* Said once on stderr: which entry points were guessed, files left out for their size, ... */
size_t ak_check_notice_count(const AkCheck *check);
const char *ak_check_notice(const AkCheck *check, size_t i);

/* What the run did, for the summary and for benchmarks. */
typedef struct AkCounts {
    size_t files;        /* given with AK_REPORT */
    size_t files_opened; /* cut into blocks */
    size_t blocks, blocks_parsed;
    size_t functions;  /* analysed in some context */
    size_t unresolved; /* calls from workflow code whose target is not known */
    size_t silenced;   /* findings that a comment silenced */
} AkCounts;
void ak_check_counts(const AkCheck *check, AkCounts *counts);

/* ---- What the analysis knows, once ak_check_run has returned AK_OK ----
 *
 * The functions below fill a list and return its length; 0 as well where memory runs out or the
 * check did not run to its end (ak_check_error). They are not for several threads at once. */

/* Where code of a durable program starts: a workflow's run or handler, an activity, an entry point. */
typedef struct AkStart {
    const char *text; /* "workflow Order.run" */
    const char *name; /* "Order.run" */
    AkDialect
        dialect; /* AK_DIALECT_TEMPORAL, or AK_DIALECT_AK for programs of either runtime of ours */
    unsigned contexts; /* bits of AkContext */
    AkPlace place;
} AkStart;
size_t ak_check_starts(AkCheck *check, const AkStart **out);

/* A function that a start reaches, itself first, the nearest before the farther. */
typedef struct AkReached {
    const char *name;
    AkPlace place;
    unsigned contexts; /* that it has from this start */
    bool proved;       /* false: only over a call that was guessed */
} AkReached;
size_t ak_check_reached(AkCheck *check, size_t start, const AkReached **out);

/* What one place may run. */
typedef struct AkSeenCall {
    AkPlace place;
    const char *caller;
    const char *text; /* as written: "helper.stamp" */
    const char *how;  /* "calls", "hands over", "iterates", ... */
    const char *
        target; /* a function of the project, or a dotted name from outside; "" when not known */
    const char *effects; /* "clock", "network, blocks", "pure", ...; "" when nothing is known */
    AkPlace target_place; /* of a function of the project; path NULL otherwise */
    unsigned contexts;    /* that get there */
    bool proved, resolved;
} AkSeenCall;
/* Whether the parser stumbled over a text, in what it looked at. A text that nobody needed was not
 * looked at. */
bool ak_check_stumbled(AkCheck *check, const char *path);
/* Calls from workflow code whose target is not known: never taken for safe. */
size_t ak_check_unresolved(AkCheck *check, const AkSeenCall **out);
size_t ak_check_calls_on(AkCheck *check, const char *path, uint32_t line,
                         const AkSeenCall **out);

/* That a line runs in a context, and by which shortest way. */
typedef struct AkRunsIn {
    const char *function;
    AkDialect dialect;
    unsigned context; /* one bit of AkContext */
    bool proved;
    const AkStep *trail;
    size_t trail_len;
} AkRunsIn;
size_t ak_check_runs_in(AkCheck *check, const char *path, uint32_t line, const AkRunsIn **out);

/* A workflow as a picture: what it does to the world, in order, with its branches and loops. */
typedef enum AkNodeShape {
    AK_SHAPE_START,
    AK_SHAPE_END,
    AK_SHAPE_ACTIVITY,
    AK_SHAPE_TIMER,
    AK_SHAPE_CHILD,
    AK_SHAPE_WAIT,
    AK_SHAPE_CHOICE,
    AK_SHAPE_LOOP,
    AK_SHAPE_TRY,
    AK_SHAPE_COMMAND,
    AK_SHAPE_CALL
} AkNodeShape;
typedef struct AkPictureNode {
    AkNodeShape shape;
    const char *label;
    AkPlace place;
} AkPictureNode;
typedef struct AkPictureEdge {
    uint32_t from, to; /* numbers of nodes */
    const char *label; /* "yes", "again", "on error", or "" */
} AkPictureEdge;
typedef struct AkPicture {
    const AkPictureNode *nodes;
    const AkPictureEdge *edges;
    size_t node_len, edge_len;
} AkPicture;
/* start: its number in ak_check_starts. AK_OK or a negative status. */
int ak_check_picture(AkCheck *check, size_t start, AkPicture *out);

/* The rule book, in id order. */
size_t ak_rule_count(void);
const AkRule *ak_rule_at(size_t i);
const AkRule *ak_rule_find(const char *id_or_name); /* NULL if there is none */
const AkRule *ak_rule_nearest(const char *id_or_name);
const char *ak_rule_id(const AkRule *rule);      /* "AK101" */
const char *ak_rule_name(const AkRule *rule);    /* "async-entry-point" */
const char *ak_rule_summary(const AkRule *rule); /* one line */
const char *ak_rule_why(const AkRule *rule);
const char *ak_rule_instead(const AkRule *rule);
const char *ak_rule_misses(const AkRule *rule);
AkLevel ak_rule_level(const AkRule *rule);
unsigned ak_rule_dialects(const AkRule *rule);
AkFixKind ak_rule_fix(const AkRule *rule);
/* The example that the docs show and the tests run, as txtar. */
const char *ak_rule_example(const AkRule *rule, size_t *len);

/* The words that AkOptions.calls and AkOptions.contexts take, one by one; NULL behind the last. */
const char *ak_call_word(size_t i);    /* "clock", "pure", … */
const char *ak_context_word(size_t i); /* "workflow", "activity", … */
/* Whether AkOptions.wrappers may name it: something outside of the program that the checker knows.
 * *near: the name that was meant, or NULL. */
bool ak_wrapped_known(const char *dotted, const char **near);

/* How the page of all rules opens, in Markdown. */
const char *ak_rules_head(size_t *len);

const char *ak_version(void);

#ifdef __cplusplus
}
#endif
#endif
