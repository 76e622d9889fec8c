#define _GNU_SOURCE
#include "case_stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "bundle.h"
#include "manifest.h"
#include "sha256.h"

static const char stubs_name[] = "stubs/";
static const char bare_manifest[] = "version: v1\n\nproject:\n  name: case\n";

static int fail(char *why, size_t size, const char *path)
{
    snprintf(why, size, "%s: %s", path, strerror(errno));
    return -1;
}

/* --- Files
 * ------------------------------------------------------------------------------------------ */

static int write_file(const char *path, AkBytes text)
{
    if (ak_make_parents(path) < 0)
        return -1;
    FILE *file = fopen(path, "we");
    if (!file)
        return -1;
    fwrite(text.at, 1, text.len, file);
    return ak_file_end(file);
}

/* The files of the project that the case lies in, as a deploy would take them. */
static int copy_project(const AkCase *c, const AkStage *stage, char *why, size_t size)
{
    AkText tar = {0};
    int failed = ak_bundle_pack_tracked(c->project, &tar, why, size);

    if (!failed && ak_bundle_unpack((AkBytes){tar.at, tar.len}, stage->dir) < 0)
        failed = fail(why, size, stage->dir);
    ak_text_free(&tar);
    return failed;
}

static bool is_stub(AkBytes path)
{
    return path.len > sizeof stubs_name - 1 &&
           !memcmp(path.at, stubs_name, sizeof stubs_name - 1);
}

static int put_file(const AkTxtarFile *file, AkStage *stage, char *why, size_t size)
{
    AkBytes name = ak_case_path(file->name);
    char path[PATH_MAX + 600];

    if (is_stub(name)) {
        size_t skip = sizeof stubs_name - 1;
        snprintf(path, sizeof path, "%s/%.*s", stage->stubs, (int)(name.len - skip),
                 name.at + skip);
    } else {
        snprintf(path, sizeof path, "%s/%.*s", stage->dir, (int)name.len, name.at);
        /* One without content stands for the project's own. */
        if (!file->text.len && access(path, F_OK) == 0)
            return 0;
    }
    return write_file(path, file->text) < 0 ? fail(why, size, path) : 0;
}

static int put_files(const AkCase *c, AkStage *stage, char *why, size_t size)
{
    char path[PATH_MAX + 64];
    bool stubs = false;

    for (size_t i = 0; i < c->archive.len; i++) {
        const AkTxtarFile *file = &c->archive.files[i];
        if (!ak_case_is_program(file->name))
            continue;
        if (put_file(file, stage, why, size))
            return -1;
        stubs |= is_stub(file->name);
    }
    if (!stubs)
        stage->stubs[0] = '\0';
    snprintf(path, sizeof path, "%s/%s", stage->dir, AK_MANIFEST_NAME);
    if (access(path, F_OK) == 0)
        return 0;
    stage->bare = true;
    return write_file(path, ak_bytes(bare_manifest)) < 0 ? fail(why, size, path) : 0;
}

/* --- The deployment
 * ------------------------------------------------------------------------------- */

static int read_plan(const AkStage *stage, AkManifest *m, char *why, size_t size)
{
    int line = 1;

    if (ak_manifest_read(stage->dir, m) < 0)
        return fail(why, size, AK_MANIFEST_NAME);
    /* Without a manifest of its own a program may subscribe to anything. */
    if (stage->bare)
        json_object_del(m->plan, "triggers");
    if (!m->mistakes_len)
        return 0;
    for (size_t i = 0; i < m->mistakes[0].start && i < m->len; i++)
        line += m->text[i] == '\n';
    snprintf(why, size, "%s:%d: %s", AK_MANIFEST_NAME, line, m->mistakes[0].message);
    return -1;
}

static int set_vars(const AkCase *c, AkStage *stage)
{
    const char *name;
    json_t *value;
    int fault = ak_var_set(
        stage->store,
        &(AkVar){.project_id = stage->project, .name = "AK_TEST_CLOCK", .value = "1"});

    if (!fault && *stage->stubs)
        fault = ak_var_set(
            stage->store,
            &(AkVar){.project_id = stage->project, .name = "AK_STUBS", .value = stage->stubs});
    json_object_foreach(c->vars, name, value) if (!fault) fault =
        ak_var_set(stage->store, &(AkVar){.project_id = stage->project,
                                          .name = name,
                                          .value = json_string_value(value)});
    return fault;
}

static int admit(const AkCase *c, AkStage *stage, const json_t *request, char *why, size_t size)
{
    int fault = ak_store_begin(stage->store);
    json_t *answer = fault ? NULL : ak_admin(stage->store, request);
    const char *error = json_string_value(json_object_get(answer, "error"));

    if (!answer || error) {
        snprintf(why, size, "%s", error ? error : ak_store_error(stage->store));
        fault = -1;
    } else {
        snprintf(stage->project, sizeof stage->project, "%s",
                 json_string_value(json_object_get(answer, "project_id")));
        snprintf(stage->deployment, sizeof stage->deployment, "%s",
                 json_string_value(json_object_get(answer, "deployment_id")));
        fault = set_vars(c, stage);
        if (!fault)
            fault = ak_store_commit(stage->store);
        if (fault)
            snprintf(why, size, "%s", ak_store_error(stage->store));
    }
    json_decref(answer);
    return fault ? -1 : 0;
}

static int deploy(const AkHome *home, const AkCase *c, AkStage *stage, const json_t *plan,
                  char *why, size_t size)
{
    char path[PATH_MAX + 16], digest[65];
    AkText tar = {0};
    int failed = ak_bundle_pack(stage->dir, &tar, why, size);

    snprintf(path, sizeof path, "%s/case.tar", home->place.dir);
    if (!failed && write_file(path, (AkBytes){tar.at, tar.len}) < 0)
        failed = fail(why, size, path);
    if (!failed) {
        ak_sha256_hex(tar.at, tar.len, digest);
        json_t *request =
            json_pack("{s:s, s:O, s:s, s:s, s:{s:s}}", "op", "deploy", "plan", plan, "bundle",
                      path, "dialect", c->dialect, "verdict", "content", digest);
        failed = admit(c, stage, request, why, size);
        json_decref(request);
    }
    ak_text_free(&tar);
    return failed;
}

int ak_stage_set(const AkHome *home, const AkCase *c, AkStage *stage, char *why, size_t size)
{
    AkManifest manifest = {0};

    *stage = (AkStage){.store = ak_store_open_memory()};
    snprintf(stage->dir, sizeof stage->dir, "%.4000s/case", home->place.dir);
    snprintf(stage->stubs, sizeof stage->stubs, "%.4000s/stubs", home->place.dir);
    ak_remove_tree(stage->dir);
    ak_remove_tree(stage->stubs);
    if (!stage->store) {
        snprintf(why, size, "out of memory");
        return -1;
    }
    int failed = *c->project ? copy_project(c, stage, why, size) : 0;
    if (!failed && ak_make_dirs(stage->dir) < 0)
        failed = fail(why, size, stage->dir);
    if (!failed)
        failed = put_files(c, stage, why, size);
    if (!failed)
        failed = read_plan(stage, &manifest, why, size);
    if (!failed)
        failed = deploy(home, c, stage, manifest.plan, why, size);
    ak_manifest_free(&manifest);
    return failed;
}

void ak_stage_clear(AkStage *stage)
{
    ak_store_close(stage->store);
    *stage = (AkStage){0};
}
