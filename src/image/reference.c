/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the grammar of reference.h is regular, and is read here by hand from both ends: the
 * digest behind the first '@', then the tag behind the last ':' that no '/' follows, then the host:
 * the first part when it could not be a path component ('.', ':' or an upper-case letter in it, or
 * it is "localhost"). What remains must be path components. Nothing is copied before all is valid.
 */
#include "image/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "oci/image.h"

#define NAME_MAX_LEN 255
#define TAG_MAX_LEN  128

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* Length of a separator at s[0..n): '.', '_', '__' or dashes; 0 when there is none. */
static size_t separator_len(const char *s, size_t n)
{
    size_t i = 0;

    if (s[0] == '.')
        return 1;
    if (s[0] == '_')
        return n > 1 && s[1] == '_' ? 2 : 1;
    while (i < n && s[i] == '-')
        i++;
    return i;
}

/* [a-z0-9]+ ((. | _ | __ | -+) [a-z0-9]+)* */
static bool is_path_component(const char *s, size_t n)
{
    size_t i = 0;

    for (;;) {
        size_t word = i, sep;

        while (i < n && is_lower_alnum(s[i]))
            i++;
        if (i == word)
            return false;
        if (i == n)
            return true;
        sep = separator_len(s + i, n - i);
        if (!sep)
            return false;
        i += sep;
    }
}

static bool is_path(const char *s, size_t n)
{
    for (;;) {
        const char *slash = memchr(s, '/', n);
        size_t part = slash ? (size_t)(slash - s) : n;

        if (!is_path_component(s, part))
            return false;
        if (!slash)
            return true;
        s += part + 1;
        n -= part + 1;
    }
}

static bool is_port(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return n >= 1 && n <= 5;
}

static bool is_ipv6_literal(const char *s, size_t n)
{
    if (n < 4 || s[0] != '[' || s[n - 1] != ']')
        return false;
    for (size_t i = 1; i < n - 1; i++)
        if (s[i] != ':' && !strchr("0123456789abcdefABCDEF", s[i]))
            return false;
    return true;
}

/* Labels of letters, digits and inner dashes, joined by dots. */
static bool is_host_name(const char *s, size_t n)
{
    char before = '.';

    for (size_t i = 0; i < n; i++) {
        bool fits = is_alnum(s[i]) || (s[i] == '-' && before != '.') ||
                    (s[i] == '.' && before != '.' && before != '-');

        if (!fits)
            return false;
        before = s[i];
    }
    return n > 0 && before != '-' && before != '.';
}

static bool is_host(const char *s, size_t n)
{
    const char *bracket = memrchr(s, ']', n);
    const char *colon = memrchr(s, ':', n);

    if (colon && (!bracket || colon > bracket)) {
        if (!is_port(colon + 1, n - (size_t)(colon - s) - 1))
            return false;
        n = (size_t)(colon - s);
    }
    return bracket ? is_ipv6_literal(s, n) : is_host_name(s, n);
}

static bool looks_like_host(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
            return true;
    return n == strlen("localhost") && memcmp(s, "localhost", n) == 0;
}

static bool is_tag(const char *s, size_t n)
{
    if (n < 1 || n > TAG_MAX_LEN || !(is_alnum(s[0]) || s[0] == '_'))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_alnum(s[i]) && !strchr("_.-", s[i]))
            return false;
    return true;
}

static int refuse(struct err *e, const char *s)
{
    char shown[80];
    size_t n = 0;

    for (; s[n] && n + 1 < sizeof(shown); n++)
        shown[n] = (unsigned char)s[n] < 0x20 || (unsigned char)s[n] > 0x7e ? '?' : s[n];
    shown[n] = 0;
    return err_set(e, ERR_INVALID, "invalid reference format '%s'", shown);
}

int image_reference_parse(const char *s, struct image_reference *ret, struct err *e)
{
    size_t end = strlen(s);
    const char *at = strchr(s, '@');
    const char *name = s, *host = NULL, *tag = NULL, *slash;
    size_t host_len = 0, tag_len = 0, name_len;

    if (at) {
        end = (size_t)(at - s);
        if (!oci_digest_is_valid(at + 1))
            return refuse(e, s);
    }
    tag = memrchr(s, ':', end);
    if (tag && !memchr(tag, '/', end - (size_t)(tag - s))) {
        tag_len = end - (size_t)(tag - s) - 1;
        end = (size_t)(tag - s);
        if (!is_tag(++tag, tag_len))
            return refuse(e, s);
    } else {
        tag = NULL;
    }
    if (end > NAME_MAX_LEN)
        return refuse(e, s);
    slash = memchr(s, '/', end);
    if (slash && looks_like_host(s, (size_t)(slash - s))) {
        host = s;
        host_len = (size_t)(slash - s);
        name = slash + 1;
        if (!is_host(host, host_len))
            return refuse(e, s);
    }
    name_len = end - (size_t)(name - s);
    if (!name_len || !is_path(name, name_len))
        return refuse(e, s);
    *ret = (struct image_reference){
        .host = host ? alloc_strndup(host, host_len) : NULL,
        .path = alloc_strndup(name, name_len),
        .tag = tag ? alloc_strndup(tag, tag_len) : NULL,
        .digest = at ? alloc_strdup(at + 1) : NULL,
    };
    return 0;
}

void image_reference_complete(struct image_reference *r, const char *default_host)
{
    if (!r->host)
        r->host = alloc_strdup(default_host);
    if (strcmp(r->host, "index.docker.io") == 0 || strcmp(r->host, "registry-1.docker.io") == 0) {
        free(r->host);
        r->host = alloc_strdup("docker.io");
    }
    if (strcmp(r->host, "docker.io") == 0 && !strchr(r->path, '/')) {
        char *longer = alloc_printf("library/%s", r->path);

        free(r->path);
        r->path = longer;
    }
    if (!r->tag && !r->digest)
        r->tag = alloc_strdup("latest");
}

char *image_reference_name(const struct image_reference *r)
{
    if (!r->host)
        return alloc_strdup(r->path);
    return alloc_printf("%s/%s", r->host, r->path);
}

char *image_reference_text(const struct image_reference *r)
{
    auto_free char *name = image_reference_name(r);

    return alloc_printf("%s%s%s%s%s", name, r->tag ? ":" : "", r->tag ? r->tag : "",
                        r->digest ? "@" : "", r->digest ? r->digest : "");
}

void image_reference_done(struct image_reference *r)
{
    free(r->host);
    free(r->path);
    free(r->tag);
    free(r->digest);
    *r = (struct image_reference){0};
}
