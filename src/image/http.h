/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * One way to set up libcurl for all requests: verified TLS, bounded answers, time limits, redirects
 * that never carry credentials to another host.
 */
#include <curl/curl.h>

#include "base/err.h"
#include "base/str.h"

/* Read before the sandbox closes; owned. */
struct http_trust {
    struct str authorities; /* PEM of cert_dir, in addition to the system's */
    struct str client_cert;
    struct str client_key;
    bool has_hashed_directory; /* /etc/ssl/certs is usable as CApath */
    bool verify;
};
int http_trust_load(struct http_trust *t, const char *cert_dir, struct err *e);
void http_trust_done(struct http_trust *t);

/* What is sent to the registry itself, and to no other host. */
struct http_credentials {
    const char *username; /* basic */
    const char *password;
    const char *token; /* bearer; wins over basic */
};

struct http_response {
    long status;
    long redirects;
    struct str body;
    char *content_type; /* without parameters */
    char *content_digest;
    struct str challenges;
    uint64_t range_start; /* of a 206 */
};
void http_response_done(struct http_response *r);

/* Applies trust, limits, and the header parser (into `r`) to a handle. */
int http_setup(CURL *h, const struct http_trust *t, const char *url,
               const struct http_credentials *c, struct http_response *r, struct err *e);
/* GET with a bounded body. A status is no error. ERR_LIMIT: the body is longer than max. *ret_code
 * is curl's, for deciding about a second try. */
int http_get(CURL *h, const struct http_trust *t, const char *url, const struct http_credentials *c,
             struct curl_slist *headers, size_t max, struct http_response *ret, CURLcode *ret_code,
             struct err *e);
bool http_code_is_transient(CURLcode code);
bool http_status_is_transient(long status);
int http_error(CURLcode code, const char *url, struct err *e);
