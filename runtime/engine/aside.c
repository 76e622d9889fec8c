/* aside.c: requests that come out of a call. They have no number and no record: the body of a
 * call may run again after a crash, and then asks again.
 *
 *     executing --request--> aside --answer--> executing
 *     executing --request next_event--> executing, at once: an event that is there, or null
 *
 * An event that a call was given is lent to it. It leaves the inbox with the call's record, so
 * a call that is performed again is given it again.
 */
#include "run.h"

static int request(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int answer(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__aside_rows[] = {
    {AK__EXECUTING, AK_EV_REQUEST, request, "executing + request: do it, unrecorded"},
    {AK__ASIDE, AK_EV_ANSWER, answer, "aside + answer: reply, the call goes on"},
};
const size_t ak__aside_rows_len = sizeof ak__aside_rows / sizeof *ak__aside_rows;

/* Its time is that of the last record: the program's clock must be the same on replay. */
static void reply(AkRun *run, AkBytes value, AkBytes error, AkCommands *out)
{
    AkCommand *command = ak__command(run, out, AK_CMD_REPLY);
    if (!command)
        return;
    command->at_us = run->last_at;
    command->request = true;
    command->value = ak__own(out, value);
    command->error = ak__own(out, error);
}

static int request(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    if (event->seq != 0 || ak_bytes_is(event->name, "sleep") ||
        ak_bytes_is(event->name, "next_signal"))
        return ak__off_script(run, now, event, out);
    if (event->number != run->seq)
        return ak__fail(run, now, "protocol", "ProtocolError",
                        ak_bytes("the runner sent a request out of another call"), out);
    if (!ak__are_arguments(event))
        return ak__bad_arguments(run, now, out);
    if (ak_bytes_is(event->name, "next_event")) {
        reply(run, ak__lend_event(run, event->args), (AkBytes){NULL, 0}, out);
        return 0;
    }
    if (ak_bytes_is(event->name, "unsubscribe"))
        ak__drop_mail_of(run, event->args);
    AkCommand *command = ak__command(run, out, AK_CMD_REQUEST);
    if (!command)
        return AK_E_NOMEM;
    command->name = ak__own(out, event->name);
    command->args = ak__own(out, event->args);
    run->phase = AK__ASIDE;
    return 0;
}

static int answer(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)now;
    if (event->seq != 0)
        return ak__fault(run, AK_E_MISUSE, "an answer to another request");
    AkBytes value = event->value.at ? event->value : ak_bytes("null");
    reply(run, event->error.at ? (AkBytes){NULL, 0} : value, event->error, out);
    run->phase = AK__EXECUTING;
    return 0;
}
