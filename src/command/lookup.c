/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From words to a command. A command has one name and any number of aliases; each is one word, or a
 * group and a word ("container ls"). What podman or docker has and we have not yet is known by
 * name, so that nobody is told of a typo that is none.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "command/command.h"

/* Is `name` the words a and b ("container", "ls"), or just a when b is NULL? */
static bool name_is_words(const char *name, const char *a, const char *b)
{
    size_t len = strlen(a);
    if (strncmp(name, a, len) != 0)
        return false;
    return b ? name[len] == ' ' && strcmp(name + len + 1, b) == 0 : name[len] == '\0';
}

static bool command_is_words(const struct command *c, const char *a, const char *b)
{
    if (name_is_words(c->name, a, b))
        return true;
    for (const char *const *alias = c->aliases; alias && *alias; alias++) {
        if (name_is_words(*alias, a, b))
            return true;
    }
    return false;
}

static const struct command *find_words(const struct command_set *set, const char *a, const char *b)
{
    for (const struct command *const *c = set->commands; *c; c++) {
        if (command_is_words(*c, a, b))
            return *c;
    }
    return NULL;
}

static const struct command_word *find_word(const struct command_word *list, const char *a,
                                            const char *b)
{
    for (; list->name; list++) {
        if (name_is_words(list->name, a, b))
            return list;
    }
    return NULL;
}

/* Offers what follows `prefix` ("" or "container ") in a name, when that is one word. */
static void offer_below(struct suggestion *s, const char *name, const char *prefix)
{
    if (!str_starts_with(name, prefix))
        return;
    name += strlen(prefix);
    if (!strchr(name, ' '))
        suggestion_offer(s, name);
}

static const char *nearest_command(const struct command_set *set, const char *word,
                                   const char *prefix)
{
    struct suggestion s = suggestion_for(word);
    for (const struct command *const *c = set->commands; *c; c++) {
        if ((*c)->flags & COMMAND_HIDDEN)
            continue;
        offer_below(&s, (*c)->name, prefix);
        for (const char *const *alias = (*c)->aliases; alias && *alias; alias++)
            offer_below(&s, *alias, prefix);
    }
    for (const struct command_word *g = set->groups; g->name; g++)
        offer_below(&s, g->name, prefix);
    for (const struct command_word *m = set->missing; m->name; m++)
        offer_below(&s, m->name, prefix);
    return s.nearest;
}

static void set_unknown(const struct command_set *set, const char *program, const char *group,
                        const char *word, struct err *e)
{
    auto_free char *prefix = group ? alloc_printf("%s ", group) : alloc_strdup("");
    const char *nearest = nearest_command(set, word, prefix);
    if (nearest)
        err_set(e, ERR_INVALID, "'%s%s' is not a %s command: did you mean '%s%s'?", prefix, word,
                program, prefix, nearest);
    else
        err_set(e, ERR_INVALID, "'%s%s' is not a %s command", prefix, word, program);
}

static const struct command *find_in_group(const struct command_set *set, const char *program,
                                           const char *group, const char *word, struct err *e)
{
    const struct command *c = find_words(set, group, word);
    if (c)
        return c;
    if (find_word(set->missing, group, word))
        err_set(e, ERR_UNSUPPORTED, "'%s %s' is not supported yet", group, word);
    else
        set_unknown(set, program, group, word, e);
    return NULL;
}

const struct command *command_find(const struct command_set *set, const char *program, int argc,
                                   char *const *argv, int *ret_words,
                                   const struct command_word **ret_group, struct err *e)
{
    const char *word = argv[0];
    const struct command_word *group = find_word(set->groups, word, NULL);
    *ret_group = NULL;
    *ret_words = group ? 2 : 1;
    if (group && (argc < 2 || argv[1][0] == '-')) {
        *ret_group = group;
        return NULL;
    }
    if (group)
        return find_in_group(set, program, word, argv[1], e);
    const struct command *c = find_words(set, word, NULL);
    if (c)
        return c;
    if (find_word(set->missing, word, NULL))
        err_set(e, ERR_UNSUPPORTED, "'%s' is not supported yet", word);
    else
        set_unknown(set, program, NULL, word, e);
    return NULL;
}
