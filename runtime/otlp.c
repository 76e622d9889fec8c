#define _GNU_SOURCE
#include "otlp.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Body {
    struct Body *next;
    char *text;
    size_t spans;
} Body;

/* What is used of libcurl, looked up by name. */
typedef struct Curl {
    void *library;
    CURLcode (*global_init)(long);
    CURL *(*easy_init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    const char *(*strerror)(CURLcode);
    void (*cleanup)(CURL *);
    char *(*unescape)(CURL *, const char *, int, int *);
    void (*free)(void *);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_list)(struct curl_slist *);
} Curl;

struct AkOtlp {
    Curl curl;
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

static bool load(Curl *curl, char *why, size_t size)
{
    const struct {
        const char *name;
        void *to;
    } names[] = {{"curl_global_init", &curl->global_init},
                 {"curl_easy_init", &curl->easy_init},
                 {"curl_easy_setopt", &curl->setopt},
                 {"curl_easy_perform", &curl->perform},
                 {"curl_easy_getinfo", &curl->getinfo},
                 {"curl_easy_strerror", &curl->strerror},
                 {"curl_easy_cleanup", &curl->cleanup},
                 {"curl_easy_unescape", &curl->unescape},
                 {"curl_free", &curl->free},
                 {"curl_slist_append", &curl->append},
                 {"curl_slist_free_all", &curl->free_list}};

    curl->library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!curl->library)
        curl->library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!curl->library) {
        snprintf(why, size, "libcurl is not installed (Debian: libcurl4): %s", dlerror());
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *symbol = dlsym(curl->library, names[i].name);
        if (!symbol) {
            snprintf(why, size, "libcurl has no %s", names[i].name);
            return false;
        }
        memcpy(names[i].to, &symbol, sizeof symbol);
    }
    return curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
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
    char *value = otlp->curl.unescape(otlp->easy, equals + 1,
                                      (int)(len - (size_t)(equals + 1 - word)), &size);
    snprintf(line, sizeof line, "%.*s: %s", (int)(equals - word), word, value ? value : "");
    otlp->curl.free(value);
    for (const char *c = line; *c; c++)
        if ((unsigned char)*c < ' ')
            return false;
    otlp->headers = otlp->curl.append(otlp->headers, line);
    return otlp->headers != NULL;
}

static bool set_headers(AkOtlp *otlp, const char *headers)
{
    otlp->headers = otlp->curl.append(NULL, "Content-Type: application/json");
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
    Curl *c = &otlp->curl;

    c->setopt(otlp->easy, CURLOPT_URL, otlp->endpoint);
    c->setopt(otlp->easy, CURLOPT_HTTPHEADER, otlp->headers);
    c->setopt(otlp->easy, CURLOPT_WRITEFUNCTION, forget);
    c->setopt(otlp->easy, CURLOPT_NOSIGNAL, 1L);
    c->setopt(otlp->easy, CURLOPT_USERAGENT, "ak/" AK_VERSION);
    c->setopt(otlp->easy, CURLOPT_TIMEOUT, (long)AK_OTLP_TIMEOUT_S);
    c->setopt(otlp->easy, CURLOPT_NOPROGRESS, 0L);
    c->setopt(otlp->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    c->setopt(otlp->easy, CURLOPT_XFERINFODATA, otlp);
}

/* ---- The thread */

/* Did it go through? Else *again tells whether another try may. */
static bool post(AkOtlp *otlp, const Body *body, bool *again, char *words, size_t size)
{
    Curl *c = &otlp->curl;
    long status = 0;

    c->setopt(otlp->easy, CURLOPT_POSTFIELDS, body->text);
    c->setopt(otlp->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body->text));
    CURLcode fault = c->perform(otlp->easy);
    *again = fault != CURLE_OK;
    if (fault != CURLE_OK) {
        snprintf(words, size, "%s", c->strerror(fault));
        return false;
    }
    c->getinfo(otlp->easy, CURLINFO_RESPONSE_CODE, &status);
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
        otlp->curl.cleanup(otlp->easy);
    if (otlp->headers)
        otlp->curl.free_list(otlp->headers);
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
    *why = '\0';
    if (!load(&otlp->curl, why, size) || !(otlp->easy = otlp->curl.easy_init())) {
        if (!*why)
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
