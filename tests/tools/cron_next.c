/* cron_next: lines "AFTER<tab>SCHEDULE" in, the next instant (or -1) out; what cannot be parsed
 * is "error: why". With "offset<tab>UTC<tab>ZONE" it says how far the zone's clocks are ahead.
 * For tests that ask others the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cron.h"
#include "zone.h"

static void answer(const char *schedule, long long after)
{
    const char *why;
    uint32_t at;
    AkCron cron;

    if (ak_cron_parse(&cron, schedule, &why, &at) < 0)
        printf("error: %s\n", why);
    else
        printf("%lld\n", (long long)ak_cron_next(&cron, after, ak_zone_offset, NULL));
}

int main(void)
{
    char line[1024];

    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *tab = strchr(line, '\t');
        if (!tab)
            return 2;
        *tab++ = '\0';
        if (!strcmp(line, "offset")) {
            char *zone = strchr(tab, '\t');
            if (!zone)
                return 2;
            *zone++ = '\0';
            printf("%d\n", ak_zone_exists(zone)
                               ? ak_zone_offset(NULL, zone, strtoll(tab, NULL, 10))
                               : -1);
        } else {
            answer(tab, strtoll(line, NULL, 10));
        }
    }
    return 0;
}
