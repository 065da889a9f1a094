/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pull: manifest (an index leads to the platform's manifest), configuration, then the layers that
 * the store does not have. Every text is checked against the digest by which it was named.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "image/fetch.h"
#include "image/reference.h"
#include "image/registry.h"
#include "image/worker_private.h"

struct pull {
    struct worker *worker;
    struct image_reference reference;
    struct registry *registry;
    struct registry_manifest manifest;
    struct oci_manifest m;
    char *config_text;
    size_t config_len;
    struct oci_image_config config;
    struct fetch *fetch;
    size_t *place; /* layer -> its number in the fetch */
};

static int select_platform(struct pull *p, struct err *e)
{
    struct oci_index index = {0};
    const struct oci_descriptor *d;
    struct registry_manifest chosen = {0};
    int r;

    if (oci_index_parse(p->manifest.text, p->manifest.len, &index, e) < 0)
        return -1;
    d = oci_index_select(&index, p->worker->request.platform);
    if (!d)
        r = err_set(e, ERR_NOT_FOUND, "the image has no variant for the platform '%s'",
                    p->worker->request.platform);
    else
        r = registry_get_manifest(p->registry, d->digest, &chosen, e);
    if (r == 0 && (int64_t)chosen.len != d->size)
        r = err_set(e, ERR_INVALID, "the manifest %s has %zu bytes instead of %lld", d->digest,
                    chosen.len, (long long)d->size);
    if (r == 0) {
        registry_manifest_done(&p->manifest);
        p->manifest = chosen;
        chosen = (struct registry_manifest){0};
    }
    registry_manifest_done(&chosen);
    oci_index_done(&index);
    return r;
}

static int get_manifest(struct pull *p, struct err *e)
{
    const struct image_reference *ref = &p->reference;
    const char *what = ref->digest ? ref->digest : ref->tag;
    enum oci_manifest_kind kind;

    if (registry_get_manifest(p->registry, what, &p->manifest, e) < 0 ||
        oci_manifest_kind_of(p->manifest.text, p->manifest.len, p->manifest.media_type, &kind, e) <
            0)
        return -1;
    if (kind == OCI_KIND_INDEX) {
        if (select_platform(p, e) < 0 || oci_manifest_kind_of(p->manifest.text, p->manifest.len,
                                                              p->manifest.media_type, &kind, e) < 0)
            return -1;
        if (kind == OCI_KIND_INDEX)
            return err_set(e, ERR_UNSUPPORTED, "an index inside an index");
    }
    return oci_manifest_parse(p->manifest.text, p->manifest.len, &p->m, e);
}

static int get_config(struct pull *p, struct err *e)
{
    if (registry_get_blob(p->registry, p->m.config.digest, p->m.config.size, OCI_CONFIG_MAX_BYTES,
                          &p->config_text, &p->config_len, e) < 0 ||
        oci_image_config_parse(p->config_text, p->config_len, &p->config, e) < 0)
        return err_wrap(e, "the image's configuration");
    return assembly_check(&p->config, p->m.layers.len, e);
}

/* ---- layers ---- */

static int begin_layers(void *arg, const size_t *wanted, size_t n, struct session_item *items,
                        struct err *e)
{
    struct pull *p = arg;
    auto_free struct fetch_blob *blobs = alloc_zero(n, sizeof(*blobs));
    struct worker *w = p->worker;

    p->place = alloc_zero(p->m.layers.len, sizeof(*p->place));
    for (size_t k = 0; k < n; k++) {
        const struct oci_descriptor *d = &p->m.layers.items[wanted[k]];

        blobs[k] =
            (struct fetch_blob){.digest = d->digest, .size = d->size, .item = &items[wanted[k]]};
        p->place[wanted[k]] = k;
    }
    return fetch_start(p->registry, &w->session, w->assembly.staging_fd, blobs, n, &p->fetch, e);
}

static struct layer_source source_of(void *arg, size_t layer)
{
    struct pull *p = arg;

    return fetch_source(p->fetch, p->place[layer]);
}

static void forget_layer(void *arg, size_t layer)
{
    struct pull *p = arg;

    fetch_forget(p->fetch, p->place[layer]);
}

static void stop_layers(void *arg)
{
    struct pull *p = arg;

    fetch_free(take_ptr(&p->fetch));
}

static int assemble(struct pull *p, struct err *e)
{
    struct assembly *a = &p->worker->assembly;
    auto_strv names = NULL;
    struct assembly_image image = {
        .manifest_digest = p->manifest.digest,
        .config_digest = p->m.config.digest,
        .diff_ids = p->config.rootfs.diff_ids,
        .layers = p->m.layers.items,
        .n_layers = p->m.layers.len,
    };
    struct layer_provider provider = {.begin = begin_layers,
                                      .source = source_of,
                                      .forget = forget_layer,
                                      .stop = stop_layers,
                                      .arg = p};

    if (p->reference.digest) { /* a name by digest replaces the one by tag, as in other engines */
        free(p->reference.tag);
        p->reference.tag = NULL;
    }
    strv_take(&names, image_reference_text(&p->reference));
    image.names = names;
    if (assembly_write_blob(a, image.manifest_digest, p->manifest.text, p->manifest.len, e) < 0 ||
        assembly_write_blob(a, image.config_digest, p->config_text, p->config_len, e) < 0)
        return -1;
    return assembly_run(a, &image, &provider, e);
}

static void pull_done(struct pull *p)
{
    registry_free(p->registry);
    free(p->place);
    free(p->config_text);
    registry_manifest_done(&p->manifest);
    oci_image_config_done(&p->config);
    oci_manifest_done(&p->m);
    image_reference_done(&p->reference);
}

int worker_pull(struct worker *w, struct err *e)
{
    struct pull p = {.worker = w};
    int r = -1;

    if (!w->request.reference || !w->request.platform)
        return err_set(e, ERR_INVALID, "a pull needs a reference and a platform");
    if (image_reference_parse(w->request.reference, &p.reference, e) < 0)
        return -1;
    if (!p.reference.host || (!p.reference.tag && !p.reference.digest)) {
        image_reference_done(&p.reference);
        return err_set(e, ERR_INVALID, "the reference '%s' is not complete", w->request.reference);
    }
    p.registry = registry_new(&w->request, &p.reference, &w->trust);
    if (get_manifest(&p, e) == 0 && get_config(&p, e) == 0)
        r = assemble(&p, e);
    pull_done(&p);
    return r < 0 ? err_wrap(e, "%s", w->request.reference) : 0;
}
