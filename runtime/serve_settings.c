#define _GNU_SOURCE
#include "serve_inner.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

#include "listen.h"
#include "pressure.h"

enum { FREE_MOST = 8 << 20 };

AkDriverOptions ak__serve_settings(AkServe *s, const AkConfig *config)
{
    s->queue_max = ak_config_number(config, "limits.queue");
    s->backlog_max = ak_config_number(config, "limits.backlog");
    s->spare_bytes = ak_config_number(config, "limits.spare");
    s->sync_us = ak_config_number(config, "serve.sync") * AK_SECOND;
    return (AkDriverOptions){
        .run = ak_driver_run_options(config),
        .idle_us = ak_config_number(config, "serve.idle") * AK_SECOND,
        .everyone = true,
        .max_runners = (size_t)ak_config_number(config, "limits.runners"),
    };
}

void ak__serve_reload(AkServe *s)
{
    char why[1024], telling[64];
    AkConfig *config = ak_config_load(why, sizeof why);

    if (!config) {
        ak__serve_say(s, "the settings stay as they were: %s", why);
        return;
    }
    snprintf(telling, sizeof telling, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             ak_loop_now().mono_us);
    ak_notify(telling);
    AkDriverOptions driving = ak__serve_settings(s, config);
    ak_driver_set_options(s->driver, &driving);
    ak_hosts_set_config(s->hosts, config);
    ak_config_free(s->reloaded);
    s->reloaded = config;
    ak__serve_say(s, "settings were read again");
    ak_notify("READY=1");
}

void ak__serve_relieve(void *owner)
{
    AkServe *s = owner;
    int64_t left = ak_driver_runners(s->driver) ? ak_memory_left() : -1;

    if (left >= 0 && left < s->spare_bytes)
        ak_driver_give_back(s->driver);
    /* A second without an event: what floods left of the heap goes back to the system. */
    if (s->events == s->events_relieved && mallinfo2().fordblks > FREE_MOST)
        malloc_trim(0);
    s->events_relieved = s->events;
    ak_timer_set(s->relief, AK_SECOND);
}
