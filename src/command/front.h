/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The front of a program whose commands are tables: it finds the command that the words name,
 * parses its options, runs it, tells what went wrong, makes the exit code. And what its commands
 * share: printing. stdout is for results only.
 */
#include "base/err.h"
#include "command/command.h"

struct cli_config; /* what the program's own commands work with; defined by the program */

struct cli {
    const char *program; /* as it was called: in messages and help */
    const struct command_set *set;
    const struct cli_config *config;
    int usage_exit_code; /* a wrong command or option */
    int (*exit_code)(const struct err *e);
    void (*report)(const struct cli *cli, const struct err *e); /* NULL: front_print_error() */
};

/* `argv` begins with the command's name. Returns the exit code; prints all that is to be said. */
int front_run(struct cli *cli, int argc, char *const *argv);
/* Tells of a mistake in the options of `command` ("" for the program's own): one line, with where
 * to find help. Returns the exit code. */
int front_usage_error(const struct cli *cli, const char *command, const struct err *e);
/* The last act of main: an output that got lost is a failure. */
int front_close_stdout(const struct cli *cli, int code);
/* "--help" without a command, "--introspect". */
void front_print_help(const struct cli *cli);
void front_print_introspection(const struct cli *cli);

/* Commands of every program: help, completion, __man. */
extern const struct command front_cmd_help, front_cmd_completion, front_cmd_man;

/* ---- printing ---- */
void cli_print(const char *text); /* to stdout, as it is */
void cli_print_line(const char *text);
/* One line to stderr; control bytes that came from names or peers are escaped. */
void cli_complain(const char *prefix, const char *text);
void front_print_error(const struct cli *cli, const struct err *e); /* "Error: MESSAGE" */
void cli_print_error(const struct err *e);                          /* the same */
void cli_print_warnings(char *const *warnings);                     /* "warning: MESSAGE" each */

/* ---- output.c ---- */
struct tmpl_heading;
struct output_view {
    const char *table; /* "table {{.ID}}\t{{.Image}}": used without --format */
    const struct tmpl_heading *headings;
    size_t n_headings;
    bool no_heading;
};
/* `rows` (a JSON array) by the view's table, or by `format` if it is not NULL. "json" prints
 * `rows_json` (an array too, may be the same). */
int output_rows(const struct output_view *view, const char *format, struct json_object *rows,
                struct json_object *rows_json, struct err *e);
bool output_is_json(const char *format); /* "json" or "{{json .}}" */
void output_json(struct json_object *o); /* 4 spaces, a newline */
int output_template(const char *format, struct json_object *o,
                    struct err *e); /* one object, one line */
char *output_yaml(struct json_object *o) DHOW_MUST_USE;
