/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layers: unpacked trees, shared by images, named by the hex of their diffID.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/strv.h"
#include "oci/image.h"
#include "store/db.h"
#include "sys/file.h"

/* 1 when the layer has both its row and its tree. A row without a tree is damage that a new pull
 * heals. */
static int is_present(struct store *s, int layers, const char *diff_id, struct err *e)
{
    struct stat st;
    int r = db_exists(s, DB_LAYER_EXISTS, diff_id, e);

    if (r <= 0)
        return r;
    r = sys_lstat(layers, oci_digest_hex(diff_id), &st);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_sys(e, r, "look for layer '%s'", diff_id);
    return S_ISDIR(st.st_mode);
}

int store_layers_present(struct store *s, char *const *diff_ids, char ***ret_present, struct err *e)
{
    auto_strv present = NULL;
    auto_fd int layers = FD_NONE;

    if (s->db && store_open_dir(s, "layers", &layers, e) < 0)
        return -1;
    STRV_FOREACH (id, diff_ids) {
        int r;

        if (!oci_digest_is_valid(*id))
            return err_set(e, ERR_INVALID, "'%s' is not a digest", *id);
        r = is_present(s, layers, *id, e);
        if (r < 0)
            return -1;
        if (r > 0)
            strv_add(&present, *id);
    }
    *ret_present = take_ptr(&present);
    return 0;
}

void store_fd_list_done(store_fd_list *l)
{
    VEC_FOREACH (fd, l)
        fd_close(*fd);
    vec_done(l);
}

static int open_layers(struct store *s, const char *image_id, char *const *diff_ids,
                       store_fd_list *fds, struct err *e)
{
    auto_fd int layers = FD_NONE;

    if (store_open_dir(s, "layers", &layers, e) < 0)
        return -1;
    for (size_t i = strv_len(diff_ids); i-- > 0;) {
        int fd = sys_open_beneath(layers, oci_digest_hex(diff_ids[i]), O_PATH | O_DIRECTORY, 0);

        if (fd == -ENOENT || fd == -ENOTDIR)
            return err_set(e, ERR_IO,
                           "layer '%s' of image '%s' is missing from the store: pull the image "
                           "again to repair it",
                           diff_ids[i], image_id);
        if (fd < 0)
            return err_sys(e, fd, "open layer '%s' of image '%s'", diff_ids[i], image_id);
        vec_push(fds, fd);
    }
    return 0;
}

int store_image_open_layers(struct store *s, const char *image_id, store_fd_list *ret,
                            struct err *e)
{
    store_fd_list fds = {0};
    auto_strv diff_ids = NULL;
    int r = db_exists(s, DB_IMAGE_BY_ID, image_id, e);

    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(e, ERR_NOT_FOUND, "%s: image not known", image_id);
    if (db_texts(s, DB_IMAGE_LAYERS, DB_ARGS(DB_TEXT(image_id)), &diff_ids, e) < 0)
        return -1;
    if (open_layers(s, image_id, diff_ids, &fds, e) < 0) {
        store_fd_list_done(&fds);
        return -1;
    }
    *ret = fds;
    return 0;
}
