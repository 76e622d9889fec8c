/* What the engine asks for inside the transaction: subscriptions, children, signals, keys,
 * outcomes. Each is done and answered at once, so that it happens exactly as often as it is
 * recorded. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_session.h"
#include "engine/filter.h"
#include "engine/jsontext.h"
#include "ids.h"
#include "numbers.h"

typedef struct Ask {
    AkLive *live;
    uint64_t seq;
    AkBytes args; /* a JSON object, checked by the protocol */
} Ask;

typedef int Op(const Ask *ask);

static int answer(const Ask *ask, AkBytes value)
{
    ak__live_step(ask->live, &(AkEvent){.kind = AK_EV_ANSWER, .seq = ask->seq, .value = value});
    return 0;
}

/* The program's own mistake, as an exception in it. */
static int answer_error(const Ask *ask, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int answer_error(const Ask *ask, const char *type, const char *format, ...)
{
    char words[512];
    AkText error = {0};
    va_list list;

    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    ak_text_str(&error, "{\"type\": \"");
    ak_text_str(&error, type);
    ak_text_str(&error, "\", \"message\": ");
    ak_text_json(&error, ak_bytes(words));
    ak_text_str(&error, ", \"traceback\": [], \"kind\": \"misuse\"}");
    ak__live_step(
        ask->live,
        &(AkEvent){.kind = AK_EV_ANSWER, .seq = ask->seq, .error = {error.at, error.len}});
    ak_text_free(&error);
    return 0;
}

/* A string member, decoded, for free(); NULL when it is missing or not a string. */
static char *string_arg(const Ask *ask, const char *name)
{
    AkBytes slice = ak_json_member(ask->args, name);

    if (ak_json_kind(slice) != AK_JSON_STRING)
        return NULL;
    char *text = malloc(slice.len + 1);
    if (text)
        text[ak_json_decode(slice, text)] = '\0';
    return text;
}

static int answer_string(const Ask *ask, const char *text)
{
    AkText json = {0};

    ak_text_json(&json, ak_bytes(text));
    answer(ask, (AkBytes){json.at, json.len});
    ak_text_free(&json);
    return 0;
}

/* NULL when the filter is fine. */
static const char *filter_mistake(const char *filter)
{
    static AkFilter parsed;
    const char *why;
    uint32_t at;

    return ak_filter_parse(&parsed, filter, &why, &at) < 0 ? why : NULL;
}

/* Adds the member `name` of each object in the list; true when one of them is `wanted`. */
static bool list_names(AkBytes list, const char *wanted, AkText *names)
{
    AkJsonWalk walk = ak_json_walk(list);
    AkBytes key, item;
    bool found = false;

    while (ak_json_next(&walk, &key, &item)) {
        AkBytes name = ak_json_member(item, "name");
        if (ak_json_kind(name) != AK_JSON_STRING)
            continue;
        found |= ak_json_string_is(name, ak_bytes(wanted));
        ak_text_str(names, names->len ? ", " : "");
        ak_text_add(names, name.at + 1, name.len - 2); /* symbols: nothing in them is escaped */
    }
    return found;
}

/* A trigger or connection of the manifest the session runs under. What has no manifest (`ak
 * run`) may name anything: its events come from elsewhere. 0 or a fault; *known. */
static int knows_source(const Ask *ask, const char *source, AkText *names, bool *known)
{
    AkDeployment *d;
    int fault = ak_deployment_get(ask->live->driver->store, ask->live->deployment_id, &d);

    *known = true;
    if (fault)
        return fault == AK_E_ABSENT ? 0 : fault;
    AkBytes triggers = ak_json_member(ak_bytes(d->manifest ? d->manifest : "{}"), "triggers");
    if (triggers.at) {
        *known = list_names(triggers, source, names);
        *known |=
            list_names(ak_json_member(ak_bytes(d->manifest), "connections"), source, names);
    }
    free(d);
    return 0;
}

/* 0 or a fault; what is wrong with the request in why, "" for nothing. */
static int subscription_mistake(const Ask *ask, const char *source, const char *filter,
                                char *why, size_t size)
{
    AkText names = {0};
    const char *unread = filter && *filter ? filter_mistake(filter) : NULL;
    bool known = true;
    int fault = source && *source ? knows_source(ask, source, &names, &known) : 0;

    *why = '\0';
    if (!source || !*source)
        snprintf(why, size, "subscribe needs the name of a source");
    else if (unread)
        snprintf(why, size, "the filter cannot be read: %s", unread);
    else if (!known)
        snprintf(
            why, size,
            "the project has no trigger or connection '%.80s' to subscribe to; it has %.*s",
            source, names.len ? (int)(names.len < 300 ? names.len : 300) : 4,
            names.len ? names.at : "none");
    ak_text_free(&names);
    return fault;
}

static int subscribe(const Ask *ask)
{
    char why[512], id[AK_ID_SIZE], *source = string_arg(ask, "source"),
                                   *filter = string_arg(ask, "filter");
    int64_t now = ak_loop_now().wall_us;
    AkSubscription subscription = {.id = id,
                                   .session_id = ask->live->id,
                                   .project_id = ask->live->project_id,
                                   .source = source,
                                   .filter = filter && *filter ? filter : NULL,
                                   .created_us = now};
    int fault = subscription_mistake(ask, source, filter, why, sizeof why);

    ak_id_new("sub", now, id);
    if (!fault && *why)
        answer_error(ask, "ValueError", "%s", why);
    else if (!fault && !(fault = ak_subscription_put(ask->live->driver->store, &subscription)))
        answer_string(ask, id);
    free(source);
    free(filter);
    return fault;
}

static int unsubscribe(const Ask *ask)
{
    char *id = string_arg(ask, "id");
    int fault = ak_subscription_delete(ask->live->driver->store, ask->live->id, id ? id : "");

    if (fault == AK_E_ABSENT)
        fault = answer_error(ask, "ValueError", "no subscription is called '%s'", id ? id : "");
    else if (!fault)
        answer(ask, ak_bytes("null"));
    free(id);
    return fault;
}

static bool is_location(const char *loc)
{
    const char *colon = loc ? strrchr(loc, ':') : NULL;

    return colon && colon[1] && colon - loc > 3 && !strncmp(colon - 3, ".py", 3);
}

static int start(const Ask *ask)
{
    AkLive *live = ask->live;
    char id[AK_ID_SIZE], seed[AK_SEED_SIZE], *loc = string_arg(ask, "loc");
    AkBytes data = ak_json_member(ask->args, "data"), memo = ak_json_member(ask->args, "memo");
    AkText event = {0}, memo_text = {0};
    int fault = 0;

    if (!is_location(loc)) {
        free(loc);
        return answer_error(ask, "ValueError",
                            "start needs a location like 'file.py:function'");
    }
    AkDeployment *deployment = NULL;
    fault = ak_deployment_get(live->driver->store, live->deployment_id, &deployment);
    if (fault && fault != AK_E_ABSENT) {
        free(loc);
        return fault;
    }
    ak_id_new("ses", ak_loop_now().wall_us, id);
    ak_seed_new(seed);
    ak_text_str(&event, "{\"event_type\": null, \"event_id\": null, \"session_id\": \"");
    ak_text_str(&event, id);
    ak_text_str(&event, "\", \"data\": ");
    if (ak_json_kind(data) == AK_JSON_ABSENT || ak_json_kind(data) == AK_JSON_NULL)
        ak_text_str(&event, "{}");
    else
        ak_text_bytes(&event, data);
    ak_text_str(&event, "}");
    ak_text_bytes(&memo_text, memo);
    AkNewSession child = {.id = id,
                          .project_id = live->project_id,
                          .deployment_id = live->deployment_id,
                          .parent_id = live->id,
                          .entry = loc,
                          .event = event.at,
                          .memo = memo_text.at,
                          .seed = seed,
                          .dialect = deployment ? deployment->dialect : "ak"};
    fault = ak__live_create(live->driver, &child);
    if (!fault)
        answer_string(ask, id);
    free(loc);
    free(deployment);
    ak_text_free(&event);
    ak_text_free(&memo_text);
    return fault;
}

static int signal_session(const Ask *ask)
{
    char *to = string_arg(ask, "session_id"), *name = string_arg(ask, "name");
    AkBytes payload = ak_json_member(ask->args, "payload");
    char *value = payload.at ? strndup(payload.at, payload.len) : NULL;
    AkMail mail = {.session_id = to ? to : "",
                   .kind = AK_MAIL_SIGNAL,
                   .name = name ? name : "",
                   .from = ask->live->id,
                   .value = value,
                   .created_us = ak_loop_now().wall_us};
    bool to_self = !strcmp(mail.session_id, ask->live->id);
    uint64_t id = 0;
    /* The engine wants the answer before anything else: mail to oneself is handed over after
     * it. */
    int fault = to_self ? ak_mail_put(ask->live->driver->store, &mail, &id)
                        : ak__live_mail(ask->live->driver, &mail);

    if (fault == AK_E_ABSENT)
        fault = answer_error(ask, "ValueError", "no session is called '%s'", mail.session_id);
    else if (fault == AK_E_ENDED)
        fault = answer_error(ask, "RuntimeError", "session %s has ended", mail.session_id);
    else if (fault == AK_E_FULL)
        fault = answer_error(ask, "RuntimeError", "session %s has too many signals waiting",
                             mail.session_id);
    else if (!fault)
        answer(ask, ak_bytes("null"));
    if (id)
        ak__live_step(ask->live, &(AkEvent){.kind = AK_EV_MAIL,
                                            .mail = id,
                                            .mail_kind = mail.kind,
                                            .name = ak_bytes(mail.name),
                                            .from = ak_bytes(mail.from),
                                            .value = ak_bytes(value)});
    free(to);
    free(name);
    free(value);
    return fault;
}

static int outcome(const Ask *ask)
{
    AkDriver *d = ask->live->driver;

    if (d->front->outcome)
        d->front->outcome(d->owner, ask->live->id, ak_json_member(ask->args, "value"));
    return answer(ask, ak_bytes("null"));
}

/* --- Keys and values
 * ---------------------------------------------------------------------------------- */

/* What the store refuses is the program's to mend; anything else is ours. */
static int key_fault(const Ask *ask, int fault, const char *key)
{
    if (fault == AK_E_FULL)
        return answer_error(ask, "ValueError", "the store holds %d keys already", AK_KEYS_MAX);
    if (fault == AK_E_TOOBIG)
        return answer_error(ask, "ValueError",
                            "key '%.80s': a value may have %d bytes, a key %d", key,
                            AK_VALUE_MAX, AK_KEY_BYTES_MAX);
    if (fault == AK_E_ABSENT)
        return answer_error(ask, "KeyError", "no key is called '%.80s'", key);
    return fault;
}

static int key_get(const Ask *ask, const char *key)
{
    AkBytes value;
    int fault = ak_key_get(ask->live->driver->store, ask->live->project_id, key, &value, NULL);

    if (fault == AK_E_ABSENT)
        return answer(ask, ak_bytes("null"));
    if (fault)
        return fault;
    answer(ask, value);
    free((char *)value.at);
    return 0;
}

static int key_delete(const Ask *ask, const char *key)
{
    int fault = ak_key_delete(ask->live->driver->store, ask->live->project_id, key);

    return fault && fault != AK_E_ABSENT ? fault : answer(ask, ak_bytes("null"));
}

static int key_set(const Ask *ask, const char *key)
{
    AkBytes value = ak_json_member(ask->args, "value");

    if (ak_json_kind(value) == AK_JSON_NULL || ak_json_kind(value) == AK_JSON_ABSENT)
        return key_delete(ask, key);
    int fault = ak_key_set(ask->live->driver->store, ask->live->project_id, key, value);
    return fault ? key_fault(ask, fault, key) : answer(ask, ak_bytes("null"));
}

static bool is_whole(AkBytes number)
{
    size_t from = number.len && number.at[0] == '-';

    for (size_t i = from; i < number.len; i++)
        if (number.at[i] < '0' || number.at[i] > '9')
            return false;
    return number.len > from;
}

/* Whole numbers beyond 64 bits travel as {"__int__": "digits"}: the digits, or the value. */
static AkBytes digits_of(AkBytes value)
{
    AkBytes text =
        ak_json_kind(value) == AK_JSON_OBJECT ? ak_json_member(value, "__int__") : (AkBytes){0};
    if (ak_json_kind(text) != AK_JSON_STRING)
        return value;
    AkBytes digits = {text.at + 1, text.len - 2};
    return is_whole(digits) ? digits : value;
}

/* Written as the program's side writes it, as values are compared byte by byte. */
static void wrap_large(AkText *number)
{
    AkText wrapped = {0};

    errno = 0;
    strtoll(number->at ? number->at : "", NULL, 10);
    if (errno != ERANGE || !is_whole((AkBytes){number->at, number->len}))
        return;
    ak_text_str(&wrapped, "{\"__int__\": \"");
    ak_text_add(&wrapped, number->at, number->len);
    ak_text_str(&wrapped, "\"}");
    ak_text_free(number);
    *number = wrapped;
}

static bool add_numbers(AkBytes old, AkBytes value, AkText *sum)
{
    AkBytes a = digits_of(old), b = digits_of(value);

    if (ak_json_kind(a) != AK_JSON_NUMBER || ak_json_kind(b) != AK_JSON_NUMBER ||
        !ak_number_add(a, b, sum))
        return false;
    wrap_large(sum);
    return true;
}

static int key_add(const Ask *ask, const char *key)
{
    AkStore *store = ask->live->driver->store;
    const char *project = ask->live->project_id;
    AkBytes value = ak_json_member(ask->args, "value"), old = {0};
    AkText sum = {0};
    int fault = ak_key_get(store, project, key, &old, NULL);

    if (fault && fault != AK_E_ABSENT)
        return fault;
    if (fault == AK_E_ABSENT)
        ak_text_bytes(&sum, value);
    if (ak_json_kind(digits_of(value)) != AK_JSON_NUMBER ||
        (!fault && !add_numbers(old, value, &sum))) {
        fault = answer_error(ask, "TypeError",
                             "add needs numbers; key '%.80s' holds another value", key);
    } else {
        fault = ak_key_set(store, project, key, (AkBytes){sum.at, sum.len});
        fault = fault ? key_fault(ask, fault, key) : answer(ask, (AkBytes){sum.at, sum.len});
    }
    free((char *)old.at);
    ak_text_free(&sum);
    return fault;
}

static AkBytes present(AkBytes json)
{
    return ak_json_kind(json) == AK_JSON_NULL ? (AkBytes){0} : json;
}

static int key_check_and_set(const Ask *ask, const char *key)
{
    int did = ak_key_check_and_set(ask->live->driver->store, ask->live->project_id, key,
                                   present(ak_json_member(ask->args, "expected")),
                                   present(ak_json_member(ask->args, "value")));

    if (did < 0)
        return key_fault(ask, did, key);
    return answer(ask, ak_bytes(did ? "true" : "false"));
}

static int add_name(void *payload, const AkPair *pair)
{
    AkText *list = payload;

    if (list->len > 1)
        ak_text_str(list, ", ");
    ak_text_json(list, ak_bytes(pair->key));
    return 0;
}

static int key_list(const Ask *ask)
{
    AkText list = {0};

    ak_text_str(&list, "[");
    int fault = ak_key_list(ask->live->driver->store, ask->live->project_id, add_name, &list);
    ak_text_str(&list, "]");
    if (!fault)
        answer(ask, (AkBytes){list.at, list.len});
    ak_text_free(&list);
    return fault;
}

static int key_publish(const Ask *ask, const char *key, bool on)
{
    int fault = ak_key_publish(ask->live->driver->store, ask->live->project_id, key, on);

    return fault ? key_fault(ask, fault, key) : answer(ask, ak_bytes("null"));
}

static int keys(const Ask *ask)
{
    char *action = string_arg(ask, "action"), *key = string_arg(ask, "key");
    const char *name = key ? key : "";
    int fault;

    if (!action)
        fault = answer_error(ask, "ValueError", "store needs an action");
    else if (!strcmp(action, "list"))
        fault = key_list(ask);
    else if (!*name)
        fault = answer_error(ask, "ValueError", "store needs a key");
    else if (!strcmp(action, "get"))
        fault = key_get(ask, name);
    else if (!strcmp(action, "set"))
        fault = key_set(ask, name);
    else if (!strcmp(action, "del"))
        fault = key_delete(ask, name);
    else if (!strcmp(action, "add"))
        fault = key_add(ask, name);
    else if (!strcmp(action, "check_and_set"))
        fault = key_check_and_set(ask, name);
    else if (!strcmp(action, "publish"))
        fault = key_publish(ask, name, true);
    else if (!strcmp(action, "unpublish"))
        fault = key_publish(ask, name, false);
    else
        fault = answer_error(ask, "ValueError", "store knows no action '%.40s'", action);
    free(action);
    free(key);
    return fault;
}

int ak__request(AkLive *live, const AkCommand *command)
{
    static const struct {
        const char *name;
        Op *op;
    } ops[] = {{"subscribe", subscribe},   {"unsubscribe", unsubscribe}, {"start", start},
               {"signal", signal_session}, {"outcome", outcome},         {"store", keys}};
    Ask ask = {live, command->seq, command->args};

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (ak_bytes_is(command->name, ops[i].name))
            return ops[i].op(&ask);
    return answer_error(&ask, "ValueError", "the engine knows no request '%.*s'",
                        (int)(command->name.len < 40 ? command->name.len : 40),
                        command->name.at);
}
