/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A group is a directory of resctrl: its `tasks` are the processes in it, its `schemata` what they
 * may use. A process without a group is in the root's. The rules are config-linux.md's:
 *
 *   - a group that the specification names belongs to somebody: it is made when there are schemata
 *     for it, never removed, and, when it is there, must have the cache and bandwidth schemata that
 *     are asked for;
 *   - without a name it is the container's, has its id, and goes with it;
 *   - monitoring is a group of its own in that one, by the container's id, and goes with it.
 *
 * The kernel tells in info/last_cmd_status why it refused something.
 */
#include "runtime/rdt_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/file.h"
#include "sys/mountinfo.h"

#define FILE_MAX (64u << 10)

static const struct json_field fields[] = {
    {"root", JSON_STRING, offsetof(struct rdt, root)},
    {"group", JSON_STRING, offsetof(struct rdt, group)},
    {"monitor", JSON_STRING, offsetof(struct rdt, monitor)},
    {"isOurs", JSON_BOOL, offsetof(struct rdt, is_ours)},
};
const struct json_struct rdt_json = JSON_STRUCT("rdt", struct rdt, fields);

void rdt_done(struct rdt *r)
{
    json_free_struct(&rdt_json, r);
}

static const char *or_null(const char *s)
{
    return s && *s ? s : NULL;
}

/* ---- files ---- */

char *rdt_read(const char *directory, const char *file)
{
    auto_free char *path = alloc_printf("%s/%s", directory, file);
    char *text = NULL;
    size_t n;

    if (sys_read_file(AT_FDCWD, path, FILE_MAX, &text, &n) < 0)
        return NULL;
    while (n > 0 && strchr(" \t\n", text[n - 1]))
        text[--n] = 0;
    return text;
}

static int write_at(const char *directory, const char *file, const char *text)
{
    auto_free char *path = alloc_printf("%s/%s", directory, file);
    auto_fd int fd = sys_open(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);

    return fd < 0 ? fd : sys_write_all(fd, text, strlen(text));
}

bool rdt_is_directory(const char *path)
{
    struct stat st;

    return sys_stat(AT_FDCWD, path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* With the kernel's reason, if it gave one. */
static int refused(const struct rdt *r, int negative_errno, const char *what, struct err *e)
{
    auto_free char *why = rdt_read(r->root, "info/last_cmd_status");

    if (!why || !*why || str_equal(why, "ok"))
        return err_sys(e, negative_errno, "linux.intelRdt: %s '%s'", what, r->group);
    return err_sys(e, negative_errno, "linux.intelRdt: %s '%s': last_cmd_status: %.200s", what,
                   r->group, why);
}

/* ---- which group ---- */

static char *find_root(void)
{
    auto_mountinfo mounts = {0};

    if (sys_mountinfo_read(&mounts) < 0)
        return NULL;
    VEC_FOREACH (m, &mounts)
        if (str_equal(m->type, "resctrl"))
            return take_ptr(&m->point);
    return NULL;
}

static bool has_schemata(const struct oci_intel_rdt *w)
{
    return or_null(w->l3_cache_schema) || or_null(w->mem_bw_schema) ||
           (w->schemata && w->schemata[0]);
}

int rdt_locate(const struct oci_intel_rdt *wanted, const char *id, const char *root,
               struct rdt *ret, struct err *e)
{
    const char *name = or_null(wanted->clos_id);
    struct rdt r = {.root = root ? alloc_strdup(root) : find_root()};

    if (!r.root)
        return err_set(e, ERR_UNSUPPORTED, "linux.intelRdt: no resctrl file system is mounted");
    if (name && strcmp(name, "/") == 0)
        r.group = alloc_strdup(r.root);
    else
        r.group = alloc_printf("%s/%s", r.root, name ? name : id);
    r.is_ours = !name && !rdt_is_directory(r.group);
    if (wanted->enable_monitoring || wanted->enable_cmt || wanted->enable_mbm)
        r.monitor = alloc_printf("%s/mon_groups/%s", r.group, id);
    if (name && !has_schemata(wanted) && !rdt_is_directory(r.group)) {
        err_set(e, ERR_NOT_FOUND,
                "linux.intelRdt.closID: there is no group '%s', and no schemata to make it with",
                name);
        rdt_done(&r);
        return -1;
    }
    *ret = r;
    return 0;
}

/* ---- schemata: "L3:0=7f0;1=1f" ---- */

void rdt_trim(char *s)
{
    size_t n = strlen(s), blanks = strspn(s, " \t");

    memmove(s, s + blanks, n - blanks + 1);
    for (n -= blanks; n > 0 && strchr(" \t", s[n - 1]); n--)
        s[n - 1] = 0;
}

/* The value of one domain, without leading zeros. Owned, or NULL. */
static char *value_of(const char *schema, const char *domain)
{
    const char *colon = strchr(schema, ':');
    auto_strv parts = strv_split(colon ? colon + 1 : schema, ';');

    STRV_FOREACH (part, parts) {
        char *equals = strchr(*part, '=');

        if (!equals)
            continue;
        *equals = 0;
        rdt_trim(*part);
        rdt_trim(equals + 1);
        if (strcmp(*part + strspn(*part, "0"), domain + strspn(domain, "0")) == 0)
            return alloc_strdup(equals + 1 + strspn(equals + 1, "0"));
    }
    return NULL;
}

bool rdt_is_resource(const char *line, const char *schema)
{
    size_t n = strcspn(schema, ":");

    return strlen(line) > n && strncmp(line, schema, n) == 0 && line[n] == ':';
}

/* Every domain that the schema has is in the line, with the same value. */
static bool agrees(const char *line, const char *schema)
{
    const char *colon = strchr(schema, ':');
    auto_strv parts = strv_split(colon ? colon + 1 : "", ';');

    STRV_FOREACH (part, parts) {
        auto_free char *domain = alloc_strndup(*part, strcspn(*part, "="));
        auto_free char *has = NULL;
        auto_free char *want = NULL;

        rdt_trim(domain);
        has = value_of(line, domain);
        want = value_of(schema, domain);
        if (!has || !want || strcasecmp(has, want) != 0)
            return false;
    }
    return colon != NULL;
}

static int check_schema(const struct rdt *r, const char *text, const char *schema,
                        const char *field, struct err *e)
{
    auto_strv lines = strv_split(text ? text : "", '\n');

    STRV_FOREACH (line, lines) {
        rdt_trim(*line);
        if (rdt_is_resource(*line, schema) && agrees(*line, schema))
            return 0;
    }
    return err_set(e, ERR_CONFLICT, "linux.intelRdt.%s: group '%s' is there and has not '%.100s'",
                   field, r->group, schema);
}

/* The group is somebody's. */
static int check_schemata(const struct rdt *r, const struct oci_intel_rdt *w, struct err *e)
{
    auto_free char *text = rdt_read(r->group, "schemata");

    if (or_null(w->l3_cache_schema) &&
        check_schema(r, text, w->l3_cache_schema, "l3CacheSchema", e) < 0)
        return -1;
    if (or_null(w->mem_bw_schema) && check_schema(r, text, w->mem_bw_schema, "memBwSchema", e) < 0)
        return -1;
    return 0;
}

static int write_schemata(const struct rdt *r, const struct oci_intel_rdt *w, struct err *e)
{
    auto_str text = STR_INIT(FILE_MAX);
    int x;

    /* Their order is the specification's. */
    if (or_null(w->l3_cache_schema))
        str_addf(&text, "%s\n", w->l3_cache_schema);
    if (or_null(w->mem_bw_schema))
        str_addf(&text, "%s\n", w->mem_bw_schema);
    STRV_FOREACH (line, w->schemata)
        str_addf(&text, "%s\n", *line);
    if (text.too_big)
        return err_set(e, ERR_LIMIT, "linux.intelRdt.schemata: longer than %u bytes", FILE_MAX);
    x = write_at(r->group, "schemata", str_text(&text));
    return x < 0 ? refused(r, x, "write the schemata of", e) : 0;
}

int rdt_make(const struct rdt *r, const struct oci_intel_rdt *wanted, struct err *e)
{
    int x;

    if (or_null(wanted->clos_id) && rdt_is_directory(r->group) && check_schemata(r, wanted, e) < 0)
        return -1;
    x = sys_mkdir(AT_FDCWD, r->group, 0755);
    if (x < 0 && x != -EEXIST)
        return refused(r, x, "make group", e);
    if (has_schemata(wanted) && write_schemata(r, wanted, e) < 0)
        return -1;
    x = r->monitor ? sys_mkdir(AT_FDCWD, r->monitor, 0755) : 0;
    return x < 0 && x != -EEXIST ? refused(r, x, "make a monitoring group in", e) : 0;
}

int rdt_join(const struct rdt *r, pid_t pid, struct err *e)
{
    char text[32];
    int x;

    snprintf(text, sizeof(text), "%d", (int)pid);
    x = write_at(r->group, "tasks", text);
    if (x == 0 && r->monitor)
        x = write_at(r->monitor, "tasks", text);
    return x < 0 ? refused(r, x, "join group", e) : 0;
}

int rdt_remove(const struct rdt *r, struct err *e)
{
    int x = r->monitor ? sys_rmdir(AT_FDCWD, r->monitor) : 0;

    if (x == 0 && r->group && r->is_ours)
        x = sys_rmdir(AT_FDCWD, r->group);
    return x < 0 ? refused(r, x, "remove group", e) : 0;
}
