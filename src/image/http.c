/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: every answer is hostile. Headers that count are copied out, bounded; a body goes through
 * a bounded buffer; a peer that stalls is dropped after STALL_SECONDS. Credentials are given to
 * curl as such (not as a header of ours): it sends them to the first host only, whatever redirects
 * say, and a redirect never leads from https to http.
 *
 * The system's trust is read as a hashed directory: loading the bundle file costs 35 ms, the
 * directory 2 ms.
 */
#include "image/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "image/auth.h"
#include "sys/file.h"

#define CONNECT_SECONDS  10L
#define STALL_SECONDS    30L
#define REDIRECTS_MAX    5L
#define PEM_MAX_BYTES    (1u << 20)
#define SYSTEM_CERTS_DIR "/etc/ssl/certs"

static int add_pem(struct str *to, int dirfd, const char *name, struct err *e)
{
    auto_free char *text = NULL;
    auto_fd int fd = sys_open(dirfd, name, O_RDONLY, 0); /* an administrator's link is fine */
    size_t n = 0;
    int r = fd < 0 ? fd : sys_read_fd(fd, PEM_MAX_BYTES, &text, &n);

    if (r < 0)
        return err_sys(e, r, "read the certificate '%s'", name);
    str_add_bytes(to, text, n);
    str_add_char(to, '\n');
    return 0;
}

/* certs.d: *.crt are authorities, NAME.cert with NAME.key is the client. */
static int load_cert(struct http_trust *t, int dirfd, const char *name, struct err *e)
{
    auto_free char *key = NULL;

    if (str_ends_with(name, ".crt"))
        return add_pem(&t->authorities, dirfd, name, e);
    if (!str_ends_with(name, ".cert") || t->client_cert.len)
        return 0;
    key = alloc_printf("%.*s.key", (int)(strlen(name) - strlen(".cert")), name);
    if (add_pem(&t->client_cert, dirfd, name, e) < 0)
        return -1;
    return add_pem(&t->client_key, dirfd, key, e);
}

static bool has_hashed_names(const char *path)
{
    auto_strv names = NULL;

    if (sys_list_dir(AT_FDCWD, path, &names) < 0)
        return false;
    STRV_FOREACH (name, names) {
        if (str_ends_with(*name, ".0"))
            return true;
    }
    return false;
}

int http_trust_load(struct http_trust *t, const char *cert_dir, struct err *e)
{
    auto_fd int fd = FD_NONE;
    auto_strv names = NULL;
    int r;

    t->authorities = t->client_cert = t->client_key = STR_INIT(PEM_MAX_BYTES);
    t->has_hashed_directory = has_hashed_names(SYSTEM_CERTS_DIR);
    if (!cert_dir)
        return 0;
    fd = sys_open(AT_FDCWD, cert_dir, O_RDONLY | O_DIRECTORY, 0);
    r = fd < 0 ? fd : sys_list_dir(fd, ".", &names);
    if (r < 0)
        return err_sys(e, r, "open the certificate directory '%s'", cert_dir);
    STRV_FOREACH (name, names) {
        if (load_cert(t, fd, *name, e) < 0)
            return -1;
    }
    if (t->authorities.too_big || t->client_cert.too_big || t->client_key.too_big)
        return err_set(e, ERR_LIMIT, "the certificates in '%s' are too large", cert_dir);
    return 0;
}

void http_trust_done(struct http_trust *t)
{
    str_done(&t->authorities);
    str_done(&t->client_cert);
    str_done(&t->client_key);
}

void http_response_done(struct http_response *r)
{
    str_done(&r->body);
    str_done(&r->challenges);
    free(r->content_type);
    free(r->content_digest);
    *r = (struct http_response){0};
}

/* ---- headers ---- */

static void take_content_type(struct http_response *r, const char *value, size_t n)
{
    n = MIN(n, strcspn(value, "; \t\r\n"));
    free(r->content_type);
    r->content_type = alloc_strndup(value, n);
}

static void take_digest(struct http_response *r, const char *value, size_t n)
{
    free(r->content_digest);
    r->content_digest = alloc_strndup(value, n);
}

static void take_challenge(struct http_response *r, const char *value, size_t n)
{
    if (r->challenges.len)
        str_add(&r->challenges, ", ");
    str_add_bytes(&r->challenges, value, n);
}

static void take_range(struct http_response *r, const char *value, size_t n)
{
    auto_free char *text = alloc_strndup(value, n);
    char *dash = strchr(text, '-');

    r->range_start = UINT64_MAX;
    if (!str_starts_with(text, "bytes ") || !dash)
        return;
    *dash = 0;
    (void)str_to_u64(text + strlen("bytes "), INT64_MAX, &r->range_start); /* stays invalid */
}

static const struct {
    const char *name;
    void (*take)(struct http_response *r, const char *value, size_t n);
} header_rows[] = {
    {"content-type:", take_content_type},
    {"docker-content-digest:", take_digest},
    {"www-authenticate:", take_challenge},
    {"content-range:", take_range},
};

static void forget_headers(struct http_response *r)
{
    free(r->content_type);
    free(r->content_digest);
    r->content_type = r->content_digest = NULL;
    str_truncate(&r->challenges, 0);
    r->range_start = 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct http_response *r = arg;
    auto_free char *text = alloc_strndup(line, MIN(n, (size_t)AUTH_HEADER_MAX_BYTES));

    (void)size;
    if (str_starts_with(text, "HTTP/"))
        forget_headers(r); /* of a redirect, or of "100 Continue" */
    for (size_t i = 0; i < ARRAY_LEN(header_rows); i++) {
        size_t name_len = strlen(header_rows[i].name);
        char *value = text + name_len;

        if (strncasecmp(text, header_rows[i].name, name_len) != 0)
            continue;
        value += strspn(value, " \t");
        header_rows[i].take(r, value, strcspn(value, "\r\n"));
    }
    return n;
}

/* ---- handles ---- */

static struct curl_blob blob_of(const struct str *s)
{
    return (struct curl_blob){.data = s->s, .len = s->len, .flags = CURL_BLOB_NOCOPY};
}

static void setup_trust(CURL *h, const struct http_trust *t)
{
    struct curl_blob ca = blob_of(&t->authorities), cert = blob_of(&t->client_cert),
                     key = blob_of(&t->client_key);

    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, t->verify ? 1L : 0L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, t->verify ? 2L : 0L);
    if (t->has_hashed_directory) {
        curl_easy_setopt(h, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(h, CURLOPT_CAPATH, SYSTEM_CERTS_DIR);
    }
    if (t->authorities.len)
        curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &ca);
    if (t->client_cert.len) {
        curl_easy_setopt(h, CURLOPT_SSLCERT_BLOB, &cert);
        curl_easy_setopt(h, CURLOPT_SSLKEY_BLOB, &key);
    }
}

static void setup_credentials(CURL *h, const struct http_credentials *c)
{
    if (c && c->token) {
        curl_easy_setopt(h, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(h, CURLOPT_XOAUTH2_BEARER, c->token);
    } else if (c && c->username) {
        curl_easy_setopt(h, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(h, CURLOPT_USERNAME, c->username);
        curl_easy_setopt(h, CURLOPT_PASSWORD, c->password ? c->password : "");
    }
}

int http_setup(CURL *h, const struct http_trust *t, const char *url,
               const struct http_credentials *c, struct http_response *r, struct err *e)
{
    bool is_plain = str_starts_with(url, "http://");

    curl_easy_reset(h);
    r->challenges = STR_INIT(AUTH_HEADER_MAX_BYTES);
    setup_trust(h, t);
    setup_credentials(h, c);
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "dhow/" DHOW_VERSION);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(h, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, is_plain ? "http,https" : "https");
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(h, CURLOPT_BUFFERSIZE, 256L << 10);
    return curl_easy_setopt(h, CURLOPT_URL, url) == CURLE_OK
               ? 0
               : err_set(e, ERR_INVALID, "the address '%s' is not usable", url);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_response *r = arg;

    (void)size;
    str_add_bytes(&r->body, data, n);
    return r->body.too_big ? 0 : n;
}

int http_get(CURL *h, const struct http_trust *t, const char *url, const struct http_credentials *c,
             struct curl_slist *headers, size_t max, struct http_response *ret, CURLcode *ret_code,
             struct err *e)
{
    http_response_done(ret);
    ret->body = STR_INIT(max);
    if (http_setup(h, t, url, c, ret, e) < 0)
        return -1;
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, ret);
    *ret_code = curl_easy_perform(h);
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &ret->status);
    curl_easy_getinfo(h, CURLINFO_REDIRECT_COUNT, &ret->redirects);
    if (ret->body.too_big)
        return err_set(e, ERR_LIMIT, "the answer from '%s' is longer than %zu bytes", url, max);
    return *ret_code == CURLE_OK ? 0 : http_error(*ret_code, url, e);
}

/* ---- what went wrong ---- */

static const struct {
    CURLcode code;
    enum err_kind kind;
    bool is_transient;
} codes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_IO, false},
    {CURLE_COULDNT_CONNECT, ERR_IO, false},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, true},
    {CURLE_PARTIAL_FILE, ERR_IO, true},
    {CURLE_GOT_NOTHING, ERR_IO, true},
    {CURLE_SEND_ERROR, ERR_IO, true},
    {CURLE_RECV_ERROR, ERR_IO, true},
    {CURLE_HTTP2, ERR_IO, true},
    {CURLE_HTTP2_STREAM, ERR_IO, true},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_DENIED, false},
    {CURLE_LOGIN_DENIED, ERR_DENIED, false},
};

bool http_code_is_transient(CURLcode code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].code == code)
            return codes[i].is_transient;
    return false;
}

bool http_status_is_transient(long status)
{
    return status == 408 || status == 429 || (status >= 500 && status != 501);
}

int http_error(CURLcode code, const char *url, struct err *e)
{
    enum err_kind kind = ERR_IO;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].code == code)
            kind = codes[i].kind;
    return err_set(e, kind, "get '%s': %s", url, curl_easy_strerror(code));
}
