/* A replay asked for over HTTP: `ak session replay` in a process of its own, so that a program
 * that computes long, or never ends, holds up nobody. */
#define _GNU_SOURCE
#include "api.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin.h"
#include "exit_codes.h"
#include "views.h"

enum { AT_A_TIME = 2, REPLAY_S = 60, OUTPUT_MAX = 256 << 10 };

typedef struct Pipe {
    int fd;
    AkWatch *watch;
    AkText text;
} Pipe;

struct AkReplaying {
    struct AkReplaying *next;
    AkServe *serve;
    AkHttpRequest *request;
    AkTimer *timer;
    pid_t pid;
    Pipe out, err;
    bool late;
};

static void close_pipe(Pipe *pipe)
{
    if (pipe->watch)
        ak_unwatch(pipe->watch);
    if (pipe->fd >= 0)
        close(pipe->fd);
    pipe->watch = NULL;
    pipe->fd = -1;
}

static json_t *outcome(const AkReplaying *r, int status)
{
    json_t *said = r->out.text.at ? json_loadb(r->out.text.at, r->out.text.len,
                                               JSON_DISABLE_EOF_CHECK, NULL)
                                  : NULL;
    AkBytes words = {r->err.text.at ? r->err.text.at : "", r->err.text.len};

    if (!json_is_object(said)) {
        json_decref(said);
        if (r->late)
            return ak_admin_error(AK_EXIT_REFUSED, "the replay has not ended in %d seconds",
                                  REPLAY_S);
        return ak_admin_error(WIFEXITED(status) ? WEXITSTATUS(status) : AK_EXIT_FAILED, "%.*s",
                              (int)(words.len < 900 ? words.len : 900), words.at);
    }
    json_object_set_new(said, "output", ak_view_text(words));
    return said;
}

static void end_replay(AkReplaying *r)
{
    AkReplaying **link = &r->serve->replays;
    int status = 0;

    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    if (r->out.fd >= 0 || r->err.fd >= 0)
        kill(r->pid, SIGKILL);
    close_pipe(&r->out);
    close_pipe(&r->err);
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
        ;
    ak__api_answer(r->request, 200, outcome(r, status));
    ak_timer_free(r->timer);
    ak_text_free(&r->out.text);
    ak_text_free(&r->err.text);
    free(r);
}

static void read_pipe(AkReplaying *r, Pipe *pipe)
{
    char chunk[16384];
    ssize_t n = read(pipe->fd, chunk, sizeof chunk);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        if (pipe->text.len < OUTPUT_MAX)
            ak_text_add(&pipe->text, chunk, (size_t)n);
        return;
    }
    close_pipe(pipe);
    if (r->out.fd < 0 && r->err.fd < 0)
        end_replay(r);
}

static void on_out(void *owner, unsigned events)
{
    (void)events;
    read_pipe(owner, &((AkReplaying *)owner)->out);
}

static void on_err(void *owner, unsigned events)
{
    (void)events;
    read_pipe(owner, &((AkReplaying *)owner)->err);
}

static void on_late(void *owner)
{
    AkReplaying *r = owner;

    r->late = true;
    end_replay(r);
}

static int spawn_it(AkReplaying *r, const char *id, int out, int err)
{
    const AkPlace *place = &r->serve->home->place;
    char *with_dir[] = {"ak",      "--data", (char *)(uintptr_t)place->dir,
                        "session", "replay", (char *)(uintptr_t)id,
                        "--json",  NULL};
    char *without[] = {"ak", "session", "replay", (char *)(uintptr_t)id, "--json", NULL};
    posix_spawn_file_actions_t actions;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    int failed = posix_spawn(&r->pid, "/proc/self/exe", &actions, NULL,
                             *place->db ? without : with_dir, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static bool start(AkReplaying *r, const char *id)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    bool begun = pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 &&
                 spawn_it(r, id, out[1], err[1]) == 0;

    close(out[1]);
    close(err[1]);
    r->out.fd = out[0];
    r->err.fd = err[0];
    if (!begun)
        return false;
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    r->out.watch = ak_watch(r->serve->loop, out[0], AK_READABLE, on_out, r);
    r->err.watch = ak_watch(r->serve->loop, err[0], AK_READABLE, on_err, r);
    r->timer = ak_timer_new(r->serve->loop, on_late, r);
    ak_timer_set(r->timer, REPLAY_S * (int64_t)AK_SECOND);
    return true;
}

json_t *ak__api_replay(AkApiCall *call)
{
    AkSession *session;
    size_t running = 0;
    int fault = ak_session_get(call->serve->home->store, call->args[0], &session);

    if (fault)
        return fault == AK_E_ABSENT ? ak_admin_error(AK_EXIT_NOT_FOUND,
                                                     "no session is called '%s'", call->args[0])
                                    : ak__api_store_error(call);
    free(session);
    for (AkReplaying *r = call->serve->replays; r; r = r->next)
        running++;
    if (running >= AT_A_TIME)
        return ak_admin_error(AK_EXIT_FAILED, "%d replays run already", AT_A_TIME);
    AkReplaying *r = calloc(1, sizeof *r);
    *r = (AkReplaying){.serve = call->serve, .request = call->request};
    if (!start(r, call->args[0])) {
        close_pipe(&r->out);
        close_pipe(&r->err);
        free(r);
        return ak_admin_error(AK_EXIT_FAILED, "no process could be made: %s", strerror(errno));
    }
    r->next = call->serve->replays;
    call->serve->replays = r;
    return NULL;
}

void ak__api_end(AkServe *s)
{
    while (s->replays)
        end_replay(s->replays);
}
