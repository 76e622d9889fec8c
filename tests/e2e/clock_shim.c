/* Moves the wall clock of a program: LD_PRELOAD, and the seconds to add stand as text in the file that
 * AK_CLOCK_FILE names, read each time. The monotonic clock stays what it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long ahead(void)
{
    const char *path = getenv("AK_CLOCK_FILE");
    char text[32] = "";
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    close(fd);
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    long failed = syscall(SYS_clock_gettime, id, at);

    if (!failed && id == CLOCK_REALTIME)
        at->tv_sec += ahead();
    return (int)failed;
}
