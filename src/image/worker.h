/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The conversation between the engine and the `dhow-image` worker: one SOCK_SEQPACKET pair (the
 * worker's end is its fd 3), one JSON object a datagram (at most IMAGE_WORKER_MSG_MAX bytes), fds
 * in the same datagram as the request.
 *
 *     engine                                     dhow-image (sandboxed; parses every hostile byte)
 *       | -- request {op, ...} + fds ------------> |  fds[0]: the staging directory, empty
 *       |                                          |  fds[1], op "load": file, pipe or directory
 *       | <- {type:"progress"} ------------------- |  any number, at any time
 *       | <- {type:"have", diff_ids} ------------- |  once an image: what does the store own?
 *       | -- {type:"have-reply", diff_ids} ------> |  the subset; only the others are unpacked
 *       | <- {type:"image", ...} ----------------- |  once an image that is complete in staging
 *       | <- {type:"done"} or {type:"error"} ----- |  the last; then the worker exits: 0 or 125
 *
 * The worker dies at once when the engine's end is closed. The end of the stream without "done" or
 * "error" means that it was killed.
 *
 * In the staging directory the worker leaves, for each image,
 *     blobs/<hex>           manifest (raw bytes as served) and config, named by their sha256
 *     layers/<diffid hex>/  the unpacked tree in overlay's form: whiteouts are 0/0 character
 *                           devices, opaque directories carry trusted.overlay.opaque=y
 * all synced (one syncfs) before "image" is sent. Anything else there is garbage. A layer that an
 * earlier image of the same archive brought is not "new" a second time.
 *
 * The engine checks that names are well formed, moves the trees into the store, commits rows. It
 * trusts the digests that the worker verified, nothing else: every string is bounded and validated
 * again by the tables below.
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
    /* have, have-reply (the subset that the store has) */
    char **diff_ids;
    /* image */
    char **names; /* complete references that it is to be tagged with: "host/path:tag", or
                     "host/path@sha256:..." when it was pulled by digest; may be empty */
    char *manifest_digest;
    char *config_digest;                   /* the image's id */
    VEC(struct image_worker_layer) layers; /* bottom first */
    /* error */
    char *kind; /* err_kind_name() */
    char *msg;
};

/* The kind whose err_kind_name() is `name`; ERR_INTERNAL when there is none. */
enum err_kind image_worker_error_kind(const char *name);

extern const struct json_struct image_worker_request_json;
extern const struct json_struct image_worker_message_json;
