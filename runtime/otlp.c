#define _GNU_SOURCE
#include "otlp.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "late.h"

typedef struct Body {
    struct Body *next;
    char *text;
    size_t spans;
} Body;

/* Only a server that exports needs the library. */
#define FUNCTIONS(X)                                                                           \
    X(curl_easy_cleanup)                                                                       \
    X(curl_easy_getinfo)                                                                       \
    X(curl_easy_init)                                                                          \
    X(curl_easy_perform)                                                                       \
    X(curl_easy_setopt)                                                                        \
    X(curl_easy_strerror)                                                                      \
    X(curl_easy_unescape)                                                                      \
    X(curl_free)                                                                               \
    X(curl_global_init)                                                                        \
    X(curl_slist_append)                                                                       \
    X(curl_slist_free_all)

static struct {
    FUNCTIONS(AK_LATE_MEMBER)
} lib;
static const AkLate functions[] = {FUNCTIONS(AK_LATE_ENTRY)};

struct AkOtlp {
    CURL *easy;
    struct curl_slist *headers;
    char *endpoint;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    _Atomic int64_t deadline; /* monotonic seconds, when the end has begun; else 0 */
    /* Below: under the mutex. */
    Body *first, **last;
    size_t len;
    bool ending;
    AkOtlpCounts counts;
};

/* ---- libcurl */

static bool load(char *why, size_t size)
{
    char fault[300];

    if (ak__late_open(AK_LATE_PATH, functions, &lib, sizeof functions / sizeof *functions,
                      fault, sizeof fault) < 0) {
        snprintf(why, size, "libcurl is not there (Debian: libcurl4): %s", fault);
        return false;
    }
    if (lib.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        return true;
    snprintf(why, size, "libcurl does not start");
    return false;
}

static int64_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool is_over(AkOtlp *otlp)
{
    int64_t deadline = atomic_load(&otlp->deadline);

    return deadline && seconds() >= deadline;
}

/* libcurl asks about once a second. */
static int on_progress(void *owner, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return is_over(owner);
}

static size_t forget(char *bytes, size_t one, size_t n, void *owner)
{
    (void)bytes;
    (void)owner;
    return one * n;
}

/* "name=value" to "name: value". Control characters would make a header of their own. */
static bool add_header(AkOtlp *otlp, const char *word, size_t len)
{
    const char *equals = memchr(word, '=', len);
    char line[2048];
    int size = 0;

    if (!equals || equals == word)
        return false;
    char *value = lib.curl_easy_unescape(otlp->easy, equals + 1,
                                         (int)(len - (size_t)(equals + 1 - word)), &size);
    snprintf(line, sizeof line, "%.*s: %s", (int)(equals - word), word, value ? value : "");
    lib.curl_free(value);
    for (const char *c = line; *c; c++)
        if ((unsigned char)*c < ' ')
            return false;
    otlp->headers = lib.curl_slist_append(otlp->headers, line);
    return otlp->headers != NULL;
}

static bool set_headers(AkOtlp *otlp, const char *headers)
{
    otlp->headers = lib.curl_slist_append(NULL, "Content-Type: application/json");
    while (*headers) {
        size_t len = strcspn(headers, ",");
        if (len && !add_header(otlp, headers, len))
            return false;
        headers += len + (headers[len] == ',');
    }
    return true;
}

static void set_options(AkOtlp *otlp)
{
    lib.curl_easy_setopt(otlp->easy, CURLOPT_URL, otlp->endpoint);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_HTTPHEADER, otlp->headers);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_WRITEFUNCTION, forget);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_NOSIGNAL, 1L);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_USERAGENT, "ak/" AK_VERSION);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_TIMEOUT, (long)AK_OTLP_TIMEOUT_S);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_NOPROGRESS, 0L);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_XFERINFODATA, otlp);
}

/* ---- The thread */

/* Did it go through? Else *again tells whether another try may. */
static bool post(AkOtlp *otlp, const Body *body, bool *again, char *words, size_t size)
{
    long status = 0;

    lib.curl_easy_setopt(otlp->easy, CURLOPT_POSTFIELDS, body->text);
    lib.curl_easy_setopt(otlp->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)strlen(body->text));
    CURLcode fault = lib.curl_easy_perform(otlp->easy);
    *again = fault != CURLE_OK;
    if (fault != CURLE_OK) {
        snprintf(words, size, "%s", lib.curl_easy_strerror(fault));
        return false;
    }
    lib.curl_easy_getinfo(otlp->easy, CURLINFO_RESPONSE_CODE, &status);
    *again = status == 429 || status == 502 || status == 503 || status == 504;
    snprintf(words, size, "it answered %ld", status);
    return status / 100 == 2;
}

/* Sleeps, under the mutex, until then or until the end begins. */
static void pause_for(AkOtlp *otlp, int seconds)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    while (!otlp->ending && pthread_cond_timedwait(&otlp->changed, &otlp->mutex, &until) == 0)
        ;
}

/* Under the mutex, which is let go while a try runs. */
static bool deliver(AkOtlp *otlp, const Body *body)
{
    char words[300];
    bool again = true, sent = false;

    for (int tries = 1; again && !sent; tries++) {
        bool last = otlp->ending;
        pthread_mutex_unlock(&otlp->mutex);
        sent = post(otlp, body, &again, words, sizeof words);
        pthread_mutex_lock(&otlp->mutex);
        otlp->counts.failing = !sent;
        snprintf(otlp->counts.words, sizeof otlp->counts.words, "%s", sent ? "" : words);
        if (last || tries == AK_OTLP_TRIES)
            break;
        if (!sent && again)
            pause_for(otlp, 1 << (tries - 1));
    }
    return sent;
}

static void *run(void *arg)
{
    AkOtlp *otlp = arg;

    pthread_mutex_lock(&otlp->mutex);
    for (;;) {
        while (!otlp->first && !otlp->ending)
            pthread_cond_wait(&otlp->changed, &otlp->mutex);
        Body *body = otlp->first;
        if (!body)
            break;
        otlp->first = body->next;
        if (!otlp->first)
            otlp->last = &otlp->first;
        otlp->len--;
        bool sent = !is_over(otlp) && deliver(otlp, body);
        *(sent ? &otlp->counts.sent : &otlp->counts.dropped) += body->spans;
        free(body->text);
        free(body);
    }
    pthread_mutex_unlock(&otlp->mutex);
    return NULL;
}

/* ---- For its owner */

static void let_go(AkOtlp *otlp)
{
    if (otlp->easy)
        lib.curl_easy_cleanup(otlp->easy);
    if (otlp->headers)
        lib.curl_slist_free_all(otlp->headers);
    pthread_cond_destroy(&otlp->changed);
    pthread_mutex_destroy(&otlp->mutex);
    free(otlp->endpoint);
    free(otlp); /* libcurl stays loaded: it keeps threads' data of its own */
}

static bool begin(AkOtlp *otlp, const char *headers, char *why, size_t size)
{
    if (strncmp(otlp->endpoint, "http://", 7) && strncmp(otlp->endpoint, "https://", 8)) {
        snprintf(why, size, "'%.200s' is no address of http or https", otlp->endpoint);
        return false;
    }
    if (!load(why, size))
        return false;
    otlp->easy = lib.curl_easy_init();
    if (!otlp->easy) {
        snprintf(why, size, "libcurl does not start");
        return false;
    }
    if (!set_headers(otlp, headers)) {
        snprintf(why, size, "the headers are not name=value,name=value");
        return false;
    }
    set_options(otlp);
    if (!pthread_create(&otlp->thread, NULL, run, otlp))
        return true;
    snprintf(why, size, "no thread could be made");
    return false;
}

AkOtlp *ak_otlp_new(const char *endpoint, const char *headers, char *why, size_t size)
{
    AkOtlp *otlp = calloc(1, sizeof *otlp);
    pthread_condattr_t by_clock;

    if (!otlp)
        return NULL;
    otlp->endpoint = strdup(endpoint);
    otlp->last = &otlp->first;
    pthread_mutex_init(&otlp->mutex, NULL);
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&otlp->changed, &by_clock);
    pthread_condattr_destroy(&by_clock);
    if (begin(otlp, headers, why, size))
        return otlp;
    let_go(otlp);
    return NULL;
}

void ak_otlp_send(AkOtlp *otlp, char *text, size_t spans)
{
    Body *body = text ? calloc(1, sizeof *body) : NULL;

    pthread_mutex_lock(&otlp->mutex);
    if (body && otlp->len < AK_OTLP_QUEUE) {
        *body = (Body){.text = text, .spans = spans};
        *otlp->last = body;
        otlp->last = &body->next;
        otlp->len++;
        pthread_cond_signal(&otlp->changed);
    } else {
        otlp->counts.dropped += spans;
        free(body);
        free(text);
    }
    pthread_mutex_unlock(&otlp->mutex);
}

AkOtlpCounts ak_otlp_counts(AkOtlp *otlp)
{
    pthread_mutex_lock(&otlp->mutex);
    AkOtlpCounts counts = otlp->counts;
    pthread_mutex_unlock(&otlp->mutex);
    return counts;
}

void ak_otlp_free(AkOtlp *otlp)
{
    if (!otlp)
        return;
    atomic_store(&otlp->deadline, seconds() + AK_OTLP_LAST_S);
    pthread_mutex_lock(&otlp->mutex);
    otlp->ending = true;
    pthread_cond_signal(&otlp->changed);
    pthread_mutex_unlock(&otlp->mutex);
    pthread_join(otlp->thread, NULL);
    let_go(otlp);
}
