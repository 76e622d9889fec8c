/* commands.c: the list of what a step asks for, and the bytes it owns. */
#include "run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 8192

typedef struct Piece {
    struct Piece *next;
    size_t used, room;
    char bytes[];
} Piece;

struct AkCommands {
    AkCommand *items;
    size_t len, room;
    Piece *pieces;
    bool failed;
};

AkCommands *ak_commands_new(void)
{
    return calloc(1, sizeof(AkCommands));
}

static void free_pieces(Piece *piece)
{
    while (piece) {
        Piece *next = piece->next;
        free(piece);
        piece = next;
    }
}

void ak_commands_free(AkCommands *commands)
{
    if (!commands)
        return;
    free_pieces(commands->pieces);
    free(commands->items);
    free(commands);
}

/* One piece of the usual size is kept for the next round. */
void ak_commands_clear(AkCommands *commands)
{
    Piece *first = commands->pieces;
    commands->len = 0;
    commands->failed = false;
    if (first && first->room == PIECE) {
        free_pieces(first->next);
        first->next = NULL;
        first->used = 0;
    } else {
        free_pieces(first);
        commands->pieces = NULL;
    }
}

size_t ak_commands_count(const AkCommands *commands)
{
    return commands->len;
}

const AkCommand *ak_commands_at(const AkCommands *commands, size_t i)
{
    assert(i < commands->len);
    return &commands->items[i];
}

bool ak__commands_failed(const AkCommands *commands)
{
    return commands->failed;
}

AkBytes ak__own(AkCommands *out, AkBytes bytes)
{
    Piece *piece = out->pieces;
    if (!bytes.at)
        return bytes;
    if (!piece || piece->room - piece->used < bytes.len + 1) {
        size_t room = bytes.len + 1 > PIECE ? bytes.len + 1 : PIECE;
        piece = malloc(sizeof *piece + room);
        if (!piece) {
            out->failed = true;
            return (AkBytes){NULL, 0};
        }
        piece->room = room;
        piece->used = 0;
        piece->next = out->pieces;
        out->pieces = piece;
    }
    char *at = piece->bytes + piece->used;
    if (bytes.len)
        memcpy(at, bytes.at, bytes.len);
    at[bytes.len] = '\0';
    piece->used += bytes.len + 1;
    return (AkBytes){at, bytes.len};
}

/* Never NULL: when memory runs out it is a place nobody looks at, as the step then fails. */
AkCommand *ak__command(AkRun *run, AkCommands *out, AkCommandKind kind)
{
    if (!ak__run_grow(run, (void **)&out->items, &out->room, out->len, sizeof *out->items)) {
        out->failed = true;
        if (!out->room)
            return NULL;
        out->len = out->room - 1;
    }
    AkCommand *command = &out->items[out->len++];
    *command = (AkCommand){.kind = kind};
    return command;
}

bool ak_command_is_inside(AkCommandKind kind)
{
    return kind <= AK_CMD_JOURNAL;
}

const char *ak_command_name(AkCommandKind kind)
{
    static const char *const names[] = {
        "request", "send",    "take",  "wait", "finish", "load",  "journal", "spawn", "run",
        "history", "execute", "reply", "show", "note",   "alarm", "stack",   "kill"};
    return kind < AK_CMD_KINDS ? names[kind] : "";
}

const char *ak_event_name(AkEventKind kind)
{
    static const char *const names[] = {
        "create", "record",   "loaded", "mail", "module", "call", "result", "request", "print",
        "done",   "replayed", "answer", "time", "stack",  "lost", "broken", "stop"};
    return kind < AK_EV_KINDS ? names[kind] : "";
}
