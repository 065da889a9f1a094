/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option parser: pflag's grammar over our tables. One pass; each word is an option, the value
 * of one, or an argument. The table says where a value goes and how it is read, so that a command
 * never sees text that was not checked.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "command/command.h"

struct parser {
    const struct command *c;
    int argc;
    char *const *argv;
    int next; /* word to look at */
    void *options;
    char **args;
    bool help;
};

/* An option row that is not in a table: every command has it. */
static const struct option help_option = {.name = "help", .letter = 'h', .kind = OPT_BOOL};

#define FOREACH_OPTION(o, c)                                                                       \
    for (const struct option *const *set_of_##o = (c)->option_sets; set_of_##o && *set_of_##o;     \
         set_of_##o++)                                                                             \
        for (const struct option *o = *set_of_##o; o->name; o++)

static bool name_is(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

const struct option *command_option_named(const struct command *c, const char *name, size_t len)
{
    FOREACH_OPTION(o, c)
    {
        if (name_is(o->name, name, len))
            return o;
        for (const char *const *a = o->aliases; a && *a; a++) {
            if (name_is(*a, name, len))
                return o;
        }
    }
    return name_is(help_option.name, name, len) ? &help_option : NULL;
}

const struct option *command_option_lettered(const struct command *c, char letter)
{
    FOREACH_OPTION(o, c)
    {
        if (o->letter == letter)
            return o;
    }
    return letter == help_option.letter ? &help_option : NULL;
}

static int option_order(const void *a, const void *b)
{
    return strcmp((*(const struct option *const *)a)->name,
                  (*(const struct option *const *)b)->name);
}

const struct option **command_options_sorted(const struct command *c, size_t *ret_n)
{
    size_t n = 0;
    FOREACH_OPTION(o, c)
    {
        n += option_is_supported(o);
    }
    const struct option **sorted = alloc_zero(n + 1, sizeof(const struct option *));
    size_t i = 0;
    FOREACH_OPTION(o, c)
    {
        if (option_is_supported(o))
            sorted[i++] = o;
    }
    qsort(sorted, n, sizeof(const struct option *), option_order);
    *ret_n = n;
    return sorted;
}

const char *option_metavar(const struct option *o)
{
    static const char *const by_kind[] = {
        [OPT_BOOL] = NULL,          [OPT_STRING] = "STRING",     [OPT_STRV] = "STRING",
        [OPT_STRV_COMMAS] = "LIST", [OPT_INT64] = "N",           [OPT_UINT64] = "N",
        [OPT_SIZE] = "SIZE",        [OPT_UNSUPPORTED] = "VALUE", [OPT_UNSUPPORTED_BOOL] = NULL,
    };
    return o->metavar ? o->metavar : by_kind[o->kind];
}

/* ---- values ---- */

/* strconv.ParseBool's words, which podman and docker take. */
static int parse_bool(const char *s, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcmp(s, yes[i]) == 0) {
            *ret = true;
            return 0;
        }
        if (strcmp(s, no[i]) == 0) {
            *ret = false;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_size(const char *s, struct json_opt_i64 *ret)
{
    uint64_t bytes;
    if (strcmp(s, "-1") == 0) {
        *ret = (struct json_opt_i64){.is_set = true, .value = -1};
        return 0;
    }
    int r = units_size_parse(s, &bytes);
    if (r < 0)
        return r;
    if (bytes > INT64_MAX)
        return -ERANGE;
    *ret = (struct json_opt_i64){.is_set = true, .value = (int64_t)bytes};
    return 0;
}

static void add_split(char ***v, const char *text)
{
    auto_strv parts = strv_split(text, ',');
    strv_extend(v, parts);
}

/* What a wrong value should have been, by kind. */
static const char *const expected[] = {
    [OPT_BOOL] = "true or false",
    [OPT_INT64] = "a whole number",
    [OPT_UINT64] = "a whole number that is not negative",
    [OPT_SIZE] = "a size like 64m or 1g",
    [OPT_UNSUPPORTED_BOOL] = NULL, /* sizes the table */
};

static int option_store(const struct option *o, void *options, const char *text, struct err *e)
{
    void *field = (char *)options + o->offset;
    int r = 0;
    switch (o->kind) {
    case OPT_BOOL:
        r = parse_bool(text, field);
        break;
    case OPT_STRING:
        free(*(char **)field);
        *(char **)field = alloc_strdup(text);
        break;
    case OPT_STRV:
        strv_add(field, text);
        break;
    case OPT_STRV_COMMAS:
        add_split(field, text);
        break;
    case OPT_INT64: {
        struct json_opt_i64 *n = field;
        r = str_to_i64(text, INT64_MIN, INT64_MAX, &n->value);
        n->is_set = r == 0;
        break;
    }
    case OPT_UINT64: {
        struct json_opt_u64 *n = field;
        r = str_to_u64(text, UINT64_MAX, &n->value);
        n->is_set = r == 0;
        break;
    }
    case OPT_SIZE:
        r = parse_size(text, field);
        break;
    case OPT_UNSUPPORTED:
    case OPT_UNSUPPORTED_BOOL:
        return err_set(e, ERR_UNSUPPORTED, "--%s is not supported yet", o->name);
    }
    if (r < 0)
        return err_set(e, ERR_INVALID, "option '--%s': '%s' is not %s", o->name, text,
                       expected[o->kind]);
    return 0;
}

static int option_apply(struct parser *p, const struct option *o, const char *text, struct err *e)
{
    if (o == &help_option) {
        if (parse_bool(text, &p->help) < 0)
            return err_set(e, ERR_INVALID, "option '--help' takes no value");
        return 0;
    }
    return option_store(o, p->options, text, e);
}

/* ---- words ---- */

static int unknown_long(const struct parser *p, const char *name, size_t len, struct err *e)
{
    auto_free char *word = alloc_strndup(name, len);
    struct suggestion s = suggestion_for(word);
    FOREACH_OPTION(o, p->c)
    {
        suggestion_offer(&s, o->name);
        for (const char *const *a = o->aliases; a && *a; a++)
            suggestion_offer(&s, *a);
    }
    suggestion_offer(&s, help_option.name);
    if (s.nearest)
        return err_set(e, ERR_INVALID, "unknown option '--%s': did you mean '--%s'?", word,
                       s.nearest);
    return err_set(e, ERR_INVALID, "unknown option '--%s'", word);
}

/* The next word as the value of an option, whatever it looks like. */
static const char *take_value(struct parser *p)
{
    return p->next < p->argc ? p->argv[p->next++] : NULL;
}

static int parse_long(struct parser *p, const char *word, struct err *e)
{
    const char *name = word + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *o = command_option_named(p->c, name, len);
    if (!o)
        return unknown_long(p, name, len, e);
    /* Before its value is asked for: what we have not is known at once. */
    if (!option_is_supported(o))
        return option_store(o, p->options, "", e);
    const char *value = equals ? equals + 1 : "true";
    if (!equals && option_takes_value(o))
        value = take_value(p);
    if (!value)
        return err_set(e, ERR_INVALID, "option '--%s' needs a value", o->name);
    return option_apply(p, o, value, e);
}

static int parse_letters(struct parser *p, const char *word, struct err *e)
{
    for (const char *at = word + 1; *at; at++) {
        const struct option *o = command_option_lettered(p->c, *at);
        if (!o)
            return err_set(e, ERR_INVALID, "unknown option '-%c' in '%s'", *at, word);
        if (!option_is_supported(o))
            return option_store(o, p->options, "", e);
        bool has_equals = at[1] == '=';
        if (!option_takes_value(o) && !has_equals) {
            if (option_apply(p, o, "true", e) < 0)
                return -1;
            continue;
        }
        const char *value = has_equals ? at + 2 : at[1] ? at + 1 : take_value(p);
        if (!value)
            return err_set(e, ERR_INVALID, "option '-%c' needs a value", *at);
        return option_apply(p, o, value, e);
    }
    return 0;
}

static int parse_words(struct parser *p, struct err *e)
{
    while (p->next < p->argc && !p->help) {
        const char *word = p->argv[p->next++];
        bool is_option = word[0] == '-' && word[1];
        if (strcmp(word, "--") == 0)
            break;
        if (!is_option) {
            strv_add(&p->args, word);
            if (p->c->flags & COMMAND_STOP_AT_ARG)
                break;
            continue;
        }
        int r = word[1] == '-' ? parse_long(p, word, e) : parse_letters(p, word, e);
        if (r < 0)
            return -1;
    }
    while (p->next < p->argc)
        strv_add(&p->args, p->argv[p->next++]);
    return 0;
}

static int check_arg_count(const struct command *c, int n, struct err *e)
{
    if (n < c->min_args)
        return err_set(e, ERR_INVALID, "needs at least %d argument%s (%s), got %d", c->min_args,
                       c->min_args == 1 ? "" : "s", c->args, n);
    if (c->max_args == 0 && n > 0)
        return err_set(e, ERR_INVALID, "takes no arguments, got %d", n);
    if (c->max_args >= 0 && n > c->max_args)
        return err_set(e, ERR_INVALID, "takes at most %d argument%s (%s), got %d", c->max_args,
                       c->max_args == 1 ? "" : "s", c->args, n);
    return 0;
}

static int store_initial_values(const struct command *c, void *options, struct err *e)
{
    FOREACH_OPTION(o, c)
    {
        if (o->initial && option_store(o, options, o->initial, e) < 0)
            return -1;
    }
    return 0;
}

int command_parse(const struct command *c, int argc, char *const *argv, void *options,
                  char ***ret_args, bool *ret_help, struct err *e)
{
    struct parser p = {.c = c, .argc = argc, .argv = argv, .options = options};
    int r = store_initial_values(c, options, e);
    if (r == 0)
        r = parse_words(&p, e);
    if (r == 0 && !p.help)
        r = check_arg_count(c, (int)strv_len(p.args), e);
    if (r < 0) {
        strv_free(p.args);
        return -1;
    }
    *ret_args = p.args;
    *ret_help = p.help;
    return 0;
}

void command_options_done(const struct command *c, void *options)
{
    FOREACH_OPTION(o, c)
    {
        void *field = (char *)options + o->offset;
        if (o->kind == OPT_STRING) {
            free(*(char **)field);
            *(char **)field = NULL;
        } else if (o->kind == OPT_STRV || o->kind == OPT_STRV_COMMAS) {
            strv_free(*(char ***)field);
            *(char ***)field = NULL;
        }
    }
}
