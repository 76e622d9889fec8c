/* test_engine_memory.c: the engine and the protocol when memory runs out at the n-th
 * allocation, for every n until there is enough: a fault or NULL, no crash, and the run is
 * spent.
 *
 * The allocator is replaced by glibc's own with a counter in front of it. Where that cannot be
 * (sanitizers bring their own), the same session runs with memory enough.
 */
#define _GNU_SOURCE
#include "engine.h"
#include "protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(SANITIZED) && !defined(__SANITIZE_ADDRESS__) &&             \
    !defined(__SANITIZE_THREAD__)
#define COUNTED
#endif

static long allowed; /* allocations that still succeed; < 0: no limit */
static long refused;

#ifdef COUNTED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static int refuse(void)
{
    if (allowed < 0 || allowed-- > 0)
        return 0;
    allowed = 0;
    refused++;
    return 1;
}

void *malloc(size_t size)
{
    return refuse() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return refuse() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return refuse() ? NULL : __libc_realloc(old, size);
}
#endif

static const char lines[] =
    "{\"type\": \"module\", \"payload\": {\"entries\": [], \"proto\": 2}}\n"
    "{\"type\": \"callback\", \"payload\": {\"name\": \"fetch\", \"data\": \"x\", \"seq\": 1, "
    "\"where\": {\"file\": \"a.py\", \"line\": 1, \"func\": \"f\"}, \"options\": {\"retries\": "
    "1}}}\n"
    "{\"type\": \"response\", \"payload\": {\"value\": \"y\", \"seq\": 1, \"error\": "
    "{\"kind\": \"user\"}}}\n"
    "{\"type\": \"response\", \"payload\": {\"value\": \"y\", \"seq\": 1}}\n"
    "{\"type\": \"print\", \"payload\": {\"text\": \"hi\", \"seq\": 0}}\n"
    "{\"type\": \"request\", \"payload\": {\"seq\": 2, \"op\": \"next_signal\", \"args\": "
    "{\"names\": [\"go\"], \"timeout\": 5}}}\n"
    "{\"type\": \"request\", \"payload\": {\"seq\": 3, \"op\": \"store\", \"args\": {}}}\n"
    "{\"type\": \"request\", \"payload\": {\"seq\": 4, \"op\": \"sleep\", \"args\": "
    "{\"seconds\": 0}}}\n"
    "{\"type\": \"callback\", \"payload\": {\"name\": \"other\", \"data\": \"x\", \"seq\": "
    "5}}\n";

enum { RECORDS_MAX = 16 };
static char bytes[RECORDS_MAX][2048];
static size_t lens[RECORDS_MAX];
static uint64_t sums[RECORDS_MAX];
static size_t records;

/* 0, or the fault of the first step that had one. Journals into static room. */
static int step(AkRun *run, AkCommands *out, const AkEvent *event, int64_t at)
{
    int fault = ak_run_step(run, (AkNow){at, at}, event, out);
    size_t from = 0;
    for (size_t i = from; fault == 0 && i < ak_commands_count(out); i++) {
        const AkCommand *command = ak_commands_at(out, i);
        if (command->kind == AK_CMD_JOURNAL && command->number == records &&
            records < RECORDS_MAX) {
            memcpy(bytes[records], command->value.at, command->value.len);
            lens[records] = command->value.len;
            sums[records++] = command->sum;
        } else if (command->kind == AK_CMD_REQUEST) {
            AkEvent answer = {
                .kind = AK_EV_ANSWER, .seq = command->seq, .value = ak_bytes("1")};
            fault = ak_run_step(run, (AkNow){at, at}, &answer, out);
        }
    }
    ak_commands_clear(out);
    return fault;
}

static int talk(AkRun *run, AkCommands *out)
{
    AkReader *reader = ak_reader_new(AK_FROM_RUNNER, 0);
    AkMessage message;
    AkEvent event, time = {.kind = AK_EV_TIME};
    AkEvent mail = {.kind = AK_EV_MAIL,
                    .mail = 1,
                    .mail_kind = AK_MAIL_SIGNAL,
                    .name = ak_bytes("go"),
                    .value = ak_bytes("{}")};
    int64_t at = 1000000;
    int fault = reader ? ak_reader_feed(reader, lines, sizeof lines - 1) : AK_E_NOMEM;
    while (fault == 0 && (fault = ak_reader_next(reader, &message)) == 1) {
        fault = ak_message_event(&message, &event);
        if (fault == 0)
            fault = step(run, out, &event, at += 1000);
        if (fault == 0 && event.kind == AK_EV_RESULT && event.error.at)
            fault = step(run, out, &time, at += 2000000);
        if (fault == 0 && event.kind == AK_EV_REQUEST && event.seq == 2)
            fault = step(run, out, &mail, at += 1000);
    }
    ak_reader_free(reader);
    return fault;
}

static int load(AkRun *run, AkCommands *out)
{
    int fault = 0;
    for (size_t i = 0; i < records && fault == 0; i++) {
        AkEvent event = {.kind = AK_EV_RECORD, .value = {bytes[i], lens[i]}};
        fault = step(run, out, &event, 9000000);
    }
    AkEvent loaded = {
        .kind = AK_EV_LOADED, .number = records, .sum = records ? sums[records - 1] : 0};
    return fault ? fault : step(run, out, &loaded, 9000000);
}

/* The session from its creation; then its journal loaded by another run, to a divergence. */
static int session(void)
{
    AkCommands *out = ak_commands_new();
    AkRun *run = ak_run_new(NULL, ak_bytes("ses_1")), *again = NULL;
    AkEvent create = {.kind = AK_EV_CREATE,
                      .name = ak_bytes("a.py:f"),
                      .args = ak_bytes("{}"),
                      .parent = ak_bytes("ses_0")};
    AkEvent module = {.kind = AK_EV_MODULE};
    AkEvent wrong = {.kind = AK_EV_CALL, .seq = 1, .name = ak_bytes("wrong")};
    records = 0;
    int fault = out && run ? step(run, out, &create, 1000000) : AK_E_NOMEM;
    if (fault == 0)
        fault = talk(run, out);
    if (fault == 0 && !(again = ak_run_new(NULL, ak_bytes("ses_1"))))
        fault = AK_E_NOMEM;
    if (fault == 0)
        fault = load(again, out);
    if (fault == 0)
        fault = step(again, out, &module, 9000000);
    if (fault == 0)
        fault = step(again, out, &wrong, 9000000);
    /* Who ran out of memory is spent, even when there is memory again. */
    allowed = -1;
    if (fault == AK_E_NOMEM && out && run && !again && records &&
        ak_run_state(run) == AK_STATE_RUNNING)
        step(run, out, &create, 9000000);
    ak_run_free(run);
    ak_run_free(again);
    ak_commands_free(out);
    return fault;
}

int main(void)
{
    long n;
    allowed = -1;
    if (session() != 0) {
        printf("the session fails with memory enough\n");
        return 1;
    }
    size_t whole = records;
    for (n = 0;; n++) {
        allowed = n;
        refused = 0;
        int fault = session();
        if (refused == 0 && fault == 0)
            break;
        if (fault != AK_E_NOMEM) {
            printf("allocation %ld was refused and the session says %s\n", n,
                   ak_fault_name(fault));
            return 1;
        }
    }
    printf("%ld allocations refused in turn, %zu records written\n", n, whole);
    return records == whole && whole == 9 ? 0 : 1;
}
