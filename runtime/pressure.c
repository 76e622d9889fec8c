#define _GNU_SOURCE
#include "pressure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number at the start of a file of one line; -1: there is none ("max"). */
static int64_t number_in(const char *path)
{
    FILE *file = fopen(path, "re");
    long long n = -1;

    if (!file)
        return -1;
    if (fscanf(file, "%lld", &n) != 1)
        n = -1;
    fclose(file);
    return n;
}

static int64_t machine_left(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    long long kib = -1;

    while (file && kib < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lld", &kib) != 1)
            kib = -1;
    if (file)
        fclose(file);
    return kib < 0 ? -1 : kib * 1024;
}

/* "0::/user.slice/…": the group of version 2. */
static int own_group(char *path, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[600];
    int found = -1;

    while (file && found < 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, "0::", 3)) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(path, size, "/sys/fs/cgroup%s", line + 3);
            found = 0;
        }
    if (file)
        fclose(file);
    return found;
}

/* Every group above limits as well. */
static int64_t groups_left(void)
{
    char group[700], name[800];
    int64_t left = -1;

    if (own_group(group, sizeof group) < 0)
        return -1;
    while (strlen(group) >= strlen("/sys/fs/cgroup")) {
        snprintf(name, sizeof name, "%s/memory.max", group);
        int64_t max = number_in(name);
        snprintf(name, sizeof name, "%s/memory.current", group);
        int64_t taken = number_in(name);
        if (max >= 0 && taken >= 0 && (left < 0 || max - taken < left))
            left = max > taken ? max - taken : 0;
        *strrchr(group, '/') = '\0';
    }
    return left;
}

int64_t ak_memory_left(void)
{
    int64_t machine = machine_left(), group = groups_left();

    return machine < 0 || (group >= 0 && group < machine) ? group : machine;
}
