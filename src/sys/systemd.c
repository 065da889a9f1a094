/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: sd-bus (sd-bus(3)) by dlopen: a table of the functions that are used, each with the type
 * that its header gives it. A job's end is a signal, JobRemoved, which is subscribed to before the
 * job is asked for, so that it cannot be missed; the manager sends it to whoever made the job.
 *
 * Why a library: D-Bus is a protocol of its own (authentication, alignment, signatures), and
 * libsystemd is on every machine on which this is of use.
 */
#include "sys/systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/str.h"
#include "base/strv.h"

#define NAME           "org.freedesktop.systemd1"
#define PATH           "/org/freedesktop/systemd1"
#define INTERFACE      "org.freedesktop.systemd1.Manager"
#define PRIVATE_SOCKET "unix:path=/run/systemd/private"
#define LIBRARY        "libsystemd.so.0"
#define TIMEOUT_US     30000000u

#define FUNCTIONS(X)                                                                               \
    X(sd_bus_open_system)                                                                          \
    X(sd_bus_open_user)                                                                            \
    X(sd_bus_new)                                                                                  \
    X(sd_bus_set_address)                                                                          \
    X(sd_bus_start)                                                                                \
    X(sd_bus_flush_close_unref)                                                                    \
    X(sd_bus_is_bus_client)                                                                        \
    X(sd_bus_call)                                                                                 \
    X(sd_bus_process)                                                                              \
    X(sd_bus_wait)                                                                                 \
    X(sd_bus_match_signal)                                                                         \
    X(sd_bus_slot_unref)                                                                           \
    X(sd_bus_get_property_string)                                                                  \
    X(sd_bus_error_free)                                                                           \
    X(sd_bus_message_new_method_call)                                                              \
    X(sd_bus_message_unref)                                                                        \
    X(sd_bus_message_append_basic)                                                                 \
    X(sd_bus_message_append_array)                                                                 \
    X(sd_bus_message_open_container)                                                               \
    X(sd_bus_message_close_container)                                                              \
    X(sd_bus_message_read)

struct sys_systemd {
    sd_bus *bus;
#define DECLARE(f) typeof(f) *f;
    FUNCTIONS(DECLARE)
};

bool sys_systemd_is_running(void)
{
    struct stat st;

    return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* The library stays loaded: its threads' keys would dangle. */
static int load(struct sys_systemd *s)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    bool has_all = library;

#define FIND(f) has_all = has_all && (s->f = (typeof(f) *)dlsym(library, #f));
    FUNCTIONS(FIND)
    return has_all ? 0 : -ELIBACC;
}

static int open_private(struct sys_systemd *s)
{
    int r = s->sd_bus_new(&s->bus);

    if (r >= 0)
        r = s->sd_bus_set_address(s->bus, PRIVATE_SOCKET);
    if (r >= 0)
        r = s->sd_bus_start(s->bus);
    if (r < 0)
        s->bus = s->sd_bus_flush_close_unref(s->bus);
    return r;
}

int sys_systemd_open(enum sys_systemd_manager which, struct sys_systemd **ret)
{
    struct sys_systemd *s;
    int r;

    FAULT_POINT("systemd_open");
    s = alloc_new(struct sys_systemd);
    r = load(s);
    if (r == 0)
        r = which == SYS_SYSTEMD_USER ? s->sd_bus_open_user(&s->bus)
                                      : s->sd_bus_open_system(&s->bus);
    if (r < 0 && r != -ELIBACC && which == SYS_SYSTEMD_SYSTEM && geteuid() == 0)
        r = open_private(s);
    if (r < 0) {
        free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void sys_systemd_close(struct sys_systemd *s)
{
    if (!s)
        return;
    s->sd_bus_flush_close_unref(s->bus);
    free(s);
}

/* Messages */

static int append_strings(struct sys_systemd *s, sd_bus_message *m, char *const *list)
{
    int r = s->sd_bus_message_open_container(m, 'a', "s");

    STRV_FOREACH (text, list)
        if (r >= 0)
            r = s->sd_bus_message_append_basic(m, 's', *text);
    return r < 0 ? r : s->sd_bus_message_close_container(m);
}

static int append_pairs(struct sys_systemd *s, sd_bus_message *m, char *const *list)
{
    int r = s->sd_bus_message_open_container(m, 'a', "(ss)");
    size_t n = strv_len(list);

    for (size_t i = 0; r >= 0 && i + 1 < n; i += 2) {
        r = s->sd_bus_message_open_container(m, 'r', "ss");
        if (r >= 0)
            r = s->sd_bus_message_append_basic(m, 's', list[i]);
        if (r >= 0)
            r = s->sd_bus_message_append_basic(m, 's', list[i + 1]);
        if (r >= 0)
            r = s->sd_bus_message_close_container(m);
    }
    return r < 0 ? r : s->sd_bus_message_close_container(m);
}

static const char *const signatures[] = {
    [SYS_UNIT_BOOL] = "b",   [SYS_UNIT_I32] = "i",      [SYS_UNIT_U64] = "t",
    [SYS_UNIT_STRING] = "s", [SYS_UNIT_STRINGS] = "as", [SYS_UNIT_PAIRS] = "a(ss)",
    [SYS_UNIT_BYTES] = "ay", [SYS_UNIT_PIDS] = "au",
};

static int append_value(struct sys_systemd *s, sd_bus_message *m, const struct sys_unit_property *p)
{
    int32_t i32 = (int32_t)p->number;
    uint32_t u32 = (uint32_t)p->number;
    int b = p->number != 0;

    switch (p->type) {
    case SYS_UNIT_BOOL:
        return s->sd_bus_message_append_basic(m, 'b', &b);
    case SYS_UNIT_I32:
        return s->sd_bus_message_append_basic(m, 'i', &i32);
    case SYS_UNIT_U64:
        return s->sd_bus_message_append_basic(m, 't', &p->number);
    case SYS_UNIT_STRING:
        return s->sd_bus_message_append_basic(m, 's', p->text);
    case SYS_UNIT_STRINGS:
        return append_strings(s, m, p->list);
    case SYS_UNIT_PAIRS:
        return append_pairs(s, m, p->list);
    case SYS_UNIT_BYTES:
        return s->sd_bus_message_append_array(m, 'y', p->text, p->number);
    case SYS_UNIT_PIDS:
        return s->sd_bus_message_append_array(m, 'u', &u32, sizeof(u32));
    }
    return -EINVAL;
}

/* a(sv) */
static int append_properties(struct sys_systemd *s, sd_bus_message *m,
                             const struct sys_unit_property *properties, size_t n)
{
    int r = s->sd_bus_message_open_container(m, 'a', "(sv)");

    for (size_t i = 0; r >= 0 && i < n; i++) {
        const struct sys_unit_property *p = &properties[i];

        r = s->sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
            r = s->sd_bus_message_append_basic(m, 's', p->name);
        if (r >= 0)
            r = s->sd_bus_message_open_container(m, 'v', signatures[p->type]);
        if (r >= 0)
            r = append_value(s, m, p);
        if (r >= 0)
            r = s->sd_bus_message_close_container(m);
        if (r >= 0)
            r = s->sd_bus_message_close_container(m);
    }
    return r < 0 ? r : s->sd_bus_message_close_container(m);
}

static int new_call(struct sys_systemd *s, const char *method, const char *unit,
                    sd_bus_message **ret)
{
    int r = s->sd_bus_message_new_method_call(s->bus, ret, NAME, PATH, INTERFACE, method);

    return r < 0 ? r : s->sd_bus_message_append_basic(*ret, 's', unit);
}

static int call(struct sys_systemd *s, sd_bus_message *m, sd_bus_message **ret_reply,
                char **ret_why)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = s->sd_bus_call(s->bus, m, TIMEOUT_US, &error, ret_reply);

    if (r < 0)
        *ret_why = alloc_strdup(error.message);
    /* sd-bus knows the standard names only. */
    if (r < 0 && error.name && str_equal(error.name, NAME ".UnitExists"))
        r = -EEXIST;
    else if (r < 0 && error.name && str_equal(error.name, NAME ".NoSuchUnit"))
        r = -ENOENT;
    s->sd_bus_error_free(&error);
    return r;
}

/* Jobs */

struct job {
    struct sys_systemd *systemd;
    const char *unit;
    char *path;   /* NULL until the call was answered */
    char **ended; /* paths and results of the unit's jobs that ended before that was known */
};

static int on_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
    struct job *job = data;
    const char *path, *unit, *result;
    uint32_t id;

    (void)error;
    if (job->systemd->sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0 ||
        strcmp(unit, job->unit) != 0)
        return 0;
    strv_add(&job->ended, path);
    strv_add(&job->ended, result);
    return 0;
}

static const char *find_result(const struct job *job)
{
    size_t n = strv_len(job->ended);

    for (size_t i = 0; i + 1 < n; i += 2)
        if (strcmp(job->ended[i], job->path) == 0)
            return job->ended[i + 1];
    return NULL;
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int wait_for_job(struct job *job, char **ret_why)
{
    struct sys_systemd *s = job->systemd;
    uint64_t end = now_us() + TIMEOUT_US;
    const char *result;

    while (!(result = find_result(job))) {
        uint64_t now = now_us();
        int r = s->sd_bus_process(s->bus, NULL);

        if (r == 0 && now >= end)
            return -ETIMEDOUT;
        if (r == 0)
            r = s->sd_bus_wait(s->bus, end - now);
        if (r < 0 && r != -EINTR)
            return r;
    }
    if (strcmp(result, "done") == 0)
        return 0;
    *ret_why = alloc_printf("the job's result is '%s'", result);
    return -EIO;
}

/* Sends the call that makes a job and waits for the job. */
static int run_job(struct sys_systemd *s, const char *unit, sd_bus_message *m, char **ret_why)
{
    struct job job = {.systemd = s, .unit = unit};
    sd_bus_message *reply = NULL;
    sd_bus_slot *slot = NULL;
    const char *path;
    int r = s->sd_bus_match_signal(s->bus, &slot, s->sd_bus_is_bus_client(s->bus) > 0 ? NAME : NULL,
                                   PATH, INTERFACE, "JobRemoved", on_removed, &job);

    if (r >= 0)
        r = call(s, m, &reply, ret_why);
    if (r >= 0)
        r = s->sd_bus_message_read(reply, "o", &path);
    if (r >= 0) {
        job.path = alloc_strdup(path);
        r = wait_for_job(&job, ret_why);
    }
    s->sd_bus_slot_unref(slot);
    s->sd_bus_message_unref(reply);
    free(job.path);
    strv_free(job.ended);
    return r;
}

int sys_systemd_start_scope(struct sys_systemd *s, const char *unit,
                            const struct sys_unit_property *properties, size_t n, char **ret_why)
{
    sd_bus_message *m = NULL;
    int r;

    *ret_why = NULL;
    FAULT_POINT("systemd_start_scope");
    r = new_call(s, "StartTransientUnit", unit, &m);
    if (r >= 0)
        r = s->sd_bus_message_append_basic(m, 's', "fail");
    if (r >= 0)
        r = append_properties(s, m, properties, n);
    if (r >= 0)
        r = s->sd_bus_message_open_container(m, 'a', "(sa(sv))"); /* no units beside it */
    if (r >= 0)
        r = s->sd_bus_message_close_container(m);
    if (r >= 0)
        r = run_job(s, unit, m, ret_why);
    s->sd_bus_message_unref(m);
    return r < 0 ? r : 0;
}

int sys_systemd_stop_unit(struct sys_systemd *s, const char *unit, char **ret_why)
{
    sd_bus_message *m = NULL;
    int r;

    *ret_why = NULL;
    FAULT_POINT("systemd_stop_unit");
    r = new_call(s, "StopUnit", unit, &m);
    if (r >= 0)
        r = s->sd_bus_message_append_basic(m, 's', "replace");
    if (r >= 0)
        r = run_job(s, unit, m, ret_why);
    s->sd_bus_message_unref(m);
    return r < 0 ? r : 0;
}

int sys_systemd_reset_failed(struct sys_systemd *s, const char *unit, char **ret_why)
{
    sd_bus_message *m = NULL, *reply = NULL;
    int r;

    *ret_why = NULL;
    FAULT_POINT("systemd_reset_failed");
    r = new_call(s, "ResetFailedUnit", unit, &m);
    if (r >= 0)
        r = call(s, m, &reply, ret_why);
    s->sd_bus_message_unref(reply);
    s->sd_bus_message_unref(m);
    return r < 0 ? r : 0;
}

int sys_systemd_set_properties(struct sys_systemd *s, const char *unit,
                               const struct sys_unit_property *properties, size_t n, char **ret_why)
{
    sd_bus_message *m = NULL, *reply = NULL;
    int r, until_boot = 1;

    *ret_why = NULL;
    FAULT_POINT("systemd_set_properties");
    r = new_call(s, "SetUnitProperties", unit, &m);
    if (r >= 0)
        r = s->sd_bus_message_append_basic(m, 'b', &until_boot);
    if (r >= 0)
        r = append_properties(s, m, properties, n);
    if (r >= 0)
        r = call(s, m, &reply, ret_why);
    s->sd_bus_message_unref(reply);
    s->sd_bus_message_unref(m);
    return r < 0 ? r : 0;
}

int sys_systemd_attach(struct sys_systemd *s, const char *unit, const char *below, pid_t pid,
                       char **ret_why)
{
    sd_bus_message *m = NULL, *reply = NULL;
    uint32_t u32 = (uint32_t)pid;
    int r;

    *ret_why = NULL;
    FAULT_POINT("systemd_attach");
    r = new_call(s, "AttachProcessesToUnit", unit, &m);
    if (r >= 0)
        r = s->sd_bus_message_append_basic(m, 's', below);
    if (r >= 0)
        r = s->sd_bus_message_append_array(m, 'u', &u32, sizeof(u32));
    if (r >= 0)
        r = call(s, m, &reply, ret_why);
    s->sd_bus_message_unref(reply);
    s->sd_bus_message_unref(m);
    return r < 0 ? r : 0;
}

int sys_systemd_get(struct sys_systemd *s, const char *name, char **ret, char **ret_why)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r;

    *ret_why = NULL;
    FAULT_POINT("systemd_get");
    r = s->sd_bus_get_property_string(s->bus, NAME, PATH, INTERFACE, name, &error, ret);
    if (r < 0)
        *ret_why = alloc_strdup(error.message);
    s->sd_bus_error_free(&error);
    return r < 0 ? r : 0;
}
