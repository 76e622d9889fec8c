/* Room in the write-ahead log, made ahead.
 *
 * A commit that makes the log longer costs the file system a change of its own, of the file's
 * length and its blocks, before the sync is over: that takes twice as long as a commit that
 * writes over what is there. So the log grows by zeros, many commits' worth at a time. SQLite
 * takes a log to end at the first frame that is not of its latest round, which zeros never are.
 */
#include "store_inner.h"

enum { HEAD = 32, FRAME = 24 + 4096, AHEAD = 8 };
enum { LEAST = 128 << 10, MOST = 1 << 20 };

void ak__store_make_room(AkStore *store)
{
    static const char zeros[32 << 10];
    sqlite3_file *log = NULL;
    sqlite3_int64 size = 0;

    if (store->log_pages + AHEAD <= store->log_room)
        return;
    if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) || !log ||
        !log->pMethods || log->pMethods->xFileSize(log, &size) || size < HEAD)
        return;
    store->log_room = (int)((size - HEAD) / FRAME);
    if (store->log_pages + AHEAD <= store->log_room)
        return;
    sqlite3_int64 end = size + (size < LEAST ? LEAST : size > MOST ? MOST : size);
    /* Without room on the disk the commit itself will say so. */
    for (; size < end; size += (int)sizeof zeros)
        if (log->pMethods->xWrite(log, zeros, (int)sizeof zeros, size))
            return;
    store->log_room = (int)((size - HEAD) / FRAME);
}
