/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `dhow --introspect`: every command and option as JSON, for tests, documentation and front ends.
 */
#include "command/command.h"

static const char *const kind_names[] = {
    [OPT_BOOL] = "bool",
    [OPT_STRING] = "string",
    [OPT_STRV] = "strings",
    [OPT_STRV_COMMAS] = "comma-strings",
    [OPT_INT64] = "int",
    [OPT_UINT64] = "uint",
    [OPT_SIZE] = "size",
    [OPT_UNSUPPORTED] = "string",
    [OPT_UNSUPPORTED_BOOL] = "bool",
};

static struct json_object *string_or_null(const char *s)
{
    return s ? json_object_new_string(s) : NULL;
}

static struct json_object *string_array(const char *const *list)
{
    struct json_object *a = json_object_new_array();
    for (; list && *list; list++)
        json_object_array_add(a, json_object_new_string(*list));
    return a;
}

static struct json_object *option_object(const struct option *o)
{
    struct json_object *j = json_object_new_object();
    char letter[2] = {o->letter, '\0'};
    json_object_object_add(j, "name", json_object_new_string(o->name));
    json_object_object_add(j, "letter", o->letter ? json_object_new_string(letter) : NULL);
    json_object_object_add(j, "kind", json_object_new_string(kind_names[o->kind]));
    json_object_object_add(j, "supported", json_object_new_boolean(option_is_supported(o)));
    json_object_object_add(j, "metavar",
                           option_takes_value(o) ? json_object_new_string(option_metavar(o))
                                                 : NULL);
    json_object_object_add(j, "default", string_or_null(o->initial));
    json_object_object_add(j, "summary", string_or_null(o->summary));
    json_object_object_add(j, "aliases", string_array(o->aliases));
    return j;
}

static struct json_object *command_object(const struct command *c)
{
    struct json_object *j = json_object_new_object();
    struct json_object *options = json_object_new_array();
    for (const struct option *const *set = c->option_sets; set && *set; set++) {
        for (const struct option *o = *set; o->name; o++)
            json_object_array_add(options, option_object(o));
    }
    json_object_object_add(j, "name", json_object_new_string(c->name));
    json_object_object_add(j, "aliases", string_array(c->aliases));
    json_object_object_add(j, "summary", string_or_null(c->summary));
    json_object_object_add(j, "arguments", string_or_null(c->args));
    json_object_object_add(j, "hidden", json_object_new_boolean((c->flags & COMMAND_HIDDEN) != 0));
    json_object_object_add(j, "examples", string_array(c->examples));
    json_object_object_add(j, "options", options);
    return j;
}

static struct json_object *word_names(const struct command_word *list)
{
    struct json_object *a = json_object_new_array();
    for (; list->name; list++)
        json_object_array_add(a, json_object_new_string(list->name));
    return a;
}

struct json_object *introspect_json(const struct command_set *set)
{
    struct json_object *j = json_object_new_object();
    struct json_object *commands = json_object_new_array();
    for (const struct command *const *c = set->commands; *c; c++)
        json_object_array_add(commands, command_object(*c));
    json_object_object_add(j, "version", json_object_new_string(DHOW_VERSION));
    json_object_object_add(j, "global", command_object(set->root));
    json_object_object_add(j, "groups", word_names(set->groups));
    json_object_object_add(j, "missing", word_names(set->missing));
    json_object_object_add(j, "commands", commands);
    return j;
}
