/* txtar: several short texts in one, as golang.org/x/tools/txtar has it. A comment, then files,
 * each behind a line `-- NAME --`. Every text is an archive: nothing is refused. Pure. */
#ifndef AK_TXTAR_H
#define AK_TXTAR_H

#include "engine/bytes.h"

typedef struct AkTxtarFile {
    AkBytes name; /* without spaces around it */
    AkBytes text; /* up to the next file, with its line ends */
} AkTxtarFile;

/* Slices of the text that was read, or of what was put in their place. */
typedef struct AkTxtar {
    AkBytes comment;
    AkTxtarFile *files;
    size_t len;
} AkTxtar;

/* The text is lent for the archive's life. 0, or AK_E_NOMEM. */
int ak_txtar_read(AkBytes text, AkTxtar *archive);
void ak_txtar_free(AkTxtar *archive);

/* NULL when there is none of that name. */
AkTxtarFile *ak_txtar_find(const AkTxtar *archive, const char *name);
/* The slices are lent. AK_E_NOMEM. */
int ak_txtar_add(AkTxtar *archive, AkBytes name, AkBytes text);
void ak_txtar_remove(AkTxtar *archive, const char *name);

/* Reads as the same archive; a text that does not end its last line gets a line end. */
void ak_txtar_write(const AkTxtar *archive, AkText *out);
/* Does the text have a line that would begin a file? */
bool ak_txtar_has_marker(AkBytes text);

#endif
