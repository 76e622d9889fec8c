/* frame.h: the lines of a file around a place, with carets under it. */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include "mem.h"

#include <aklint.h>

typedef struct CliFrame {
    const char *text;
    size_t len;
    const AkPlace *place;
    const char *caret_color, *dim, *reset; /* "" without colour */
} CliFrame;

/* Adds the line before the place, its first line, and the carets. Nothing for an empty text or
 * a place that lies behind its end (the file changed meanwhile). */
void cli_frame(CliBuf *out, const CliFrame *frame);

#endif
