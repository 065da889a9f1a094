/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PAX records: "LEN KEY=VALUE\n", LEN counting the whole record. One row a key that means something
 * here; others are passed over, as POSIX demands. An empty value removes what was set before.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "image/tar_private.h"

static int invalid(const char *key, struct err *e)
{
    return err_set(e, ERR_INVALID, "the archive has an invalid PAX record '%s'", key);
}

static int set_text(char **field, const char *value, size_t n)
{
    if (memchr(value, 0, n))
        return -EINVAL;
    free(*field);
    *field = n ? alloc_strndup(value, n) : NULL;
    return 0;
}

static int set_number(uint64_t *field, const char *value, uint64_t max)
{
    return str_to_u64(value, max, field);
}

static int take_path(struct tar_overrides *o, const char *v, size_t n)
{
    return set_text(&o->path, v, n);
}

static int take_link(struct tar_overrides *o, const char *v, size_t n)
{
    return set_text(&o->link, v, n);
}

static int take_size(struct tar_overrides *o, const char *v, size_t n)
{
    o->has_size = n > 0;
    return n ? set_number(&o->size, v, INT64_MAX / 2) : 0;
}

static int take_uid(struct tar_overrides *o, const char *v, size_t n)
{
    o->has_uid = n > 0;
    return n ? set_number(&o->uid, v, UINT32_MAX - 1) : 0;
}

static int take_gid(struct tar_overrides *o, const char *v, size_t n)
{
    o->has_gid = n > 0;
    return n ? set_number(&o->gid, v, UINT32_MAX - 1) : 0;
}

/* [-]SECONDS[.FRACTION]; the nanoseconds of a negative time count backwards. */
static int take_mtime(struct tar_overrides *o, const char *v, size_t n)
{
    char seconds[24];
    const char *dot = memchr(v, '.', n);
    size_t whole = dot ? (size_t)(dot - v) : n;
    uint32_t ns = 0, unit = 100000000;

    o->has_mtime = n > 0;
    if (!n)
        return 0;
    if (whole >= sizeof(seconds))
        return -EINVAL;
    memcpy(seconds, v, whole);
    seconds[whole] = 0;
    if (str_to_i64(seconds, INT64_MIN / 4, INT64_MAX / 4, &o->mtime_s) < 0)
        return -EINVAL;
    for (const char *p = dot ? dot + 1 : ""; *p; p++, unit /= 10) {
        if (*p < '0' || *p > '9')
            return -EINVAL;
        ns += unit * (uint32_t)(*p - '0');
    }
    if (ns && v[0] == '-') {
        o->mtime_s--;
        ns = 1000000000 - ns;
    }
    o->mtime_ns = ns;
    return 0;
}

static int take_sparse_name(struct tar_overrides *o, const char *v, size_t n)
{
    return set_text(&o->sparse_name, v, n);
}

static int take_sparse_size(struct tar_overrides *o, const char *v, size_t n)
{
    (void)n;
    o->has_real_size = true;
    return set_number(&o->real_size, v, INT64_MAX / 2);
}

static int take_sparse_major(struct tar_overrides *o, const char *v, size_t n)
{
    (void)n;
    o->has_sparse_major = true;
    return set_number(&o->sparse_major, v, 1000);
}

static int take_sparse_minor(struct tar_overrides *o, const char *v, size_t n)
{
    (void)n;
    return set_number(&o->sparse_minor, v, 1000);
}

static int take_sparse_offset(struct tar_overrides *o, const char *v, size_t n)
{
    (void)n;
    if (o->has_pending_offset)
        return -EINVAL;
    o->has_pending_offset = true;
    return set_number(&o->pending_offset, v, INT64_MAX / 2);
}

static int take_sparse_numbytes(struct tar_overrides *o, const char *v, size_t n)
{
    uint64_t len;

    (void)n;
    if (!o->has_pending_offset || set_number(&len, v, INT64_MAX / 2) < 0)
        return -EINVAL;
    o->has_pending_offset = false;
    return tar_sparse_add(o, o->pending_offset, len, NULL) < 0 ? -EINVAL : 0;
}

static int take_sparse_map(struct tar_overrides *o, const char *v, size_t n)
{
    if (memchr(v, 0, n))
        return -EINVAL;
    return tar_sparse_add_map(o, v, NULL) < 0 ? -EINVAL : 0;
}

static const struct {
    const char *key;
    int (*take)(struct tar_overrides *o, const char *value, size_t n);
} keys[] = {
    {"path", take_path},
    {"linkpath", take_link},
    {"size", take_size},
    {"uid", take_uid},
    {"gid", take_gid},
    {"mtime", take_mtime},
    {"GNU.sparse.name", take_sparse_name},
    {"GNU.sparse.realsize", take_sparse_size},
    {"GNU.sparse.size", take_sparse_size},
    {"GNU.sparse.major", take_sparse_major},
    {"GNU.sparse.minor", take_sparse_minor},
    {"GNU.sparse.offset", take_sparse_offset},
    {"GNU.sparse.numbytes", take_sparse_numbytes},
    {"GNU.sparse.map", take_sparse_map},
};

static void take_xattr(struct tar_overrides *o, const char *name, const char *value, size_t n)
{
    struct tar_xattr x = {.name = alloc_strdup(name), .value = alloc_memdup(value, n), .len = n};

    vec_push(&o->xattrs, x);
}

/* `value` is followed by a NUL in place of its newline. */
static int take_record(struct tar_overrides *o, const char *key, const char *value, size_t n,
                       struct err *e)
{
    char shown[TAR_SHOWN_SIZE];

    if (str_starts_with(key, "SCHILY.xattr.")) {
        take_xattr(o, key + strlen("SCHILY.xattr."), value, n);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(keys[i].key, key) == 0)
            return keys[i].take(o, value, n) < 0 ? invalid(tar_show(key, shown), e) : 0;
    return 0;
}

int tar_pax_parse(struct tar_overrides *o, const char *text, size_t n, struct err *e)
{
    auto_free char *copy = alloc_zero(n + 1, 1); /* cut into strings; n is bounded */
    char *at = copy, *end = copy + n;

    memcpy(copy, text, n);
    while (at < end) {
        char *space = memchr(at, ' ', (size_t)MIN(end - at, (ptrdiff_t)8)), *equals;
        uint64_t len;

        if (!space)
            return invalid("length", e);
        *space = 0;
        if (str_to_u64(at, (uint64_t)(end - at), &len) < 0 || len < (uint64_t)(space - at) + 3 ||
            at[len - 1] != '\n')
            return invalid("length", e);
        at[len - 1] = 0;
        equals = memchr(space + 1, '=', (size_t)(at + len - 1 - (space + 1)));
        if (!equals || equals == space + 1 || memchr(space + 1, 0, (size_t)(equals - space - 1)))
            return invalid("key", e);
        *equals = 0;
        if (take_record(o, space + 1, equals + 1, (size_t)(at + len - 1 - (equals + 1)), e) < 0)
            return -1;
        at += len;
    }
    return 0;
}

void tar_overrides_done(struct tar_overrides *o)
{
    free(o->path);
    free(o->link);
    free(o->sparse_name);
    vec_done(&o->extents);
    VEC_FOREACH (x, &o->xattrs) {
        free(x->name);
        free(x->value);
    }
    vec_done(&o->xattrs);
    *o = (struct tar_overrides){0};
}
