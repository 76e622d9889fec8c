/* All routes of the API, with what each takes and gives: the router reads it, and so does the
 * OpenAPI document. */
#include "api.h"

#include "store.h"

#define LIMIT                                                                                  \
    {                                                                                          \
        "limit", AK_API_NUMBER, "so many at most, from 1 to 1000 (100)", NULL, 1, 1000, false  \
    }
#define PROJECT                                                                                \
    {                                                                                          \
        "project", AK_API_TEXT, "id or name of a project", NULL, 0, 0, false                   \
    }

static const AkApiParam of_project[] = {PROJECT, {0}};
static const AkApiParam sessions_query[] = {
    PROJECT,
    {"deployment", AK_API_TEXT, "id of a deployment", "dep", 0, 0, false},
    {"parent", AK_API_TEXT, "id of the session that started them", "ses", 0, 0, false},
    {"event", AK_API_TEXT, "id of the event that they began with", "evt", 0, 0, false},
    {"state", AK_API_TEXT, "created, running, completed, error, stopped, or several by commas",
     "created|running|completed|error|stopped", 0, 0, false},
    {"text", AK_API_TEXT, "a part of the id, the entry point, the error or the result", NULL, 0,
     0, false},
    LIMIT,
    {"cursor", AK_API_TEXT, "`next` of the answer before", "ses", 0, 0, false},
    {0}};
static const AkApiParam events_query[] = {
    PROJECT,
    LIMIT,
    {"cursor", AK_API_TEXT, "`next` of the answer before", "evt", 0, 0, false},
    {0}};
static const AkApiParam steps_query[] = {{"from", AK_API_NUMBER,
                                          "number of the first one, from 0 (0)", NULL, 0,
                                          1000000000000, false},
                                         LIMIT,
                                         {0}};
static const AkApiParam source_query[] = {
    {"file", AK_API_TEXT, "its path below the project", NULL, 0, 0, false}, {0}};
static const AkApiParam delete_query[] = {
    {"force", AK_API_SWITCH, "true: also one that has not ended", NULL, 0, 0, false}, {0}};
static const AkApiParam stream_query[] = {
    {"session", AK_API_TEXT, "id of a session: of this one alone", "ses", 0, 0, false}, {0}};

static const AkApiParam deploy_body[] = {
    {"files", AK_API_OBJECT, "texts by their paths: autokitteh.yaml and the code", NULL, 0, 0,
     true},
    {"check", AK_API_SWITCH, "true: go through the gate and change nothing", NULL, 0, 0, false},
    {"migrate", AK_API_SWITCH, "true: live sessions go on with the new code", NULL, 0, 0,
     false},
    {"allow", AK_API_OBJECT, "reasons by the rules whose findings may pass", NULL, 0, 0, false},
    {"dialect", AK_API_TEXT, "ak, or autokitteh", "ak|autokitteh", 0, 0, false},
    {"fail_on", AK_API_TEXT, "refuse at error, warning or note", "error|warning|note", 0, 0,
     false},
    {0}};
static const AkApiParam fire_body[] = {
    {"event_type", AK_API_TEXT, "the event's type (manual; tick for a schedule)", NULL, 0, 0,
     false},
    {"data", AK_API_OBJECT, "the event's data, an object", NULL, 0, 0, false},
    {0}};
static const AkApiParam var_body[] = {
    {"value", AK_API_TEXT, "a text of 64 KiB at most", NULL, 0, 65536, true},
    {"secret", AK_API_SWITCH, "true or false; never shown again when true", NULL, 0, 0, false},
    {0}};
static const AkApiParam key_body[] = {
    {"value", AK_API_ANY, "anything but null, of 64 KiB at most", NULL, 0, 0, true}, {0}};
static const AkApiParam stop_body[] = {
    {"reason", AK_API_TEXT, "a text that is kept in the session's record", NULL, 0, 0, false},
    {0}};
static const AkApiParam fork_body[] = {{"from", AK_API_NUMBER,
                                        "number of the first record to do anew, from 1", NULL,
                                        1, 1000000000000, true},
                                       {0}};
static const AkApiParam prune_body[] = {{"older_than", AK_API_NUMBER,
                                         "seconds since they ended, from 0", NULL, 0,
                                         1000000000000, true},
                                        {0}};

#define GET(path, name, summary, fn, answer, errors, query)                                    \
    {                                                                                          \
        "GET", path, name, summary, fn, 200, answer, NULL, errors, query, NULL                 \
    }
#define CHANGE(method, path, name, summary, fn, status, answer, errors, query, body)           \
    {                                                                                          \
        method, path, name, summary, fn, status, answer, NULL, errors, query, body             \
    }

const AkApiRoute ak_api_routes[] = {
    GET("/status", "getStatus", "the server: its version, address, sessions by state",
        ak__api_status, "Status", "404", of_project),
    GET("/openapi.json", "getDocument", "this document", ak__api_document, "Document", "",
        NULL),
    {"GET", "/stream", "stream",
     "what changes, as server-sent events; `Last-Event-ID` goes on where one left off",
     ak__api_stream, 200, NULL, "text/event-stream", "", stream_query, NULL},

    GET("/projects", "listProjects", "projects by name", ak__api_projects, "Projects", "",
        NULL),
    GET("/projects/{project}", "getProject", "one project, by id or name", ak__api_project_get,
        "Project", "404", NULL),
    GET("/projects/{project}/vars", "listVars", "variables; secrets are masked", ak__api_vars,
        "Vars", "404", NULL),
    CHANGE("PUT", "/projects/{project}/vars/{name}", "setVar", "set a variable",
           ak__api_var_set, 200, "Named", "404", NULL, var_body),
    CHANGE("DELETE", "/projects/{project}/vars/{name}", "deleteVar", "delete a variable",
           ak__api_var_delete, 200, "Named", "404", NULL, NULL),
    GET("/projects/{project}/store", "listKeys", "keys and values", ak__api_keys, "Keys", "404",
        NULL),
    GET("/projects/{project}/store/{key}", "getKey", "one key's value", ak__api_key_get, "Key",
        "404", NULL),
    CHANGE("PUT", "/projects/{project}/store/{key}", "setKey", "set a key", ak__api_key_set,
           200, "Keyed", "404 409", NULL, key_body),
    CHANGE("DELETE", "/projects/{project}/store/{key}", "deleteKey", "delete a key",
           ak__api_key_delete, 200, "Keyed", "404", NULL, NULL),

    GET("/deployments", "listDeployments", "deployments, the newest first", ak__api_deployments,
        "Deployments", "404", of_project),
    CHANGE("POST", "/deployments", "deploy",
           "the gate, then the deployment; the server has to have a token", ak__api_deploy, 200,
           "Deploy", "409", NULL, deploy_body),
    GET("/deployments/{deployment}", "getDeployment",
        "one deployment: its manifest, what the gate found, pictures of its workflows",
        ak__api_deployment_get, "DeploymentWhole", "404", NULL),
    GET("/deployments/{deployment}/source", "getSource",
        "its files' names; with `file` the text of one", ak__api_source, "Source", "404",
        source_query),
    CHANGE("POST", "/deployments/{deployment}/activate", "activate",
           "put it to work; the one before drains", ak__api_activate, 200, "Deployed",
           "404 409", NULL, NULL),
    CHANGE("POST", "/deployments/{deployment}/deactivate", "deactivate",
           "take no more events; sessions go on", ak__api_deactivate, 200, "Deployed", "404",
           NULL, NULL),
    CHANGE("DELETE", "/deployments/{deployment}", "deleteDeployment",
           "delete an inactive one without sessions", ak__api_deployment_delete, 200,
           "Deployed", "404 409", NULL, NULL),

    GET("/triggers", "listTriggers",
        "webhooks with their paths, schedules with their next time", ak__api_triggers,
        "Triggers", "404", of_project),
    CHANGE("POST", "/triggers/{trigger}/fire", "fire",
           "make an event by hand; the trigger by id, or by a name that is there once",
           ak__api_fire, 202, "Dispatched", "404 409", NULL, fire_body),

    GET("/events", "listEvents", "events, the newest first", ak__api_events, "Events", "404",
        events_query),
    GET("/events/{event}", "getEvent", "one event", ak__api_event_get, "EventWhole", "404",
        NULL),
    CHANGE("POST", "/events/{event}/redispatch", "redispatch", "the same event once more",
           ak__api_redispatch, 202, "Dispatched", "404", NULL, NULL),

    GET("/sessions", "listSessions", "sessions, the newest first", ak__api_sessions, "Sessions",
        "404", sessions_query),
    GET("/sessions/{session}", "getSession", "one session", ak__api_session_get, "Session",
        "404", NULL),
    GET("/sessions/{session}/steps", "listSteps", "its records: steps, waits, prints, the end",
        ak__api_steps, "Steps", "404", steps_query),
    CHANGE("POST", "/sessions/{session}/stop", "stopSession", "end one that runs or waits",
           ak__api_stop, 200, "Sessioned", "404 409", NULL, stop_body),
    CHANGE("POST", "/sessions/{session}/restart", "restartSession",
           "start anew with the same event", ak__api_restart, 201, "Sessioned", "404 409", NULL,
           NULL),
    CHANGE("POST", "/sessions/{session}/fork", "forkSession",
           "start a copy that keeps the records before a number", ak__api_fork, 201,
           "Sessioned", "404 409", NULL, fork_body),
    CHANGE("POST", "/sessions/{session}/replay", "replaySession",
           "run it again from its record: nothing is executed, nothing is written",
           ak__api_replay, 200, "Replay", "404 409", NULL, NULL),
    CHANGE("DELETE", "/sessions/{session}", "deleteSession", "delete it with its records",
           ak__api_session_delete, 200, "Sessioned", "404 409", delete_query, NULL),
    CHANGE("POST", "/prune", "pruneSessions", "delete the sessions that ended long ago",
           ak__api_prune, 200, "Pruned", "", NULL, prune_body),
    {0}};
