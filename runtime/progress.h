/* One line at the bottom of a terminal that says what a session waits for, since when, until
 * when. Elsewhere it shows nothing. Whoever prints calls ak_progress_clear first. */
#ifndef AK_PROGRESS_H
#define AK_PROGRESS_H

#include "engine.h"
#include "loop.h"

typedef struct AkProgress AkProgress;

AkProgress *ak_progress_new(AkLoop *loop);
void ak_progress_free(AkProgress *progress);
/* AK_WAIT_NOTHING ends the display. */
void ak_progress_wait(AkProgress *progress, AkWait wait, AkBytes text, int64_t since_us,
                      int64_t due_us);
void ak_progress_clear(AkProgress *progress);

#endif
