/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec: the process is a file in the specification's form, or the container's own process with
 * another command and the options' changes (runc's rules: a terminal only when it is asked for,
 * capabilities are added to those that the container has).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/file.h"
#include "sys/process.h"

#define EXIT_EXEC 255 /* runc's, for what fails before the command runs */

struct exec_options {
    bool detach;
    bool tty;
    bool no_new_privs;
    bool ignore_paused;
    bool no_subreaper;
    char *process;
    char *cwd;
    char *user;
    char **env;
    char **groups;
    char **caps;
    char *apparmor;
    char *process_label;
    char **cgroups;
    struct io_options io;
};

#define AT(field) offsetof(struct exec_options, field)
static const struct option exec_rows[] = {
    {"detach", 'd', OPT_BOOL, AT(detach), NULL, "Do not wait for the process"},
    {"tty", 't', OPT_BOOL, AT(tty), NULL, "Give the process a terminal"},
    {"process", 'p', OPT_STRING, AT(process), "FILE",
     "The process as JSON, as in the specification's config.json", COMPLETE_FILE},
    {"cwd", 0, OPT_STRING, AT(cwd), "DIR", "Working directory in the container"},
    {"user", 'u', OPT_STRING, AT(user), "UID[:GID]", "User, and group, by number or name"},
    {"env", 'e', OPT_STRV, AT(env), "NAME=VALUE", "Set an environment variable"},
    {"additional-gids", 'g', OPT_STRV_COMMAS, AT(groups), "GID", "Add a group"},
    {"cap", 'c', OPT_STRV, AT(caps), "CAP", "Add a capability"},
    {"no-new-privs", 0, OPT_BOOL, AT(no_new_privs), NULL, "Set the no_new_privs attribute"},
    {"apparmor", 0, OPT_STRING, AT(apparmor), "PROFILE", "AppArmor profile"},
    {"process-label", 0, OPT_STRING, AT(process_label), "LABEL", "SELinux label"},
    {"cgroup", 0, OPT_STRV, AT(cgroups), "[CONTROLLER[,CONTROLLER]:]PATH",
     "Into this group below the container's"},
    {"ignore-paused", 0, OPT_BOOL, AT(ignore_paused), NULL,
     "In a paused container too: the process runs when it is resumed"},
    {"no-subreaper", 0, OPT_BOOL, AT(no_subreaper), NULL,
     "Accepted: dhow-runtime never becomes a subreaper"},
    IO_OPTION_ROWS(exec_options, io),
    {NULL},
};
static const struct option *const exec_sets[] = {exec_rows, NULL};

static void replace_text(char **where, const char *text)
{
    if (!text || !*text)
        return;
    free(*where);
    *where = alloc_strdup(text);
}

/* "-" is stdin; a FIFO (/dev/fd/63 of a shell) will do. */
static int read_process(const char *path, struct oci_process *ret, struct err *e)
{
    auto_fd int opened = FD_NONE;
    auto_free char *text = NULL;
    size_t n;
    int fd = 0, r;

    if (!str_equal(path, "-"))
        fd = opened = sys_open(AT_FDCWD, path, O_RDONLY, 0);
    r = fd < 0 ? fd : sys_read_fd(fd, OCI_SPEC_MAX_BYTES, &text, &n);
    if (r < 0)
        return err_sys(e, r, "read the process '%s'", path);
    return oci_process_parse(text, n, ret, e);
}

static void add_caps(struct oci_process *p, char *const *caps)
{
    if (!caps || !caps[0])
        return;
    if (!p->capabilities)
        p->capabilities = alloc_new(struct oci_capabilities);
    char ***const sets[] = {&p->capabilities->bounding, &p->capabilities->effective,
                            &p->capabilities->permitted};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        STRV_FOREACH (cap, caps)
            if (!strv_has(*sets[i], *cap))
                strv_add(sets[i], *cap);
}

static int add_groups(struct oci_process *p, char *const *groups, struct err *e)
{
    STRV_FOREACH (group, groups) {
        uint64_t gid;
        if (str_to_u64(*group, UINT32_MAX - 1, &gid) < 0)
            return err_set(e, ERR_INVALID, "--additional-gids: '%s' is not a group id", *group);
        vec_push(&p->user.additional_gids, (uint32_t)gid);
    }
    return 0;
}

/* UID or UID:GID go into the process, as runc has it: without a group the group stays. Names are
 * looked up in the container. */
static int set_user(struct oci_process *p, const char *user, const char **ret_name, struct err *e)
{
    if (!user || !*user)
        return 0;
    const char *colon = strchr(user, ':');
    auto_free char *first = alloc_strndup(user, colon ? (size_t)(colon - user) : strlen(user));
    uint64_t uid, gid = p->user.gid;
    if (!strchr("0123456789", first[0]) || !first[0] ||
        (colon && !strchr("0123456789", colon[1]))) {
        *ret_name = user;
        return 0;
    }
    if (str_to_u64(first, UINT32_MAX - 1, &uid) < 0 ||
        (colon && str_to_u64(colon + 1, UINT32_MAX - 1, &gid) < 0))
        return err_set(e, ERR_INVALID, "--user '%s' is not UID[:GID]", user);
    p->user.uid = (uint32_t)uid;
    p->user.gid = (uint32_t)gid;
    return 0;
}

static int make_process(struct cli *cli, const struct exec_options *o, const char *id,
                        char **command, struct oci_process *ret, const char **ret_user,
                        struct err *e)
{
    if (o->process && command[0])
        return err_set(e, ERR_INVALID, "a command and --process exclude each other");
    if (o->process && read_process(o->process, ret, e) < 0)
        return -1;
    if (!o->process) {
        if (!command[0])
            return err_set(e, ERR_INVALID, "process args cannot be empty: give a command");
        if (lifecycle_exec_process(&cli->config->lifecycle, id, ret, e) < 0)
            return -1;
        strv_free(ret->args);
        ret->args = strv_dup(command);
        ret->terminal = false;
    }
    ret->terminal |= o->tty;
    ret->no_new_privileges |= o->no_new_privs;
    replace_text(&ret->cwd, o->cwd);
    replace_text(&ret->apparmor_profile, o->apparmor);
    replace_text(&ret->selinux_label, o->process_label);
    STRV_FOREACH (entry, o->env)
        strv_env_set(&ret->env, *entry);
    add_caps(ret, o->caps);
    return add_groups(ret, o->groups, e) < 0 ? -1 : set_user(ret, o->user, ret_user, e);
}

static int execute(struct cli *cli, const struct exec_options *o, const char *id,
                   const struct oci_process *process, const char *user, int *ret_code,
                   struct err *e)
{
    auto_process p = LIFECYCLE_PROCESS_NONE;
    struct lifecycle_exec_options x = {.id = id,
                                       .process = process,
                                       .user = user,
                                       .cgroups = o->cgroups,
                                       .flags = o->ignore_paused ? LIFECYCLE_IGNORE_PAUSED : 0};
    if (io_options_value(&o->io, &x.io, e) < 0)
        return -1;
    x.io.wants_terminal = process->terminal && !o->detach && !o->io.console_socket;
    if (lifecycle_exec(&cli->config->lifecycle, &x, &p, e) < 0)
        return -1;
    foreground_prepare(&p);
    *ret_code = 0;
    return o->detach ? 0 : foreground_wait(cli, &p, ret_code, e);
}

static int exec_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct exec_options *o = options;
    struct oci_process process = {0};
    const char *user = NULL;
    int code = EXIT_EXEC;
    (void)argc;
    if (make_process(cli, o, argv[0], argv + 1, &process, &user, e) < 0 ||
        execute(cli, o, argv[0], &process, user, &code, e) < 0) {
        cli->report(cli, e);
        code = EXIT_EXEC;
    }
    oci_process_done(&process);
    return code;
}

static const char *const exec_examples[] = {"exec web ps", "exec --tty --env TERM=xterm web sh",
                                            "exec --process process.json --detach web", NULL};

const struct command cmd_exec = {
    .name = "exec",
    .summary = "Execute a process in a container that runs",
    .args = "CONTAINER [COMMAND [ARG...]]",
    .min_args = 1,
    .max_args = -1,
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .flags = COMMAND_STOP_AT_ARG,
    .option_sets = exec_sets,
    .options_size = sizeof(struct exec_options),
    .examples = exec_examples,
    .run = exec_run,
};
