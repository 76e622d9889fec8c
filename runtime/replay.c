#define _GNU_SOURCE
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bundle.h"
#include "cli.h"
#include "exit_codes.h"
#include "hosts.h"
#include "protocol.h"
#include "python_host.h"
#include "report.h"
#include "venv.h"

extern char **environ;

typedef enum End {
    GOING,
    RECORD_ENDED, /* the program went on to where nothing is recorded */
    FINISHED,     /* it came to its end */
    DIVERGED,
} End;

typedef struct Replay {
    const AkReplayOptions *options;
    AkSession *row;
    AkRun *run;
    AkCommands *out;
    AkReader *reader;
    char code[1400], support[1200], *interpreter;
    AkVenvPlace venv;
    int sock;
    pid_t pid;
    uint32_t proto;
    End end;
    AkText beyond, value, error; /* what was asked where the record ended; how it ended */
    uint64_t records, previous;
    bool has_end; /* the journal holds the session's end */
    AkText recorded_value, recorded_error;
} Replay;

/* --- The journal, without its end
 * ----------------------------------------------------------------- */

static int feed(void *payload, uint64_t number, AkBytes bytes)
{
    Replay *r = payload;
    AkRecord record;
    const char *why;
    uint64_t sum;

    if (ak_record_read(bytes, ak_bytes(r->row->id), number, r->previous, &record, &sum, &why) <
        0)
        return ak_say_error(1, "session %s, record %llu: %s", r->row->id,
                            (unsigned long long)number, why);
    if (record.kind == AK_REC_DONE) {
        r->has_end = true;
        ak_text_bytes(&r->recorded_value, record.value);
        ak_text_bytes(&r->recorded_error, record.error);
        return 0;
    }
    r->previous = sum;
    r->records++;
    if (ak_run_step(r->run, ak_loop_now(), &(AkEvent){.kind = AK_EV_RECORD, .value = bytes},
                    r->out) < 0)
        return ak_say_error(1, "%s", ak_run_error(r->run));
    return 0;
}

/* --- The process
 * ------------------------------------------------------------------------------------- */

/* Output that does not come through the protocol: of C code, of modules while they load. */
static void hush(void)
{
    int fd = open("/dev/null", O_RDWR);

    dup2(fd, 0);
    dup2(fd, 1);
    dup2(fd, 2);
}

static void become_runner(const Replay *r, int fd)
{
    char number[16];
    AkPythonSpec spec = {.support = r->support,
                         .code = r->code,
                         .entry = r->row->entry,
                         .cold = true,
                         .venv = r->venv.dir};

    if (r->options->env)
        environ = (char **)r->options->env;
    setenv("AK_RUNTIME", r->support, 1);
    setenv("PYTHONHASHSEED", "0", 1);
    /* Our own handlers would take what is meant for the program. */
    int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        signal(ours[i], SIG_DFL);
    if (r->options->quiet)
        hush();
    if (!r->interpreter) {
        if (ak_python_load(&spec) < 0)
            _exit(1);
        _exit(ak_python_replay(fd, r->row->entry, r->options->debug));
    }
    fd = dup(fd); /* a copy without close-on-exec */
    snprintf(number, sizeof number, "%d", fd);
    char *argv[] = {r->interpreter,
                    (char *)"-c",
                    (char *)ak_python_replay_script,
                    (char *)r->support,
                    number,
                    (char *)r->code,
                    r->row->entry ? (char *)r->row->entry : NULL,
                    (char *)(r->options->debug ? "1" : ""),
                    NULL};
    execvp(r->interpreter, argv);
    dprintf(2, "ak: %s: %s\n", r->interpreter, strerror(errno));
    _exit(127);
}

static int spawn(Replay *r)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    fflush(NULL);
    r->pid = fork();
    if (r->pid == 0) {
        close(pair[0]); /* else it would not see its end */
        become_runner(r, pair[1]);
    }
    close(pair[1]);
    r->sock = pair[0];
    return r->pid < 0 ? -1 : 0;
}

/* --- Commands
 * ------------------------------------------------------------------------------------------ */

/* What the runner says while it does not listen is kept for later: it may be printing, and we
 * in the middle of its history. */
static bool hear(Replay *r)
{
    struct pollfd fd = {r->sock, POLLIN | POLLOUT, 0};
    size_t size;

    if (poll(&fd, 1, -1) < 0 || !(fd.revents & POLLIN))
        return true;
    char *room = ak_reader_room(r->reader, &size);
    ssize_t n = room ? recv(r->sock, room, size, 0) : -1;
    if (n > 0)
        ak_reader_filled(r->reader, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static void send_line(Replay *r, const AkCommand *c)
{
    AkText line = {0};

    if (ak_command_line(c, r->proto, ak_bytes(r->row->id), &line) == 0)
        for (size_t at = 0; at < line.len;) {
            ssize_t n = send(r->sock, line.at + at, line.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0)
                at += (size_t)n;
            else if (errno != EINTR && (errno != EAGAIN || !hear(r)))
                break;
        }
    ak_text_free(&line);
}

static void stop_at(Replay *r, End end, AkBytes what)
{
    if (r->end != GOING)
        return;
    r->end = end;
    ak_text_bytes(&r->beyond, what);
}

static void do_command(Replay *r, const AkCommand *c)
{
    switch (c->kind) {
    case AK_CMD_SPAWN:
        if (spawn(r) < 0)
            stop_at(r, RECORD_ENDED, ak_bytes("no process could be made"));
        return;
    case AK_CMD_RUN:
    case AK_CMD_HISTORY:
    case AK_CMD_REPLY: send_line(r, c); return;
    case AK_CMD_EXECUTE:
    case AK_CMD_REQUEST: stop_at(r, RECORD_ENDED, c->name); return;
    case AK_CMD_WAIT:
        if (c->wait != AK_WAIT_NOTHING)
            stop_at(r, RECORD_ENDED, c->text);
        return;
    case AK_CMD_NOTE:
        if (!r->options->quiet)
            fprintf(stderr, "ak: %.*s\n", (int)c->text.len, c->text.at);
        return;
    case AK_CMD_FINISH:
        if (r->end == GOING)
            r->end = FINISHED;
        ak_text_bytes(&r->value, c->value);
        ak_text_bytes(&r->error, c->error);
        return;
    default: return; /* what would be written, and alarms */
    }
}

static void do_commands(Replay *r)
{
    for (size_t i = 0; i < ak_commands_count(r->out) && r->end != RECORD_ENDED; i++)
        do_command(r, ak_commands_at(r->out, i));
    ak_commands_clear(r->out);
}

static void step(Replay *r, const AkEvent *event)
{
    int fault = ak_run_step(r->run, ak_loop_now(), event, r->out);

    if (fault < 0 && fault != AK_E_ENDED)
        stop_at(r, DIVERGED, ak_bytes(ak_run_error(r->run)));
    else
        do_commands(r);
}

static void take(Replay *r, const AkMessage *message)
{
    AkEvent event;

    if (message->kind == AK_MSG_MODULE)
        r->proto = message->proto;
    /* The engine drops prints that are recorded; here they are what one looks for. */
    if (message->kind == AK_MSG_PRINT && !r->options->json && !r->options->quiet) {
        FILE *to = message->stream == AK_STREAM_STDERR ? stderr : stdout;
        fwrite(message->text.at, 1, message->text.len, to);
        fflush(to);
    }
    if (ak_message_event(message, &event) == 0)
        step(r, &event);
}

static bool is_late(const Replay *r)
{
    struct pollfd fd = {r->sock, POLLIN, 0};

    return r->options->limit_ms && poll(&fd, 1, r->options->limit_ms) == 0;
}

static void converse(Replay *r)
{
    while (r->end == GOING) {
        AkMessage message;
        size_t size;
        char *room = ak_reader_room(r->reader, &size);
        int got = 0;

        if (is_late(r)) {
            stop_at(r, DIVERGED, ak_bytes("the program hangs where it did not before"));
            return;
        }
        ssize_t n = room ? recv(r->sock, room, size, 0) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            stop_at(r, DIVERGED, ak_bytes("the runner ended before the program did"));
            return;
        }
        ak_reader_filled(r->reader, (size_t)n);
        while (r->end == GOING && (got = ak_reader_next(r->reader, &message)) > 0)
            take(r, &message);
        if (got < 0)
            stop_at(r, DIVERGED, ak_bytes(ak_reader_error(r->reader)));
    }
}

/* --- The report
 * -------------------------------------------------------------------------------------------
 */

/* An object without a repr of its own shows its address, which is another in each process. */
static void drop_addresses(AkText *text)
{
    static const char before[] = " at 0x";
    char *p = text->at;

    while (p && (p = strstr(p, before))) {
        p += sizeof before - 1;
        size_t digits = strspn(p, "0123456789abcdef");
        memmove(p, p + digits, strlen(p + digits) + 1);
        text->len -= digits;
    }
}

static bool same(AkText *a, AkText *b)
{
    drop_addresses(a);
    drop_addresses(b);
    return a->len == b->len && (!a->len || !memcmp(a->at, b->at, a->len));
}

static const char *kind_of(const AkText *error)
{
    static char kind[32];
    json_t *o = error->at ? json_loadb(error->at, error->len, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(o, "kind"));

    snprintf(kind, sizeof kind, "%s", text ? text : "");
    json_decref(o);
    return kind;
}

static bool agrees(Replay *r, const char **words)
{
    *words = "the program differs from its record";
    if (r->end == DIVERGED || (r->end == FINISHED && !strcmp(kind_of(&r->error), "divergence")))
        return false;
    *words =
        r->has_end ? "the program goes on where its record has ended" : "the record ends here";
    if (r->end == RECORD_ENDED)
        return !r->has_end;
    *words = "the program ended otherwise than recorded";
    if (r->has_end &&
        (!same(&r->value, &r->recorded_value) || !r->error.len != !r->recorded_error.len))
        return false;
    *words = "it ended as recorded";
    return true;
}

static void say_json(const char *id, const AkReplayed *r)
{
    json_t *o = json_pack("{s:s, s:s, s:I}", "session_id", id, "replay", r->words, "records",
                          (json_int_t)r->records);

    if (r->at.len)
        json_object_set_new(o, "at", json_stringn(r->at.at, r->at.len));
    if (r->error.len)
        json_object_set_new(o, "error", json_loadb(r->error.at, r->error.len, 0, NULL));
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static void say(const AkReplayed *r)
{
    fprintf(stderr, "ak: %llu records replayed: %s%s%.*s\n", (unsigned long long)r->records,
            r->words, r->at.len ? ": " : "", (int)r->at.len, r->at.len ? r->at.at : "");
    if (r->error.len)
        ak_report_error(stderr, (AkBytes){r->error.at, r->error.len});
}

/* --- Preparation
 * ---------------------------------------------------------------------------------------------
 */

static int lay_code(Replay *r, AkStore *store, const AkPlace *place, const AkDeployment *d)
{
    AkBytes tar = {0};
    int code = 0;

    if (r->options->code) {
        snprintf(r->code, sizeof r->code, "%s", r->options->code);
        return 0;
    }
    if (!d || ak_bundle_get(store, d->digest, &tar) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s",
                            d ? ak_store_error(store) : "the session has no code");
    snprintf(r->code, sizeof r->code, "%s/cache/%s", place->dir, d->digest);
    if (ak_bundle_unpack(tar, r->code) < 0)
        code = ak_say_error(AK_EXIT_FAILED, "%s: %s", r->code, strerror(errno));
    free((char *)tar.at);
    return code;
}

static int lay_out(Replay *r, AkStore *store, const AkPlace *place)
{
    AkDeployment *d = NULL;
    int fault = 0;

    if (ak_support_dir(place, r->support, sizeof r->support) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", r->support, strerror(errno));
    if (r->row->deployment_id)
        fault = ak_deployment_get(store, r->row->deployment_id, &d);
    if (fault)
        return ak_say_error(AK_EXIT_FAILED, "%s", ak_store_error(store));
    json_t *manifest = d && d->manifest ? json_loads(d->manifest, 0, NULL) : NULL;
    char why[1400], path[1200];
    int code = ak_venv_find(place, r->options->config, manifest, &r->venv, why, sizeof why) < 0
                   ? ak_say_error(AK_EXIT_FAILED, "%s", why)
                   : 0;
    if (r->options->interpreter)
        r->interpreter = strdup(ak_venv_python(r->options->interpreter, path, sizeof path));
    else if (*r->venv.interpreter)
        r->interpreter = strdup(r->venv.interpreter);
    json_decref(manifest);
    if (!code)
        code = lay_code(r, store, place, d);
    free(d);
    return code;
}

static int replay(Replay *r, AkStore *store)
{
    int fault = ak_journal_read(store, r->row->id, 0, feed, r);

    if (fault == AK_E_STOPPED)
        return AK_EXIT_FAILED;
    if (fault)
        return ak_say_error(AK_EXIT_FAILED, "%s", ak_store_error(store));
    step(r, &(AkEvent){.kind = AK_EV_LOADED, .number = r->records, .sum = r->previous});
    if (r->pid)
        converse(r);
    if (r->pid) {
        /* In the debugger the user may still look around. Else nothing of it is wanted any more,
         * and a program may have turned SIGTERM off. */
        close(r->sock);
        if (!r->options->debug)
            kill(r->pid, SIGKILL);
        while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return 0;
}

/* Texts change hands. */
static AkText take_text(AkText *text)
{
    AkText taken = *text;

    *text = (AkText){0};
    return taken;
}

int ak_replay_check(AkStore *store, const AkPlace *place, const char *id,
                    const AkReplayOptions *options, AkReplayed *replayed)
{
    Replay r = {.options = options, .sock = -1};
    AkRunOptions running = {.turn_timeout_us = -1};

    *replayed = (AkReplayed){.words = "nothing was replayed"};
    if (ak_session_get(store, id, &r.row) < 0)
        return ak_say_error(AK_EXIT_NOT_FOUND, "no session is called '%s'", id);
    r.run = ak_run_new(&running, ak_bytes(r.row->id));
    r.out = ak_commands_new();
    r.reader = ak_reader_new(AK_FROM_RUNNER, 0);
    int code = lay_out(&r, store, place);
    if (!code)
        code = replay(&r, store);
    if (!code)
        replayed->agrees = agrees(&r, &replayed->words);
    replayed->records = r.records;
    replayed->at = take_text(&r.beyond);
    replayed->error = take_text(&r.error);
    ak_run_free(r.run);
    ak_commands_free(r.out);
    ak_reader_free(r.reader);
    free(r.row);
    free(r.interpreter);
    ak_text_free(&r.value);
    ak_text_free(&r.recorded_value);
    ak_text_free(&r.recorded_error);
    return code;
}

void ak_replayed_free(AkReplayed *replayed)
{
    ak_text_free(&replayed->at);
    ak_text_free(&replayed->error);
}

int ak_replay(AkStore *store, const AkPlace *place, const char *id,
              const AkReplayOptions *options)
{
    AkReplayed replayed;

    signal(SIGINT, options->debug ? SIG_IGN : SIG_DFL);
    int code = ak_replay_check(store, place, id, options, &replayed);

    if (!code && options->json)
        say_json(id, &replayed);
    else if (!code)
        say(&replayed);
    if (!code && !replayed.agrees)
        code = AK_EXIT_FAILED;
    ak_replayed_free(&replayed);
    return code;
}
