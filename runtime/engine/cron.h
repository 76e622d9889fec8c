/* cron.h: when a schedule fires next. Pure: reads no clock and no file.
 *
 * Read as Temporal's schedules read them, so that one bundle fires alike on both engines:
 * 5 fields (minute hour day month weekday), 6 (5 and a year), 7 (second first, year last);
 * lists, ranges, steps, names of months and days; `?` is `*`; weekday 7 is 0; day AND weekday when both are
 * given; @yearly @annually @monthly @weekly @daily @midnight @hourly; `@every 1h30m`, counted from the
 * epoch, with `/5m` as a phase; `TZ=Zone` or `CRON_TZ=Zone` in front; a comment behind `#`. A local
 * time that daylight saving skips does not fire, one that comes twice fires twice.
 */
#ifndef AK_CRON_H
#define AK_CRON_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AK_CRON_FIRST_YEAR 2000
#define AK_CRON_LAST_YEAR  2099

typedef struct AkCron {
    int64_t every, phase; /* seconds; every is 0 for a calendar */
    uint64_t seconds, minutes;
    uint32_t hours, days, months; /* bit n: n fires */
    uint8_t weekdays;             /* bit 0: Sunday */
    uint8_t years[(AK_CRON_LAST_YEAR - AK_CRON_FIRST_YEAR) / 8 + 1];
    char zone[64]; /* "" is UTC */
} AkCron;

/* 0, or -1 with why (static words) and at (the byte of text that is wrong). */
int ak_cron_parse(AkCron *cron, const char *text, const char **why, uint32_t *at);

/* Seconds that the zone's clocks are ahead of UTC at this instant. */
typedef int32_t (*AkZoneOffset)(void *payload, const char *zone, int64_t utc);

/* The first instant after `after` (seconds since the epoch), or -1 when there is none any more.
 * offset is asked only when the schedule names a zone. */
int64_t ak_cron_next(const AkCron *cron, int64_t after, AkZoneOffset offset, void *payload);

#ifdef __cplusplus
}
#endif
#endif
