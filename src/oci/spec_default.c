/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: what `spec` writes for a new bundle is known to many tools and guides by heart, so it is
 * runc's, but for the version and the host name. It stands here as it is written; the differences
 * (cgroup v2, rootless) are made in the decoded struct.
 */
#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/spec.h"

#define CAPS "[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"]"

static const char default_text[] =
    "{\"ociVersion\":\"" OCI_SPEC_VERSION "\","
    "\"process\":{\"terminal\":true,\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],"
    "\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
    "\"TERM=xterm\"],\"cwd\":\"/\","
    "\"capabilities\":{\"bounding\":" CAPS ",\"effective\":" CAPS ",\"permitted\":" CAPS
    ",\"ambient\":" CAPS "},"
    "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1024}],"
    "\"noNewPrivileges\":true},"
    "\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
    "\"hostname\":\"dhow\","
    "\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
    "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
    "{\"type\":\"uts\"},{\"type\":\"mount\"}],"
    "\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
    "\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\","
    "\"/sys/firmware\",\"/proc/scsi\"],"
    "\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
    "\"/proc/sysrq-trigger\"]}}";

static const struct {
    const char *destination, *type, *source, *options;
} mounts[] = {
    {"/proc", "proc", "proc", NULL},
    {"/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
    {"/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"},
    {"/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"},
    {"/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
    {"/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"},
    {"/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"},
};

static void add_namespace(struct oci_linux *l, const char *type)
{
    vec_push(&l->namespaces, ((struct oci_namespace){.type = alloc_strdup(type)}));
}

void oci_spec_default(unsigned flags, struct oci_spec *ret)
{
    int r = json_decode_text(default_text, strlen(default_text), sizeof(default_text),
                             &oci_spec_json, ret, NULL);

    assert(r == 0);
    (void)r;
    for (size_t i = 0; i < ARRAY_LEN(mounts); i++)
        oci_spec_add_mount(ret, mounts[i].destination, mounts[i].type, mounts[i].source,
                           mounts[i].options);
    if (flags & OCI_DEFAULT_CGROUP_NAMESPACE)
        add_namespace(ret->linux, "cgroup");
}

/* A group that is not mapped cannot own the terminals. */
static void drop_owner_options(struct oci_mount *m)
{
    char **kept = NULL;

    STRV_FOREACH (option, m->options)
        if (!str_starts_with(*option, "gid=") && !str_starts_with(*option, "uid="))
            strv_add(&kept, *option);
    strv_free(m->options);
    m->options = kept;
}

/* A new sysfs needs a network namespace of one's own. */
static void bind_sys(struct oci_mount *m)
{
    free(m->type);
    free(m->source);
    strv_free(m->options);
    m->type = alloc_strdup("none");
    m->source = alloc_strdup("/sys");
    m->options = strv_split("rbind,nosuid,noexec,nodev,ro", ',');
}

static void replace_network_by_user(struct oci_linux *l)
{
    size_t kept = 0;

    VEC_FOREACH (ns, &l->namespaces) {
        if (str_equal(ns->type, "network"))
            free(ns->type);
        else
            l->namespaces.items[kept++] = *ns;
    }
    l->namespaces.len = kept;
    add_namespace(l, "user");
}

void oci_spec_default_rootless(unsigned flags, uint32_t uid, uint32_t gid, struct oci_spec *ret)
{
    struct oci_linux *l;

    oci_spec_default(flags, ret);
    l = ret->linux;
    replace_network_by_user(l);
    vec_push(&l->uid_mappings, ((struct oci_id_mapping){.host_id = uid, .size = 1}));
    vec_push(&l->gid_mappings, ((struct oci_id_mapping){.host_id = gid, .size = 1}));
    VEC_FOREACH (m, &ret->mounts) {
        if (str_equal(m->destination, "/sys"))
            bind_sys(m);
        else
            drop_owner_options(m);
    }
    json_free_struct(&oci_resources_json, l->resources);
    free(l->resources);
    l->resources = NULL;
}
