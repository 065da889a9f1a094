/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A repository on a registry (OCI distribution specification 1.1, Docker Registry v2): manifests
 * and small blobs, one request at a time. Layers: fetch.h.
 */
#include "base/err.h"
#include "image/http.h"
#include "image/reference.h"
#include "image/worker.h"

struct registry; /* opaque */
/* `trust` and `q` are borrowed for its life. */
struct registry *registry_new(const struct image_worker_request *q,
                              const struct image_reference *ref, const struct http_trust *trust);
void registry_free(struct registry *r);

struct registry_manifest {
    char *text; /* as served */
    size_t len;
    char *media_type; /* as the Content-Type said, or NULL */
    char *digest;     /* of text */
};
void registry_manifest_done(struct registry_manifest *m);
/* `what` is a tag or a digest; with a digest the text is checked against it. */
int registry_get_manifest(struct registry *r, const char *what, struct registry_manifest *ret,
                          struct err *e);
/* A blob that is small by nature, checked against digest and size. */
int registry_get_blob(struct registry *r, const char *digest, int64_t size, size_t max,
                      char **ret_text, size_t *ret_len, struct err *e);

/* For fetch.h: address, trust and credentials of a blob, and a new token when the old one expired
 * (`challenges` of the 401). */
char *registry_blob_url(const struct registry *r, const char *digest);
const struct http_trust *registry_trust(const struct registry *r);
struct http_credentials registry_credentials(const struct registry *r);
int registry_authenticate(struct registry *r, const char *challenges, struct err *e);
int registry_status_error(long status, const char *what, struct err *e);
