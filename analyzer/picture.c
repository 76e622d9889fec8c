/* picture.c: a workflow as boxes and arrows. What it does to the world (activities, timers, child
 * workflows, waits) becomes a box, in the order of its statements; an `if`, a loop or a `try` becomes
 * one where something of that lies below it or leaves through it. Functions of the project that do
 * such things are drawn in place, to a bounded depth. */
#include "stages.h"

#include <stdio.h>
#include <string.h>

enum { DEEPEST_CALL = 12, DEEPEST_NEST = 60, LONGEST_LABEL = 56, MOST_NODES = 2000 };

/* Arrows that wait for the box they lead to. */
typedef struct Ends {
    AkPictureEdge *items;
    uint32_t len, cap;
} Ends;

typedef struct Draw {
    AkProgram *program;
    AkPictureNode *nodes;
    AkPictureEdge *edges;
    uint32_t node_len, node_cap, edge_len, edge_cap;
    Ends ends;
    AkMap does; /* function → 1 does nothing, 2 does something, 3 being asked */
} Draw;

typedef struct Frame {
    const AkFunction *fn;
    bool *marks;   /* by statement: to be drawn */
    Ends *breaks;  /* of the innermost loop, or NULL */
    uint32_t loop; /* its box */
    Ends returns;
    unsigned depth; /* of calls */
    const struct Frame *up;
} Frame;

/* ---- What is a step ---- */

typedef struct Step {
    const char *dotted;
    AkNodeShape shape;
    const char *word;
} Step;

static const Step steps[] = {
    {"temporalio.workflow.execute_activity", AK_SHAPE_ACTIVITY, ""},
    {"temporalio.workflow.start_activity", AK_SHAPE_ACTIVITY, "start "},
    {"temporalio.workflow.execute_local_activity", AK_SHAPE_ACTIVITY, ""},
    {"temporalio.workflow.start_local_activity", AK_SHAPE_ACTIVITY, "start "},
    {"temporalio.workflow.execute_child_workflow", AK_SHAPE_CHILD, ""},
    {"temporalio.workflow.start_child_workflow", AK_SHAPE_CHILD, "start "},
    {"temporalio.workflow.wait_condition", AK_SHAPE_WAIT, "wait for "},
    {"temporalio.workflow.continue_as_new", AK_SHAPE_COMMAND, "continue as new "},
    {"temporalio.workflow.sleep", AK_SHAPE_TIMER, "sleep "},
    {"asyncio.sleep", AK_SHAPE_TIMER, "sleep "},
    {"time.sleep", AK_SHAPE_TIMER, "sleep "},
    {"ak.sleep", AK_SHAPE_TIMER, "sleep "},
    {"autokitteh.next_event", AK_SHAPE_WAIT, "wait for "},
    {"autokitteh.next_signal", AK_SHAPE_WAIT, "wait for "},
    {"ak.next_event", AK_SHAPE_WAIT, "wait for "},
    {"ak.next_signal", AK_SHAPE_WAIT, "wait for "},
    {"autokitteh.start", AK_SHAPE_CHILD, "start "},
    {"ak.start", AK_SHAPE_CHILD, "start "},
};

static const Step *step_of(const AkCall *call)
{
    static const Step recorded = {"", AK_SHAPE_ACTIVITY, ""};
    if (call->target && call->target->roles & AK_ROLE_ACTIVITY)
        return &recorded;
    if (!call->dotted || call->kind == AK_CALL_READ)
        return NULL;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t len = strlen(steps[i].dotted);
        bool same = strncmp(call->dotted, steps[i].dotted, len) == 0;
        if (same && (!call->dotted[len] || strcmp(call->dotted + len, "_method") == 0 ||
                     strcmp(call->dotted + len, "_class") == 0))
            return &steps[i];
    }
    return NULL;
}

static bool does_something(Draw *draw, const AkFunction *fn, unsigned depth)
{
    uint32_t known = ak__map_get(&draw->does, ak__key(fn));
    bool does = false;
    if (known || depth > DEEPEST_CALL)
        return known == 2;
    ak__map_set(draw->program->arena, &draw->does, ak__key(fn), 3);
    for (size_t i = 0; i < fn->call_len && !does; i++) {
        const AkCall *call = &fn->calls[i];
        does = step_of(call) || (call->target && does_something(draw, call->target, depth + 1));
    }
    ak__map_set(draw->program->arena, &draw->does, ak__key(fn), does ? 2 : 1);
    return does;
}

static bool is_drawn(Draw *draw, const Frame *frame, const AkCall *call)
{
    return step_of(call) ||
           (call->target && does_something(draw, call->target, frame->depth + 1));
}

/* ---- Boxes and arrows ---- */

/* On one line, cut where it gets long. */
static const char *label(Draw *draw, const AkUnit *unit, const char *before, AkExprId expr)
{
    char shown[LONGEST_LABEL + 1];
    size_t len = 0, at = 0, n = 0;
    const char *text = expr ? ak_text(unit, expr, &len) : "";
    for (; at < len && n < LONGEST_LABEL; at++) {
        bool space = text[at] == '\n' || text[at] == '\r' || text[at] == ' ';
        if (!space)
            shown[n++] = text[at];
        else if (n && shown[n - 1] != ' ' && shown[n - 1] != '(' && shown[n - 1] != '[')
            shown[n++] = ' ';
    }
    while (n && at < len && ((unsigned char)text[at] & 0xc0) == 0x80) {
        at--;
        n--;
    }
    shown[n] = 0;
    size_t head = strlen(before);
    if (!expr && head && before[head - 1] == ' ')
        head--;
    return ak__printf(draw->program->arena, "%.*s%s%s", (int)head, before, shown,
                      at < len ? "…" : "");
}

static void connect(Draw *draw, Ends *ends, uint32_t to)
{
    for (uint32_t i = 0; i < ends->len; i++) {
        AkPictureEdge edge = ends->items[i];
        edge.to = to;
        AK_PUSH(draw->program->arena, draw->edges, draw->edge_len, draw->edge_cap) = edge;
    }
    ends->len = 0;
}

static void end_at(Draw *draw, Ends *ends, uint32_t from, const char *text)
{
    AK_PUSH(draw->program->arena, ends->items, ends->len, ends->cap) =
        (AkPictureEdge){from, 0, text};
}

static void add_ends(Draw *draw, Ends *to, Ends *from)
{
    for (uint32_t i = 0; i < from->len; i++)
        AK_PUSH(draw->program->arena, to->items, to->len, to->cap) = from->items[i];
    from->len = 0;
}

static uint32_t box(Draw *draw, AkNodeShape shape, const char *text, AkPlace place)
{
    AK_PUSH(draw->program->arena, draw->nodes, draw->node_len, draw->node_cap) =
        (AkPictureNode){shape, text, place};
    connect(draw, &draw->ends, draw->node_len - 1);
    end_at(draw, &draw->ends, draw->node_len - 1, "");
    return draw->node_len - 1;
}

static Ends take_ends(Draw *draw)
{
    Ends ends = draw->ends;
    draw->ends = (Ends){0};
    return ends;
}

static AkPlace place_of(Draw *draw, const AkFunction *fn, const AkStmt *stmt)
{
    uint32_t start = fn->unit->start;
    return ak__place(draw->program, ak__file(fn->unit->module), start + stmt->start,
                     start + stmt->end);
}

/* ---- One function ---- */

static void draw_function(Draw *draw, const AkFunction *fn, const Frame *up);
static void draw_suite(Draw *draw, Frame *frame, AkStmtId parent, uint8_t suite, unsigned nest);

static bool leaves(uint8_t kind)
{
    return kind == AK_S_RETURN || kind == AK_S_RAISE || kind == AK_S_BREAK ||
           kind == AK_S_CONTINUE;
}

static void mark(Frame *frame, AkStmtId stmt, AkStmtId top)
{
    for (; stmt > top && !frame->marks[stmt]; stmt = frame->fn->unit->facts->stmts[stmt].parent)
        frame->marks[stmt] = true;
}

static void mark_all(Draw *draw, Frame *frame)
{
    const AkFacts *facts = frame->fn->unit->facts;
    AkStmtId top = ak_fact(frame->fn)->stmt;
    frame->marks = ak__alloc(draw->program->arena, facts->stmt_len + 1);
    for (size_t i = 0; i < frame->fn->call_len; i++)
        if (is_drawn(draw, frame, &frame->fn->calls[i]))
            mark(frame, frame->fn->calls[i].stmt, top);
    for (AkStmtId i = top + 1; i <= facts->stmts[top].last; i++) {
        if (facts->stmts[i].kind == AK_S_FUNCTION || facts->stmts[i].kind == AK_S_CLASS)
            i = facts->stmts[i].last;
        else if (leaves(facts->stmts[i].kind))
            mark(frame, i, top);
    }
}

/* What the step is about: its first argument, also by keyword; of a lambda, what it asks. */
static AkExprId subject_of(const AkCall *call)
{
    static const char *const names[] = {"activity", "workflow", "fn", "duration", "delay"};
    const AkUnit *unit = call->fn->unit;
    AkExprId subject = 0;
    if (ak_call_expr(call)->kind != AK_X_CALL)
        return 0;
    subject = ak__plain_argument(unit->facts, call->expr, 0);
    for (size_t i = 0; !subject && i < sizeof names / sizeof *names; i++)
        subject = ak__keyword_argument(unit, call->expr, names[i]);
    const AkExpr *row = &unit->facts->exprs[subject];
    if (subject && row->kind == AK_X_LAMBDA) {
        AkExprId body = ak_kid(unit->facts, unit->facts->functions[row->index].returned, 0);
        subject = body ? body : subject;
    }
    return subject;
}

static const char *step_text(Draw *draw, const AkCall *call, const Step *step)
{
    AkExprId subject = subject_of(call);
    if (!*step->dotted)
        return ak__printf(draw->program->arena, "%s", call->target->qualified);
    if (subject)
        return label(draw, call->fn->unit, step->word, subject);
    if (*step->word)
        return ak__printf(draw->program->arena, "%.*s", (int)strlen(step->word) - 1,
                          step->word);
    return strrchr(call->dotted, '.') + 1;
}

static void draw_step(Draw *draw, const AkCall *call, const Step *step)
{
    const AkUnit *unit = call->fn->unit;
    const char *text = step_text(draw, call, step);
    AkScopeId scope = ak_call_expr(call)->scope;
    if (unit->facts->scopes[scope].kind == AK_SCOPE_COMPREHENSION)
        text = ak__printf(draw->program->arena, "for each: %s", text);
    box(draw, step->shape, text, ak__place_of_call(draw->program, call));
    if (call->known && call->known->effects & AK_NEVER_RETURNS)
        draw->ends.len = 0;
}

static bool is_above(const Frame *frame, const AkFunction *fn)
{
    for (; frame; frame = frame->up)
        if (frame->fn == fn)
            return true;
    return false;
}

static void draw_calls(Draw *draw, Frame *frame, AkStmtId stmt)
{
    AkExprId last = 0;
    for (size_t i = 0; i < frame->fn->call_len; i++) {
        const AkCall *call = &frame->fn->calls[i];
        const Step *step = step_of(call);
        if (call->stmt != stmt || !is_drawn(draw, frame, call) || (last && call->expr == last))
            continue;
        last = call->expr;
        if (step)
            draw_step(draw, call, step);
        else if (is_above(frame, call->target) || frame->depth >= DEEPEST_CALL ||
                 draw->node_len > MOST_NODES)
            box(draw, AK_SHAPE_CALL, call->target->qualified,
                ak__place_of_call(draw->program, call));
        else
            draw_function(draw, call->target, frame);
    }
}

static bool is_endless(const AkUnit *unit, AkExprId test)
{
    size_t len;
    const char *text = ak_text(unit, test, &len);
    return (len == 4 && !memcmp(text, "True", 4)) || (len == 1 && *text == '1');
}

static void draw_if(Draw *draw, Frame *frame, AkStmtId id, unsigned nest)
{
    const AkStmt *stmt = &frame->fn->unit->facts->stmts[id];
    uint32_t node = box(draw, AK_SHAPE_CHOICE, label(draw, frame->fn->unit, "", stmt->value),
                        place_of(draw, frame->fn, stmt));
    draw->ends.items[0].label = "yes";
    draw_suite(draw, frame, id, AK_SUITE_BODY, nest);
    Ends after = take_ends(draw);
    end_at(draw, &draw->ends, node, "no");
    draw_suite(draw, frame, id, AK_SUITE_ELSE, nest);
    add_ends(draw, &draw->ends, &after);
}

static void draw_loop(Draw *draw, Frame *frame, AkStmtId id, unsigned nest)
{
    const AkUnit *unit = frame->fn->unit;
    const AkStmt *stmt = &unit->facts->stmts[id];
    bool endless = stmt->kind == AK_S_WHILE && is_endless(unit, stmt->value);
    const char *text =
        endless ? "repeat"
                : label(draw, unit, stmt->kind == AK_S_FOR ? "for each of " : "while ",
                        stmt->value);
    Ends breaks = {0}, *outer_breaks = frame->breaks;
    uint32_t outer = frame->loop,
             node = box(draw, AK_SHAPE_LOOP, text, place_of(draw, frame->fn, stmt));
    frame->breaks = &breaks;
    frame->loop = node;
    draw_suite(draw, frame, id, AK_SUITE_BODY, nest);
    for (uint32_t i = 0; i < draw->ends.len; i++)
        if (!*draw->ends.items[i].label)
            draw->ends.items[i].label = "again";
    connect(draw, &draw->ends, node);
    frame->breaks = outer_breaks;
    frame->loop = outer;
    if (!endless)
        end_at(draw, &draw->ends, node, "done");
    draw_suite(draw, frame, id, AK_SUITE_ELSE, nest);
    add_ends(draw, &draw->ends, &breaks);
}

/* Handlers of a try, cases of a match: each begins at the box. */
static void draw_ways(Draw *draw, Frame *frame, AkStmtId id, uint32_t node, const char *word,
                      Ends *after, unsigned nest)
{
    const AkFacts *facts = frame->fn->unit->facts;
    for (AkStmtId i = id + 1; i <= facts->stmts[id].last; i = facts->stmts[i].last + 1) {
        const AkStmt *way = &facts->stmts[i];
        if (way->suite != AK_SUITE_HANDLER)
            continue;
        draw->ends.len = 0;
        end_at(draw, &draw->ends, node,
               label(draw, frame->fn->unit, word, way->kind == AK_S_HANDLER ? way->value : 0));
        draw_suite(draw, frame, i, AK_SUITE_BODY, nest);
        add_ends(draw, after, &draw->ends);
    }
}

static void draw_try(Draw *draw, Frame *frame, AkStmtId id, unsigned nest)
{
    const AkStmt *stmt = &frame->fn->unit->facts->stmts[id];
    uint32_t node = box(draw, AK_SHAPE_TRY, "try", place_of(draw, frame->fn, stmt));
    draw_suite(draw, frame, id, AK_SUITE_BODY, nest);
    draw_suite(draw, frame, id, AK_SUITE_ELSE, nest);
    Ends after = take_ends(draw);
    draw_ways(draw, frame, id, node, "on error ", &after, nest);
    draw->ends = after;
    draw_suite(draw, frame, id, AK_SUITE_FINALLY, nest);
}

static void draw_match(Draw *draw, Frame *frame, AkStmtId id, unsigned nest)
{
    const AkStmt *stmt = &frame->fn->unit->facts->stmts[id];
    uint32_t node =
        box(draw, AK_SHAPE_CHOICE, label(draw, frame->fn->unit, "match ", stmt->value),
            place_of(draw, frame->fn, stmt));
    Ends after = {0};
    draw->ends.len = 0;
    end_at(draw, &after, node, "else");
    draw_ways(draw, frame, id, node, "case", &after, nest);
    draw->ends = after;
}

static void draw_leaving(Draw *draw, Frame *frame, const AkStmt *stmt)
{
    switch ((AkStmtKind)stmt->kind) {
    case AK_S_BREAK:
        if (frame->breaks)
            add_ends(draw, frame->breaks, &draw->ends);
        break;
    case AK_S_CONTINUE:
        if (frame->breaks)
            connect(draw, &draw->ends, frame->loop);
        break;
    case AK_S_RAISE:
        if (draw->ends.len)
            box(draw, AK_SHAPE_END, label(draw, frame->fn->unit, "raise ", stmt->value),
                place_of(draw, frame->fn, stmt));
        break;
    default: add_ends(draw, &frame->returns, &draw->ends); break;
    }
    draw->ends.len = 0;
}

static void draw_statement(Draw *draw, Frame *frame, AkStmtId id, unsigned nest)
{
    const AkStmt *stmt = &frame->fn->unit->facts->stmts[id];
    if (stmt->kind ==
        AK_S_WHILE) /* its test is asked at each turn, behind the box of the loop */
        draw_loop(draw, frame, id, nest);
    else
        draw_calls(draw, frame, id);
    switch ((AkStmtKind)stmt->kind) {
    case AK_S_IF: draw_if(draw, frame, id, nest); break;
    case AK_S_FOR: draw_loop(draw, frame, id, nest); break;
    case AK_S_TRY: draw_try(draw, frame, id, nest); break;
    case AK_S_MATCH: draw_match(draw, frame, id, nest); break;
    case AK_S_WITH: draw_suite(draw, frame, id, AK_SUITE_BODY, nest); break;
    default: break;
    }
    if (leaves(stmt->kind))
        draw_leaving(draw, frame, stmt);
}

static void draw_suite(Draw *draw, Frame *frame, AkStmtId parent, uint8_t suite, unsigned nest)
{
    const AkFacts *facts = frame->fn->unit->facts;
    if (nest > DEEPEST_NEST)
        return;
    for (AkStmtId i = parent + 1; i <= facts->stmts[parent].last; i = facts->stmts[i].last + 1)
        if (facts->stmts[i].suite == suite && frame->marks[i] &&
            facts->stmts[i].kind != AK_S_FUNCTION && facts->stmts[i].kind != AK_S_CLASS &&
            draw->ends.len)
            draw_statement(draw, frame, i, nest + 1);
}

static void draw_function(Draw *draw, const AkFunction *fn, const Frame *up)
{
    Frame frame = {.fn = fn, .up = up, .depth = up ? up->depth + 1 : 0};
    AkStmtId top = ak_fact(fn)->stmt;
    mark_all(draw, &frame);
    if (ak_fact(fn)->is_lambda || !fn->index)
        draw_calls(draw, &frame, top);
    else
        draw_suite(draw, &frame, top, AK_SUITE_BODY, 0);
    add_ends(draw, &draw->ends, &frame.returns);
}

int ak_check_picture(AkCheck *check, size_t start, AkPicture *out)
{
    AkProgram *program = ak__finished(check);
    Draw draw = {.program = program};
    *out = (AkPicture){0};
    if (!program)
        return AK_EINVAL;
    if (setjmp(*program->guard))
        return AK_ENOMEM;
    const AkFunction *fn = ak__start(program, start);
    if (!fn)
        return AK_EINVAL;
    box(&draw, AK_SHAPE_START, fn->qualified, ak__place_of_function(program, fn));
    draw_function(&draw, fn, NULL);
    if (draw.ends.len)
        box(&draw, AK_SHAPE_END, "end", ak__place_of_function(program, fn));
    *out = (AkPicture){draw.nodes, draw.edges, draw.node_len, draw.edge_len};
    return AK_OK;
}
