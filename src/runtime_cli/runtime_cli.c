/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: global options, then the command. What goes wrong is told twice when there is a
 * --log: as a line of the log (containerd and podman read the last one) and on stderr.
 */
#include "runtime_cli/runtime_cli.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/file.h"

struct globals {
    char *root;
    char *log;
    char *log_format;
    bool version;
    bool introspect;
};

#define AT(field) offsetof(struct globals, field)
static const struct option global_rows[] = {
    {"root", 0, OPT_STRING, AT(root), "DIR", "Where the state of containers is", COMPLETE_DIR},
    {"log", 0, OPT_STRING, AT(log), "FILE", "Append errors to this file", COMPLETE_FILE},
    {"log-format", 0, OPT_STRING, AT(log_format), "FORMAT", "Format of the log", COMPLETE_WORDS,
     "text json"},
    {"version", 'v', OPT_BOOL, AT(version), NULL, "Print the version"},
    {NULL},
};
static const struct option global_hidden_rows[] = {
    {"introspect", 0, OPT_BOOL, AT(introspect), NULL, NULL},
    {NULL},
};
static const struct option *const global_sets[] = {global_rows, NULL};
static const struct option *const global_parsed_sets[] = {global_rows, global_hidden_rows, NULL};

static const struct command root = {
    .name = "",
    .summary = "Run OCI containers",
    .description = "dhow-runtime runs containers from OCI bundles, for other programs to drive.",
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

extern const struct command cmd_create, cmd_delete, cmd_exec, cmd_kill, cmd_list, cmd_pause,
    cmd_resume, cmd_start, cmd_state;
static const struct command *const commands[] = {
    &front_cmd_man, &front_cmd_completion, &cmd_create, &cmd_delete,
    &cmd_exec,      &front_cmd_help,       &cmd_kill,   &cmd_list,
    &cmd_pause,     &cmd_resume,           &cmd_start,  &cmd_state,
    NULL,
};
static const struct command_word no_words[] = {{NULL}};
static const struct command_exit exits[] = {
    {"0", "All went well."},
    {"1", "It failed; one line says why."},
    {NULL},
};
const struct command_set runtime_commands = {
    .program = "dhow-runtime",
    .commands = commands,
    .groups = no_words,
    .missing = no_words,
    .root = &root,
    .exits = exits,
    .see_also = ".Xr dhow 1",
};

struct lifecycle_process_io io_options_value(const struct io_options *o)
{
    return (struct lifecycle_process_io){.console_socket = o->console_socket,
                                         .pidfd_socket = o->pidfd_socket,
                                         .pid_file = o->pid_file,
                                         .preserve_fds = (unsigned)o->preserve_fds.value};
}

/* ---- errors ---- */

static char *log_line(const struct cli_config *config, const char *msg)
{
    char when[64];
    time_t now = time(NULL);
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    auto_json *o = json_object_new_object();
    json_object_object_add(o, "level", json_object_new_string("error"));
    json_object_object_add(o, "msg", json_object_new_string(msg));
    json_object_object_add(o, "time", json_object_new_string(when));
    if (config->log_is_json)
        return json_print(o, false);
    auto_json *text = json_object_new_string(msg);
    auto_free char *quoted = json_print(text, false);
    return alloc_printf("time=\"%s\" level=error msg=%s", when, quoted);
}

static void report(const struct cli *cli, const struct err *e)
{
    if (cli->config && cli->config->log_file) {
        auto_free char *line = log_line(cli->config, e->msg);
        auto_free char *whole = alloc_printf("%s\n", line);
        auto_fd int fd = sys_open(AT_FDCWD, cli->config->log_file,
                                  O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0644);
        if (fd >= 0)
            (void)sys_write_all(fd, whole, strlen(whole)); /* stderr has it too */
    }
    cli_complain("", e->msg);
}

static int exit_code(const struct err *e)
{
    (void)e;
    return 1;
}

/* ---- main ---- */

static char *default_root(void)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0 || !dir || !*dir)
        return alloc_strdup("/run/dhow-runtime");
    return alloc_printf("%s/dhow-runtime", dir);
}

static int run_with_globals(struct cli *cli, const struct globals *g, char *const *args, bool help)
{
    auto_free char *chosen = g->root ? alloc_strdup(g->root) : default_root();
    struct cli_config config = {.lifecycle = {.root = chosen},
                                .log_file = g->log,
                                .log_is_json = str_equal(g->log_format, "json")};

    cli->config = &config;
    if (g->introspect) {
        front_print_introspection(cli);
        return 0;
    }
    if (g->version) {
        printf("%s version %s\nspec: 1.3.0\n", cli->set->program, DHOW_VERSION);
        return 0;
    }
    if (help || !args) {
        front_print_help(cli);
        return 0;
    }
    return front_run(cli, (int)strv_len(args), args);
}

int runtime_cli_main(int argc, char **argv)
{
    struct cli cli = {
        .program = "dhow-runtime",
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
    if (command_parse(&root_parsed, MAX(argc - 1, 0), argv + MIN(argc, 1), &g, &args, &help, &e) <
        0)
        code = front_usage_error(&cli, "", &e);
    else
        code = run_with_globals(&cli, &g, args, help);
    command_options_done(&root_parsed, &g);
    return front_close_stdout(&cli, code);
}
