/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for fish: one `complete` line an option; conditions ask which command the line names.
 */
#include <string.h>

#include "base/str.h"
#include "command/command.h"

#define COMPLETE_MAX_BYTES (1u << 20)

static const char fish_helpers[] =
    "# The command on the line (\"run\", \"container ls\"), or nothing yet.\n"
    "function __dhow_command\n"
    "    set -l words (commandline -opc)\n"
    "    set -e words[1]\n"
    "    set -l group\n"
    "    set -l skip 0\n"
    "    for word in $words\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "        else if contains -- $word $__dhow_valued_globals\n"
    "            set skip 1\n"
    "        else if string match -q -- '-*' $word\n"
    "            continue\n"
    "        else if test -n \"$group\"\n"
    "            echo \"$group $word\"\n"
    "            return 0\n"
    "        else if contains -- $word $__dhow_groups\n"
    "            set group $word\n"
    "        else\n"
    "            echo $word\n"
    "            return 0\n"
    "        end\n"
    "    end\n"
    "    test -n \"$group\"; and echo \"$group \"\n"
    "    return 0\n"
    "end\n"
    "\n"
    "function __dhow_is\n"
    "    set -l command (__dhow_command)\n"
    "    contains -- \"$command\" $argv\n"
    "end\n"
    "\n"
    "function __dhow_objects\n"
    "    set -l globals\n"
    "    set -l words (commandline -opc)\n"
    "    for i in (seq (count $words))\n"
    "        switch $words[$i]\n"
    "            case --root --runroot\n"
    "                set -l next (math $i + 1)\n"
    "                set -a globals $words[$i] $words[$next]\n"
    "            case '--root=*' '--runroot=*'\n"
    "                set -a globals $words[$i]\n"
    "        end\n"
    "    end\n"
    "    dhow $globals __complete $argv[1] 2>/dev/null\n"
    "end\n"
    "\n"
    "complete -c dhow -f\n";

/* Inside single quotes: \ and ' are escaped. */
static void add_quoted(struct str *out, const char *text)
{
    str_add_char(out, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            str_add_char(out, '\\');
        str_add_char(out, *p);
    }
    str_add_char(out, '\'');
}

/* -n '__dhow_is "run" "container run"' */
static void add_condition(struct str *out, const struct command *c)
{
    str_addf(out, " -n '__dhow_is \"%s\"", c->name);
    for (const char *const *a = c->aliases; a && *a; a++)
        str_addf(out, " \"%s\"", *a);
    str_add_char(out, '\'');
}

static void add_value(struct str *out, enum option_complete complete, const char *words)
{
    static const char *const values[] = {
        [COMPLETE_NONE] = " -x",
        [COMPLETE_FILE] = " -r -F",
        [COMPLETE_DIR] = " -x -a '(__fish_complete_directories)'",
        [COMPLETE_CONTAINER] = " -x -a '(__dhow_objects containers)'",
        [COMPLETE_CONTAINER_RUNNING] = " -x -a '(__dhow_objects running)'",
        [COMPLETE_IMAGE] = " -x -a '(__dhow_objects images)'",
        [COMPLETE_WORDS] = " -x",
    };
    str_add(out, values[complete]);
    if (complete == COMPLETE_WORDS && words)
        str_addf(out, " -a '%s'", words);
}

static void add_options(struct str *out, const struct command *c, bool is_root)
{
    size_t n;
    auto_free const struct option **options = command_options_sorted(c, &n);
    for (size_t i = 0; i < n; i++) {
        const struct option *o = options[i];
        str_add(out, "complete -c dhow");
        if (is_root)
            str_add(out, " -n '__dhow_is \"\"'");
        else
            add_condition(out, c);
        str_addf(out, " -l %s", o->name);
        if (o->letter)
            str_addf(out, " -s %c", o->letter);
        if (option_takes_value(o))
            add_value(out, o->complete, o->words);
        str_add(out, " -d ");
        add_quoted(out, o->summary);
        str_add_char(out, '\n');
    }
}

static void add_arguments(struct str *out, const struct command *c)
{
    if (c->max_args == 0)
        return;
    if (c->complete_args == COMPLETE_NONE)
        return;
    str_add(out, "complete -c dhow");
    add_condition(out, c);
    add_value(out, c->complete_args, NULL);
    str_add_char(out, '\n');
}

/* A name offered as the next word: at the beginning, or after its group. */
static void add_name(struct str *out, const char *name, const char *summary)
{
    const char *blank = strchr(name, ' ');
    int group_len = blank ? (int)(blank - name) : 0;
    str_addf(out, "complete -c dhow -n '__dhow_is \"%.*s%s\"' -a %s -d ", group_len, name,
             blank ? " " : "", blank ? blank + 1 : name);
    add_quoted(out, summary);
    str_add_char(out, '\n');
}

static void add_command(struct str *out, const struct command *c)
{
    if (c->flags & COMMAND_HIDDEN)
        return;
    add_name(out, c->name, c->summary);
    for (const char *const *a = c->aliases; a && *a; a++)
        add_name(out, *a, c->summary);
    add_options(out, c, false);
    add_arguments(out, c);
}

static void add_word_sets(struct str *out, const struct command_set *set)
{
    size_t n;
    auto_free const struct option **options = command_options_sorted(set->root, &n);
    str_add(out, "set -g __dhow_groups");
    for (const struct command_word *g = set->groups; g->name; g++)
        str_addf(out, " %s", g->name);
    str_add(out, "\nset -g __dhow_valued_globals");
    for (size_t i = 0; i < n; i++) {
        if (option_takes_value(options[i]))
            str_addf(out, " --%s", options[i]->name);
    }
    str_add(out, "\n\n");
}

char *complete_fish_text(const struct command_set *set)
{
    auto_str out = STR_INIT(COMPLETE_MAX_BYTES);
    str_add(&out, "# fish completion for dhow, generated from its option tables\n\n");
    add_word_sets(&out, set);
    str_add(&out, fish_helpers);
    add_options(&out, set->root, true);
    for (const struct command_word *g = set->groups; g->name; g++)
        add_name(&out, g->name, g->summary);
    for (const struct command *const *c = set->commands; *c; c++)
        add_command(&out, *c);
    return complete_rename(str_text(&out), set->program, COMPLETE_MAX_BYTES);
}
