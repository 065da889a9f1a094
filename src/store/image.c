/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images: rows, their two blobs (configuration and manifest), names, removal.
 */
#include "store/image.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "oci/image.h"
#include "sys/file.h"

void store_image_done(struct store_image *i)
{
    free(i->id);
    free(i->manifest_digest);
    strv_free(i->names);
    free(i->architecture);
    free(i->os);
    strv_free(i->diff_ids);
    *i = (struct store_image){0};
}

void store_image_list_done(store_image_list *l)
{
    VEC_FOREACH (i, l)
        store_image_done(i);
    vec_done(l);
}

/* ---- reading ---- */
/* The order of IMAGE_COLUMNS in queries.c. */
static int fill(struct store *s, sqlite3_stmt *st, struct store_image *ret, struct err *e)
{
    struct store_image i = {
        .id = db_text(st, 0),
        .manifest_digest = db_text(st, 1),
        .created_ns = sqlite3_column_int64(st, 2),
        .added_ns = sqlite3_column_int64(st, 3),
        .size_bytes = sqlite3_column_int64(st, 4),
        .architecture = db_text(st, 5),
        .os = db_text(st, 6),
    };

    if (db_texts(s, DB_IMAGE_NAMES, DB_ARGS(DB_TEXT(i.id)), &i.names, e) < 0 ||
        db_texts(s, DB_IMAGE_LAYERS, DB_ARGS(DB_TEXT(i.id)), &i.diff_ids, e) < 0) {
        store_image_done(&i);
        return -1;
    }
    *ret = i;
    return 0;
}

int store_image_load(struct store *s, const char *id, struct store_image *ret, struct err *e)
{
    auto_stmt *st = NULL;
    int r;

    if (db_bind(s, DB_IMAGE_BY_ID, DB_ARGS(DB_TEXT(id)), &st, e) < 0)
        return -1;
    r = db_step(s, st, e);
    return r > 0 && fill(s, st, ret, e) < 0 ? -1 : r;
}

static int list_all(struct store *s, void *arg, struct err *e)
{
    store_image_list *found = arg;
    auto_stmt *st = NULL;
    int r;

    if (db_bind(s, DB_IMAGES, DB_NO_ARGS, &st, e) < 0)
        return -1;
    while ((r = db_step(s, st, e)) > 0) {
        struct store_image i;

        if (fill(s, st, &i, e) < 0)
            return -1;
        vec_push(found, i);
    }
    return r;
}

int store_image_list_all(struct store *s, store_image_list *ret, struct err *e)
{
    store_image_list found = {0};

    if (db_read(s, list_all, &found, e) < 0) {
        store_image_list_done(&found);
        return -1;
    }
    *ret = found;
    return 0;
}

static int read_blob(struct store *s, const char *hex, size_t max, const char *what,
                     const char *image_id, char **ret, size_t *ret_len, struct err *e)
{
    auto_fd int blobs = FD_NONE;
    int r;

    if (store_open_dir(s, "blobs/sha256", &blobs, e) < 0)
        return -1;
    r = sys_read_file(blobs, hex, max, ret, ret_len);
    if (r == -ENOENT)
        return err_set(e, ERR_IO,
                       "the %s of image '%s' is missing from the store: pull the image again to "
                       "repair it",
                       what, image_id);
    return r < 0 ? err_sys(e, r, "read the %s of image '%s'", what, image_id) : 0;
}

static int load_known(struct store *s, const char *id, struct store_image *ret, struct err *e)
{
    int r = store_image_load(s, id, ret, e);

    return r == 0 ? err_set(e, ERR_NOT_FOUND, "%s: image not known", id) : r;
}

int store_image_read_config(struct store *s, const char *id, char **ret_text, size_t *ret_len,
                            struct err *e)
{
    int r = store_id_is_valid(id) ? db_exists(s, DB_IMAGE_BY_ID, id, e) : 0;

    if (r <= 0)
        return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "%s: image not known", id);
    return read_blob(s, id, OCI_CONFIG_MAX_BYTES, "configuration", id, ret_text, ret_len, e);
}

int store_image_read_manifest(struct store *s, const char *id, char **ret_text, size_t *ret_len,
                              struct err *e)
{
    struct store_image i = {0};
    int r;

    if (load_known(s, id, &i, e) < 0)
        return -1;
    r = read_blob(s, oci_digest_hex(i.manifest_digest), OCI_MANIFEST_MAX_BYTES, "manifest", id,
                  ret_text, ret_len, e);
    store_image_done(&i);
    return r;
}

/* ---- names ---- */
struct tag {
    const char *id;
    const char *name;
};

static int put_tag(struct store *s, void *arg, struct err *e)
{
    const struct tag *t = arg;
    int r = db_exists(s, DB_IMAGE_BY_ID, t->id, e);

    if (r <= 0)
        return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "%s: image not known", t->id);
    return db_run(s, DB_TAG_PUT, DB_ARGS(DB_TEXT(t->name), DB_TEXT(t->id)), e);
}

int store_image_tag(struct store *s, const char *id, const char *complete_reference, struct err *e)
{
    struct tag t = {.id = id, .name = complete_reference};

    return db_write(s, DB_SYNC_NORMAL, put_tag, &t, e);
}

static int delete_tag(struct store *s, void *arg, struct err *e)
{
    const char *name = arg;

    if (db_run(s, DB_TAG_DELETE, DB_ARGS(DB_TEXT(name)), e) < 0)
        return -1;
    return db_changed(s) ? 0 : err_set(e, ERR_NOT_FOUND, "%s: image not known", name);
}

int store_image_untag(struct store *s, const char *complete_reference, struct err *e)
{
    return db_write(s, DB_SYNC_NORMAL, delete_tag, (void *)complete_reference, e);
}

/* ---- removal ---- */
static int delete_rows(struct store *s, void *arg, struct err *e)
{
    const char *id = arg;
    auto_strv users = NULL;

    if (db_texts(s, DB_IMAGE_USERS, DB_ARGS(DB_TEXT(id)), &users, e) < 0)
        return -1;
    if (users)
        return err_set(e, ERR_CONFLICT,
                       "image is in use by container %s: consider removing the "
                       "container first",
                       users[0]);
    if (db_run(s, DB_IMAGE_DELETE, DB_ARGS(DB_TEXT(id)), e) < 0)
        return -1;
    if (db_changed(s) == 0)
        return err_set(e, ERR_NOT_FOUND, "%s: image not known", id);
    return db_run(s, DB_LAYERS_DELETE_UNUSED, DB_NO_ARGS, e);
}

/* The rows' end must be on the disk before the data goes: an image that comes back after a power
 * loss would have no layers. */
int store_image_remove(struct store *s, const char *id, struct err *e)
{
    store_mark_garbage(s);
    if (db_write_removal(s, DB_SYNC_FULL, delete_rows, (void *)id, e) < 0)
        return -1;
    return store_sweep(s, e);
}
