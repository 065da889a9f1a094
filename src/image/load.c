/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load: the images of an archive, one after the other. Two forms: docker-archive (manifest.json
 * names configuration, layers and tags) and OCI layout (index.json leads to manifests, by digest).
 * Newer docker writes both into one tar; manifest.json is then preferred, since it has the tags.
 *
 * A docker-archive has no manifest in OCI's sense: one is written here, which names the layers by
 * their diffIDs as plain tars, so that the same image loaded twice has the same manifest.
 *
 * A name without a host becomes localhost/NAME, as podman has it: nobody vouched for where it is
 * from.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "image/archive.h"
#include "image/decompress.h"
#include "image/reference.h"
#include "image/worker_private.h"

#define IMAGES_MAX         1000
#define MANIFEST_JSON      "manifest.json"
#define DOCKER_LIST_MAX    (4u << 20)
#define MEDIA_MANIFEST     "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_CONFIG       "application/vnd.oci.image.config.v1+json"
#define MEDIA_LAYER        "application/vnd.oci.image.layer.v1.tar"
#define ANNOTATION_NAME    "io.containerd.image.name"
#define ANNOTATION_REF     "org.opencontainers.image.ref.name"
#define NAME_HOST          "localhost"
#define ARCHIVE_TEXT_LIMIT OCI_MANIFEST_MAX_BYTES

/* One image of the archive while it is taken in. */
struct loading {
    struct worker *worker;
    struct archive *archive;
    char **names;
    char *config_text;
    size_t config_len;
    char config_digest[DIGEST_TEXT_SIZE];
    struct oci_image_config config;
    char *manifest_text;
    size_t manifest_len;
    char manifest_digest[DIGEST_TEXT_SIZE];
    struct archive_file *files;          /* layers */
    const struct oci_descriptor *layers; /* what is known about them; borrowed */
    size_t n_layers;
};

static void loading_done(struct loading *l)
{
    for (size_t i = 0; l->files && i < l->n_layers; i++)
        archive_file_done(&l->files[i]);
    free(l->files);
    strv_free(l->names);
    free(l->config_text);
    free(l->manifest_text);
    oci_image_config_done(&l->config);
}

/* ---- names ---- */

/* A name of the archive or of the user, completed. */
static int add_name(struct loading *l, const char *name, const char *default_host, struct err *e)
{
    struct image_reference r = {0};

    if (image_reference_parse(name, &r, e) < 0)
        return -1;
    image_reference_complete(&r, default_host);
    strv_take(&l->names, image_reference_text(&r));
    image_reference_done(&r);
    return 0;
}

static int add_given_name(struct loading *l, struct err *e)
{
    const char *given = l->worker->request.reference;

    return given && !l->names ? add_name(l, given, NAME_HOST, e) : 0;
}

/* ---- layers ---- */

static struct layer_source source_of(void *arg, size_t layer)
{
    struct loading *l = arg;

    return archive_file_source(&l->files[layer]);
}

/* An archive that is damaged is refused even where the damage would not be used. */
static int verify_layer(void *arg, size_t layer, struct err *e)
{
    struct loading *l = arg;
    struct layer_source source = archive_file_source(&l->files[layer]);

    return layer_verify(&source, l->layers[layer].digest, l->layers[layer].size,
                        l->config.rootfs.diff_ids[layer], UNPACK_BYTES_MAX, e);
}

static int take_in(struct loading *l, const struct oci_descriptor *layers, struct err *e)
{
    struct assembly *a = &l->worker->assembly;
    struct assembly_image image = {
        .manifest_digest = l->manifest_digest,
        .config_digest = l->config_digest,
        .names = l->names,
        .diff_ids = l->config.rootfs.diff_ids,
        .layers = layers,
        .n_layers = l->n_layers,
    };
    struct layer_provider provider = {.source = source_of, .verify = verify_layer, .arg = l};

    l->layers = layers;
    if (assembly_write_blob(a, l->manifest_digest, l->manifest_text, l->manifest_len, e) < 0 ||
        assembly_write_blob(a, l->config_digest, l->config_text, l->config_len, e) < 0)
        return -1;
    return assembly_run(a, &image, &provider, e);
}

static int parse_config(struct loading *l, size_t n_layers, struct err *e)
{
    digest_text_of(l->config_text, l->config_len, l->config_digest);
    if (oci_image_config_parse(l->config_text, l->config_len, &l->config, e) < 0)
        return err_wrap(e, "the image's configuration");
    return assembly_check(&l->config, n_layers, e);
}

static int open_layers(struct loading *l, char *const *paths, struct err *e)
{
    l->files = alloc_zero(strv_len(paths) + 1, sizeof(*l->files));
    STRV_FOREACH (path, paths) {
        if (archive_open_file(l->archive, *path, &l->files[l->n_layers], e) < 0)
            return -1;
        l->n_layers++;
    }
    return 0;
}

/* ---- docker-archive ---- */

struct docker_image {
    char *config;
    char **tags;
    char **layers;
};
static const struct json_field docker_fields[] = {
    {"Config", JSON_STRING, offsetof(struct docker_image, config), JSON_REQUIRED},
    {"RepoTags", JSON_STRV, offsetof(struct docker_image, tags)},
    {"Layers", JSON_STRV, offsetof(struct docker_image, layers)},
};
static const struct json_struct docker_json =
    JSON_STRUCT(MANIFEST_JSON, struct docker_image, docker_fields);

/* "<hex>.json" or "blobs/sha256/<hex>": then the name must tell the truth. */
static int check_config_name(const struct loading *l, const char *path, struct err *e)
{
    const char *base = strrchr(path, '/');
    auto_free char *digest = NULL;

    base = base ? base + 1 : path;
    digest = alloc_printf("sha256:%.64s", base);
    if (oci_digest_is_valid(digest) && strcmp(digest, l->config_digest) != 0)
        return err_set(e, ERR_INVALID, "the configuration %s has the digest %s", digest,
                       l->config_digest);
    return 0;
}

/* How long a layer's tar is: the file itself when it is plain, else what it expands to. */
static int plain_size(struct loading *l, size_t i, uint64_t *ret, struct err *e)
{
    struct layer_source source = archive_file_source(&l->files[i]);
    unsigned char magic[DECOMPRESS_MAGIC_BYTES];
    size_t n = 0;

    if (source.read(source.arg, 0, magic, sizeof(magic), &n, e) < 0)
        return -1;
    *ret = l->files[i].size;
    if (decompress_detect(magic, n) == DECOMPRESS_PLAIN)
        return 0;
    return layer_measure(&source, UNPACK_BYTES_MAX, ret, e);
}

static int write_manifest(struct loading *l, struct err *e)
{
    auto_str s = STR_INIT(ARCHIVE_TEXT_LIMIT);

    str_addf(&s,
             "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_MANIFEST "\",\"config\":{\"mediaType\":"
             "\"" MEDIA_CONFIG "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
             l->config_digest, l->config_len);
    for (size_t i = 0; i < l->n_layers; i++) {
        uint64_t size;

        if (plain_size(l, i, &size, e) < 0)
            return -1;
        str_addf(&s, "%s{\"mediaType\":\"" MEDIA_LAYER "\",\"digest\":\"%s\",\"size\":%llu}",
                 i ? "," : "", l->config.rootfs.diff_ids[i], (unsigned long long)size);
    }
    str_add(&s, "]}");
    if (s.too_big)
        return err_set(e, ERR_LIMIT, "the image has too many layers");
    l->manifest_len = s.len;
    l->manifest_text = str_take(&s);
    digest_text_of(l->manifest_text, l->manifest_len, l->manifest_digest);
    return 0;
}

static int take_docker_image(struct loading *l, const struct docker_image *d, struct err *e)
{
    auto_free struct oci_descriptor *layers = NULL;
    size_t n = strv_len(d->layers);

    if (archive_read_text(l->archive, d->config, OCI_CONFIG_MAX_BYTES, &l->config_text,
                          &l->config_len, e) < 0 ||
        parse_config(l, n, e) < 0 || check_config_name(l, d->config, e) < 0 ||
        open_layers(l, d->layers, e) < 0 || write_manifest(l, e) < 0)
        return -1;
    STRV_FOREACH (tag, d->tags) {
        if (add_name(l, *tag, NAME_HOST, e) < 0)
            return -1;
    }
    if (add_given_name(l, e) < 0)
        return -1;
    layers = alloc_zero(n + 1, sizeof(*layers));
    for (size_t i = 0; i < n; i++)
        layers[i].size = -1;
    return take_in(l, layers, e);
}

static int load_docker_images(struct worker *w, struct archive *a, struct err *e)
{
    auto_free char *text = NULL;
    auto_json *list = NULL;
    size_t len, n;

    if (archive_read_text(a, MANIFEST_JSON, DOCKER_LIST_MAX, &text, &len, e) < 0 ||
        json_parse(text, len, DOCKER_LIST_MAX, &list, e) < 0)
        return err_wrap(e, MANIFEST_JSON);
    if (!json_object_is_type(list, json_type_array))
        return err_set(e, ERR_INVALID, MANIFEST_JSON ": expected a list");
    n = json_object_array_length(list);
    if (!n || n > IMAGES_MAX)
        return err_set(e, ERR_INVALID, "the archive has %zu images", n);
    for (size_t i = 0; i < n; i++) {
        struct loading l = {.worker = w, .archive = a};
        struct docker_image d = {0};
        int r = json_decode(json_object_array_get_idx(list, i), &docker_json, &d, e);

        if (r == 0)
            r = take_docker_image(&l, &d, e);
        json_free_struct(&docker_json, &d);
        loading_done(&l);
        if (r < 0)
            return -1;
    }
    return 0;
}

/* ---- OCI layout ---- */

static char *blob_path(const char *digest)
{
    return alloc_printf("blobs/sha256/%s", oci_digest_hex(digest));
}

/* A text named by a descriptor: size and digest are checked. */
static int read_blob(struct archive *a, const struct oci_descriptor *d, size_t max, char **ret,
                     size_t *ret_len, struct err *e)
{
    auto_free char *path = blob_path(d->digest), *text = NULL;
    char found[DIGEST_TEXT_SIZE];
    size_t len;

    if (archive_read_text(a, path, max, &text, &len, e) < 0)
        return -1;
    digest_text_of(text, len, found);
    if (strcmp(found, d->digest) != 0 || (int64_t)len != d->size)
        return err_set(e, ERR_INVALID, "the blob %s of the archive has the digest %s and %zu bytes",
                       d->digest, found, len);
    *ret = take_ptr(&text);
    *ret_len = len;
    return 0;
}

static int select_nested(struct loading *l, const struct oci_descriptor *d, const char *text,
                         size_t len, unsigned depth, struct err *e);

/* Follows a descriptor to the manifest of our platform: 1, 0 when it has none, -1. */
static int find_manifest(struct loading *l, const struct oci_descriptor *d, unsigned depth,
                         struct err *e)
{
    auto_free char *text = NULL;
    size_t len;
    enum oci_manifest_kind kind;

    if (read_blob(l->archive, d, OCI_MANIFEST_MAX_BYTES, &text, &len, e) < 0 ||
        oci_manifest_kind_of(text, len, d->media_type, &kind, e) < 0)
        return -1;
    if (kind == OCI_KIND_INDEX)
        return select_nested(l, d, text, len, depth, e);
    l->manifest_text = take_ptr(&text);
    l->manifest_len = len;
    memcpy(l->manifest_digest, d->digest, sizeof(l->manifest_digest));
    return 1;
}

static int select_nested(struct loading *l, const struct oci_descriptor *d, const char *text,
                         size_t len, unsigned depth, struct err *e)
{
    struct oci_index index = {0};
    const struct oci_descriptor *chosen;
    int r;

    if (depth > 2)
        return err_set(e, ERR_INVALID, "the index %s is nested too deeply", d->digest);
    if (oci_index_parse(text, len, &index, e) < 0)
        return -1;
    chosen = oci_index_select(&index, l->worker->request.platform);
    r = chosen ? find_manifest(l, chosen, depth + 1, e) : 0;
    oci_index_done(&index);
    return r;
}

static int add_annotated_name(struct loading *l, const struct oci_descriptor *d, struct err *e)
{
    const char *full = strv_env_get(d->annotations, ANNOTATION_NAME);
    const char *ref = strv_env_get(d->annotations, ANNOTATION_REF);

    if (full)
        return add_name(l, full, "docker.io", e);
    if (!ref)
        return 0;
    /* Only a tag: the user's name for the archive says more. */
    if (l->worker->request.reference && !strpbrk(ref, "/:"))
        return 0;
    return add_name(l, ref, NAME_HOST, e);
}

static int take_oci_image(struct loading *l, const struct oci_descriptor *d, struct err *e)
{
    struct oci_manifest m = {0};
    auto_strv paths = NULL;
    int r;

    if (add_annotated_name(l, d, e) < 0 || add_given_name(l, e) < 0 ||
        oci_manifest_parse(l->manifest_text, l->manifest_len, &m, e) < 0)
        return -1;
    VEC_FOREACH (layer, &m.layers) {
        strv_take(&paths, blob_path(layer->digest));
    }
    r = read_blob(l->archive, &m.config, OCI_CONFIG_MAX_BYTES, &l->config_text, &l->config_len, e);
    if (r == 0)
        r = parse_config(l, m.layers.len, e);
    if (r == 0)
        r = open_layers(l, paths, e);
    if (r == 0)
        r = take_in(l, m.layers.items, e);
    oci_manifest_done(&m);
    return r;
}

/* An entry of index.json for another platform is passed over. */
static bool fits_platform(const struct oci_descriptor *d, const char *platform)
{
    struct oci_index one = {0};
    bool fits;

    if (!d->platform)
        return true;
    vec_push(&one.manifests, *d);
    fits = oci_index_select(&one, platform) != NULL;
    vec_done(&one.manifests); /* the descriptor is not its own */
    return fits;
}

static int load_oci_images(struct worker *w, struct archive *a, struct err *e)
{
    auto_free char *text = NULL;
    struct oci_index index = {0};
    size_t len, taken = 0;
    int r = 0;

    if (archive_read_text(a, "index.json", OCI_MANIFEST_MAX_BYTES, &text, &len, e) < 0 ||
        oci_index_parse(text, len, &index, e) < 0)
        return err_wrap(e, "index.json");
    for (size_t i = 0; r >= 0 && i < index.manifests.len && i < IMAGES_MAX; i++) {
        const struct oci_descriptor *d = &index.manifests.items[i];
        struct loading l = {.worker = w, .archive = a};

        if (!fits_platform(d, w->request.platform))
            continue;
        r = find_manifest(&l, d, 0, e);
        if (r > 0)
            r = take_oci_image(&l, d, e) < 0 ? -1 : 1;
        taken += r > 0;
        loading_done(&l);
    }
    oci_index_done(&index);
    if (r < 0)
        return -1;
    return taken ? 0
                 : err_set(e, ERR_NOT_FOUND, "the archive has no image for the platform '%s'",
                           w->request.platform);
}

int worker_load(struct worker *w, struct err *e)
{
    struct archive *a = NULL;
    int r;

    if (w->archive_fd < 0 || !w->request.platform)
        return err_set(e, ERR_INVALID, "a load needs an archive and a platform");
    if (archive_open(w->archive_fd, w->assembly.staging_fd, w->assembly.budget.bytes, &a, e) < 0)
        return -1;
    if (archive_has(a, MANIFEST_JSON))
        r = load_docker_images(w, a, e);
    else if (archive_has(a, "index.json") && archive_has(a, "oci-layout"))
        r = load_oci_images(w, a, e);
    else
        r = err_set(e, ERR_INVALID, "the file is neither a docker-archive nor an OCI layout");
    archive_free(a);
    return r;
}
