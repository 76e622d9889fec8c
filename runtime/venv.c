#define _GNU_SOURCE
#include "venv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bundle.h"
#include "cli.h"
#include "exit_codes.h"
#include "members.h"
#include "python_host.h"
#include "sha256.h"

enum { DIGEST = 32 };
static const char complete[] = ".ak-complete";

typedef struct Making {
    const AkPlace *place;
    const char *project; /* directory */
    json_t *plan;
    bool quiet;
    char base[PATH_MAX + 200]; /* the interpreter it is made with */
    bool builtin;              /* that is the one built in */
    bool theirs;               /* an environment of the user's: taken as it is */
    char version[64];
    char wheels[PATH_MAX]; /* or "" */
    char digest[65], dir[1200];
} Making;

/* --- Processes
 * ---------------------------------------------------------------------------------- */

/* Its standard output, at most size - 1 bytes; false unless it ends well. */
static bool ask(char *const argv[], char *answer, size_t size)
{
    int out[2], status;
    size_t len = 0;
    ssize_t n;

    if (pipe2(out, O_CLOEXEC) < 0)
        return false;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(out[1], 1);
        dup2(null, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(out[1]);
    while (len + 1 < size &&
           ((n = read(out[0], answer + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR)))
        len += n > 0 ? (size_t)n : 0;
    answer[len] = '\0';
    close(out[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void show_end(int log)
{
    char words[4096];
    off_t end = lseek(log, 0, SEEK_END);
    ssize_t n = pread(log, words, sizeof words, end > 4096 ? end - 4096 : 0);

    if (n > 0)
        fwrite(words, 1, (size_t)n, stderr);
}

/* What it says goes to stderr as it comes; where that is not wanted, its end when it fails. */
static int run(const Making *m, char *const argv[])
{
    int status = 0, log = m->quiet ? open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;

    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int to = log >= 0 ? log : m->quiet ? open("/dev/null", O_WRONLY) : 2;
        dup2(open("/dev/null", O_RDONLY), 0);
        dup2(to, 1);
        dup2(to, 2);
        if (chdir(m->project) == 0)
            execvp(argv[0], argv);
        dprintf(2, "ak: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool well = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (log >= 0 && !well)
        show_end(log);
    if (log >= 0)
        close(log);
    return well ? 0 : -1;
}

bool ak_venv_possible(void)
{
    Making m = {.quiet = true, .project = "/"};
    const char *python = ak_python_executable();
    char *argv[] = {(char *)python, (char *)"-c",
                    (char *)"import sys, importlib.util as there\n"
                            "sys.exit(not (there.find_spec('venv') and "
                            "there.find_spec('ensurepip')))",
                    NULL};

    return access(python, X_OK) == 0 && run(&m, argv) == 0;
}

/* --- The interpreter
 * ------------------------------------------------------------------------------- */

static bool is_version(const char *word)
{
    return *word && strspn(word, "0123456789.") == strlen(word);
}

/* A path is below the project unless it is absolute; a folder is an environment. */
static int find_path(Making *m, const char *word)
{
    char path[PATH_MAX + 64], way[PATH_MAX + 160];
    struct stat st;

    snprintf(path, sizeof path, "%s%s%s", *word == '/' ? "" : m->project,
             *word == '/' ? "" : "/", word);
    if (stat(path, &st) < 0)
        return ak_say_error(AK_EXIT_REFUSED, "python = \"%s\": %s: %s", word, path,
                            strerror(errno));
    snprintf(way, sizeof way, S_ISDIR(st.st_mode) ? "%s/bin/python3" : "%s", path);
    if (access(way, X_OK) < 0)
        return ak_say_error(AK_EXIT_REFUSED, "python = \"%s\": %s: %s", word, way,
                            strerror(errno));
    m->theirs = S_ISDIR(st.st_mode);
    snprintf(m->base, sizeof m->base, "%s", way);
    return 0;
}

static bool is_of(const char *version, const char *wanted)
{
    size_t len = strlen(wanted);

    return !strncmp(version, wanted, len) && (!version[len] || version[len] == '.');
}

/* What is asked for: nothing (then the setting, then the one built in), a version, a path. */
static int choose(Making *m, const AkConfig *config)
{
    const char *word = ak_member_text(m->plan, "python"),
               *usual = ak_config_text(config, "run.python");
    char builtin[32], path[PATH_MAX];
    int code = 0;

    ak_python_version(builtin, sizeof builtin);
    m->builtin = (!*word && !*usual) || !strcmp(word, builtin);
    if (m->builtin)
        snprintf(m->base, sizeof m->base, "%s", ak_python_executable());
    else if (!*word)
        snprintf(m->base, sizeof m->base, "%s", ak_venv_python(usual, path, sizeof path));
    else if (is_version(word))
        snprintf(m->base, sizeof m->base, "python%s", word);
    else
        code = find_path(m, word);
    if (code)
        return code;
    char *argv[] = {m->base, (char *)"-c",
                    (char *)"import sys; print('%d.%d.%d' % sys.version_info[:3])", NULL};
    bool runs = ask(argv, m->version, sizeof m->version);
    m->version[strcspn(m->version, "\r\n")] = '\0';
    if (!runs && !*word)
        return ak_say_error(AK_EXIT_REFUSED,
                            "the setting run.python is %s, which does not run here: `ak config "
                            "set run.python PYTHON` names another one, and '' the one built in",
                            m->base);
    if (!runs || (is_version(word) && !is_of(m->version, word)))
        return ak_say_error(AK_EXIT_REFUSED,
                            "Python %s is wanted, and %s %s: install it, or change `python` in "
                            "[tool.ak]",
                            word, m->base, runs ? "is another one" : "does not run here");
    return 0;
}

/* --- Making one
 * ------------------------------------------------------------------------------------ */

static void add_wheel(const char *dir, const char *name, FILE *to)
{
    char path[PATH_MAX + 300];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        fprintf(to, "%s %lld\n", name, (long long)st.st_size);
}

static int find_wheels(Making *m, FILE *to)
{
    const char *word = ak_member_text(m->plan, "wheels");
    struct dirent **names;
    int n;

    m->wheels[0] = '\0';
    if (!*word)
        return 0;
    snprintf(m->wheels, sizeof m->wheels, "%s%s%s", *word == '/' ? "" : m->project,
             *word == '/' ? "" : "/", word);
    n = scandir(m->wheels, &names, NULL, alphasort);
    if (n < 0)
        return ak_say_error(AK_EXIT_REFUSED, "wheels = \"%s\": %s: %s", word, m->wheels,
                            strerror(errno));
    for (int i = 0; i < n; i++) {
        add_wheel(m->wheels, names[i]->d_name, to);
        free(names[i]);
    }
    free(names);
    return 0;
}

/* Of all that decides what is in it. */
static int name_it(Making *m)
{
    char *all = NULL, *lines = json_dumps(json_object_get(m->plan, "requirements"), 0);
    size_t len = 0;
    FILE *to = open_memstream(&all, &len);

    fprintf(to, "%s %s\n%s\n", m->base, m->version, lines);
    int code = find_wheels(m, to);
    fclose(to);
    ak_sha256_hex(all, len, m->digest);
    m->digest[DIGEST] = '\0';
    snprintf(m->dir, sizeof m->dir, "%s/envs/%s", m->place->dir, m->digest);
    free(all);
    free(lines);
    return code;
}

static int write_lines(const Making *m, char *path, size_t size)
{
    size_t i;
    json_t *line;

    snprintf(path, size, "%s/requirements.txt", m->dir);
    FILE *file = fopen(path, "we");
    if (!file)
        return -1;
    json_array_foreach(json_object_get(m->plan, "requirements"), i, line)
        fprintf(file, "%s\n", json_string_value(line));
    return ak_file_end(file);
}

static int install(const Making *m)
{
    char python[1300], lines[1300];
    char *argv[16], **at = argv;

    snprintf(python, sizeof python, "%s/bin/python3", m->dir);
    if (write_lines(m, lines, sizeof lines) < 0)
        return -1;
    *at++ = python;
    *at++ = (char *)"-m";
    *at++ = (char *)"pip";
    *at++ = (char *)"install";
    *at++ = (char *)"--disable-pip-version-check";
    *at++ = (char *)"--no-input";
    if (*m->wheels) {
        *at++ = (char *)"--find-links";
        *at++ = (char *)m->wheels;
    }
    *at++ = (char *)"-r";
    *at++ = lines;
    *at = NULL;
    return run(m, argv);
}

static int finish(const Making *m)
{
    char path[1300];

    snprintf(path, sizeof path, "%s/%s", m->dir, complete);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int failed = fsync(fd);
    close(fd);
    return failed;
}

static int make(const Making *m)
{
    char *venv[] = {(char *)m->base, (char *)"-m", (char *)"venv", (char *)m->dir, NULL};
    size_t n = json_array_size(json_object_get(m->plan, "requirements"));

    ak_remove_tree(m->dir);
    if (!m->quiet)
        fprintf(stderr, "[env]  %zu requirement%s, Python %s: making %s\n", n,
                n == 1 ? "" : "s", m->version, m->dir);
    if (run(m, venv) < 0) {
        ak_remove_tree(m->dir);
        return ak_say_error(AK_EXIT_REFUSED,
                            "%s makes no environment: is its module venv there (Debian: "
                            "python3-venv)? Nothing was changed",
                            m->base);
    }
    if (install(m) < 0 || finish(m) < 0) {
        ak_remove_tree(m->dir);
        return ak_say_error(AK_EXIT_REFUSED,
                            "the requirements cannot be installed; nothing was changed");
    }
    return 0;
}

static bool is_complete(const char *dir)
{
    char path[1300];

    snprintf(path, sizeof path, "%s/%s", dir, complete);
    return access(path, F_OK) == 0;
}

static int open_lock(const char *path, int how)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0 && flock(fd, how) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Who sweeps removes the file with what it stands for: a lock on one that is gone holds nobody
 * off. */
static int take_lock(const char *dir, const char *digest, int how)
{
    char path[1300];
    struct stat st;
    int fd;

    snprintf(path, sizeof path, "%s/envs/%.64s.lock", dir, digest);
    while ((fd = open_lock(path, how)) >= 0 && (fstat(fd, &st) < 0 || !st.st_nlink))
        close(fd);
    return fd;
}

/* Under its lock, so that two deploys do not make the same one. */
static int make_once(Making *m, AkVenv *venv)
{
    char dir[1200];

    snprintf(dir, sizeof dir, "%s/envs", m->place->dir);
    if (ak_make_dirs(dir) < 0 ||
        (venv->lock = take_lock(m->place->dir, m->digest, LOCK_EX)) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", dir, strerror(errno));
    return is_complete(m->dir) ? 0 : make(m);
}

int ak_venv_prepare(const AkPlace *place, const AkConfig *config, const char *project,
                    json_t *plan, bool quiet, AkVenv *venv)
{
    Making m = {.place = place, .plan = plan, .quiet = quiet};
    const char *word = ak_member_text(plan, "python");
    bool wants = json_array_size(json_object_get(plan, "requirements")) > 0;
    char root[PATH_MAX];

    *venv = (AkVenv){-1};
    if (!wants && !*word)
        return 0;
    m.project = realpath(project, root) ? root : project;
    int code = choose(&m, config);
    if (!code && wants && !m.theirs)
        code = name_it(&m);
    if (!code && *m.digest)
        code = make_once(&m, venv);
    if (code)
        return code;
    json_t *found = json_pack("{s:s, s:b}", "version", m.version, "builtin", m.builtin);
    if (*m.digest)
        json_object_set_new(found, "digest", json_string(m.digest));
    else if (!m.builtin)
        json_object_set_new(found, "interpreter", json_string(m.base));
    json_object_set_new(plan, "environment", found);
    return 0;
}

void ak_venv_release(AkVenv *venv)
{
    if (venv->lock >= 0)
        close(venv->lock);
    venv->lock = -1;
}

/* --- Finding one
 * ----------------------------------------------------------------------------------- */

const char *ak_venv_python(const char *given, char *path, size_t size)
{
    struct stat st;

    if (stat(given, &st) < 0 || !S_ISDIR(st.st_mode))
        return given;
    snprintf(path, size, "%s/bin/python3", given);
    return path;
}

static int find_made(const AkPlace *place, const json_t *environment, AkVenvPlace *found,
                     char *why, size_t size)
{
    const char *digest = ak_member_text(environment, "digest");
    bool builtin = json_is_true(json_object_get(environment, "builtin"));
    char version[32];

    ak_python_version(version, sizeof version);
    size_t len = strlen(version);
    const char *made_for = ak_member_text(environment, "version");
    if (builtin && (strncmp(made_for, version, len) || made_for[len] != '.')) {
        snprintf(why, size, "it was deployed for Python %s, and this is %s: deploy it again",
                 made_for, version);
        return -1;
    }
    if (!*digest) {
        snprintf(found->interpreter, sizeof found->interpreter, "%s",
                 ak_member_text(environment, "interpreter"));
        return 0;
    }
    snprintf(found->dir, sizeof found->dir, "%s/envs/%s", place->dir, digest);
    if (!is_complete(found->dir)) {
        snprintf(why, size, "its environment %s is gone: deploy it again", found->dir);
        return -1;
    }
    if (!builtin) {
        snprintf(found->interpreter, sizeof found->interpreter, "%.1100s/bin/python3",
                 found->dir);
        found->dir[0] = '\0';
    }
    return 0;
}

int ak_venv_find(const AkPlace *place, const AkConfig *config, const json_t *plan,
                 AkVenvPlace *found, char *why, size_t size)
{
    const json_t *environment = json_object_get(plan, "environment");
    const char *told = ak_member_text(json_object_get(plan, "local"), "python");
    const char *usual = config ? ak_config_text(config, "run.python") : "";
    char path[1200];

    *found = (AkVenvPlace){0};
    if (environment && find_made(place, environment, found, why, size) < 0)
        return -1;
    if (*told || !environment)
        snprintf(found->interpreter, sizeof found->interpreter, "%s",
                 ak_venv_python(*told ? told : usual, path, sizeof path));
    return 0;
}

/* --- Sweeping
 * -------------------------------------------------------------------------------------- */

static int note_used(void *payload, const AkDeployment *d)
{
    json_t *plan = d->manifest ? json_loads(d->manifest, 0, NULL) : NULL;
    const char *digest = ak_member_text(json_object_get(plan, "environment"), "digest");

    if (*digest)
        json_object_set_new(payload, digest, json_true());
    json_decref(plan);
    return 0;
}

static void sweep_one(const AkPlace *place, const char *name)
{
    char path[1400];
    int lock = take_lock(place->dir, name, LOCK_EX | LOCK_NB);

    if (lock < 0)
        return; /* somebody makes it, or is about to record who has it */
    snprintf(path, sizeof path, "%s/envs/%.64s", place->dir, name);
    ak_remove_tree(path);
    strcat(path, ".lock");
    unlink(path);
    close(lock);
}

void ak_venv_sweep(const AkPlace *place, AkStore *store)
{
    char path[1200];
    json_t *used = json_object();
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/envs", place->dir);
    DIR *dir = opendir(path);
    if (dir && ak_deployment_list(store, NULL, note_used, used) == 0)
        while ((entry = readdir(dir)))
            if (strlen(entry->d_name) == DIGEST && !json_object_get(used, entry->d_name))
                sweep_one(place, entry->d_name);
    if (dir)
        closedir(dir);
    json_decref(used);
}
