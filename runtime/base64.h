/* base64 (RFC 4648). */
#ifndef AK_BASE64_H
#define AK_BASE64_H

#include "engine/bytes.h"

void ak_base64_write(AkBytes bytes, AkText *out);
/* 0, or -1 for what is no base64; out then holds what came before. */
int ak_base64_read(AkBytes text, AkText *out);

#endif
