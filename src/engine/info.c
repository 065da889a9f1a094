/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `info`: the host and the store, under podman's keys.
 */
#include <fcntl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "engine/engine_internal.h"
#include "sys/file.h"

#define OS_RELEASE_MAX_BYTES (64u << 10)

static void add(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value));
}

static void add_number(struct json_object *o, const char *key, uint64_t value)
{
    json_object_object_add(o, key, json_object_new_uint64(value));
}

/* A value of /etc/os-release without its quotes; "unknown" when there is none. */
static char *os_release(const char *text, const char *key)
{
    auto_free char *line_start = alloc_printf("%s=", key);
    const char *s = text;

    while (s && *s) {
        size_t n = strcspn(s, "\n");

        if (str_starts_with(s, line_start)) {
            const char *v = s + strlen(line_start);
            size_t len = n - strlen(line_start);

            if (len >= 2 && (*v == '"' || *v == '\''))
                return alloc_strndup(v + 1, len - 2);
            return alloc_strndup(v, len);
        }
        s += n + (s[n] == '\n');
    }
    return alloc_strdup("unknown");
}

static struct json_object *distribution(void)
{
    struct json_object *o = json_object_new_object();
    auto_free char *text = NULL;
    auto_free char *id = NULL;
    auto_free char *version = NULL;

    (void)sys_read_file(AT_FDCWD, "/usr/lib/os-release", OS_RELEASE_MAX_BYTES, &text,
                        NULL); /* then all is unknown */
    id = os_release(text, "ID");
    version = os_release(text, "VERSION_ID");
    add(o, "distribution", id);
    add(o, "version", version);
    return o;
}

static struct json_object *host_object(void)
{
    struct json_object *o = json_object_new_object();
    struct sysinfo si = {0};
    struct utsname u = {0};
    auto_free char *uptime = NULL;

    (void)sysinfo(&si); /* cannot fail with a valid pointer */
    (void)uname(&u);
    add(o, "arch", oci_host_architecture());
    add(o, "cgroupManager", "cgroupfs");
    add(o, "cgroupVersion", cgroup_mode_name(cgroup_detect()));
    add_number(o, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    json_object_object_add(o, "distribution", distribution());
    add(o, "hostname", u.nodename);
    add(o, "kernel", u.release);
    add_number(o, "memFree", (uint64_t)si.freeram * si.mem_unit);
    add_number(o, "memTotal", (uint64_t)si.totalram * si.mem_unit);
    add(o, "os", "linux");
    add_number(o, "swapFree", (uint64_t)si.freeswap * si.mem_unit);
    add_number(o, "swapTotal", (uint64_t)si.totalswap * si.mem_unit);
    uptime = alloc_printf("%ldh %ldm %lds", si.uptime / 3600, si.uptime / 60 % 60, si.uptime % 60);
    add(o, "uptime", uptime);
    return o;
}

static int count_states(struct engine *en, struct json_object *o, struct err *e)
{
    engine_summary_list l = {0};
    uint64_t n[ENGINE_UNKNOWN + 1] = {0};

    if (engine_container_list(en, true, &l, e) < 0)
        return -1;
    VEC_FOREACH (s, &l)
        n[s->status.state]++;
    add_number(o, "number", l.len);
    add_number(o, "paused", n[ENGINE_PAUSED]);
    add_number(o, "running", n[ENGINE_RUNNING]);
    add_number(o, "stopped", n[ENGINE_CREATED] + n[ENGINE_EXITED] + n[ENGINE_UNKNOWN]);
    engine_summary_list_done(&l);
    return 0;
}

int engine_info(struct engine *en, struct json_object **ret, struct err *e)
{
    auto_json *o = json_object_new_object();
    struct json_object *store = json_object_new_object(), *containers = json_object_new_object();
    struct json_object *images = json_object_new_object(), *version = json_object_new_object();
    struct store_usage usage = {0};

    json_object_object_add(o, "host", host_object());
    json_object_object_add(o, "store", store);
    json_object_object_add(o, "version", version);
    if (count_states(en, containers, e) < 0) {
        json_object_put(containers);
        json_object_put(images);
        return -1;
    }
    json_object_object_add(store, "containerStore", containers);
    json_object_object_add(store, "imageStore", images);
    if (store_count(en->store, &usage, e) < 0)
        return -1;
    add_number(images, "number", usage.n_images);
    add(store, "graphDriverName", "overlay");
    add(store, "graphRoot", en->root);
    add(store, "runRoot", en->runroot);
    add(version, "Version", DHOW_VERSION);
    add(version, "OsArch", oci_host_architecture());
    *ret = json_object_get(o);
    return 0;
}
