/* stages.h: what the stages of a check share. Not for rules.
 *
 * A check works on demand. Files are listed, those that may matter are opened (cut into
 * blocks), and a block is parsed when something asks what a name of it means. Asking is never
 * an error and never waits: who needs a block that is not there marks it (ak__want_block), gets
 * "unknown" and `missing` is counted up; the work item that saw `missing` move is done again
 * after the next round of parsing. See check.c for the order of things.
 */
#ifndef AK_STAGES_H
#define AK_STAGES_H

#include "arena.h"
#include "array.h"
#include "program.h"
#include "rule.h"
#include "source.h"

/* ---- Strings and maps (atoms.c) ---- */

typedef struct AkAtomTable AkAtomTable;

/* Map from pointer or number pairs to a number; 0 means absent. */
typedef struct AkMap {
    uint64_t *keys;
    uint32_t *values;
    uint32_t cap, len;
} AkMap;

/* check.c: the program of a check that has run, ready for longer life; NULL if it has not. */
struct AkProgram *ak__finished(AkCheck *check);

/* ---- Files ---- */

struct AkBlock;

/* A name that a block binds at module level. */
typedef struct AkBoundAt {
    uint32_t hash, start, len;
    uint32_t block;
    uint8_t kind; /* AkBound of blocks.h */
    bool nested;
} AkBoundAt;

/* An import at module level or deeper, read without a tree. */
typedef struct AkImportAt {
    const char *module; /* atom when adopted; spans into the text before */
    uint32_t module_len, level;
    uint32_t name_start, name_len; /* of `from`: what is taken; len 0 otherwise */
    uint32_t bound_start, bound_len;
    uint32_t block;
    bool star, local, nested, aliased, from;
} AkImportAt;

typedef enum AkFileState {
    AK_FILE_KNOWN,  /* listed */
    AK_FILE_WANTED, /* to be opened in the next round */
    AK_FILE_OPEN,
    AK_FILE_CLOSED, /* could not be read, is too large, or is no text; problem says which */
    AK_FILE_FOLDER, /* a namespace package: no text */
} AkFileState;

/* A large tree has tens of thousands of them: no room between the fields. */
typedef struct AkFile {
    AkModule module; /* first: a module is its file */
    AkSource source;
    const char *folder; /* atom: "" or "a/b" */
    const char *why;    /* CLOSED: read's reason, or NULL */
    const char *lent;   /* the text that read gave, until it is released */
    size_t lent_len;
    bool
        *framework; /* by block: mentions a name that comes from a framework, or is decorated */
    struct AkBlock *blocks;
    struct AkUnitX **unit_of; /* by block */
    bool *wanted;             /* by block */
    AkBoundAt *names;         /* sorted by hash, then block */
    AkImportAt *imports;
    struct AkAllow *allows; /* comments that silence, see allow.c */
    uint32_t block_len, name_len, import_len, allow_len;
    uint32_t index;
    uint8_t state;       /* AkFileState */
    uint8_t books;       /* bits 1 << AkBook: rule books whose programs import or run it */
    bool given;          /* ak_check_text */
    bool must_open;      /* an entry's module */
    bool mentions;       /* a framework, by byte search */
    bool mentions_event; /* "event", for guessed entry points */
    bool unreadable;     /* problem is about its text: a finding, not a notice */
    bool passed_through; /* by imports_passed_through(), see sandbox.c */
    bool import_reached; /* its top-level code runs in a durable program */
    bool allows_done;
} AkFile;

/* ---- Units, functions, classes with what only the stages use ---- */

typedef struct AkMemo {
    const AkValue *items;
    uint32_t len;
    uint32_t epoch; /* AK_FOREVER, or the work item it holds for */
    bool missing;   /* it rests on a block that was not there */
} AkMemo;

/* A name that a module does not bind, or to nothing known, as far as one look goes. */
typedef struct AkMissed {
    const struct AkFile *file;
    const char *name; /* atom */
    uint32_t look;
    bool unknown, unstable, missing;
} AkMissed;

#define AK_FOREVER UINT32_MAX

typedef struct AkUnitX {
    AkUnit unit; /* first */
    AkFile *file;
    uint32_t block;
    uint32_t *memo;      /* by expression: index into AkProgram.memos; 0: none */
    uint16_t *stmt_mask; /* by statement, see guards.c; NULL until asked for */
    bool mask_missing;   /* it rests on blocks that were not there in mask_round */
    uint32_t mask_round;
    uint32_t *expr_first; /* expressions by function: expr_list[expr_first[f]] … [expr_first[f +
                             1] - 1] */
    AkExprId *expr_list;
    uint32_t *loop_first; /* loops by function, the same way; NULL until asked for */
    const AkLoop **loop_list;
    AkMap name_of;        /* atom → AkName; built when first asked for */
    bool attributes_done; /* `self.x = …` of its classes are listed */
    bool dialects_done;   /* roles and roots are known */
} AkUnitX;

/* Why a function has a context: through this call. */
typedef struct AkLink {
    AkFunction *from;   /* NULL: a root */
    const AkCall *call; /* in from, or NULL */
    const char *root;   /* of a root: what it is, "workflow Order.run" */
    struct AkLink *up;  /* from's own link when this one was made */
    uint16_t bits;
    uint8_t book;
    bool proved;
    struct AkLink *next; /* others of the same function */
} AkLink;

enum { AK_BOOK_TEMPORAL, AK_BOOK_AK, AK_BOOKS };

/* A call that runs only where this argument (an atom) of its function, or field of its class, is
 * missing: its own contexts, and the ways into the function that lack it. */
typedef struct AkUnless {
    const char *name;
    uint16_t contexts[AK_BOOKS];
    AkLink *links;
} AkUnless;

typedef struct AkReach {
    uint16_t contexts[AK_BOOKS];
    AkLink *links;
} AkReach;

/* A framework by the first word of the modules that bring it: its own, or a package's that wraps it. */
typedef struct AkFramework {
    const char *name;
    bool temporal, ak;
} AkFramework;

typedef struct AkParamRef {
    AkFunction *function;
    uint32_t index;
} AkParamRef;

typedef struct AkFunctionX {
    AkFunction function; /* first */
    AkReach reach;
    bool queued, reached, values_busy;
    uint8_t rooted[2]; /* by book: contexts it is a root of */
    bool has_unless;   /* one of its calls has AkCall.unless */
    bool applied_done;
    bool applies_defn; /* as a decorator it applies workflow.defn */
    unsigned applies;  /* roles that it gives as a decorator */
    uint8_t rounds;    /* how often it was analysed */
    size_t call_cap;   /* room behind function.calls */
    uint32_t epoch;    /* of its last analysis */
    AkValue *flows;    /* values that calls gave its parameters: param in flow_param */
    uint16_t *flow_param;
    uint32_t flow_len, flow_cap, flow_param_cap;
    AkParamRef *called; /* parameters (its own or of functions around it) that its body calls */
    uint32_t called_len, called_cap;
    AkFunction **dependents; /* analysed with what its parameters and `called` said */
    uint32_t dependent_len, dependent_cap;
} AkFunctionX;

typedef struct AkClassX {
    AkClass class_; /* first */
    bool bases_done, mro_done, mro_busy, kinds_done, unknown_base;
    uint32_t mro_missing; /* the round (+ 1) in which a base was not there */
    AkClass **bases;
    uint32_t base_len, base_cap;
    const char **outside;
    uint32_t outside_len, outside_cap;
    AkClass **subclasses;
    uint32_t subclass_len, subclass_cap;
    AkUnit const **members;
    uint32_t member_cap;
    AkMap attributes;     /* atom → index + 1 of the first in attrs */
    struct AkAttr *attrs; /* `self.x = …` in its methods */
    uint32_t attr_len, attr_cap;
} AkClassX;

/* `self.x = value` somewhere in a method. */
typedef struct AkAttr {
    const char *name; /* atom */
    const AkUnit *unit;
    AkExprId value, annotation; /* either may be 0 */
    uint8_t how;
    uint16_t part;
    uint32_t next; /* index + 1 of the next of this name, or 0 */
} AkAttr;

/* ---- The whole ---- */

typedef struct AkSet {
    AkValue items[8];
    uint32_t len;
} AkSet;

typedef struct AkWorker {
    AkArena *arena;
    AkArena *passing; /* what reading a file leaves behind; emptied after each */
    AkParser *parser;
    struct AkKept *kept; /* what it made for AkOptions.memory */
    bool failed;
} AkWorker;

typedef struct AkRoot {
    AkFunction *function;
    uint16_t contexts;
    uint8_t book;
    const char *text;
} AkRoot;

typedef struct AkProgram {
    AkArena *arena;
    AkOptions options;
    AkKnowledge *knowledge;
    AkAtomTable *atoms;
    bool passed_done; /* sandbox.c has looked */
    AkFramework *frameworks;
    uint32_t framework_len;
    const char **needles; /* words of which a text must have one to matter; NULL-ended */
    unsigned told_books;  /* dialects that settings give to files */
    const char *error;

    AkFile **files;
    uint32_t file_len, file_cap;
    AkMap file_by_path, folders, resolved;
    const char **library_roots;
    uint32_t library_root_len, library_root_cap;
    AkWorker *workers;
    uint32_t worker_len;

    AkUnitX **units;
    uint32_t unit_len, unit_cap;
    AkFunction **functions;
    uint32_t function_len, function_cap;
    AkClass **classes;
    uint32_t class_len, class_cap;

    AkMemo *memos;
    uint32_t memo_len, memo_cap;
    uint32_t epoch; /* number of the work item */
    uint32_t depth; /* of evaluation */
    const struct AkLooked
        *looked;   /* the names of modules that are looked for, innermost first */
    uint32_t look; /* number of the outermost of these */
    AkMissed missed[256];
    uint32_t budget;     /* evaluations left in this work item */
    uint32_t missing;    /* counts what was asked for and is not there yet */
    uint32_t unstable;   /* counts answers that hold for this work item only */
    AkFunction *current; /* whose body is being analysed */
    AkCall *rows;        /* its calls while they are found */
    uint32_t row_cap;

    AkFunction **queue; /* functions to analyse */
    uint32_t queue_len, queue_cap, queue_at;
    AkFunction **deferred;
    uint32_t deferred_len, deferred_cap;
    bool wants; /* a file or block was wanted since the last round */
    AkFile **wanted_files;
    uint32_t wanted_file_len, wanted_file_cap;
    struct AkWantedBlock *wanted_blocks;
    uint32_t wanted_block_len, wanted_block_cap;

    AkRoot *roots;
    uint32_t root_len, root_cap;
    AkFile **import_queue; /* files whose top-level code runs, by book */
    uint32_t import_len, import_cap, import_at;
    uint32_t dialect_at; /* units before this one have their roles */
    bool guess;          /* entry points are guessed by their names */

    AkManifest *manifests;
    uint32_t manifest_len, manifest_cap;
    AkEntry *entries;
    uint32_t entry_len, entry_cap;

    unsigned books;      /* dialects of the run */
    uint64_t sdk_pinned; /* what options.sdk_version allows; 0: not asked yet */
    struct AkReport **reports;
    uint32_t report_len, report_cap;
    const char **notices;
    uint32_t notice_len, notice_cap;
    AkCounts counts;
    uint32_t blocks_done;
    uint32_t round; /* of parsing, from 1 */
    jmp_buf *guard;
    struct {
        const char *none, *init, *new_, *post_init, *call, *self, *builtins, *main;
    } names; /* atoms in everyday use */
} AkProgram;

/* Where the rules of workflow code hold. */
enum { AK_IN_WORKFLOW = AK_CTX_WORKFLOW | AK_CTX_READONLY | AK_CTX_ENTRY | AK_CTX_SIGNAL };

typedef struct AkWantedBlock {
    AkFile *file;
    uint32_t block;
    AkUnitX *unit;
} AkWantedBlock;

static inline AkFile *ak__file(const AkModule *module)
{
    return (AkFile *)(uintptr_t)module;
}
static inline AkUnitX *ak__unit(const AkUnit *unit)
{
    return (AkUnitX *)(uintptr_t)unit;
}
static inline AkFunctionX *ak__function(const AkFunction *fn)
{
    return (AkFunctionX *)(uintptr_t)fn;
}
static inline AkClassX *ak__class(const AkClass *class_)
{
    return (AkClassX *)(uintptr_t)class_;
}

/* atoms.c */
AkAtomTable *ak__atoms_new(AkArena *arena);
const char *ak__atom_hashed(AkAtomTable *atoms, const char *text, uint32_t len, uint32_t hash);
const char *ak__atom_len(AkProgram *program, const char *text, size_t len);
const char *ak__atom(AkProgram *program, const char *text);
/* The text itself where it is new: it lives as long as the check. */
const char *ak__atom_lent(AkProgram *program, const char *text);
const char *ak__atom_join(AkProgram *program, const char *a, const char *separator,
                          const char *b);
uint32_t ak__map_get(const AkMap *map, uint64_t key);
void ak__map_set(AkArena *arena, AkMap *map, uint64_t key, uint32_t value);
static inline uint64_t ak__key(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* knowledge.c */
AkKnowledge *ak__knowledge_new(AkProgram *program);
/* The name a thing has in the tables: "builtins.open" for "io.open". An atom. */
const char *ak__canonical(AkProgram *program, const char *dotted);
const char *ak__returns(const AkKnowledge *knowledge, const char *dotted);

/* modules.c: files, folders, names of modules. */
AkFile *ak__module_add(AkProgram *program, const char *path, AkUse use);
AkFile *ak__module_by_path(const AkProgram *program, const char *path);
/* The module that an import of dotted (level leading dots) in file means; NULL: not here. */
AkModule *ak__module_find(AkProgram *program, const AkFile *from, const char *dotted,
                          uint32_t level);
/* The submodule of a package, or NULL. */
AkModule *ak__module_child(AkProgram *program, const AkModule *package, const char *name);
/* Gives the module its name, if it has none: those that nothing opens or imports need none. */
void ak__module_name_it(AkProgram *program, AkFile *file);

/* units.c: opening files and parsing blocks, in rounds. */
bool ak__want_file(AkProgram *program, AkFile *file); /* whether it is open */
AkUnitX *ak__want_block(AkProgram *program, AkFile *file, uint32_t block); /* NULL: not yet */
void ak__open_first(AkProgram *program); /* all files that may matter */
void ak__release_texts(AkProgram *program);
bool ak__round(AkProgram *program); /* what is wanted; false when nothing was */
/* memory.c: facts from check to check. */
typedef struct AkKept AkKept;
const AkFacts *ak__memory_find(AkMemory *memory, const char *text, uint32_t len);
/* A copy of what the text said. NULL when there is no memory: then it is not kept. */
AkKept *ak__kept_new(const AkMemory *memory, const char *text, uint32_t len,
                     const AkFacts *facts);
void ak__kept_push(AkKept **list, AkKept *kept);
void ak__memory_take(AkMemory *memory, AkKept *list);
void ak__kept_free(AkKept *list);

/* Blocks that bind the name at module level: calls see for each; whether there was one. */
typedef struct AkBoundRange {
    const AkBoundAt *first;
    uint32_t len;
} AkBoundRange;
AkBoundRange ak__bound(const AkFile *file, const char *name, uint32_t len);

/* names.c: what a name means where it stands. */
void ak__lookup(AkProgram *program, const AkUnit *unit, AkScopeId scope, AkName name,
                AkExprId at, AkSet *out);
bool ak__module_name(AkProgram *program, AkModule *module, const char *name, AkSet *out);
void ak__scope_value(AkProgram *program, const AkUnit *unit, AkScopeId scope, AkName name,
                     AkSet *out);
void ak__import_value(AkProgram *program, AkFile *file, const char *module, uint32_t level,
                      const char *name, bool whole, AkSet *out);
/* The parameter that the name read at `at` is, if it can be nothing else. */
bool ak__is_parameter(AkProgram *program, const AkUnit *unit, AkExprId at, AkParamRef *out);
/* Bindings of a name in one scope: a range of facts->bindings. */
const AkBinding *ak__scope_bindings(const AkFacts *facts, AkScopeId scope, AkName name,
                                    uint32_t *len);

/* values.c: what an expression may be. */
AkValues ak__eval(AkProgram *program, const AkUnit *unit, AkExprId expr);
void ak__eval_into(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out);
void ak__add(AkSet *set, AkValue value);
void ak__add_unknown(AkSet *set);
bool ak__same_value(const AkValue *a, const AkValue *b);
void ak__binding_value(AkProgram *program, const AkUnit *unit, const AkBinding *binding,
                       AkSet *out);
void ak__part(AkProgram *program, const AkUnit *unit, AkExprId value, uint8_t how,
              uint16_t part, AkSet *out);
void ak__iterate(AkProgram *program, const AkValue *value, AkSet *out);
void ak__enter(AkProgram *program, const AkValue *value, AkSet *out);
void ak__call_result(AkProgram *program, const AkValue *callee, const AkUnit *unit,
                     AkExprId call, AkSet *out);
void ak__returns_of(AkProgram *program, AkFunction *fn, AkSet *out);
void ak__parameter_value(AkProgram *program, AkFunction *fn, uint32_t index, AkSet *out);
/* dotted: ends with NULL. */
bool ak__has_any_decorator(AkProgram *program, const AkFunction *fn, const char *const *dotted);
bool ak__has_decorator(AkProgram *program, const AkFunction *fn, const char *dotted);
/* Values of a call's arguments: the n-th of those that are written without a name. */
AkExprId ak__plain_argument(const AkFacts *facts, AkExprId call, uint32_t n);
AkExprId ak__keyword_argument(const AkUnit *unit, AkExprId call, const char *name);
/* The argument that a parameter of fn gets from the call, or 0; shift: parameters bound before.
 */
AkExprId ak__argument_of(const AkFunction *fn, uint32_t param, const AkUnit *unit,
                         AkExprId call, uint32_t shift);
/* Parameters of outer (bits) that the body of a function nested in it calls. */
uint32_t ak__closure_calls(AkProgram *program, const AkFunction *nested,
                           const AkFunction *outer);
void ak__depend(AkProgram *program, AkFunction *on);
AkName ak__name_in(AkProgram *program, const AkUnit *unit, const char *atom);

/* types.c: annotations, classes, attributes. */
void ak__annotated(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out);
void ak__class_mro(AkProgram *program, AkClass *class_);
void ak__class_attribute(AkProgram *program, AkClass *class_, const char *name,
                         const AkValue *self, AkSet *out, AkFunction **property);
void ak__attribute(AkProgram *program, const AkValue *value, const char *name, AkSet *out);
/* The method an instance runs for the name; with overrides of known subclasses where it is
 * open. */
uint32_t ak__methods(AkProgram *program, const AkValue *instance, const char *name,
                     AkFunction **out, uint32_t room);
AkFunction *ak__method(AkProgram *program, AkClass *class_, const char *name);
/* What `super().name` is in the class. name: an atom. */
AkFunction *ak__inherited_method(AkProgram *program, AkClass *class_, const char *name);
/* What storing (word: "setter") or deleting ("deleter") the attribute of an instance runs: an accessor
 * of a property, `__set__` of a descriptor, `__setattr__`; NULL when it just stores. */
AkFunction *ak__accessor(AkProgram *program, AkClass *class_, const char *name,
                         const char *word);
bool ak__is_enum(AkProgram *program, AkClass *class_);
bool ak__derives(AkProgram *program, AkClass *class_, const char *dotted, bool *unsure);
/* Of a NULL-ended list. */
bool ak__is_one_of(const char *word, const char *const *words);
bool ak__is_class_name(const AkProgram *program, const char *dotted);

/* defaults.c */
/* The parameter of fn, or field of its class, that must be missing for the expression to run: an
 * atom; NULL when none. */
const char *ak__unless(const AkFunction *fn, AkExprId expr);
typedef enum AkLack { AK_GIVES, AK_MAY_LACK, AK_LACKS } AkLack;
/* Whether the way into a function lacks the argument of that name, or gives None for it. */
AkLack ak__lacks(AkProgram *program, const AkLink *link, const char *name);

/* guards.c: contexts that reach a place. */
/* Whether the call stands in an `except Exception` of a try that awaits nothing: it runs where the code
 * itself fails, if ever. */
bool ak__is_defensive(const AkCall *call);
/* Whether the `with` holds imports that the sandbox lets through. */
bool ak__is_pass_through(const AkUnit *unit, const AkStmt *with);
uint16_t ak__stmt_mask(AkProgram *program, const AkUnit *unit, AkStmtId stmt);
/* The first expression that begins at or behind start: numbers grow with places. */
uint32_t ak__first_expr(const AkFacts *facts, uint32_t start);
uint16_t ak__expr_mask(AkProgram *program, const AkUnit *unit, AkExprId expr);

/* graph.c, implicit.c: the calls of a function. */
void ak__analyse(AkProgram *program, AkFunction *fn);
void ak__queue(AkProgram *program, AkFunction *fn);
/* Queues what a reached function calls. */
void ak__reach(AkProgram *program, AkFunction *fn, AkFunction *target);
typedef struct AkCalls {
    AkCall *items;
    uint32_t len, cap;
    AkFunction *fn;
} AkCalls;
AkCall *ak__calls_add(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind);
void ak__calls_of_value(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                        const AkValue *value, AkExprId via);
void ak__implicit(AkProgram *program, AkCalls *calls, AkExprId expr);
void ak__implicit_statements(AkProgram *program, AkCalls *calls);
/* "__add__", "__radd__" where reflected; NULL for what is no operator of two. */
const char *ak__binary_method(uint8_t op, bool reflected);
void ak__implicit_iteration(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId via);

/* told.c: what the settings say. */
void ak__told_frameworks(AkProgram *program);
void ak__told_files(AkProgram *program); /* before files are opened */
void ak__told_roots(AkProgram *program); /* in every round */

/* dialect_temporal.c, dialect_ak.c: roots. */
void ak__temporal_unit(AkProgram *program, AkUnitX *unit);
void ak__temporal_want(AkProgram *program);
void ak__temporal_call(AkProgram *program, AkFunction *fn, AkExprId call, const char *dotted);
void ak__ak_unit(AkProgram *program, AkUnitX *unit);
void ak__ak_entries(AkProgram *program);
bool ak__is_durable_book(const AkProgram *program);
void ak__ak_resolve(AkProgram *program);
void ak__ak_guess(AkProgram *program);
void ak__ak_starts(AkProgram *program);
void ak__root(AkProgram *program, AkFunction *fn, uint16_t contexts, uint8_t book,
              const char *what);
void ak__import_root(AkProgram *program, AkFile *file);
/* Which books' programs reach what is imported from here. */
void ak__roles(AkProgram *program, AkFunction *fn);
bool ak__is_ak_entry_name(const char *name);
void ak__module_code(AkProgram *program);
/* What a call from a function with these contexts gives its target. */
uint16_t ak__pass_contexts(uint16_t contexts, uint8_t book, const AkFunction *target);

/* context.c */
void ak__contexts(AkProgram *program);
const AkLink *ak__link(const AkFunction *fn, uint8_t book, unsigned context);
/* The same of a call: of its function, or of the ways that lack its argument. */
const AkLink *ak__link_of_call(const AkCall *call, uint8_t book, unsigned context);
unsigned ak__contexts_of_call(const AkCall *call, uint8_t book);

/* survey.c: the function of a start, by its number in ak_check_starts; or NULL. */
const AkFunction *ak__start(AkProgram *program, size_t start);

/* index.c: of a pass whose lists are complete. */
const struct AkIndex *ak__index(const AkPass *pass);
AkLoopList ak__loops(AkProgram *program, const AkFunction *fn);

/* run.c: rules over the finished tables. */
void ak__run_rules(AkProgram *program);
bool ak__is_chosen(const AkProgram *program, const AkRule *rule);

/* report.c */
void ak__reports_finish(AkProgram *program);
size_t ak__report_count(const AkProgram *program);
const AkFinding *ak__report_at(const AkProgram *program, size_t i);
AkPlace ak__place(AkProgram *program, AkFile *file, uint32_t start, uint32_t end);
AkPlace ak__place_of_call(AkProgram *program, const AkCall *call);
AkPlace ak__place_of_function(AkProgram *program, const AkFunction *fn);
/* How a trail words this call: "calls stamp", "makes Order". to: what it reaches. */
const char *ak__step_text(AkProgram *program, const AkCall *call, const AkFunction *to);
AkPlace ak__text_place(const char *path, const char *text, size_t len, uint32_t start,
                       uint32_t end);
/* A finding made elsewhere: by the caller's parsers, or of the source itself. */
AkReport *ak__report_made(AkProgram *program, const AkRule *rule, AkPlace place,
                          const char *message, const char *advice, bool proved, AkFile *file);

/* It is about a comment that silences: no further comment is to silence it. */
void ak__of_comment(AkReport *report);

/* An edit of its fix, in bytes of the file. */
void ak__fix_file(AkReport *report, AkFile *file, uint32_t start, uint32_t end,
                  const char *text);

/* allow.c: comments that silence. */
typedef struct AkAllow {
    uint32_t line, start, end; /* the comment, in the file */
    bool own_line, whole_file, is_noqa, has_reason;
    const AkUnit *unit; /* the block that holds it; NULL at the top of the file */
    const char *words;  /* ids and names, up to the reason */
    uint32_t len;
    uint32_t used; /* by word: something was silenced */
} AkAllow;
void ak__read_allows(AkProgram *program, AkFile *file);
/* The next word from *at on; its length, 0 at the end. */
uint32_t ak__allow_word(const AkAllow *allow, uint32_t *at, const char **word);
bool ak__names_rule(const AkAllow *allow, const char *word, uint32_t len, const AkRule *rule);
/* unused.c: findings of AK002 and AK004, when all other reports were asked whether they are silenced. */
void ak__unused(AkProgram *program);
/* Whether a comment silences this rule there. */
bool ak__allowed(AkProgram *program, AkFile *file, const AkUnit *unit, uint32_t start,
                 uint32_t end, AkStmtId stmt, const AkRule *rule);

/* syntax.c: findings of AK001. */
bool ak__is_broken(const AkFile *file);
void ak__syntax_want(AkProgram *program);
void ak__syntax(AkProgram *program);

#endif
