/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: global options, then the command that the words name, its options, its act, the exit
 * code. Called as podman or docker it says so in its messages and is the same otherwise.
 */
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"

#define EXIT_ENGINE 125

struct globals {
    char *root;
    char *runroot;
    char *log_level;
    char *storage_driver;
    bool version;
    bool introspect;
};

#define AT(field) offsetof(struct globals, field)
static const struct option global_rows[] = {
    {"root", 0, OPT_STRING, AT(root), "DIR", "Where images and containers are kept (/var/lib/dhow)",
     COMPLETE_DIR},
    {"runroot", 0, OPT_STRING, AT(runroot), "DIR", "Where the state of this boot is (/run/dhow)",
     COMPLETE_DIR},
    {"log-level", 0, OPT_STRING, AT(log_level), "LEVEL", "Log messages of this level and above",
     COMPLETE_WORDS, "debug info warn error fatal panic"},
    {"storage-driver", 0, OPT_STRING, AT(storage_driver), "DRIVER",
     "Storage driver (only overlay is supported)", COMPLETE_WORDS, "overlay"},
    {"version", 'v', OPT_BOOL, AT(version), NULL, "Print the version"},
    {NULL},
};
/* Not for users, so not in help and completion. */
static const struct option global_hidden_rows[] = {
    {"introspect", 0, OPT_BOOL, AT(introspect), NULL, NULL},
    {NULL},
};

#define VALUE(name)                                                                                \
    {                                                                                              \
        name, 0, OPT_UNSUPPORTED                                                                   \
    }
#define BOOL(name)                                                                                 \
    {                                                                                              \
        name, 0, OPT_UNSUPPORTED_BOOL                                                              \
    }
static const struct option global_unsupported_rows[] = {
    VALUE("cdi-spec-dir"),
    VALUE("cgroup-manager"),
    VALUE("config"),
    VALUE("conmon"),
    {"connection", 'c', OPT_UNSUPPORTED},
    VALUE("cpu-profile"),
    VALUE("events-backend"),
    VALUE("hooks-dir"),
    VALUE("identity"),
    VALUE("imagestore"),
    VALUE("memory-profile"),
    VALUE("module"),
    VALUE("namespace"),
    VALUE("network-cmd-path"),
    VALUE("network-config-dir"),
    BOOL("noout"),
    VALUE("out"),
    {"remote", 'r', OPT_UNSUPPORTED_BOOL},
    VALUE("runtime"),
    VALUE("runtime-flag"),
    VALUE("ssh"),
    VALUE("storage-opt"),
    BOOL("syslog"),
    VALUE("tls-ca"),
    VALUE("tls-cert"),
    VALUE("tls-key"),
    VALUE("tmpdir"),
    BOOL("trace"),
    BOOL("transient-store"),
    VALUE("url"),
    VALUE("volumepath"),
    {NULL},
};
static const struct option *const global_sets[] = {global_rows, NULL};
static const struct option *const global_parsed_sets[] = {global_rows, global_hidden_rows,
                                                          global_unsupported_rows, NULL};

/* As shown, and as parsed. */
const struct command cli_root = {
    .name = "",
    .summary = "Run and manage containers and images",
    .description =
        "dhow runs containers from OCI and Docker images. It has no daemon: each command "
        "does its work and ends, each running container has a small monitor beside it. Its "
        "commands and options are those of podman and docker.",
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

int cli_open(const struct cli *cli, enum store_mode mode, struct engine **ret, struct err *e)
{
    int r = engine_open(&cli->config->engine, mode, ret, e);
    if (r < 0 && mode == STORE_READ && e->kind == ERR_NOT_FOUND)
        r = engine_open(&cli->config->engine, STORE_WRITE, ret, e);
    return r;
}

static int apply_globals(const struct globals *g, struct cli_config *config, struct err *e)
{
    enum log_level level;
    if (g->log_level) {
        if (log_level_parse(g->log_level, &level) < 0)
            return err_set(e, ERR_INVALID, "log level '%s' is not one of debug info warn error",
                           g->log_level);
        log_set_level(level);
    }
    if (g->storage_driver && *g->storage_driver && strcmp(g->storage_driver, "overlay") != 0)
        return err_set(e, ERR_UNSUPPORTED, "--storage-driver %s is not supported yet",
                       g->storage_driver);
    config->engine.root = g->root;
    config->engine.runroot = g->runroot;
    return 0;
}

static int run_with_globals(struct cli *cli, const struct globals *g, char *const *args, bool help)
{
    struct err e = {0};
    struct cli_config config = {0};
    if (apply_globals(g, &config, &e) < 0)
        return front_usage_error(cli, "", &e);
    cli->config = &config;
    if (g->introspect) {
        front_print_introspection(cli);
        return 0;
    }
    if (g->version) {
        printf("%s version %s\n", cli->program, DHOW_VERSION);
        return 0;
    }
    if (help || !args) {
        front_print_help(cli);
        return 0;
    }
    return front_run(cli, (int)strv_len(args), args);
}

static const char *personality(const char *argv0)
{
    static const char *const known[] = {"podman", "docker"};
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
    const char *base = slash ? slash + 1 : argv0;
    for (size_t i = 0; base && i < ARRAY_LEN(known); i++) {
        if (strcmp(base, known[i]) == 0)
            return known[i];
    }
    return "dhow";
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {
        .program = personality(argc > 0 ? argv[0] : NULL),
        .set = &cli_commands,
        .usage_exit_code = EXIT_ENGINE,
        .exit_code = err_exit_code,
    };
    struct globals g = {0};
    struct err e = {0};
    auto_strv args = NULL;
    bool help = false;
    int code;
    if (command_parse(&root_parsed, MAX(argc - 1, 0), argv + MIN(argc, 1), &g, &args, &help, &e) <
        0)
        code = front_usage_error(&cli, "", &e);
    else
        code = run_with_globals(&cli, &g, args, help);
    command_options_done(&root_parsed, &g);
    return front_close_stdout(&cli, code);
}
