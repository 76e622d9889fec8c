/* autokitteh.yaml: what a project wants, as JSON, with the mistakes that stand in its way.
 *
 * The plan: {"name", "version", "vars": [{"name", "value", "secret"}], "connections": [{"name",
 * "integration"}], "triggers": [{"name", "kind": webhook schedule or connection, "schedule",
 * "connection", "event_type", "filter", "call", "is_durable", "is_sync"}]}. Settings of a
 * connection are vars called connection__name. */
#ifndef AK_MANIFEST_H
#define AK_MANIFEST_H

#include <jansson.h>
#include <stdint.h>

#define AK_MANIFEST_NAME "autokitteh.yaml"

typedef struct AkMistake {
    uint32_t start, end; /* bytes in the text */
    char *message;
    const char *advice;
} AkMistake;

typedef struct AkManifest {
    char path[1200];
    char *text;
    size_t len;
    json_t *plan; /* whole only when there are no mistakes */
    AkMistake *mistakes;
    size_t mistakes_len;
} AkManifest;

/* Reads DIR/autokitteh.yaml. 0, or -1 with errno when there is none to read. */
int ak_manifest_read(const char *dir, AkManifest *manifest);
/* The same from text and len, which are set, with 64 zero bytes behind the text. */
void ak_manifest_parse(AkManifest *manifest);
void ak_manifest_free(AkManifest *manifest);

/* `[A-Za-z_][A-Za-z_0-9]*` */
int ak_is_symbol(const char *text);

#endif
