/* test_store_promises.c: what store.h promises, asked of every store there is; and what only a
 * store on disk can be asked (store_promises/disk.c). */
#define _GNU_SOURCE
#include "store_promises/promises.h"

#include <stdio.h>
#include <stdlib.h>

static int count_session(void *payload, const AkSession *s)
{
    return count_one(payload, s->id);
}

static int count_mail(void *payload, const AkMail *mail)
{
    return count_one(payload, mail->name);
}

static int count_subscription(void *payload, const AkSubscription *s)
{
    return count_one(payload, s->id);
}

static int count_var(void *payload, const AkVar *var)
{
    return count_one(payload, var->secret ? "secret" : var->value);
}

static int count_trigger(void *payload, const AkTrigger *trigger)
{
    return count_one(payload, trigger->name);
}

static int count_event(void *payload, const AkStoredEvent *event)
{
    return count_one(payload, event->id);
}

static int count_pair(void *payload, const AkPair *pair)
{
    return count_one(payload, pair->key);
}

static int count_project(void *payload, const AkProject *project)
{
    return count_one(payload, project->name);
}

static int count_deployment(void *payload, const AkDeployment *deployment)
{
    return count_one(payload, deployment->id);
}

START_TEST(a_write_needs_a_transaction)
{
    open_any(_i);
    AkSession s = session("ses_1");
    ck_assert_int_eq(ak_session_put(store, &s), AK_E_MISUSE);
    ck_assert_int_eq(ak_store_commit(store), AK_E_MISUSE);
    OK(ak_store_begin(store));
    ck_assert_int_eq(ak_store_begin(store), AK_E_MISUSE);
    OK(ak_session_put(store, &s));
    OK(ak_store_commit(store));
    ck_assert(!ak_store_is_open(store));
    close_any();
}
END_TEST

START_TEST(an_aborted_transaction_did_nothing)
{
    AkSession *got;
    uint64_t sum = 0;
    open_any(_i);
    OK(ak_store_begin(store));
    put_session("ses_1");
    append("ses_1", 0, 3, &sum);
    OK(ak_session_get(store, "ses_1", &got));
    ck_assert_uint_eq(got->length, 3);
    free(got);
    OK(ak_store_abort(store));
    ck_assert_int_eq(ak_session_get(store, "ses_1", &got), AK_E_ABSENT);
    ck_assert_ptr_null(got);
    close_any();
}
END_TEST

START_TEST(a_session_comes_back_as_it_was_put)
{
    AkSession *got, s = session("ses_1");
    open_any(_i);
    s.memo = "{\"a\": \"\xC3\xA9\"}";
    s.parent_id = "ses_0";
    OK(ak_store_begin(store));
    OK(ak_session_put(store, &s));
    ck_assert_int_eq(ak_session_put(store, &s), AK_E_EXISTS);
    OK(ak_session_wait(store, "ses_1", AK_WAIT_SLEEP, 3, ak_bytes("x"), 10, 20));
    OK(ak_store_commit(store));
    OK(ak_session_get(store, "ses_1", &got));
    ck_assert_str_eq(got->memo, s.memo);
    ck_assert_str_eq(got->parent_id, "ses_0");
    ck_assert_ptr_null(got->event_id);
    ck_assert_int_eq(got->state, AK_STATE_RUNNING);
    ck_assert_int_eq(got->wait, AK_WAIT_SLEEP);
    ck_assert_str_eq(got->wait_text, "x");
    ck_assert_int_eq(got->due_us, 20);
    free(got);
    OK(ak_store_begin(store));
    OK(ak_session_finish(store, "ses_1", AK_STATE_ERROR, (AkBytes){NULL, 0}, ak_bytes("{}"),
                         99));
    ck_assert_int_eq(
        ak_session_finish(store, "ses_2", AK_STATE_ERROR, ak_bytes("x"), ak_bytes("{}"), 1),
        AK_E_ABSENT);
    OK(ak_store_commit(store));
    OK(ak_session_get(store, "ses_1", &got));
    ck_assert_int_eq(got->state, AK_STATE_ERROR);
    ck_assert_ptr_null(got->value);
    ck_assert_str_eq(got->error, "{}");
    ck_assert_int_eq(got->due_us, 0);
    ck_assert_int_eq(got->ended_us, 99);
    free(got);
    close_any();
}
END_TEST

START_TEST(appends_are_fenced_by_their_length)
{
    uint64_t sum = 0;
    AkEntry entry = {{"x", 1}, 1};
    open_any(_i);
    OK(ak_store_begin(store));
    put_session("ses_1");
    append("ses_1", 0, 3, &sum);
    ck_assert_int_eq(ak_journal_append(store, "ses_1", 2, &entry, 1), AK_E_FENCE);
    ck_assert_int_eq(ak_journal_append(store, "ses_1", 4, &entry, 1), AK_E_FENCE);
    ck_assert_int_eq(ak_journal_append(store, "ses_2", 0, &entry, 1), AK_E_ABSENT);
    /* A refusal leaves the transaction as it was. */
    append("ses_1", 3, 1, &sum);
    OK(ak_store_commit(store));
    Count count = {0};
    OK(ak_journal_read(store, "ses_1", 1, count_entry, &count));
    ck_assert_str_eq(count.ids, "1 2 3");
    Count stopped = {.stop_at = 2};
    ck_assert_int_eq(ak_journal_read(store, "ses_1", 0, count_entry, &stopped), AK_E_STOPPED);
    OK(ak_store_verify(store));
    close_any();
}
END_TEST

START_TEST(sessions_are_listed_newest_first_and_filtered)
{
    static const char *const ids[] = {"ses_1", "ses_2", "ses_3", "ses_4"};
    open_any(_i);
    OK(ak_store_begin(store));
    for (size_t i = 0; i < 4; i++)
        put_session(ids[i]);
    OK(ak_session_finish(store, "ses_2", AK_STATE_COMPLETED, ak_bytes("1"), (AkBytes){NULL, 0},
                         50));
    OK(ak_session_finish(store, "ses_3", AK_STATE_STOPPED, ak_bytes("1"), (AkBytes){NULL, 0},
                         150));
    OK(ak_store_commit(store));
    const struct {
        AkSessionQuery query;
        const char *ids;
        int64_t count;
    } all[] = {
        {{0}, "ses_4 ses_3 ses_2 ses_1", 4},
        {{.limit = 2}, "ses_4 ses_3", 4},
        {{.before_id = "ses_3"}, "ses_2 ses_1", 2},
        {{.states = 1u << AK_STATE_CREATED | 1u << AK_STATE_RUNNING}, "ses_4 ses_1", 2},
        {{.ended_before = 100}, "ses_2", 1},
        {{.project_id = "prj_1", .deployment_id = "dep_1"}, "ses_4 ses_3 ses_2 ses_1", 4},
        {{.project_id = "prj_2"}, "", 0},
        {{.parent_id = "ses_1"}, "", 0}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        Count count = {0};
        OK(ak_session_list(store, &all[i].query, count_session, &count));
        ck_assert_str_eq(count.ids, all[i].ids);
        ck_assert_int_eq(ak_session_count(store, &all[i].query), all[i].count);
    }
    close_any();
}
END_TEST

START_TEST(due_sessions_are_those_ready_and_those_whose_time_has_come)
{
    Count ready = {0}, count = {0}, late = {0}, mailed = {0};
    uint64_t id;
    open_any(_i);
    OK(ak_store_begin(store));
    put_session("ses_ready");
    put_session("ses_first");
    put_session("ses_soon");
    put_session("ses_later");
    put_session("ses_mail");
    put_session("ses_over");
    OK(ak_session_wait(store, "ses_soon", AK_WAIT_SLEEP, 1, ak_bytes(""), 1, 100));
    OK(ak_session_wait(store, "ses_first", AK_WAIT_SLEEP, 1, ak_bytes(""), 1, 50));
    OK(ak_session_wait(store, "ses_later", AK_WAIT_RETRY, 1, ak_bytes(""), 1, 300));
    OK(ak_session_wait(store, "ses_mail", AK_WAIT_SIGNAL, 1, ak_bytes(""), 1, 0));
    OK(ak_session_finish(store, "ses_over", AK_STATE_COMPLETED, ak_bytes(""),
                         (AkBytes){NULL, 0}, 1));
    OK(ak_session_ready(store, count_session, &ready));
    ck_assert_str_eq(ready.ids, "ses_ready");
    OK(ak_session_due(store, 0, 200, count_session, &count));
    ck_assert_str_eq(count.ids, "ses_first ses_soon");
    OK(ak_session_due(store, 51, 400, count_session, &late));
    ck_assert_str_eq(late.ids, "ses_soon ses_later");
    ck_assert_int_eq(ak_session_next_due(store, 200), 300);
    ck_assert_int_eq(ak_session_next_due(store, 300), 0);
    OK(ak_session_with_mail(store, count_session, &mailed));
    ck_assert_int_eq(mailed.n, 0);
    AkMail mail = {.session_id = "ses_mail", .kind = AK_MAIL_SIGNAL, .name = "go"};
    OK(ak_mail_put(store, &mail, &id));
    OK(ak_session_with_mail(store, count_session, &mailed));
    ck_assert_str_eq(mailed.ids, "ses_mail");
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(mail_is_kept_in_order_and_ids_are_never_used_again)
{
    uint64_t first, second, third;
    Count count = {0};
    open_any(_i);
    OK(ak_store_begin(store));
    put_session("ses_1");
    AkMail mail = {.session_id = "ses_1",
                   .kind = AK_MAIL_SIGNAL,
                   .name = "a",
                   .from = "ses_2",
                   .value = "{}"};
    OK(ak_mail_put(store, &mail, &first));
    mail.name = "b";
    OK(ak_mail_put(store, &mail, &second));
    OK(ak_mail_take(store, "ses_1", second));
    ck_assert_int_eq(ak_mail_take(store, "ses_1", second), AK_E_ABSENT);
    ck_assert_int_eq(ak_mail_take(store, "ses_2", first), AK_E_ABSENT);
    mail.name = "c";
    OK(ak_mail_put(store, &mail, &third));
    ck_assert_uint_gt(third, second);
    OK(ak_mail_list(store, "ses_1", 0, count_mail, &count));
    ck_assert_str_eq(count.ids, "a c");
    OK(ak_session_finish(store, "ses_1", AK_STATE_COMPLETED, ak_bytes(""), (AkBytes){NULL, 0},
                         1));
    ck_assert_int_eq(ak_mail_put(store, &mail, &third), AK_E_ENDED);
    mail.session_id = "ses_9";
    ck_assert_int_eq(ak_mail_put(store, &mail, &third), AK_E_ABSENT);
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(an_inbox_is_bounded)
{
    uint64_t id;
    AkMail mail = {.session_id = "ses_1", .kind = AK_MAIL_SIGNAL, .name = "a"};
    open_any(_i);
    OK(ak_store_begin(store));
    put_session("ses_1");
    for (int i = 0; i < AK_MAIL_MAX; i++)
        ck_assert_int_eq(ak_mail_put(store, &mail, &id), 0);
    ck_assert_int_eq(ak_mail_put(store, &mail, &id), AK_E_FULL);
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(subscriptions_go_with_their_mail_and_their_session)
{
    Count count = {0}, mails = {0}, none = {0};
    uint64_t id;
    open_any(_i);
    OK(ak_store_begin(store));
    put_session("ses_1");
    AkSubscription one = {"sub_1", "ses_1", "prj_1", "hook", NULL, 1};
    AkSubscription two = {"sub_2", "ses_1", "prj_1", "hook", "data.x == 1", 1};
    OK(ak_subscription_put(store, &one));
    OK(ak_subscription_put(store, &two));
    ck_assert_int_eq(ak_subscription_put(store, &two), AK_E_EXISTS);
    AkMail mail = {.session_id = "ses_1", .kind = AK_MAIL_EVENT, .name = "sub_1"};
    OK(ak_mail_put(store, &mail, &id));
    mail.name = "sub_2";
    OK(ak_mail_put(store, &mail, &id));
    OK(ak_subscription_list(store, NULL, "prj_1", "hook", count_subscription, &count));
    ck_assert_str_eq(count.ids, "sub_1 sub_2");
    OK(ak_subscription_delete(store, "ses_1", "sub_1"));
    ck_assert_int_eq(ak_subscription_delete(store, "ses_1", "sub_1"), AK_E_ABSENT);
    OK(ak_mail_list(store, "ses_1", 0, count_mail, &mails));
    ck_assert_str_eq(mails.ids, "sub_2");
    OK(ak_session_delete(store, "ses_1"));
    OK(ak_subscription_list(store, "ses_1", NULL, NULL, count_subscription, &none));
    ck_assert_int_eq(none.n, 0);
    ck_assert_int_eq(ak_session_delete(store, "ses_1"), AK_E_ABSENT);
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(bundles_are_named_by_what_is_in_them)
{
    char digest[65], again[65];
    AkBytes bytes;
    open_any(_i);
    OK(ak_store_begin(store));
    OK(ak_bundle_put(store, (AkBytes){"abc", 3}, 1, digest));
    ck_assert_str_eq(digest,
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    OK(ak_bundle_put(store, (AkBytes){"abc", 3}, 2, again));
    ck_assert_str_eq(digest, again);
    OK(ak_bundle_get(store, digest, &bytes));
    ck_assert(ak_bytes_is(bytes, "abc"));
    free((void *)(uintptr_t)bytes.at);
    ck_assert_int_eq(ak_bundle_get(store, "00", &bytes), AK_E_ABSENT);
    AkDeployment d = {.id = "dep_1",
                      .project_id = "prj_1",
                      .build_id = "bld_1",
                      .digest = digest,
                      .state = AK_DEPLOYMENT_INACTIVE,
                      .dialect = "ak",
                      .verdict = "[]"};
    OK(ak_deployment_put(store, &d));
    d.id = "dep_2";
    d.digest = "00";
    ck_assert_int_eq(ak_deployment_put(store, &d), AK_E_ABSENT);
    d.id = "dep_1";
    d.digest = digest;
    d.state = AK_DEPLOYMENT_ACTIVE;
    OK(ak_deployment_update(store, &d));
    ck_assert_int_eq(ak_deployment_delete(store, "dep_1"), AK_E_EXISTS);
    d.state = AK_DEPLOYMENT_INACTIVE;
    OK(ak_deployment_update(store, &d));
    put_session("ses_1");
    ck_assert_int_eq(ak_deployment_delete(store, "dep_1"), AK_E_EXISTS);
    OK(ak_session_delete(store, "ses_1"));
    Count count = {0};
    OK(ak_deployment_list(store, "prj_1", count_deployment, &count));
    ck_assert_str_eq(count.ids, "dep_1");
    AkDeployment *got;
    OK(ak_deployment_get(store, "dep_1", &got));
    ck_assert_str_eq(got->verdict, "[]");
    ck_assert_ptr_null(got->manifest);
    free(got);
    OK(ak_deployment_delete(store, "dep_1"));
    ck_assert_int_eq(ak_bundle_get(store, digest, &bytes), AK_E_ABSENT);
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(projects_variables_and_triggers)
{
    Count vars = {0}, triggers = {0}, due = {0}, projects = {0};
    AkProject *project;
    AkTrigger *trigger;
    open_any(_i);
    OK(ak_store_begin(store));
    OK(ak_project_put(store, &(AkProject){"prj_1", "shop", 1}));
    ck_assert_int_eq(ak_project_put(store, &(AkProject){"prj_2", "shop", 1}), AK_E_EXISTS);
    OK(ak_project_get(store, "shop", &project));
    ck_assert_str_eq(project->id, "prj_1");
    free(project);
    OK(ak_var_set(store, &(AkVar){"prj_1", "B", "1", false}));
    OK(ak_var_set(store, &(AkVar){"prj_1", "A", "2", false}));
    OK(ak_var_set(store, &(AkVar){"prj_1", "B", "3", true}));
    OK(ak_var_list(store, "prj_1", count_var, &vars));
    ck_assert_str_eq(vars.ids, "2 secret");
    ck_assert_int_eq(ak_var_delete(store, "prj_1", "C"), AK_E_ABSENT);
    AkTrigger t = {.id = "trg_1",
                   .project_id = "prj_1",
                   .name = "hook",
                   .kind = "webhook",
                   .slug = "abc",
                   .config = "{}",
                   .enabled = true};
    OK(ak_trigger_put(store, &t));
    t.id = "trg_2";
    ck_assert_int_eq(ak_trigger_put(store, &t), AK_E_EXISTS);
    t = (AkTrigger){.id = "trg_3",
                    .project_id = "prj_1",
                    .name = "tick",
                    .kind = "schedule",
                    .config = "{}",
                    .enabled = true,
                    .due_us = 70};
    OK(ak_trigger_put(store, &t));
    OK(ak_trigger_by_slug(store, "abc", &trigger));
    ck_assert_str_eq(trigger->name, "hook");
    ck_assert(trigger->enabled);
    free(trigger);
    ck_assert_int_eq(ak_trigger_next_due(store), 70);
    OK(ak_trigger_due(store, 69, count_trigger, &due));
    ck_assert_int_eq(due.n, 0);
    OK(ak_trigger_due(store, 70, count_trigger, &due));
    ck_assert_str_eq(due.ids, "tick");
    t.enabled = false;
    OK(ak_trigger_update(store, &t));
    ck_assert_int_eq(ak_trigger_next_due(store), 0);
    OK(ak_trigger_list(store, "prj_1", count_trigger, &triggers));
    ck_assert_str_eq(triggers.ids, "hook tick");
    OK(ak_trigger_delete(store, "trg_3"));
    ck_assert_int_eq(ak_trigger_get(store, "trg_3", &trigger), AK_E_ABSENT);
    put_session("ses_1");
    ck_assert_int_eq(ak_project_delete(store, "prj_1"), AK_E_EXISTS);
    OK(ak_session_delete(store, "ses_1"));
    OK(ak_project_delete(store, "prj_1"));
    OK(ak_project_list(store, count_project, &projects));
    ck_assert_int_eq(projects.n, 0);
    ck_assert_int_eq(ak_trigger_by_slug(store, "abc", &trigger), AK_E_ABSENT);
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(an_event_with_the_same_key_is_taken_once)
{
    Count count = {0};
    AkStoredEvent *got;
    open_any(_i);
    AkStoredEvent e = {"evt_1", "prj_1", "trg_1", "post", "{}", "k", 10};
    OK(ak_store_begin(store));
    OK(ak_event_put(store, &e));
    e.id = "evt_2";
    ck_assert_int_eq(ak_event_put(store, &e), AK_E_EXISTS);
    OK(ak_event_by_key(store, "prj_1", "trg_1", "k", &got));
    ck_assert_str_eq(got->id, "evt_1");
    free(got);
    e.trigger_id = NULL; /* another place for keys */
    OK(ak_event_put(store, &e));
    e.id = "evt_3";
    ck_assert_int_eq(ak_event_put(store, &e), AK_E_EXISTS);
    e.key = NULL;
    e.created_us = 20;
    OK(ak_event_put(store, &e));
    OK(ak_event_list(store, "prj_1", NULL, 2, count_event, &count));
    ck_assert_str_eq(count.ids, "evt_3 evt_2");
    ck_assert_int_eq(ak_event_delete_before(store, 20), 2);
    ck_assert_int_eq(ak_event_get(store, "evt_1", &got), AK_E_ABSENT);
    OK(ak_store_commit(store));
    close_any();
}
END_TEST

START_TEST(keys_are_bounded_and_set_by_comparison)
{
    char key[32], *big = calloc(1, AK_VALUE_MAX + 1);
    AkBytes value, none = {NULL, 0};
    bool published;
    Count count = {0};
    open_any(_i);
    OK(ak_store_begin(store));
    ck_assert_int_eq(ak_key_check_and_set(store, "prj_1", "a", ak_bytes("1"), ak_bytes("2")),
                     0);
    ck_assert_int_eq(ak_key_check_and_set(store, "prj_1", "a", none, ak_bytes("1")), 1);
    ck_assert_int_eq(ak_key_check_and_set(store, "prj_1", "a", none, ak_bytes("9")), 0);
    ck_assert_int_eq(ak_key_check_and_set(store, "prj_1", "a", ak_bytes("1"), ak_bytes("2")),
                     1);
    OK(ak_key_publish(store, "prj_1", "a", true));
    OK(ak_key_set(store, "prj_1", "a", ak_bytes("3")));
    OK(ak_key_get(store, "prj_1", "a", &value, &published));
    ck_assert(ak_bytes_is(value, "3") && published);
    free((void *)(uintptr_t)value.at);
    ck_assert_int_eq(ak_key_get(store, "prj_2", "a", &value, NULL), AK_E_ABSENT);
    OK(ak_key_set(store, "prj_1", "a", (AkBytes){big, AK_VALUE_MAX}));
    ck_assert_int_eq(ak_key_set(store, "prj_1", "a", (AkBytes){big, AK_VALUE_MAX + 1}),
                     AK_E_TOOBIG);
    for (int i = 1; i < AK_KEYS_MAX; i++) {
        snprintf(key, sizeof key, "k%02d", i);
        OK(ak_key_set(store, "prj_1", key, ak_bytes("1")));
    }
    ck_assert_int_eq(ak_key_set(store, "prj_1", "one more", ak_bytes("1")), AK_E_FULL);
    OK(ak_key_set(store, "prj_1", "k01", ak_bytes("2")));
    OK(ak_key_set(store, "prj_2", "one more", ak_bytes("1")));
    ck_assert_int_eq(ak_key_check_and_set(store, "prj_1", "k01", ak_bytes("2"), none), 1);
    ck_assert_int_eq(ak_key_delete(store, "prj_1", "k01"), AK_E_ABSENT);
    OK(ak_key_list(store, "prj_2", count_pair, &count));
    ck_assert_str_eq(count.ids, "one more");
    OK(ak_store_commit(store));
    close_any();
    free(big);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *every = tcase_create("every store");
    tcase_set_timeout(every, 60);
    tcase_add_loop_test(every, a_write_needs_a_transaction, 0, 2);
    tcase_add_loop_test(every, an_aborted_transaction_did_nothing, 0, 2);
    tcase_add_loop_test(every, a_session_comes_back_as_it_was_put, 0, 2);
    tcase_add_loop_test(every, appends_are_fenced_by_their_length, 0, 2);
    tcase_add_loop_test(every, sessions_are_listed_newest_first_and_filtered, 0, 2);
    tcase_add_loop_test(every, due_sessions_are_those_ready_and_those_whose_time_has_come, 0,
                        2);
    tcase_add_loop_test(every, mail_is_kept_in_order_and_ids_are_never_used_again, 0, 2);
    tcase_add_loop_test(every, an_inbox_is_bounded, 0, 2);
    tcase_add_loop_test(every, subscriptions_go_with_their_mail_and_their_session, 0, 2);
    tcase_add_loop_test(every, bundles_are_named_by_what_is_in_them, 0, 2);
    tcase_add_loop_test(every, projects_variables_and_triggers, 0, 2);
    tcase_add_loop_test(every, an_event_with_the_same_key_is_taken_once, 0, 2);
    tcase_add_loop_test(every, keys_are_bounded_and_set_by_comparison, 0, 2);
    suite_add_tcase(suite, every);
    suite_add_tcase(suite, promises_of_disks());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
