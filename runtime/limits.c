#define _GNU_SOURCE
#include "limits.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

/* The kernel counts threads of all processes of a user, ours is a number for one runner. */
static uint64_t tasks_of_this_user(void)
{
    uint64_t n = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    char path[300], line[256];

    while (proc && (entry = readdir(proc))) {
        struct stat st;
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
        if (stat(path, &st) < 0 || st.st_uid != geteuid())
            continue;
        FILE *file = fopen(path, "re");
        while (file && fgets(line, sizeof line, file))
            if (!strncmp(line, "Threads:", 8))
                n += strtoull(line + 8, NULL, 10);
        if (file)
            fclose(file);
    }
    if (proc)
        closedir(proc);
    return n;
}

int ak_limits_apply(const AkLimits *limits)
{
    static const uint64_t no_core = 0;

    if (lower(RLIMIT_AS, limits->memory_bytes) < 0 ||
        lower(RLIMIT_NOFILE, limits->open_files) < 0 || lower(RLIMIT_CORE, no_core) < 0)
        return -1;
    /* Root is exempt from RLIMIT_NPROC; there the warm process counts (zygote.c). */
    if (geteuid() != 0)
        return lower(RLIMIT_NPROC, tasks_of_this_user() + limits->processes);
    return 0;
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
