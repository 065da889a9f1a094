/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables behind worker.h. Both sides decode with them: a message of the sandboxed worker is
 * hostile data too, so the engine's side validates digests and names again after decoding. */
#include "image/worker.h"

#include <string.h>

#define REQUEST(key, type, member, ...)                                                            \
    {                                                                                              \
        key, type, offsetof(struct image_worker_request, member), __VA_ARGS__                      \
    }
static const struct json_field request_fields[] = {
    REQUEST("op", JSON_STRING, op, JSON_REQUIRED),
    REQUEST("reference", JSON_STRING, reference),
    REQUEST("platform", JSON_STRING, platform),
    REQUEST("username", JSON_STRING, username),
    REQUEST("password", JSON_STRING, password),
    REQUEST("plain_http_allowed", JSON_BOOL, plain_http_allowed),
    REQUEST("cert_dir", JSON_STRING, cert_dir),
    REQUEST("max_image_bytes", JSON_INT64, max_image_bytes),
};
const struct json_struct image_worker_request_json =
    JSON_STRUCT("request", struct image_worker_request, request_fields);

#define LAYER(key, type, member, ...)                                                              \
    {                                                                                              \
        key, type, offsetof(struct image_worker_layer, member), __VA_ARGS__                        \
    }
static const struct json_field layer_fields[] = {
    LAYER("diff_id", JSON_STRING, diff_id, JSON_REQUIRED),
    LAYER("digest", JSON_STRING, digest),
    LAYER("blob_bytes", JSON_INT64, blob_bytes),
    LAYER("unpacked_bytes", JSON_INT64, unpacked_bytes),
    LAYER("is_new", JSON_BOOL, is_new),
};
static const struct json_struct layer_json =
    JSON_STRUCT("layer", struct image_worker_layer, layer_fields);

#define MESSAGE(key, type, member, ...)                                                            \
    {                                                                                              \
        key, type, offsetof(struct image_worker_message, member), __VA_ARGS__                      \
    }
static const struct json_field message_fields[] = {
    MESSAGE("type", JSON_STRING, type, JSON_REQUIRED),
    MESSAGE("item", JSON_STRING, item),
    MESSAGE("phase", JSON_STRING, phase),
    MESSAGE("current_bytes", JSON_INT64, current_bytes),
    MESSAGE("total_bytes", JSON_INT64, total_bytes),
    MESSAGE("diff_ids", JSON_STRV, diff_ids),
    MESSAGE("names", JSON_STRV, names),
    MESSAGE("manifest_digest", JSON_STRING, manifest_digest),
    MESSAGE("config_digest", JSON_STRING, config_digest),
    MESSAGE("layers", JSON_ARRAY, layers, .nested = &layer_json),
    MESSAGE("kind", JSON_STRING, kind),
    MESSAGE("msg", JSON_STRING, msg),
};
const struct json_struct image_worker_message_json =
    JSON_STRUCT("message", struct image_worker_message, message_fields);

enum err_kind image_worker_error_kind(const char *name)
{
    for (enum err_kind k = ERR_INVALID; name && k < ERR_KIND_MAX; k++)
        if (strcmp(err_kind_name(k), name) == 0)
            return k;
    return ERR_INTERNAL;
}
