/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of config.md, of runc and of crun. Some that mount(2) has as flags of a superblock
 * ("acl", "iversion") are the file system's own affair by now: the kernel does not look at the
 * flag. What is not in the table is a parameter of the file system.
 */
#include "runtime/mountopt.h"

#include <sys/mount.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/features_private.h"

enum kind {
    OPT_SET,
    OPT_CLEAR,
    OPT_ATIME, /* replaces the access time mode */
    OPT_RECURSIVE_SET,
    OPT_RECURSIVE_CLEAR,
    OPT_RECURSIVE_ATIME,
    OPT_PROPAGATION,
    OPT_RECURSIVE_PROPAGATION,
    OPT_BIND,
    OPT_RECURSIVE_BIND,
    OPT_SUPERBLOCK, /* of every file system; nothing to a bind */
    OPT_FLAG,       /* enum mountopt_flags */
    OPT_IDMAP,
    OPT_IGNORED
};

static const struct row {
    const char *name;
    enum kind kind;
    uint64_t value;
} rows[] = {
    {"defaults", OPT_IGNORED, 0},
    {"silent", OPT_IGNORED, 0},
    {"loud", OPT_IGNORED, 0},
    {"acl", OPT_IGNORED, 0},
    {"noacl", OPT_IGNORED, 0},
    {"iversion", OPT_IGNORED, 0},
    {"noiversion", OPT_IGNORED, 0},
    {"sync", OPT_SUPERBLOCK, 0},
    {"async", OPT_SUPERBLOCK, 0},
    {"dirsync", OPT_SUPERBLOCK, 0},
    {"lazytime", OPT_SUPERBLOCK, 0},
    {"nolazytime", OPT_SUPERBLOCK, 0},
    {"mand", OPT_SUPERBLOCK, 0},
    {"nomand", OPT_SUPERBLOCK, 0},
    {"bind", OPT_BIND, 0},
    {"rbind", OPT_RECURSIVE_BIND, 0},
    {"ro", OPT_SET, MOUNT_ATTR_RDONLY},
    {"rw", OPT_CLEAR, MOUNT_ATTR_RDONLY},
    {"nosuid", OPT_SET, MOUNT_ATTR_NOSUID},
    {"suid", OPT_CLEAR, MOUNT_ATTR_NOSUID},
    {"nodev", OPT_SET, MOUNT_ATTR_NODEV},
    {"dev", OPT_CLEAR, MOUNT_ATTR_NODEV},
    {"noexec", OPT_SET, MOUNT_ATTR_NOEXEC},
    {"exec", OPT_CLEAR, MOUNT_ATTR_NOEXEC},
    {"nosymfollow", OPT_SET, MOUNT_ATTR_NOSYMFOLLOW},
    {"symfollow", OPT_CLEAR, MOUNT_ATTR_NOSYMFOLLOW},
    {"nodiratime", OPT_SET, MOUNT_ATTR_NODIRATIME},
    {"diratime", OPT_CLEAR, MOUNT_ATTR_NODIRATIME},
    {"noatime", OPT_ATIME, MOUNT_ATTR_NOATIME},
    {"strictatime", OPT_ATIME, MOUNT_ATTR_STRICTATIME},
    {"relatime", OPT_ATIME, MOUNT_ATTR_RELATIME},
    {"atime", OPT_ATIME, MOUNT_ATTR_RELATIME},
    {"norelatime", OPT_ATIME, MOUNT_ATTR_STRICTATIME},
    {"nostrictatime", OPT_ATIME, MOUNT_ATTR_RELATIME},
    {"rro", OPT_RECURSIVE_SET, MOUNT_ATTR_RDONLY},
    {"rrw", OPT_RECURSIVE_CLEAR, MOUNT_ATTR_RDONLY},
    {"rnosuid", OPT_RECURSIVE_SET, MOUNT_ATTR_NOSUID},
    {"rsuid", OPT_RECURSIVE_CLEAR, MOUNT_ATTR_NOSUID},
    {"rnodev", OPT_RECURSIVE_SET, MOUNT_ATTR_NODEV},
    {"rdev", OPT_RECURSIVE_CLEAR, MOUNT_ATTR_NODEV},
    {"rnoexec", OPT_RECURSIVE_SET, MOUNT_ATTR_NOEXEC},
    {"rexec", OPT_RECURSIVE_CLEAR, MOUNT_ATTR_NOEXEC},
    {"rnosymfollow", OPT_RECURSIVE_SET, MOUNT_ATTR_NOSYMFOLLOW},
    {"rsymfollow", OPT_RECURSIVE_CLEAR, MOUNT_ATTR_NOSYMFOLLOW},
    {"rnodiratime", OPT_RECURSIVE_SET, MOUNT_ATTR_NODIRATIME},
    {"rdiratime", OPT_RECURSIVE_CLEAR, MOUNT_ATTR_NODIRATIME},
    {"rnoatime", OPT_RECURSIVE_ATIME, MOUNT_ATTR_NOATIME},
    {"rstrictatime", OPT_RECURSIVE_ATIME, MOUNT_ATTR_STRICTATIME},
    {"rrelatime", OPT_RECURSIVE_ATIME, MOUNT_ATTR_RELATIME},
    {"ratime", OPT_RECURSIVE_ATIME, MOUNT_ATTR_RELATIME},
    {"rnorelatime", OPT_RECURSIVE_ATIME, MOUNT_ATTR_STRICTATIME},
    {"rnostrictatime", OPT_RECURSIVE_ATIME, MOUNT_ATTR_RELATIME},
    {"private", OPT_PROPAGATION, MS_PRIVATE},
    {"slave", OPT_PROPAGATION, MS_SLAVE},
    {"shared", OPT_PROPAGATION, MS_SHARED},
    {"unbindable", OPT_PROPAGATION, MS_UNBINDABLE},
    {"rprivate", OPT_RECURSIVE_PROPAGATION, MS_PRIVATE},
    {"rslave", OPT_RECURSIVE_PROPAGATION, MS_SLAVE},
    {"rshared", OPT_RECURSIVE_PROPAGATION, MS_SHARED},
    {"runbindable", OPT_RECURSIVE_PROPAGATION, MS_UNBINDABLE},
    {"remount", OPT_FLAG, MOUNTOPT_REMOUNT},
    {"tmpcopyup", OPT_FLAG, MOUNTOPT_COPY_UP},
    {"src-nofollow", OPT_FLAG, MOUNTOPT_SOURCE_NOFOLLOW},
    {"dest-nofollow", OPT_FLAG, MOUNTOPT_TARGET_NOFOLLOW},
    {"idmap", OPT_IDMAP, MOUNTOPT_IDMAP},
    {"ridmap", OPT_IDMAP, MOUNTOPT_IDMAP | MOUNTOPT_IDMAP_RECURSIVE},
};

static void set_bits(uint64_t *set, uint64_t *clear, uint64_t on, uint64_t off)
{
    *set = (*set & ~off) | on;
    *clear = (*clear & ~on) | off;
}

static int add_param(const char *option, struct mountopt *o, const char *field, struct err *e)
{
    struct mountopt_param p = {.key = alloc_strdup(option)};
    char *equals = strchr(p.key, '=');

    if (equals) {
        *equals = 0;
        p.value = equals + 1;
    }
    vec_push(&o->params, p);
    if (!*p.key || strlen(p.key) > 255)
        return err_set(e, ERR_INVALID, "%s: '%.60s' is empty or too long", field, option);
    return 0;
}

static int apply(const struct row *row, const char *option, struct mountopt *o, const char *field,
                 struct err *e)
{
    switch (row->kind) {
    case OPT_SET:
        set_bits(&o->set, &o->clear, row->value, 0);
        return 0;
    case OPT_CLEAR:
        set_bits(&o->set, &o->clear, 0, row->value);
        return 0;
    case OPT_ATIME: /* the mode is a number in these bits: the kernel wants all of them cleared
                       first */
        set_bits(&o->set, &o->clear, 0, MOUNT_ATTR__ATIME);
        o->set |= row->value;
        return 0;
    case OPT_RECURSIVE_SET:
        set_bits(&o->recursive_set, &o->recursive_clear, row->value, 0);
        return 0;
    case OPT_RECURSIVE_CLEAR:
        set_bits(&o->recursive_set, &o->recursive_clear, 0, row->value);
        return 0;
    case OPT_RECURSIVE_ATIME:
        set_bits(&o->recursive_set, &o->recursive_clear, 0, MOUNT_ATTR__ATIME);
        o->recursive_set |= row->value;
        return 0;
    case OPT_PROPAGATION:
    case OPT_RECURSIVE_PROPAGATION:
        o->propagation = row->value;
        o->propagation_is_recursive = row->kind == OPT_RECURSIVE_PROPAGATION;
        return 0;
    case OPT_BIND:
    case OPT_RECURSIVE_BIND:
        o->is_bind = true;
        o->is_recursive_bind = row->kind == OPT_RECURSIVE_BIND;
        return 0;
    case OPT_SUPERBLOCK:
        if (add_param(option, o, field, e) < 0)
            return -1;
        o->params.items[o->params.len - 1].is_superblock = true;
        return 0;
    case OPT_IDMAP:
        o->idmap = option[strlen(row->name)] ? option + strlen(row->name) + 1 : NULL;
        o->flags |= (unsigned)row->value;
        return 0;
    case OPT_FLAG:
        o->flags |= (unsigned)row->value;
        return 0;
    case OPT_IGNORED:
        return 0;
    }
    return err_set(e, ERR_INTERNAL, "%s: without a rule", field);
}

/* "idmap=uids=..." is crun's: the only option of the table with a value. */
static bool names(const struct row *row, const char *option)
{
    size_t n = strlen(row->name);

    return strncmp(option, row->name, n) == 0 &&
           (!option[n] || (row->kind == OPT_IDMAP && option[n] == '='));
}

int mountopt_parse(char *const *options, const char *field, struct mountopt *ret, struct err *e)
{
    size_t index = 0;

    STRV_FOREACH (option, options) {
        const struct row *found = NULL;
        char here[96];

        snprintf(here, sizeof(here), "%s[%zu]", field, index++);
        for (size_t i = 0; i < ARRAY_LEN(rows) && !found; i++)
            if (names(&rows[i], *option))
                found = &rows[i];
        if (found ? apply(found, *option, ret, here, e) < 0 : add_param(*option, ret, here, e) < 0)
            return -1;
    }
    return 0;
}

void mountopt_done(struct mountopt *o)
{
    VEC_FOREACH (p, &o->params)
        free(p->key);
    vec_done(&o->params);
}

const char *mountopt_name(size_t i)
{
    return i < ARRAY_LEN(rows) ? rows[i].name : NULL;
}
