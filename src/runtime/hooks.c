/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running hooks, wherever that is (hooks_plan.c has the steps of the child).
 *
 * A hook gets the state as a sealed memory file on stdin, so that nobody waits for a hook that does
 * not read it. Its stdout and stderr are pipes of which the end is kept, for the error. It is over
 * when its process is: a daemon that it left behind may hold the pipes for ever. At its timeout the
 * process and its group are killed, by pidfd and before it is reaped: the number cannot be anybody
 * else's.
 *
 * Trust boundary (CVE-2025-23266): a hook of the runtime never gets the container's environment, or
 * ours: without `env` it is empty.
 */
#include "runtime/hooks.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "base/units.h"
#include "runtime/features_private.h"
#include "runtime/sync.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/self.h"

#define STAGE(stage_name, status_name, member)                                                     \
    {                                                                                              \
        stage_name, status_name, offsetof(struct oci_hooks, member)                                \
    }
static const struct {
    const char *name;
    const char *status;
    size_t list;
} stages[] = {
    [HOOKS_PRESTART] = STAGE("prestart", "created", prestart), /* 1.0's word, and crun's */
    [HOOKS_CREATE_RUNTIME] = STAGE("createRuntime", "creating", create_runtime),
    [HOOKS_CREATE_CONTAINER] = STAGE("createContainer", "creating", create_container),
    [HOOKS_START_CONTAINER] = STAGE("startContainer", "created", start_container),
    [HOOKS_POSTSTART] = STAGE("poststart", "running", poststart),
    [HOOKS_POSTSTOP] = STAGE("poststop", "stopped", poststop),
};
_Static_assert(ARRAY_LEN(stages) == HOOKS_STAGE_MAX, "a row for each stage");

static const struct oci_hook_list *list_of(const struct oci_spec *spec, enum hooks_stage stage)
{
    static const struct oci_hook_list none;

    return spec->hooks ? (const void *)((const char *)spec->hooks + stages[stage].list) : &none;
}

bool hooks_has(const struct oci_spec *spec, enum hooks_stage stage)
{
    return list_of(spec, stage)->len > 0;
}

/* ---- the state ---- */

struct state {
    char *oci_version;
    char *id;
    char *status;
    int64_t pid;
    char *bundle;
    char **annotations;
};
#define ROW(member, key, type, ...)                                                                \
    {                                                                                              \
        key, type, offsetof(struct state, member), __VA_ARGS__                                     \
    }
static const struct json_field state_fields[] = {
    ROW(oci_version, "ociVersion", JSON_STRING, JSON_KEEP_EMPTY),
    ROW(id, "id", JSON_STRING, JSON_KEEP_EMPTY),
    ROW(status, "status", JSON_STRING, JSON_KEEP_EMPTY),
    ROW(pid, "pid", JSON_INT64),
    ROW(bundle, "bundle", JSON_STRING, JSON_KEEP_EMPTY),
    ROW(annotations, "annotations", JSON_STRMAP),
};
static const struct json_struct state_json = JSON_STRUCT("state", struct state, state_fields);

char *hooks_state_text(const struct hooks_container *c, enum hooks_stage stage)
{
    /* Borrowed: the encoder changes nothing. */
    const struct state s = {
        .oci_version = c->spec->oci_version,
        .id = (char *)(uintptr_t)c->id,
        .status = (char *)(uintptr_t)stages[stage].status,
        .pid = stage == HOOKS_POSTSTOP ? 0 : c->pid,
        .bundle = (char *)(uintptr_t)c->bundle,
        .annotations = c->spec->annotations,
    };

    return json_encode_text(&state_json, &s);
}

/* ---- what a hook writes ---- */

#define TAIL_BYTES 1024

struct tail {
    int fd;
    size_t len;
    char text[TAIL_BYTES];
};

/* Up to what is there now; closes at the end of the stream. */
static void tail_read(struct tail *t)
{
    char block[4096];

    /* Bounded: more than a pipe holds is more than was there. */
    for (size_t i = 0; t->fd >= 0 && i < 32; i++) {
        ssize_t n = read(t->fd, block, sizeof(block));
        size_t take, keep;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            t->fd = fd_close(t->fd);
            return;
        }
        take = MIN((size_t)n, sizeof(t->text));
        keep = MIN(t->len, sizeof(t->text) - take);
        memmove(t->text, t->text + t->len - keep, keep);
        memcpy(t->text + keep, block + n - take, take);
        t->len = keep + take;
    }
}

/* Owned: the last line with something on it, fit for a terminal; or NULL. */
static char *tail_line(const struct tail *t)
{
    size_t end = t->len, start;

    while (end > 0 && strchr(" \t\r\n", t->text[end - 1]))
        end--;
    for (start = end; start > 0 && t->text[start - 1] != '\n'; start--)
        ;
    return end > start ? escape_terminal(t->text + start, MIN(end - start, (size_t)200)) : NULL;
}

/* ---- one hook ---- */

struct hook_run {
    const struct oci_hook *hook;
    pid_t pid;
    int pidfd;
    int report_fd;
    struct tail out, err;
};

static void hook_run_done(struct hook_run *r)
{
    int status;

    /* Only after a failure of ours it still is there. */
    if (r->pidfd >= 0 && sys_pidfd_send_signal(r->pidfd, SIGKILL) == 0)
        (void)sys_wait(r->pid, &status);
    fd_close(r->pidfd);
    fd_close(r->report_fd);
    fd_close(r->out.fd);
    fd_close(r->err.fd);
}
#define auto_hook_run DHOW_CLEANUP(hook_run_done) struct hook_run

pid_t hooks_start_program(const struct hooks_starter *self, const struct oci_hook *hook,
                          const int *fds, int *ret_pidfd, int *ret_report_fd, struct err *e)
{
    char *path_only[] = {hook->path, NULL};
    struct sys_spawn s = {
        .path = hook->path,
        .argv = hook->args && hook->args[0] ? hook->args : path_only,
        .envp = hook->env ? hook->env : (char *const *)strv_none,
        .fds = fds,
        .n_fds = 3,
        .cwd_fd = self->cwd_fd,
        .flags = SYS_SPAWN_ONLY_THESE_FDS | SYS_SPAWN_SESSION | SYS_SPAWN_DIES_WITH_CALLER,
    };
    int r = sys_spawn_as(&s, ret_pidfd);

    (void)ret_report_fd;
    return r < 0 ? err_sys(e, r, "'%s'", hook->path) : r;
}

static int open_pipe(struct tail *t, int *ret_write_end, struct err *e)
{
    int ends[2], r = sys_pipe(ends);

    if (r < 0)
        return err_sys(e, r, "make a pipe");
    t->fd = ends[0];
    *ret_write_end = ends[1];
    r = sys_set_nonblock(t->fd);
    return r < 0 ? err_sys(e, r, "make a pipe") : 0;
}

static int start_hook(struct hook_run *r, const struct hooks_starter *starter, const char *state,
                      struct err *e)
{
    auto_fd int in = sys_memfd_sealed_text("state", state, strlen(state));
    auto_fd int out = FD_NONE, err = FD_NONE;

    if (in < 0)
        return err_sys(e, in, "make a memory file of the state");
    if (open_pipe(&r->out, &out, e) < 0 || open_pipe(&r->err, &err, e) < 0)
        return -1;
    r->pid =
        starter->start(starter, r->hook, (const int[]){in, out, err}, &r->pidfd, &r->report_fd, e);
    return r->pid < 0 ? -1 : 0;
}

/* The process is dead when this returns, and reaped: *ret_status. */
static int kill_hook(struct hook_run *r, int *ret_status, struct err *e)
{
    struct pollfd p = {.fd = r->pidfd, .events = POLLIN};
    int x = sys_pidfd_send_signal(r->pidfd, SIGKILL);

    if (x < 0 && x != -ESRCH)
        return err_sys(e, x, "kill '%s'", r->hook->path);
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    (void)sys_kill_group(r->pid); /* what it started may be gone, or have a group of its own */
    x = sys_wait_pidfd(r->pidfd, ret_status);
    r->pidfd = fd_close(r->pidfd);
    return x < 0 ? err_sys(e, x, "wait for '%s'", r->hook->path) : 0;
}

static int take_report(struct hook_run *r, struct err *e)
{
    auto_sync_message m = {0};
    int x = sync_receive(r->report_fd, &m, e);

    r->report_fd = fd_close(r->report_fd);
    return x <= 0 ? x : sync_error_of(&m, "the end", e);
}

static int wait_ms(uint64_t deadline_ns)
{
    uint64_t now = units_monotonic_ns();

    if (deadline_ns == 0)
        return -1;
    return now >= deadline_ns
               ? 0
               : (int)MIN((deadline_ns - now) / 1000000 + 1, (uint64_t)60 * 60 * 1000);
}

/* Until the process is dead. */
static int watch_hook(struct hook_run *r, int *ret_status, struct err *e)
{
    const struct json_opt_i64 *timeout = &r->hook->timeout;
    uint64_t deadline_ns =
        timeout->is_set ? units_monotonic_ns() + (uint64_t)timeout->value * 1000000000u : 0;
    int x;

    for (;;) {
        struct pollfd p[] = {{.fd = r->pidfd, .events = POLLIN},
                             {.fd = r->out.fd, .events = POLLIN},
                             {.fd = r->err.fd, .events = POLLIN},
                             {.fd = r->report_fd, .events = POLLIN}};
        int wait = wait_ms(deadline_ns);

        if (wait == 0) {
            if (kill_hook(r, ret_status, e) < 0)
                return -1;
            return err_set(e, ERR_TIMEOUT, "'%s': hook ran past specified timeout of %lld.0s",
                           r->hook->path, (long long)timeout->value);
        }
        if (poll(p, ARRAY_LEN(p), wait) < 0 && errno != EINTR)
            return err_sys(e, -errno, "wait for '%s'", r->hook->path);
        tail_read(&r->out);
        tail_read(&r->err);
        if (p[3].revents && take_report(r, e) < 0)
            return -1;
        if (p[0].revents)
            break;
    }
    /* What it wrote, and told, last. */
    tail_read(&r->out);
    tail_read(&r->err);
    if (r->report_fd >= 0 && take_report(r, e) < 0)
        return -1;
    x = sys_wait_pidfd(r->pidfd, ret_status);
    r->pidfd = fd_close(r->pidfd);
    return x < 0 ? err_sys(e, x, "wait for '%s'", r->hook->path) : 0;
}

/* "bad system call": as Go's runtimes write it. */
static const char *signal_words(int number, char words[static 48])
{
    const char *description = sigdescr_np(number);

    snprintf(words, 48, "%s", description ? description : "unknown");
    words[0] = (char)tolower((unsigned char)words[0]);
    return words;
}

static int judge(const struct hook_run *r, int status, struct err *e)
{
    auto_free char *line = tail_line(&r->err);
    const char *stream = "stderr";
    char words[48];

    if (status == 0)
        return 0;
    if (!line) {
        line = tail_line(&r->out);
        stream = "stdout";
    }
    if (WIFSIGNALED(status))
        return err_set(e, ERR_IO, "'%s': signal %d (%s)%s%s%s%s", r->hook->path, WTERMSIG(status),
                       signal_words(WTERMSIG(status), words), line ? ", " : "", line ? stream : "",
                       line ? ": " : "", line ? line : "");
    return err_set(e, ERR_IO, "'%s': exit status %d%s%s%s%s", r->hook->path, WEXITSTATUS(status),
                   line ? ", " : "", line ? stream : "", line ? ": " : "", line ? line : "");
}

static int run_hook(const struct oci_hook *hook, const struct hooks_starter *starter,
                    const char *state, struct err *e)
{
    auto_hook_run r = {.hook = hook,
                       .pidfd = FD_NONE,
                       .report_fd = FD_NONE,
                       .out = {.fd = FD_NONE},
                       .err = {.fd = FD_NONE}};
    int status = 0;

    TRACE_SPAN("hook");
    if (start_hook(&r, starter, state, e) < 0 || watch_hook(&r, &status, e) < 0)
        return -1;
    return judge(&r, status, e);
}

/* ---- a stage ---- */

int hooks_run(const struct hooks_container *c, enum hooks_stage stage,
              const struct hooks_starter *starter, struct err *e)
{
    const struct oci_hook_list *list = list_of(c->spec, stage);
    auto_free char *state = hooks_state_text(c, stage);

    /* The words are runc's: callers and their tests know them. */
    for (size_t i = 0; i < list->len; i++)
        if (run_hook(&list->items[i], starter, state, e) < 0)
            return err_wrap(e, "error running hook #%zu of %s", i, stages[stage].name);
    return 0;
}

static int open_bundle(const struct hooks_container *c)
{
    return sys_open(AT_FDCWD, c->bundle, O_PATH | O_DIRECTORY, 0);
}

int hooks_run_here(const struct hooks_container *c, enum hooks_stage stage, struct err *e)
{
    auto_fd int bundle = hooks_has(c->spec, stage) ? open_bundle(c) : FD_NONE;
    struct hooks_starter starter = {.start = hooks_start_program, .cwd_fd = bundle};

    return hooks_run(c, stage, &starter, e);
}

void hooks_run_all(const struct hooks_container *c, enum hooks_stage stage, char ***inout_warnings)
{
    const struct oci_hook_list *list = list_of(c->spec, stage);
    auto_free char *state = hooks_state_text(c, stage);
    auto_fd int bundle = list->len > 0 ? open_bundle(c) : FD_NONE;
    struct hooks_starter starter = {.start = hooks_start_program, .cwd_fd = bundle};

    for (size_t i = 0; i < list->len; i++) {
        struct err e = {0};

        if (run_hook(&list->items[i], &starter, state, &e) < 0)
            strv_addf(inout_warnings, "error running hook #%zu of %s: %s", i, stages[stage].name,
                      e.msg);
    }
}

const char *hooks_stage_name(size_t i)
{
    return i < ARRAY_LEN(stages) ? stages[i].name : NULL;
}
