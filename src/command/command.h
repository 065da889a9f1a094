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
 * first argument (run, exec). -h is --help unless a row of the command has that letter (run's
 * --hostname). Errors are one line with the nearest match and exit code 125.
 *
 * Everything here is pure: texts are made, main prints them.
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
    const char *initial;        /* what the option begins with, as if it had been given first */
};

static inline bool option_is_supported(const struct option *o)
{
    return o->kind != OPT_UNSUPPORTED && o->kind != OPT_UNSUPPORTED_BOOL;
}
static inline bool option_takes_value(const struct option *o)
{
    return o->kind != OPT_BOOL && o->kind != OPT_UNSUPPORTED_BOOL;
}

enum command_flags {
    COMMAND_STOP_AT_ARG = 1 << 0,
    COMMAND_HIDDEN = 1 << 1, /* internal: not in help */
};

struct cli; /* what a command gets beside its options (command/front.h) */

struct command {
    const char *name;           /* "run", or "container inspect" for a command of a group only */
    const char *const *aliases; /* "ls", "container ls": a name with a blank is in that group */
    const char *summary;
    const char *description; /* one sentence or more; NULL: the summary */
    const char *args;        /* "IMAGE [COMMAND [ARG...]]" */
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

/* A group of commands, or a command that podman or docker has and we have not yet. */
struct command_word {
    const char *name;
    const char *summary;
};

/* A line of the manual's EXIT STATUS. */
struct command_exit {
    const char *code; /* "125", "other" */
    const char *meaning;
};

/* All that the program knows, for help, completion, manual and introspection. */
struct command_set {
    const char *program;                   /* "dhow": as installed */
    const struct command *const *commands; /* NULL-closed, sorted by name */
    const struct command_word *groups;     /* closed by name NULL */
    const struct command_word *missing;    /* "build", "image prune", "pod": closed by name NULL */
    const struct command *root;            /* the global options: options and summary only */
    const struct command_exit *exits;      /* closed by code NULL */
    const char *see_also;                  /* mdoc(7) of the program's SEE ALSO */
    const char *title; /* help begins with "NAME:" and "PROGRAM - TITLE", which callers of runc look
                          for; NULL: with the summary */
};

/* ---- walking the tables ---- */
/* The supported options of a command in the order of their names, `n` of them; owned array. */
const struct option **command_options_sorted(const struct command *c, size_t *ret_n);
const struct option *command_option_named(const struct command *c, const char *name, size_t len);
const struct option *command_option_lettered(const struct command *c, char letter);
const char *option_metavar(const struct option *o); /* never NULL for one that takes a value */

/* ---- parse.c ---- */
/* Fills `options` (zeroed by the caller) with the initial values, then with what argv (without the
 * program's and the command's name) says. ret_args: the arguments, owned. ret_help: --help was
 * there, nothing else counts then. ERR_UNSUPPORTED for an option that we have not yet, else
 * ERR_INVALID. */
int command_parse(const struct command *c, int argc, char *const *argv, void *options,
                  char ***ret_args, bool *ret_help, struct err *e);
/* Frees strings and vectors by the table. */
void command_options_done(const struct command *c, void *options);

/* ---- lookup.c ---- */
/* The command that the first words name; ret_words: how many they are (1 or 2). NULL and *ret_group
 * when argv is just a group's name ("container", "container --help"). ERR_UNSUPPORTED, ERR_INVALID.
 */
const struct command *command_find(const struct command_set *set, const char *program, int argc,
                                   char *const *argv, int *ret_words,
                                   const struct command_word **ret_group, struct err *e);

/* ---- suggest.c ---- */
struct suggestion {
    const char *word;
    const char *nearest; /* NULL: nothing is near enough */
    unsigned distance;
};
struct suggestion suggestion_for(const char *word);
void suggestion_offer(struct suggestion *s, const char *candidate); /* borrows the candidate */

/* ---- texts; owned ---- */
char *help_command_text(const char *program, const struct command_set *set,
                        const struct command *c) DHOW_MUST_USE;
char *help_group_text(const char *program, const struct command_set *set,
                      const struct command_word *group) DHOW_MUST_USE;
char *help_program_text(const char *program, const struct command_set *set) DHOW_MUST_USE;
char *complete_bash_text(const struct command_set *set) DHOW_MUST_USE;
char *complete_zsh_text(const struct command_set *set) DHOW_MUST_USE;
char *complete_fish_text(const struct command_set *set) DHOW_MUST_USE;
/* complete_rename.c: a script for "dhow" as one for another program. */
char *complete_rename(const char *text, const char *program, size_t max_bytes) DHOW_MUST_USE;
/* mdoc(7). `prose` gives the longer text of an option (docs/options/NAME.md) or NULL; may be NULL.
 */
typedef char *man_prose_fn(void *arg, const char *option_name);
char *man_command_text(const struct command_set *set, const struct command *c, man_prose_fn *prose,
                       void *arg) DHOW_MUST_USE;
char *man_program_text(const struct command_set *set, man_prose_fn *prose, void *arg) DHOW_MUST_USE;
struct json_object *introspect_json(const struct command_set *set) DHOW_MUST_USE;
