#include "late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *open_library(const char *path, char *why, size_t size)
{
    const char *slash = strrchr(path, '/');
    /* Global, as Python's extension modules take the interpreter's functions from there. */
    void *library = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);

    if (!library && slash)
        library = dlopen(slash + 1, RTLD_LAZY | RTLD_GLOBAL);
    if (!library)
        snprintf(why, size, "%s", dlerror());
    return library;
}

int ak__late_open(const char *path, const AkLate *functions, void *pointers, size_t n,
                  char *why, size_t size)
{
    void *library = functions[0].linked ? NULL : open_library(path, why, size);

    if (!library && !functions[0].linked)
        return -1;
    for (size_t i = 0; i < n; i++) {
        void *found = NULL;
        if (library)
            found = dlsym(library, functions[i].name);
        else
            memcpy(&found, &functions[i].linked, sizeof found);
        if (!found) {
            snprintf(why, size, "%s has no function %s", path, functions[i].name);
            return -1;
        }
        memcpy((char *)pointers + i * sizeof found, &found, sizeof found);
    }
    return 0;
}
