/* The page: files of runtime/page, carried inside the program. They hold no data, so they need
 * no token; what they show comes by the API. */
#define _GNU_SOURCE
#include "api.h"

#include <stdio.h>
#include <string.h>

#include "embedded.h"

static const char *type_of(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"}};
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (!strcmp(dot, types[i].end))
            return types[i].type;
    return NULL;
}

static const AkEmbedded *file_of(const char *path)
{
    char name[100];

    snprintf(name, sizeof name, "page/%.80s", !strcmp(path, "/") ? "index.html" : path + 1);
    for (const AkEmbedded *f = ak_page_files; f->path; f++)
        if (!strcmp(f->path, name) && type_of(f->path))
            return f;
    return NULL;
}

bool ak__page(AkServe *s, AkHttpRequest *request)
{
    const AkEmbedded *file = file_of(ak_http_path(request));

    (void)s;
    if (!file)
        return false;
    json_t *headers = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s}", "Content-Type", type_of(file->path), "Cache-Control",
        "no-cache", "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
        "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy", "no-referrer", "Cross-Origin-Opener-Policy", "same-origin",
        "Cross-Origin-Resource-Policy", "same-origin");
    ak_http_answer(request, 200, headers, file->bytes, file->size);
    json_decref(headers);
    return true;
}
