/* Write, fsync, rename. */
#define _GNU_SOURCE
#include "replace.h"
#include "mem.h"
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* As the old file was; a new file as the user's umask wants it. */
static int dress(int fd, const struct stat *old)
{
    mode_t mask;

    if (!old) {
        mask = umask(0);
        umask(mask);
        return fchmod(fd, 0666 & ~mask) < 0 ? errno : 0;
    }
    if ((old->st_uid != geteuid() || old->st_gid != getegid()) &&
        fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
        return errno;
    return fchmod(fd, old->st_mode & 07777) < 0 ? errno : 0;
}

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    /* Some file systems cannot; the rename itself has happened. */
    (void)fsync(fd);
    close(fd);
}

static int replace(const char *target, const struct stat *old, const char *text, size_t len)
{
    const char *folder = cli_path_folder(target);
    char *temp = cli_keep_format("%s/.aklint-XXXXXX", folder);
    int fd = mkostemp(temp, O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = write_all(fd, text, len);
    if (!error)
        error = dress(fd, old);
    if (!error && fsync(fd) < 0)
        error = errno;
    if (close(fd) < 0 && !error)
        error = errno;
    if (!error && rename(temp, target) < 0)
        error = errno;
    if (error)
        unlink(temp);
    else
        sync_folder(folder);
    return error;
}

int cli_replace(const char *path, const char *text, size_t len)
{
    char *real = realpath(path, NULL);
    struct stat st;
    int error;

    if (!real)
        return errno == ENOENT ? replace(cli_path_absolute(path), NULL, text, len) : errno;
    /* A rename would go over a file that may not be written. */
    if (stat(real, &st) < 0 || access(real, W_OK) < 0)
        error = errno;
    else if (!S_ISREG(st.st_mode))
        error = EINVAL;
    else
        error = replace(real, &st, text, len);
    free(real);
    return error;
}
