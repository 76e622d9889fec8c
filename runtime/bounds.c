#define _GNU_SOURCE
#include "bounds.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

static int lower(__rlimit_resource_t what, uint64_t value)
{
    struct rlimit limit;

    if (getrlimit(what, &limit) < 0)
        return -1;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value)
        value = limit.rlim_max;
    limit.rlim_cur = limit.rlim_max = value;
    return setrlimit(what, &limit);
}

/* A sanitizer keeps its notes in terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIMITS_MEMORY = 0 };
#else
enum { LIMITS_MEMORY = 1 };
#endif

int ak_limits_apply(const AkLimits *limits)
{
    static const uint64_t no_core = 0;

    if ((LIMITS_MEMORY && lower(RLIMIT_AS, limits->memory_bytes) < 0) ||
        lower(RLIMIT_NOFILE, limits->open_files) < 0 || lower(RLIMIT_CORE, no_core) < 0)
        return -1;
    return 0;
}

int ak_limits_processes(const AkLimits *limits)
{
    struct sysinfo info;

    /* Root is exempt from this limit; there the warm process counts (zygote.c). The kernel
     * counts all tasks of a user, ours is a number for one runner: so it comes on top of what
     * there is. */
    if (geteuid() == 0 || sysinfo(&info) < 0)
        return 0;
    return lower(RLIMIT_NPROC, info.procs + limits->processes);
}

const char *ak_status_words(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "killed by SIG%s (%s)", sigabbrev_np(WTERMSIG(status)),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "exit code %d", WEXITSTATUS(status));
    return text;
}
