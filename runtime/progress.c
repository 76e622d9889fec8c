#define _GNU_SOURCE
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"

enum { SECOND_US = 1000000 };

struct AkProgress {
    AkTimer *tick;
    bool terminal, shown;
    AkWait wait;
    char text[200];
    int64_t since_us, due_us;
};

static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

static void draw(void *owner)
{
    AkProgress *p = owner;
    char line[400], since[40], until[40], left[40], length[40];
    int64_t now = ak_loop_now().wall_us;

    if (p->wait == AK_WAIT_NOTHING)
        return;
    ak_report_time(p->since_us, since, sizeof since);
    ak_report_length(now - p->since_us, length, sizeof length);
    int n = snprintf(line, sizeof line, "waits for %s · since %.8s (%s)", p->text, since + 11,
                     length);
    if (p->due_us && n > 0 && (size_t)n < sizeof line)
        snprintf(line + n, sizeof line - (size_t)n, " · until %.8s (%s left)",
                 ak_report_time(p->due_us, until, sizeof until) + 11,
                 ak_report_length(p->due_us > now ? p->due_us - now : 0, left, sizeof left));
    fprintf(stderr, "\r\033[K\033[2m%.*s\033[0m", columns() - 1, line);
    p->shown = true;
    ak_timer_set(p->tick, SECOND_US);
}

AkProgress *ak_progress_new(AkLoop *loop)
{
    AkProgress *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->tick = ak_timer_new(loop, draw, p);
    p->terminal = isatty(STDERR_FILENO) && getenv("TERM") && strcmp(getenv("TERM"), "dumb");
    return p;
}

void ak_progress_free(AkProgress *p)
{
    if (!p)
        return;
    ak_progress_clear(p);
    ak_timer_free(p->tick);
    free(p);
}

void ak_progress_wait(AkProgress *p, AkWait wait, AkBytes text, int64_t since_us,
                      int64_t due_us)
{
    p->wait = wait;
    if (!p->terminal)
        return;
    if (wait == AK_WAIT_NOTHING) {
        ak_progress_clear(p);
        ak_timer_clear(p->tick);
        return;
    }
    if (text.at)
        snprintf(p->text, sizeof p->text, "%.*s", (int)(text.len < 190 ? text.len : 190),
                 text.at);
    else
        snprintf(p->text, sizeof p->text, "%s", ak_wait_name(wait));
    p->since_us = since_us;
    p->due_us = due_us;
    /* Short waits would only flicker. */
    ak_timer_set(p->tick, SECOND_US / 3);
}

void ak_progress_clear(AkProgress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
    if (p->terminal && p->wait != AK_WAIT_NOTHING)
        ak_timer_set(p->tick, SECOND_US / 3);
}
