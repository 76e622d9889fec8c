#include "commands.h"

static const AkCmd *const children[] = {NULL};
const AkCmd ak_cmd_session = {.name = "session", .summary = "sessions: look, stop, fork, delete", .children = children};
