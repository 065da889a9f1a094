/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Image references: [HOST[:PORT]/]PATH[:TAG][@DIGEST] (the distribution project's reference
 * grammar: lower-case path components, tag [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}, total name at most
 * 255). Pure; fuzzed.
 */
#include "base/def.h"
#include "base/err.h"

struct image_reference {
    char *host;   /* "docker.io", "localhost:5000"; NULL when the name has none (a short name) */
    char *path;   /* "library/busybox" */
    char *tag;    /* NULL when absent */
    char *digest; /* NULL when absent */
};

int image_reference_parse(const char *s, struct image_reference *ret, struct err *e);
/* Adds what is implied: host "docker.io" and "library/" for docker.io's single names, tag "latest"
 * without tag and digest. Images without a registry (loaded from an archive under a short name) are
 * stored as "localhost/NAME:TAG" (podman's). */
void image_reference_complete(struct image_reference *r, const char *default_host);
char *
image_reference_text(const struct image_reference *r) DHOW_MUST_USE; /* host/path[:tag][@digest] */
char *image_reference_name(const struct image_reference *r)
    DHOW_MUST_USE; /* host/path, without tag and digest */
void image_reference_done(struct image_reference *r);
