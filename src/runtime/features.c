/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * features.md: the names are read from the tables that the configuration is read by, so that what
 * is claimed here is what is done.
 */
#include "runtime/features.h"

#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "oci/spec.h"
#include "runtime/features_private.h"
#include "runtime/plan.h"
#include "seccomp/seccomp.h"
#include "sys/caps.h"

#define ANNOTATION_PREFIX "org.opencontainers.runtime.dhow."

static void add(struct json_object *o, const char *key, struct json_object *value)
{
    json_object_object_add(o, key, value);
}

static struct json_object *text(const char *s)
{
    return json_object_new_string(s);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a table; sorted, since a table may be in any order. */
static struct json_object *names_of(const char *(*name)(size_t i))
{
    struct json_object *list = json_object_new_array();
    auto_strv names = NULL;

    for (size_t i = 0; name(i); i++)
        strv_add(&names, name(i));
    if (names)
        qsort(names, strv_len(names), sizeof(char *), by_name);
    STRV_FOREACH (s, names)
        json_object_array_add(list, text(*s));
    return list;
}

static struct json_object *list_of(const char *const *names)
{
    struct json_object *list = json_object_new_array();

    for (; *names; names++)
        json_object_array_add(list, text(*names));
    return list;
}

static const char *cap_name(size_t i)
{
    return sys_cap_name((unsigned)i);
}

static struct json_object *flag(const char *key, bool value)
{
    struct json_object *o = json_object_new_object();

    add(o, key, json_object_new_boolean(value));
    return o;
}

static struct json_object *rdt_object(void)
{
    struct json_object *o = flag("enabled", true);

    add(o, "schemata", json_object_new_boolean(true));
    add(o, "monitoring", json_object_new_boolean(true));
    return o;
}

static struct json_object *cgroup_object(void)
{
    static const char *const all[] = {"v1", "v2", "systemd", "systemdUser", "rdma"};
    struct json_object *o = json_object_new_object();

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        add(o, all[i], json_object_new_boolean(true));
    return o;
}

static struct json_object *seccomp_object(void)
{
    struct seccomp_features f = {0};
    struct json_object *o = flag("enabled", true);

    seccomp_features(&f);
    add(o, "actions", list_of(f.actions));
    add(o, "operators", list_of(f.operators));
    add(o, "archs", list_of(f.archs));
    add(o, "knownFlags", list_of(f.known_flags));
    add(o, "supportedFlags", list_of(f.supported_flags));
    return o;
}

static struct json_object *linux_object(void)
{
    struct json_object *o = json_object_new_object();
    struct json_object *memory = json_object_new_object(), *mounts = json_object_new_object();

    add(o, "namespaces", names_of(namespaces_name));
    add(o, "capabilities", names_of(cap_name));
    add(o, "cgroup", cgroup_object());
    add(o, "seccomp", seccomp_object());
    add(o, "apparmor", flag("enabled", labels_has_apparmor()));
    add(o, "selinux", flag("enabled", labels_has_selinux()));
    add(o, "intelRdt", rdt_object());
    add(memory, "modes", names_of(attributes_memory_mode));
    add(memory, "flags", names_of(attributes_memory_flag));
    add(o, "memoryPolicy", memory);
    add(mounts, "idmap", flag("enabled", true));
    add(o, "mountExtensions", mounts);
    add(o, "netDevices", flag("enabled", true));
    return o;
}

struct json_object *runtime_features(void)
{
    static const char *const unsafe[] = {"bundle", "org.systemd.property.", "org.criu.config",
                                         NULL};
    struct json_object *o = json_object_new_object(), *annotations = json_object_new_object();

    add(o, "ociVersionMin", text("1.0.0"));
    add(o, "ociVersionMax", text(OCI_SPEC_VERSION));
    add(o, "hooks", names_of(hooks_stage_name));
    add(o, "mountOptions", names_of(mountopt_name));
    add(o, "linux", linux_object());
    add(annotations, ANNOTATION_PREFIX "version", text(DHOW_VERSION));
    /* runc's name of it, which containerd looks for. */
    add(annotations, "org.opencontainers.runc.checkpoint.enabled", text("true"));
    add(o, "annotations", annotations);
    add(o, "potentiallyUnsafeConfigAnnotations", list_of(unsafe));
    return o;
}
