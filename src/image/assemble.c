/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/assemble.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "sys/file.h"

void assembly_done(struct assembly *a)
{
    strv_free(a->brought);
    a->brought = NULL;
}

int assembly_check(const struct oci_image_config *c, size_t n_layers, struct err *e)
{
    size_t n = strv_len(c->rootfs.diff_ids);

    if (n != n_layers)
        return err_set(e, ERR_INVALID, "the image has %zu layers, its configuration names %zu",
                       n_layers, n);
    return 0;
}

int assembly_write_blob(struct assembly *a, const char *digest, const char *text, size_t len,
                        struct err *e)
{
    auto_free char *name = alloc_printf("blobs/%s", oci_digest_hex(digest));
    int r = sys_mkdir_p(a->staging_fd, "blobs", 0700);

    if (r == 0)
        r = sys_write_file_atomic(a->staging_fd, name, text, len, 0644, 0);
    return r < 0 ? err_sys(e, r, "write the blob %s", digest) : 0;
}

struct plan {
    struct image_worker_message message; /* "image"; owns its layers */
    struct session_item *items;
    size_t *wanted;
    size_t n_wanted;
};

static void plan_done(struct plan *p)
{
    VEC_FOREACH (l, &p->message.layers) {
        free(l->diff_id);
        free(l->digest);
    }
    vec_done(&p->message.layers);
    free(p->items);
    free(p->wanted);
}

static bool is_repeated(const struct assembly_image *image, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(image->diff_ids[k], image->diff_ids[i]) == 0)
            return true;
    return false;
}

/* Rows for the message; which layers are to be unpacked. */
static void make_plan(struct assembly *a, const struct assembly_image *image, char *const *have,
                      struct plan *p)
{
    p->items = alloc_zero(image->n_layers + 1, sizeof(*p->items));
    p->wanted = alloc_zero(image->n_layers + 1, sizeof(*p->wanted));
    for (size_t i = 0; i < image->n_layers; i++) {
        const char *diff_id = image->diff_ids[i], *digest = image->layers[i].digest;
        bool is_there = strv_has(have, diff_id);
        struct image_worker_layer l = {.diff_id = alloc_strdup(diff_id),
                                       .digest = alloc_strdup(digest),
                                       .blob_bytes = MAX(image->layers[i].size, (int64_t)0)};

        snprintf(p->items[i].name, sizeof(p->items[i].name), "layer %.12s",
                 oci_digest_hex(digest ? digest : diff_id));
        l.is_new = !is_there && !strv_has(a->brought, diff_id) && !is_repeated(image, i);
        if (l.is_new)
            p->wanted[p->n_wanted++] = i;
        vec_push(&p->message.layers, l);
        session_progress(a->session, &p->items[i], is_there ? "exists" : "waiting", 0,
                         l.blob_bytes);
    }
}

static int unpack_wanted(struct assembly *a, const struct assembly_image *image,
                         const struct layer_provider *provider, struct plan *p, struct err *e)
{
    for (size_t k = 0; k < p->n_wanted; k++) {
        size_t i = p->wanted[k];
        struct image_worker_layer *l = &p->message.layers.items[i];
        struct layer_result result;
        struct layer_request q = {
            .staging_fd = a->staging_fd,
            .source = provider->source(provider->arg, i),
            .digest = image->layers[i].digest,
            .size = image->layers[i].size,
            .diff_id = image->diff_ids[i],
            .budget = &a->budget,
            .session = a->session,
            .item = &p->items[i],
        };

        if (layer_unpack(&q, &result, e) < 0)
            return -1;
        if (provider->forget)
            provider->forget(provider->arg, i);
        if (!l->digest)
            l->digest = alloc_strdup(result.digest);
        l->blob_bytes = result.blob_bytes;
        l->unpacked_bytes = result.unpacked_bytes;
        strv_add(&a->brought, l->diff_id);
        session_progress(a->session, &p->items[i], "done", l->blob_bytes, l->blob_bytes);
    }
    return 0;
}

static int verify_others(const struct assembly_image *image, const struct layer_provider *provider,
                         const struct plan *p, struct err *e)
{
    for (size_t i = 0; provider->verify && i < image->n_layers; i++)
        if (!p->message.layers.items[i].is_new && provider->verify(provider->arg, i, e) < 0)
            return -1;
    return 0;
}

int assembly_run(struct assembly *a, const struct assembly_image *image,
                 const struct layer_provider *provider, struct err *e)
{
    auto_strv have = NULL;
    struct plan p = {.message = {.type = (char *)(uintptr_t) "image",
                                 .names = image->names,
                                 .manifest_digest = (char *)(uintptr_t)image->manifest_digest,
                                 .config_digest = (char *)(uintptr_t)image->config_digest}};
    int r = session_ask_have(a->session, image->diff_ids, &have, e);

    if (r == 0) {
        make_plan(a, image, have, &p);
        if (provider->begin && p.n_wanted)
            r = provider->begin(provider->arg, p.wanted, p.n_wanted, p.items, e);
    }
    if (r == 0)
        r = verify_others(image, provider, &p, e);
    if (r == 0)
        r = unpack_wanted(a, image, provider, &p, e);
    if (provider->stop)
        provider->stop(provider->arg); /* before the items that it shows progress in are freed */
    if (r == 0) {
        r = sys_syncfs(a->staging_fd);
        if (r < 0)
            err_sys(e, r, "write the image to disk");
    }
    if (r == 0)
        r = session_send(a->session, &p.message, e);
    plan_done(&p);
    return r < 0 ? -1 : 0;
}
