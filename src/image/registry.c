/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: the first request decides the scheme. https is always tried first; plain http follows
 * only when the server does not speak TLS and either it is on this machine (a loopback address: the
 * bytes never leave it) or the user allowed it. A 401 is answered once: the challenge names basic,
 * or a token server that gives a bearer token for pulling this one repository.
 *
 * Trust: the registry is not trusted with anything but the user's credentials for it. A challenge
 * counts only when it came from the registry itself, not from where it redirected to.
 */
#include "image/registry.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/json.h"
#include "image/auth.h"
#include "image/digest.h"
#include "oci/image.h"

#define TRIES_MAX             4
#define FIRST_WAIT_MS         250
#define TOKEN_ANSWER_MAX      (256u << 10)
#define DOCKER_HUB_REGISTRY   "registry-1.docker.io"
#define MEDIA_TYPE_ACCEPT_ROW "Accept: "

static const char *const accepted[] = {
    MEDIA_TYPE_ACCEPT_ROW "application/vnd.oci.image.manifest.v1+json",
    MEDIA_TYPE_ACCEPT_ROW "application/vnd.oci.image.index.v1+json",
    MEDIA_TYPE_ACCEPT_ROW "application/vnd.docker.distribution.manifest.v2+json",
    MEDIA_TYPE_ACCEPT_ROW "application/vnd.docker.distribution.manifest.list.v2+json",
};

struct registry {
    const struct image_worker_request *request;
    const struct http_trust *trust;
    const char *host; /* borrowed from the reference */
    const char *path;
    CURL *easy;
    bool is_plain;
    bool is_scheme_known;
    bool use_basic;
    char *token;
};

struct token_answer {
    char *token;
    char *access_token;
};
static const struct json_field token_fields[] = {
    {"token", JSON_STRING, offsetof(struct token_answer, token)},
    {"access_token", JSON_STRING, offsetof(struct token_answer, access_token)},
};
static const struct json_struct token_json =
    JSON_STRUCT("token", struct token_answer, token_fields);

struct registry *registry_new(const struct image_worker_request *q,
                              const struct image_reference *ref, const struct http_trust *trust)
{
    struct registry *r = alloc_new(struct registry);

    r->request = q;
    r->trust = trust;
    r->host = strcmp(ref->host, "docker.io") == 0 ? DOCKER_HUB_REGISTRY : ref->host;
    r->path = ref->path;
    r->easy = curl_easy_init();
    if (!r->easy)
        abort(); /* memory is out */
    return r;
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    curl_easy_cleanup(r->easy);
    free(r->token);
    free(r);
}

void registry_manifest_done(struct registry_manifest *m)
{
    free(m->text);
    free(m->media_type);
    free(m->digest);
    *m = (struct registry_manifest){0};
}

/* ---- addresses ---- */

/* Without the port: 127.0.0.0/8, ::1 and localhost. */
static bool is_loopback(const char *host)
{
    unsigned a, b, c, d;
    char behind;

    if (str_equal(host, "localhost") || str_starts_with(host, "localhost:") ||
        str_equal(host, "[::1]") || str_starts_with(host, "[::1]:"))
        return true;
    return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &behind) >= 4 && a == 127 &&
           strspn(host, "0123456789.:") == strlen(host);
}

static char *url_of(const struct registry *r, const char *kind, const char *what)
{
    return alloc_printf("%s://%s/v2/%s/%s/%s", r->is_plain ? "http" : "https", r->host, r->path,
                        kind, what);
}

char *registry_blob_url(const struct registry *r, const char *digest)
{
    return url_of(r, "blobs", digest);
}

const struct http_trust *registry_trust(const struct registry *r)
{
    return r->trust;
}

struct http_credentials registry_credentials(const struct registry *r)
{
    return (struct http_credentials){
        .username = r->use_basic ? r->request->username : NULL,
        .password = r->use_basic ? r->request->password : NULL,
        .token = r->token,
    };
}

/* ---- authentication ---- */

static char *token_url(const struct registry *r, const struct auth_challenge *c)
{
    auto_free char *scope = alloc_printf("repository:%s:pull", r->path);
    char *scope_text = curl_easy_escape(r->easy, scope, 0);
    char *service_text = curl_easy_escape(r->easy, c->service ? c->service : "", 0);
    char *url = alloc_printf("%s%c%s%s%sscope=%s", c->realm, strchr(c->realm, '?') ? '&' : '?',
                             c->service ? "service=" : "", c->service ? service_text : "",
                             c->service ? "&" : "", scope_text);

    curl_free(scope_text);
    curl_free(service_text);
    return url;
}

static int take_token(struct registry *r, const struct http_response *a, struct err *e)
{
    struct token_answer t = {0};
    char **token;
    int result = 0;

    if (json_decode_text(a->body.s ? a->body.s : "", a->body.len, TOKEN_ANSWER_MAX, &token_json, &t,
                         e) < 0)
        return err_wrap(e, "the token server's answer");
    token = t.token ? &t.token : &t.access_token;
    if (*token && auth_token_is_valid(*token)) {
        free(r->token);
        r->token = take_ptr(token);
    } else {
        result = err_set(e, ERR_INVALID, "the token server gave no usable token");
    }
    json_free_struct(&token_json, &t);
    return result;
}

static int get_token(struct registry *r, const struct auth_challenge *c, struct err *e)
{
    struct http_credentials user = {.username = r->request->username,
                                    .password = r->request->password};
    auto_free char *url = NULL;
    struct http_response a = {0};
    CURL *h = curl_easy_init(); /* its own connection: it is another server */
    CURLcode code;
    int result;

    if (!h)
        return err_set(e, ERR_LIMIT, "no memory for a request");
    url = token_url(r, c);
    result = http_get(h, r->trust, url, &user, NULL, TOKEN_ANSWER_MAX, &a, &code, e);
    if (result == 0 && a.status != 200)
        result = err_set(e, a.status == 401 || a.status == 403 ? ERR_DENIED : ERR_IO,
                         "the token server of '%s' refused: status %ld", r->host, a.status);
    if (result == 0)
        result = take_token(r, &a, e);
    curl_easy_cleanup(h);
    http_response_done(&a);
    return result;
}

int registry_authenticate(struct registry *r, const char *challenges, struct err *e)
{
    struct auth_challenge c = {0};
    int result = 0;

    if (auth_parse_challenge(challenges, &c, e) < 0)
        return -1;
    if (c.scheme == AUTH_BASIC) {
        if (!r->request->username)
            result =
                err_set(e, ERR_DENIED,
                        "authentication required: '%s' wants a user name and a password", r->host);
        r->use_basic = true;
    } else if (!auth_realm_is_acceptable(c.realm, r->is_plain)) {
        result = err_set(e, ERR_DENIED, "'%s' names a token server that is not on https", r->host);
    } else {
        result = get_token(r, &c, e);
    }
    auth_challenge_done(&c);
    return result;
}

/* ---- requests ---- */

int registry_status_error(long status, const char *what, struct err *e)
{
    static const struct {
        long status;
        enum err_kind kind;
        const char *text;
    } rows[] = {
        {401, ERR_DENIED, "authentication required"},
        {403, ERR_DENIED, "access denied"},
        {404, ERR_NOT_FOUND, "not found on the registry"},
        {429, ERR_LIMIT, "the registry limits the rate of requests"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return err_set(e, rows[i].kind, "%s: %s", what, rows[i].text);
    return err_set(e, ERR_IO, "%s: the registry answered with status %ld", what, status);
}

static int status_error(long status, const char *kind, const char *what, struct err *e)
{
    bool is_manifest = strcmp(kind, "manifests") == 0;
    auto_free char *text = alloc_printf("%s '%s'", is_manifest ? "manifest" : "blob", what);

    if (is_manifest && status == 404)
        return err_set(e, ERR_NOT_FOUND, "manifest unknown: '%s' is not on the registry", what);
    return registry_status_error(status, text, e);
}

static void wait_before_try(unsigned n)
{
    unsigned ms = FIRST_WAIT_MS << (2 * n);
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* The server does not speak TLS, and plain http is allowed for it. */
static bool can_fall_back(const struct registry *r, CURLcode code)
{
    if (r->is_scheme_known || r->is_plain)
        return false;
    if (!r->request->plain_http_allowed && !is_loopback(r->host))
        return false;
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_GOT_NOTHING ||
           code == CURLE_RECV_ERROR || code == CURLE_COULDNT_CONNECT;
}

static int try_get(struct registry *r, const char *kind, const char *what,
                   struct curl_slist *headers, size_t max, struct http_response *ret,
                   CURLcode *code, struct err *e)
{
    auto_free char *url = url_of(r, kind, what);
    struct http_credentials c = registry_credentials(r);

    return http_get(r->easy, r->trust, url, &c, headers, max, ret, code, e);
}

/* GET with all second chances: other scheme, authentication, transient failures. Each is bounded.
 */
static int get(struct registry *r, const char *kind, const char *what, struct curl_slist *headers,
               size_t max, struct http_response *ret, struct err *e)
{
    bool has_authenticated = false;

    for (unsigned failures = 0;;) {
        CURLcode code = CURLE_OK;
        int result = try_get(r, kind, what, headers, max, ret, &code, e);

        if (result < 0 && can_fall_back(r, code)) {
            r->is_plain = true;
            continue;
        }
        r->is_scheme_known = r->is_scheme_known || result == 0;
        if (result == 0 && ret->status == 401 && !ret->redirects && !has_authenticated &&
            ret->challenges.len) {
            has_authenticated = true;
            if (registry_authenticate(r, str_text(&ret->challenges), e) < 0)
                return -1;
            continue;
        }
        if (result == 0 && ret->status == 200)
            return 0;
        if (++failures < TRIES_MAX &&
            (result < 0 ? http_code_is_transient(code) : http_status_is_transient(ret->status))) {
            wait_before_try(failures - 1);
            continue;
        }
        return result < 0 ? -1 : status_error(ret->status, kind, what, e);
    }
}

static struct curl_slist *accept_headers(void)
{
    struct curl_slist *list = NULL;

    for (size_t i = 0; i < ARRAY_LEN(accepted); i++)
        list = curl_slist_append(list, accepted[i]);
    return list;
}

/* Both the digest that was asked for and the one in the header must be the text's own. */
static int check_manifest(const char *what, const struct http_response *a,
                          char found[static DIGEST_TEXT_SIZE], struct err *e)
{
    digest_text_of(a->body.s ? a->body.s : "", a->body.len, found);
    if (oci_digest_is_valid(what) && strcmp(found, what) != 0)
        return err_set(e, ERR_INVALID, "the manifest %s has the digest %s", what, found);
    if (a->content_digest && str_starts_with(a->content_digest, "sha256:") &&
        strcmp(found, a->content_digest) != 0)
        return err_set(e, ERR_INVALID,
                       "the manifest '%s' does not have the digest that the registry claims", what);
    return 0;
}

int registry_get_manifest(struct registry *r, const char *what, struct registry_manifest *ret,
                          struct err *e)
{
    struct curl_slist *headers = accept_headers();
    struct http_response a = {0};
    char found[DIGEST_TEXT_SIZE];
    int result = get(r, "manifests", what, headers, OCI_MANIFEST_MAX_BYTES, &a, e);

    if (result == 0)
        result = check_manifest(what, &a, found, e);
    if (result == 0) {
        ret->digest = alloc_strdup(found);
        ret->len = a.body.len;
        ret->text = str_take(&a.body);
        ret->media_type = take_ptr(&a.content_type);
    }
    curl_slist_free_all(headers);
    http_response_done(&a);
    return result;
}

int registry_get_blob(struct registry *r, const char *digest, int64_t size, size_t max,
                      char **ret_text, size_t *ret_len, struct err *e)
{
    struct http_response a = {0};
    char found[DIGEST_TEXT_SIZE];
    int result;

    if (size < 0 || (uint64_t)size > max)
        return err_set(e, ERR_LIMIT, "the blob %s is larger than %zu bytes", digest, max);
    result = get(r, "blobs", digest, NULL, (size_t)size, &a, e);
    if (result == 0 && (int64_t)a.body.len != size)
        result = err_set(e, ERR_INVALID, "the blob %s has %zu bytes instead of %lld", digest,
                         a.body.len, (long long)size);
    if (result == 0) {
        digest_text_of(a.body.s ? a.body.s : "", a.body.len, found);
        if (strcmp(found, digest) != 0)
            result = err_set(e, ERR_INVALID, "the blob %s has the digest %s", digest, found);
    }
    if (result == 0) {
        *ret_len = a.body.len;
        *ret_text = str_take(&a.body);
    }
    http_response_done(&a);
    return result;
}
