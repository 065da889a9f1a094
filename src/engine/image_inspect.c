/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `image inspect`: podman's object, from the row, the configuration and the manifest. The image's
 * own parts (Config, History, Annotations) are passed on as they are: data of the image.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "base/units.h"
#include "engine/engine_internal.h"

struct driver_data {
    char *lower_dir; /* from the second layer on, topmost first, joined by ':' */
    char *upper_dir; /* the topmost layer */
};
struct graph_driver {
    char *name;
    struct driver_data data;
};
struct root_fs {
    char *type;
    char **layers;
};
struct view {
    char *id;
    char *digest;
    char **repo_tags;
    char **repo_digests;
    char *parent;
    char *comment;
    char *created;
    struct json_object *config;
    char *version;
    char *author;
    char *architecture;
    char *os;
    int64_t size;
    int64_t virtual_size;
    struct graph_driver graph_driver;
    struct root_fs root_fs;
    struct json_object *labels;
    struct json_object *annotations;
    char *manifest_type;
    char *user;
    struct json_object *history;
    char **names_history;
};

static const struct json_field driver_data_fields[] = {
    {"LowerDir", JSON_STRING, offsetof(struct driver_data, lower_dir)},
    {"UpperDir", JSON_STRING, offsetof(struct driver_data, upper_dir), JSON_KEEP_EMPTY},
};
static const struct json_struct driver_data_json =
    JSON_STRUCT("data", struct driver_data, driver_data_fields);

static const struct json_field graph_driver_fields[] = {
    {"Name", JSON_STRING, offsetof(struct graph_driver, name), JSON_KEEP_EMPTY},
    {"Data", JSON_OBJECT, offsetof(struct graph_driver, data), JSON_KEEP_EMPTY, &driver_data_json},
};
static const struct json_struct graph_driver_json =
    JSON_STRUCT("graph driver", struct graph_driver, graph_driver_fields);

static const struct json_field root_fs_fields[] = {
    {"Type", JSON_STRING, offsetof(struct root_fs, type), JSON_KEEP_EMPTY},
    {"Layers", JSON_STRV, offsetof(struct root_fs, layers), JSON_KEEP_EMPTY},
};
static const struct json_struct root_fs_json =
    JSON_STRUCT("rootfs", struct root_fs, root_fs_fields);

#define FIELD(key, type, member, ...)                                                              \
    {                                                                                              \
        key, type, offsetof(struct view, member), JSON_KEEP_EMPTY, __VA_ARGS__                     \
    }
static const struct json_field view_fields[] = {
    FIELD("Id", JSON_STRING, id),
    FIELD("Digest", JSON_STRING, digest),
    FIELD("RepoTags", JSON_STRV, repo_tags),
    FIELD("RepoDigests", JSON_STRV, repo_digests),
    FIELD("Parent", JSON_STRING, parent),
    FIELD("Comment", JSON_STRING, comment),
    FIELD("Created", JSON_STRING, created),
    FIELD("Config", JSON_RAW, config),
    FIELD("Version", JSON_STRING, version),
    FIELD("Author", JSON_STRING, author),
    FIELD("Architecture", JSON_STRING, architecture),
    FIELD("Os", JSON_STRING, os),
    FIELD("Size", JSON_INT64, size),
    FIELD("VirtualSize", JSON_INT64, virtual_size),
    FIELD("GraphDriver", JSON_OBJECT, graph_driver, &graph_driver_json),
    FIELD("RootFS", JSON_OBJECT, root_fs, &root_fs_json),
    FIELD("Labels", JSON_RAW, labels),
    FIELD("Annotations", JSON_RAW, annotations),
    FIELD("ManifestType", JSON_STRING, manifest_type),
    FIELD("User", JSON_STRING, user),
    FIELD("History", JSON_RAW, history),
    FIELD("NamesHistory", JSON_STRV, names_history),
};
static const struct json_struct view_json = JSON_STRUCT("image", struct view, view_fields);

/* A reference to o[key] when it is there and of this type, else a new empty one. */
static struct json_object *part(struct json_object *o, const char *key, enum json_type type)
{
    struct json_object *found;

    if (json_object_object_get_ex(o, key, &found) && json_object_is_type(found, type))
        return json_object_get(found);
    return type == json_type_array ? json_object_new_array() : json_object_new_object();
}

static char *text_of(struct json_object *o, const char *key)
{
    struct json_object *found;

    if (json_object_object_get_ex(o, key, &found) && json_object_is_type(found, json_type_string))
        return alloc_strdup(json_object_get_string(found));
    return NULL;
}

static void fill_names(struct view *v, const struct store_image *i)
{
    STRV_FOREACH (name, i->names) {
        auto_free char *repository = alloc_strndup(*name, strcspn(*name, "@"));
        char *tag = strrchr(repository, ':');
        auto_free char *digest = NULL;

        if (strchr(*name, '@')) {
            if (!strv_has(v->repo_digests, *name))
                strv_add(&v->repo_digests, *name);
            continue;
        }
        strv_add(&v->repo_tags, *name);
        strv_add(&v->names_history, *name);
        if (tag && !strchr(tag, '/'))
            *tag = 0;
        digest = alloc_printf("%s@%s", repository, i->manifest_digest);
        if (!strv_has(v->repo_digests, digest))
            strv_add(&v->repo_digests, digest);
    }
}

static void fill_layers(struct view *v, const struct store_image *i, const char *root)
{
    auto_strv lower = NULL;

    v->root_fs.type = alloc_strdup("layers");
    v->root_fs.layers = strv_dup(i->diff_ids);
    v->graph_driver.name = alloc_strdup("overlay");
    for (size_t n = strv_len(i->diff_ids); n-- > 0;) {
        char *dir = alloc_printf("%s/layers/%s", root, oci_digest_hex(i->diff_ids[n]));

        if (v->graph_driver.data.upper_dir)
            strv_take(&lower, dir);
        else
            v->graph_driver.data.upper_dir = dir;
    }
    if (lower)
        v->graph_driver.data.lower_dir = strv_join(lower, ":");
}

static void fill_row(struct view *v, const struct store_image *i)
{
    v->id = alloc_strdup(i->id);
    v->digest = alloc_strdup(i->manifest_digest);
    v->architecture = alloc_strdup(i->architecture);
    v->os = alloc_strdup(i->os);
    v->size = v->virtual_size = i->size_bytes;
}

static void fill_config(struct view *v, struct json_object *config)
{
    int64_t created_ns;
    size_t n;

    v->config = part(config, "config", json_type_object);
    v->history = part(config, "history", json_type_array);
    v->labels = part(v->config, "Labels", json_type_object);
    v->created = text_of(config, "created");
    if (!v->created || units_rfc3339_parse(v->created, &created_ns) < 0) {
        free(v->created);
        v->created = alloc_strdup("0001-01-01T00:00:00Z"); /* Go's "unknown" */
    }
    v->version = text_of(config, "docker_version");
    v->author = text_of(config, "author");
    v->user = text_of(v->config, "User");
    n = json_object_array_length(v->history);
    if (n > 0)
        v->comment = text_of(json_object_array_get_idx(v->history, n - 1), "comment");
}

static void fill_manifest(struct view *v, struct json_object *manifest)
{
    v->annotations = part(manifest, "annotations", json_type_object);
    v->manifest_type = text_of(manifest, "mediaType");
    if (!v->manifest_type)
        v->manifest_type = alloc_strdup("application/vnd.oci.image.manifest.v1+json");
}

static int read_parts(struct engine *en, const char *id, struct json_object **ret_config,
                      struct json_object **ret_manifest, struct err *e)
{
    auto_free char *config = NULL, *manifest = NULL;
    size_t n, m;

    if (store_image_read_config(en->store, id, &config, &n, e) < 0 ||
        json_parse(config, n, OCI_CONFIG_MAX_BYTES, ret_config, e) < 0 ||
        store_image_read_manifest(en->store, id, &manifest, &m, e) < 0)
        return -1;
    return json_parse(manifest, m, OCI_MANIFEST_MAX_BYTES, ret_manifest, e);
}

int engine_image_inspect(struct engine *en, const char *name, struct json_object **ret,
                         struct err *e)
{
    struct store_image image = {0};
    struct view v = {0};
    auto_json *config = NULL;
    auto_json *manifest = NULL;
    int r;

    if (store_image_find(en->store, name, &image, e) < 0)
        return -1;
    r = read_parts(en, image.id, &config, &manifest, e);
    if (r == 0) {
        fill_row(&v, &image);
        fill_names(&v, &image);
        fill_layers(&v, &image, en->root);
        fill_config(&v, config);
        fill_manifest(&v, manifest);
        *ret = json_encode(&view_json, &v);
    }
    json_free_struct(&view_json, &v);
    store_image_done(&image);
    return r;
}
