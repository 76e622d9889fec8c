/* The OpenAPI document: paths from the table of routes, schemas from api_schemas.json, which is
 * carried inside the program. */
#define _GNU_SOURCE
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"

static json_t *schema_ref(const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

static json_t *schema_of(const AkApiParam *p)
{
    static const char *const types[] = {[AK_API_TEXT] = "string",
                                        [AK_API_NUMBER] = "integer",
                                        [AK_API_SWITCH] = "boolean",
                                        [AK_API_OBJECT] = "object"};
    json_t *schema = json_pack("{s:s}", "description", p->meaning);

    if (p->type == AK_API_ANY)
        return json_object_set_new(schema, "type",
                                   json_pack("[s, s, s, s, s]", "string", "number", "boolean",
                                             "array", "object")),
               schema;
    json_object_set_new(schema, "type", json_string(types[p->type]));
    if (p->type == AK_API_NUMBER) {
        json_object_set_new(schema, "minimum", json_integer(p->min));
        json_object_set_new(schema, "maximum", json_integer(p->max));
    }
    if (p->type != AK_API_TEXT)
        return schema;
    json_object_set_new(schema, "maxLength", json_integer(p->max ? p->max : AK_API_TEXT_MAX));
    if (p->pattern && strchr(p->pattern, '|'))
        json_object_set_new(schema, "pattern",
                            json_sprintf("^(%s)(,(%s))*$", p->pattern, p->pattern));
    else if (p->pattern)
        json_object_set_new(schema, "pattern", json_sprintf("^%s_[a-z0-9]{26}$", p->pattern));
    return schema;
}

static json_t *path_parameter(const char *name, size_t len)
{
    json_t *schema =
        json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength", 250);

    if (len == 4 && !strncmp(name, "name", len)) /* of a variable */
        json_object_set_new(schema, "pattern", json_string("^[A-Za-z_][A-Za-z_0-9]*$"));
    return json_pack("{s:s%, s:s, s:b, s:o}", "name", name, len, "in", "path", "required", 1,
                     "schema", schema);
}

static json_t *parameters_of(const AkApiRoute *route)
{
    json_t *all = json_array();

    for (const char *p = strchr(route->path, '{'); p; p = strchr(p + 1, '{'))
        json_array_append_new(all, path_parameter(p + 1, strcspn(p + 1, "}")));
    for (const AkApiParam *p = route->query; p && p->name; p++)
        json_array_append_new(all, json_pack("{s:s, s:s, s:b, s:o}", "name", p->name, "in",
                                             "query", "required", 0, "schema", schema_of(p)));
    if (route->type)
        json_array_append_new(all, json_pack("{s:s, s:s, s:{s:s, s:i}}", "name",
                                             "Last-Event-ID", "in", "header", "schema", "type",
                                             "string", "maxLength", 60));
    return all;
}

static json_t *body_of(const AkApiRoute *route)
{
    json_t *members = json_object(), *required = json_array();

    for (const AkApiParam *p = route->body; p->name; p++) {
        json_object_set_new(members, p->name, schema_of(p));
        if (p->required)
            json_array_append_new(required, json_string(p->name));
    }
    bool needed = json_array_size(required) > 0;
    json_t *schema = json_pack("{s:s, s:o, s:b, s:o}", "type", "object", "properties", members,
                               "additionalProperties", 0, "required", required);
    return json_pack("{s:b, s:{s:{s:o}}}", "required", needed, "content", "application/json",
                     "schema", schema);
}

static const char *meaning_of(unsigned status)
{
    switch (status) {
    case 400: return "what was given is wrong";
    case 401: return "the token is missing or wrong";
    case 403: return "from another site, or not by localhost though there is no token";
    case 404: return "nothing by that name";
    case 409: return "refused by the state things are in";
    case 413: return "the body is above 512 KiB";
    case 415: return "the body is not application/json";
    case 503:
        return "the state cannot be read or written now, or too many streams; nothing was "
               "changed";
    default: return "done";
    }
}

static void add_answer(json_t *all, unsigned status, const char *type, json_t *schema)
{
    char number[12];

    snprintf(number, sizeof number, "%u", status);
    json_object_set_new(all, number,
                        json_pack("{s:s, s:{s:{s:o}}}", "description", meaning_of(status),
                                  "content", type, "schema", schema));
}

static json_t *answers_of(const AkApiRoute *route)
{
    json_t *all = json_object();
    const char *errors = route->errors;
    char *end;

    add_answer(all, route->status, route->type ? route->type : "application/json",
               route->type ? json_pack("{s:s}", "type", "string") : schema_ref(route->answer));
    for (unsigned long status = strtoul(errors, &end, 10); status;
         errors = end, status = strtoul(errors, &end, 10))
        add_answer(all, (unsigned)status, "application/json", schema_ref("Error"));
    static const unsigned always[] = {400, 401, 403, 503};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        add_answer(all, always[i], "application/json", schema_ref("Error"));
    if (route->body) {
        add_answer(all, 413, "application/json", schema_ref("Error"));
        add_answer(all, 415, "application/json", schema_ref("Error"));
    }
    return all;
}

static void add_route(json_t *paths, const AkApiRoute *route)
{
    char path[200], method[12];
    size_t i = 0;

    snprintf(path, sizeof path, AK_API "%s", route->path);
    for (; route->method[i]; i++)
        method[i] = (char)(route->method[i] | 0x20);
    method[i] = '\0';
    if (!json_object_get(paths, path))
        json_object_set_new(paths, path, json_object());
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:o}", "operationId", route->name, "summary", route->summary,
                  "parameters", parameters_of(route), "responses", answers_of(route));
    if (route->body)
        json_object_set_new(o, "requestBody", body_of(route));
    json_object_set_new(json_object_get(paths, path), method, o);
}

static json_t *schemas(void)
{
    for (const AkEmbedded *f = ak_page_files; f->path; f++)
        if (!strcmp(f->path, "api_schemas.json"))
            return json_loadb((const char *)f->bytes, f->size, 0, NULL);
    return json_object();
}

json_t *ak__api_openapi(AkServe *s)
{
    json_t *paths = json_object();

    for (const AkApiRoute *r = ak_api_routes; r->method; r++)
        add_route(paths, r);
    json_t *components =
        json_pack("{s:o, s:{s:{s:s, s:s}}}", "schemas", schemas(), "securitySchemes", "token",
                  "type", "http", "scheme", "bearer");
    json_t *document = json_pack(
        "{s:s, s:{s:s, s:s, s:s}, s:o, s:o}", "openapi", "3.1.0", "info", "title", "ak",
        "version", AK_VERSION, "description",
        "Durable Python programs: projects, deployments, sessions, events. Times are seconds "
        "since the epoch.",
        "paths", paths, "components", components);
    json_object_set_new(document, "security",
                        *s->options->token ? json_pack("[{s:[]}]", "token") : json_array());
    return document;
}
