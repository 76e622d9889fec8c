#define _GNU_SOURCE
#include "report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "views.h"

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

char *ak_report_error_text(AkBytes error_json)
{
    char *words = NULL;
    size_t len;
    FILE *to = open_memstream(&words, &len);

    ak_report_error(to, error_json);
    fclose(to);
    return words;
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

static void print_object(FILE *to, json_t *object)
{
    json_dumpf(object, to, JSON_COMPACT | JSON_ENSURE_ASCII);
    putc('\n', to);
    json_decref(object);
}

static void print_place(FILE *to, const AkRecord *r)
{
    char place[320], name[290];

    if (r->file.at)
        snprintf(place, sizeof place, "%s:%llu", ak_view_file(r->file, name, sizeof name),
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

static AkBytes without_end(AkBytes text)
{
    if (text.len && text.at[text.len - 1] == '\n')
        text.len--;
    return text;
}

static void print_what(FILE *to, const AkRecord *r)
{
    char until[40];

    switch (r->kind) {
    case AK_REC_START:
        print_cut(to, r->name, 60);
        fputs(" starts with ", to);
        print_cut(to, r->args.at ? r->args : ak_bytes("no event"), 100);
        return;
    case AK_REC_PRINT:
        fputs("prints ", to);
        print_cut(to, without_end(r->text), 100);
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
        if (r->due_us)
            fprintf(to, " until %s", ak_report_time(r->due_us, until, sizeof until) + 11);
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

    if (r->start_us && r->kind != AK_REC_ASK)
        ak_report_length(r->at_us - r->start_us, length, sizeof length);
    /* The µ is one column of two bytes. */
    fprintf(to, "%4llu  %s  %*s  ", (unsigned long long)r->number,
            ak_report_time(r->at_us, at, sizeof at) + 11, strstr(length, "µ") ? 10 : 9, length);
    print_place(to, r);
    if (colour)
        fputs(bad ? "\033[31m" : r->kind == AK_REC_PRINT ? "\033[2m" : "", to);
    print_what(to, r);
    fputs(colour ? "\033[0m\n" : "\n", to);
}

void ak_report_step_json(FILE *to, const AkRecord *r)
{
    print_object(to, ak_view_step(r));
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
    print_object(to, ak_view_session(s));
}
