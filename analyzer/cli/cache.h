/* cache.h: what former runs found, kept outside of the project.
 *
 * An entry is one check of the library: it is found by all that the check was told (files, settings,
 * manifests, this program), and holds the length and hash of every file that the check read. It
 * counts when each of them reads the same again; then the check would do the same, and its
 * findings are taken from the entry. Everything is hashed under a secret of this cache, entries
 * themselves too: what is damaged, foreign or made up is as good as not there. Where nothing can
 * be read or written there is no cache, and nobody is told.
 */
#ifndef CLI_CACHE_H
#define CLI_CACHE_H

#include "record.h"
#include "threads.h"

typedef struct CliCache CliCache;

/* The folder: given, or AKLINT_CACHE_DIR, or aklint below XDG_CACHE_HOME or ~/.cache. NULL where
 * that cannot be said. */
const char *cli_cache_folder(const char *given);

/* Made if it is not there. NULL: go on without. */
CliCache *cli_cache_open(const char *folder);
void cli_cache_close(CliCache *cache);

/* Removes what this program put there, and the folder if nothing else is in it. Gives how many
 * entries there were, or -1 with errno. A folder that is not there has none. */
long cli_cache_clean(const char *folder);

/* One check. told: all that it is told, as bytes that are kept by the caller. */
typedef struct CliMemo CliMemo;
CliMemo *cli_memo_new(CliCache *cache, const CliBuf *told);

/* The entry, if it counts; lives until cli_cache_close. map_above: as cli_text_read has it. */
const CliRecord *cli_memo_find(CliMemo *memo, CliThreads *threads, size_t map_above);

/* While the check runs, from any thread: a file that it read; that it asked something else. */
void cli_memo_saw(CliMemo *memo, const char *path, const char *text, size_t len);
void cli_memo_spoil(CliMemo *memo);
/* Keeps what it found. */
void cli_memo_keep(CliMemo *memo, const AkCheck *check);
void cli_memo_free(CliMemo *memo);

#endif
