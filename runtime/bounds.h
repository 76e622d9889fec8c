/* What a runner may use, and how a process ended, in words. */
#ifndef AK_BOUNDS_H
#define AK_BOUNDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct AkLimits {
    uint64_t memory_bytes; /* address space */
    uint64_t open_files;
    uint64_t processes; /* of one runner: itself, its threads, what it starts */
} AkLimits;

/* In the process that is to be limited, before user code. 0, or -1 with errno set. The second
 * one is for each runner by itself, after its fork. */
int ak_limits_apply(const AkLimits *limits);
int ak_limits_processes(const AkLimits *limits);

/* "exit code 3", "killed by SIGSEGV (segmentation fault)". Returns `text`. */
const char *ak_status_words(int wait_status, char *text, size_t size);

#endif
