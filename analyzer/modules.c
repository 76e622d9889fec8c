/* modules.c: which file an import means.
 *
 * A file imports as a program does that is started somewhere above it. So `import a.b` is
 * looked for from the folders that could be on Python's path: the nearest folder around the
 * importing file that is no package, then those above it, each with its `src` folder; then the
 * folders of installed packages; at last the importing file's own folder although it is a
 * package (scripts are started there too). A file or a package wins over a folder without
 * __init__.py, wherever that lies, as in Python. A module of the standard library is found as a
 * file only beside the importing script itself. The frameworks are never files: what they do is
 * in the tables.
 */
#include "stages.h"

#include <string.h>

static const char *folder_of(AkProgram *program, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ak__atom(program, "");
    return ak__atom_len(program, path, slash == path ? 1 : (size_t)(slash - path));
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool has_part(const char *path, const char *part)
{
    size_t len = strlen(part);
    for (const char *at = path; (at = strstr(at, part)); at += len)
        if ((at == path || at[-1] == '/') && at[len] == '/')
            return true;
    return false;
}

static bool is_test_path(const char *path)
{
    const char *base = base_of(path);
    return has_part(path, "tests") || has_part(path, "test") ||
           strncmp(base, "test_", 5) == 0 || ends_with(base, "_test.py") ||
           strcmp(base, "conftest.py") == 0;
}

/* Every folder above a file is one that imports may look into. */
static void add_folders(AkProgram *program, const char *folder)
{
    while (!ak__map_get(&program->folders, ak__key(folder))) {
        ak__map_set(program->arena, &program->folders, ak__key(folder), 1);
        if (!*folder || strcmp(folder, "/") == 0)
            return;
        folder = folder_of(program, folder);
    }
}

static void add_library_root(AkProgram *program, const char *path)
{
    static const char *const marks[] = {"/site-packages/", "/dist-packages/"};
    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(path, marks[i]);
        if (!at)
            continue;
        const char *root =
            ak__atom_len(program, path, (size_t)(at - path) + strlen(marks[i]) - 1);
        for (uint32_t k = 0; k < program->library_root_len; k++)
            if (program->library_roots[k] == root)
                return;
        AK_PUSH(program->arena, program->library_roots, program->library_root_len,
                program->library_root_cap) = root;
        return;
    }
}

static AkFile *add_file(AkProgram *program, const char *path, AkUse use)
{
    AkFile *file = ak__alloc(program->arena, sizeof *file);
    AK_PUSH(program->arena, program->files, program->file_len, program->file_cap) = file;
    file->index = program->file_len;
    file->module.path = path;
    file->module.use = use;
    ak__map_set(program->arena, &program->file_by_path, ak__key(path), program->file_len);
    return file;
}

AkFile *ak__module_add(AkProgram *program, const char *path, AkUse use)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    path = ak__atom_lent(program, path);
    if (ak__module_by_path(program, path))
        return NULL;
    AkFile *file = add_file(program, path, use);
    file->folder = folder_of(program, path);
    file->module.is_package = strcmp(base_of(path), "__init__.py") == 0;
    file->module.is_test = is_test_path(path);
    add_folders(program, file->folder);
    if (use == AK_LIBRARY)
        add_library_root(program, path);
    return file;
}

/* path is an atom. */
AkFile *ak__module_by_path(const AkProgram *program, const char *path)
{
    uint32_t at = ak__map_get(&program->file_by_path, ak__key(path));
    return at ? program->files[at - 1] : NULL;
}

static const char *joined(AkProgram *program, const char *folder, const char *rest)
{
    if (!*folder)
        return ak__atom(program, rest);
    return ak__atom_join(program, folder, ends_with(folder, "/") ? "" : "/", rest);
}

static bool is_package(AkProgram *program, const char *folder)
{
    return ak__module_by_path(program, joined(program, folder, "__init__.py")) != NULL;
}

static bool is_folder(AkProgram *program, const char *folder)
{
    return ak__map_get(&program->folders, ak__key(folder)) != 0;
}

/* "a.b" below the folder as "folder/a/b". */
static const char *below(AkProgram *program, const char *folder, const char *dotted)
{
    char path[512];
    size_t len = strlen(dotted);
    if (!len)
        return folder;
    if (len >= sizeof path)
        return ak__atom(program, "?");
    for (size_t i = 0; i <= len; i++)
        path[i] = dotted[i] == '.' ? '/' : dotted[i];
    return joined(program, folder, path);
}

static AkFile *regular(AkProgram *program, const char *path)
{
    AkFile *file = ak__module_by_path(program, ak__atom_join(program, path, "", ".py"));
    return file ? file : ak__module_by_path(program, joined(program, path, "__init__.py"));
}

static AkFile *namespace_folder(AkProgram *program, const char *path)
{
    if (!is_folder(program, path) || !*path)
        return NULL;
    AkFile *file = ak__module_by_path(program, path);
    if (file)
        return file;
    file = add_file(program, path, AK_KNOWN);
    file->state = AK_FILE_FOLDER;
    file->folder = path;
    file->module.is_package = true;
    file->module.text = "";
    file->module.name = ak__atom(program, base_of(path));
    return file;
}

typedef AkFile *(*Finder)(AkProgram *, const char *);

static AkFile *search_above(AkProgram *program, const char *folder, const char *dotted,
                            Finder find)
{
    for (;; folder = folder_of(program, folder)) {
        const char *src = joined(program, folder, "src");
        AkFile *found = find(program, below(program, folder, dotted));
        if (!found && is_folder(program, src))
            found = find(program, below(program, src, dotted));
        if (found || !*folder || strcmp(folder, "/") == 0)
            return found;
    }
}

static AkFile *search_libraries(AkProgram *program, const char *dotted, Finder find)
{
    AkFile *found = NULL;
    for (uint32_t i = 0; !found && i < program->library_root_len; i++)
        found = find(program, below(program, program->library_roots[i], dotted));
    return found;
}

static const char *outside_package(AkProgram *program, const char *folder)
{
    while (*folder && strcmp(folder, "/") != 0 && is_package(program, folder))
        folder = folder_of(program, folder);
    return folder;
}

static AkFile *find_absolute(AkProgram *program, const AkFile *from, const char *dotted)
{
    uint32_t top = (uint32_t)strcspn(dotted, ".");
    if ((top == 10 && memcmp(dotted, "temporalio", 10) == 0) ||
        (top == 10 && memcmp(dotted, "autokitteh", 10) == 0))
        return NULL;
    bool in_package = is_package(program, from->folder);
    const char *own = below(program, from->folder, dotted);
    if (ak__is_stdlib(dotted, top))
        return in_package ? NULL : regular(program, own);
    const char *start = outside_package(program, from->folder);
    AkFile *found = search_above(program, start, dotted, regular);
    if (!found)
        found = search_libraries(program, dotted, regular);
    if (!found && in_package)
        found = regular(program, own);
    if (!found)
        found = search_above(program, start, dotted, namespace_folder);
    return found;
}

static AkFile *find_relative(AkProgram *program, const AkFile *from, const char *dotted,
                             uint32_t level)
{
    const char *folder = from->folder;
    for (uint32_t i = 1; i < level; i++)
        folder = folder_of(program, folder);
    const char *path = below(program, folder, dotted);
    AkFile *found = *dotted ? regular(program, path)
                            : ak__module_by_path(program, joined(program, path, "__init__.py"));
    return found ? found : namespace_folder(program, path);
}

static const char *dotted_name(AkProgram *program, const AkFile *file)
{
    const char *root = outside_package(program, file->folder);
    const char *rest = file->module.path + strlen(root);
    char name[512];
    size_t len = 0;
    for (rest += *rest == '/'; *rest && len < sizeof name - 1; rest++)
        name[len++] = *rest == '/' ? '.' : *rest;
    name[len] = '\0';
    if (ends_with(name, ".py"))
        len -= 3;
    name[len] = '\0';
    if (strcmp(name, "__init__") != 0 && ends_with(name, ".__init__"))
        len -= 9;
    return ak__atom_len(program, name, len);
}

void ak__module_name_it(AkProgram *program, AkFile *file)
{
    if (!file->module.name)
        file->module.name = dotted_name(program, file);
}

/* Answers are kept: many files of a folder import the same names. */
AkModule *ak__module_find(AkProgram *program, const AkFile *from, const char *dotted,
                          uint32_t level)
{
    char dots[] = "::::::::::::::::";
    dots[level < 15 ? level + 1 : 16] = '\0';
    const char *key = ak__atom_join(program, from->folder, dots, dotted);
    uint32_t known = ak__map_get(&program->resolved, ak__key(key));
    if (known)
        return known == 1 ? NULL : &program->files[known - 2]->module;
    AkFile *found = level ? find_relative(program, from, dotted, level)
                          : find_absolute(program, from, dotted);
    ak__map_set(program->arena, &program->resolved, ak__key(key), found ? found->index + 1 : 1);
    if (found)
        ak__module_name_it(program, found);
    return found ? &found->module : NULL;
}

AkModule *ak__module_child(AkProgram *program, const AkModule *package, const char *name)
{
    const AkFile *file = ak__file(package);
    if (!package->is_package)
        return NULL;
    return ak__module_find(program, file, name, 1);
}
