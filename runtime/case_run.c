/* One case, run: the driver as everywhere else, over a store in memory and a clock that stands
 * still while programs compute and jumps to the next deadline when all of them wait. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case_stage.h"
#include "dispatch.h"
#include "driver.h"
#include "hosts.h"
#include "ids.h"
#include "manual.h"
#include "members.h"
#include "replay.h"
#include "report.h"

enum { A_YEAR_S = 366 * 86400, REPLAY_LIMIT_MS = 20000 };

typedef struct Known {
    char id[64], func[256];
} Known;

typedef struct Play {
    const AkCaseBench *bench;
    const AkCase *c;
    AkCaseRun *run;
    AkStage stage;
    AkLoop *loop;
    AkHosts *hosts;
    AkDriver *driver;
    char first[64]; /* the first session */
    Known *known;   /* sessions that printed, by id */
    size_t known_len;
    int64_t start_us, now_us, end_mono;
    size_t happened; /* events that have come */
    bool over;
} Play;

static void fault(AkCaseRun *run, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(AkCaseRun *run, const char *what, const char *format, ...)
{
    char *words;
    va_list list;

    va_start(list, format);
    if (vasprintf(&words, format, list) < 0)
        abort();
    va_end(list);
    json_t *text = json_string(words);
    json_array_append_new(run->faults,
                          json_pack("{s:s, s:o}", "what", what, "text",
                                    text ? text : json_string("(words that are not UTF-8)")));
    free(words);
}

/* --- What the driver tells
 * ------------------------------------------------------------------------ */

static AkHost *on_host(void *owner, const char *deployment, const char *entry, char *why,
                       size_t size)
{
    return ak_hosts_get(((Play *)owner)->hosts, deployment, entry, why, size);
}

static const char *func_of(Play *p, const char *id)
{
    AkSession *row;

    for (size_t i = 0; i < p->known_len; i++)
        if (!strcmp(p->known[i].id, id))
            return p->known[i].func;
    p->known = realloc(p->known, (p->known_len + 1) * sizeof *p->known);
    if (!p->known)
        abort();
    Known *known = &p->known[p->known_len++];
    *known = (Known){0};
    snprintf(known->id, sizeof known->id, "%s", id);
    if (ak_session_get(p->stage.store, id, &row) == 0) {
        const char *colon = strrchr(row->entry, ':');
        snprintf(known->func, sizeof known->func, "%s", colon ? colon + 1 : row->entry);
        free(row);
    }
    return known->func;
}

static AkText *prints_of(Play *p, const char *func)
{
    AkCaseRun *run = p->run;

    for (size_t i = 0; i < run->others_len; i++)
        if (!strcmp(run->others[i].func, func))
            return &run->others[i].text;
    run->others = realloc(run->others, (run->others_len + 1) * sizeof *run->others);
    if (!run->others)
        abort();
    AkCasePrints *prints = &run->others[run->others_len++];
    *prints = (AkCasePrints){0};
    snprintf(prints->func, sizeof prints->func, "%s", func);
    return &prints->text;
}

/* What is told with -v, behind the time that has gone by for the program. */
static void tell(const Play *p, const char *who, AkBytes words)
{
    char since[40];

    if (!p->bench->verbose)
        return;
    printf("    +%-10s %s%s", ak_report_length(p->now_us - p->start_us, since, sizeof since),
           who, *who ? ": " : "");
    while (words.len && words.at[words.len - 1] == '\n')
        words.len--;
    ak_report_text(stdout, words);
    putchar('\n');
    fflush(stdout);
}

static void on_show(void *owner, const char *id, AkStream stream, AkBytes words)
{
    Play *p = owner;
    bool mine = !strcmp(id, p->first);

    tell(p, mine ? "" : func_of(p, id), words);
    if (stream == AK_STREAM_STDERR)
        ak_text_bytes(&p->run->aside, words);
    else
        ak_text_bytes(mine ? &p->run->prints : prints_of(p, func_of(p, id)), words);
}

static void on_note(void *owner, const char *id, AkBytes words)
{
    Play *p = owner;

    (void)id;
    tell(p, "ak", words);
    ak_text_bytes(&p->run->aside, words);
    ak_text_str(&p->run->aside, "\n");
}

static void on_outcome(void *owner, const char *id, AkBytes value)
{
    Play *p = owner;

    if (strcmp(id, p->first))
        return;
    tell(p, "outcome", value);
    ak_text_bytes(&p->run->outcomes, value);
    ak_text_str(&p->run->outcomes, "\n");
}

static void on_refused(void *owner, const char *id, int code, const char *words)
{
    Play *p = owner;

    fault(p->run, "session", "%s cannot go on: %s (%s)", func_of(p, id), words,
          ak_fault_name(code));
}

static void on_store_failed(void *owner, int code, const char *words)
{
    Play *p = owner;

    fault(p->run, "store", "%s (%s)", words, ak_fault_name(code));
    p->over = true;
}

static const AkFront front = {.host = on_host,
                              .show = on_show,
                              .note = on_note,
                              .outcome = on_outcome,
                              .refused = on_refused,
                              .store_failed = on_store_failed};

static void on_signal(void *owner, int number)
{
    Play *p = owner;

    (void)number;
    p->over = p->run->interrupted = true;
}

/* --- What happens
 * -------------------------------------------------------------------------------- */

typedef struct Find {
    const char *name;
    char id[64];
} Find;

static int note_trigger(void *payload, const AkTrigger *t)
{
    Find *find = payload;

    if (!strcmp(t->name, find->name))
        snprintf(find->id, sizeof find->id, "%s", t->id);
    return 0;
}

static int note_any(void *payload, const AkSubscription *s)
{
    (void)s;
    *(bool *)payload = true;
    return 0;
}

static AkTrigger *trigger_of(const Play *p, const char *name)
{
    Find find = {.name = name};
    AkTrigger *trigger = NULL;

    ak_trigger_list(p->stage.store, p->stage.project, note_trigger, &find);
    if (!*find.id || ak_trigger_get(p->stage.store, find.id, &trigger) < 0)
        return NULL;
    return trigger;
}

static bool starts_something(const AkTrigger *trigger)
{
    json_t *config = trigger && trigger->config ? json_loads(trigger->config, 0, NULL) : NULL;
    bool calls = *ak_member_text(config, "call") != '\0';

    json_decref(config);
    return calls;
}

/* An event without a time of its own comes when somebody is there to hear of it. */
static bool is_awaited(const Play *p, const json_t *h)
{
    const char *source = ak_member_text(h, "source");
    bool heard = false;

    if (json_object_get(h, "signal"))
        return *p->first != '\0';
    AkTrigger *trigger = trigger_of(p, source);
    heard = starts_something(trigger);
    free(trigger);
    if (!heard)
        ak_subscription_list(p->stage.store, NULL, p->stage.project, source, note_any, &heard);
    return heard;
}

static int send_signal(Play *p, const json_t *h)
{
    char *value = json_object_get(h, "payload")
                      ? json_dumps(json_object_get(h, "payload"),
                                   JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII)
                      : strdup("null");
    AkMail mail = {.session_id = p->first,
                   .kind = AK_MAIL_SIGNAL,
                   .name = ak_member_text(h, "signal"),
                   .value = value,
                   .created_us = p->now_us};
    int failed = ak_driver_mail(p->driver, &mail);

    free(value);
    return failed;
}

static int send_event(Play *p, const json_t *h)
{
    AkTrigger *found = trigger_of(p, ak_member_text(h, "source"));
    /* A connection, or a name that only the program knows: subscriptions hear of it. */
    AkTrigger bare = {.project_id = p->stage.project, .name = ak_member_text(h, "source")};
    json_t *data = json_object_get(h, "data");
    AkHappening what = {.trigger = found ? found : &bare,
                        .type = ak_member_text(h, "event_type"),
                        .data = data ? json_incref(data) : (data = json_object())};
    AkDispatched done;
    int failed = ak_dispatch(p->driver, p->stage.store, &what, &done);

    if (!failed && !*p->first)
        snprintf(p->first, sizeof p->first, "%s", done.session_id);
    json_decref(data);
    free(found);
    return failed;
}

static void happen(Play *p, const json_t *h)
{
    bool signal = json_object_get(h, "signal") != NULL;
    int failed = signal ? send_signal(p, h) : send_event(p, h);

    p->happened++;
    tell(p, signal ? "signal" : "event",
         ak_bytes(ak_member_text(h, signal ? "signal" : "source")));
    if (failed == AK_E_ENDED || failed == AK_E_ABSENT)
        fault(p->run, "events", "event %zu came to nobody: the session had ended", p->happened);
    else if (failed)
        fault(p->run, "events", "event %zu: %s", p->happened, ak_driver_error(p->driver));
}

/* --- Time
 * ---------------------------------------------------------------------------------------- */

static void set_clock(Play *p, int64_t to_us)
{
    if (to_us > p->now_us) {
        p->run->skipped_us += to_us - p->now_us;
        p->now_us = to_us;
    }
    ak_loop_hold_clock(p->now_us);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* Everybody waits: the next thing happens. False: nothing is to come. */
static bool advance(Play *p, int64_t due_us)
{
    const json_t *h = json_array_get(p->c->happenings, p->happened),
                 *after = json_object_get(h, "after");
    int64_t at = after ? p->start_us + ak_case_duration(after) : 0;
    int64_t end = p->c->for_us ? p->start_us + p->c->for_us : 0;

    if (h && (after ? at <= p->now_us : is_awaited(p, h))) {
        happen(p, h);
        return true;
    }
    int64_t next = sooner(due_us, at);
    if (!next || (end && next > end))
        return false;
    set_clock(p, next);
    ak_driver_wake(p->driver);
    return true;
}

static void play(Play *p)
{
    int64_t due_us;

    while (!p->over) {
        ak_driver_turn(p->driver);
        if (ak_loop_now().mono_us > p->end_mono) {
            fault(p->run, "time",
                  "it was not over after %lld s; for a program that goes on for ever, "
                  "case.json says how long: {\"for\": \"1d\"}",
                  (long long)(p->bench->limit_us / 1000000));
            return;
        }
        if (!ak_driver_rests(p->driver, &due_us)) {
            ak_loop_turn(p->loop);
            continue;
        }
        /* Lazy records would wait for a timer. */
        ak_driver_want_commit(p->driver);
        ak_driver_turn(p->driver);
        if (ak_driver_rests(p->driver, &due_us) && !advance(p, due_us))
            return;
    }
}

/* --- The session that the case starts itself
 * ------------------------------------------------------- */

static int start_first(Play *p, char *why, size_t size)
{
    char seed[AK_SEED_SIZE];

    if (!*p->c->entry)
        return 0;
    ak_id_new("ses", p->now_us, p->first);
    ak_seed_new(seed);
    json_t *object = ak_manual_event(p->c->event, p->first);
    char *event = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    AkNewSession session = {.id = p->first,
                            .project_id = p->stage.project,
                            .deployment_id = p->stage.deployment,
                            .entry = p->c->entry,
                            .event = event,
                            .seed = seed,
                            .dialect = p->c->dialect};
    int failed = ak_driver_create(p->driver, &session);

    if (failed)
        snprintf(why, size, "%s", ak_driver_error(p->driver));
    free(event);
    json_decref(object);
    return failed ? -1 : 0;
}

/* --- What was seen
 * ------------------------------------------------------------------------------- */

typedef struct Reading {
    Play *p;
    uint64_t previous;
    char place[400]; /* where it began to wait last */
    AkBytes session;
    bool mine;
} Reading;

static int read_record(void *payload, uint64_t number, AkBytes bytes)
{
    Reading *r = payload;
    AkRecord record;
    const char *why;

    if (ak_record_read(bytes, r->session, number, r->previous, &record, &r->previous, &why) < 0)
        return 1;
    r->p->run->records++;
    if (record.kind == AK_REC_CALL && r->mine) {
        ak_text_bytes(&r->p->run->calls, record.name);
        ak_text_str(&r->p->run->calls, "\n");
    }
    if (record.kind == AK_REC_ASK)
        snprintf(r->place, sizeof r->place, "%.*s:%llu", (int)record.file.len, record.file.at,
                 (unsigned long long)record.line);
    return 0;
}

static void look_at_waiting(Play *p, const AkSession *row, const char *place)
{
    const char *wait = ak_wait_name(row->wait);

    if (p->c->for_us || p->over || json_array_size(p->run->faults))
        return;
    fault(p->run, "waiting", "%s at %s for %s %s, and nothing is to come", row->entry, place,
          wait, row->wait_text ? row->wait_text : "");
}

static void look_at(Play *p, const AkSession *row)
{
    Reading reading = {.p = p, .place = "?", .session = ak_bytes(row->id)};

    reading.mine = !strcmp(row->id, p->first);
    p->run->sessions++;
    ak_journal_read(p->stage.store, row->id, 0, read_record, &reading);
    if (reading.mine) {
        p->run->state = row->state <= AK_STATE_RUNNING ? AK_STATE_RUNNING : row->state;
        ak_text_str(&p->run->value, row->value ? row->value : "");
        ak_text_str(&p->run->error, row->error ? row->error : "");
    }
    if (row->parent_id)
        return;
    if (row->state <= AK_STATE_RUNNING)
        look_at_waiting(p, row, reading.place);
    if (row->state == AK_STATE_ERROR && !reading.mine) {
        char *words = ak_report_error_text(ak_bytes(row->error));
        fault(p->run, "session", "%s failed:\n%s", row->entry, words);
        free(words);
    }
}

static void replay_one(Play *p, const AkSession *row, char *const *env)
{
    AkReplayOptions options = {.config = p->bench->home->config,
                               .env = env,
                               .limit_ms = REPLAY_LIMIT_MS,
                               .quiet = true};
    AkReplayed replayed;
    int code =
        ak_replay_check(p->stage.store, &p->bench->home->place, row->id, &options, &replayed);

    if (code) {
        fault(p->run, "replay", "%s could not be replayed", row->entry);
    } else if (!replayed.agrees) {
        char *words =
            replayed.error.len ? ak_report_error_text(ak_bytes(replayed.error.at)) : strdup("");
        fault(p->run, "replay", "%s, run again from its record: %s%s%s%s%s", row->entry,
              replayed.words, replayed.at.len ? ": " : "",
              replayed.at.len ? replayed.at.at : "", *words ? "\n" : "", words);
        free(words);
    }
    ak_replayed_free(&replayed);
}

typedef struct Ids {
    char (*items)[64];
    size_t len;
} Ids;

static int note_id(void *payload, const AkSession *session)
{
    Ids *ids = payload;

    ids->items = realloc(ids->items, (ids->len + 1) * sizeof *ids->items);
    if (!ids->items)
        abort();
    snprintf(ids->items[ids->len++], sizeof *ids->items, "%s", session->id);
    return 0;
}

/* Oldest first; ids sort by time. */
static void look_back(Play *p, char *const *env)
{
    Ids ids = {0};

    ak_session_list(p->stage.store, NULL, note_id, &ids);
    for (size_t i = ids.len; i-- > 0;) {
        AkSession *row;
        if (ak_session_get(p->stage.store, ids.items[i], &row) < 0)
            continue;
        look_at(p, row);
        if (!p->run->interrupted)
            replay_one(p, row, env);
        free(row);
    }
    free(ids.items);
    for (size_t i = p->happened; i < json_array_size(p->c->happenings); i++)
        if (!p->run->interrupted)
            fault(p->run, "events", "event %zu did not come: nobody waited for it", i + 1);
}

/* --- Life
 * ---------------------------------------------------------------------------------------- */

static void open_play(Play *p)
{
    const AkConfig *config = p->bench->home->config;
    AkDriverOptions options = {
        .run = ak_driver_run_options(config),
        .idle_us = (int64_t)A_YEAR_S * 1000000,
    };

    p->loop = ak_loop_new();
    p->hosts = ak_hosts_new(p->loop, p->stage.store, config, &p->bench->home->place);
    p->driver = ak_driver_new(p->loop, p->stage.store, &options, &front, p);
    int on[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof on / sizeof *on; i++)
        ak_loop_on_signal(p->loop, on[i], on_signal, p);
}

static void close_play(Play *p)
{
    ak_driver_free(p->driver);
    ak_hosts_free(p->hosts);
    ak_loop_free(p->loop);
    free(p->known);
}

static int perform(Play *p, char *why, size_t size)
{
    int failed = start_first(p, why, size);
    char **env = failed ? NULL : ak_hosts_env(p->hosts, p->stage.deployment, why, size);

    if (env) {
        play(p);
        ak_hosts_settle(p->hosts, p->loop);
        look_back(p, env);
    }
    ak_hosts_env_free(env);
    return env ? 0 : -1;
}

int ak_case_run(const AkCaseBench *bench, const AkCase *c, AkCaseRun *run, char *why,
                size_t size)
{
    int64_t begun = ak_loop_now().mono_us;
    Play p = {.bench = bench, .c = c, .run = run};

    *run = (AkCaseRun){.faults = json_array()};
    p.start_us = c->at_us ? c->at_us : ak_loop_now().wall_us;
    p.now_us = p.start_us;
    p.end_mono = begun + bench->limit_us;
    ak_loop_hold_clock(p.now_us);
    int failed = ak_stage_set(bench->home, c, &p.stage, why, size);
    if (!failed) {
        open_play(&p);
        failed = perform(&p, why, size);
        close_play(&p);
    }
    ak_stage_clear(&p.stage);
    ak_loop_hold_clock(0);
    run->took_us = ak_loop_now().mono_us - begun;
    return failed;
}

void ak_case_run_free(AkCaseRun *run)
{
    for (size_t i = 0; i < run->others_len; i++)
        ak_text_free(&run->others[i].text);
    free(run->others);
    ak_text_free(&run->prints);
    ak_text_free(&run->aside);
    ak_text_free(&run->calls);
    ak_text_free(&run->outcomes);
    ak_text_free(&run->value);
    ak_text_free(&run->error);
    json_decref(run->faults);
    *run = (AkCaseRun){0};
}
