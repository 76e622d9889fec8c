/* The walk. Folders wait on a stack, so that depth costs no file descriptors; links wait until
 * all real folders are done, so that a file keeps its own name whenever the walk meets it. */
#define _GNU_SOURCE
#include "files.h"
#include "gitignore.h"
#include "glob.h"
#include "paths.h"
#include "terminal.h"
#include "texts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Folder {
    const char *path;
    const CliIgnore *rules;
    const CliSettings *above;
} Folder;

typedef struct Entry {
    char *name; /* freed with the listing */
    unsigned char type;
    ino_t inode;
} Entry;

/* What one reading of a folder tells. */
typedef struct Listing {
    Entry *entries;
    size_t count, cap;
    bool has_gitignore, has_git, has_settings, is_venv;
} Listing;

typedef struct Walk {
    CliFiles *files;
    AkUse use;
    CliList stack, links; /* Folder; of a link path is the link itself */
} Walk;

static void problem(CliFiles *files, const char *path, int error, bool refused)
{
    cli_list_add(&files->problems,
                 cli_keep_format("%s: %s", cli_path_shown(path), strerror(error)));
    files->refused |= refused;
}

static const CliInode not_walked = {0, 0};

static const char *identity(dev_t device, ino_t inode)
{
    return cli_keep_format("%llx:%llx", (unsigned long long)device, (unsigned long long)inode);
}

static void add_file(CliFiles *files, const char *path, AkUse use, const CliSettings *settings,
                     CliInode inode)
{
    CliFile *file = cli_keep(sizeof *file);

    *file = (CliFile){path, use, (unsigned)files->found.len, settings, inode};
    cli_list_add(&files->found, file);
    if (use == AK_REPORT)
        cli_terminal_progress("Looking for files:", files->found.len, 0);
}

static void add_manifest(CliFiles *files, const char *path, AkUse use,
                         const CliSettings *settings, CliInode inode)
{
    CliFile *file;

    for (size_t i = 0; i < files->manifests.len; i++)
        if (!strcmp(((CliFile *)files->manifests.items[i])->path, path))
            return;
    file = cli_keep(sizeof *file);
    *file = (CliFile){path, use, 0, settings, inode};
    cli_list_add(&files->manifests, file);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && !strcmp(name + n - m, end);
}

static bool is_manifest(const char *name)
{
    return !strcmp(name, "autokitteh.yaml") || !strcmp(name, "autokitteh.yml");
}

static bool is_source(const char *name)
{
    return ends_with(name, ".py");
}

/* Folders that nobody means by naming one above them. */
static bool is_passed_over(const char *name)
{
    return name[0] == '.' || !strcmp(name, "node_modules") || !strcmp(name, "__pycache__") ||
           !strcmp(name, "site-packages");
}

static bool is_excluded(const CliFiles *files, const CliSettings *settings, const char *path)
{
    const char *cwd = cli_paths_cwd();

    for (size_t i = 0; files->exclude && i < files->exclude->len; i++) {
        const char *glob = cli_list_text(files->exclude, i);
        if (cli_path_within(path, cwd) && strcmp(path, cwd) &&
            cli_glob_name_or_path(glob, strlen(glob), cli_path_shown(path)))
            return true;
    }
    return cli_config_excludes(settings, path);
}

/* A walk does not enter a folder that is left out; a path that is named may lie in one. */
static bool is_excluded_above(const CliFiles *files, const CliSettings *settings,
                              const char *path)
{
    for (; strcmp(path, "/"); path = cli_path_folder(path))
        if (is_excluded(files, settings, path))
            return true;
    return false;
}

static const CliIgnore *read_rules(const CliIgnore *above, const char *folder, const char *name)
{
    const char *path = cli_path_join(folder, name);
    char *text;
    size_t len;

    if (cli_text_read(path, SIZE_MAX, &text, &len) != 0)
        return above;
    above = cli_ignore_new(above, folder, text, len);
    cli_text_free(text, len, SIZE_MAX);
    return above;
}

/* The rules of a repository that hold above a folder within it. */
static const CliIgnore *rules_above(const char *folder)
{
    const char *top = cli_path_repository(folder), *parent = cli_path_folder(folder);
    const CliIgnore *above;

    if (!top || !strcmp(top, folder))
        return NULL;
    if (!strcmp(top, parent))
        above = read_rules(NULL, top, ".git/info/exclude");
    else
        above = rules_above(parent);
    return read_rules(above, parent, ".gitignore");
}

static char *copy_of(const char *name)
{
    size_t size = strlen(name) + 1;

    return memcpy(cli_malloc(size), name, size);
}

static void note_entry(Listing *listing, const struct dirent *item)
{
    const char *name = item->d_name;

    if (!strcmp(name, ".") || !strcmp(name, ".."))
        return;
    listing->has_gitignore |= !strcmp(name, ".gitignore");
    listing->has_git |= !strcmp(name, ".git");
    listing->is_venv |= !strcmp(name, "pyvenv.cfg");
    listing->has_settings |= !strcmp(name, "aklint.toml") || !strcmp(name, ".aklint.toml") ||
                             !strcmp(name, "pyproject.toml");
    if (item->d_type == DT_REG && !is_source(name) && !is_manifest(name))
        return;
    if (listing->count == listing->cap) {
        listing->cap = listing->cap ? listing->cap * 2 : 32;
        listing->entries =
            cli_realloc(listing->entries, listing->cap * sizeof *listing->entries);
    }
    listing->entries[listing->count++] = (Entry){copy_of(name), item->d_type, item->d_ino};
}

static int list_folder(const char *path, Listing *listing, dev_t *device, const char **id)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
    struct stat st;
    struct dirent *item;
    DIR *dir;

    if (fd < 0)
        return errno;
    if (fstat(fd, &st) < 0 || !(dir = fdopendir(fd))) {
        error = errno;
        close(fd);
        return error;
    }
    *device = st.st_dev;
    *id = identity(st.st_dev, st.st_ino);
    for (errno = 0; (item = readdir(dir)); errno = 0)
        note_entry(listing, item);
    error = errno;
    closedir(dir);
    return error;
}

static void push(CliList *list, const char *path, const CliIgnore *rules,
                 const CliSettings *above)
{
    Folder *folder = cli_keep(sizeof *folder);

    *folder = (Folder){path, rules, above};
    cli_list_add(list, folder);
}

/* Some file systems do not say what an entry is. */
static unsigned char type_of(const char *path, unsigned char type)
{
    struct stat st;

    if (type != DT_UNKNOWN)
        return type;
    if (lstat(path, &st) < 0)
        return DT_UNKNOWN;
    return S_ISDIR(st.st_mode)   ? DT_DIR
           : S_ISREG(st.st_mode) ? DT_REG
           : S_ISLNK(st.st_mode) ? DT_LNK
                                 : DT_FIFO;
}

static void take_file(Walk *w, const char *path, const CliSettings *settings, CliInode inode)
{
    const char *name = cli_path_name(path);

    if (is_manifest(name))
        add_manifest(w->files, path, w->use, settings, inode);
    else if (is_source(name))
        add_file(w->files, path, w->use, settings, inode);
}

/* What holds for the entries of one folder. */
typedef struct Here {
    const char *path;
    const CliIgnore *rules;
    const CliSettings *settings;
    dev_t device;
} Here;

static bool is_left_out(const Walk *w, const Here *here, const char *path, bool is_dir)
{
    return cli_ignored(here->rules, path, is_dir) ||
           is_excluded(w->files, here->settings, path);
}

static void visit_entry(Walk *w, const Here *here, const Entry *entry)
{
    const char *path = cli_path_join(here->path, entry->name);
    unsigned char type = type_of(path, entry->type);

    if (type == DT_LNK) {
        push(&w->links, path, here->rules, here->settings);
    } else if (type == DT_DIR) {
        if (!is_passed_over(entry->name) && !is_left_out(w, here, path, true))
            push(&w->stack, path, here->rules, here->settings);
    } else if (type == DT_REG && !is_left_out(w, here, path, false)) {
        take_file(w, path, here->settings, (CliInode){here->device, entry->inode});
    }
}

/* The settings and rules that a folder itself brings. A package that is followed brings none:
 * what it holds is not ours to leave out. */
static void look_around(Walk *w, const Listing *listing, Here *here)
{
    if (w->use == AK_LIBRARY)
        return;
    if (listing->has_settings)
        here->settings = cli_config_below(w->files->configs, here->path, here->settings);
    if (listing->has_git)
        here->rules = read_rules(NULL, here->path, ".git/info/exclude");
    if (listing->has_gitignore)
        here->rules = read_rules(here->rules, here->path, ".gitignore");
}

static void visit(Walk *w, const Folder *folder, bool named)
{
    Listing listing = {0};
    Here here = {.path = folder->path, .rules = folder->rules, .settings = folder->above};
    const char *id = NULL;
    int error = list_folder(folder->path, &listing, &here.device, &id);

    /* What surrounds a file is of use when it can be read, and nobody asked for it. */
    if (error && w->use == AK_REPORT)
        problem(w->files, folder->path, error, named || error != ENOENT);
    if (id && !cli_map_has(&w->files->folders, id) && !(listing.is_venv && !named)) {
        cli_map_put(&w->files->folders, id, folder->path);
        look_around(w, &listing, &here);
        for (size_t i = 0; i < listing.count; i++)
            visit_entry(w, &here, &listing.entries[i]);
    }
    for (size_t i = 0; i < listing.count; i++)
        free(listing.entries[i].name);
    free(listing.entries);
}

static void note_inodes(CliFiles *files, const CliList *list, size_t *noted)
{
    for (; *noted < list->len; (*noted)++) {
        const CliFile *file = list->items[*noted];

        if (file->inode.number)
            cli_map_put(&files->inodes, identity(file->inode.device, file->inode.number),
                        file->path);
    }
}

/* Whether a walk met the file already. Asked for links only, so that a tree without them pays
 * nothing. */
static bool is_found(CliFiles *files, dev_t device, ino_t number)
{
    note_inodes(files, &files->found, &files->found_noted);
    note_inodes(files, &files->manifests, &files->manifests_noted);
    return cli_map_has(&files->inodes, identity(device, number));
}

static void visit_link(Walk *w, const Folder *link)
{
    const char *name = cli_path_name(link->path);
    struct stat st;

    if (is_passed_over(name) || cli_ignored(link->rules, link->path, false))
        return;
    if (stat(link->path, &st) < 0) {
        if (w->use == AK_REPORT && (is_source(name) || is_manifest(name)))
            problem(w->files, link->path, errno, false);
        return;
    }
    if (is_excluded(w->files, link->above, link->path))
        return;
    if (S_ISDIR(st.st_mode)) {
        if (!cli_ignored(link->rules, link->path, true))
            cli_list_add(&w->stack, link);
    } else if (S_ISREG(st.st_mode) && !is_found(w->files, st.st_dev, st.st_ino)) {
        take_file(w, link->path, link->above, (CliInode){st.st_dev, st.st_ino});
    }
}

static int by_folder_path(const void *a, const void *b)
{
    const Folder *x = *(Folder *const *)a, *y = *(Folder *const *)b;

    return strcmp(x->path, y->path);
}

/* The stack is empty then; its top is to be the first by name. */
static void visit_links(Walk *w)
{
    qsort(w->links.items, w->links.len, sizeof *w->links.items, by_folder_path);
    for (size_t i = 0, n = w->links.len; i < n; i++)
        visit_link(w, w->links.items[i]);
    w->links.len = 0;
    for (size_t i = 0, n = w->stack.len; i < n / 2; i++) {
        void *other = w->stack.items[n - 1 - i];
        w->stack.items[n - 1 - i] = w->stack.items[i];
        w->stack.items[i] = other;
    }
}

static void walk(CliFiles *files, const char *path, AkUse use)
{
    Walk w = {.files = files, .use = use};
    const char *parent = cli_path_folder(path);
    bool named = use == AK_REPORT;
    size_t mistakes;

    /* What an installed package holds is not ours to leave out. */
    if (use == AK_LIBRARY)
        push(&w.stack, path, NULL, cli_config_defaults());
    else
        push(&w.stack, path, rules_above(path), cli_config_for(files->configs, parent));
    mistakes = files->configs->mistakes.len;
    while ((w.stack.len || w.links.len) && !cli_terminal_stopped()) {
        if (w.stack.len) {
            visit(&w, w.stack.items[--w.stack.len], named);
            named = false;
            continue;
        }
        visit_links(&w);
    }
    /* Settings of folders that nobody asked about may be as they like. */
    if (use != AK_REPORT)
        files->configs->mistakes.len = mistakes;
}

/* The place that a path's base must reach up to: its repository, else its project, else where
 * the user stands, else the folder itself. */
static const char *top_of(const char *folder)
{
    const char *top = cli_path_repository(folder);

    if (!top || !strcmp(top, "/"))
        top = cli_path_project(folder);
    if (!top)
        top = cli_path_within(folder, cli_paths_cwd()) ? cli_paths_cwd() : folder;
    return top;
}

static void find_named(CliFiles *files, const char *typed, CliList *projects)
{
    const char *path = cli_path_absolute(typed), *folder, *project;
    const CliSettings *settings;
    struct stat st;
    bool is_dir;

    if (stat(path, &st) < 0) {
        cli_list_add(&files->problems, cli_keep_format("%s: %s", typed, strerror(errno)));
        files->refused = true;
        return;
    }
    is_dir = S_ISDIR(st.st_mode);
    folder = is_dir ? path : cli_path_folder(path);
    settings = cli_config_for(files->configs, folder);
    if (files->force_exclude && is_excluded_above(files, settings, path))
        return;
    cli_paths_widen(top_of(folder));
    project = cli_path_project(folder);
    if (project && !cli_list_has(projects, project))
        cli_list_add(projects, project);
    if (is_dir)
        walk(files, path, AK_REPORT);
    else if (is_manifest(cli_path_name(path)) || ends_with(path, ".yaml") ||
             ends_with(path, ".yml"))
        add_manifest(files, path, AK_REPORT, settings, not_walked);
    else if (!ends_with(path, ".toml"))
        add_file(files, path, AK_REPORT, settings, not_walked);
}

void cli_files_find(CliFiles *files, const CliList *paths)
{
    CliList projects = {0};

    for (size_t i = 0; i < paths->len && !cli_terminal_stopped(); i++)
        find_named(files, cli_list_text(paths, i), &projects);
    for (size_t i = 0; i < projects.len; i++)
        walk(files, projects.items[i], AK_KNOWN);
}

const CliSettings *cli_files_around(CliFiles *files, const char *path)
{
    const char *folder = cli_path_folder(path), *project = cli_path_project(folder);
    const CliSettings *settings = cli_config_for(files->configs, folder);

    cli_paths_widen(top_of(folder));
    if (project)
        walk(files, project, AK_KNOWN);
    return settings;
}

bool cli_files_follow(CliFiles *files, const CliList *folders, const char *package,
                      const CliSettings *settings)
{
    for (size_t i = 0; i < folders->len; i++) {
        const char *path = cli_path_join(cli_list_text(folders, i), package);
        const char *module = cli_keep_format("%s.py", path);
        size_t before = files->found.len;
        bool is_module = access(module, F_OK) == 0;
        if (!is_module && access(path, F_OK) < 0)
            continue;
        if (is_module)
            add_file(files, module, AK_LIBRARY, settings, not_walked);
        else
            walk(files, path, AK_LIBRARY);
        for (size_t k = before; k < files->found.len; k++)
            ((CliFile *)files->found.items[k])->settings = settings;
        return true;
    }
    return false;
}

void cli_files_add(CliFiles *files, const char *path, AkUse use, const CliSettings *settings)
{
    add_file(files, path, use, settings, not_walked);
}

static int by_path(const void *a, const void *b)
{
    const CliFile *x = *(CliFile *const *)a, *y = *(CliFile *const *)b;
    int order = strcmp(x->path, y->path);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* Each path once; what is found later comes behind those that are here. */
static void merge(CliList *found)
{
    CliFile *last = NULL;
    size_t len = 0;

    for (size_t i = 0; i < found->len; i++) {
        CliFile *file = found->items[i];
        file->order = 0;
        if (last && !strcmp(last->path, file->path)) {
            last->use = file->use < last->use ? file->use : last->use;
            continue;
        }
        found->items[len++] = file;
        last = file;
    }
    found->items[len] = NULL;
    found->len = len;
}

void cli_files_sort(CliFiles *files)
{
    if (files->found.len == files->sorted)
        return;
    qsort(files->found.items, files->found.len, sizeof *files->found.items, by_path);
    merge(&files->found);
    files->sorted = files->found.len;
    files->found_noted = 0;
}

CliFile *cli_files_get(const CliFiles *files, const char *path)
{
    size_t low = 0, high = files->sorted;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        CliFile *file = files->found.items[middle];
        int order = strcmp(path, file->path);
        if (!order)
            return file;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
