/* The API below /api/v1: what the commands do, for the page and for programs. api.c lets a
 * request in and finds its route; api_routes.c is the table of all routes, from which the
 * OpenAPI document is made (api_openapi.c); api_state.c and api_sessions.c answer, and what takes
 * long is done by a process (api_child.c).
 *
 * A route gives an object, or an error as admin.h has them, whose exit code becomes the status.
 * NULL: it has answered itself, or will. */
#ifndef AK_API_H
#define AK_API_H

#include "serve_inner.h"

#define AK_API "/api/v1"
enum { AK_API_ARGS = 2, AK_API_ARG = 1100, AK_API_TEXT_MAX = 300, AK_API_WORDS = 64 };

typedef struct AkApiCall {
    AkServe *serve;
    AkHttpRequest *request;
    char args[AK_API_ARGS][AK_API_ARG]; /* what stood for {…} in the path, in order */
    json_t *query, *body;               /* objects; body is NULL where the route takes none */
    unsigned status;                    /* of the answer when it is no error */
} AkApiCall;

typedef json_t *AkApiFn(AkApiCall *call);

typedef enum AkApiType {
    AK_API_TEXT,
    AK_API_NUMBER, /* a whole one */
    AK_API_SWITCH, /* true or false */
    AK_API_OBJECT,
    AK_API_ANY
} AkApiType;

/* A parameter of a query, or a member of a body. */
typedef struct AkApiParam {
    const char *name;
    AkApiType type;
    const char *meaning;
    const char *pattern; /* of a text: "ses" an id's first part; "a|b|c" one or several of them;
                            or NULL */
    int64_t min, max;    /* of a number; of a text's characters, 0 for AK_API_TEXT_MAX */
    bool required;
} AkApiParam;

typedef struct AkApiRoute {
    const char *method, *path, *name, *summary;
    AkApiFn *fn;
    unsigned status;
    const char *answer; /* its schema; or NULL, then `type` is the answer's media type */
    const char *type;
    const char *errors;      /* statuses beyond those that every route has: "404 409" */
    const AkApiParam *query; /* ended by a nameless one; or NULL */
    const AkApiParam *body;  /* as query; NULL: there is none. Without a required member it may
                                be left out */
} AkApiRoute;

/* Ended by one without a method. */
extern const AkApiRoute ak_api_routes[];

/* Everything below /api/. */
void ak__api(AkServe *s, AkHttpRequest *request);
/* May this request see the state, and change it? Else it has been answered. */
bool ak__api_admits(AkServe *s, AkHttpRequest *request);
/* Answers by an object or an error; takes it. */
void ak__api_answer(AkHttpRequest *request, unsigned status, json_t *body);
/* serve_away.c: has the route answered where the state is. NULL, or an error. */
json_t *ak__away_api(AkApiCall *call, const char *name, unsigned status);
/* The page and its parts. False: no such file. */
bool ak__page(AkServe *s, AkHttpRequest *request);

/* The route of a path as it was sent, below AK_API; what stands for {…} goes to call->args. NULL:
 * none; then allowed has the methods that this path takes, "" for no such path. */
const AkApiRoute *ak__api_find(const char *path, const char *method, AkApiCall *call,
                               char *allowed, size_t size);
/* NULL, or an error that says what is wrong. body is an object. */
json_t *ak__api_check_query(const AkApiRoute *route, const json_t *query);
json_t *ak__api_check_body(const AkApiRoute *route, const json_t *body);

/* A query parameter's text, NULL without it; its number, `otherwise` without it. */
const char *ak__api_text(const AkApiCall *call, const char *name);
int64_t ak__api_number(const AkApiCall *call, const char *name, int64_t otherwise);
/* The project named by a query parameter: true, with id "" for none; false: *error is to be
 * given. */
bool ak__api_project(const AkApiCall *call, const char *name, char id[64], json_t **error);
AkStore *ak__api_store(const AkApiCall *call);
json_t *ak__api_store_error(const AkApiCall *call);
/* "no project is called 'x'"; and the error of a fault of the store, which may be that. */
json_t *ak__api_absent(const char *what, const char *name);
json_t *ak__api_fault(const AkApiCall *call, int fault, const char *what, const char *name);
/* As a command would ask; takes what it asks for. */
json_t *ak__api_command(AkApiCall *call, json_t *request);

/* What the process said, an object, which is taken; its exit code; its standard error. Gives the
 * answer and may change its status. */
typedef json_t *AkApiChildFn(json_t *said, int code, AkBytes words, unsigned *status);
/* Answers later, by fn, with what `ak WORDS --json` says (ended by NULL, AK_API_WORDS at
 * most; they are copied). NULL when it runs, else an error. Takes dir, a folder that is to go, or NULL. */
json_t *ak__api_child(AkApiCall *call, const char *const words[], int limit_s, char *dir,
                      AkApiChildFn *fn);

json_t *ak__api_openapi(AkServe *s);
/* A session in lists and in the stream: without its memo, its error as type and message. */
json_t *ak__api_session_row(const AkSession *session);

AkApiFn ak__api_status, ak__api_document, ak__api_projects, ak__api_project_get,
    ak__api_deployments, ak__api_deploy, ak__api_deployment_get, ak__api_activate,
    ak__api_deactivate, ak__api_deployment_delete, ak__api_source, ak__api_triggers,
    ak__api_fire, ak__api_events, ak__api_event_get, ak__api_redispatch, ak__api_vars,
    ak__api_var_set, ak__api_var_delete, ak__api_keys, ak__api_key_get, ak__api_key_set,
    ak__api_key_delete, ak__api_sessions, ak__api_session_get, ak__api_steps, ak__api_stop,
    ak__api_restart, ak__api_fork, ak__api_replay, ak__api_session_delete, ak__api_prune,
    ak__api_stream;

#endif
