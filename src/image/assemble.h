/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What pull and load have in common: an image whose manifest and configuration are at hand becomes
 * blobs and layers in the staging directory, and an "image" message.
 */
#include "image/layer.h"
#include "oci/image.h"

struct assembly {
    struct session *session;
    int staging_fd;
    struct unpack_budget budget;
    char **brought; /* diffIDs of layers that are in the staging directory already */
};
void assembly_done(struct assembly *a);

/* Where the layers' blobs come from. Indexes are the image's, bottom first. */
struct layer_provider {
    /* Optional: these n layers will be asked for, in this order. `items`: all layers' progress. */
    int (*begin)(void *arg, const size_t *wanted, size_t n, struct session_item *items,
                 struct err *e);
    struct layer_source (*source)(void *arg, size_t layer);
    /* Optional: reads and checks a layer that the store has already. */
    int (*verify)(void *arg, size_t layer, struct err *e);
    void (*forget)(void *arg, size_t layer); /* optional: it is unpacked */
    void (*stop)(void *arg);                 /* optional: nothing more will be asked for */
    void *arg;
};

struct assembly_image {
    const char *manifest_digest;
    const char *config_digest;
    char **names;
    char **diff_ids;
    /* As many as diff_ids; digest NULL and size -1 when they are not known. */
    const struct oci_descriptor *layers;
    size_t n_layers;
};

/* Checks config against manifest: as many diffIDs as layers. */
int assembly_check(const struct oci_image_config *c, size_t n_layers, struct err *e);
int assembly_write_blob(struct assembly *a, const char *digest, const char *text, size_t len,
                        struct err *e);
int assembly_run(struct assembly *a, const struct assembly_image *image,
                 const struct layer_provider *p, struct err *e);
