/* A replay asked for over HTTP: `ak session replay`. */
#define _GNU_SOURCE
#include "api.h"

#include <stdlib.h>

#include "admin.h"
#include "exit_codes.h"
#include "views.h"

enum { REPLAY_S = 60 };

static json_t *tell(json_t *said, int code, AkBytes words, unsigned *status)
{
    (void)code;
    (void)status;
    json_object_set_new(said, "output", ak_view_text(words));
    return said;
}

json_t *ak__api_replay(AkApiCall *call)
{
    const char *const words[] = {"session", "replay", call->args[0], NULL};
    AkSession *session;
    int fault = ak_session_get(call->serve->home->store, call->args[0], &session);

    if (fault)
        return ak__api_fault(call, fault, "session", call->args[0]);
    free(session);
    return ak__api_child(call, words, REPLAY_S, NULL, tell);
}
