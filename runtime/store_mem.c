/* store_mem.c: a store that is gone with its process. The same tables and the same statements
 * as the one on disk, held in memory, so that the two cannot drift apart. */
#include "store_inner.h"

AkStore *ak_store_open_memory(void)
{
    AkStoreOptions options = {.checkpoint = AK_CHECKPOINT_CALLER};
    AkStore *store;
    char error[256];
    ak__store_open(":memory:", &options, &store, error, sizeof error);
    return store;
}
