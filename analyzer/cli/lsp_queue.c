/* One reader, one taker. The thread ends with its input, or with the process. */
#define _GNU_SOURCE
#include "lsp_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct Item {
    struct Item *next;
    LspMessage message;
    bool changes;
} Item;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    Item *first, **last;
    const json_t *answering;
    size_t changes; /* how many of the queue change texts or files */
    bool ended, cancelled;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .last = &queue.first};

static const char *method_of(const LspMessage *message)
{
    const char *method = json_string_value(json_object_get(message->value, "method"));

    return method ? method : "";
}

static bool is_change(const char *method)
{
    static const char *const all[] = {"textDocument/didChange",
                                      "textDocument/didOpen",
                                      "textDocument/didClose",
                                      "workspace/didChangeWatchedFiles",
                                      "workspace/didChangeWorkspaceFolders",
                                      "exit"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(method, all[i]))
            return true;
    return false;
}

/* Under the lock. */
static void cancel(const json_t *id)
{
    for (Item *item = queue.first; item && id; item = item->next)
        if (json_equal(json_object_get(item->message.value, "id"), id) &&
            *method_of(&item->message))
            item->message.wrong = LSP_REQUEST_CANCELLED;
    if (id && queue.answering && json_equal(queue.answering, id))
        queue.cancelled = true;
}

static void put(const LspMessage *message)
{
    Item *item;

    pthread_mutex_lock(&queue.lock);
    if (!strcmp(method_of(message), "$/cancelRequest")) {
        cancel(json_object_get(json_object_get(message->value, "params"), "id"));
        json_decref(message->value);
    } else {
        item = cli_malloc(sizeof *item);
        *item = (Item){NULL, *message, is_change(method_of(message))};
        queue.changes += item->changes;
        *queue.last = item;
        queue.last = &item->next;
        pthread_cond_signal(&queue.came);
    }
    pthread_mutex_unlock(&queue.lock);
}

static void *read_all(void *unused)
{
    static char piece[64 * 1024];
    LspReader reader = {0};
    LspMessage message;
    ssize_t n;

    (void)unused;
    while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)) {
        lsp_reader_add(&reader, piece, n > 0 ? (size_t)n : 0);
        while (lsp_reader_next(&reader, &message))
            put(&message);
    }
    lsp_reader_free(&reader);
    pthread_mutex_lock(&queue.lock);
    queue.ended = true;
    pthread_cond_signal(&queue.came);
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

bool lsp_queue_start(void)
{
    pthread_condattr_t attributes;
    pthread_t thread;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue.came, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&thread, NULL, read_all, NULL) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

static struct timespec later(int wait_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Under the lock. */
static LspTaken take_first(LspMessage *message)
{
    Item *item = queue.first;

    if (!item)
        return queue.ended ? LSP_ENDED : LSP_NONE;
    *message = item->message;
    queue.changes -= item->changes;
    queue.first = item->next;
    if (!queue.first)
        queue.last = &queue.first;
    free(item);
    return LSP_TAKEN;
}

LspTaken lsp_queue_take(LspMessage *message, int wait_ms)
{
    struct timespec until = later(wait_ms > 0 ? wait_ms : 0);
    LspTaken taken;
    int status = 0;

    pthread_mutex_lock(&queue.lock);
    while (!queue.first && !queue.ended && status != ETIMEDOUT && wait_ms)
        status = wait_ms < 0 ? pthread_cond_wait(&queue.came, &queue.lock)
                             : pthread_cond_timedwait(&queue.came, &queue.lock, &until);
    taken = take_first(message);
    pthread_mutex_unlock(&queue.lock);
    return taken;
}

void lsp_queue_answering(const json_t *id)
{
    pthread_mutex_lock(&queue.lock);
    queue.answering = id;
    queue.cancelled = false;
    pthread_mutex_unlock(&queue.lock);
}

bool lsp_queue_is_cancelled(void)
{
    bool cancelled;

    pthread_mutex_lock(&queue.lock);
    cancelled = queue.cancelled;
    pthread_mutex_unlock(&queue.lock);
    return cancelled;
}

bool lsp_queue_is_stale(void *unused)
{
    bool stale;

    (void)unused;
    pthread_mutex_lock(&queue.lock);
    stale = queue.changes || queue.cancelled || (queue.ended && !queue.first);
    pthread_mutex_unlock(&queue.lock);
    return stale;
}
