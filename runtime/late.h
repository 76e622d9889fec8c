/* Libraries that few commands need are opened by who needs them: to relocate libpython and, behind
 * libmicrohttpd, all of GnuTLS takes 5 ms of each start and 5 MB.
 *
 * A list of functions, LIST(X), makes a struct of pointers with their own names and types:
 *
 *     static struct { LIST(AK_LATE_MEMBER) } mhd;
 *     static const AkLate functions[] = {LIST(AK_LATE_ENTRY)};
 */
#ifndef AK_LATE_H
#define AK_LATE_H

#include <stddef.h>

typedef struct AkLate {
    const char *name;
    void (*linked)(void); /* not NULL: part of the program, nothing has to be opened */
} AkLate;

#define AK_LATE_MEMBER(name) __typeof__(name) *name;
#ifdef AK_LATE_LINKED /* where there was an archive alone (cmake/late.cmake) */
#define AK_LATE_ENTRY(name) {#name, (void (*)(void))name},
#else
#define AK_LATE_ENTRY(name) {#name, NULL},
#endif

/* Fills the `n` pointers at `pointers` in the order of `functions`, from the library that was there
 * when this was built (`path`), else from the one of its name. 0, or -1 with the reason in `why`. */
int ak__late_open(const char *path, const AkLate *functions, void *pointers, size_t n,
                  char *why, size_t size);

#endif
