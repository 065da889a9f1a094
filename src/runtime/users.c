/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trust boundary: passwd and group belong to the image. The caller bounded their size
 * (USERS_FILE_MAX_BYTES); here a line with a NUL, too few fields or a number out of range is
 * skipped, the first line that fits wins, and a home directory that could not be a field of passwd
 * again (':' or a control byte, CVE-2024-9676's cousin) is not taken.
 */
#include "runtime/users.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"

#define ID_MAX 2147483647u

/* 1: a number; 0: not made of digits; -1: digits (or a sign) that are no valid id. */
static int parse_number(const char *s, uint32_t *ret)
{
    uint64_t value;

    if (*s == '-' || *s == '+')
        return -1;
    if (!*s || s[strspn(s, "0123456789")])
        return 0;
    if ((s[0] == '0' && s[1]) || str_to_u64(s, ID_MAX, &value) < 0)
        return -1;
    *ret = (uint32_t)value;
    return 1;
}

/* A name that a line of passwd could hold, and that nobody could take for a number. */
static bool is_name(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > 255 || str_starts_with(s, "0x") || str_starts_with(s, "0X"))
        return false;
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == ':' || *s == '/' || *s == 0x7f)
            return false;
    return true;
}

static int check_part(const char *part, const char *what, const char *whole, struct err *e)
{
    uint32_t number;
    int r = parse_number(part, &number);

    if (r < 0)
        return err_set(e, ERR_INVALID,
                       "invalid %s '%s': a number must be an exact decimal from 0 to %u", what,
                       whole, ID_MAX);
    if (r == 0 && !is_name(part))
        return err_set(e, ERR_INVALID, "invalid %s '%s'", what, whole);
    return 0;
}

struct user_parts {
    char user[256];
    char group[256];
    bool has_group;
};

static int split_user(const char *s, struct user_parts *ret, struct err *e)
{
    const char *colon = strchr(s, ':');
    size_t n = colon ? (size_t)(colon - s) : strlen(s);

    *ret = (struct user_parts){.has_group = colon != NULL};
    if (n >= sizeof(ret->user) || (colon && strlen(colon + 1) >= sizeof(ret->group)))
        return err_set(e, ERR_INVALID, "invalid user: too long");
    memcpy(ret->user, s, n);
    if (colon)
        memcpy(ret->group, colon + 1, strlen(colon + 1));
    if (check_part(ret->user, "user", s, e) < 0)
        return -1;
    return colon ? check_part(ret->group, "user", s, e) : 0;
}

int users_check(const struct users_request *q, struct err *e)
{
    struct user_parts parts;
    size_t n = strv_len(q->groups) + q->n_additional_gids;

    if (q->user && split_user(q->user, &parts, e) < 0)
        return -1;
    STRV_FOREACH (g, q->groups)
        if (check_part(*g, "group", *g, e) < 0)
            return -1;
    if (!q->user && (q->uid > ID_MAX || q->gid > ID_MAX))
        return err_set(e, ERR_INVALID, "invalid user %u:%u: a number is from 0 to %u", q->uid,
                       q->gid, ID_MAX);
    if (n > SYNC_MAX_GROUPS / 2)
        return err_set(e, ERR_LIMIT, "more than %d additional groups", SYNC_MAX_GROUPS / 2);
    return 0;
}

bool users_needs_files(const struct users_request *q)
{
    struct user_parts parts;
    uint32_t number;

    if (q->want_home)
        return true;
    STRV_FOREACH (g, q->groups)
        if (parse_number(*g, &number) != 1)
            return true;
    if (!q->user || split_user(q->user, &parts, NULL) < 0)
        return false;
    /* A number without a group: passwd has its primary group, group the others. */
    return !parts.has_group || parse_number(parts.user, &number) != 1 ||
           parse_number(parts.group, &number) != 1;
}

/* The next line as an owned-by-nobody copy in `line`; false at the end. Lines that cannot be valid
 * come out empty. */
static bool next_line(struct users_text *t, char *line, size_t size)
{
    const char *end;
    size_t n;

    line[0] = 0;
    if (!t->s || t->len == 0)
        return false;
    end = memchr(t->s, '\n', t->len);
    n = end ? (size_t)(end - t->s) : t->len;
    if (n < size && !memchr(t->s, 0, n)) {
        memcpy(line, t->s, n);
        line[n] = 0;
    }
    n += end != NULL;
    t->s += n;
    t->len -= n;
    return true;
}

/* Splits at ':' in place; the number of fields found, at most max. The last field keeps further
 * colons. */
static size_t split_fields(char *line, char **fields, size_t max)
{
    size_t n = 0;

    for (char *s = line; s && n < max;) {
        char *colon = n + 1 < max ? strchr(s, ':') : NULL;

        fields[n++] = s;
        if (colon)
            *colon++ = 0;
        s = colon;
    }
    return n;
}

struct passwd_line {
    char name[256];
    uint32_t uid;
    uint32_t gid;
    char home[1024];
};

static bool is_safe_home(const char *s)
{
    if (*s != '/' || strlen(s) >= sizeof(((struct sync_ids *)0)->home))
        return false;
    for (; *s; s++)
        if (*s == ':' || (unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    return true;
}

static bool parse_passwd(char *line, struct passwd_line *ret)
{
    char *f[8];
    size_t n = split_fields(line, f, ARRAY_LEN(f));

    if (n < 4 || n > 7 || !*f[0] || strlen(f[0]) >= sizeof(ret->name) ||
        parse_number(f[2], &ret->uid) != 1 || parse_number(f[3], &ret->gid) != 1)
        return false;
    snprintf(ret->name, sizeof(ret->name), "%s", f[0]);
    snprintf(ret->home, sizeof(ret->home), "%s", n > 5 && is_safe_home(f[5]) ? f[5] : "");
    return true;
}

/* By name, or by uid when name is NULL. */
static bool find_user(struct users_text passwd, const char *name, uint32_t uid,
                      struct passwd_line *ret)
{
    char line[4096];

    while (next_line(&passwd, line, sizeof(line)))
        if (parse_passwd(line, ret) && (name ? str_equal(ret->name, name) : ret->uid == uid))
            return true;
    return false;
}

static bool find_group(struct users_text group, const char *name, uint32_t *ret)
{
    char line[65536];

    while (next_line(&group, line, sizeof(line))) {
        char *f[4];
        size_t n = split_fields(line, f, ARRAY_LEN(f));

        if (n >= 3 && str_equal(f[0], name) && parse_number(f[2], ret) == 1)
            return true;
    }
    return false;
}

static int add_group(struct sync_ids *ids, uint32_t gid, struct err *e)
{
    for (uint32_t i = 0; i < ids->n_groups; i++)
        if (ids->groups[i] == gid)
            return 0;
    if (ids->n_groups == SYNC_MAX_GROUPS)
        return err_set(e, ERR_LIMIT, "the user is in more than %d groups", SYNC_MAX_GROUPS);
    ids->groups[ids->n_groups++] = gid;
    return 0;
}

static bool is_member(char *members, const char *name)
{
    char *save = NULL;

    for (char *m = strtok_r(members, ",", &save); m; m = strtok_r(NULL, ",", &save))
        if (str_equal(m, name))
            return true;
    return false;
}

static int add_memberships(struct users_text group, const char *name, struct sync_ids *ids,
                           struct err *e)
{
    char line[65536];
    uint32_t gid;

    while (next_line(&group, line, sizeof(line))) {
        char *f[4];

        if (split_fields(line, f, ARRAY_LEN(f)) == 4 && parse_number(f[2], &gid) == 1 &&
            is_member(f[3], name) && add_group(ids, gid, e) < 0)
            return -1;
    }
    return 0;
}

static int resolve_group(struct users_text group, const char *name, uint32_t *ret, struct err *e)
{
    if (parse_number(name, ret) == 1 || find_group(group, name, ret))
        return 0;
    return err_set(e, ERR_INVALID, "unable to find group %s: no matching entries in group file",
                   name);
}

/* `--user`: the primary and the other groups come from the files unless a group was given. */
static int resolve_user(const char *user, struct users_text passwd, struct users_text group,
                        struct sync_ids *ids, struct err *e)
{
    struct user_parts parts;
    struct passwd_line p = {0};
    bool is_number, is_known;

    if (split_user(user, &parts, e) < 0)
        return -1;
    is_number = parse_number(parts.user, &ids->uid) == 1;
    is_known = find_user(passwd, is_number ? NULL : parts.user, ids->uid, &p);
    if (!is_number && !is_known)
        return err_set(e, ERR_INVALID, "unable to find user %s: no matching entries in passwd file",
                       parts.user);
    if (is_known) {
        ids->uid = p.uid;
        ids->gid = p.gid;
        snprintf(ids->home, sizeof(ids->home), "%s", p.home);
    }
    if (parts.has_group)
        return resolve_group(group, parts.group, &ids->gid, e);
    return is_known ? add_memberships(group, p.name, ids, e) : 0;
}

int users_resolve(const struct users_request *q, struct users_text passwd, struct users_text group,
                  struct sync_ids *ret, struct err *e)
{
    struct sync_ids ids = {.uid = q->user ? 0 : q->uid, .gid = q->user ? 0 : q->gid};
    struct passwd_line p;
    uint32_t gid;

    if (users_check(q, e) < 0 || (q->user && resolve_user(q->user, passwd, group, &ids, e) < 0))
        return -1;
    for (size_t i = 0; i < q->n_additional_gids; i++)
        if (add_group(&ids, q->additional_gids[i], e) < 0)
            return -1;
    STRV_FOREACH (g, q->groups)
        if (resolve_group(group, *g, &gid, e) < 0 || add_group(&ids, gid, e) < 0)
            return -1;
    if (!q->user && q->want_home && find_user(passwd, NULL, ids.uid, &p))
        snprintf(ids.home, sizeof(ids.home), "%s", p.home);
    if (!q->want_home)
        ids.home[0] = 0;
    else if (!ids.home[0])
        snprintf(ids.home, sizeof(ids.home), "%s", ids.uid == 0 ? "/root" : "/");
    *ret = ids;
    return 0;
}
