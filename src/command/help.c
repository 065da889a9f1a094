/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --help, in podman's form: summary (or a name, as runc has it), Description, Usage, Examples,
 * Options sorted by name with metavar and default. Options that are not supported yet are not
 * shown.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "command/command.h"

#define HELP_MAX_BYTES (256u << 10)

/* "  -e, --env NAME=VALUE" */
static char *option_head(const struct option *o)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    const char *metavar = option_takes_value(o) ? option_metavar(o) : NULL;
    return alloc_printf("  %s--%s%s%s", letter, o->name, metavar ? " " : "",
                        metavar ? metavar : "");
}

static size_t widest_head(const struct option *const *options, size_t n)
{
    size_t widest = 0;
    for (size_t i = 0; i < n; i++) {
        auto_free char *head = option_head(options[i]);
        widest = MAX(widest, strlen(head));
    }
    return widest;
}

static void add_option_line(struct str *out, const struct option *o, size_t width)
{
    auto_free char *head = option_head(o);
    str_addf(out, "%-*s   %s", (int)width, head, o->summary);
    if (o->initial && o->kind == OPT_BOOL)
        str_addf(out, " (default %s)", o->initial);
    else if (o->initial)
        str_addf(out, " (default \"%s\")", o->initial);
    str_add_char(out, '\n');
}

static void add_options(struct str *out, const struct command *c)
{
    size_t n;
    auto_free const struct option **options = command_options_sorted(c, &n);
    if (n == 0)
        return;
    size_t width = widest_head(options, n);
    str_add(out, "\nOptions:\n");
    for (size_t i = 0; i < n; i++)
        add_option_line(out, options[i], width);
}

static void add_aliases(struct str *out, const char *program, const struct command *c)
{
    if (!c->aliases || !c->aliases[0])
        return;
    str_addf(out, "\nAliases:\n  %s %s", program, c->name);
    for (const char *const *a = c->aliases; *a; a++)
        str_addf(out, ", %s %s", program, *a);
    str_add_char(out, '\n');
}

static void add_heading(struct str *out, const struct command_set *set, const char *name,
                        const char *text)
{
    if (set->title)
        str_addf(out, "NAME:\n   %s - ", name);
    str_addf(out, "%s\n", text);
}

char *help_command_text(const char *program, const struct command_set *set, const struct command *c)
{
    auto_free char *name = alloc_printf("%s %s", program, c->name);
    auto_str out = STR_INIT(HELP_MAX_BYTES);
    size_t n;
    auto_free const struct option **options = command_options_sorted(c, &n);
    add_heading(&out, set, name, c->summary);
    str_addf(&out, "\nDescription:\n  %s\n\nUsage:\n  %s%s%s%s\n",
             c->description ? c->description : c->summary, name, n ? " [options]" : "",
             c->args && *c->args ? " " : "", c->args ? c->args : "");
    add_aliases(&out, program, c);
    if (c->examples)
        str_add(&out, "\nExamples:\n");
    for (const char *const *x = c->examples; x && *x; x++)
        str_addf(&out, "  %s %s\n", program, *x);
    add_options(&out, c);
    return str_take(&out);
}

/* The last word of a command's name within a group, or NULL when it is not there. Prefix "": one
 * word only. */
static const char *word_below(const struct command *c, const char *prefix)
{
    size_t len = strlen(prefix);
    if (c->flags & COMMAND_HIDDEN)
        return NULL;
    if (str_starts_with(c->name, prefix) && !strchr(c->name + len, ' '))
        return c->name + len;
    for (const char *const *a = c->aliases; len > 0 && a && *a; a++) {
        if (str_starts_with(*a, prefix))
            return *a + len;
    }
    return NULL;
}

static void add_commands(struct str *out, const struct command_set *set, const char *prefix)
{
    str_add(out, "\nAvailable Commands:\n");
    for (const struct command *const *c = set->commands; *c; c++) {
        const char *word = word_below(*c, prefix);
        if (word)
            str_addf(out, "  %-11s %s\n", word, (*c)->summary);
    }
    for (const struct command_word *g = set->groups; !*prefix && g->name; g++)
        str_addf(out, "  %-11s %s\n", g->name, g->summary);
}

char *help_group_text(const char *program, const struct command_set *set,
                      const struct command_word *group)
{
    auto_str out = STR_INIT(HELP_MAX_BYTES);
    auto_free char *prefix = alloc_printf("%s ", group->name);
    str_addf(&out, "%s\n\nDescription:\n  %s\n\nUsage:\n  %s %s [command]\n", group->summary,
             group->summary, program, group->name);
    add_commands(&out, set, prefix);
    return str_take(&out);
}

char *help_program_text(const char *program, const struct command_set *set)
{
    auto_str out = STR_INIT(HELP_MAX_BYTES);
    add_heading(&out, set, program, set->title ? set->title : set->root->summary);
    str_addf(&out, "\nUsage:\n  %s [options] [command]\n", program);
    add_commands(&out, set, "");
    add_options(&out, set->root);
    str_addf(&out, "\n'%s COMMAND --help' tells more about a command.\n", program);
    return str_take(&out);
}
