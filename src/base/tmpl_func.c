/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: Go's functions over json values. JSON has one kind of number, so integers and reals
 * compare with each other, which Go refuses. Case functions know ASCII only.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_private.h"
#include "base/tmpl_private.h"
#include "base/utf8.h"

#define MAX_PAD 10000

/* What values are */

const char *tmpl_type_name(struct json_object *o)
{
    static const char *const names[] =
        {[json_type_null] = "nil",        [json_type_boolean] = "a bool",
         [json_type_double] = "a number", [json_type_int] = "a number",
         [json_type_object] = "a map",    [json_type_array] = "a list",
         [json_type_string] = "a string"};

    return names[json_object_get_type(o)];
}

bool tmpl_is_true(struct json_object *o)
{
    switch (json_object_get_type(o)) {
    case json_type_null:
        return false;
    case json_type_boolean:
        return json_object_get_boolean(o);
    case json_type_int:
        return json_object_get_int64(o) != 0;
    case json_type_double:
        return json_object_get_double(o) != 0;
    case json_type_string:
        return json_object_get_string_len(o) > 0;
    case json_type_array:
        return json_object_array_length(o) > 0;
    case json_type_object:
        return json_object_object_length(o) > 0;
    }
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **tmpl_sorted_keys(struct json_object *o, size_t *ret_n)
{
    VEC(const char *) keys = {0};

    json_object_object_foreach(o, key, value)
    {
        (void)value;
        vec_push(&keys, (const char *)key);
    }
    if (keys.len > 0)
        qsort(keys.items, keys.len, sizeof(*keys.items), by_text);
    *ret_n = keys.len;
    return keys.items;
}

/* Go's %v of a float64: shortest digits, an exponent below 1e-4 and from 1e6 on. */
static void add_double(struct str *out, double d)
{
    char text[JSON_DOUBLE_TEXT_MAX];
    int digits = 0, exponent;

    do
        snprintf(text, sizeof(text), "%.*e", digits, d);
    while (strtod(text, NULL) != d && ++digits < 17);
    exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (d == 0 || (exponent >= -4 && exponent < 6))
        str_addf(out, "%.*f", MAX(digits - exponent, 0), d);
    else
        str_add(out, text);
}

static void add_inner(struct str *out, struct json_object *o);

static void add_object(struct str *out, struct json_object *o)
{
    size_t n;
    auto_free const char **keys = tmpl_sorted_keys(o, &n);

    str_add(out, "map[");
    for (size_t i = 0; i < n; i++) {
        str_addf(out, "%s%s:", i ? " " : "", keys[i]);
        add_inner(out, json_object_object_get(o, keys[i]));
    }
    str_add_char(out, ']');
}

static void add_inner(struct str *out, struct json_object *o)
{
    switch (json_object_get_type(o)) {
    case json_type_null:
        str_add(out, "<nil>");
        break;
    case json_type_string:
        str_add_bytes(out, json_object_get_string(o), (size_t)json_object_get_string_len(o));
        break;
    case json_type_double:
        if (isfinite(json_object_get_double(o)))
            add_double(out, json_object_get_double(o));
        break;
    case json_type_array:
        str_add_char(out, '[');
        for (size_t i = 0; i < json_object_array_length(o); i++) {
            str_add(out, i ? " " : "");
            add_inner(out, json_object_array_get_idx(o, i));
        }
        str_add_char(out, ']');
        break;
    case json_type_object:
        add_object(out, o);
        break;
    case json_type_boolean:
    case json_type_int:
        str_add(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        break;
    }
}

void tmpl_add_value(struct str *out, struct json_object *o)
{
    if (!o)
        str_add(out, "<no value>");
    else
        add_inner(out, o);
}

/* Arguments */

static int want_string(const struct tmpl_call *c, size_t i, const char **ret)
{
    if (!json_object_is_type(c->args[i], json_type_string))
        return tmpl_fail(c->run, "%s: expected a string, got %s", c->name,
                         tmpl_type_name(c->args[i]));
    *ret = json_object_get_string(c->args[i]);
    return 0;
}

static int want_int(const struct tmpl_call *c, size_t i, int64_t min, int64_t max, int64_t *ret)
{
    int64_t n = json_object_get_int64(c->args[i]);

    if (!json_object_is_type(c->args[i], json_type_int))
        return tmpl_fail(c->run, "%s: expected an integer, got %s", c->name,
                         tmpl_type_name(c->args[i]));
    if (n < min || n > max)
        return tmpl_fail(c->run, "%s: %lld is out of range", c->name, (long long)n);
    *ret = n;
    return 0;
}

static size_t length(struct json_object *o)
{
    if (json_object_is_type(o, json_type_array))
        return json_object_array_length(o);
    if (json_object_is_type(o, json_type_object))
        return (size_t)json_object_object_length(o);
    return json_object_is_type(o, json_type_string) ? (size_t)json_object_get_string_len(o) : 0;
}

/* Text */

static int fn_json(const struct tmpl_call *c, struct json_object **ret)
{
    struct str text = STR_INIT(SIZE_MAX / 4);
    int result;

    text.s = json_print(c->args[0], false);
    text.len = strlen(text.s);
    result = tmpl_keep_text(c->run, &text, ret);
    str_done(&text);
    return result;
}

static int fn_split(const struct tmpl_call *c, struct json_object **ret)
{
    const char *s, *separator, *end;
    size_t n;

    if (want_string(c, 0, &s) < 0 || want_string(c, 1, &separator) < 0)
        return -1;
    tmpl_keep(c->run, json_object_new_array(), ret);
    n = strlen(separator);
    do {
        auto_str piece = tmpl_buffer(c->run);
        struct json_object *o;

        end = n > 0 ? strstr(s, separator) : *s ? s + 1 : s; /* no separator: every character */
        for (; n == 0 && ((unsigned char)*end & 0xc0) == 0x80; end++)
            ;
        str_add_bytes(&piece, s, end ? (size_t)(end - s) : strlen(s));
        if (tmpl_keep_text(c->run, &piece, &o) < 0)
            return -1;
        if (n > 0 || piece.len > 0)
            json_object_array_add(*ret, json_object_get(o));
        s = end ? end + n : s;
    } while (end && (n > 0 || *s));
    return 0;
}

static int fn_join(const struct tmpl_call *c, struct json_object **ret)
{
    auto_str out = tmpl_buffer(c->run);
    const char *separator;

    if (want_string(c, 1, &separator) < 0)
        return -1;
    if (c->args[0] && !json_object_is_type(c->args[0], json_type_array))
        return tmpl_fail(c->run, "join: expected a list, got %s", tmpl_type_name(c->args[0]));
    for (size_t i = 0; i < length(c->args[0]); i++) {
        if (i > 0)
            str_add(&out, separator);
        add_inner(&out, json_object_array_get_idx(c->args[0], i));
    }
    return tmpl_keep_text(c->run, &out, ret);
}

static int change_case(const struct tmpl_call *c, bool raises_all, bool raises_first,
                       struct json_object **ret)
{
    auto_str out = tmpl_buffer(c->run);
    const char *s;
    bool in_word = false;

    if (want_string(c, 0, &s) < 0)
        return -1;
    for (; *s; s++) {
        unsigned char b = (unsigned char)*s;

        if (raises_all || (raises_first && !in_word))
            str_add_char(&out, b < 0x80 ? (char)toupper(b) : *s);
        else
            str_add_char(&out, raises_first || b >= 0x80 ? *s : (char)tolower(b));
        in_word = isalnum(b) || b == '_' || b >= 0x80;
    }
    return tmpl_keep_text(c->run, &out, ret);
}

static int fn_title(const struct tmpl_call *c, struct json_object **ret)
{
    return change_case(c, false, true, ret);
}

static int fn_lower(const struct tmpl_call *c, struct json_object **ret)
{
    return change_case(c, false, false, ret);
}

static int fn_upper(const struct tmpl_call *c, struct json_object **ret)
{
    return change_case(c, true, false, ret);
}

static int fn_pad(const struct tmpl_call *c, struct json_object **ret)
{
    auto_str out = tmpl_buffer(c->run);
    const char *s;
    int64_t before, after;

    if (want_string(c, 0, &s) < 0 || want_int(c, 1, 0, MAX_PAD, &before) < 0 ||
        want_int(c, 2, 0, MAX_PAD, &after) < 0)
        return -1;
    if (*s)
        str_addf(&out, "%*s%s%*s", (int)before, "", s, (int)after, "");
    return tmpl_keep_text(c->run, &out, ret);
}

static int fn_truncate(const struct tmpl_call *c, struct json_object **ret)
{
    auto_str out = tmpl_buffer(c->run);
    const char *s;
    int64_t n;
    uint32_t rune;

    if (want_string(c, 0, &s) < 0 || want_int(c, 1, 0, INT32_MAX, &n) < 0)
        return -1;
    for (; *s && n > 0; n--) {
        size_t k = utf8_next(s, strnlen(s, 4), &rune);

        str_add_bytes(&out, s, k ? k : 1);
        s += k ? k : 1;
    }
    return tmpl_keep_text(c->run, &out, ret);
}

static int fn_print(const struct tmpl_call *c, struct json_object **ret)
{
    auto_str out = tmpl_buffer(c->run);

    for (size_t i = 0; i < c->n; i++) {
        /* Go's Sprint: a blank between two operands of which neither is a string */
        if (i > 0 && !json_object_is_type(c->args[i], json_type_string) &&
            !json_object_is_type(c->args[i - 1], json_type_string))
            str_add_char(&out, ' ');
        add_inner(&out, c->args[i]);
    }
    return tmpl_keep_text(c->run, &out, ret);
}

static int fn_println(const struct tmpl_call *c, struct json_object **ret)
{
    auto_str out = tmpl_buffer(c->run);

    for (size_t i = 0; i < c->n; i++) {
        str_add(&out, i ? " " : "");
        add_inner(&out, c->args[i]);
    }
    str_add_char(&out, '\n');
    return tmpl_keep_text(c->run, &out, ret);
}

/* Parts */

/* A key that a map of strings does not have gives "", as in Go; other maps give nil. */
static int missing_key(const struct tmpl_call *c, struct json_object *map, struct json_object **ret)
{
    struct str empty = {0};

    json_object_object_foreach(map, key, value)
    {
        (void)key;
        if (!json_object_is_type(value, json_type_string)) {
            *ret = NULL;
            return 0;
        }
    }
    return tmpl_keep_text(c->run, &empty, ret);
}

static int fn_index(const struct tmpl_call *c, struct json_object **ret)
{
    struct json_object *o = c->args[0];

    for (size_t i = 1; i < c->n; i++) {
        const char *key;
        int64_t at;

        if (json_object_is_type(o, json_type_object)) {
            if (want_string(c, i, &key) < 0)
                return -1;
            if (!json_object_object_get_ex(o, key, ret) && missing_key(c, o, ret) < 0)
                return -1;
        } else if (json_object_is_type(o, json_type_array)) {
            if (want_int(c, i, 0, (int64_t)length(o) - 1, &at) < 0)
                return -1;
            *ret = json_object_array_get_idx(o, (size_t)at);
        } else if (json_object_is_type(o, json_type_string)) {
            if (want_int(c, i, 0, (int64_t)length(o) - 1, &at) < 0)
                return -1;
            tmpl_keep(c->run, json_object_new_int64((unsigned char)json_object_get_string(o)[at]),
                      ret);
        } else {
            return tmpl_fail(c->run, "index: can't index %s", tmpl_type_name(o));
        }
        o = *ret;
    }
    *ret = o;
    return 0;
}

static int fn_slice(const struct tmpl_call *c, struct json_object **ret)
{
    struct json_object *o = c->args[0];
    auto_str out = tmpl_buffer(c->run);
    int64_t from = 0, to = (int64_t)length(o);

    if (!json_object_is_type(o, json_type_string) && !json_object_is_type(o, json_type_array))
        return tmpl_fail(c->run, "slice: can't slice %s", tmpl_type_name(o));
    if (c->n > 2 && want_int(c, 2, 0, to, &to) < 0)
        return -1;
    if (c->n > 1 && want_int(c, 1, 0, to, &from) < 0)
        return -1;
    if (json_object_is_type(o, json_type_string)) {
        str_add_bytes(&out, json_object_get_string(o) + from, (size_t)(to - from));
        return tmpl_keep_text(c->run, &out, ret);
    }
    tmpl_keep(c->run, json_object_new_array_ext((int)MAX(to - from, 1)), ret);
    for (; from < to; from++)
        json_object_array_add(*ret, json_object_get(json_object_array_get_idx(o, (size_t)from)));
    return 0;
}

static int fn_len(const struct tmpl_call *c, struct json_object **ret)
{
    json_type type = json_object_get_type(c->args[0]);

    /* A list that JSON leaves out as null is Go's nil slice: its length is 0. */
    if (type == json_type_int || type == json_type_double || type == json_type_boolean)
        return tmpl_fail(c->run, "len of %s", tmpl_type_name(c->args[0]));
    return tmpl_keep(c->run, json_object_new_int64((int64_t)length(c->args[0])), ret);
}

/* Comparing */

static bool is_number(struct json_object *o)
{
    return json_object_is_type(o, json_type_int) || json_object_is_type(o, json_type_double);
}

static int compare_numbers(struct json_object *a, struct json_object *b)
{
    double x = json_object_get_double(a), y = json_object_get_double(b);

    if (json_object_is_type(a, json_type_int) && json_object_is_type(b, json_type_int)) {
        int64_t i = json_object_get_int64(a), j = json_object_get_int64(b);
        uint64_t u = json_object_get_uint64(a), v = json_object_get_uint64(b);

        /* Above INT64_MAX the signed getter stays there; below 0 the unsigned one is 0. */
        return i != j ? (i < j ? -1 : 1) : u < v ? -1 : u > v;
    }
    return x < y ? -1 : x > y;
}

static int compare_strings(struct json_object *a, struct json_object *b)
{
    size_t n = length(a), m = length(b);
    int order = memcmp(json_object_get_string(a), json_object_get_string(b), MIN(n, m));

    return order ? order : n < m ? -1 : n > m;
}

/* Whether a is below, equal to or above b as -1, 0, 1. */
static int compare(const struct tmpl_call *c, struct json_object *a, struct json_object *b,
                   bool wants_order, int *ret)
{
    if (is_number(a) && is_number(b))
        *ret = compare_numbers(a, b);
    else if (json_object_is_type(a, json_type_string) && json_object_is_type(b, json_type_string))
        *ret = compare_strings(a, b);
    else if (!wants_order && (!a || !b))
        *ret = a != b;
    else if (!wants_order && json_object_is_type(a, json_type_boolean) &&
             json_object_is_type(b, json_type_boolean))
        *ret = json_object_get_boolean(a) != json_object_get_boolean(b);
    else
        return tmpl_fail(c->run, "%s: can't compare %s with %s", c->name, tmpl_type_name(a),
                         tmpl_type_name(b));
    return 0;
}

static int keep_bool(const struct tmpl_call *c, bool b, struct json_object **ret)
{
    return tmpl_keep(c->run, json_object_new_boolean(b), ret);
}

static int fn_eq(const struct tmpl_call *c, struct json_object **ret)
{
    bool is_equal = false;
    int order;

    for (size_t i = 1; i < c->n && !is_equal; i++) {
        if (compare(c, c->args[0], c->args[i], false, &order) < 0)
            return -1;
        is_equal = order == 0;
    }
    return keep_bool(c, is_equal, ret);
}

static int fn_ne(const struct tmpl_call *c, struct json_object **ret)
{
    int order;

    if (compare(c, c->args[0], c->args[1], false, &order) < 0)
        return -1;
    return keep_bool(c, order != 0, ret);
}

static int fn_order(const struct tmpl_call *c, struct json_object **ret)
{
    int order;

    if (compare(c, c->args[0], c->args[1], true, &order) < 0)
        return -1;
    if (order == 0)
        return keep_bool(c, c->name[1] == 'e', ret); /* le, ge */
    return keep_bool(c, (order < 0) == (c->name[0] == 'l'), ret);
}

static int fn_not(const struct tmpl_call *c, struct json_object **ret)
{
    return keep_bool(c, !tmpl_is_true(c->args[0]), ret);
}

#define ANY 1000
static const struct tmpl_function functions[] = {
    {"and", 1, ANY, NULL},           {"eq", 2, ANY, fn_eq},
    {"ge", 2, 2, fn_order},          {"gt", 2, 2, fn_order},
    {"index", 1, ANY, fn_index},     {"join", 2, 2, fn_join},
    {"json", 1, 1, fn_json},         {"le", 2, 2, fn_order},
    {"len", 1, 1, fn_len},           {"lower", 1, 1, fn_lower},
    {"lt", 2, 2, fn_order},          {"ne", 2, 2, fn_ne},
    {"not", 1, 1, fn_not},           {"or", 1, ANY, NULL},
    {"pad", 3, 3, fn_pad},           {"print", 0, ANY, fn_print},
    {"printf", 1, ANY, tmpl_printf}, {"println", 0, ANY, fn_println},
    {"slice", 1, 3, fn_slice},       {"split", 2, 2, fn_split},
    {"title", 1, 1, fn_title},       {"truncate", 2, 2, fn_truncate},
    {"upper", 1, 1, fn_upper},
};

const struct tmpl_function *tmpl_function_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (strlen(functions[i].name) == len && strncmp(functions[i].name, name, len) == 0)
            return &functions[i];
    return NULL;
}
