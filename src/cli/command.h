/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Commands and options as tables. A verb file exports one `const struct command`; its option rows
 * alone feed the parser, --help, the completions of bash, zsh and fish, the man page and
 * `--introspect`. No globals: values go into the verb's own struct.
 *
 * Grammar (podman's): long options "--name value" and "--name=value", bool "--name" and
 * "--name=false"; short options combine
 * ("-dit", "-v/a:/b", "-v /a:/b"); "--" ends options; with COMMAND_STOP_AT_ARG options end at the
 * first argument (run, exec). Errors are one line with the nearest match and exit code 125.
 */
#include "base/err.h"
#include "base/json.h"

enum option_kind {
    OPT_BOOL,            /* bool */
    OPT_STRING,          /* char * (owned; the last one wins) */
    OPT_STRV,            /* char ** (repeatable, each as it is) */
    OPT_STRV_COMMAS,     /* char ** (repeatable and split at commas) */
    OPT_INT64,           /* struct json_opt_i64 */
    OPT_UINT64,          /* struct json_opt_u64 */
    OPT_SIZE,            /* struct json_opt_i64 in bytes: "64m"; -1 allowed */
    OPT_UNSUPPORTED,     /* known to podman or docker, not to us yet: "--NAME is not supported yet",
                            exit 125. Offset unused */
    OPT_UNSUPPORTED_BOOL /* the same, takes no value */
};

/* What a value completes to. */
enum option_complete {
    COMPLETE_NONE,
    COMPLETE_FILE,
    COMPLETE_DIR,
    COMPLETE_CONTAINER,
    COMPLETE_CONTAINER_RUNNING,
    COMPLETE_IMAGE,
    COMPLETE_WORDS /* `words` of the option */
};

struct option {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    enum option_kind kind;
    size_t offset;       /* into the verb's options struct */
    const char *metavar; /* "NAME=VALUE" */
    const char *summary; /* one line; the man page adds docs/options/NAME.md when it exists */
    enum option_complete complete;
    const char *words;          /* COMPLETE_WORDS: "none host" */
    const char *const *aliases; /* other long names, NULL-closed: {"net", NULL} */
};

enum command_flags {
    COMMAND_STOP_AT_ARG = 1 << 0,
    COMMAND_HIDDEN = 1 << 1, /* internal: not in help */
};

struct cli; /* what a command gets beside its options: engine configuration, output streams
               (cli/cli.h) */

struct command {
    const char *name; /* "run", or "container rm" for a command in a group */
    const char *const *aliases;
    const char *summary;
    const char *args; /* "IMAGE [COMMAND [ARG...]]" */
    int min_args;
    int max_args; /* -1: any number */
    enum option_complete complete_args;
    unsigned flags;
    const struct option *const
        *option_sets;    /* NULL-closed list of tables, each closed by a row with name NULL */
    size_t options_size; /* of the options struct, zeroed before parsing */
    const char *const *examples; /* NULL-closed */
    /* argv: the arguments after the options, NULL-closed. Returns the exit code, or -1 with e. */
    int (*run)(struct cli *cli, void *options, int argc, char **argv, struct err *e);
};

/* ---- parser (pure) ---- */
/* Fills `options` (zeroed by the caller). Indexes the first argument. ret_help when --help/-h was
 * there. */
int command_parse(const struct command *c, int argc, char **argv, void *options, char ***ret_args,
                  bool *ret_help, struct err *e);
void command_options_done(const struct command *c,
                          void *options); /* frees strings and vectors by the table */
