/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the staging directory into the store. The worker is gone; what it left is still hostile: the
 * configuration must be a plain file, parse, and name just the layers that the worker named.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "base/units.h"
#include "engine/image_worker.h"
#include "sys/file.h"

#define MAX_PLATFORM_WORD 64

static int read_config(int staging_fd, const char *hex, struct oci_image_config *ret, struct err *e)
{
    auto_free char *path = alloc_printf("blobs/%s", hex);
    /* O_NONBLOCK: a fifo must not hold us. */
    auto_fd int fd = sys_open_beneath(staging_fd, path, O_RDONLY | O_NONBLOCK, 0);
    auto_free char *text = NULL;
    struct stat st;
    size_t n;
    int r = fd < 0 ? fd : sys_stat(fd, "", &st);

    if (r == 0 && !S_ISREG(st.st_mode))
        r = -EINVAL;
    if (r == 0)
        r = sys_read_fd(fd, OCI_CONFIG_MAX_BYTES, &text, &n);
    if (r < 0)
        return err_sys(e, r, "read the image's configuration '%s'", hex);
    return oci_image_config_parse(text, n, ret, e);
}

static int check_config(const struct oci_image_config *c, const struct image_worker_message *m,
                        struct err *e)
{
    size_t n = strv_len(c->rootfs.diff_ids);
    bool is_same = n == m->layers.len;

    for (size_t i = 0; is_same && i < n; i++)
        is_same = strcmp(c->rootfs.diff_ids[i], m->layers.items[i].diff_id) == 0;
    if (!is_same)
        return err_set(e, ERR_INVALID, "the image's configuration names other layers than it has");
    if ((c->architecture && strlen(c->architecture) > MAX_PLATFORM_WORD) ||
        (c->os && strlen(c->os) > MAX_PLATFORM_WORD))
        return err_set(e, ERR_INVALID, "the image's platform is too long");
    return 0;
}

static int commit(struct engine *en, int staging_fd, const struct image_worker_message *m,
                  const struct oci_image_config *c, char *const *names, struct err *e)
{
    struct store_image image = {.id = (char *)oci_digest_hex(m->config_digest),
                                .manifest_digest = m->manifest_digest,
                                .names = (char **)names,
                                .architecture = c->architecture,
                                .os = c->os,
                                .diff_ids = c->rootfs.diff_ids};
    VEC(struct store_new_layer) fresh = {0};
    int r;

    if (!c->created || units_rfc3339_parse(c->created, &image.created_ns) < 0)
        image.created_ns = 0; /* unknown */
    VEC_FOREACH (l, &m->layers)
        if (l->is_new)
            vec_push(&fresh, ((struct store_new_layer){l->diff_id, l->unpacked_bytes}));
    r = store_image_commit(en->store, staging_fd, &image, fresh.items, fresh.len, e);
    vec_done(&fresh);
    return r;
}

int image_commit(struct engine *en, int staging_fd, const struct image_worker_message *image,
                 char *const *names, struct err *e)
{
    struct oci_image_config config = {0};
    int r = read_config(staging_fd, oci_digest_hex(image->config_digest), &config, e);

    if (r == 0)
        r = check_config(&config, image, e);
    if (r == 0)
        r = commit(en, staging_fd, image, &config, names, e);
    oci_image_config_done(&config);
    return r;
}
