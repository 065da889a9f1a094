/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/front.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/str.h"
#include "base/strv.h"

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

void front_print_error(const struct cli *cli, const struct err *e)
{
    (void)cli;
    cli_print_error(e);
}

void cli_print_warnings(char *const *warnings)
{
    STRV_FOREACH (w, warnings)
        cli_complain("warning: ", *w);
}

/* "dhow run: unknown option '--netwrok': did you mean '--network'? See 'dhow run --help'" */
int front_usage_error(const struct cli *cli, const char *command, const struct err *e)
{
    auto_free char *whole =
        *command ? alloc_printf("%s %s", cli->program, command) : alloc_strdup(cli->program);
    auto_free char *prefix = alloc_printf("%s: ", whole);
    struct err told = *e;
    if (e->kind != ERR_UNSUPPORTED)
        err_set(&told, e->kind, "%s%s See '%s --help'", e->msg,
                str_ends_with(e->msg, "?") ? "" : ".", whole);
    if (cli->report) {
        err_wrap(&told, "%s", whole);
        cli->report(cli, &told);
    } else {
        cli_complain(prefix, told.msg);
    }
    return cli->usage_exit_code;
}

/* ---- running ---- */

static int run_parsed(struct cli *cli, const struct command *c, void *options, char **args)
{
    struct err e = {0};
    int code = c->run(cli, options, (int)strv_len(args), args ? args : (char **)strv_none, &e);
    if (code >= 0)
        return code;
    (cli->report ? cli->report : front_print_error)(cli, &e);
    return cli->exit_code(&e);
}

static int run_command(struct cli *cli, const struct command *c, int argc, char *const *argv)
{
    struct err e = {0};
    auto_free void *options = alloc_zero(1, MAX(c->options_size, (size_t)1));
    auto_strv args = NULL;
    bool help = false;
    int code;
    if (command_parse(c, argc, argv, options, &args, &help, &e) < 0) {
        code = front_usage_error(cli, c->name, &e);
    } else if (help) {
        auto_free char *text = help_command_text(cli->program, cli->set, c);
        cli_print(text);
        code = 0;
    } else {
        code = run_parsed(cli, c, options, args);
    }
    command_options_done(c, options);
    return code;
}

static bool asks_for_help(int argc, char *const *argv)
{
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

int front_run(struct cli *cli, int argc, char *const *argv)
{
    struct err e = {0};
    int words = 0;
    const struct command_word *group = NULL;
    const struct command *c = command_find(cli->set, cli->program, argc, argv, &words, &group, &e);
    if (c)
        return run_command(cli, c, argc - words, argv + words);
    if (!group && cli->set->title && asks_for_help(argc, argv))
        err_set(&e, ERR_INVALID, "No help topic for '%s'", argv[0]);
    if (!group)
        return front_usage_error(cli, "", &e);
    if (argc > 1 && !asks_for_help(argc, argv)) {
        err_set(&e, ERR_INVALID, "unknown option '%s'", argv[1]);
        return front_usage_error(cli, group->name, &e);
    }
    auto_free char *text = help_group_text(cli->program, cli->set, group);
    cli_print(text);
    return 0;
}

void front_print_help(const struct cli *cli)
{
    auto_free char *text = help_program_text(cli->program, cli->set);
    cli_print(text);
}

void front_print_introspection(const struct cli *cli)
{
    auto_json *j = introspect_json(cli->set);
    output_json(j);
}

/* stdout may be a full disk: an output that got lost is a failure. A reader that went away is not.
 */
int front_close_stdout(const struct cli *cli, int code)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || errno == EPIPE)
        return code;
    fprintf(stderr, "Error: write to the standard output: %s\n", strerror(errno));
    return code ? code : cli->usage_exit_code;
}
