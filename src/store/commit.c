/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A finished image goes from its staging directory into the store: data by rename, directories
 * synced, then all rows in one transaction.
 *
 * Trust: the staging directory was filled by the worker, which parsed hostile bytes. Names come
 * from digests that are checked here to be digests; "layers" and "blobs" are opened without
 * following links; what a rename brought is looked at after it has left the worker's reach, and
 * must be a directory (a layer) or a regular file (a blob).
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "base/units.h"
#include "oci/image.h"
#include "store/image.h"
#include "sys/file.h"

struct commit {
    const struct store_image *image;
    const struct store_new_layer *new_layers;
    size_t n_new_layers;
    int staging_fd;
    int64_t now_ns;
};

static int check(const struct commit *c, struct err *e)
{
    const struct store_image *i = c->image;

    if (!i->id || !store_id_is_valid(i->id))
        return err_set(e, ERR_INVALID, "'%s' is not an image's id", i->id ? i->id : "");
    if (!i->manifest_digest || !oci_digest_is_valid(i->manifest_digest))
        return err_set(e, ERR_INVALID, "the manifest of image '%s' has no valid digest", i->id);
    if (strv_len(i->diff_ids) > OCI_MAX_LAYERS || c->n_new_layers > OCI_MAX_LAYERS)
        return err_set(e, ERR_LIMIT, "image '%s' has more than %d layers", i->id, OCI_MAX_LAYERS);
    STRV_FOREACH (id, i->diff_ids)
        if (!oci_digest_is_valid(*id))
            return err_set(e, ERR_INVALID, "a layer of image '%s' has no valid digest", i->id);
    for (size_t n = 0; n < c->n_new_layers; n++)
        if (!strv_has(i->diff_ids, c->new_layers[n].diff_id) || c->new_layers[n].unpacked_bytes < 0)
            return err_set(e, ERR_INVALID, "a new layer is none of image '%s'", i->id);
    return 0;
}

static int open_staged(int staging_fd, const char *name, int *ret, struct err *e)
{
    int fd = sys_open_beneath(staging_fd, name, O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return err_sys(e, fd, "open '%s' of the staging directory", name);
    *ret = fd;
    return 0;
}

/* What is at dir/name must be of this type: 1 yes, 0 nothing there; anything else is removed. */
static int check_type(int dir, const char *name, mode_t type, struct err *e)
{
    struct stat st;
    int r = sys_lstat(dir, name, &st);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_sys(e, r, "look at '%s' in the store", name);
    if ((st.st_mode & S_IFMT) == type)
        return 1;
    (void)sys_remove_tree(dir, name); /* else the sweep does: it has no row */
    return err_set(e, ERR_INVALID, "'%s' of the staging directory is not a %s", name,
                   type == S_IFDIR ? "directory" : "file");
}

/* Another pull may have brought the layer meanwhile, and an image may name a layer twice: whoever
 * comes second keeps what is there. */
static int move_layer(int from, int to, const char *hex, struct err *e)
{
    int r = sys_rename_noreplace(from, hex, to, hex);

    if (r < 0 && r != -EEXIST && r != -ENOENT && r != -ENOTEMPTY)
        return err_sys(e, r, "move layer '%s' into the store", hex);
    return 0;
}

static int move_layers(struct store *s, const struct commit *c, struct err *e)
{
    auto_fd int from = FD_NONE, to = FD_NONE;
    int r;

    if (store_open_dir(s, "layers", &to, e) < 0)
        return -1;
    if (c->n_new_layers > 0 && open_staged(c->staging_fd, "layers", &from, e) < 0)
        return -1;
    for (size_t i = 0; i < c->n_new_layers; i++)
        if (move_layer(from, to, oci_digest_hex(c->new_layers[i].diff_id), e) < 0)
            return -1;
    STRV_FOREACH (id, c->image->diff_ids) {
        r = check_type(to, oci_digest_hex(*id), S_IFDIR, e);
        if (r < 0)
            return -1;
        if (r == 0)
            return err_set(e, ERR_IO, "layer '%s' of image '%s' is neither new nor in the store",
                           *id, c->image->id);
    }
    r = sys_fsync(to);
    return r < 0 ? err_sys(e, r, "sync '%s/layers'", s->root) : 0;
}

/* Replaces what is there: the content is the same, unless the store's is damaged. */
static int move_blob(int from, int to, const char *hex, struct err *e)
{
    int r = sys_rename(from, hex, to, hex);

    if (r < 0 && r != -ENOENT)
        return err_sys(e, r, "move blob '%s' into the store", hex);
    r = check_type(to, hex, S_IFREG, e);
    return r == 0 ? err_set(e, ERR_IO, "blob '%s' is neither new nor in the store", hex)
                  : MIN(r, 0);
}

static int move_blobs(struct store *s, const struct commit *c, struct err *e)
{
    auto_fd int from = FD_NONE, to = FD_NONE;
    int r;

    if (store_open_dir(s, "blobs/sha256", &to, e) < 0 ||
        open_staged(c->staging_fd, "blobs", &from, e) < 0 ||
        move_blob(from, to, c->image->id, e) < 0 ||
        move_blob(from, to, oci_digest_hex(c->image->manifest_digest), e) < 0)
        return -1;
    r = sys_fsync(to);
    return r < 0 ? err_sys(e, r, "sync '%s/blobs'", s->root) : 0;
}

static int put_layers(struct store *s, const struct commit *c, struct err *e)
{
    const struct store_image *i = c->image;

    for (size_t n = 0; n < c->n_new_layers; n++)
        if (db_run(s, DB_LAYER_PUT,
                   DB_ARGS(DB_TEXT(c->new_layers[n].diff_id),
                           DB_INT(c->new_layers[n].unpacked_bytes)),
                   e) < 0)
            return -1;
    if (db_run(s, DB_IMAGE_LAYERS_CLEAR, DB_ARGS(DB_TEXT(i->id)), e) < 0)
        return -1;
    for (size_t n = 0; i->diff_ids && i->diff_ids[n]; n++) {
        /* Its last image may have gone after this pull was told that it is present. */
        if (db_run(s, DB_LAYER_PUT, DB_ARGS(DB_TEXT(i->diff_ids[n]), DB_INT(0)), e) < 0 ||
            db_run(s, DB_IMAGE_LAYER_PUT,
                   DB_ARGS(DB_TEXT(i->id), DB_INT((int64_t)n), DB_TEXT(i->diff_ids[n])), e) < 0)
            return -1;
    }
    return db_run(s, DB_IMAGE_SET_SIZE, DB_ARGS(DB_TEXT(i->id)), e);
}

static int put_rows(struct store *s, void *arg, struct err *e)
{
    const struct commit *c = arg;
    const struct store_image *i = c->image;

    if (db_run(s, DB_IMAGE_PUT,
               DB_ARGS(DB_TEXT(i->id), DB_TEXT(i->manifest_digest), DB_INT(i->created_ns),
                       DB_INT(c->now_ns), DB_TEXT(i->architecture ? i->architecture : ""),
                       DB_TEXT(i->os ? i->os : "")),
               e) < 0 ||
        put_layers(s, c, e) < 0)
        return -1;
    STRV_FOREACH (name, i->names)
        if (db_run(s, DB_TAG_PUT, DB_ARGS(DB_TEXT(*name), DB_TEXT(i->id)), e) < 0)
            return -1;
    return 0;
}

int store_image_commit(struct store *s, int staging_fd, const struct store_image *image,
                       const struct store_new_layer *new_layers, size_t n_new_layers, struct err *e)
{
    struct commit c = {.image = image,
                       .new_layers = new_layers,
                       .n_new_layers = n_new_layers,
                       .staging_fd = staging_fd,
                       .now_ns = units_now_ns()};
    int r;

    if (store_need_write(s, e) < 0 || check(&c, e) < 0 || store_guard_take(s, e) < 0)
        return -1;
    r = move_layers(s, &c, e) < 0 || move_blobs(s, &c, e) < 0 ||
                db_write(s, DB_SYNC_FULL, put_rows, &c, e) < 0
            ? -1
            : 0;
    store_guard_drop(s);
    return r;
}
