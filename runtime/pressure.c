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

/* The number behind a word that begins a line; -1: there is no such line. */
static int64_t number_of(const char *path, const char *word)
{
    FILE *file = fopen(path, "re");
    char line[128];
    size_t len = strlen(word);
    int64_t n = -1;

    while (file && n < 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, word, len) && line[len] == ' ')
            n = strtoll(line + len, NULL, 10);
    if (file)
        fclose(file);
    return n;
}

static int64_t machine_left(void)
{
    int64_t kib = number_of("/proc/meminfo", "MemAvailable:");

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

/* What a group may still take; -1: it has no limit. Files that were read long ago count as taken,
 * but the kernel drops them before it refuses anything. */
static int64_t group_left(const char *group)
{
    char name[800];

    snprintf(name, sizeof name, "%s/memory.max", group);
    int64_t max = number_in(name);
    snprintf(name, sizeof name, "%s/memory.current", group);
    int64_t taken = number_in(name);
    snprintf(name, sizeof name, "%s/memory.stat", group);
    int64_t files = number_of(name, "inactive_file");
    if (max < 0 || taken < 0)
        return -1;
    if (files > 0)
        taken = taken > files ? taken - files : 0;
    return max > taken ? max - taken : 0;
}

/* Every group above limits as well. */
static int64_t groups_left(void)
{
    char group[700];
    int64_t left = -1;

    if (own_group(group, sizeof group) < 0)
        return -1;
    while (strlen(group) >= strlen("/sys/fs/cgroup")) {
        int64_t here = group_left(group);
        if (here >= 0 && (left < 0 || here < left))
            left = here;
        *strrchr(group, '/') = '\0';
    }
    return left;
}

int64_t ak_memory_left(void)
{
    int64_t machine = machine_left(), group = groups_left();

    return machine < 0 || (group >= 0 && group < machine) ? group : machine;
}
