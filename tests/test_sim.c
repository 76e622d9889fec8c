/* test_sim.c: the engine in a world made of chance.
 *
 *     test_sim [SESSIONS [SEED [FAULTS [STEPS [trace or lies]]]]]
 *
 * A world is one seed: a session with a random program (calls that fail and hang, loops,
 * branches on what was replied, sleeps, events, signals, children, store operations, prints), a
 * driver that does commands one at a time, a store with transactions, two clocks. Between any
 * two commands the server may crash, a runner may be lost, a commit may fail, a clock may jump,
 * a message may come twice, an old server may wake up and go on writing. What must hold
 * whatever happens is named in sim/sim.h, checked at each step, and once more by an oracle
 * that runs each program against its final journal.
 *
 * A seed that fails is run again with fewer faults and shorter programs until it is as small as
 * it gets, and printed so that it can be given back as arguments. Over a disk that lies one has to be
 * found: a simulator that finds nothing there would find nothing anywhere.
 */
#define _GNU_SOURCE
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define USUAL_SESSIONS 20000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define USUAL_SESSIONS 20000
#endif
#endif
#ifndef USUAL_SESSIONS
#define USUAL_SESSIONS 200000
#endif

bool tracing, disk_lies;

typedef struct Totals {
    uint64_t sessions, crashes, losses, executions, records;
    uint64_t *rows;
} Totals;

/* False, and words in `world->words`, when something did not hold. */
static bool run_seed(uint64_t seed, int faults, int steps, Totals *totals, char *words,
                     size_t size)
{
    static Session sessions[SESSIONS_MAX];
    static AkCommands *out[64];
    for (int i = 0; i < 64 && !out[i]; i++)
        out[i] = ak_commands_new();
    World world = {.seed = seed,
                   .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1,
                   .sessions = sessions,
                   .out = out,
                   .faults_left = faults,
                   .steps = steps,
                   .rows = totals->rows,
                   .wall = INT64_C(1700000000) * 1000000,
                   .mono = 1000};
    for (int i = 0; i < 4; i++)
        draw(&world);
    Session *root = &sessions[0];
    memset(root, 0, sizeof *root);
    world.len = 1;
    root->used = root->new = true;
    snprintf(root->id, sizeof root->id, "ses_root");
    make_program(&world, &root->program, 0);
    root->row.state = AK_STATE_CREATED;
    root->run = load(root);
    AkEvent event = {.kind = AK_EV_CREATE,
                     .name = ak_bytes("flow.py:main"),
                     .args = ak_bytes("{\"data\": {}}"),
                     .seed = ak_bytes("00"),
                     .dialect = ak_bytes("ak")};
    step(&world, root, root->run, &event, true);
    commit(&world); /* the event was accepted */
    live(&world);
    judge(&world);
    for (int i = 0; i < world.len; i++) {
        drop_old(&sessions[i]);
        drop_run(&sessions[i]);
        ak_text_free(&sessions[i].history);
        totals->records += sessions[i].len;
        while (sessions[i].len)
            free(sessions[i].records[--sessions[i].len].bytes);
    }
    totals->sessions += (uint64_t)world.len;
    totals->crashes += world.crashes;
    totals->losses += world.losses;
    totals->executions += world.executions;
    snprintf(words, size, "%s", world.words);
    return !world.broken;
}

static int shrink(uint64_t seed, int faults, int steps, Totals *totals, const char *words)
{
    char smaller[400], last[400];
    snprintf(last, sizeof last, "%s", words);
    for (int f = 0; f < faults; f++) {
        if (!run_seed(seed, f, steps, totals, smaller, sizeof smaller)) {
            faults = f;
            memcpy(last, smaller, sizeof last);
            break;
        }
    }
    for (int n = 1; n < steps; n++) {
        if (!run_seed(seed, faults, n, totals, smaller, sizeof smaller)) {
            steps = n;
            memcpy(last, smaller, sizeof last);
            break;
        }
    }
    printf("FAILED %s\n  again: test_sim 1 %llu %d %d%s\n", last, (unsigned long long)seed,
           faults, steps, disk_lies ? " lies" : "");
    return 1;
}

/* What no world gets to: a server whose store has lost a journal altogether. */
static bool refuses_an_empty_journal(Totals *totals)
{
    AkCommands *out = ak_commands_new();
    AkRun *run = ak_run_new(NULL, ak_bytes("ses_lost"));
    AkEvent event = {.kind = AK_EV_LOADED};
    int fault = ak_run_step(run, (AkNow){1, 1}, &event, out);
    totals->rows[ak_run_row(run)]++;
    ak_run_free(run);
    ak_commands_free(out);
    return fault == AK_E_CORRUPT;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : USUAL_SESSIONS;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    int faults = argc > 3 ? atoi(argv[3]) : 40;
    int steps = argc > 4 ? atoi(argv[4]) : OPS_MAX;
    Totals totals = {.rows = calloc(ak_engine_rows(), sizeof(uint64_t))};
    char words[400];
    struct timespec from, to;
    tracing = argc > 5 && !strcmp(argv[5], "trace");
    disk_lies = argc > 5 && !strcmp(argv[5], "lies");
    steps = steps < 1 ? 1 : steps > OPS_MAX ? OPS_MAX : steps;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (; totals.sessions < wanted; seed++) {
        /* Every fourth world is a quiet one. */
        int allowed = argc > 3 ? faults : seed % 4 ? (int)(seed % 41) : 0;
        if (!run_seed(seed, allowed, steps, &totals, words, sizeof words)) {
            int failed = shrink(seed, allowed, steps, &totals, words);
            free(totals.rows);
            return failed;
        }
    }
    if (!refuses_an_empty_journal(&totals))
        return 1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double seconds =
        (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%llu sessions, %llu crashes, %llu lost runners, %llu executions, %llu records in "
           "%.1f s of"
           " one core: %.2f million sessions a minute\n",
           (unsigned long long)totals.sessions, (unsigned long long)totals.crashes,
           (unsigned long long)totals.losses, (unsigned long long)totals.executions,
           (unsigned long long)totals.records, seconds,
           (double)totals.sessions / seconds * 60 / 1e6);
    size_t untaken = 0;
    for (size_t i = 0; i < ak_engine_rows(); i++) {
        if (totals.rows[i])
            continue;
        untaken++;
        printf("not taken: %s\n", ak_engine_row_name(i));
    }
    printf("%zu of %zu rows of the state tables taken\n", ak_engine_rows() - untaken,
           ak_engine_rows());
    free(totals.rows);
    return wanted >= 100000 && untaken ? 1 : 0;
}
