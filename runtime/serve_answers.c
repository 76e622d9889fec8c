#define _GNU_SOURCE
#include "serve_inner.h"

#include <stdlib.h>
#include <string.h>

AkPending **ak__serve_pending(AkServe *s, const char *session)
{
    AkPending **link = &s->pending;

    while (*link && strcmp((*link)->session_id, session))
        link = &(*link)->next;
    return link;
}

static void end_pending(AkPending **link)
{
    AkPending *p = *link;

    *link = p->next;
    ak_outcome_free(&p->outcome);
    free(p);
}

static void accept_request(AkPending *p, unsigned status)
{
    json_t *headers = json_pack("{s:s}", "AutoKitteh-Event-ID", p->event_id);

    ak_http_answer_json(p->request, status, headers,
                        *p->session_id ? json_pack("{s:s, s:s}", "event_id", p->event_id,
                                                   "session_id", p->session_id)
                                       : json_pack("{s:s}", "event_id", p->event_id));
    json_decref(headers);
}

static void answer_outcome(AkPending *p)
{
    json_object_set_new(p->outcome.headers, "AutoKitteh-Event-ID", json_string(p->event_id));
    ak_http_answer(p->request, p->outcome.status, p->outcome.headers,
                   p->outcome.body.at ? p->outcome.body.at : "", p->outcome.body.len);
}

/* True when it was answered. What stands here is durable: it is called after a commit. */
static bool answer_pending(AkServe *s, AkPending *p, int64_t now)
{
    if (!p->sync)
        accept_request(p, 202);
    else if (p->outcome.complete || (p->ended && p->outcome.status))
        answer_outcome(p);
    else if (p->ended && p->failed)
        ak_http_answer_json(p->request, 500, NULL, ak__serve_error("the session failed"));
    else if (p->ended)
        accept_request(p, 202);
    else if (now >= p->due_us)
        ak_http_answer_json(p->request, 504, NULL,
                            ak__serve_error("the session gave no answer in time"));
    else if (s->signals)
        ak_http_answer_json(p->request, 503, NULL,
                            ak__serve_error("the server stops; the session goes on later"));
    else
        return false;
    return true;
}

void ak__serve_answer(AkServe *s)
{
    int64_t now = ak_loop_now().mono_us, next = 0;

    for (AkPending **link = &s->pending; *link;) {
        if (answer_pending(s, *link, now)) {
            end_pending(link);
            continue;
        }
        if (!next || (*link)->due_us < next)
            next = (*link)->due_us;
        link = &(*link)->next;
    }
    if (next)
        ak_timer_set(s->sync, next - now);
}

/* Nothing since the last commit happened: who waits for it has to try again. */
void ak__serve_refuse(AkServe *s)
{
    while (s->pending) {
        ak_http_answer_json(s->pending->request, 503, NULL,
                            ak__serve_error("the event could not be recorded"));
        end_pending(&s->pending);
    }
}
