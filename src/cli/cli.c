/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: global options, then the command that the words name, its options, its act, the exit
 * code. Called as podman or docker it says so in its messages and is the same otherwise.
 */
#include <errno.h>
#include <string.h>

#include "base/escape.h"
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
    int r = engine_open(&cli->config, mode, ret, e);
    if (r < 0 && mode == STORE_READ && e->kind == ERR_NOT_FOUND)
        r = engine_open(&cli->config, STORE_WRITE, ret, e);
    return r;
}

/* ---- printing ---- */

void cli_print(const char *text)
{
    fputs(text, stdout);
}

void cli_print_line(const char *text)
{
    fputs(text, stdout);
    fputc('\n', stdout);
}

void cli_complain(const char *prefix, const char *text)
{
    fflush(stdout);
    auto_free char *line = escape_terminal(text, strlen(text));
    fprintf(stderr, "%s%s\n", prefix, line);
}

void cli_print_error(const struct err *e)
{
    cli_complain("Error: ", e->msg);
}

void cli_print_warnings(char *const *warnings)
{
    STRV_FOREACH (w, warnings)
        cli_complain("warning: ", *w);
}

/* "dhow run: unknown option '--netwrok': did you mean '--network'? See 'dhow run --help'" */
static int usage_error(const char *program, const char *command, const struct err *e)
{
    auto_free char *whole =
        *command ? alloc_printf("%s %s", program, command) : alloc_strdup(program);
    auto_free char *prefix = alloc_printf("%s: ", whole);
    if (e->kind == ERR_UNSUPPORTED) {
        cli_complain(prefix, e->msg);
        return EXIT_ENGINE;
    }
    auto_free char *text =
        alloc_printf("%s%s See '%s --help'", e->msg, str_ends_with(e->msg, "?") ? "" : ".", whole);
    cli_complain(prefix, text);
    return EXIT_ENGINE;
}

/* ---- running ---- */

static int run_parsed(struct cli *cli, const struct command *c, void *options, char **args)
{
    struct err e = {0};
    int code = c->run(cli, options, (int)strv_len(args), args ? args : (char **)strv_none, &e);
    if (code >= 0)
        return code;
    cli_print_error(&e);
    return err_exit_code(&e);
}

static int run_command(struct cli *cli, const struct command *c, int argc, char *const *argv)
{
    struct err e = {0};
    auto_free void *options = alloc_zero(1, MAX(c->options_size, (size_t)1));
    auto_strv args = NULL;
    bool help = false;
    int code;
    if (command_parse(c, argc, argv, options, &args, &help, &e) < 0) {
        code = usage_error(cli->program, c->name, &e);
    } else if (help) {
        auto_free char *text = help_command_text(cli->program, c);
        cli_print(text);
        code = 0;
    } else {
        code = run_parsed(cli, c, options, args);
    }
    command_options_done(c, options);
    return code;
}

static int find_and_run(struct cli *cli, int argc, char *const *argv)
{
    struct err e = {0};
    int words = 0;
    const struct command_word *group = NULL;
    const struct command *c = command_find(cli->set, cli->program, argc, argv, &words, &group, &e);
    if (c)
        return run_command(cli, c, argc - words, argv + words);
    if (!group)
        return usage_error(cli->program, "", &e);
    if (argc > 1 && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0) {
        err_set(&e, ERR_INVALID, "unknown option '%s'", argv[1]);
        return usage_error(cli->program, group->name, &e);
    }
    auto_free char *text = help_group_text(cli->program, cli->set, group);
    cli_print(text);
    return 0;
}

static int apply_globals(const struct globals *g, struct cli *cli, struct err *e)
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
    cli->config.root = g->root;
    cli->config.runroot = g->runroot;
    return 0;
}

static int run_with_globals(struct cli *cli, const struct globals *g, char *const *args, bool help)
{
    struct err e = {0};
    if (apply_globals(g, cli, &e) < 0)
        return usage_error(cli->program, "", &e);
    if (g->introspect) {
        auto_json *j = introspect_json(cli->set);
        output_json(j);
        return 0;
    }
    if (g->version) {
        printf("%s version %s\n", cli->program, DHOW_VERSION);
        return 0;
    }
    if (help || !args) {
        auto_free char *text = help_program_text(cli->program, cli->set);
        cli_print(text);
        return 0;
    }
    return find_and_run(cli, (int)strv_len(args), args);
}

/* stdout may be a full disk: an output that got lost is a failure. A reader that went away is not.
 */
static int close_stdout(int code)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || errno == EPIPE)
        return code;
    fprintf(stderr, "Error: write to the standard output: %s\n", strerror(errno));
    return code ? code : EXIT_ENGINE;
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
    struct cli cli = {.program = personality(argc > 0 ? argv[0] : NULL), .set = &cli_commands};
    struct globals g = {0};
    struct err e = {0};
    auto_strv args = NULL;
    bool help = false;
    int code;
    if (command_parse(&root_parsed, MAX(argc - 1, 0), argv + MIN(argc, 1), &g, &args, &help, &e) <
        0)
        code = usage_error(cli.program, "", &e);
    else
        code = run_with_globals(&cli, &g, args, help);
    command_options_done(&root_parsed, &g);
    return close_stdout(code);
}
