/* Locks, versions, permissions, damage, room. */
#define _GNU_SOURCE
#include "promises.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(what_was_committed_is_there_after_reopening)
{
    AkSession *got;
    uint64_t sum = 0;
    struct stat info;
    char path[128];
    open_any(1);
    OK(ak_store_begin(store));
    put_session("ses_1");
    append("ses_1", 0, 5, &sum);
    OK(ak_store_commit(store));
    OK(ak_store_begin(store));
    append("ses_1", 5, 1, &sum);
    ak_store_close(store); /* in the middle */
    OK(open_disk(AK_STORE_SERVE));
    OK(ak_session_get(store, "ses_1", &got));
    ck_assert_uint_eq(got->length, 5);
    free(got);
    OK(ak_store_verify(store));
    ck_assert_int_eq(stat(dir, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/ak.db-wal", dir);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    close_any();
}
END_TEST

START_TEST(a_second_server_is_refused_and_a_reader_is_not)
{
    AkStore *first;
    open_any(1);
    first = store;
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), AK_E_BUSY);
    ck_assert(strstr(words, "another server holds this store"));
    ck_assert_ptr_null(store);
    ck_assert_int_eq(open_disk(AK_STORE_READ), 0);
    ck_assert_int_eq(ak_store_begin(store), AK_E_MISUSE);
    AkStore *reader = store;
    store = first;
    OK(ak_store_begin(store));
    put_session("ses_1");
    OK(ak_store_commit(store));
    ck_assert_int_eq(ak_session_count(reader, NULL), 1);
    ak_store_close(reader);
    /* Its lock goes with its process, even when it is killed. */
    ak_store_close(store);
    pid_t child = fork();
    if (child == 0) {
        if (open_disk(AK_STORE_SERVE) != 0)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status));
    OK(open_disk(AK_STORE_SERVE));
    close_any();
}
END_TEST

static void sql(const char *text)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/ak.db", dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    sqlite3_close(db);
}

START_TEST(a_newer_store_is_refused_and_an_older_one_migrated)
{
    open_any(1);
    OK(ak_store_begin(store));
    put_session("ses_1");
    OK(ak_store_commit(store));
    ak_store_close(store);
    sql("PRAGMA user_version=99");
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), AK_E_NEWER);
    /* Version 1 had no indexes, version 2 no events of mail. */
    sql("PRAGMA user_version=1; ALTER TABLE mail DROP COLUMN event; DROP INDEX session_due; "
        "DROP INDEX session_ready;"
        "DROP INDEX session_deployment; DROP INDEX session_parent; DROP INDEX session_project;"
        "DROP INDEX session_ended; DROP INDEX mail_session; DROP INDEX subscription_session;"
        "DROP INDEX subscription_source; DROP INDEX deployment_project; DROP INDEX "
        "deployment_digest;"
        "DROP INDEX trig_project; DROP INDEX trig_due; DROP INDEX event_project; DROP INDEX "
        "event_key");
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), 0);
    ck_assert_int_eq(ak_session_count(store, NULL), 1);
    AkStoredEvent e = {"evt_1", "prj_1", NULL, "post", "{}", "k", 10};
    OK(ak_store_begin(store));
    OK(ak_event_put(store, &e));
    e.id = "evt_2";
    ck_assert_int_eq(ak_event_put(store, &e), AK_E_EXISTS);
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(a_database_of_another_program_is_refused)
{
    make_dir();
    sql("CREATE TABLE x(y)");
    char path[128];
    snprintf(path, sizeof path, "%s/ak.db", dir);
    chmod(path, 0600);
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), AK_E_CORRUPT);
    ck_assert(strstr(words, "another program"));
    remove_dir();
}
END_TEST

START_TEST(what_others_may_write_is_refused)
{
    char path[128];
    open_any(1);
    ak_store_close(store);
    chmod(dir, 0770);
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), AK_E_UNSAFE);
    chmod(dir, 0700);
    snprintf(path, sizeof path, "%s/ak.db", dir);
    chmod(path, 0606);
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), AK_E_UNSAFE);
    ck_assert(strstr(words, "others may write"));
    remove_dir();
}
END_TEST

START_TEST(a_damaged_record_is_named)
{
    uint64_t sum = 0;
    Count count = {0};
    open_any(1);
    OK(ak_store_begin(store));
    put_session("ses_1");
    append("ses_1", 0, 5, &sum);
    OK(ak_store_commit(store));
    ak_store_close(store);
    sql("UPDATE journal SET bytes = CAST(substr(bytes, 1, 20) || x'77' || substr(bytes, 22) AS "
        "BLOB)"
        " WHERE number = 3");
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), 0);
    ck_assert_int_eq(ak_store_verify(store), AK_E_CORRUPT);
    ck_assert(strstr(ak_store_error(store), "session ses_1, record 3: "));
    ak_store_close(store);
    sql("DELETE FROM journal WHERE number = 2");
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), 0);
    ck_assert_int_eq(ak_journal_read(store, "ses_1", 0, count_entry, &count), AK_E_CORRUPT);
    ck_assert(
        strstr(ak_store_error(store), "session ses_1, record 2: is missing, though 5 were"));
    ak_store_close(store);
    sql("DELETE FROM journal WHERE number >= 2");
    ck_assert_int_eq(open_disk(AK_STORE_SERVE), 0);
    ck_assert_int_eq(ak_journal_read(store, "ses_1", 0, count_entry, &count), AK_E_CORRUPT);
    close_any();
}
END_TEST

static void fill(void)
{
    char id[32];
    uint64_t sum;
    open_any(1);
    OK(ak_store_begin(store));
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "ses_%02d", i);
        sum = 0;
        put_session(id);
        append(id, 0, 10, &sum);
    }
    OK(ak_store_commit(store));
    ak_store_close(store);
    store = NULL;
}

/* Opens, checks all, reads all: no crash, and no wrong record. True when damage was seen. */
static bool sees_damage(void)
{
    if (open_disk(AK_STORE_SERVE) != 0) {
        ck_assert_msg(words[0], "a refusal without words");
        return true;
    }
    int fault = ak_store_verify(store);
    if (fault)
        ck_assert(ak_store_error(store)[0]);
    else
        ck_assert_int_eq(ak_session_count(store, NULL), 40);
    ak_store_close(store);
    store = NULL;
    return fault != 0;
}

START_TEST(a_cut_database_is_refused)
{
    char path[128];
    struct stat info;
    int seen = 0, tried = 0;
    fill();
    snprintf(path, sizeof path, "%s/ak.db", dir);
    ck_assert_int_eq(stat(path, &info), 0);
    char *bytes = malloc((size_t)info.st_size);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(read(fd, bytes, (size_t)info.st_size), info.st_size);
    for (off_t cut = 100; cut < info.st_size; cut += 4999, tried++) {
        ck_assert_int_eq(ftruncate(fd, cut), 0);
        seen += sees_damage();
        ck_assert_int_eq(pwrite(fd, bytes, (size_t)info.st_size, 0), info.st_size);
        ck_assert_int_eq(ftruncate(fd, info.st_size), 0);
    }
    ck_assert_int_eq(seen, tried);
    close(fd);
    free(bytes);
    remove_dir();
}
END_TEST

/* Flips one byte here and there. What lies in free space or in a row's plain columns may pass;
 * a journal that differs may not: the chain sees to it, so here it is enough that nothing falls
 * over. */
START_TEST(flipped_bytes_make_no_wrong_record)
{
    char path[128];
    struct stat info;
    fill();
    snprintf(path, sizeof path, "%s/ak.db", dir);
    ck_assert_int_eq(stat(path, &info), 0);
    int fd = open(path, O_RDWR);
    for (off_t at = 17; at < info.st_size; at += info.st_size / 150) {
        unsigned char byte, other;
        ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
        other = byte ^ 0x55;
        ck_assert_int_eq(pwrite(fd, &other, 1, at), 1);
        if (open_disk(AK_STORE_SERVE) == 0) {
            ak_store_verify(store);
            ak_store_close(store);
            store = NULL;
        }
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    }
    ck_assert(!sees_damage());
    close(fd);
    remove_dir();
}
END_TEST

START_TEST(a_full_disk_refuses_the_transaction_and_room_brings_it_back)
{
    uint64_t sum = 0, id;
    AkSession *got;
    char *big = calloc(1, 1 << 20);
    memset(big, 'x', (1 << 20) - 1);
    open_any(1);
    OK(ak_store_begin(store));
    put_session("ses_1");
    append("ses_1", 0, 2, &sum);
    OK(ak_store_commit(store));
    /* No file may grow beyond this; SQLite sees EFBIG or a short write, as on a full disk. */
    struct rlimit was, small = {0};
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_cur = 256 * 1024;
    small.rlim_max = was.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    OK(ak_store_begin(store));
    AkMail mail = {.session_id = "ses_1", .kind = AK_MAIL_SIGNAL, .name = "a", .value = big};
    int fault = 0;
    for (int i = 0; i < 8 && fault == 0; i++)
        fault = ak_mail_put(store, &mail, &id);
    if (fault == 0)
        fault = ak_store_commit(store);
    ck_assert_msg(fault == AK_E_FULL || fault == AK_E_IO, "%d", fault);
    ck_assert(strlen(ak_store_error(store)) > 20);
    ck_assert_int_eq(ak_mail_put(store, &mail, &id), fault);
    ck_assert_int_eq(ak_store_commit(store), fault);
    int after = ak_store_abort(store);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
    if (after == AK_E_IO) {
        ak_store_close(store);
        OK(open_disk(AK_STORE_SERVE));
    }
    OK(ak_session_get(store, "ses_1", &got));
    ck_assert_uint_eq(got->length, 2);
    free(got);
    OK(ak_store_begin(store));
    append("ses_1", 2, 1, &sum);
    OK(ak_mail_put(store, &mail, &id));
    OK(ak_store_commit(store));
    OK(ak_store_verify(store));
    close_any();
    free(big);
}
END_TEST

START_TEST(the_log_is_moved_while_commits_go_on)
{
    uint64_t sum = 0;
    struct stat info;
    char path[128];
    open_any(1);
    OK(ak_store_begin(store));
    put_session("ses_1");
    OK(ak_store_commit(store));
    for (uint64_t i = 0; i < 1500; i++) {
        OK(ak_store_begin(store));
        append("ses_1", i, 1, &sum);
        OK(ak_store_commit(store));
    }
    OK(ak_store_tend(store));
    snprintf(path, sizeof path, "%s/ak.db", dir);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_gt(info.st_size, 100000);
    OK(ak_store_verify(store));
    close_any();
}
END_TEST

static off_t log_size(const char *of)
{
    struct stat info;
    char path[128];
    snprintf(path, sizeof path, "%s/ak.db-wal", of);
    ck_assert_int_eq(stat(path, &info), 0);
    return info.st_size;
}

static void copy_file(const char *name, const char *to)
{
    char command[256];
    snprintf(command, sizeof command, "mkdir -p -m 700 %s && cp -p %s/%s %s/", to, dir, name,
             to);
    ck_assert_int_eq(system(command), 0);
}

/* A log that grows with each commit costs each sync a change of the file's length. */
START_TEST(the_log_grows_seldom_and_its_room_is_no_record)
{
    enum { COMMITS = 400 };
    uint64_t sum = 0;
    int grown = 0;
    char copy[sizeof dir], home[sizeof dir];
    open_any(1);
    OK(ak_store_begin(store));
    put_session("ses_1");
    OK(ak_store_commit(store));
    off_t before = log_size(dir);
    for (uint64_t i = 0; i < COMMITS; i++) {
        OK(ak_store_begin(store));
        append("ses_1", i, 1, &sum);
        OK(ak_store_commit(store));
        grown += log_size(dir) != before;
        before = log_size(dir);
    }
    ck_assert_int_ge(grown, 1);
    ck_assert_int_le(grown, 8);
    /* As a loss of power leaves it: the log with room at its end, and nobody who knows how much. */
    snprintf(copy, sizeof copy, "%.40s-copy", dir);
    copy_file("ak.db", copy);
    copy_file("ak.db-wal", copy);
    ck_assert_int_eq(log_size(copy), before);
    close_any();
    memcpy(home, dir, sizeof dir);
    memcpy(dir, copy, sizeof dir);
    OK(open_disk(AK_STORE_SERVE));
    OK(ak_store_verify(store));
    OK(ak_store_begin(store));
    append("ses_1", COMMITS, 1, &sum);
    OK(ak_store_commit(store));
    OK(ak_store_verify(store));
    close_any();
    memcpy(dir, home, sizeof dir);
}
END_TEST

/* Two that share a store make room in one log, in turns. */
START_TEST(who_shares_a_log_leaves_the_others_records_alone)
{
    uint64_t sums[2] = {0, 0};
    AkStore *both[2];
    make_dir();
    for (int i = 0; i < 2; i++) {
        OK(open_disk(AK_STORE_SHARE));
        both[i] = store;
        OK(ak_store_begin(store));
        put_session(i ? "ses_b" : "ses_a");
        OK(ak_store_commit(store));
    }
    for (uint64_t n = 0; n < 300; n++)
        for (int i = 0; i < 2; i++) {
            store = both[i];
            OK(ak_store_begin(store));
            append(i ? "ses_b" : "ses_a", n, 1, &sums[i]);
            OK(ak_store_commit(store));
        }
    OK(ak_store_verify(store));
    ak_store_close(both[0]);
    store = both[1];
    OK(ak_store_verify(store));
    close_any();
}
END_TEST

TCase *promises_of_disks(void)
{
    TCase *disk = tcase_create("on disk");

    tcase_set_timeout(disk, 120);
    tcase_add_test(disk, what_was_committed_is_there_after_reopening);
    tcase_add_test(disk, a_second_server_is_refused_and_a_reader_is_not);
    tcase_add_test(disk, a_newer_store_is_refused_and_an_older_one_migrated);
    tcase_add_test(disk, a_database_of_another_program_is_refused);
    tcase_add_test(disk, what_others_may_write_is_refused);
    tcase_add_test(disk, a_damaged_record_is_named);
    tcase_add_test(disk, a_cut_database_is_refused);
    tcase_add_test(disk, flipped_bytes_make_no_wrong_record);
    tcase_add_test(disk, a_full_disk_refuses_the_transaction_and_room_brings_it_back);
    tcase_add_test(disk, the_log_is_moved_while_commits_go_on);
    tcase_add_test(disk, the_log_grows_seldom_and_its_room_is_no_record);
    tcase_add_test(disk, who_shares_a_log_leaves_the_others_records_alone);
    return disk;
}
