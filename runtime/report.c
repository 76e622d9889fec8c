#define _GNU_SOURCE
#include "report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void ak_report_text(FILE *to, AkBytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '\n')
            fputs("\\n", to);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\x%02x", c);
        else
            putc(c, to);
    }
}

static void print_frame(FILE *to, const json_t *frame)
{
    const char *code = json_string_value(json_object_get(frame, "code"));
    const char *file = json_string_value(json_object_get(frame, "file"));
    const char *name = json_string_value(json_object_get(frame, "name"));

    fprintf(to, "  File \"%s\", line %lld, in %s\n", file ? file : "?",
            json_integer_value(json_object_get(frame, "line")), name ? name : "?");
    if (code && *code)
        fprintf(to, "    %s\n", code);
}

void ak_report_error(FILE *to, AkBytes text)
{
    json_t *error = text.at ? json_loadb(text.at, text.len, 0, NULL) : NULL;
    json_t *frames = json_object_get(error, "traceback"), *frame;
    const char *type = json_string_value(json_object_get(error, "type"));
    const char *message = json_string_value(json_object_get(error, "message"));
    size_t i;

    if (!error) {
        fprintf(to, "error: %.*s\n", (int)text.len, text.at ? text.at : "");
        return;
    }
    if (json_array_size(frames))
        fputs("Traceback (most recent call last):\n", to);
    json_array_foreach(frames, i, frame) print_frame(to, frame);
    fprintf(to, "%s%s%s\n", type ? type : "error", message && *message ? ": " : "",
            message ? message : "");
    json_decref(error);
}

const char *ak_report_length(int64_t us, char *text, size_t size)
{
    long long s = us / 1000000;

    if (us < 1000)
        snprintf(text, size, "%lld µs", (long long)us);
    else if (us < 1000000)
        snprintf(text, size, "%.1f ms", (double)us / 1e3);
    else if (s < 60)
        snprintf(text, size, "%.1f s", (double)us / 1e6);
    else if (s < 3600)
        snprintf(text, size, "%lld min %lld s", s / 60, s % 60);
    else if (s < 48 * 3600)
        snprintf(text, size, "%lld h %lld min", s / 3600, s % 3600 / 60);
    else
        snprintf(text, size, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    return text;
}

const char *ak_report_time(int64_t us, char *text, size_t size)
{
    time_t seconds = us / 1000000;
    struct tm tm;
    char day[32];

    if (!us) {
        snprintf(text, size, "-");
        return text;
    }
    localtime_r(&seconds, &tm);
    strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(text, size, "%s.%03d", day, (int)(us / 1000 % 1000));
    return text;
}

/* --- Steps
 * --------------------------------------------------------------------------------------- */

static const char *last_part(AkBytes file)
{
    static char name[300];

    snprintf(name, sizeof name, "%.*s", (int)(file.len < 290 ? file.len : 290), file.at);
    /* Code lies in a folder named by its digest; people know the path below it. */
    char *cache = strstr(name, "/cache/");
    char *below = cache ? strchr(cache + 7, '/') : NULL;
    return below ? below + 1 : name;
}

static void print_place(FILE *to, const AkRecord *r)
{
    char place[320];

    if (r->file.at)
        snprintf(place, sizeof place, "%s:%llu", last_part(r->file),
                 (unsigned long long)r->line);
    else
        place[0] = '\0';
    fprintf(to, "%-20s ", place);
}

static void print_cut(FILE *to, AkBytes text, size_t max)
{
    bool cut = text.len > max;
    size_t len = cut ? max : text.len;

    /* Not in the middle of a character. */
    while (cut && len && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    ak_report_text(to, (AkBytes){text.at, len});
    if (cut)
        fputs("…", to);
}

static void print_failure(FILE *to, AkBytes text)
{
    json_t *error = json_loadb(text.at, text.len, 0, NULL);
    const char *type = json_string_value(json_object_get(error, "type"));
    const char *message = json_string_value(json_object_get(error, "message"));

    fprintf(to, "%s: ", type ? type : "error");
    print_cut(to, ak_bytes(message ? message : ""), 100);
    json_decref(error);
}

static void print_what(FILE *to, const AkRecord *r)
{
    switch (r->kind) {
    case AK_REC_START:
        print_cut(to, r->name, 60);
        fputs(" starts with ", to);
        print_cut(to, r->args.at ? r->args : ak_bytes("no event"), 100);
        return;
    case AK_REC_PRINT:
        fputs("prints ", to);
        print_cut(to, r->text, 100);
        return;
    case AK_REC_DONE:
        fprintf(to, "%s ", ak_state_name(r->state));
        if (r->error.at)
            print_failure(to, r->error);
        else
            print_cut(to, r->value, 100);
        return;
    default: break;
    }
    print_cut(to, r->name, 60);
    putc('(', to);
    print_cut(to, r->preview.at ? r->preview : r->args, 80);
    putc(')', to);
    if (r->attempt > 1 || r->kind == AK_REC_ATTEMPT)
        fprintf(to, " attempt %llu", (unsigned long long)r->attempt);
    if (r->kind == AK_REC_ASK) {
        fputs(" waits", to);
        return;
    }
    fputs(r->error.at ? " raised " : " → ", to);
    if (r->error.at)
        print_failure(to, r->error);
    else
        print_cut(to, r->result.at ? r->result : r->value, 80);
}

void ak_report_step(FILE *to, const AkRecord *r, bool colour)
{
    char at[40], length[32] = "";
    bool bad = r->error.at != NULL;

    if (r->start_us)
        ak_report_length(r->at_us - r->start_us, length, sizeof length);
    fprintf(to, "%4llu  %s  %9s  ", (unsigned long long)r->number,
            ak_report_time(r->at_us, at, sizeof at) + 11, length);
    print_place(to, r);
    if (colour)
        fputs(bad ? "\033[31m" : r->kind == AK_REC_PRINT ? "\033[2m" : "", to);
    print_what(to, r);
    fputs(colour ? "\033[0m\n" : "\n", to);
}

static void set_text(json_t *object, const char *name, AkBytes text)
{
    if (text.at)
        json_object_set_new(object, name, json_stringn(text.at, text.len));
}

static void set_json(json_t *object, const char *name, AkBytes text)
{
    json_t *value = text.at ? json_loadb(text.at, text.len, JSON_DECODE_ANY, NULL) : NULL;

    if (value)
        json_object_set_new(object, name, value);
    else
        set_text(object, name, text);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    if (number)
        json_object_set_new(object, name, json_integer((json_int_t)number));
}

static void set_time(json_t *object, const char *name, int64_t us)
{
    if (us)
        json_object_set_new(object, name, json_real((double)us / 1e6));
}

void ak_report_step_json(FILE *to, const AkRecord *r)
{
    json_t *o = json_pack("{s:I, s:s}", "number", (json_int_t)r->number, "kind",
                          ak_record_kind_name(r->kind));

    set_time(o, "at", r->at_us);
    set_time(o, "start", r->start_us);
    set_time(o, "due", r->due_us);
    set_number(o, "seq", r->seq);
    set_number(o, "attempt", r->attempt);
    set_text(o, "name", r->name);
    set_text(o, "file", r->file.at ? ak_bytes(last_part(r->file)) : r->file);
    set_number(o, "line", r->line);
    set_text(o, "func", r->func);
    set_text(o, "arguments", r->preview);
    set_text(o, "result", r->result);
    set_json(o, "args", r->args);
    set_json(o, "error", r->error);
    set_text(o, "text", r->text);
    set_text(o, "digest", r->digest);
    if (r->kind == AK_REC_ANSWER)
        set_json(o, "value", r->value);
    if (r->kind == AK_REC_DONE)
        set_text(o, "value", r->value);
    if (r->kind == AK_REC_CALL)
        set_number(o, "size", r->value.len);
    if (r->kind == AK_REC_DONE)
        json_object_set_new(o, "state", json_string(ak_state_name(r->state)));
    if (r->kind == AK_REC_PRINT)
        json_object_set_new(o, "stream",
                            json_string(r->stream == AK_STREAM_STDERR ? "stderr" : "stdout"));
    if (r->in_memory)
        json_object_set_new(o, "in_memory", json_true());
    json_dumpf(o, to, JSON_COMPACT | JSON_ENSURE_ASCII);
    putc('\n', to);
    json_decref(o);
}

/* --- Sessions
 * ------------------------------------------------------------------------------------- */

void ak_report_session_row(FILE *to, const AkSession *s)
{
    char at[40], what[64] = "";

    if (s->state == AK_STATE_RUNNING && s->wait)
        snprintf(what, sizeof what, "waits: %s", ak_wait_name(s->wait));
    fprintf(to, "%-30s  %-9s  %s  %6llu  %s  %s\n", s->id, ak_state_name(s->state),
            ak_report_time(s->created_us, at, sizeof at), (unsigned long long)s->length,
            s->entry, what);
}

void ak_report_session(FILE *to, const AkSession *s)
{
    char text[64];

    fprintf(to, "session     %s\nstate       %s\nentry       %s\nproject     %s\n", s->id,
            ak_state_name(s->state), s->entry, s->project_id);
    if (s->deployment_id)
        fprintf(to, "deployment  %s\n", s->deployment_id);
    if (s->parent_id)
        fprintf(to, "parent      %s\n", s->parent_id);
    fprintf(to, "created     %s\n", ak_report_time(s->created_us, text, sizeof text));
    if (s->ended_us)
        fprintf(to, "ended       %s\n", ak_report_time(s->ended_us, text, sizeof text));
    fprintf(to, "records     %llu\n", (unsigned long long)s->length);
    if (s->wait && s->state == AK_STATE_RUNNING) {
        fprintf(to, "waits for   %s\n", s->wait_text ? s->wait_text : ak_wait_name(s->wait));
        fprintf(to, "since       %s\n", ak_report_time(s->since_us, text, sizeof text));
        if (s->due_us)
            fprintf(to, "until       %s\n", ak_report_time(s->due_us, text, sizeof text));
    }
    if (s->value)
        fprintf(to, "returned    %s\n", s->value);
    if (s->error)
        ak_report_error(to, ak_bytes(s->error));
}

void ak_report_session_json(FILE *to, const AkSession *s)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}", "id", s->id, "state",
                          ak_state_name(s->state), "entry", s->entry, "project_id",
                          s->project_id, "deployment_id", s->deployment_id, "event_id",
                          s->event_id, "parent_id", s->parent_id, "value", s->value);

    set_time(o, "created", s->created_us);
    set_time(o, "ended", s->ended_us);
    set_number(o, "records", s->length);
    set_json(o, "memo", ak_bytes(s->memo));
    set_json(o, "error", ak_bytes(s->error));
    if (s->wait && s->state == AK_STATE_RUNNING) {
        json_t *wait =
            json_pack("{s:s, s:s*}", "kind", ak_wait_name(s->wait), "text", s->wait_text);
        set_time(wait, "since", s->since_us);
        set_time(wait, "until", s->due_us);
        json_object_set_new(o, "wait", wait);
    }
    json_dumpf(o, to, JSON_COMPACT | JSON_ENSURE_ASCII);
    putc('\n', to);
    json_decref(o);
}
