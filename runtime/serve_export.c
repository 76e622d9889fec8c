/* Sessions that ended, as traces for OpenTelemetry: a session is a trace, its steps, attempts and
 * waits are the spans in it. They are read from the journal after their commit, so that nothing is
 * told that did not last. What calls took and gave is not told: it may be secret. */
#define _GNU_SOURCE
#include "serve_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "exit_codes.h"
#include "members.h"
#include "otlp.h"
#include "sha256.h"
#include "views.h"

/* At a time; of one session; in one body. */
enum { GATHER_US = 200000, ENDED_MAX = 4096, A_TURN = 32, SPANS_MAX = 1000, BODY_SPANS = 2000 };

struct AkExport {
    AkOtlp *otlp;
    AkTimer *timer;
    char endpoint[600], service[128];
    char (*ids)[64];
    size_t len;
    uint64_t handed, skipped; /* spans; sessions that came when too many waited */
    bool armed, failing;
};

/* ---- JSON as OTLP has it */

static json_t *nanos(int64_t us)
{
    return json_sprintf("%" PRId64 "000", us > 0 ? us : 0);
}

static void add_text(json_t *attributes, const char *key, AkBytes value)
{
    if (value.at && value.len)
        json_array_append_new(attributes, json_pack("{s:s, s:{s:o}}", "key", key, "value",
                                                    "stringValue", ak_view_text(value)));
}

static void add_string(json_t *attributes, const char *key, const char *value)
{
    if (value)
        add_text(attributes, key, ak_bytes(value));
}

static void add_number(json_t *attributes, const char *key, uint64_t value)
{
    if (value)
        json_array_append_new(attributes,
                              json_pack("{s:s, s:{s:o}}", "key", key, "value", "intValue",
                                        json_sprintf("%" PRIu64, value)));
}

/* Of a session: seq 0, attempt 0 for the whole. */
static void span_id(const char *session, uint64_t seq, uint64_t attempt, char id[17])
{
    char words[128], hex[65];

    snprintf(words, sizeof words, "%s/%" PRIu64 "/%" PRIu64, session, seq, attempt);
    ak_sha256_hex(words, strlen(words), hex);
    snprintf(id, 17, "%.16s", hex);
}

static void trace_id(const char *session, char id[33])
{
    char hex[65];

    ak_sha256_hex(session, strlen(session), hex);
    snprintf(id, 33, "%.32s", hex);
}

/* The status of a span that failed, and the exception as an event of it. */
static void set_failure(json_t *span, AkBytes error, int64_t at_us)
{
    json_t *what = json_loadb(error.at, error.len, 0, NULL), *attributes = json_array();
    const char *type = ak_member_text(what, "type"), *message = ak_member_text(what, "message");

    add_string(attributes, "exception.type", type);
    add_string(attributes, "exception.message", message);
    json_object_set_new(span, "status",
                        json_pack("{s:i, s:o}", "code", 2, "message",
                                  json_sprintf("%s%s%s", type, *message ? ": " : "", message)));
    json_object_set_new(span, "events",
                        json_pack("[{s:o, s:s, s:o}]", "timeUnixNano", nanos(at_us), "name",
                                  "exception", "attributes", attributes));
    json_decref(what);
}

/* ---- One session */

typedef struct Trace {
    const char *session;
    char id[33], root[17]; /* the trace's, its whole session's span's */
    json_t *spans, *asked; /* asked: the span of the wait that has no answer yet */
    uint64_t previous;
    bool broken;
} Trace;

static json_t *step_span(const Trace *trace, const AkRecord *r)
{
    json_t *attributes = json_array();
    char file[300], id[17];

    span_id(trace->session, r->seq, r->attempt + 1, id);
    if (r->file.at)
        add_string(attributes, "code.file.path", ak_view_file(r->file, file, sizeof file));
    add_number(attributes, "code.line.number", r->line);
    add_text(attributes, "code.function.name", r->func);
    add_number(attributes, "ak.step.number", r->number);
    add_string(attributes, "ak.step.kind", ak_record_kind_name(r->kind));
    add_number(attributes, "ak.step.attempt", r->attempt);
    json_t *span =
        json_pack("{s:s, s:s, s:s, s:o, s:i, s:o, s:o, s:o}", "traceId", trace->id, "spanId",
                  id, "parentSpanId", trace->root, "name", ak_view_text(r->name), "kind", 1,
                  "startTimeUnixNano", nanos(r->start_us ? r->start_us : r->at_us),
                  "endTimeUnixNano", nanos(r->at_us), "attributes", attributes);
    if (r->error.at)
        set_failure(span, r->error, r->at_us);
    return span;
}

static int add_record(void *payload, uint64_t number, AkBytes bytes)
{
    Trace *trace = payload;
    AkRecord r;
    const char *why;

    if (json_array_size(trace->spans) >= SPANS_MAX)
        return 1;
    if (ak_record_read(bytes, ak_bytes(trace->session), number, trace->previous, &r,
                       &trace->previous, &why) < 0) {
        trace->broken = true;
        return 1;
    }
    if (r.kind == AK_REC_ANSWER && trace->asked) {
        json_object_set_new(trace->asked, "endTimeUnixNano", nanos(r.at_us));
        if (r.error.at)
            set_failure(trace->asked, r.error, r.at_us);
        trace->asked = NULL;
    } else if (r.kind == AK_REC_CALL || r.kind == AK_REC_ATTEMPT || r.kind == AK_REC_ASK ||
               r.kind == AK_REC_ANSWER) {
        json_t *span = step_span(trace, &r);
        json_array_append_new(trace->spans, span);
        trace->asked = r.kind == AK_REC_ASK ? span : NULL;
    }
    return 0;
}

/* It was started by another one. */
static json_t *link_to(const char *parent)
{
    char trace[33], span[17];

    trace_id(parent, trace);
    span_id(parent, 0, 0, span);
    return json_pack("[{s:s, s:s}]", "traceId", trace, "spanId", span);
}

static json_t *session_span(const Trace *trace, const AkSession *s)
{
    json_t *attributes = json_array();

    add_string(attributes, "ak.session.id", s->id);
    add_string(attributes, "ak.session.state", ak_state_name(s->state));
    add_string(attributes, "ak.project.id", s->project_id);
    add_string(attributes, "ak.deployment.id", s->deployment_id);
    add_string(attributes, "ak.event.id", s->event_id);
    add_string(attributes, "ak.session.parent_id", s->parent_id);
    json_t *span = json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "traceId", trace->id,
                             "spanId", trace->root, "name", s->entry, "kind", 5,
                             "startTimeUnixNano", nanos(s->created_us), "endTimeUnixNano",
                             nanos(s->ended_us), "attributes", attributes);
    if (s->parent_id)
        json_object_set_new(span, "links", link_to(s->parent_id));
    if (s->error)
        set_failure(span, ak_bytes(s->error), s->ended_us);
    return span;
}

/* Adds the spans of a session to the array; nothing for one that is gone. */
static void add_session(AkServe *s, const char *id, json_t *spans)
{
    AkSession *session;

    if (ak_session_get(s->home->store, id, &session) < 0)
        return;
    Trace trace = {.session = id, .spans = json_array()};
    trace_id(id, trace.id);
    span_id(id, 0, 0, trace.root);
    json_array_append_new(trace.spans, session_span(&trace, session));
    ak_journal_read(s->home->store, id, 0, add_record, &trace);
    if (!trace.broken)
        json_array_extend(spans, trace.spans);
    json_decref(trace.spans);
    free(session);
}

/* ---- Bodies */

static void send(AkExport *export, json_t *spans)
{
    size_t n = json_array_size(spans);
    json_t *resource = json_array();

    if (!n) {
        json_decref(spans);
        json_decref(resource);
        return;
    }
    add_string(resource, "service.name", export->service);
    add_string(resource, "service.version", AK_VERSION);
    json_t *body = json_pack("{s:[{s:{s:o}, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceSpans",
                             "resource", "attributes", resource, "scopeSpans", "scope", "name",
                             "ak", "version", AK_VERSION, "spans", spans);
    ak_otlp_send(export->otlp, json_dumps(body, JSON_COMPACT), n);
    export->handed += n;
    json_decref(body);
}

/* People hear of it when the collector stops or begins to take spans. */
static void tell(const AkServe *s)
{
    AkExport *export = s->export;
    AkOtlpCounts counts = ak_otlp_counts(export->otlp);

    if (counts.failing == export->failing)
        return;
    export->failing = counts.failing;
    if (counts.failing)
        ak__serve_tell(s, "warning", NULL, "spans cannot be sent to %s: %s", export->endpoint,
                       counts.words);
    else
        ak__serve_say(s, "spans are sent to %s again", export->endpoint);
}

static void on_gathered(void *owner)
{
    AkServe *s = owner;
    AkExport *export = s->export;
    json_t *spans = json_array();
    size_t n = export->len < A_TURN ? export->len : A_TURN;

    for (size_t i = 0; i < n; i++) {
        add_session(s, export->ids[i], spans);
        if (json_array_size(spans) >= BODY_SPANS) {
            send(export, spans);
            spans = json_array();
        }
    }
    send(export, spans);
    memmove(export->ids, export->ids + n, (export->len - n) * sizeof *export->ids);
    export->len -= n;
    tell(s);
    AkOtlpCounts counts = ak_otlp_counts(export->otlp);
    export->armed = export->len || counts.sent + counts.dropped < export->handed;
    if (export->armed)
        ak_timer_set(export->timer, export->len ? 1000 : AK_SECOND);
}

/* ---- For the server */

/* The variables that OpenTelemetry's own programs read, before the setting. */
static bool find_endpoint(const AkConfig *config, char *to, size_t size)
{
    const char *whole = getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
               *base = getenv("OTEL_EXPORTER_OTLP_ENDPOINT"),
               *off = getenv("OTEL_SDK_DISABLED");

    if (off && !strcasecmp(off, "true"))
        return false;
    if (whole && *whole)
        return snprintf(to, size, "%s", whole) > 0;
    if (!base || !*base)
        base = ak_config_text(config, "serve.otlp");
    if (!*base)
        return false;
    return snprintf(to, size, "%s%sv1/traces", base, base[strlen(base) - 1] == '/' ? "" : "/") >
           0;
}

int ak__export_new(AkServe *s)
{
    const char *headers = getenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
               *service = getenv("OTEL_SERVICE_NAME");
    char endpoint[600], why[400];

    if (!find_endpoint(s->home->config, endpoint, sizeof endpoint))
        return 0;
    if (!headers || !*headers)
        headers = getenv("OTEL_EXPORTER_OTLP_HEADERS");
    AkExport *export = calloc(1, sizeof *export);
    if (!export)
        abort();
    snprintf(export->endpoint, sizeof export->endpoint, "%s", endpoint);
    snprintf(export->service, sizeof export->service, "%.127s",
             service && *service ? service : "ak");
    export->ids = calloc(ENDED_MAX, sizeof *export->ids);
    if (!export->ids)
        abort();
    export->otlp = ak_otlp_new(endpoint, headers ? headers : "", why, sizeof why);
    if (!export->otlp) {
        free(export->ids);
        free(export);
        return ak_say_error(AK_EXIT_FAILED,
                            "spans cannot be exported: %s; OTEL_SDK_DISABLED=true turns it off",
                            why);
    }
    s->export = export;
    export->timer = ak_timer_new(s->loop, on_gathered, s);
    return 0;
}

void ak__export_session(AkServe *s, const char *id)
{
    AkExport *export = s->export;

    if (!export)
        return;
    if (export->len == ENDED_MAX) {
        export->skipped++;
        return;
    }
    snprintf(export->ids[export->len++], sizeof *export->ids, "%.63s", id);
    if (!export->armed)
        ak_timer_set(export->timer, GATHER_US);
    export->armed = true;
}

void ak__export_metrics(const AkServe *s, AkText *to)
{
    AkOtlpCounts counts = s->export ? ak_otlp_counts(s->export->otlp) : (AkOtlpCounts){0};

    ak_metric(to, "ak_otlp_spans_sent_total", "counter", "Spans that the collector took.",
              (int64_t)counts.sent);
    ak_metric(to, "ak_otlp_spans_dropped_total", "counter",
              "Spans that the collector did not take, or that were too many.",
              (int64_t)counts.dropped);
    ak_metric(to, "ak_otlp_sessions_dropped_total", "counter",
              "Sessions without spans, as too many ended at a time.",
              s->export ? (int64_t)s->export->skipped : 0);
}

void ak__export_free(AkServe *s)
{
    AkExport *export = s->export;

    if (!export)
        return;
    while (export->len)
        on_gathered(s);
    ak_otlp_free(export->otlp);
    ak_timer_free(export->timer);
    free(export->ids);
    free(export);
    s->export = NULL;
}
