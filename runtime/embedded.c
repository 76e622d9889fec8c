#define _GNU_SOURCE
#include "embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"

int ak_embedded_unpack(const char *dir)
{
    char fresh[4096], path[4200];

    if (access(dir, F_OK) == 0)
        return 0;
    snprintf(fresh, sizeof fresh, "%s.%d.new", dir, (int)getpid());
    ak_remove_tree(fresh);
    for (const AkEmbedded *file = ak_embedded; file->path; file++) {
        snprintf(path, sizeof path, "%s/%s", fresh, file->path);
        char *slash = strrchr(path, '/');
        *slash = '\0';
        if (ak_make_dirs(path) < 0)
            return -1;
        *slash = '/';
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        ssize_t n = write(fd, file->bytes, file->size);
        close(fd);
        if (n != (ssize_t)file->size)
            return -1;
    }
    return ak_take_place(fresh, dir);
}

void ak_embedded_name(char *name, size_t size)
{
    uint64_t hash = 14695981039346656037u;

    for (const AkEmbedded *file = ak_embedded; file->path; file++) {
        for (const char *p = file->path; *p; p++)
            hash = (hash ^ (unsigned char)*p) * 1099511628211u;
        for (size_t i = 0; i < file->size; i++)
            hash = (hash ^ file->bytes[i]) * 1099511628211u;
    }
    snprintf(name, size, "python-%016llx", (unsigned long long)hash);
}
