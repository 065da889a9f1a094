/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The conversation between the engine and the `dhow-image` worker: one SOCK_SEQPACKET pair, one
 * JSON object a datagram (at most IMAGE_WORKER_MSG_MAX bytes), fds in the same datagram.
 *
 *   engine                                       dhow-image (sandboxed; parses every hostile byte)
 *     | -- request {op, ...} + fds ----------------> |   fds[0]: the staging directory (tmp/<op>/
 * of the store), empty |                                              |   fds[1]: for op "load":
 * the archive (file, pipe or directory) | <------------- progress {type:"progress"} -- |   any
 * number | <--------- have {type:"have", diff_ids} ---- |   once an image: which layers does the
 * store own already? | -- have-reply {type:"have-reply", have} ---> |   the subset; the worker
 * fetches and unpacks the others only | <------- image {type:"image", ...} --------- |   once an
 * image that is complete in the staging directory | <------------------ done {type:"done"} ----- |
 * or error {type:"error", kind, msg}; then the worker exits
 *
 * In the staging directory the worker leaves, for each image,
 *     blobs/<hex>          manifest (raw bytes as served) and config, named by their sha256
 *     layers/<diffid hex>/ the unpacked tree, overlay form (whiteouts as 0/0 devices, opaque as
 * trusted.overlay.opaque) all synced. The engine checks that names are well formed, moves them into
 * the store, commits rows. It trusts the digests that the worker verified, nothing else: every
 * string is bounded and validated again by the tables below.
 */
#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"

#define IMAGE_WORKER_MSG_MAX (128u << 10)

struct image_worker_request {
    char *op;        /* "pull", "load" */
    char *reference; /* pull: complete reference; load: NULL, or the name given to an archive
                        without one */
    char *platform;  /* "os/arch[/variant]" */
    char *username;  /* NULL: anonymous; never logged */
    char *password;
    bool plain_http_allowed; /* --tls-verify=false: http and unverified certificates */
    char *cert_dir;          /* ca.crt / client.cert / client.key as in certs.d; NULL: none */
    int64_t max_image_bytes; /* unpacked, all layers; 0: the built-in limit */
};

struct image_worker_layer {
    char *diff_id; /* "sha256:..." */
    char *digest;  /* of the blob as transferred; NULL when unknown (have) */
    int64_t blob_bytes;
    int64_t unpacked_bytes;
    bool is_new; /* it is in the staging directory */
};

struct image_worker_message {
    char *type; /* progress have have-reply image done error */
    /* progress */
    char *item;  /* "layer 3b1f...", shown as it is */
    char *phase; /* "waiting" "downloading" "unpacking" "done" "exists" */
    int64_t current_bytes;
    int64_t total_bytes;
    /* have, have-reply */
    char **diff_ids;
    /* image */
    char **names; /* complete references that it is to be tagged with */
    char *manifest_digest;
    char *config_digest;                   /* the image's id */
    VEC(struct image_worker_layer) layers; /* bottom first */
    /* error */
    char *kind;
    char *msg;
};

extern const struct json_struct image_worker_request_json;
extern const struct json_struct image_worker_message_json;
