/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: everything here comes from a registry or an archive and is hostile. A text is first
 * decided to be one thing (oci_manifest_kind_of), then decoded by its table, then checked: digests
 * before anyone makes a path of them, sizes and counts before anyone believes them. One text has
 * one reading: what looks like an index and a manifest at once is refused (CVE-2021-41190).
 *
 * platform.c chooses from an index.
 */
#include "oci/image.h"

#include <string.h>

#include "base/str.h"
#include "base/strv.h"

#define DIGEST_PREFIX "sha256:"
#define HEX_LEN       64

#define MAX_INDEX_ENTRIES 1024
#define MAX_HISTORY       4096
#define MAX_LAYER_BYTES   (INT64_C(1) << 40)

#define ROW(type_name, member, key, type, ...)                                                     \
    {                                                                                              \
        key, type, offsetof(struct type_name, member), __VA_ARGS__                                 \
    }

static const struct json_field platform_fields[] = {
    ROW(oci_platform, architecture, "architecture", JSON_STRING),
    ROW(oci_platform, os, "os", JSON_STRING),
    ROW(oci_platform, variant, "variant", JSON_STRING),
};
static const struct json_struct platform_json =
    JSON_STRUCT("platform", struct oci_platform, platform_fields);

static const struct json_field descriptor_fields[] = {
    ROW(oci_descriptor, media_type, "mediaType", JSON_STRING, JSON_REQUIRED),
    ROW(oci_descriptor, digest, "digest", JSON_STRING, JSON_REQUIRED),
    ROW(oci_descriptor, size, "size", JSON_INT64, JSON_REQUIRED | JSON_KEEP_EMPTY),
    ROW(oci_descriptor, annotations, "annotations", JSON_STRMAP),
    ROW(oci_descriptor, platform, "platform", JSON_OBJECT_PTR, .nested = &platform_json),
};
static const struct json_struct descriptor_json =
    JSON_STRUCT("descriptor", struct oci_descriptor, descriptor_fields);

static const struct json_field manifest_fields[] = {
    ROW(oci_manifest, schema_version, "schemaVersion", JSON_INT32, JSON_REQUIRED),
    ROW(oci_manifest, media_type, "mediaType", JSON_STRING),
    ROW(oci_manifest, config, "config", JSON_OBJECT, .flags = JSON_REQUIRED,
        .nested = &descriptor_json),
    ROW(oci_manifest, layers, "layers", JSON_ARRAY, .flags = JSON_REQUIRED | JSON_KEEP_EMPTY,
        .nested = &descriptor_json),
    ROW(oci_manifest, annotations, "annotations", JSON_STRMAP),
};
const struct json_struct oci_manifest_json =
    JSON_STRUCT("manifest", struct oci_manifest, manifest_fields);

static const struct json_field index_fields[] = {
    ROW(oci_index, schema_version, "schemaVersion", JSON_INT32, JSON_REQUIRED),
    ROW(oci_index, media_type, "mediaType", JSON_STRING),
    ROW(oci_index, manifests, "manifests", JSON_ARRAY, .flags = JSON_REQUIRED | JSON_KEEP_EMPTY,
        .nested = &descriptor_json),
    ROW(oci_index, annotations, "annotations", JSON_STRMAP),
};
const struct json_struct oci_index_json = JSON_STRUCT("index", struct oci_index, index_fields);

static const struct json_field params_fields[] = {
    ROW(oci_image_params, user, "User", JSON_STRING),
    ROW(oci_image_params, env, "Env", JSON_STRV),
    ROW(oci_image_params, entrypoint, "Entrypoint", JSON_STRV),
    ROW(oci_image_params, cmd, "Cmd", JSON_STRV),
    ROW(oci_image_params, working_dir, "WorkingDir", JSON_STRING),
    ROW(oci_image_params, labels, "Labels", JSON_STRMAP),
    ROW(oci_image_params, stop_signal, "StopSignal", JSON_STRING),
    ROW(oci_image_params, exposed_ports, "ExposedPorts", JSON_RAW),
    ROW(oci_image_params, volumes, "Volumes", JSON_RAW),
};
static const struct json_struct params_json =
    JSON_STRUCT("config", struct oci_image_params, params_fields);

static const struct json_field history_fields[] = {
    ROW(oci_history, created, "created", JSON_STRING),
    ROW(oci_history, created_by, "created_by", JSON_STRING),
    ROW(oci_history, author, "author", JSON_STRING),
    ROW(oci_history, comment, "comment", JSON_STRING),
    ROW(oci_history, empty_layer, "empty_layer", JSON_BOOL),
};
static const struct json_struct history_json =
    JSON_STRUCT("history", struct oci_history, history_fields);

static const struct json_field rootfs_fields[] = {
    ROW(oci_rootfs, type, "type", JSON_STRING, JSON_REQUIRED),
    ROW(oci_rootfs, diff_ids, "diff_ids", JSON_STRV, JSON_KEEP_EMPTY),
};
static const struct json_struct rootfs_json =
    JSON_STRUCT("rootfs", struct oci_rootfs, rootfs_fields);

static const struct json_field image_config_fields[] = {
    ROW(oci_image_config, created, "created", JSON_STRING),
    ROW(oci_image_config, author, "author", JSON_STRING),
    ROW(oci_image_config, architecture, "architecture", JSON_STRING),
    ROW(oci_image_config, os, "os", JSON_STRING),
    ROW(oci_image_config, variant, "variant", JSON_STRING),
    ROW(oci_image_config, config, "config", JSON_OBJECT, .nested = &params_json),
    ROW(oci_image_config, rootfs, "rootfs", JSON_OBJECT, .flags = JSON_REQUIRED,
        .nested = &rootfs_json),
    ROW(oci_image_config, history, "history", JSON_ARRAY, .nested = &history_json),
};
const struct json_struct oci_image_config_json =
    JSON_STRUCT("image configuration", struct oci_image_config, image_config_fields);

/* Media types that say which of the two a text is. */
static const struct {
    const char *media_type;
    enum oci_manifest_kind kind;
} manifest_types[] = {
    {"application/vnd.oci.image.manifest.v1+json", OCI_KIND_MANIFEST},
    {"application/vnd.docker.distribution.manifest.v2+json", OCI_KIND_MANIFEST},
    {"application/vnd.oci.image.index.v1+json", OCI_KIND_INDEX},
    {"application/vnd.docker.distribution.manifest.list.v2+json", OCI_KIND_INDEX},
};

/* What servers say that know nothing of manifests: the content decides. */
static const char *const generic_types[] = {"", "application/json", "application/octet-stream",
                                            "text/plain"};
static const char *const config_types[] = {"application/vnd.oci.image.config.v1+json",
                                           "application/vnd.docker.container.image.v1+json"};

bool oci_digest_is_valid(const char *s)
{
    const char *hex;

    if (!s || !str_starts_with(s, DIGEST_PREFIX))
        return false;
    hex = s + strlen(DIGEST_PREFIX);
    return strspn(hex, "0123456789abcdef") == HEX_LEN && hex[HEX_LEN] == 0;
}

const char *oci_digest_hex(const char *digest)
{
    return digest + strlen(DIGEST_PREFIX);
}

/* The kind that a media type names: -1 none of ours, with *ret_is_generic telling the harmless
 * ones. */
static int kind_of_media_type(const char *media_type, bool *ret_is_generic)
{
    size_t n = strcspn(media_type, "; \t");

    *ret_is_generic = false;
    for (size_t i = 0; i < ARRAY_LEN(manifest_types); i++)
        if (strlen(manifest_types[i].media_type) == n &&
            memcmp(manifest_types[i].media_type, media_type, n) == 0)
            return (int)manifest_types[i].kind;
    for (size_t i = 0; i < ARRAY_LEN(generic_types); i++)
        if (strlen(generic_types[i]) == n && memcmp(generic_types[i], media_type, n) == 0)
            *ret_is_generic = true;
    return -1;
}

static bool has_key(struct json_object *o, const char *key)
{
    return json_object_object_get_ex(o, key, NULL);
}

static int kind_by_content(struct json_object *o, enum oci_manifest_kind *ret, struct err *e)
{
    bool is_index = has_key(o, "manifests");
    bool is_manifest = has_key(o, "config") || has_key(o, "layers");
    struct json_object *version = NULL;

    json_object_object_get_ex(o, "schemaVersion", &version);
    if (has_key(o, "fsLayers") ||
        (json_object_is_type(version, json_type_int) && json_object_get_int64(version) == 1))
        return err_set(e, ERR_UNSUPPORTED, "manifest: schema 1 is not supported");
    if (!json_object_is_type(version, json_type_int) || json_object_get_int64(version) != 2)
        return err_set(e, ERR_INVALID, "manifest: schemaVersion is not 2");
    if (is_index && is_manifest)
        return err_set(e, ERR_INVALID, "manifest: is both an index and an image manifest");
    if (!is_index && !is_manifest)
        return err_set(e, ERR_INVALID, "manifest: is neither an index nor an image manifest");
    *ret = is_index ? OCI_KIND_INDEX : OCI_KIND_MANIFEST;
    return 0;
}

static int check_media_type(const char *media_type, const char *where, enum oci_manifest_kind kind,
                            struct err *e)
{
    bool is_generic;
    int said = kind_of_media_type(media_type, &is_generic);

    if (said < 0 && is_generic)
        return 0;
    if (said < 0)
        return err_set(e, ERR_UNSUPPORTED, "manifest: media type '%.100s' of the %s is unknown",
                       media_type, where);
    if (said != (int)kind)
        return err_set(e, ERR_INVALID,
                       "manifest: media type '%.100s' of the %s does not fit the content",
                       media_type, where);
    return 0;
}

static int kind_of_object(struct json_object *o, const char *media_type,
                          enum oci_manifest_kind *ret, struct err *e)
{
    struct json_object *inner = NULL;
    enum oci_manifest_kind kind;

    if (!json_object_is_type(o, json_type_object))
        return err_set(e, ERR_INVALID, "manifest: not an object");
    if (kind_by_content(o, &kind, e) < 0)
        return -1;
    if (media_type && check_media_type(media_type, "response", kind, e) < 0)
        return -1;
    if (json_object_object_get_ex(o, "mediaType", &inner) && inner) {
        if (!json_object_is_type(inner, json_type_string))
            return err_set(e, ERR_INVALID, "manifest: mediaType is not a string");
        if (check_media_type(json_object_get_string(inner), "text", kind, e) < 0)
            return -1;
    }
    *ret = kind;
    return 0;
}

int oci_manifest_kind_of(const char *text, size_t len, const char *media_type,
                         enum oci_manifest_kind *ret, struct err *e)
{
    auto_json *o = NULL;

    if (json_parse(text, len, OCI_MANIFEST_MAX_BYTES, &o, e) < 0)
        return -1;
    return kind_of_object(o, media_type, ret, e);
}

/* parse, refuse the other kind, decode */
static int decode_kind(const char *text, size_t len, enum oci_manifest_kind want,
                       const struct json_struct *table, void *ret, struct err *e)
{
    auto_json *o = NULL;
    enum oci_manifest_kind kind;

    if (json_parse(text, len, OCI_MANIFEST_MAX_BYTES, &o, e) < 0 ||
        kind_of_object(o, NULL, &kind, e) < 0)
        return -1;
    if (kind != want)
        return err_set(e, ERR_INVALID, "manifest: is not an %s", table->name);
    return json_decode(o, table, ret, e);
}

static int check_descriptor(const struct oci_descriptor *d, int64_t max_bytes, const char *what,
                            struct err *e)
{
    if (!oci_digest_is_valid(d->digest))
        return err_set(e, ERR_INVALID, "%s: '%.100s' is not a sha256 digest", what, d->digest);
    if (d->size < 0)
        return err_set(e, ERR_INVALID, "%s: size is negative", what);
    if (d->size > max_bytes)
        return err_set(e, ERR_LIMIT, "%s: size %lld is above the limit of %lld", what,
                       (long long)d->size, (long long)max_bytes);
    return 0;
}

static int check_manifest(const struct oci_manifest *m, struct err *e)
{
    bool is_image = false;

    if (check_descriptor(&m->config, OCI_CONFIG_MAX_BYTES, "config", e) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(config_types); i++)
        is_image |= strcmp(m->config.media_type, config_types[i]) == 0;
    if (!is_image)
        return err_set(e, ERR_UNSUPPORTED, "manifest: '%.100s' is not a container image",
                       m->config.media_type);
    if (m->layers.len > OCI_MAX_LAYERS)
        return err_set(e, ERR_LIMIT, "manifest: more than %d layers", OCI_MAX_LAYERS);
    VEC_FOREACH (layer, &m->layers)
        if (check_descriptor(layer, MAX_LAYER_BYTES, "layer", e) < 0)
            return -1;
    return 0;
}

int oci_manifest_parse(const char *text, size_t len, struct oci_manifest *ret, struct err *e)
{
    struct oci_manifest m = {0};

    if (decode_kind(text, len, OCI_KIND_MANIFEST, &oci_manifest_json, &m, e) < 0)
        return -1;
    if (check_manifest(&m, e) < 0) {
        oci_manifest_done(&m);
        return -1;
    }
    *ret = m;
    return 0;
}

static int check_index(const struct oci_index *index, struct err *e)
{
    if (index->manifests.len > MAX_INDEX_ENTRIES)
        return err_set(e, ERR_LIMIT, "index: more than %d entries", MAX_INDEX_ENTRIES);
    VEC_FOREACH (d, &index->manifests)
        if (check_descriptor(d, OCI_MANIFEST_MAX_BYTES, "index entry", e) < 0)
            return -1;
    return 0;
}

int oci_index_parse(const char *text, size_t len, struct oci_index *ret, struct err *e)
{
    struct oci_index index = {0};

    if (decode_kind(text, len, OCI_KIND_INDEX, &oci_index_json, &index, e) < 0)
        return -1;
    if (check_index(&index, e) < 0) {
        oci_index_done(&index);
        return -1;
    }
    *ret = index;
    return 0;
}

static int check_image_config(const struct oci_image_config *c, struct err *e)
{
    size_t n = 0;

    if (strcmp(c->rootfs.type, "layers") != 0)
        return err_set(e, ERR_UNSUPPORTED, "image configuration: rootfs.type '%.60s' is unknown",
                       c->rootfs.type);
    STRV_FOREACH (id, c->rootfs.diff_ids) {
        if (!oci_digest_is_valid(*id))
            return err_set(e, ERR_INVALID,
                           "image configuration: diff id '%.100s' is not a sha256 digest", *id);
        if (++n > OCI_MAX_LAYERS)
            return err_set(e, ERR_LIMIT, "image configuration: more than %d layers",
                           OCI_MAX_LAYERS);
    }
    if (c->history.len > MAX_HISTORY)
        return err_set(e, ERR_LIMIT, "image configuration: more than %d history entries",
                       MAX_HISTORY);
    if ((c->config.exposed_ports &&
         !json_object_is_type(c->config.exposed_ports, json_type_object)) ||
        (c->config.volumes && !json_object_is_type(c->config.volumes, json_type_object)))
        return err_set(e, ERR_INVALID,
                       "image configuration: ExposedPorts and Volumes are not objects");
    return 0;
}

int oci_image_config_parse(const char *text, size_t len, struct oci_image_config *ret,
                           struct err *e)
{
    struct oci_image_config c = {0};

    if (json_decode_text(text, len, OCI_CONFIG_MAX_BYTES, &oci_image_config_json, &c, e) < 0)
        return -1;
    if (check_image_config(&c, e) < 0) {
        oci_image_config_done(&c);
        return -1;
    }
    *ret = c;
    return 0;
}

void oci_manifest_done(struct oci_manifest *m)
{
    json_free_struct(&oci_manifest_json, m);
}

void oci_index_done(struct oci_index *i)
{
    json_free_struct(&oci_index_json, i);
}

void oci_image_config_done(struct oci_image_config *c)
{
    json_free_struct(&oci_image_config_json, c);
}
