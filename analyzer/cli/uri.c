/* Escapes. */
#include "uri.h"
#include "utf8.h"

#include <string.h>

void cli_uri(CliBuf *out, const char *path)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

    for (; *path; path++) {
        if (strchr(plain, *path))
            cli_buf_putc(out, *path);
        else
            cli_buf_printf(out, "%%%02X", (unsigned char)*path);
    }
}

void cli_xml(CliBuf *out, const char *text)
{
    CliBuf clean = {0};

    /* XML 1.0 has no way to write most control characters. */
    cli_utf8_show(&clean, text);
    for (size_t i = 0; i < clean.len; i++) {
        switch (clean.data[i]) {
        case '<': cli_buf_puts(out, "&lt;"); break;
        case '>': cli_buf_puts(out, "&gt;"); break;
        case '&': cli_buf_puts(out, "&amp;"); break;
        case '"': cli_buf_puts(out, "&quot;"); break;
        default: cli_buf_putc(out, clean.data[i]); break;
        }
    }
    cli_buf_free(&clean);
}
