/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: what config.json must hold beyond its types, checked before anything is touched. The
 * caller of an OCI runtime is trusted to be root's tool, not trusted to be right; sizes are bounded
 * so that no later loop depends on the text's author. Each check names the field by its path.
 *
 * Here is what is the same on all platforms, and the checks that are used everywhere;
 * spec_validate_linux.c and spec_validate_resources.c have the rest.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/spec_private.h"
#include "sys/caps.h"

#define MAX_MOUNTS      4096
#define MAX_HOOKS       256 /* of one kind */
#define MAX_ID_MAPPINGS 340 /* user_namespaces(7): lines of a uid_map */
#define MAX_GROUPS      65536
#define MAX_NAME_BYTES  64 /* sethostname(2) */

static const char *const rlimit_types[] = {"RLIMIT_AS",      "RLIMIT_CORE",     "RLIMIT_CPU",
                                           "RLIMIT_DATA",    "RLIMIT_FSIZE",    "RLIMIT_LOCKS",
                                           "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE",
                                           "RLIMIT_NOFILE",  "RLIMIT_NPROC",    "RLIMIT_RSS",
                                           "RLIMIT_RTPRIO",  "RLIMIT_RTTIME",   "RLIMIT_SIGPENDING",
                                           "RLIMIT_STACK"};
static const char *const scheduler_policies[] = {"SCHED_OTHER",   "SCHED_BATCH", "SCHED_FIFO",
                                                 "SCHED_RR",      "SCHED_IDLE",  "SCHED_ISO",
                                                 "SCHED_DEADLINE"};
static const char *const scheduler_flags[] = {"SCHED_FLAG_RESET_ON_FORK",
                                              "SCHED_FLAG_RECLAIM",
                                              "SCHED_FLAG_DL_OVERRUN",
                                              "SCHED_FLAG_KEEP_POLICY",
                                              "SCHED_FLAG_KEEP_PARAMS",
                                              "SCHED_FLAG_UTIL_CLAMP_MIN",
                                              "SCHED_FLAG_UTIL_CLAMP_MAX"};
static const char *const io_classes[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"};

/* Checks of one value */

int spec_check_absolute(const char *path, const char *field, struct err *e)
{
    if (!path || path[0] != '/')
        return err_set(e, ERR_INVALID, "%s: '%.100s' is not an absolute path", field,
                       path ? path : "");
    return 0;
}

int spec_check_word(const char *const *words, size_t n, const char *value, const char *field,
                    struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(words[i], value))
            return 0;
    return err_set(e, ERR_INVALID, "%s: unknown value '%.64s'", field, value ? value : "");
}

int spec_check_words(const char *const *words, size_t n, char *const *list, const char *field,
                     struct err *e)
{
    size_t i = 0;

    STRV_FOREACH (value, list) {
        char element[SPEC_FIELD_MAX];

        snprintf(element, sizeof(element), "%s[%zu]", field, i++);
        if (spec_check_word(words, n, *value, element, e) < 0)
            return -1;
    }
    return 0;
}

int spec_check_signed(const struct json_opt_i64 *v, int64_t min, int64_t max, const char *field,
                      struct err *e)
{
    if (!v->is_set || (v->value >= min && v->value <= max))
        return 0;
    if (max == INT64_MAX)
        return err_set(e, ERR_INVALID, "%s: %" PRId64 " is below %" PRId64, field, v->value, min);
    return err_set(e, ERR_INVALID, "%s: %" PRId64 " is not within %" PRId64 "..%" PRId64, field,
                   v->value, min, max);
}

int spec_check_unsigned(const struct json_opt_u64 *v, uint64_t max, const char *field,
                        struct err *e)
{
    if (v->is_set && v->value > max)
        return err_set(e, ERR_INVALID, "%s: %" PRIu64 " is above %" PRIu64, field, v->value, max);
    return 0;
}

int spec_check_list(const char *list, const char *field, struct err *e)
{
    bool is_fine =
        !list || !*list ||
        (isdigit((unsigned char)list[0]) && isdigit((unsigned char)list[strlen(list) - 1]));

    for (const char *p = list; is_fine && p && *p; p++)
        is_fine = isdigit((unsigned char)*p) || (strchr("-,", *p) && isdigit((unsigned char)p[-1]));
    if (!is_fine)
        return err_set(e, ERR_INVALID, "%s: '%.64s' is not a list like '0-3,7'", field, list);
    return 0;
}

int spec_check_line(const char *text, const char *field, struct err *e)
{
    if (text && strchr(text, '\n'))
        return err_set(e, ERR_INVALID, "%s: has a newline in it", field);
    return 0;
}

int spec_check_interface(const char *name, const char *field, struct err *e)
{
    size_t n = strlen(name);
    bool is_fine = n > 0 && n < 16 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;

    for (const char *p = name; is_fine && *p; p++)
        is_fine = *p != '/' && *p != ':' && !isspace((unsigned char)*p);
    if (!is_fine)
        return err_set(e, ERR_INVALID, "%s: '%.64s' is not a name of a network device", field,
                       name);
    return 0;
}

int spec_check_mappings(const struct oci_id_mapping *m, size_t n, const char *field, struct err *e)
{
    if (n > MAX_ID_MAPPINGS)
        return err_set(e, ERR_LIMIT, "%s: more than %d", field, MAX_ID_MAPPINGS);
    for (size_t i = 0; i < n; i++) {
        uint64_t last_container = (uint64_t)m[i].container_id + m[i].size;
        uint64_t last_host = (uint64_t)m[i].host_id + m[i].size;

        /* 4294967295 is "no id" to the kernel and cannot be mapped. */
        if (m[i].size == 0 || last_container > UINT32_MAX || last_host > UINT32_MAX)
            return err_set(e, ERR_INVALID, "%s[%zu].size: the range is empty or too long", field,
                           i);
    }
    return 0;
}

int spec_check_device_number(int64_t major, int64_t minor, const char *field, struct err *e)
{
    if (major < 0 || major > 4095)
        return err_set(e, ERR_INVALID, "%s.major: no such device number", field);
    if (minor < 0 || minor > 1048575)
        return err_set(e, ERR_INVALID, "%s.minor: no such device number", field);
    return 0;
}

/* The process */

static int check_env(char *const *env, const char *field, struct err *e)
{
    size_t i = 0;

    STRV_FOREACH (entry, env) {
        const char *eq = strchr(*entry, '=');

        if (!eq || eq == *entry)
            return err_set(e, ERR_INVALID, "%s[%zu]: '%.60s' is not NAME=value", field, i, *entry);
        i++;
    }
    return 0;
}

static int check_user(const struct oci_user *u, struct err *e)
{
    if (u->umask.is_set && u->umask.value > 0777)
        return err_set(e, ERR_INVALID, "process.user.umask: above 0777");
    if (u->additional_gids.len > MAX_GROUPS)
        return err_set(e, ERR_LIMIT, "process.user.additionalGids: more than %d", MAX_GROUPS);
    return 0;
}

static int check_rlimits(const struct oci_process *p, struct err *e)
{
    for (size_t i = 0; i < p->rlimits.len; i++) {
        const struct oci_rlimit *r = &p->rlimits.items[i];
        char field[SPEC_FIELD_MAX];

        snprintf(field, sizeof(field), "process.rlimits[%zu].type", i);
        if (SPEC_CHECK_WORD(rlimit_types, r->type, field, e) < 0)
            return -1;
        if (r->soft > r->hard)
            return err_set(e, ERR_INVALID, "process.rlimits[%zu].soft: is above hard", i);
        for (size_t j = 0; j < i; j++)
            if (strcmp(p->rlimits.items[j].type, r->type) == 0)
                return err_set(e, ERR_INVALID, "%s: '%s' is there twice", field, r->type);
    }
    return 0;
}

static bool has_cap(char *const *names, int number)
{
    STRV_FOREACH (name, names)
        if (sys_cap_parse(*name) == number)
            return true;
    return false;
}

/* Unknown names are ignored (oci_process_add_warnings), and so are ambient ones that the kernel
 * would refuse: the default specification of runc has some. */
static int check_capabilities(const struct oci_capabilities *c, struct err *e)
{
    size_t i = 0;

    STRV_FOREACH (name, c->effective) {
        int number = sys_cap_parse(*name);

        if (number >= 0 && !has_cap(c->permitted, number))
            return err_set(e, ERR_INVALID,
                           "process.capabilities.effective[%zu]: '%s' is not permitted", i, *name);
        i++;
    }
    return 0;
}

/* sched_setattr(2) */
static int check_scheduler(const struct oci_scheduler *s, struct err *e)
{
    bool is_real_time = str_equal(s->policy, "SCHED_FIFO") || str_equal(s->policy, "SCHED_RR");
    bool has_nice = str_equal(s->policy, "SCHED_OTHER") || str_equal(s->policy, "SCHED_BATCH");
    bool has_deadline = str_equal(s->policy, "SCHED_DEADLINE");

    if (SPEC_CHECK_WORD(scheduler_policies, s->policy, "process.scheduler.policy", e) < 0 ||
        SPEC_CHECK_WORDS(scheduler_flags, s->flags, "process.scheduler.flags", e) < 0)
        return -1;
    if (has_nice && (s->nice < -20 || s->nice > 19))
        return err_set(e, ERR_INVALID, "process.scheduler.nice: %d is not within -20..19", s->nice);
    if (is_real_time && (s->priority < 1 || s->priority > 99))
        return err_set(e, ERR_INVALID, "process.scheduler.priority: %d is not within 1..99",
                       s->priority);
    if (!is_real_time && s->priority != 0)
        return err_set(e, ERR_INVALID, "process.scheduler.priority: '%s' has none", s->policy);
    if (!has_deadline && (s->runtime || s->deadline || s->period))
        return err_set(e, ERR_INVALID, "process.scheduler.%s: '%s' has none",
                       s->runtime    ? "runtime"
                       : s->deadline ? "deadline"
                                     : "period",
                       s->policy);
    if (has_deadline && (s->runtime == 0 || s->runtime > s->deadline))
        return err_set(e, ERR_INVALID,
                       "process.scheduler.runtime: is 0 or longer than the deadline");
    if (has_deadline && s->period && s->deadline > s->period)
        return err_set(e, ERR_INVALID, "process.scheduler.deadline: is longer than the period");
    return 0;
}

static int check_io_priority(const struct oci_io_priority *p, struct err *e)
{
    if (SPEC_CHECK_WORD(io_classes, p->class, "process.ioPriority.class", e) < 0)
        return -1;
    if (p->priority < 0 || p->priority > 7)
        return err_set(e, ERR_INVALID, "process.ioPriority.priority: %d is not within 0..7",
                       p->priority);
    return 0;
}

static int check_cpu_affinity(const struct oci_cpu_affinity *a, struct err *e)
{
    if (spec_check_list(a->initial, "process.execCPUAffinity.initial", e) < 0)
        return -1;
    return spec_check_list(a->final, "process.execCPUAffinity.final", e);
}

int oci_process_validate(const struct oci_process *p, struct err *e)
{
    if (!p->args || !p->args[0])
        return err_set(e, ERR_INVALID, "process.args: must not be empty");
    if (p->console_size.height > 0xffff || p->console_size.width > 0xffff)
        return err_set(e, ERR_INVALID, "process.consoleSize.%s: above 65535",
                       p->console_size.height > 0xffff ? "height" : "width");
    if (spec_check_absolute(p->cwd, "process.cwd", e) < 0 ||
        check_env(p->env, "process.env", e) < 0 || check_user(&p->user, e) < 0 ||
        check_rlimits(p, e) < 0 ||
        spec_check_signed(&p->oom_score_adj, -1000, 1000, "process.oomScoreAdj", e) < 0)
        return -1;
    if ((p->capabilities && check_capabilities(p->capabilities, e) < 0) ||
        (p->scheduler && check_scheduler(p->scheduler, e) < 0) ||
        (p->io_priority && check_io_priority(p->io_priority, e) < 0) ||
        (p->exec_cpu_affinity && check_cpu_affinity(p->exec_cpu_affinity, e) < 0))
        return -1;
    return 0;
}

static int check_known(char *const *names, const char *set, struct err *e)
{
    size_t i = 0;

    STRV_FOREACH (name, names) {
        if (sys_cap_parse(*name) < 0)
            return err_set(e, ERR_INVALID, "process.capabilities.%s[%zu]: unknown value '%.64s'",
                           set, i, *name);
        i++;
    }
    return 0;
}

static int check_known_capabilities(const struct oci_capabilities *c, struct err *e)
{
    if (check_known(c->bounding, "bounding", e) < 0 ||
        check_known(c->effective, "effective", e) < 0 ||
        check_known(c->inheritable, "inheritable", e) < 0 ||
        check_known(c->permitted, "permitted", e) < 0)
        return -1;
    return check_known(c->ambient, "ambient", e);
}

static void collect_unknown(char *const *names, char ***inout_unknown)
{
    STRV_FOREACH (name, names)
        if (sys_cap_parse(*name) < 0 && !strv_has(*inout_unknown, *name))
            strv_add(inout_unknown, *name);
}

void oci_process_add_warnings(const struct oci_process *p, char ***inout_warnings)
{
    const struct oci_capabilities *c = p->capabilities;
    auto_strv unknown = NULL;
    auto_free char *list = NULL;

    if (!c)
        return;
    collect_unknown(c->bounding, &unknown);
    collect_unknown(c->effective, &unknown);
    collect_unknown(c->inheritable, &unknown);
    collect_unknown(c->permitted, &unknown);
    collect_unknown(c->ambient, &unknown);
    if (!unknown)
        return;
    list = strv_join(unknown, " ");
    strv_addf(inout_warnings, "ignoring unknown or unavailable capabilities: [%s]", list);
}

/* The rest of what is common */

/* Semantic Versioning 2.0.0; "1.0" is taken too. */
static int check_version(const char *v, struct err *e)
{
    size_t parts = 0;
    const char *p = v;

    while (isdigit((unsigned char)*p)) {
        p += strspn(p, "0123456789");
        parts++;
        if (parts == 3 || *p != '.')
            break;
        p++;
    }
    if (parts < 2 || (*p && *p != '-' && *p != '+') || (*p && !p[1]) ||
        p[strspn(p, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-+.")])
        return err_set(e, ERR_INVALID, "ociVersion: '%.64s' is not a version", v);
    if (!str_starts_with(v, "1."))
        return err_set(e, ERR_UNSUPPORTED, "ociVersion: '%.64s' is not supported (1.x is)", v);
    return 0;
}

static int check_mount(const struct oci_mount *m, size_t i, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    snprintf(field, sizeof(field), "mounts[%zu].destination", i);
    if (spec_check_absolute(m->destination, field, e) < 0)
        return -1;
    if ((m->uid_mappings.len == 0) != (m->gid_mappings.len == 0))
        return err_set(e, ERR_INVALID, "mounts[%zu].uidMappings: goes together with gidMappings",
                       i);
    snprintf(field, sizeof(field), "mounts[%zu].uidMappings", i);
    if (spec_check_mappings(m->uid_mappings.items, m->uid_mappings.len, field, e) < 0)
        return -1;
    snprintf(field, sizeof(field), "mounts[%zu].gidMappings", i);
    return spec_check_mappings(m->gid_mappings.items, m->gid_mappings.len, field, e);
}

int spec_check_mounts(const struct oci_spec *s, struct err *e)
{
    if (s->mounts.len > MAX_MOUNTS)
        return err_set(e, ERR_LIMIT, "mounts: more than %d", MAX_MOUNTS);
    for (size_t i = 0; i < s->mounts.len; i++)
        if (check_mount(&s->mounts.items[i], i, e) < 0)
            return -1;
    return 0;
}

static int check_hook_list(const struct oci_hook_list *l, const char *kind, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    if (l->len > MAX_HOOKS)
        return err_set(e, ERR_LIMIT, "hooks.%s: more than %d", kind, MAX_HOOKS);
    for (size_t i = 0; i < l->len; i++) {
        const struct oci_hook *h = &l->items[i];

        snprintf(field, sizeof(field), "hooks.%s[%zu].path", kind, i);
        if (spec_check_absolute(h->path, field, e) < 0)
            return -1;
        snprintf(field, sizeof(field), "hooks.%s[%zu].env", kind, i);
        if (check_env(h->env, field, e) < 0)
            return -1;
        snprintf(field, sizeof(field), "hooks.%s[%zu].timeout", kind, i);
        if (spec_check_signed(&h->timeout, 1, INT32_MAX, field, e) < 0)
            return -1;
    }
    return 0;
}

static int check_hooks(const struct oci_hooks *h, struct err *e)
{
    const struct {
        const struct oci_hook_list *list;
        const char *kind;
    } lists[] = {
        {&h->prestart, "prestart"},
        {&h->create_runtime, "createRuntime"},
        {&h->create_container, "createContainer"},
        {&h->start_container, "startContainer"},
        {&h->poststart, "poststart"},
        {&h->poststop, "poststop"},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (check_hook_list(lists[i].list, lists[i].kind, e) < 0)
            return -1;
    return 0;
}

static int check_name(const struct oci_spec *s, const char *name, const char *field, struct err *e)
{
    if (!name || !*name)
        return 0;
    if (strlen(name) > MAX_NAME_BYTES)
        return err_set(e, ERR_INVALID, "%s: longer than %d bytes", field, MAX_NAME_BYTES);
    if (!oci_spec_has_namespace(s, "uts", NULL))
        return err_set(e, ERR_INVALID, "%s: needs a uts namespace of the container's own", field);
    return 0;
}

static int check_annotations(char *const *annotations, struct err *e)
{
    STRV_FOREACH (entry, annotations)
        if (**entry == '=')
            return err_set(e, ERR_INVALID, "annotations: a key is empty");
    return 0;
}

bool oci_spec_is_1_0(const struct oci_spec *s)
{
    static const char *const releases[] = {"1.0.0", "1.0.1", "1.0.2"}; /* not "1.0.2-dev" */

    for (size_t i = 0; i < ARRAY_LEN(releases); i++)
        if (str_equal(s->oci_version, releases[i]))
            return true;
    return false;
}

int oci_spec_validate(const struct oci_spec *s, struct err *e)
{
    if (!s->oci_version)
        return err_set(e, ERR_INVALID, "ociVersion: missing");
    if (check_version(s->oci_version, e) < 0)
        return -1;
    if (!s->root.path || !*s->root.path)
        return err_set(e, ERR_INVALID, "root.path: must not be empty");
    if ((s->process && oci_process_validate(s->process, e) < 0) || spec_check_mounts(s, e) < 0 ||
        (s->hooks && check_hooks(s->hooks, e) < 0) || check_annotations(s->annotations, e) < 0 ||
        check_name(s, s->hostname, "hostname", e) < 0 ||
        check_name(s, s->domainname, "domainname", e) < 0)
        return -1;
    if (s->process && s->process->capabilities && oci_spec_is_1_0(s) &&
        check_known_capabilities(s->process->capabilities, e) < 0)
        return -1;
    return s->linux ? spec_check_linux(s, e) : 0;
}
