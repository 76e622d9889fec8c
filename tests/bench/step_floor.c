/* step_floor PYTHON DIR [STEPS]: the least that a durable step can cost. A Python process says a
 * line of JSON, the line becomes a row in SQLite (WAL, synchronous=FULL), the row is committed,
 * a line of JSON goes back. No engine, no replay, no limits. Prints steps a second; what `ak`
 * reaches beside it in the same minute is its worth (bench_run.py prints the ratio).
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char worker[] =
    "import base64, json, pickle, socket, sys\n"
    "sock = socket.socket(fileno=3)\n"
    "lines = sock.makefile('rb')\n"
    "for i in range(int(sys.argv[1])):\n"
    "    data = base64.b64encode(pickle.dumps(({'ok': True, 'x': i},), 5)).decode()\n"
    "    step = {'type': 'callback', 'payload': {'name': 'step', 'args': [str(i)], 'data': "
    "data}}\n"
    "    sock.sendall(json.dumps(step).encode() + b'\\n')\n"
    "    json.loads(lines.readline())\n";

static void must(int code, const char *what)
{
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return;
    fprintf(stderr, "%s: %s\n", what, sqlite3_errstr(code));
    exit(1);
}

static int start_worker(const char *python, const char *steps, pid_t *pid)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        exit(1);
    *pid = fork();
    if (*pid == 0) {
        dup2(ends[1], 3);
        execlp(python, python, "-I", "-c", worker, steps, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    return ends[0];
}

static sqlite3 *open_journal(const char *dir, sqlite3_stmt **insert)
{
    sqlite3 *db;
    char path[4096];

    snprintf(path, sizeof path, "%s/step_floor.db", dir);
    must(sqlite3_open(path, &db), path);
    must(sqlite3_exec(
             db,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; DROP TABLE IF EXISTS j;"
             "CREATE TABLE j(run INTEGER, seq INTEGER, body BLOB, PRIMARY KEY(run, seq))"
             " WITHOUT ROWID",
             NULL, NULL, NULL),
         "schema");
    must(sqlite3_prepare_v2(db, "INSERT INTO j VALUES(1, ?, ?)", -1, insert, NULL), "insert");
    return db;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: step_floor PYTHON DIR [STEPS]\n", stderr);
        return 2;
    }
    const char *steps = argc > 3 ? argv[3] : "2000";
    sqlite3_stmt *insert;
    sqlite3 *db = open_journal(argv[2], &insert);
    pid_t pid;
    int fd = start_worker(argv[1], steps, &pid);
    FILE *lines = fdopen(fd, "r");
    char *text = NULL;
    size_t room = 0;
    ssize_t len;
    int done = 0;
    double begun = 0;

    /* The first step waits for the interpreter: the clock starts with it. */
    while ((len = getline(&text, &room, lines)) > 0) {
        json_t *message = json_loadb(text, (size_t)len, 0, NULL);
        if (!message)
            return 1;
        json_decref(message);
        if (!done)
            begun = seconds();
        sqlite3_bind_int(insert, 1, done);
        sqlite3_bind_blob(insert, 2, text, (int)len, SQLITE_STATIC);
        must(sqlite3_step(insert), "a row");
        must(sqlite3_reset(insert), "a row");
        dprintf(fd, "{\"type\": \"response\", \"payload\": {\"seq\": %d}}\n", done++);
    }
    double took = seconds() - begun;
    waitpid(pid, NULL, 0);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    free(text);
    fclose(lines);
    if (done < 2)
        return 1;
    printf("steps/s=%.0f\n", (done - 1) / took);
    return 0;
}
