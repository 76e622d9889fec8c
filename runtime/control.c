#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/bytes.h"

typedef struct Talk {
    struct Talk *next;
    AkControl *control;
    int fd;
    AkWatch *watch;
    AkText line;
} Talk;

struct AkControl {
    AkLoop *loop;
    char path[1100];
    int fd;
    AkWatch *watch;
    AkControlFn *fn;
    void *owner;
    Talk *talks;
};

/* A folder's name may be longer than an address: it is reached through a descriptor. */
static bool address(const char *dir, int *dir_fd, struct sockaddr_un *at)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    *dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd < 0)
        return false;
    snprintf(at->sun_path, sizeof at->sun_path, "/proc/self/fd/%d/control.sock", *dir_fd);
    return true;
}

static bool send_all(int fd, const json_t *message)
{
    char *words = json_dumps(message, JSON_COMPACT), *line = NULL;
    size_t done = 0, len = words ? (size_t)asprintf(&line, "%s\n", words) : 0;

    while (done < len) {
        ssize_t n = send(fd, line + done, len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    free(words);
    free(line);
    return len && done == len;
}

json_t *ak_control_ask(const char *dir, const json_t *request, bool *served)
{
    struct sockaddr_un at;
    struct timeval wait = {.tv_sec = 60};
    char chunk[65536];
    AkText answer = {0};
    json_t *got = NULL;
    ssize_t n;
    int dir_fd, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *served = false;
    if (fd >= 0 && address(dir, &dir_fd, &at)) {
        *served = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
        close(dir_fd);
    }
    if (*served) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        if (send_all(fd, request))
            while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
                ak_text_add(&answer, chunk, (size_t)n);
        got = answer.len ? json_loadb(answer.at, answer.len, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    }
    if (fd >= 0)
        close(fd);
    ak_text_free(&answer);
    return got;
}

/* --- The server's end ---------------------------------------------------------------------------------- */

static void end_talk(Talk *talk)
{
    Talk **link = &talk->control->talks;

    while (*link != talk)
        link = &(*link)->next;
    *link = talk->next;
    ak_unwatch(talk->watch);
    close(talk->fd);
    ak_text_free(&talk->line);
    free(talk);
}

static void answer(Talk *talk, size_t len)
{
    json_t *request = json_loadb(talk->line.at, len, 0, NULL);
    json_t *said = request ? talk->control->fn(talk->control->owner, request) : NULL;
    struct timeval wait = {.tv_sec = 2};

    if (!said)
        said = json_pack("{s:s, s:i}", "error", "the server knows no such request", "code", 40);
    fcntl(talk->fd, F_SETFL, 0);
    setsockopt(talk->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    send_all(talk->fd, said);
    json_decref(said);
    json_decref(request);
    end_talk(talk);
}

static void on_talk(void *owner, unsigned events)
{
    Talk *talk = owner;
    char chunk[65536];
    ssize_t n = read(talk->fd, chunk, sizeof chunk);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        ak_text_add(&talk->line, chunk, (size_t)n);
    char *end = n > 0 ? memchr(talk->line.at, '\n', talk->line.len) : NULL;
    if (end)
        answer(talk, (size_t)(end - talk->line.at));
    else if (n <= 0 || talk->line.len > AK_CONTROL_LINE_MAX)
        end_talk(talk);
}

static void on_connect(void *owner, unsigned events)
{
    AkControl *control = owner;
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    Talk *talk = fd < 0 ? NULL : calloc(1, sizeof *talk);

    (void)events;
    if (!talk) {
        if (fd >= 0)
            close(fd);
        return;
    }
    *talk = (Talk){.next = control->talks, .control = control, .fd = fd};
    control->talks = talk;
    talk->watch = ak_watch(control->loop, fd, AK_READABLE, on_talk, talk);
}

AkControl *ak_control_new(AkLoop *loop, const char *dir, AkControlFn *fn, void *owner)
{
    AkControl *control = calloc(1, sizeof *control);
    struct sockaddr_un at;
    int dir_fd;

    if (!control)
        return NULL;
    *control = (AkControl){.loop = loop, .fn = fn, .owner = owner};
    snprintf(control->path, sizeof control->path, "%s/control.sock", dir);
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->fd < 0 || !address(dir, &dir_fd, &at)) {
        if (control->fd >= 0)
            close(control->fd);
        free(control);
        return NULL;
    }
    unlink(control->path);
    bool bound = bind(control->fd, (struct sockaddr *)&at, sizeof at) == 0 &&
                 fchmodat(dir_fd, "control.sock", 0600, 0) == 0 && listen(control->fd, 64) == 0;
    close(dir_fd);
    if (!bound) {
        close(control->fd);
        free(control);
        return NULL;
    }
    control->watch = ak_watch(loop, control->fd, AK_READABLE, on_connect, control);
    return control;
}

void ak_control_free(AkControl *control)
{
    if (!control)
        return;
    while (control->talks)
        end_talk(control->talks);
    ak_unwatch(control->watch);
    close(control->fd);
    unlink(control->path);
    free(control);
}
