#include "txtar.h"

#include <stdlib.h>
#include <string.h>

static AkBytes next_line(AkBytes text, size_t at)
{
    const char *end = memchr(text.at + at, '\n', text.len - at);

    return (AkBytes){text.at + at, end ? (size_t)(end - text.at) - at + 1 : text.len - at};
}

static AkBytes trimmed(AkBytes text)
{
    while (text.len && (*text.at == ' ' || *text.at == '\t')) {
        text.at++;
        text.len--;
    }
    while (text.len && strchr(" \t\r\n", text.at[text.len - 1]))
        text.len--;
    return text;
}

/* The name in `-- NAME --`; no name: the line is none. */
static AkBytes marker(AkBytes line)
{
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    if (line.len < 7 || memcmp(line.at, "-- ", 3) || memcmp(line.at + line.len - 3, " --", 3))
        return (AkBytes){0};
    AkBytes name = trimmed((AkBytes){line.at + 3, line.len - 6});
    /* A zero would cut the name short for whoever makes a path of it. */
    return name.len && !memchr(name.at, '\0', name.len) ? name : (AkBytes){0};
}

int ak_txtar_add(AkTxtar *archive, AkBytes name, AkBytes text)
{
    AkTxtarFile *files = realloc(archive->files, (archive->len + 1) * sizeof *files);

    if (!files)
        return AK_E_NOMEM;
    archive->files = files;
    files[archive->len++] = (AkTxtarFile){name, text};
    return 0;
}

int ak_txtar_read(AkBytes text, AkTxtar *archive)
{
    *archive = (AkTxtar){.comment = {text.at, 0}};
    for (size_t at = 0; at < text.len;) {
        AkBytes line = next_line(text, at), name = marker(line);
        at += line.len;
        if (name.len) {
            if (ak_txtar_add(archive, name, (AkBytes){text.at + at, 0}) < 0)
                return AK_E_NOMEM;
        } else if (archive->len) {
            archive->files[archive->len - 1].text.len += line.len;
        } else {
            archive->comment.len += line.len;
        }
    }
    return 0;
}

void ak_txtar_free(AkTxtar *archive)
{
    free(archive->files);
    *archive = (AkTxtar){0};
}

AkTxtarFile *ak_txtar_find(const AkTxtar *archive, const char *name)
{
    for (size_t i = 0; i < archive->len; i++)
        if (ak_bytes_is(archive->files[i].name, name))
            return &archive->files[i];
    return NULL;
}

void ak_txtar_remove(AkTxtar *archive, const char *name)
{
    AkTxtarFile *file = ak_txtar_find(archive, name);

    if (!file)
        return;
    size_t behind = archive->len - (size_t)(file - archive->files) - 1;
    memmove(file, file + 1, behind * sizeof *file);
    archive->len--;
}

static void add_lines(AkText *out, AkBytes text)
{
    ak_text_bytes(out, text);
    if (text.len && text.at[text.len - 1] != '\n')
        ak_text_str(out, "\n");
}

void ak_txtar_write(const AkTxtar *archive, AkText *out)
{
    add_lines(out, archive->comment);
    for (size_t i = 0; i < archive->len; i++) {
        ak_text_str(out, "-- ");
        ak_text_bytes(out, archive->files[i].name);
        ak_text_str(out, " --\n");
        add_lines(out, archive->files[i].text);
    }
}

bool ak_txtar_has_marker(AkBytes text)
{
    for (size_t at = 0; at < text.len;) {
        AkBytes line = next_line(text, at);
        if (marker(line).len)
            return true;
        at += line.len;
    }
    return false;
}
