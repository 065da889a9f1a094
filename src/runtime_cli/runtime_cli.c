/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: global options, then the command. What goes wrong is told twice when there is a
 * --log: as a line of the log (of which containerd and podman read the last one that is an error)
 * and on stderr. The log is opened for each line: a descriptor of ours must not stand among those
 * that --preserve-fds passes on.
 */
#include "runtime_cli/runtime_cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "sys/file.h"

struct globals {
    char *root;
    char *log;
    char *log_format;
    char *log_level;
    char *rootless;
    char *cgroup_manager;
    char *criu;
    char *trace;
    bool debug;
    bool systemd_cgroup;
    bool version;
    bool introspect;
};

#define AT(field) offsetof(struct globals, field)
static const struct option global_rows[] = {
    {"root", 0, OPT_STRING, AT(root), "DIR",
     "Where the state of containers is (/run/dhow-runtime; without root $XDG_RUNTIME_DIR)",
     COMPLETE_DIR},
    {"log", 0, OPT_STRING, AT(log), "FILE", "Append messages to this file, not to stderr",
     COMPLETE_FILE},
    {"log-format", 0, OPT_STRING, AT(log_format), "FORMAT", "Format of the log", COMPLETE_WORDS,
     "text json", .initial = "text"},
    {"log-level", 0, OPT_STRING, AT(log_level), "LEVEL", "Log messages of this level and above",
     COMPLETE_WORDS, "debug info warning error", .initial = "warning"},
    {"debug", 0, OPT_BOOL, AT(debug), NULL, "The same as --log-level debug"},
    {"cgroup-manager", 0, OPT_STRING, AT(cgroup_manager), "MANAGER", "How control groups are made",
     COMPLETE_WORDS, "cgroupfs systemd disabled", .initial = "cgroupfs"},
    {"systemd-cgroup", 0, OPT_BOOL, AT(systemd_cgroup), NULL,
     "The same as --cgroup-manager systemd"},
    {"rootless", 0, OPT_STRING, AT(rootless), "WHEN",
     "Cope without the rights of root: true, false or auto", COMPLETE_WORDS, "true false auto",
     .initial = "auto"},
    {"criu", 0, OPT_STRING, AT(criu), "PROGRAM", "Path of criu", COMPLETE_FILE, .initial = "criu"},
    {"trace", 0, OPT_STRING, AT(trace), "FILE",
     "Write where the time goes, in Chrome's trace format", COMPLETE_FILE},
    {"version", 'v', OPT_BOOL, AT(version), NULL, "Print the version"},
    {NULL},
};
/* Not for users, so not in help and completion. */
static const struct option global_hidden_rows[] = {
    {"introspect", 0, OPT_BOOL, AT(introspect), NULL, NULL},
    {NULL},
};
static const struct option *const global_sets[] = {global_rows, NULL};
static const struct option *const global_parsed_sets[] = {global_rows, global_hidden_rows, NULL};

const struct command runtime_root = {
    .name = "",
    .summary = "Run containers from OCI bundles",
    .description =
        "dhow-runtime is an OCI runtime: it runs containers from bundles, for containerd, "
        "CRI-O, Docker, podman and Slurm to drive, or by hand. Its commands and options "
        "are those of runc and crun.",
    .args = "COMMAND",
    .max_args = -1,
    .option_sets = global_sets,
    .options_size = sizeof(struct globals),
};
static const struct command root_parsed = {
    .name = "",
    .args = "COMMAND",
    .max_args = -1,
    .flags = COMMAND_STOP_AT_ARG,
    .option_sets = global_parsed_sets,
    .options_size = sizeof(struct globals),
};

/* ---- the log ---- */

static const char *log_path;

static void append_to_log(const char *line, size_t len)
{
    auto_fd int fd = sys_open(AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0644);

    if (fd < 0 || sys_write_all(fd, line, len) < 0)
        (void)!write(STDERR_FILENO, line, len); /* better there than nowhere */
}

static void report(const struct cli *cli, const struct err *e)
{
    (void)cli;
    log_error("%s", e->msg);
    if (log_path)
        cli_complain("", e->msg);
}

static int exit_code(const struct err *e)
{
    (void)e;
    return 1;
}

static int set_log(const struct globals *g, struct err *e)
{
    enum log_level level;
    bool is_json = str_equal(g->log_format, "json");

    if (!is_json && !str_equal(g->log_format, "text"))
        return err_set(e, ERR_INVALID, "log format '%s' is not one of text json", g->log_format);
    if (log_level_parse(g->debug ? "debug" : g->log_level, &level) < 0)
        return err_set(e, ERR_INVALID, "log level '%s' is not one of debug info warning error",
                       g->log_level);
    log_set_level(level);
    /* crun's "file:PATH". */
    log_path = g->log && *g->log ? g->log + (str_starts_with(g->log, "file:") ? 5 : 0) : NULL;
    log_set_sink(log_path ? append_to_log : NULL, is_json ? LOG_JSON : LOG_TEXT);
    return 0;
}

/* ---- the rest of the options ---- */

static int set_manager(const struct globals *g, struct lifecycle_config *config, struct err *e)
{
    const char *name = g->systemd_cgroup ? "systemd" : g->cgroup_manager;

    for (int i = 0; i < CGROUP_MANAGER_MAX; i++) {
        if (str_equal(name, cgroup_manager_names[i])) {
            config->cgroup_manager = (enum cgroup_manager)i;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "cgroup manager '%s' is not one of cgroupfs systemd disabled",
                   name);
}

/* Root of all ids, not of a user namespace's few (that is how podman calls without root). */
static bool is_host_root(void)
{
    auto_free char *map = NULL;
    unsigned inside, outside, count;
    size_t len;

    if (geteuid() != 0)
        return false;
    if (sys_read_file(AT_FDCWD, "/proc/self/uid_map", 64u << 10, &map, &len) < 0)
        return true; /* a kernel without user namespaces */
    return sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
           count == UINT32_MAX;
}

static int set_rootless(const struct globals *g, struct lifecycle_config *config, struct err *e)
{
    static const struct {
        const char *text;
        bool is_fixed, value;
    } rows[] = {{"auto", false, false}, {"true", true, true}, {"false", true, false}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_equal(g->rootless, rows[i].text)) {
            config->is_rootless = rows[i].is_fixed ? rows[i].value : !is_host_root();
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "--rootless '%s' is not one of true false auto", g->rootless);
}

/* ---- main ---- */

/* Root of a user namespace is a plain user outside, or root of a machine that is a container: then
 * USER says so. */
static char *default_root(void)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    const char *user = getenv("USER");
    bool is_root = is_host_root() || (geteuid() == 0 && user && str_equal(user, "root"));

    if (is_root || !dir || !*dir)
        return alloc_strdup("/run/dhow-runtime");
    return alloc_printf("%s/dhow-runtime", dir);
}

static const char *notify_socket(void)
{
    const char *path = getenv("NOTIFY_SOCKET");

    return path && *path ? path : NULL;
}

static void print_version(const struct cli *cli)
{
    printf("%s version %s\ncommit: %s\nspec: %s\n", cli->program, DHOW_VERSION, DHOW_VERSION,
           OCI_SPEC_VERSION);
}

static int trace_failed(const struct cli *cli, const char *path, int r)
{
    struct err e = {0};

    err_sys(&e, r, "write the trace file '%s'", path);
    cli->report(cli, &e);
    return 1;
}

static int run_traced(struct cli *cli, const char *path, char *const *args)
{
    int r = path ? trace_open(path) : 0;
    int code;

    if (r < 0)
        return trace_failed(cli, path, r);
    trace_role("dhow-runtime");
    code = front_run(cli, (int)strv_len(args), args);
    r = path ? trace_close(path) : 0;
    return r < 0 ? trace_failed(cli, path, r) : code;
}

static int run_with_globals(struct cli *cli, const struct globals *g, char *const *args, bool help)
{
    auto_free char *chosen = g->root && *g->root ? alloc_strdup(g->root) : default_root();
    struct cli_config config = {.criu = g->criu,
                                .lifecycle = {.root = chosen, .notify_socket = notify_socket()}};
    struct err e = {0};

    cli->config = &config;
    if (set_log(g, &e) < 0 || set_manager(g, &config.lifecycle, &e) < 0 ||
        set_rootless(g, &config.lifecycle, &e) < 0)
        return front_usage_error(cli, "", &e);
    if (g->introspect) {
        front_print_introspection(cli);
        return 0;
    }
    if (g->version) {
        print_version(cli);
        return 0;
    }
    if (help || !args) {
        front_print_help(cli);
        return 0;
    }
    return run_traced(cli, g->trace, args);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int runtime_cli_main(int argc, char **argv)
{
    struct cli cli = {
        .program = argc > 0 ? base_name(argv[0]) : "dhow-runtime",
        .set = &runtime_commands,
        .usage_exit_code = 1,
        .exit_code = exit_code,
        .report = report,
    };
    struct globals g = {0};
    struct err e = {0};
    auto_strv args = NULL;
    bool help = false;
    int code;

    fault_role("runtime");
    /* A reader of our messages that goes away ends nothing half-way. */
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (command_parse(&root_parsed, MAX(argc - 1, 0), argv + MIN(argc, 1), &g, &args, &help, &e) <
        0)
        code = front_usage_error(&cli, "", &e);
    else
        code = run_with_globals(&cli, &g, args, help);
    command_options_done(&root_parsed, &g);
    return front_close_stdout(&cli, code);
}
