/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options + image configuration + defaults -> an OCI spec. Pure but for reading the image's
 * configuration from the store.
 *
 * Precedence: option, then image, then default. What an image says is data (T-53488): only its Env,
 * Entrypoint, Cmd, User, WorkingDir and StopSignal are looked at; labels and annotations of an
 * image never become the container's instructions. Image ENV entries without "=" or without a name
 * are dropped; nothing is ever taken from the host's environment (T-57231).
 */
#include "base/alloc.h"
#include "base/signals.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "engine/engine_internal.h"

#define DEFAULT_PATH   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define DEFAULT_PARENT "/dhow"

static const char *const masked_paths[] = {
    "/proc/acpi",        "/proc/asound",        "/proc/interrupts", "/proc/kcore",
    "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap",
};
static const char *const readonly_paths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static char **strv_of(const char *const *items, size_t n)
{
    char **v = NULL;

    for (size_t i = 0; i < n; i++)
        strv_add(&v, items[i]);
    return v;
}

static bool is_env_entry(const char *s)
{
    return strchr(s, '=') && *s != '=';
}

static void build_env(struct launch *l, struct oci_process *p)
{
    strv_add(&p->env, DEFAULT_PATH);
    strv_add(&p->env, "TERM=xterm");
    strv_add(&p->env, "container=dhow");
    if (l->hostname)
        strv_addf(&p->env, "HOSTNAME=%s", l->hostname);
    STRV_FOREACH (s, l->image.config.env)
        if (is_env_entry(*s))
            strv_env_set(&p->env, *s);
    STRV_FOREACH (s, l->options.env)
        if (is_env_entry(*s))
            strv_env_set(&p->env, *s);
}

static int build_args(struct launch *l, struct oci_process *p, struct err *e)
{
    const struct engine_options *o = &l->options;
    const struct oci_image_params *image = &l->image.config;

    strv_extend(&p->args, o->has_entrypoint ? o->entrypoint : image->entrypoint);
    /* A new entrypoint drops the image's command with the image's entrypoint. */
    strv_extend(&p->args, o->command || o->has_entrypoint ? o->command : image->cmd);
    if (strv_len(p->args) == 0)
        return err_set(e, ERR_INVALID, "no command or entrypoint given, and image '%s' has neither",
                       o->image ? o->image : "");
    return 0;
}

static int build_cwd(struct launch *l, struct oci_process *p, struct err *e)
{
    const char *dir = l->options.workdir;

    if (dir && dir[0] != '/')
        return err_set(e, ERR_INVALID, "the working directory '%s' is not an absolute path", dir);
    if (!dir)
        dir = l->image.config.working_dir;
    if (!dir || !*dir)
        dir = "/";
    p->cwd = dir[0] == '/' ? alloc_strdup(dir) : alloc_printf("/%s", dir);
    return 0;
}

static void build_rlimits(const struct engine_options *o, struct oci_process *p)
{
    VEC_FOREACH (u, &o->ulimits) {
        struct oci_rlimit r = {.type = alloc_printf("RLIMIT_%s", u->name),
                               .soft = u->soft,
                               .hard = u->hard};

        for (char *s = r.type; *s; s++)
            *s = *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s;
        vec_push(&p->rlimits, r);
    }
}

static int build_capabilities(const struct engine_options *o, struct oci_process *p, struct err *e)
{
    struct oci_capabilities *c = alloc_new(struct oci_capabilities);

    p->capabilities = c;
    if (launch_capabilities(o, &c->bounding, e) < 0)
        return -1;
    c->permitted = strv_dup(c->bounding);
    c->effective = strv_dup(c->bounding);
    return 0;
}

static int build_process(struct launch *l, struct err *e)
{
    const struct engine_options *o = &l->options;
    struct oci_process *p = alloc_new(struct oci_process);

    l->spec.process = l->process = p;
    p->terminal = o->tty;
    p->no_new_privileges = o->no_new_privileges;
    p->oom_score_adj = o->oom_score_adj;
    build_env(l, p);
    build_rlimits(o, p);
    if (o->user && *o->user)
        l->user = alloc_strdup(o->user);
    else if (l->image.config.user && *l->image.config.user)
        l->user = alloc_strdup(l->image.config.user);
    if (build_args(l, p, e) < 0 || build_cwd(l, p, e) < 0)
        return -1;
    return build_capabilities(o, p, e);
}

static void add_namespace(struct oci_linux *linux, const char *type)
{
    vec_push(&linux->namespaces, ((struct oci_namespace){.type = alloc_strdup(type)}));
}

static void build_namespaces(const struct engine_options *o, struct oci_linux *linux)
{
    add_namespace(linux, "mount");
    add_namespace(linux, "cgroup");
    if (!str_equal(o->pid, "host"))
        add_namespace(linux, "pid");
    if (!str_equal(o->ipc, "host"))
        add_namespace(linux, "ipc");
    if (!str_equal(o->uts, "host"))
        add_namespace(linux, "uts");
    if (o->network != ENGINE_NETWORK_HOST)
        add_namespace(linux, "network");
}

static int build_linux(struct launch *l, struct err *e)
{
    const struct engine_options *o = &l->options;
    struct oci_linux *linux = alloc_new(struct oci_linux);

    l->spec.linux = linux;
    build_namespaces(o, linux);
    linux->cgroups_path = alloc_strdup(l->cgroup_path);
    linux->sysctl = strv_dup(o->sysctl);
    if (!o->privileged) {
        linux->masked_paths = strv_of(masked_paths, ARRAY_LEN(masked_paths));
        linux->readonly_paths = strv_of(readonly_paths, ARRAY_LEN(readonly_paths));
    }
    if (launch_add_resources(l, e) < 0)
        return -1;
    return launch_add_seccomp(l, e);
}

char *launch_cgroup_path(const struct engine_options *o, const char *id)
{
    const char *parent = o->cgroup_parent && *o->cgroup_parent ? o->cgroup_parent : DEFAULT_PARENT;
    size_t n = strlen(parent);

    while (n > 1 && parent[n - 1] == '/')
        n--;
    return alloc_printf("%s%.*s/%s", parent[0] == '/' ? "" : "/", (int)n, parent, id);
}

char *launch_cgroup_path_of(const struct store_container *c)
{
    struct engine_options o = {0};
    char *path;

    if (options_load(c, &o, NULL) < 0)
        return launch_cgroup_path(&(struct engine_options){0}, c->id);
    path = launch_cgroup_path(&o, c->id);
    engine_options_done(&o);
    return path;
}

static int read_image(struct engine *en, const struct store_container *c,
                      struct oci_image_config *ret, struct err *e)
{
    auto_free char *text = NULL;
    size_t n;

    if (!c->image_id)
        return 0;
    if (store_image_read_config(en->store, c->image_id, &text, &n, e) < 0)
        return -1;
    return oci_image_config_parse(text, n, ret, e);
}

int launch_build(struct engine *en, const struct store_container *c, struct launch *ret,
                 struct err *e)
{
    struct launch l = {0};

    TRACE_SPAN("build the spec");
    if (options_load(c, &l.options, e) < 0 || read_image(en, c, &l.image, e) < 0)
        goto fail;
    l.cgroup_path = launch_cgroup_path(&l.options, c->id);
    if (!str_equal(l.options.uts, "host"))
        l.hostname =
            l.options.hostname ? alloc_strdup(l.options.hostname) : alloc_strndup(c->id, 12);
    l.spec.oci_version = alloc_strdup("1.2.0");
    l.spec.root.path = alloc_strdup("rootfs");
    l.spec.root.readonly = l.options.read_only;
    l.spec.hostname = alloc_strdup(l.hostname);
    l.spec.annotations = strv_dup(l.options.annotations);
    if (build_process(&l, e) < 0 || launch_add_mounts(&l, e) < 0 || build_linux(&l, e) < 0)
        goto fail;
    *ret = l;
    return 0;
fail:
    launch_done(&l);
    return -1;
}

void launch_done(struct launch *l)
{
    oci_spec_done(&l->spec);
    oci_image_config_done(&l->image);
    engine_options_done(&l->options);
    free(l->user);
    free(l->cgroup_path);
    free(l->hostname);
    *l = (struct launch){0};
}

int launch_stop_signal(struct engine *en, const struct store_container *c,
                       const struct engine_options *o, int *ret)
{
    struct oci_image_config image = {0};
    const char *text = o->stop_signal;
    int r = 0;

    if (!text && read_image(en, c, &image, NULL) == 0)
        text = image.config.stop_signal;
    *ret = 15;
    if (text && *text)
        r = signals_parse(text, ret);
    oci_image_config_done(&image);
    return r;
}
