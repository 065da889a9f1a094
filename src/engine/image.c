/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images for users: pull, load, tag, remove.
 *
 * A pull and a load are one thing: a staging directory, a worker that fills it, a commit. The names
 * that a pull gives are the caller's, never the worker's: a hostile registry cannot have its image
 * take another one's name. Those of an archive come from the archive, as with docker and podman.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strv.h"
#include "engine/image_worker.h"
#include "image/reference.h"

#define DEFAULT_HOST    "docker.io"
#define LOCAL_HOST      "localhost"
#define MAX_LOAD_IMAGES 1000

static int complete(const char *typed, const char *host, struct image_reference *ret, struct err *e)
{
    if (image_reference_parse(typed, ret, e) < 0)
        return -1;
    image_reference_complete(ret, host);
    return 0;
}

/* Under which name an image is kept that was asked for like this: a digest goes before a tag. */
static char *stored_name(const struct image_reference *r)
{
    auto_free char *name = image_reference_name(r);

    return r->digest ? alloc_printf("%s@%s", name, r->digest) : alloc_printf("%s:%s", name, r->tag);
}

static char *host_platform(void)
{
    const char *variant = oci_host_variant();

    return alloc_printf("linux/%s%s%s", oci_host_architecture(), *variant ? "/" : "", variant);
}

/* ---- pull and load ---- */
struct fetch {
    struct image_worker_request request;
    int archive_fd;
    const char *name; /* what the one image is to be called; NULL: what the worker says */
    struct image_talk talk;
    char **ids;   /* of the committed images */
    char **names; /* of the committed images */
};

static int commit_all(struct engine *en, struct fetch *f, int staging_fd, struct err *e)
{
    VEC_FOREACH (i, &f->talk.images) {
        char *const one[] = {(char *)f->name, NULL};
        char *const *names = f->name ? one : i->names;

        if (image_commit(en, staging_fd, i, names, e) < 0)
            return -1;
        strv_add(&f->ids, oci_digest_hex(i->config_digest));
        if (names && *names)
            strv_extend(&f->names, names);
        else
            strv_add(&f->names, i->config_digest);
    }
    return 0;
}

static int fetch(struct engine *en, struct fetch *f, struct err *e)
{
    auto_fd int staging = FD_NONE;
    auto_free char *name = NULL;
    struct err cleaning = {0};
    int r;

    f->talk.store = en->store;
    if (store_staging_open(en->store, f->request.op, &staging, &name, e) < 0)
        return -1;
    r = image_worker_run(en, &f->request, staging, f->archive_fd, &f->talk, e);
    if (r == 0)
        r = commit_all(en, f, staging, e);
    staging = fd_close(staging);
    if (store_staging_remove(en->store, name, &cleaning) < 0 ||
        store_sweep(en->store, &cleaning) < 0)
        log_warn("clean up behind the image worker: %s, ignoring", cleaning.msg);
    image_talk_done(&f->talk);
    return r;
}

int engine_image_pull(struct engine *en, const struct engine_pull *p, char **ret_id, struct err *e)
{
    struct image_reference reference = {0};
    auto_free char *platform = p->platform ? alloc_strdup(p->platform) : host_platform();
    auto_free char *text = NULL, *name = NULL;
    struct fetch f = {.archive_fd = FD_NONE};
    int r;

    if (complete(p->reference, DEFAULT_HOST, &reference, e) < 0)
        return -1;
    text = image_reference_text(&reference);
    name = stored_name(&reference);
    image_reference_done(&reference);
    f.name = name;
    f.talk.progress = p->progress;
    f.talk.arg = p->arg;
    f.talk.max_images = 1;
    f.request = (struct image_worker_request){.op = (char *)"pull",
                                              .reference = text,
                                              .platform = platform,
                                              .username = (char *)p->username,
                                              .password = (char *)p->password,
                                              .plain_http_allowed = !p->tls_verify,
                                              .cert_dir = (char *)p->cert_dir};
    r = fetch(en, &f, e);
    if (r == 0 && ret_id)
        *ret_id = alloc_strdup(f.ids[0]);
    strv_free(f.ids);
    strv_free(f.names);
    return r;
}

int engine_image_load(struct engine *en, int fd, const char *name, engine_progress_fn *progress,
                      void *arg, char ***ret_names, struct err *e)
{
    struct image_reference reference = {0};
    auto_free char *platform = host_platform();
    auto_free char *text = NULL;
    struct fetch f = {.archive_fd = fd};
    int r;

    if (name) {
        if (complete(name, LOCAL_HOST, &reference, e) < 0)
            return -1;
        text = image_reference_text(&reference);
        image_reference_done(&reference);
    }
    f.talk.progress = progress;
    f.talk.arg = arg;
    f.talk.max_images = MAX_LOAD_IMAGES;
    f.request = (struct image_worker_request){.op = (char *)"load",
                                              .reference = text,
                                              .platform = platform};
    r = fetch(en, &f, e);
    if (r == 0)
        *ret_names = take_ptr(&f.names);
    strv_free(f.ids);
    strv_free(f.names);
    return r;
}

/* ---- names ---- */
int engine_image_tag(struct engine *en, const char *name, const char *new_name, struct err *e)
{
    struct image_reference reference = {0};
    struct store_image image = {0};
    auto_free char *text = NULL;
    int r;

    if (complete(new_name, LOCAL_HOST, &reference, e) < 0)
        return -1;
    if (reference.digest) {
        image_reference_done(&reference);
        return err_set(e, ERR_INVALID, "tag '%s': a digest cannot be given", new_name);
    }
    text = image_reference_text(&reference);
    image_reference_done(&reference);
    if (store_image_find(en->store, name, &image, e) < 0)
        return -1;
    r = store_image_tag(en->store, image.id, text, e);
    store_image_done(&image);
    return r;
}

/* ---- removal ---- */
static int remove_users(struct engine *en, const char *image_id, struct err *e)
{
    store_container_list all = {0};
    int r;

    if (store_container_list_all(en->store, &all, e) < 0)
        return -1;
    r = 0;
    VEC_FOREACH (c, &all) {
        auto_free char *id = NULL;

        if (r < 0 || !c->image_id || strcmp(c->image_id, image_id) != 0)
            continue;
        r = engine_container_remove(en, c->id, ENGINE_REMOVE_FORCE | ENGINE_REMOVE_IGNORE_MISSING,
                                    -1, &id, e);
    }
    store_container_list_done(&all);
    return r;
}

static int refuse_tagged(const struct store_image *i, struct err *e)
{
    auto_free char *names = strv_join(i->names, " ");

    return err_set(e, ERR_CONFLICT,
                   "unable to delete image '%s' by ID with more than one tag ([%s]): please force "
                   "removal",
                   i->id, names);
}

static int remove_whole(struct engine *en, const struct store_image *i, bool force,
                        char ***ret_lines, struct err *e)
{
    auto_strv lines = NULL;

    if (force && remove_users(en, i->id, e) < 0)
        return -1;
    if (store_image_remove(en->store, i->id, e) < 0)
        return -1;
    STRV_FOREACH (name, i->names)
        strv_addf(&lines, "Untagged: %s", *name);
    strv_addf(&lines, "Deleted: %s", i->id);
    *ret_lines = take_ptr(&lines);
    return 0;
}

static int untag(struct engine *en, const char *name, char ***ret_lines, struct err *e)
{
    char **lines = NULL;

    if (store_image_untag(en->store, name, e) < 0)
        return -1;
    strv_addf(&lines, "Untagged: %s", name);
    *ret_lines = lines;
    return 0;
}

int engine_image_remove(struct engine *en, const char *name, bool force, char ***ret_lines,
                        struct err *e)
{
    struct store_image image = {0};
    auto_free char *fitting = NULL;
    bool has_more_names;
    int r;

    if (store_image_find_name(en->store, name, &image, &fitting, e) < 0)
        return -1;
    has_more_names = strv_len(image.names) > 1;
    /* NAME@DIGEST means the image, whatever name it came by, unless that is a name of its own. */
    if (fitting && has_more_names && (!strchr(name, '@') || strchr(fitting, '@')))
        r = untag(en, fitting, ret_lines, e);
    else if (has_more_names && !force)
        r = refuse_tagged(&image, e);
    else
        r = remove_whole(en, &image, force, ret_lines, e);
    store_image_done(&image);
    return r;
}
