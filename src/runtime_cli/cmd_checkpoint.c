/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checkpoint, restore */
#include "base/log.h"
#include "base/str.h"
#include "runtime_cli/runtime_cli.h"

struct checkpoint_options {
    char *image_path;
    char *work_path;
    char *parent_path;
    char *cgroups_mode;
    char *lsm_profile;
    bool leave_running;
    bool tcp_established;
    bool tcp_skip_in_flight;
    bool ext_unix_sk;
    bool shell_job;
    bool file_locks;
    bool auto_dedup;
    bool link_remap;
    bool pre_dump;
    /* restore */
    char *bundle;
    struct io_options io;
    bool detach;
    bool no_subreaper;
    bool no_pivot;
};

#define AT(field) offsetof(struct checkpoint_options, field)
static const struct option common_rows[] = {
    {"image-path", 0, OPT_STRING, AT(image_path), "DIR", "Directory of the checkpoint",
     COMPLETE_DIR, .initial = "checkpoint"},
    {"work-path", 0, OPT_STRING, AT(work_path), "DIR",
     "Directory of CRIU's logs (that of the checkpoint)", COMPLETE_DIR},
    {"tcp-established", 0, OPT_BOOL, AT(tcp_established), NULL, "With established TCP connections"},
    {"ext-unix-sk", 0, OPT_BOOL, AT(ext_unix_sk), NULL,
     "With unix sockets whose other end is outside"},
    {"shell-job", 0, OPT_BOOL, AT(shell_job), NULL, "With a terminal that is the host's"},
    {"file-locks", 0, OPT_BOOL, AT(file_locks), NULL, "With file locks"},
    {"auto-dedup", 0, OPT_BOOL, AT(auto_dedup), NULL, "Free the memory of earlier checkpoints"},
    {"manage-cgroups-mode", 0, OPT_STRING, AT(cgroups_mode), "MODE",
     "How control groups are restored", COMPLETE_WORDS, "soft full strict ignore",
     .initial = "soft"},
    {"lazy-pages", 0, OPT_UNSUPPORTED_BOOL},
    {"empty-ns", 0, OPT_UNSUPPORTED},
    {NULL},
};
static const struct option checkpoint_rows[] = {
    {"parent-path", 0, OPT_STRING, AT(parent_path), "DIR",
     "An earlier checkpoint, relative to the image directory", COMPLETE_DIR},
    {"leave-running", 0, OPT_BOOL, AT(leave_running), NULL, "Leave the container running"},
    {"tcp-skip-in-flight", 0, OPT_BOOL, AT(tcp_skip_in_flight), NULL,
     "Leave out TCP connections that are being made"},
    {"link-remap", 0, OPT_BOOL, AT(link_remap), NULL, "With open files that were unlinked"},
    {"pre-dump", 0, OPT_BOOL, AT(pre_dump), NULL, "Memory only; the container goes on"},
    {"page-server", 0, OPT_UNSUPPORTED},
    {"status-fd", 0, OPT_UNSUPPORTED},
    {NULL},
};
static const struct option restore_rows[] = {
    {"bundle", 'b', OPT_STRING, AT(bundle), "DIR", "The bundle's directory (the working directory)",
     COMPLETE_DIR},
    {"detach", 'd', OPT_BOOL, AT(detach), NULL, "Do not wait for the container's end"},
    {"lsm-profile", 0, OPT_STRING, AT(lsm_profile), "TYPE:NAME", "Another security profile"},
    {"no-subreaper", 0, OPT_BOOL, AT(no_subreaper), NULL,
     "Accepted: dhow-runtime never becomes a subreaper"},
    {"no-pivot", 0, OPT_BOOL, AT(no_pivot), NULL, "Accepted: CRIU changes the root its own way"},
    {"lsm-mount-context", 0, OPT_UNSUPPORTED},
    IO_OPTION_ROWS(checkpoint_options, io),
    {NULL},
};
static const struct option *const checkpoint_sets[] = {common_rows, checkpoint_rows, NULL};
static const struct option *const restore_sets[] = {common_rows, restore_rows, NULL};

static int set_mode(const char *text, enum sys_criu_cgroup_mode *ret, struct err *e)
{
    static const struct {
        const char *name;
        enum sys_criu_cgroup_mode mode;
    } rows[] = {{"soft", SYS_CRIU_CGROUP_SOFT},
                {"full", SYS_CRIU_CGROUP_FULL},
                {"strict", SYS_CRIU_CGROUP_STRICT},
                {"ignore", SYS_CRIU_CGROUP_IGNORE}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_equal(text, rows[i].name)) {
            *ret = rows[i].mode;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "--manage-cgroups-mode '%s' is not one of soft full strict ignore", text);
}

static int options_value(const struct cli *cli, const struct checkpoint_options *o,
                         struct lifecycle_checkpoint_options *ret, struct err *e)
{
    const struct {
        bool is_set;
        enum lifecycle_checkpoint_flags flag;
    } rows[] = {
        {o->leave_running, LIFECYCLE_CHECKPOINT_LEAVE_RUNNING},
        {o->tcp_established, LIFECYCLE_CHECKPOINT_TCP_ESTABLISHED},
        {o->tcp_skip_in_flight, LIFECYCLE_CHECKPOINT_TCP_SKIP_IN_FLIGHT},
        {o->ext_unix_sk, LIFECYCLE_CHECKPOINT_EXT_UNIX_SK},
        {o->shell_job, LIFECYCLE_CHECKPOINT_SHELL_JOB},
        {o->file_locks, LIFECYCLE_CHECKPOINT_FILE_LOCKS},
        {o->auto_dedup, LIFECYCLE_CHECKPOINT_AUTO_DEDUP},
        {o->link_remap, LIFECYCLE_CHECKPOINT_LINK_REMAP},
        {o->pre_dump, LIFECYCLE_CHECKPOINT_PRE_DUMP},
    };

    *ret = (struct lifecycle_checkpoint_options){.image_path = o->image_path,
                                                 .work_path = o->work_path,
                                                 .parent_path = o->parent_path,
                                                 .lsm_profile = o->lsm_profile,
                                                 .criu = cli->config->criu};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ret->flags |= rows[i].is_set ? rows[i].flag : 0u;
    return set_mode(o->cgroups_mode, &ret->cgroup_mode, e);
}

static int checkpoint_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct lifecycle_checkpoint_options c;
    (void)argc;
    if (options_value(cli, options, &c, e) < 0)
        return -1;
    return lifecycle_checkpoint(&cli->config->lifecycle, argv[0], &c, e);
}

static int restore_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct checkpoint_options *o = options;
    struct lifecycle_restore_options r = {.create = {.id = argv[0], .bundle = o->bundle}};
    auto_process p = LIFECYCLE_PROCESS_NONE;
    (void)argc;

    if (options_value(cli, o, &r.checkpoint, e) < 0 ||
        io_options_value(&o->io, &r.create.io, e) < 0)
        return -1;
    r.create.io.wants_terminal = !o->detach && !o->io.console_socket;
    if (lifecycle_restore(&cli->config->lifecycle, &r, &p, e) < 0)
        return -1;
    print_process_warnings(&p);
    return o->detach ? 0 : foreground_container(cli, argv[0], o->io.pid_file, &p, 0, e);
}

static const char *const checkpoint_examples[] = {"checkpoint --image-path /srv/web.ckpt web",
                                                  NULL};
static const char *const restore_examples[] =
    {"restore --detach --image-path /srv/web.ckpt --bundle /srv/web web", NULL};

const struct command cmd_checkpoint = {
    .name = "checkpoint",
    .summary = "Write the state of a running container to a directory, by CRIU",
    .option_sets = checkpoint_sets,
    .options_size = sizeof(struct checkpoint_options),
    .examples = checkpoint_examples,
    .run = checkpoint_run,
    ONE_CONTAINER,
};
const struct command cmd_restore = {
    .name = "restore",
    .summary = "Make a container of what checkpoint wrote",
    .option_sets = restore_sets,
    .options_size = sizeof(struct checkpoint_options),
    .examples = restore_examples,
    .run = restore_run,
    ONE_CONTAINER,
};
