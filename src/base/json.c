/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: json-c builds the tree; what it is lax about is refused before it sees the text. One pass
 * (scan) follows strings, escapes and numbers only, and refuses NUL (raw, or as \u0000: values
 * become C strings), raw control bytes in strings, malformed UTF-8, numbers that JSON does not know
 * (1., 01, +1) or that 64 bits cannot hold, and every byte that no JSON text has outside a string
 * (comments, NaN, Infinity, single quotes). It also counts the colons outside strings: a tree with
 * fewer members than colons had a duplicate key, which json-c cannot tell.
 *
 * Printing is our own: 4 spaces, no escaped slashes, control characters (C1 too) as \u00xx, so that
 * a hostile name in `inspect` cannot drive the terminal.
 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_private.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

#define JSON_MAX_DEPTH 32

void json_object_auto(struct json_object **o)
{
    json_object_put(*o);
}

/* Scanning */

static int scan_string(const char *text, size_t len, size_t *at, struct err *e)
{
    size_t i = *at;

    while (i < len && text[i] != '"') {
        uint32_t rune;
        size_t n = utf8_next(text + i, len - i, &rune);

        if (n == 0)
            return err_set(e, ERR_INVALID, "json: malformed UTF-8 at byte %zu", i);
        if (rune < 0x20)
            return err_set(e, ERR_INVALID, "json: control byte in a string at byte %zu", i);
        if (rune == '\\') {
            if (len - i > 5 && memcmp(text + i + 1, "u0000", 5) == 0)
                return err_set(e, ERR_INVALID, "json: NUL in a string at byte %zu", i);
            n = i + 1 < len && (unsigned char)text[i + 1] >= 0x20 ? 2 : 1;
        }
        i += n;
    }
    *at = i;
    return 0;
}

static size_t digits(const char *text, size_t len, size_t i)
{
    while (i < len && text[i] >= '0' && text[i] <= '9')
        i++;
    return i;
}

/* json-c would silently turn a larger integer into the largest one. */
static bool integer_fits(const char *text, size_t begin, size_t end, bool is_negative)
{
    uint64_t n = 0;

    for (size_t i = begin; i < end; i++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
            return false;
    return !is_negative || n <= (uint64_t)INT64_MAX + 1;
}

/* The grammar's number, which begins at `at`: its end, or `at` when it is none. */
static size_t scan_number(const char *text, size_t len, size_t at)
{
    size_t begin = at + (text[at] == '-'), i = digits(text, len, begin), end;

    if (i == begin || (text[begin] == '0' && i > begin + 1))
        return at;
    if ((i == len || !strchr(".eE", text[i])) && !integer_fits(text, begin, i, begin > at))
        return at;
    if (i < len && text[i] == '.') {
        end = digits(text, len, i + 1);
        if (end == i + 1)
            return at;
        i = end;
    }
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        begin = i + 1 + (i + 1 < len && (text[i + 1] == '+' || text[i + 1] == '-'));
        i = digits(text, len, begin);
        if (i == begin)
            return at;
    }
    return i;
}

static int scan(const char *text, size_t len, size_t *ret_colons, struct err *e)
{
    size_t colons = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9')) {
            size_t end = scan_number(text, len, i);

            if (end == i)
                return err_set(e, ERR_INVALID, "json: malformed or too large number at byte %zu",
                               i);
            i = end - 1;
        } else if (text[i] == '"') {
            i++;
            if (scan_string(text, len, &i, e) < 0)
                return -1;
        } else if (text[i] == ':') {
            colons++;
        } else if (text[i] == 0 || !strchr(" \t\r\n{}[],truefalsn", text[i])) {
            return err_set(e, ERR_INVALID, "json: unexpected byte at %zu", i);
        }
    }
    *ret_colons = colons;
    return 0;
}

static size_t count_members(struct json_object *o)
{
    size_t n = 0;

    if (json_object_is_type(o, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(o); i++)
            n += count_members(json_object_array_get_idx(o, i));
    } else if (json_object_is_type(o, json_type_object)) {
        json_object_object_foreach(o, key, value)
        {
            (void)key;
            n += 1 + count_members(value);
        }
    }
    return n;
}

/* Parsing */

static int parse_error(struct json_tokener *tok, struct err *e)
{
    enum json_tokener_error code = json_tokener_get_error(tok);

    if (code == json_tokener_error_depth)
        return err_set(e, ERR_LIMIT, "json: nested deeper than %d", JSON_MAX_DEPTH);
    if (code == json_tokener_continue)
        return err_set(e, ERR_INVALID, "json: the text ends too early");
    return err_set(e, ERR_INVALID, "json: %s at byte %zu", json_tokener_error_desc(code),
                   json_tokener_get_parse_end(tok));
}

static int parse_tree(const char *text, size_t len, struct json_object **ret, struct err *e)
{
    struct json_tokener *tok = json_tokener_new_ex(JSON_MAX_DEPTH);
    struct json_object *o;
    int result = 0;

    if (!tok)
        return err_set(e, ERR_LIMIT, "json: out of memory");
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
    o = json_tokener_parse_ex(tok, text, (int)len);
    if (json_tokener_get_error(tok) == json_tokener_continue)
        o = json_tokener_parse_ex(tok, "", 1); /* a number at the top ends with the text */
    if (json_tokener_get_error(tok) != json_tokener_success)
        result = parse_error(tok, e);
    else
        *ret = o;
    json_tokener_free(tok);
    return result;
}

int json_parse(const char *text, size_t len, size_t max_len, struct json_object **ret,
               struct err *e)
{
    struct json_object *o = NULL;
    size_t colons;

    if (len > max_len || len > INT32_MAX)
        return err_set(e, ERR_LIMIT, "json: %zu bytes are more than %zu", len, max_len);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) && text[len - 1])
        len--;
    if (scan(text, len, &colons, e) < 0 || parse_tree(text, len, &o, e) < 0)
        return -1;
    if (count_members(o) != colons) {
        json_object_put(o);
        return err_set(e, ERR_INVALID, "json: an object has a key twice");
    }
    *ret = o;
    return 0;
}

int json_decode_text(const char *text, size_t len, size_t max_len, const struct json_struct *t,
                     void *ret, struct err *e)
{
    auto_json *o = NULL;

    if (json_parse(text, len, max_len, &o, e) < 0)
        return -1;
    return json_decode(o, t, ret, e);
}

/* Printing */

static void print_string(struct str *out, const char *s, size_t n)
{
    static const char short_from[] = "\"\\\n\r\t\b\f", short_to[] = "\"\\nrtbf";

    str_add_char(out, '"');
    while (n > 0) {
        uint32_t rune = 0xfffd;
        size_t k = utf8_next(s, n, &rune);
        const char *found = rune && rune < 0x80 ? strchr(short_from, (int)rune) : NULL;

        if (found)
            str_addf(out, "\\%c", short_to[found - short_from]);
        else if (k == 0)
            str_add(out, UTF8_REPLACEMENT);
        else if (rune < 0x20 || (rune >= 0x7f && rune < 0xa0))
            str_addf(out, "\\u%04x", (unsigned)rune);
        else
            str_add_bytes(out, s, k);
        s += k ? k : 1;
        n -= k ? k : 1;
    }
    str_add_char(out, '"');
}

void json_double_text(double d, char ret[static JSON_DOUBLE_TEXT_MAX])
{
    if (!isfinite(d) || d == 0) {
        snprintf(ret, JSON_DOUBLE_TEXT_MAX, "0"); /* no "-0"; JSON has no word for infinity */
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(ret, JSON_DOUBLE_TEXT_MAX, "%.*g", digits, d);
        if (strtod(ret, NULL) == d)
            return;
    }
}

static void new_line(struct str *out, bool pretty, unsigned depth)
{
    if (pretty)
        str_addf(out, "\n%*s", (int)(depth * 4), "");
}

static void print_value(struct str *out, struct json_object *o, bool pretty, unsigned depth);

static void print_array(struct str *out, struct json_object *o, bool pretty, unsigned depth)
{
    size_t n = json_object_array_length(o);

    str_add_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            str_add_char(out, ',');
        new_line(out, pretty, depth + 1);
        print_value(out, json_object_array_get_idx(o, i), pretty, depth + 1);
    }
    if (n > 0)
        new_line(out, pretty, depth);
    str_add_char(out, ']');
}

static void print_object(struct str *out, struct json_object *o, bool pretty, unsigned depth)
{
    bool is_first = true;

    str_add_char(out, '{');
    json_object_object_foreach(o, key, value)
    {
        if (!is_first)
            str_add_char(out, ',');
        is_first = false;
        new_line(out, pretty, depth + 1);
        print_string(out, key, strlen(key));
        str_add(out, pretty ? ": " : ":");
        print_value(out, value, pretty, depth + 1);
    }
    if (!is_first)
        new_line(out, pretty, depth);
    str_add_char(out, '}');
}

static void print_value(struct str *out, struct json_object *o, bool pretty, unsigned depth)
{
    char number[JSON_DOUBLE_TEXT_MAX];

    switch (json_object_get_type(o)) {
    case json_type_null:
        str_add(out, "null");
        break;
    case json_type_boolean:
        str_add(out, json_object_get_boolean(o) ? "true" : "false");
        break;
    case json_type_int:
        str_add(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        break;
    case json_type_double:
        json_double_text(json_object_get_double(o), number);
        str_add(out, number);
        break;
    case json_type_string:
        print_string(out, json_object_get_string(o), (size_t)json_object_get_string_len(o));
        break;
    case json_type_array:
        print_array(out, o, pretty, depth);
        break;
    case json_type_object:
        print_object(out, o, pretty, depth);
        break;
    }
}

char *json_print(struct json_object *o, bool pretty)
{
    /* No smaller maximum: the tree is in memory already, and a cut text would be a wrong one. */
    auto_str out = STR_INIT(SIZE_MAX / 4);

    print_value(&out, o, pretty, 0);
    return str_take(&out);
}

char *json_encode_text(const struct json_struct *t, const void *value)
{
    auto_json *o = json_encode(t, value);

    return json_print(o, false);
}

/* Freeing */

struct json_vec json_vec_load(const void *p)
{
    struct json_vec v;

    memcpy(&v, p, sizeof(v)); /* the caller's VEC(T) is another type: no access through ours */
    return v;
}

static void free_vec(const struct json_field *f, void *p)
{
    struct json_vec v = json_vec_load(p);

    for (size_t i = 0; f->type != JSON_U32_ARRAY && i < v.len; i++) {
        char *item = (char *)v.items + i * f->nested->size;

        if (f->type == JSON_MAP)
            free(*(char **)item);
        json_free_struct(f->nested, item);
    }
    free(v.items);
    memset(p, 0, sizeof(v));
}

static void free_object_ptr(const struct json_field *f, void *p)
{
    void *inner;

    memcpy(&inner, p, sizeof(inner));
    if (inner)
        json_free_struct(f->nested, inner);
    free(inner);
    memset(p, 0, sizeof(inner));
}

void json_free_field(const struct json_field *f, void *p)
{
    switch (f->type) {
    case JSON_STRING:
        free(*(char **)p);
        *(char **)p = NULL;
        break;
    case JSON_STRV:
    case JSON_STRMAP:
        strv_free(*(char ***)p);
        *(char ***)p = NULL;
        break;
    case JSON_OBJECT:
        json_free_struct(f->nested, p);
        break;
    case JSON_OBJECT_PTR:
        free_object_ptr(f, p);
        break;
    case JSON_ARRAY:
    case JSON_MAP:
    case JSON_U32_ARRAY:
        free_vec(f, p);
        break;
    case JSON_RAW:
        json_object_put(*(struct json_object **)p);
        *(struct json_object **)p = NULL;
        break;
    case JSON_BOOL:
    case JSON_INT32:
    case JSON_INT64:
    case JSON_UINT32:
    case JSON_UINT64:
    case JSON_DOUBLE:
    case JSON_ENUM:
    case JSON_OPT_INT64:
    case JSON_OPT_UINT64:
        break;
    }
}

void json_free_struct(const struct json_struct *t, void *value)
{
    if (!value)
        return;
    for (size_t i = 0; i < t->n_fields; i++)
        if (!(t->fields[i].flags & JSON_UNSUPPORTED))
            json_free_field(&t->fields[i], (char *)value + t->fields[i].offset);
    memset(value, 0, t->size);
}
