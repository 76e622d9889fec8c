/* aklint lsp: a language server on standard input and output.
 *
 * One thread reads messages (lsp_queue.c), this one answers them in their order. After a change
 * the project is checked anew as soon as no message waits; a further change ends such a check.
 * Editors that pull get diagnostics when they ask, the others get them pushed.
 */
#define _GNU_SOURCE
#include "commands.h"
#include "json.h"
#include "lsp_answer.h"
#include "lsp_check.h"
#include "lsp_map.h"
#include "lsp_queue.h"

#include <aklint.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct Server {
    LspWorld world;
    LspCheck *check;
    json_t *sent; /* path → diagnostics as they were told last; pulled: with their resultId */
    json_int_t results, requests;
    bool initialized, shut_down, gone, dirty;
    bool pulls, refreshes, refreshes_lenses, watches, failing;
    size_t functions; /* that ran in a context at the last check */
    int pause_ms;     /* no check before the editor was silent that long */
} Server;

typedef json_t *(*Handler)(Server *server, const json_t *params, int *wrong, const char **why);

/* ---- sending ---- */

static void send_json(Server *server, json_t *message)
{
    char *text;

    cli_json_set(message, "jsonrpc", json_string("2.0"));
    text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (!text)
        return;
    if (printf("Content-Length: %zu\r\n\r\n%s", strlen(text), text) < 0 || fflush(stdout) != 0)
        server->gone = true;
    free(text);
}

static void send_method(Server *server, const char *method, json_t *params)
{
    send_json(server, json_pack("{s:s, s:o}", "method", method, "params", params));
}

static void ask(Server *server, const char *method, json_t *params)
{
    json_t *message = json_pack("{s:I, s:s}", "id", ++server->requests, "method", method);

    if (params)
        cli_json_set(message, "params", params);
    send_json(server, message);
}

static void send_error(Server *server, const json_t *id, int code, const char *why)
{
    json_t *message = json_pack("{s:{s:i, s:s}}", "error", "code", code, "message", why);

    cli_json_set(message, "id", id ? json_deep_copy(id) : json_null());
    send_json(server, message);
}

static void send_result(Server *server, const json_t *id, json_t *result)
{
    json_t *message = json_object();

    cli_json_set(message, "id", json_deep_copy(id));
    cli_json_set(message, "result", result);
    send_json(server, message);
}

/* ---- documents ---- */

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static char *copy_of(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(cli_malloc(size), text, size);
}

static LspDocument *document_of(const Server *server, const json_t *params)
{
    const char *uri = text_at(json_object_get(params, "textDocument"), "uri");

    for (size_t i = 0; i < server->world.document_count && uri; i++)
        if (!strcmp(server->world.documents[i]->uri, uri))
            return server->world.documents[i];
    return NULL;
}

static json_t *records_of(const Server *server, const LspDocument *document)
{
    return document && document->path
               ? json_object_get(lsp_check_records(server->check), document->path)
               : NULL;
}

static json_t *diagnostics_of(const json_t *records)
{
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(records); i++)
        json_array_append(list, json_object_get(json_array_get(records, i), "diagnostic"));
    return list;
}

static void close_document(Server *server, LspDocument *document)
{
    LspWorld *world = &server->world;

    for (size_t i = 0; i < world->document_count; i++)
        if (world->documents[i] == document)
            world->documents[i--] = world->documents[--world->document_count];
    free(document->path);
    free(document->uri);
    lsp_text_free(&document->text);
    free(document);
    lsp_check_forget(server->check);
    server->dirty = true;
}

static json_t *did_open(Server *server, const json_t *params, int *wrong, const char **why)
{
    const json_t *item = json_object_get(params, "textDocument"),
                 *text = json_object_get(item, "text");
    LspDocument *document = document_of(server, params);
    const char *uri = text_at(item, "uri");
    LspWorld *world = &server->world;

    if (!uri || !json_is_string(text)) {
        *wrong = LSP_INVALID_PARAMS;
        *why = "didOpen without uri or text";
        return NULL;
    }
    if (document)
        close_document(server, document);
    document = cli_malloc(sizeof *document);
    *document = (LspDocument){.path = lsp_path(uri), .uri = copy_of(uri), .is_new = true};
    document->version = json_integer_value(json_object_get(item, "version"));
    lsp_text_set(&document->text, json_string_value(text), json_string_length(text));
    world->documents =
        cli_realloc(world->documents, (world->document_count + 1) * sizeof *world->documents);
    world->documents[world->document_count++] = document;
    /* It may be a file that no folder holds. */
    lsp_check_forget(server->check);
    server->dirty = true;
    return NULL;
}

static bool change(Server *server, LspDocument *document, const json_t *change)
{
    const json_t *text = json_object_get(change, "text"),
                 *range = json_object_get(change, "range");
    LspPlace from, to;

    if (!json_is_string(text))
        return false;
    if (!range) {
        lsp_text_set(&document->text, json_string_value(text), json_string_length(text));
        return true;
    }
    return lsp_place_read(json_object_get(range, "start"), &from) &&
           lsp_place_read(json_object_get(range, "end"), &to) &&
           lsp_text_change(&document->text, server->world.units, from, to,
                           json_string_value(text), json_string_length(text));
}

static json_t *did_change(Server *server, const json_t *params, int *wrong, const char **why)
{
    const json_t *changes = json_object_get(params, "contentChanges");
    LspDocument *document = document_of(server, params);
    bool good = document && json_is_array(changes);

    for (size_t i = 0; i < json_array_size(changes) && good; i++)
        good = change(server, document, json_array_get(changes, i));
    if (document) {
        document->version = json_integer_value(
            json_object_get(json_object_get(params, "textDocument"), "version"));
        document->is_new = true;
        server->dirty = true;
    }
    if (!good) {
        *wrong = LSP_INVALID_PARAMS;
        *why = "didChange of a document that is not open, or without text and range";
    }
    return NULL;
}

static json_t *did_close(Server *server, const json_t *params, int *wrong, const char **why)
{
    LspDocument *document = document_of(server, params);

    (void)wrong;
    (void)why;
    if (document)
        close_document(server, document);
    return NULL;
}

static bool is_setting(const char *uri)
{
    static const char *const names[] = {"/pyproject.toml", "/aklint.toml", "/.gitignore",
                                        "/autokitteh.yaml"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(uri), m = strlen(names[i]);
        if (n >= m && !strcmp(uri + n - m, names[i]))
            return true;
    }
    return false;
}

static json_t *did_save(Server *server, const json_t *params, int *wrong, const char **why)
{
    const char *uri = text_at(json_object_get(params, "textDocument"), "uri");

    (void)wrong;
    (void)why;
    if (uri && is_setting(uri)) {
        lsp_check_forget(server->check);
        lsp_check_changed(server->check, NULL);
    }
    server->dirty = true;
    return NULL;
}

/* An open text goes over its file. */
static void changed_on_disk(Server *server, const char *uri)
{
    char *path = lsp_path(uri);
    bool open = false;

    for (size_t i = 0; i < server->world.document_count && path; i++)
        open |=
            server->world.documents[i]->path && !strcmp(server->world.documents[i]->path, path);
    if (!uri || is_setting(uri))
        lsp_check_changed(server->check, NULL);
    else if (path && !open)
        lsp_check_changed(server->check, path);
    free(path);
}

static json_t *did_change_files(Server *server, const json_t *params, int *wrong,
                                const char **why)
{
    enum { CHANGED = 2 };
    const json_t *changes = json_object_get(params, "changes");

    (void)wrong;
    (void)why;
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *one = json_array_get(changes, i);
        const char *uri = text_at(one, "uri");
        if (json_integer_value(json_object_get(one, "type")) != CHANGED ||
            (uri && is_setting(uri)))
            lsp_check_forget(server->check);
        changed_on_disk(server, uri);
    }
    server->dirty = true;
    return NULL;
}

/* ---- folders ---- */

static void add_folder(Server *server, const char *uri)
{
    LspWorld *world = &server->world;
    char *path = lsp_path(uri);

    if (!path)
        return;
    world->folders =
        cli_realloc(world->folders, (world->folder_count + 1) * sizeof *world->folders);
    world->folders[world->folder_count++] = path;
}

static void remove_folder(Server *server, const char *uri)
{
    LspWorld *world = &server->world;
    char *path = lsp_path(uri);

    for (size_t i = 0; i < world->folder_count && path; i++)
        if (!strcmp(world->folders[i], path)) {
            free(world->folders[i]);
            world->folders[i--] = world->folders[--world->folder_count];
        }
    free(path);
}

static json_t *did_change_folders(Server *server, const json_t *params, int *wrong,
                                  const char **why)
{
    const json_t *event = json_object_get(params, "event");
    const json_t *removed = json_object_get(event, "removed"),
                 *added = json_object_get(event, "added");

    (void)wrong;
    (void)why;
    for (size_t i = 0; i < json_array_size(removed); i++)
        remove_folder(server, text_at(json_array_get(removed, i), "uri"));
    for (size_t i = 0; i < json_array_size(added); i++)
        add_folder(server, text_at(json_array_get(added, i), "uri"));
    lsp_check_forget(server->check);
    lsp_check_changed(server->check, NULL);
    server->dirty = true;
    return NULL;
}

/* ---- checks ---- */

static int now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)(now.tv_sec % 1000000) * 1000 + (int)(now.tv_nsec / 1000000);
}

static void publish(Server *server, const char *path, const json_t *records)
{
    json_t *diagnostics = diagnostics_of(records), *params;
    json_t *before = json_object_get(server->sent, path);
    char *uri = lsp_uri(&server->world, path);

    if (json_equal(before, diagnostics) || (!before && !json_array_size(diagnostics))) {
        json_decref(diagnostics);
        free(uri);
        return;
    }
    json_object_set_nocheck(server->sent, path, diagnostics);
    params = json_pack("{s:o, s:o}", "uri", cli_json_text(uri), "diagnostics", diagnostics);
    for (size_t i = 0; i < server->world.document_count; i++)
        if (!strcmp(server->world.documents[i]->uri, uri))
            cli_json_set(params, "version", json_integer(server->world.documents[i]->version));
    free(uri);
    send_method(server, "textDocument/publishDiagnostics", params);
}

static void publish_all(Server *server)
{
    json_t *records = lsp_check_records(server->check), *value, *told = json_copy(server->sent);
    const char *path;

    json_object_foreach(records, path, value) publish(server, path, value);
    json_object_foreach(told, path, value) if (!json_object_get(records, path))
        publish(server, path, NULL);
    json_decref(told);
}

/* An editor that pulls asks for the file that it changed; of the others it must be told. */
static void refresh(Server *server, const json_t *before)
{
    if (server->refreshes &&
        !json_equal((json_t *)(uintptr_t)before, lsp_check_records(server->check)))
        ask(server, "workspace/diagnostic/refresh", NULL);
}

/* What a change in one file does to the lenses of the others. */
static void refresh_lenses(Server *server)
{
    size_t functions = lsp_functions(server->check);

    if (server->refreshes_lenses && functions != server->functions)
        ask(server, "workspace/codeLens/refresh", NULL);
    server->functions = functions;
}

/* The sentence itself is on standard error, which editors keep as the server's log. */
static void tell_failure(Server *server, bool fails)
{
    if (fails && !server->failing)
        send_method(server, "window/showMessage",
                    json_pack("{s:i, s:s}", "type", 1, "message",
                              "aklint cannot check this project; its log says why"));
    server->failing = fails;
}

/* false: it was stopped, and there is more to read first. */
static bool check_now(Server *server)
{
    int begun = now_ms(), took, status;
    json_t *before;

    if (!server->dirty)
        return true;
    before = json_incref(lsp_check_records(server->check));
    status = lsp_check_run(server->check);
    if (status == 130) {
        json_decref(before);
        return false;
    }
    server->dirty = false;
    tell_failure(server, status != 0);
    took = now_ms() - begun;
    server->pause_ms = took < 100 ? 0 : took < 400 ? took : 400;
    if (server->pulls)
        refresh(server, before);
    else
        publish_all(server);
    refresh_lenses(server);
    json_decref(before);
    return true;
}

/* For a request: its answer needs the texts as they are. */
static bool is_checked(Server *server, int *wrong, const char **why)
{
    if (check_now(server))
        return true;
    *wrong = lsp_queue_is_cancelled() ? LSP_REQUEST_CANCELLED : LSP_CONTENT_MODIFIED;
    *why = lsp_queue_is_cancelled() ? "cancelled" : "the text changed meanwhile";
    return false;
}

static json_t *result_id(Server *server, const char *path, const json_t *diagnostics)
{
    json_t *known = json_object_get(server->sent, path);

    if (!known ||
        !json_equal(json_object_get(known, "items"), (json_t *)(uintptr_t)diagnostics)) {
        known = json_pack("{s:O, s:I}", "items", (json_t *)(uintptr_t)diagnostics, "id",
                          ++server->results);
        json_object_set_new_nocheck(server->sent, path, known);
    }
    return json_sprintf("%lld", (long long)json_integer_value(json_object_get(known, "id")));
}

static json_t *report_of(Server *server, const char *path, const char *previous)
{
    json_t *diagnostics =
        diagnostics_of(json_object_get(lsp_check_records(server->check), path));
    json_t *id = result_id(server, path, diagnostics), *report;

    if (previous && !strcmp(previous, json_string_value(id))) {
        json_decref(diagnostics);
        return json_pack("{s:s, s:o}", "kind", "unchanged", "resultId", id);
    }
    report = json_pack("{s:s, s:o, s:o}", "kind", "full", "resultId", id, "items", diagnostics);
    return report;
}

static json_t *pull(Server *server, const json_t *params, int *wrong, const char **why)
{
    const char *uri = text_at(json_object_get(params, "textDocument"), "uri");
    char *path = lsp_path(uri);
    json_t *report = NULL;

    if (!path) {
        *wrong = LSP_INVALID_PARAMS;
        *why = "the document has no file: URI";
    } else if (is_checked(server, wrong, why)) {
        report = report_of(server, path, text_at(params, "previousResultId"));
    }
    free(path);
    return report;
}

static const char *previous_of(const json_t *params, const char *uri)
{
    const json_t *all = json_object_get(params, "previousResultIds");

    for (size_t i = 0; i < json_array_size(all); i++) {
        const char *of = text_at(json_array_get(all, i), "uri");
        if (of && !strcmp(of, uri))
            return text_at(json_array_get(all, i), "value");
    }
    return NULL;
}

static void add_report(Server *server, const json_t *params, const char *path, json_t *items)
{
    char *uri = lsp_uri(&server->world, path);
    json_t *report = report_of(server, path, previous_of(params, uri)), *version = json_null();

    for (size_t i = 0; i < server->world.document_count; i++)
        if (!strcmp(server->world.documents[i]->uri, uri))
            version = json_integer(server->world.documents[i]->version);
    cli_json_set(report, "uri", cli_json_text(uri));
    cli_json_set(report, "version", version);
    json_array_append_new(items, report);
    free(uri);
}

static json_t *pull_all(Server *server, const json_t *params, int *wrong, const char **why)
{
    json_t *items, *value, *told;
    const char *path;

    if (!is_checked(server, wrong, why))
        return NULL;
    items = json_array();
    told = json_copy(server->sent);
    json_object_foreach(lsp_check_records(server->check), path, value)
        add_report(server, params, path, items);
    json_object_foreach(told, path,
                        value) if (!json_object_get(lsp_check_records(server->check), path))
        add_report(server, params, path, items);
    json_decref(told);
    return json_pack("{s:o}", "items", items);
}

/* ---- questions about a place ---- */

static json_t *hover(Server *server, const json_t *params, int *wrong, const char **why)
{
    const LspDocument *document = document_of(server, params);
    LspPlace place;

    if (!document || !lsp_place_read(json_object_get(params, "position"), &place)) {
        *wrong = LSP_INVALID_PARAMS;
        *why = "hover without an open document or a position";
        return NULL;
    }
    if (!is_checked(server, wrong, why))
        return NULL;
    return lsp_hover(server->check, document, records_of(server, document), place);
}

static json_t *code_actions(Server *server, const json_t *params, int *wrong, const char **why)
{
    const LspDocument *document = document_of(server, params);

    if (!document || !json_is_object(json_object_get(params, "range"))) {
        *wrong = LSP_INVALID_PARAMS;
        *why = "codeAction without an open document or a range";
        return NULL;
    }
    if (!is_checked(server, wrong, why))
        return NULL;
    return lsp_code_actions(document, records_of(server, document), params);
}

static json_t *code_lens(Server *server, const json_t *params, int *wrong, const char **why)
{
    const LspDocument *document = document_of(server, params);

    if (!document) {
        *wrong = LSP_INVALID_PARAMS;
        *why = "codeLens without an open document";
        return NULL;
    }
    if (!is_checked(server, wrong, why))
        return NULL;
    return lsp_code_lens(server->check, document);
}

/* ---- beginning and end ---- */

static bool has(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text && !strcmp(text, word))
            return true;
    }
    return false;
}

static const char *choose_units(Server *server, const json_t *client)
{
    const json_t *offered =
        json_object_get(json_object_get(client, "general"), "positionEncodings");

    server->world.units = has(offered, "utf-8")                               ? LSP_UTF8
                          : has(offered, "utf-32") && !has(offered, "utf-16") ? LSP_UTF32
                                                                              : LSP_UTF16;
    return server->world.units == LSP_UTF8    ? "utf-8"
           : server->world.units == LSP_UTF32 ? "utf-32"
                                              : "utf-16";
}

static void learn_client(Server *server, const json_t *client)
{
    const json_t *document = json_object_get(client, "textDocument"),
                 *work = json_object_get(client, "workspace");
    const json_t *watched = json_object_get(work, "didChangeWatchedFiles");
    const json_t *pushed = json_object_get(document, "publishDiagnostics");
    const json_t *pulled = json_object_get(document, "diagnostic");

    server->pulls = json_is_object(pulled);
    server->refreshes =
        json_is_true(json_object_get(json_object_get(work, "diagnostics"), "refreshSupport"));
    server->refreshes_lenses =
        json_is_true(json_object_get(json_object_get(work, "codeLens"), "refreshSupport"));
    server->watches = json_is_true(json_object_get(watched, "dynamicRegistration"));
    server->world.shows_related = json_is_true(json_object_get(pushed, "relatedInformation")) ||
                                  json_is_true(json_object_get(pulled, "relatedInformation"));
}

static void learn_folders(Server *server, const json_t *params)
{
    const json_t *folders = json_object_get(params, "workspaceFolders");
    const char *root = text_at(params, "rootUri"), *path = text_at(params, "rootPath");
    char *uri;

    for (size_t i = 0; i < json_array_size(folders); i++)
        add_folder(server, text_at(json_array_get(folders, i), "uri"));
    if (!json_array_size(folders) && root)
        add_folder(server, root);
    else if (!json_array_size(folders) && path && *path == '/') {
        uri = lsp_uri(&server->world, path);
        add_folder(server, uri);
        free(uri);
    }
}

static json_t *initialize(Server *server, const json_t *params, int *wrong, const char **why)
{
    const json_t *client = json_object_get(params, "capabilities");
    const char *units;

    if (server->initialized) {
        *wrong = LSP_INVALID_REQUEST;
        *why = "initialize came twice";
        return NULL;
    }
    units = choose_units(server, client);
    learn_client(server, client);
    learn_folders(server, params);
    server->initialized = true;
    server->dirty = true;
    return json_pack(
        "{s:{s:s, s:{s:b, s:i, s:{s:b}}, s:b, s:{s:b}, s:{s:[s, s]}, s:{s:s, s:b, s:b}, "
        "s:{s:{s:b, s:b}}}, s:{s:s, s:s}}",
        "capabilities", "positionEncoding", units, "textDocumentSync", "openClose", 1, "change",
        2, "save", "includeText", 0, "hoverProvider", 1, "codeLensProvider", "resolveProvider",
        0, "codeActionProvider", "codeActionKinds", "quickfix", "source.fixAll.aklint",
        "diagnosticProvider", "identifier", "aklint", "interFileDependencies", 1,
        "workspaceDiagnostics", 1, "workspace", "workspaceFolders", "supported", 1,
        "changeNotifications", 1, "serverInfo", "name", "aklint", "version", ak_version());
}

static json_t *initialized(Server *server, const json_t *params, int *wrong, const char **why)
{
    static const char *const globs[] = {"**/*.py", "**/autokitteh.yaml", "**/pyproject.toml",
                                        "**/aklint.toml", "**/.gitignore"};
    json_t *watchers = json_array();

    (void)params;
    (void)wrong;
    (void)why;
    for (size_t i = 0; i < sizeof globs / sizeof *globs; i++)
        json_array_append_new(watchers, json_pack("{s:s}", "globPattern", globs[i]));
    if (server->watches)
        ask(server, "client/registerCapability",
            json_pack("{s:[{s:s, s:s, s:{s:O}}]}", "registrations", "id", "watch", "method",
                      "workspace/didChangeWatchedFiles", "registerOptions", "watchers",
                      watchers));
    json_decref(watchers);
    return NULL;
}

static json_t *shut_down(Server *server, const json_t *params, int *wrong, const char **why)
{
    (void)params;
    (void)wrong;
    (void)why;
    server->shut_down = true;
    return json_null();
}

/* ---- dispatch ---- */

static const struct {
    const char *method;
    Handler handler;
    bool answers; /* a request; the others are notifications */
} methods[] = {
    {"initialize", initialize, true},
    {"initialized", initialized, false},
    {"shutdown", shut_down, true},
    {"textDocument/didOpen", did_open, false},
    {"textDocument/didChange", did_change, false},
    {"textDocument/didClose", did_close, false},
    {"textDocument/didSave", did_save, false},
    {"textDocument/diagnostic", pull, true},
    {"textDocument/hover", hover, true},
    {"textDocument/codeAction", code_actions, true},
    {"textDocument/codeLens", code_lens, true},
    {"workspace/diagnostic", pull_all, true},
    {"workspace/didChangeWatchedFiles", did_change_files, false},
    {"workspace/didChangeWorkspaceFolders", did_change_folders, false},
};

static Handler handler_of(const char *method)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (!strcmp(methods[i].method, method))
            return methods[i].handler;
    return NULL;
}

/* What keeps a message from being looked at. */
static int refused(const Server *server, const char *method, const char **why)
{
    if (server->shut_down) {
        *why = "the server was shut down";
        return LSP_INVALID_REQUEST;
    }
    if (!server->initialized && strcmp(method, "initialize")) {
        *why = "initialize comes first";
        return LSP_NOT_INITIALIZED;
    }
    *why = "there is no such method";
    return handler_of(method) ? 0 : LSP_METHOD_NOT_FOUND;
}

static void handle(Server *server, const LspMessage *message)
{
    const char *method = text_at(message->value, "method"), *why = message->why;
    const json_t *id = json_object_get(message->value, "id");
    int wrong = message->wrong;
    json_t *result = NULL;

    if (!method && !wrong)
        return; /* an answer to a question of ours */
    if (wrong == LSP_REQUEST_CANCELLED)
        why = "cancelled";
    if (!wrong)
        wrong = refused(server, method, &why);
    if (!wrong) {
        lsp_queue_answering(id);
        result =
            handler_of(method)(server, json_object_get(message->value, "params"), &wrong, &why);
        lsp_queue_answering(NULL);
    }
    if (wrong && (id || !method))
        send_error(server, id, wrong, why);
    else if (!wrong && id)
        send_result(server, id, result ? result : json_null());
    else if (wrong && method && handler_of(method))
        fprintf(stderr, "aklint: %s: %s\n", method, why);
}

static int serve(Server *server)
{
    LspMessage message;
    LspTaken taken;

    while (!server->gone) {
        const char *method;
        bool ends;
        taken = lsp_queue_take(&message,
                               server->dirty && server->initialized ? server->pause_ms : -1);
        if (taken == LSP_ENDED)
            return 1;
        if (taken == LSP_NONE) {
            check_now(server);
            continue;
        }
        method = text_at(message.value, "method");
        ends = method && !strcmp(method, "exit");
        if (!ends)
            handle(server, &message);
        json_decref(message.value);
        if (ends)
            return server->shut_down ? 0 : 1;
    }
    return 1;
}

/* Each check wants the memory of the one before; asking the system for it anew costs a
 * twentieth of the time. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
#endif
}

int cli_lsp(const CliOptions *options)
{
    Server server = {.world = {.config = options->config,
                               .isolated = options->isolated,
                               .stop = lsp_queue_is_stale}};
    int status;

    if (options->words.len) {
        fputs("aklint: lsp takes no paths: the editor names its folders\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    keep_memory();
    json_object_seed(0);
    server.sent = json_object();
    server.check = lsp_check_new(&server.world);
    if (!lsp_queue_start()) {
        fputs("aklint: no thread can be started\n", stderr);
        return 2;
    }
    status = serve(&server);
    while (server.world.document_count)
        close_document(&server, server.world.documents[0]);
    lsp_check_free(server.check);
    for (size_t i = 0; i < server.world.folder_count; i++)
        free(server.world.folders[i]);
    free(server.world.folders);
    free(server.world.documents);
    json_decref(server.sent);
    return status;
}
