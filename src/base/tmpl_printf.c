/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: Go's printf, not C's: a verb that does not fit its value is no error but says so in the
 * text ("%!d(string=hi)"), and width counts characters. JSON does not tell 5 from 5.0, so the verbs
 * of reals take integers too. Not here: argument indexes, '*', %T, %p, %U.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tmpl_private.h"
#include "base/utf8.h"

#define MAX_WIDTH 10000

struct spec {
    bool has_minus;
    bool has_plus;
    bool has_zero;
    bool has_blank;
    bool has_sharp;
    int width;
    int precision; /* -1: none given */
    char verb;
};

/* Reads behind a '%'; false when the text ends or a number is too large. */
static bool parse_spec(const char **s, struct spec *ret)
{
    bool is_flag = true;

    *ret = (struct spec){.precision = -1};
    for (; is_flag; *s += is_flag) {
        switch (**s) {
        case '-':
            ret->has_minus = true;
            break;
        case '+':
            ret->has_plus = true;
            break;
        case '0':
            ret->has_zero = true;
            break;
        case ' ':
            ret->has_blank = true;
            break;
        case '#':
            ret->has_sharp = true;
            break;
        default:
            is_flag = false;
        }
    }
    for (; isdigit((unsigned char)**s) && ret->width <= MAX_WIDTH; (*s)++)
        ret->width = ret->width * 10 + (**s - '0');
    if (**s == '.') {
        ret->precision = 0;
        for ((*s)++; isdigit((unsigned char)**s) && ret->precision <= MAX_WIDTH; (*s)++)
            ret->precision = ret->precision * 10 + (**s - '0');
    }
    if (!**s || ret->width > MAX_WIDTH || ret->precision > MAX_WIDTH)
        return false;
    ret->verb = *(*s)++;
    return true;
}

static void add_padded(struct str *out, const struct spec *spec, const char *text)
{
    size_t n = utf8_count(text);
    int blanks = (size_t)spec->width > n ? spec->width - (int)n : 0;

    if (!spec->has_minus)
        str_addf(out, "%*s", blanks, "");
    str_add(out, text);
    if (spec->has_minus)
        str_addf(out, "%*s", blanks, "");
}

/* `digits` without a sign; zeros stand behind it, blanks before it. */
static void add_number(struct str *out, const struct spec *spec, bool is_negative,
                       const char *prefix, const char *digits)
{
    auto_str text = STR_INIT(4 * MAX_WIDTH);
    size_t n;

    str_add(&text, is_negative ? "-" : spec->has_plus ? "+" : spec->has_blank ? " " : "");
    str_add(&text, prefix);
    n = text.len + strlen(digits);
    if (spec->has_zero && !spec->has_minus)
        for (; n < (size_t)spec->width; n++)
            str_add_char(&text, '0');
    str_add(&text, digits);
    add_padded(out, spec, str_text(&text));
}

static void add_quoted(struct str *out, const char *s, size_t n)
{
    static const char from[] = "\"\\\n\t\r\a\b\f\v", to[] = "\"\\ntrabfv";

    str_add_char(out, '"');
    while (n > 0) {
        uint32_t rune = 0;
        size_t k = utf8_next(s, n, &rune);
        const char *found = rune && rune < 0x80 ? strchr(from, (int)rune) : NULL;

        if (found)
            str_addf(out, "\\%c", to[found - from]);
        else if (k == 0 || rune < 0x20 || rune == 0x7f)
            str_addf(out, "\\x%02x", (unsigned char)*s);
        else if (rune < 0xa0 && rune >= 0x80)
            str_addf(out, "\\u%04x", (unsigned)rune);
        else
            str_add_bytes(out, s, k);
        s += k ? k : 1;
        n -= k ? k : 1;
    }
    str_add_char(out, '"');
}

static bool add_string(struct str *out, const struct spec *spec, const char *s, size_t n)
{
    auto_str text = STR_INIT(SIZE_MAX / 4); /* a few times as long as a value of the run */
    size_t cut = 0;
    uint32_t rune;

    for (int i = 0; spec->precision >= 0 && cut < n && i < spec->precision; i++)
        cut += MAX(utf8_next(s + cut, n - cut, &rune), (size_t)1);
    n = spec->precision >= 0 ? cut : n;
    if (spec->verb == 'q')
        add_quoted(&text, s, n);
    else if (spec->verb == 's' || spec->verb == 'v')
        str_add_bytes(&text, s, n);
    else if (spec->verb == 'x' || spec->verb == 'X')
        for (size_t i = 0; i < n; i++)
            str_addf(&text, spec->verb == 'x' ? "%02x" : "%02X", (unsigned char)s[i]);
    else
        return false;
    add_padded(out, spec, str_text(&text));
    return true;
}

static void binary_digits(uint64_t n, char ret[static 65])
{
    size_t len = 0;

    for (int bit = 63; bit >= 0; bit--)
        if (len > 0 || bit == 0 || (n >> bit & 1))
            ret[len++] = (char)('0' + (n >> bit & 1));
    ret[len] = 0;
}

static void add_rune(struct str *out, const struct spec *spec, uint64_t rune)
{
    char text[5] = "";

    if (rune > UINT32_MAX || utf8_put((uint32_t)rune, text) == 0)
        memcpy(text, UTF8_REPLACEMENT, sizeof(UTF8_REPLACEMENT));
    add_padded(out, spec, text);
}

static bool add_integer(struct str *out, const struct spec *spec, struct json_object *o)
{
    int64_t n = json_object_get_int64(o);
    uint64_t magnitude = n < 0 ? -(uint64_t)n : json_object_get_uint64(o);
    char digits[65];
    const char *prefix = "";

    switch (spec->verb) {
    case 'd':
    case 'v':
        snprintf(digits, sizeof(digits), "%llu", (unsigned long long)magnitude);
        break;
    case 'x':
        prefix = spec->has_sharp ? "0x" : "";
        snprintf(digits, sizeof(digits), "%llx", (unsigned long long)magnitude);
        break;
    case 'X':
        prefix = spec->has_sharp ? "0X" : "";
        snprintf(digits, sizeof(digits), "%llX", (unsigned long long)magnitude);
        break;
    case 'o':
        prefix = spec->has_sharp ? "0" : "";
        snprintf(digits, sizeof(digits), "%llo", (unsigned long long)magnitude);
        break;
    case 'b':
        binary_digits(magnitude, digits);
        break;
    case 'c':
        add_rune(out, spec, n < 0 ? UINT64_MAX : magnitude);
        return true;
    default:
        return false;
    }
    add_number(out, spec, n < 0, prefix, digits);
    return true;
}

static bool add_real(struct str *out, const struct spec *spec, struct json_object *o)
{
    double d = json_object_get_double(o), magnitude = d < 0 ? -d : d;
    int precision = spec->precision < 0 ? 6 : spec->precision;
    auto_str digits = STR_INIT(2 * MAX_WIDTH);
    auto_json *shortest = NULL;

    switch (spec->verb) {
    case 'f':
    case 'F':
        str_addf(&digits, "%.*f", precision, magnitude);
        break;
    case 'e':
        str_addf(&digits, "%.*e", precision, magnitude);
        break;
    case 'E':
        str_addf(&digits, "%.*E", precision, magnitude);
        break;
    case 'g':
    case 'v':
        if (spec->precision >= 0) {
            str_addf(&digits, "%.*g", precision, magnitude);
        } else {
            shortest = json_object_new_double(magnitude);
            tmpl_add_value(&digits, shortest);
        }
        break;
    default:
        return false;
    }
    add_number(out, spec, d < 0, "", str_text(&digits));
    return true;
}

/* Lists, maps, bools and nil have one text. */
static bool add_other(struct str *out, const struct spec *spec, struct json_object *o)
{
    bool is_bool = json_object_is_type(o, json_type_boolean);
    auto_str text = STR_INIT(SIZE_MAX / 4);

    if (spec->verb != 'v' && !(spec->verb == 't' && is_bool) &&
        !(spec->verb == 's' && o && !is_bool))
        return false;
    if (o)
        tmpl_add_value(&text, o);
    else
        str_add(&text, "<nil>");
    add_padded(out, spec, str_text(&text));
    return true;
}

static void add_typed(struct str *out, struct json_object *o)
{
    static const char *const names[] = {
        [json_type_null] = "nil",
        [json_type_boolean] = "bool",
        [json_type_double] = "float64",
        [json_type_int] = "int",
        [json_type_object] = "map[string]interface {}",
        [json_type_array] = "[]interface {}",
        [json_type_string] = "string",
    };

    if (!o) {
        str_add(out, "<nil>");
        return;
    }
    str_addf(out, "%s=", names[json_object_get_type(o)]);
    tmpl_add_value(out, o);
}

static void add_argument(struct str *out, const struct spec *spec, struct json_object *o)
{
    bool fits;

    switch (json_object_get_type(o)) {
    case json_type_string:
        fits =
            add_string(out, spec, json_object_get_string(o), (size_t)json_object_get_string_len(o));
        break;
    case json_type_int:
        fits = add_integer(out, spec, o) || add_real(out, spec, o);
        break;
    case json_type_double:
        fits = add_real(out, spec, o);
        break;
    case json_type_null:
    case json_type_boolean:
    case json_type_object:
    case json_type_array:
    default:
        fits = add_other(out, spec, o);
        break;
    }
    if (fits)
        return;
    str_addf(out, "%%!%c(", spec->verb);
    add_typed(out, o);
    str_add_char(out, ')');
}

int tmpl_printf(const struct tmpl_call *c, struct json_object **ret)
{
    auto_str out = tmpl_buffer(c->run);
    const char *s = json_object_get_string(c->args[0]);
    size_t next = 1;

    if (!json_object_is_type(c->args[0], json_type_string))
        return tmpl_fail(c->run, "printf: expected a string, got %s", tmpl_type_name(c->args[0]));
    while (*s && !out.too_big) {
        size_t plain = strcspn(s, "%");
        struct spec spec;

        str_add_bytes(&out, s, plain);
        s += plain;
        if (!*s)
            break;
        s++;
        if (*s == '%') {
            str_add_char(&out, *s++);
        } else if (!parse_spec(&s, &spec)) {
            str_add(&out, *s ? "%!(BADWIDTH)" : "%!(NOVERB)");
        } else if (next >= c->n) {
            str_addf(&out, "%%!%c(MISSING)", spec.verb);
        } else {
            add_argument(&out, &spec, c->args[next++]);
        }
    }
    for (size_t i = next; i < c->n; i++) {
        str_add(&out, i == next ? "%!(EXTRA " : ", ");
        add_typed(&out, c->args[i]);
        str_add(&out, i + 1 == c->n ? ")" : "");
    }
    return tmpl_keep_text(c->run, &out, ret);
}
