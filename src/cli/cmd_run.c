/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run and create: resolve the options, have the image, create; run goes on to start and, in the
 * foreground, to wait. What a failure leaves behind: nothing before the creation, a created
 * container after it (unless --rm), as podman and docker do.
 */
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "cli/cli.h"
#include "cli/container_options.h"
#include "cli/foreground.h"
#include "sys/file.h"

struct run_options {
    struct container_flags c; /* first: the rows are shared with create */
    bool detach;
    char *detach_keys;
    bool sig_proxy;
    char **attach;
    char *trace;
    bool dry_run;
};

#define AT(field) offsetof(struct run_options, field)
static const struct option run_rows[] = {
    {"detach", 'd', OPT_BOOL, AT(detach), NULL, "Leave it in the background and print its id"},
    {"detach-keys", 0, OPT_STRING, AT(detach_keys), "KEYS",
     "Keys that leave the container running (ctrl-p,ctrl-q)"},
    {"sig-proxy", 0, OPT_BOOL, AT(sig_proxy), NULL, "Pass received signals on to the container",
     COMPLETE_NONE, NULL, NULL, "true"},
    {"attach", 'a', OPT_STRV_COMMAS, AT(attach), "STREAM",
     "Attach only to these of stdin, stdout, stderr", COMPLETE_WORDS, "stdin stdout stderr"},
    {"trace", 0, OPT_STRING, AT(trace), "FILE",
     "Write where the time goes, in Chrome's trace format", COMPLETE_FILE},
    {"dry-run", 0, OPT_BOOL, AT(dry_run), NULL, "Print the steps of the start and change nothing"},
    {NULL},
};
static const struct option create_unsupported_rows[] = {
    {"attach", 'a', OPT_UNSUPPORTED},
    {"init-ctr", 0, OPT_UNSUPPORTED},
    {NULL},
};

/* What both commands hold between their steps. */
struct creation {
    const struct cli *cli;
    struct container_flags *flags;
    struct engine_options options;
    struct engine *engine;
    int cidfile; /* FD_NONE: none was asked for */
    char *id;
};

static void creation_done(struct creation *c)
{
    /* A cidfile without an id would make the next run fail. */
    if (c->cidfile >= 0 && !c->id)
        (void)sys_unlink(AT_FDCWD, c->flags->cidfile);
    fd_close(c->cidfile);
    engine_options_done(&c->options);
    if (c->engine)
        engine_close(c->engine);
    free(c->id);
}

static int open_cidfile(struct creation *c, struct err *e)
{
    const char *path = c->flags->cidfile;
    if (!path)
        return 0;
    c->cidfile = sys_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (c->cidfile == -EEXIST)
        return err_set(e, ERR_CONFLICT, "the cidfile '%s' is there already", path);
    return c->cidfile < 0 ? err_sys(e, c->cidfile, "make cidfile '%s'", path) : 0;
}

/* ---- the image ---- */

static const char *const pull_policies[] = {"always", "missing", "never"};
enum pull_policy { PULL_ALWAYS, PULL_MISSING, PULL_NEVER };

static int parse_policy(const char *s, enum pull_policy *ret, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(pull_policies); i++) {
        if (strcmp(s, pull_policies[i]) == 0) {
            *ret = (enum pull_policy)i;
            return 0;
        }
    }
    if (strcmp(s, "newer") == 0)
        return err_set(e, ERR_UNSUPPORTED, "--pull newer is not supported yet");
    return err_set(e, ERR_INVALID, "--pull '%s' is not one of always, missing, never", s);
}

static int have_image(struct creation *c, enum pull_policy policy, struct err *e)
{
    struct store_image image = {0};
    struct err missing = {0};
    auto_free char *id = NULL;
    const char *name = c->options.image;
    if (policy == PULL_ALWAYS)
        return pull_image(c->engine, &c->flags->fetch, name, &id, e);
    if (store_image_find(engine_store(c->engine), name, &image, &missing) == 0) {
        store_image_done(&image);
        return 0;
    }
    if (missing.kind != ERR_NOT_FOUND || policy == PULL_NEVER) {
        *e = missing;
        return -1;
    }
    return pull_image(c->engine, &c->flags->fetch, name, &id, e);
}

/* ---- creating ---- */

/* Once a store: a marker in the run directory, so once a boot too. */
static void note_network(const struct creation *c)
{
    static const char marker[] = "network-note";
    if (c->options.network != ENGINE_NETWORK_UNSET)
        return;
    const char *runroot =
        c->cli->config->engine.runroot ? c->cli->config->engine.runroot : "/run/dhow";
    auto_free char *path = alloc_printf("%s/%s", runroot, marker);
    auto_fd int fd = sys_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0)
        cli_complain("note: ", "networks are not there yet: containers without --network get "
                               "loopback only");
}

static int remove_same_name(struct creation *c, struct err *e)
{
    auto_free char *id = NULL;
    if (!c->flags->replace)
        return 0;
    if (!c->options.name)
        return err_set(e, ERR_INVALID, "--replace needs --name");
    return engine_container_remove(c->engine, c->options.name,
                                   ENGINE_REMOVE_FORCE | ENGINE_REMOVE_IGNORE_MISSING, -1, &id, e);
}

static int write_cidfile(struct creation *c, struct err *e)
{
    if (c->cidfile < 0)
        return 0;
    int r = sys_write_all(c->cidfile, c->id, strlen(c->id));
    return r < 0 ? err_sys(e, r, "write cidfile '%s'", c->flags->cidfile) : 0;
}

/* Every check of the options comes before the first change of the world. */
static int prepare(struct creation *c, char *const *args, enum pull_policy *ret_policy,
                   struct err *e)
{
    if (parse_policy(c->flags->pull, ret_policy, e) < 0 ||
        container_options_resolve(c->flags, args, environ, &c->options, e) < 0)
        return -1;
    return engine_options_check(&c->options, e);
}

static int create(struct creation *c, char *const *args, struct err *e)
{
    enum pull_policy policy;
    if (prepare(c, args, &policy, e) < 0 || open_cidfile(c, e) < 0)
        return -1;
    if (cli_open(c->cli, STORE_WRITE, &c->engine, e) < 0 || have_image(c, policy, e) < 0 ||
        remove_same_name(c, e) < 0)
        return -1;
    if (engine_container_create(c->engine, &c->options, &c->id, e) < 0)
        return -1;
    note_network(c);
    return write_cidfile(c, e);
}

/* The image must be there: a pull would be a change. */
static int print_plan(struct creation *c, char *const *args, struct err *e)
{
    auto_free char *text = NULL;
    enum pull_policy policy;
    if (prepare(c, args, &policy, e) < 0 || cli_open(c->cli, STORE_READ, &c->engine, e) < 0 ||
        engine_container_plan(c->engine, &c->options, &text, e) < 0)
        return -1;
    cli_print(text);
    return 0;
}

static int create_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct creation c = {.cli = cli, .flags = options, .cidfile = FD_NONE};
    (void)argc;
    int r = create(&c, argv, e);
    if (r == 0)
        cli_print_line(c.id);
    creation_done(&c);
    return r;
}

/* ---- running ---- */

static int attach_flags(const struct run_options *o, unsigned *ret, struct err *e)
{
    static const char *const streams[] = {"stdin", "stdout", "stderr"};
    unsigned flags = 0;
    STRV_FOREACH (name, o->attach) {
        size_t i = 0;
        while (i < ARRAY_LEN(streams) && strcasecmp(streams[i], *name) != 0)
            i++;
        if (i == ARRAY_LEN(streams))
            return err_set(e, ERR_INVALID, "--attach '%s' is not one of stdin, stdout, stderr",
                           *name);
        flags |= FOREGROUND_STDIN << i;
    }
    if (o->attach && o->detach)
        return err_set(e, ERR_INVALID, "--attach and --detach exclude each other");
    if (!o->attach)
        flags = FOREGROUND_STDOUT | FOREGROUND_STDERR | FOREGROUND_STDIN;
    if (!o->c.interactive)
        flags &= ~(unsigned)FOREGROUND_STDIN;
    flags |= o->sig_proxy ? FOREGROUND_SIG_PROXY : 0;
    flags |= o->c.tty ? FOREGROUND_TTY : 0;
    *ret = flags;
    return 0;
}

/* A container that never ran and was to be removed after its end. */
static void remove_unstarted(struct creation *c)
{
    auto_free char *id = NULL;
    struct err e = {0};
    if (!c->options.auto_remove)
        return;
    if (engine_container_remove(c->engine, c->id,
                                ENGINE_REMOVE_FORCE | ENGINE_REMOVE_IGNORE_MISSING, -1, &id,
                                &e) < 0)
        cli_complain("warning: ", e.msg);
}

static int start(struct creation *c, const struct run_options *o, struct foreground *f,
                 struct err *e)
{
    auto_strv warnings = NULL;
    struct engine_start how = {.attach = !o->detach};
    if (o->c.tty)
        foreground_size(&how);
    f->socket = FD_NONE;
    if (engine_container_start(c->engine, c->id, &how, &f->socket, &warnings, e) < 0) {
        remove_unstarted(c);
        return -1;
    }
    cli_print_warnings(warnings);
    return 0;
}

static int run_created(struct creation *c, const struct run_options *o, struct foreground *f,
                       struct err *e)
{
    int code = 0;
    if (start(c, o, f, e) < 0)
        return -1;
    if (o->detach) {
        cli_print_line(c->id);
        return 0;
    }
    f->id = c->id;
    return foreground_run(c->engine, f, &code, e) < 0 ? -1 : code;
}

static int begin_trace(const char *path, struct err *e)
{
    int r = path ? trace_open(path) : 0;
    return r < 0 ? err_sys(e, r, "open trace file '%s'", path) : 0;
}

static void end_trace(const char *path)
{
    int r = path ? trace_close(path) : 0;
    if (r < 0) {
        struct err e = {0};
        err_sys(&e, r, "write trace file '%s'", path);
        cli_complain("warning: ", e.msg);
    }
}

static int run_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct run_options *o = options;
    struct creation c = {.cli = cli, .flags = &o->c, .cidfile = FD_NONE};
    struct foreground f = {.socket = FD_NONE};
    int code = -1;
    (void)argc;
    if (attach_flags(o, &f.flags, e) < 0 || foreground_keys(o->detach_keys, &f.keys, e) < 0 ||
        begin_trace(o->trace, e) < 0)
        return -1;
    if (o->dry_run)
        code = print_plan(&c, argv, e);
    else if (create(&c, argv, e) == 0)
        code = run_created(&c, o, &f, e);
    creation_done(&c);
    end_trace(o->trace);
    return code;
}

static const struct option *const run_sets[] =
    {container_option_rows,          pull_option_rows,      run_rows, container_unsupported_rows,
     container_unsupported_run_rows, pull_unsupported_rows, NULL};
static const struct option *const create_sets[] = {container_option_rows,
                                                   pull_option_rows,
                                                   create_unsupported_rows,
                                                   container_unsupported_rows,
                                                   pull_unsupported_rows,
                                                   NULL};
static const char *const run_aliases[] = {"container run", NULL};
static const char *const create_aliases[] = {"container create", NULL};
static const char *const run_examples[] = {
    "run --rm busybox echo hello",
    "run -it --rm debian bash",
    "run -d --name web --memory 256m --cpus 0.5 -v /srv/www:/www:ro --network host nginx",
    "run --rm --trace start.json busybox true",
    NULL,
};
static const char *const create_examples[] = {"create --name db postgres", NULL};

const struct command cmd_run = {
    .name = "run",
    .aliases = run_aliases,
    .summary = "Run a command in a new container",
    .description = "Creates a container from an image, starts it and waits for its end. A missing "
                   "image is pulled first.",
    .args = "IMAGE [COMMAND [ARG...]]",
    .min_args = 1,
    .max_args = -1,
    .complete_args = COMPLETE_IMAGE,
    .flags = COMMAND_STOP_AT_ARG,
    .option_sets = run_sets,
    .options_size = sizeof(struct run_options),
    .examples = run_examples,
    .run = run_run,
};

const struct command cmd_create = {
    .name = "create",
    .aliases = create_aliases,
    .summary = "Create a container without starting it",
    .description = "Creates a container from an image and prints its id. Start it with 'start'.",
    .args = "IMAGE [COMMAND [ARG...]]",
    .min_args = 1,
    .max_args = -1,
    .complete_args = COMPLETE_IMAGE,
    .flags = COMMAND_STOP_AT_ARG,
    .option_sets = create_sets,
    .options_size = sizeof(struct container_flags),
    .examples = create_examples,
    .run = create_run,
};
