/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program tells of itself: help, and the hidden commands that make the completion scripts
 * and manual pages at build time.
 */
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "command/front.h"
#include "sys/file.h"

#define PROSE_MAX_BYTES (64u << 10)

/* ---- help ---- */

static int help_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    int words;
    const struct command_word *group = NULL;
    auto_free char *text = NULL;
    (void)options;
    if (argc == 0) {
        text = help_program_text(cli->program, cli->set);
    } else {
        const struct command *c =
            command_find(cli->set, cli->program, argc, argv, &words, &group, e);
        if (!c && !group)
            return -1;
        text = c ? help_command_text(cli->program, cli->set, c)
                 : help_group_text(cli->program, cli->set, group);
    }
    cli_print(text);
    return 0;
}

/* ---- completion ---- */

static int completion_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    static const struct {
        const char *shell;
        char *(*text)(const struct command_set *set);
    } shells[] = {{"bash", complete_bash_text},
                  {"zsh", complete_zsh_text},
                  {"fish", complete_fish_text}};
    (void)options;
    (void)argc;
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(shells[i].shell, argv[0]) == 0) {
            auto_free char *text = shells[i].text(cli->set);
            cli_print(text);
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "shell '%s' is not one of bash, zsh, fish", argv[0]);
}

/* ---- manual ---- */

struct man_options {
    char *prose;
};
static const struct option man_rows[] = {
    {"prose", 0, OPT_STRING, offsetof(struct man_options, prose), "DIR",
     "Directory of the longer texts of options", COMPLETE_DIR},
    {NULL},
};

/* NAME.md of the prose directory, or NULL. */
static char *read_prose(void *arg, const char *option_name)
{
    int dirfd = *(int *)arg;
    char *text = NULL;
    auto_free char *file = alloc_printf("%s.md", option_name);
    if (dirfd < 0 || sys_read_file(dirfd, file, PROSE_MAX_BYTES, &text, NULL) < 0)
        return NULL;
    return text;
}

/* Does any command have the option? */
static bool option_exists(const struct command_set *set, const char *name)
{
    if (command_option_named(set->root, name, strlen(name)))
        return true;
    for (const struct command *const *c = set->commands; *c; c++) {
        const struct option *o = command_option_named(*c, name, strlen(name));
        if (o && option_is_supported(o))
            return true;
    }
    return false;
}

/* A text of an option that is not there is a typo or left behind: it fails the build. */
static int check_prose(const struct command_set *set, int dir, struct err *e)
{
    auto_strv names = NULL;
    int r = sys_list_dir(dir, ".", &names);
    if (r < 0)
        return err_sys(e, r, "list the prose directory");
    STRV_FOREACH (name, names) {
        auto_free char *option = alloc_strndup(*name, strcspn(*name, "."));
        if (!str_ends_with(*name, ".md") || !option_exists(set, option))
            return err_set(e, ERR_INVALID, "'%s' is not the prose of an option", *name);
    }
    return 0;
}

static int man_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct man_options *o = options;
    int words;
    const struct command_word *group = NULL;
    auto_free char *text = NULL;
    auto_fd int dir = FD_NONE;
    if (o->prose) {
        dir = sys_open(AT_FDCWD, o->prose, O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
            return err_sys(e, dir, "open '%s'", o->prose);
    }
    if (strcmp(argv[0], cli->set->program) == 0) {
        if (dir >= 0 && check_prose(cli->set, dir, e) < 0)
            return -1;
        text = man_program_text(cli->set, read_prose, &dir);
    } else {
        const struct command *c =
            command_find(cli->set, cli->program, argc, argv, &words, &group, e);
        if (!c && group)
            return err_set(e, ERR_INVALID, "'%s' is a group of commands", argv[0]);
        if (!c)
            return -1;
        text = man_command_text(cli->set, c, read_prose, &dir);
    }
    cli_print(text);
    return 0;
}

static const struct option *const man_sets[] = {man_rows, NULL};
static const char *const completion_examples[] = {"completion bash", NULL};

const struct command front_cmd_help = {
    .name = "help",
    .summary = "Tell more about a command",
    .args = "[COMMAND]",
    .max_args = 2,
    .run = help_run,
};
const struct command front_cmd_completion = {
    .name = "completion",
    .summary = "Print the completion script of a shell",
    .args = "bash|zsh|fish",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_HIDDEN,
    .examples = completion_examples,
    .run = completion_run,
};
const struct command front_cmd_man = {
    .name = "__man",
    .summary = "Print the manual page of a command",
    .args = "PROGRAM|COMMAND",
    .min_args = 1,
    .max_args = 2,
    .flags = COMMAND_HIDDEN,
    .option_sets = man_sets,
    .options_size = sizeof(struct man_options),
    .run = man_run,
};
