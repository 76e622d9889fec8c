/* Work that an API call gives to `ak` in a process of its own, so that a program that computes long,
 * or never ends, holds up nobody. */
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
#include "bundle.h"
#include "exit_codes.h"
#include "views.h"

enum { AT_A_TIME = 2, OUTPUT_MAX = 8 << 20, WORDS_MAX = 256 << 10 };

typedef struct Pipe {
    int fd;
    AkWatch *watch;
    AkText text;
    size_t max;
} Pipe;

struct AkApiChild {
    struct AkApiChild *next;
    AkServe *serve;
    AkHttpRequest *request;
    AkApiChildFn *fn;
    AkTimer *timer;
    pid_t pid;
    Pipe out, err;
    char *dir; /* goes when it ends; or NULL */
    unsigned status;
    int limit_s;
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

static void let_go(AkApiChild *child)
{
    close_pipe(&child->out);
    close_pipe(&child->err);
    ak_timer_free(child->timer);
    ak_text_free(&child->out.text);
    ak_text_free(&child->err.text);
    if (child->dir)
        ak_remove_tree(child->dir);
    free(child->dir);
    free(child);
}

static json_t *outcome(AkApiChild *child, int status)
{
    const AkText *out = &child->out.text, *err = &child->err.text;
    AkBytes words = {err->at ? err->at : "", err->len};
    json_t *said = out->at ? json_loadb(out->at, out->len, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : AK_EXIT_FAILED;

    if (json_is_object(said))
        return child->fn(said, code, words, &child->status);
    json_decref(said);
    if (child->late)
        return ak_admin_error(AK_EXIT_REFUSED, "it has not ended in %d seconds",
                              child->limit_s);
    size_t skip = words.len > 4 && !strncmp(words.at, "ak: ", 4) ? 4 : 0;
    size_t len = words.len - skip < 900 ? words.len - skip : 900;
    while (len && words.at[skip + len - 1] == '\n')
        len--;
    return ak_admin_error(code, "%.*s", (int)len, words.at + skip);
}

static void end_child(AkApiChild *child)
{
    AkApiChild **link = &child->serve->children;
    int status = 0;

    while (*link != child)
        link = &(*link)->next;
    *link = child->next;
    if (child->out.fd >= 0 || child->err.fd >= 0)
        kill(child->pid, SIGKILL);
    close_pipe(&child->out);
    close_pipe(&child->err);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    json_t *said = outcome(child, status);
    ak__api_answer(child->request, child->status, said);
    let_go(child);
}

static void read_pipe(AkApiChild *child, Pipe *pipe)
{
    char chunk[16384];
    ssize_t n = read(pipe->fd, chunk, sizeof chunk);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        if (pipe->text.len < pipe->max)
            ak_text_add(&pipe->text, chunk, (size_t)n);
        return;
    }
    close_pipe(pipe);
    if (child->out.fd < 0 && child->err.fd < 0)
        end_child(child);
}

static void on_out(void *owner, unsigned events)
{
    (void)events;
    read_pipe(owner, &((AkApiChild *)owner)->out);
}

static void on_err(void *owner, unsigned events)
{
    (void)events;
    read_pipe(owner, &((AkApiChild *)owner)->err);
}

static void on_late(void *owner)
{
    AkApiChild *child = owner;

    child->late = true;
    end_child(child);
}

/* ak [--data DIR] words... --json; with the place of a database from the settings, without DIR. */
static int spawn_it(AkApiChild *child, const char *const words[], int out, int err)
{
    const AkPlace *place = &child->serve->home->place;
    const char *argv[AK_API_WORDS + 5] = {"ak"};
    posix_spawn_file_actions_t actions;
    size_t n = 1;

    if (!*place->db) {
        argv[n++] = "--data";
        argv[n++] = place->dir;
    }
    for (size_t i = 0; i < AK_API_WORDS && words[i]; i++)
        argv[n++] = words[i];
    argv[n] = "--json";
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    int failed = posix_spawn(&child->pid, "/proc/self/exe", &actions, NULL,
                             (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* 0, or an error number. */
static int start(AkApiChild *child, const char *const words[])
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    AkLoop *loop = child->serve->loop;
    int failed = pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0
                     ? errno
                     : spawn_it(child, words, out[1], err[1]);

    close(out[1]);
    close(err[1]);
    child->out = (Pipe){.fd = out[0], .max = OUTPUT_MAX};
    child->err = (Pipe){.fd = err[0], .max = WORDS_MAX};
    if (failed)
        return failed;
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    child->out.watch = ak_watch(loop, out[0], AK_READABLE, on_out, child);
    child->err.watch = ak_watch(loop, err[0], AK_READABLE, on_err, child);
    child->timer = ak_timer_new(loop, on_late, child);
    ak_timer_set(child->timer, child->limit_s * (int64_t)AK_SECOND);
    return 0;
}

json_t *ak__api_child(AkApiCall *call, const char *const words[], int limit_s, char *dir,
                      AkApiChildFn *fn)
{
    AkApiChild *child = calloc(1, sizeof *child);
    size_t running = 0;

    if (!child)
        abort();
    *child = (AkApiChild){.serve = call->serve,
                          .request = call->request,
                          .fn = fn,
                          .dir = dir,
                          .out.fd = -1,
                          .err.fd = -1,
                          .status = call->status,
                          .limit_s = limit_s};
    for (AkApiChild *c = call->serve->children; c; c = c->next)
        running++;
    if (running >= AT_A_TIME) {
        let_go(child);
        return ak_admin_error(AK_EXIT_FAILED, "%d replays and deploys run already", AT_A_TIME);
    }
    int failed = start(child, words);
    if (failed) {
        let_go(child);
        return ak_admin_error(AK_EXIT_FAILED, "no process could be made: %s", strerror(failed));
    }
    child->next = call->serve->children;
    call->serve->children = child;
    return NULL;
}

void ak__api_end(AkServe *s)
{
    while (s->children)
        end_child(s->children);
}
