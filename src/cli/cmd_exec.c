/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec: one more process in a running container. It is our child; its stdio are pipes of ours or a
 * terminal, never our own descriptors (a process in the container could drive our terminal).
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/container_options.h"
#include "cli/foreground.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/terminal.h"

struct exec_options {
    struct target_flags targets; /* first */
    char **env;
    char **env_files;
    bool interactive;
    bool tty;
    bool privileged;
    char *user;
    char *workdir;
    char *detach_keys;
};

#define AT(field) offsetof(struct exec_options, field)
static const struct option exec_rows[] = {
    {"env", 'e', OPT_STRV, AT(env), "NAME[=VALUE]",
     "Set an environment variable; without a value, the caller's"},
    {"env-file", 0, OPT_STRV, AT(env_files), "FILE", "Read environment variables from a file",
     COMPLETE_FILE},
    {"interactive", 'i', OPT_BOOL, AT(interactive), NULL, "Forward the standard input"},
    {"tty", 't', OPT_BOOL, AT(tty), NULL, "Give the process a terminal"},
    {"privileged", 0, OPT_BOOL, AT(privileged), NULL, "Give the process all capabilities"},
    {"user", 'u', OPT_STRING, AT(user), "NAME|UID[:GROUP|GID]", "User and group to run as"},
    {"workdir", 'w', OPT_STRING, AT(workdir), "DIR", "Working directory in the container"},
    {"detach-keys", 0, OPT_STRING, AT(detach_keys), "KEYS",
     "Keys that leave the process running (ctrl-p,ctrl-q)"},
    {NULL},
};
static const struct option exec_unsupported_rows[] = {
    {"detach", 'd', OPT_UNSUPPORTED_BOOL},
    {"no-session", 0, OPT_UNSUPPORTED_BOOL},
    {"preserve-fd", 0, OPT_UNSUPPORTED},
    {"preserve-fds", 0, OPT_UNSUPPORTED},
    {NULL},
};

/* The pipes of a session: [stream][0] is read, [stream][1] written. */
struct exec_pipes {
    int fd[3][2];
};

static void exec_pipes_done(struct exec_pipes *p)
{
    for (size_t i = 0; i < 3; i++) {
        p->fd[i][0] = fd_close(p->fd[i][0]);
        p->fd[i][1] = fd_close(p->fd[i][1]);
    }
}

static int exec_pipes_open(struct exec_pipes *p, bool has_stdin, struct err *e)
{
    for (size_t i = has_stdin ? 0 : 1; i < 3; i++) {
        int r = sys_pipe(p->fd[i]);
        if (r < 0)
            return err_sys(e, r, "make pipe for the process");
    }
    return 0;
}

static int exec_env(const struct exec_options *o, char ***ret, struct err *e)
{
    STRV_FOREACH (path, o->env_files) {
        if (container_env_file(*path, environ, ret, e) < 0)
            return -1;
    }
    return container_env_add(o->env, environ, ret, e);
}

static int exec_wait(pid_t pid, int *ret_code, struct err *e)
{
    int status;
    int r = sys_wait(pid, &status);
    if (r < 0)
        return err_sys(e, r, "wait for the process");
    *ret_code = sys_exit_code_of_status(status);
    return 0;
}

/* Our ends of the pipes go into the session, the process's ends are closed: it has its own. */
static struct attach_session session_of(struct exec_pipes *p, int terminal)
{
    struct attach_session s = {
        .stdin_fd = take_fd(&p->fd[0][1]),
        .stdout_fd = take_fd(&p->fd[1][0]),
        .stderr_fd = take_fd(&p->fd[2][0]),
        .terminal_fd = terminal,
    };
    exec_pipes_done(p);
    return s;
}

static int exec_session(struct engine *en, const char *name, const struct exec_options *o,
                        struct engine_exec *x, struct exec_pipes *pipes, int *ret_code,
                        struct err *e)
{
    pid_t pid = 0;
    auto_fd int pidfd = FD_NONE;
    int terminal = FD_NONE;
    bool detached = false;
    struct attach_client client = {
        .socket = FD_NONE,
        .in = STDIN_FILENO,
        .out = STDOUT_FILENO,
        .err = STDERR_FILENO,
        .tty = o->tty,
        .interactive = o->interactive,
        .sig_proxy = true,
    };
    if (foreground_keys(o->detach_keys, &client.detach_keys, e) < 0 ||
        engine_container_exec(en, name, x, &pid, &pidfd, &terminal, e) < 0)
        return -1;
    struct attach_session session = session_of(pipes, terminal);
    client.pidfd = pidfd;
    if (attach_stdio_run(&client, &session, &detached, e) < 0)
        return -1;
    *ret_code = 0;
    return detached ? 0 : exec_wait(pid, ret_code, e);
}

static int exec_in(struct engine *en, const char *name, char *const *command,
                   const struct exec_options *o, int *ret_code, struct err *e)
{
    auto_strv env = NULL;
    struct exec_pipes pipes = {{{FD_NONE, FD_NONE}, {FD_NONE, FD_NONE}, {FD_NONE, FD_NONE}}};
    if (exec_env(o, &env, e) < 0)
        return -1;
    int r = o->tty ? 0 : exec_pipes_open(&pipes, o->interactive, e);
    if (r == 0) {
        struct engine_exec x = {
            .command = command,
            .env = env ? env : (char **)strv_none,
            .user = o->user,
            .workdir = o->workdir,
            .tty = o->tty,
            .interactive = o->interactive,
            .privileged = o->privileged,
            .stdio = {pipes.fd[0][0], pipes.fd[1][1], pipes.fd[2][1]},
        };
        r = exec_session(en, name, o, &x, &pipes, ret_code, e);
    }
    exec_pipes_done(&pipes);
    return r;
}

static int exec_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct exec_options *o = options;
    auto_engine *en = NULL;
    auto_free char *newest = NULL;
    const char *name;
    int code = 0;
    char *const *command = o->targets.latest ? argv : argv + 1;
    if (!o->targets.latest && argc < 1)
        return err_set(e, ERR_INVALID, "you must provide one container name or id");
    if (!*command)
        return err_set(e, ERR_INVALID, "you must provide a command to exec");
    if (cli_open(cli, STORE_READ, &en, e) < 0 ||
        target_one(en, o->targets.latest, argv, &newest, &name, e) < 0)
        return -1;
    return exec_in(en, name, command, o, &code, e) < 0 ? -1 : code;
}

static const struct option *const exec_sets[] = {exec_rows, target_latest_rows,
                                                 exec_unsupported_rows, NULL};
static const char *const exec_aliases[] = {"container exec", NULL};
static const char *const exec_examples[] = {"exec web ls /srv", "exec -it web sh",
                                            "exec -e DEBUG=1 -u www-data web id", NULL};

const struct command cmd_exec = {
    .name = "exec",
    .aliases = exec_aliases,
    .summary = "Run one more command in a running container",
    .args = "CONTAINER COMMAND [ARG...]",
    .max_args = -1,
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .flags = COMMAND_STOP_AT_ARG,
    .option_sets = exec_sets,
    .options_size = sizeof(struct exec_options),
    .examples = exec_examples,
    .run = exec_run,
};
