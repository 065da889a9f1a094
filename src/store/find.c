/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what a user types to an image.
 *
 *   full id (with or without "sha256:")      that image
 *   a reference                              by name, see below
 *   a prefix of an id                        if one image has it; a name goes before it, so that
 *                                            nobody's image takes a name's place by its id
 *
 * A name whose first part is a host ("localhost", or it has a dot or a port) is complete and must
 * be equal. Else a stored name fits when it ends with what was typed, at a slash. The closest kind
 * of fit counts: equal; beneath a bare host or its library/; beneath a longer path. Two images that
 * fit equally well are an error that names both, never a guess.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/image.h"

#define CANDIDATES_SHOWN 5

enum fit { FIT_NONE, FIT_PATH, FIT_HOST, FIT_EQUAL };

/* HOST/PATH, :TAG, @DIGEST of a name; the last two may be NULL. */
struct parts {
    char *repository;
    char *tag;
    char *digest;
};

static void parts_done(struct parts *p)
{
    free(p->repository);
    free(p->tag);
    free(p->digest);
}
#define auto_parts DHOW_CLEANUP(parts_done) struct parts

static struct parts split(const char *name)
{
    const char *at = strchrnul(name, '@');
    struct parts p = {.repository = alloc_strndup(name, (size_t)(at - name))};
    char *slash = strrchr(p.repository, '/');
    char *colon = strrchr(slash ? slash : p.repository, ':');

    if (*at)
        p.digest = alloc_strdup(at + 1);
    if (colon) {
        p.tag = alloc_strdup(colon + 1);
        *colon = 0;
    }
    return p;
}

struct search {
    const char *typed;
    struct parts wanted;
    bool is_complete; /* begins with a host */
    enum fit best;
    char **ids;   /* of the best fit, different ones */
    char **names; /* one name for each of them */
    struct store_image image;
    char *name; /* the stored name that fitted; NULL when an id did */
};

/* As image/reference.h reads a first part. */
static bool begins_with_host(const char *repository)
{
    const char *slash = strchr(repository, '/');
    size_t n = slash ? (size_t)(slash - repository) : 0;

    for (size_t i = 0; i < n; i++)
        if (repository[i] == '.' || repository[i] == ':' ||
            (repository[i] >= 'A' && repository[i] <= 'Z'))
            return true;
    return n == strlen("localhost") && memcmp(repository, "localhost", n) == 0;
}

/* docker.io has other names, and its images without a path are beneath library/. */
static void complete_docker(struct parts *p)
{
    static const char *const hosts[] = {"docker.io/", "index.docker.io/", "registry-1.docker.io/"};

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        const char *path = p->repository + strlen(hosts[i]);
        char *full;

        if (!str_starts_with(p->repository, hosts[i]))
            continue;
        full = alloc_printf("docker.io/%s%s", strchr(path, '/') ? "" : "library/", path);
        free(p->repository);
        p->repository = full;
        return;
    }
}

static enum fit fit_repository(const struct search *f, const char *stored)
{
    const char *wanted = f->wanted.repository;
    size_t n = strlen(stored), m = strlen(wanted);
    auto_free char *before = NULL;
    const char *slash;

    if (strcmp(stored, wanted) == 0)
        return FIT_EQUAL;
    if (f->is_complete || n <= m + 1 || stored[n - m - 1] != '/' ||
        strcmp(stored + n - m, wanted) != 0)
        return FIT_NONE;
    before = alloc_strndup(stored, n - m - 1);
    slash = strchr(before, '/');
    return !slash || strcmp(slash, "/library") == 0 ? FIT_HOST : FIT_PATH;
}

static enum fit fit_name(const struct search *f, const char *name, const char *manifest_digest)
{
    auto_parts stored = split(name);

    if (f->wanted.digest) {
        if (!str_equal(f->wanted.digest, manifest_digest) &&
            !str_equal(f->wanted.digest, stored.digest))
            return FIT_NONE;
    } else if (!str_equal(f->wanted.tag, stored.tag)) {
        return FIT_NONE;
    }
    return fit_repository(f, stored.repository);
}

static void consider(struct search *f, enum fit fit, const char *name, const char *id)
{
    if (fit == FIT_NONE || fit < f->best)
        return;
    if (fit > f->best) {
        strv_free(f->ids);
        strv_free(f->names);
        f->ids = f->names = NULL;
        f->best = fit;
    }
    if (strv_has(f->ids, id))
        return;
    strv_add(&f->ids, id);
    strv_add(&f->names, name);
}

static int ambiguous(const struct search *f, struct err *e)
{
    auto_strv shown = NULL;
    auto_free char *text = NULL;

    STRV_FOREACH (name, f->names)
        if (strv_len(shown) < CANDIDATES_SHOWN)
            strv_add(&shown, *name);
    text = strv_join(shown, ", ");
    return err_set(e, ERR_INVALID, "'%s' means several images: %s%s", f->typed, text,
                   strv_len(f->names) > CANDIDATES_SHOWN ? ", ..." : "");
}

/* Each way returns 1 when it has filled f->image, 0 when it knows none. */
static int by_name(struct store *s, struct search *f, struct err *e)
{
    auto_stmt *st = NULL;
    int r;

    if (db_bind(s, DB_TAGS, DB_NO_ARGS, &st, e) < 0)
        return -1;
    while ((r = db_step(s, st, e)) > 0) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        const char *id = (const char *)sqlite3_column_text(st, 1);

        consider(f, fit_name(f, name, (const char *)sqlite3_column_text(st, 2)), name, id);
    }
    if (r < 0 || !f->ids)
        return r;
    if (f->ids[1])
        return ambiguous(f, e);
    f->name = alloc_strdup(f->names[0]);
    return store_image_load(s, f->ids[0], &f->image, e);
}

static int by_prefix(struct store *s, struct search *f, const char *prefix, struct err *e)
{
    auto_strv ids = NULL;

    if (!*prefix || strspn(prefix, "0123456789abcdef") != strlen(prefix))
        return 0;
    if (db_texts(s, DB_IMAGE_IDS_BY_PREFIX, DB_ARGS(DB_TEXT(prefix)), &ids, e) < 0)
        return -1;
    if (!ids)
        return 0;
    if (ids[1]) {
        strv_free(f->names);
        f->names = take_ptr(&ids);
        return ambiguous(f, e);
    }
    return store_image_load(s, ids[0], &f->image, e);
}

static int find(struct store *s, void *arg, struct err *e)
{
    struct search *f = arg;
    bool is_digest = str_starts_with(f->typed, "sha256:");
    const char *hex = is_digest ? f->typed + strlen("sha256:") : f->typed;
    int r = 0;

    if (store_id_is_valid(hex))
        r = store_image_load(s, hex, &f->image, e);
    if (r == 0 && !is_digest)
        r = by_name(s, f, e);
    if (r == 0)
        r = by_prefix(s, f, hex, e);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "%s: image not known", f->typed) : r;
}

int store_image_find_name(struct store *s, const char *name, struct store_image *ret,
                          char **ret_name, struct err *e)
{
    struct search f = {.typed = name};
    int r;

    if (!*name)
        return err_set(e, ERR_INVALID, "name or ID cannot be empty");
    f.wanted = split(name);
    f.is_complete = begins_with_host(f.wanted.repository);
    complete_docker(&f.wanted);
    if (!f.wanted.tag && !f.wanted.digest)
        f.wanted.tag = alloc_strdup("latest");
    r = db_read(s, find, &f, e);
    if (r >= 0) {
        *ret = f.image;
        *ret_name = take_ptr(&f.name);
    }
    free(f.name);
    parts_done(&f.wanted);
    strv_free(f.ids);
    strv_free(f.names);
    return r < 0 ? -1 : 0;
}

int store_image_find(struct store *s, const char *name, struct store_image *ret, struct err *e)
{
    auto_free char *stored_name = NULL;

    return store_image_find_name(s, name, ret, &stored_name, e);
}
