/* Time zones of the system's database, read without touching the process's own zone. */
#ifndef AK_ZONE_H
#define AK_ZONE_H

#include <stdbool.h>
#include <stdint.h>

bool ak_zone_exists(const char *name);

/* Seconds that the zone's clocks are ahead of UTC at this instant (AkZoneOffset of engine/cron.h);
 * 0 for a zone that there is not. Files are read once and kept. payload is not used. */
int32_t ak_zone_offset(void *payload, const char *name, int64_t utc);

#endif
