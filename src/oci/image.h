/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The OCI image specification (1.1) and Docker's schema 2 as C types: manifest, index, image
 * configuration, and digests. Docker's media types mean the same structures. Everything in them is
 * hostile data: digests are checked by oci_digest_is_valid() before they are anywhere near a path
 * (T-3727), and configuration is data, never instructions (T-53488).
 */
#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"

#define OCI_MANIFEST_MAX_BYTES (4u << 20)
#define OCI_CONFIG_MAX_BYTES   (8u << 20)
#define OCI_MAX_LAYERS         500

/* "sha256:" and 64 lower-case hex digits; nothing else. */
bool oci_digest_is_valid(const char *s);
/* The 64 hex digits of a valid digest, borrowed. */
const char *oci_digest_hex(const char *digest);

struct oci_platform {
    char *architecture;
    char *os;
    char *variant;
};

struct oci_descriptor {
    char *media_type;
    char *digest;
    int64_t size;
    char **annotations;
    struct oci_platform *platform;
};

struct oci_manifest {
    int32_t schema_version;
    char *media_type;
    struct oci_descriptor config;
    VEC(struct oci_descriptor) layers;
    char **annotations;
};

struct oci_index {
    int32_t schema_version;
    char *media_type;
    VEC(struct oci_descriptor) manifests;
    char **annotations;
};

/* The `config` object inside an image configuration. */
struct oci_image_params {
    char *user;
    char **env;
    char **entrypoint;
    char **cmd;
    char *working_dir;
    char **labels; /* "k=v" */
    char *stop_signal;
    struct json_object *exposed_ports; /* object whose keys count */
    struct json_object *volumes;       /* object whose keys count */
};

struct oci_history {
    char *created;
    char *created_by;
    char *author;
    char *comment;
    bool empty_layer;
};

struct oci_rootfs {
    char *type;
    char **diff_ids;
};

struct oci_image_config {
    char *created;
    char *author;
    char *architecture;
    char *os;
    char *variant;
    struct oci_image_params config;
    struct oci_rootfs rootfs;
    VEC(struct oci_history) history;
};

extern const struct json_struct oci_manifest_json, oci_index_json, oci_image_config_json;

enum oci_manifest_kind { OCI_KIND_MANIFEST, OCI_KIND_INDEX };
/* Decides by content and media type; a text that is both, or neither, is refused (CVE-2021-41190).
 * Schema 1 is refused. */
int oci_manifest_kind_of(const char *text, size_t len, const char *media_type,
                         enum oci_manifest_kind *ret, struct err *e);
int oci_manifest_parse(const char *text, size_t len, struct oci_manifest *ret,
                       struct err *e); /* digests and sizes validated */
int oci_index_parse(const char *text, size_t len, struct oci_index *ret, struct err *e);
int oci_image_config_parse(const char *text, size_t len, struct oci_image_config *ret,
                           struct err *e); /* diff_ids validated */
void oci_manifest_done(struct oci_manifest *m);
void oci_index_done(struct oci_index *i);
void oci_image_config_done(struct oci_image_config *c);

/* The host's platform in Go's words: "linux", "amd64", "" or "v7". Borrowed constants. */
const char *oci_host_architecture(void);
const char *oci_host_variant(void);
/* The entry of an index that fits "os/arch[/variant]" best, or NULL. Borrowed. */
const struct oci_descriptor *oci_index_select(const struct oci_index *i, const char *platform);
