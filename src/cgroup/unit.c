/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a container under systemd is a scope, named in a cgroupsPath of a form of its own,
 * "SLICE:PREFIX:NAME". Slices nest by their names: a-b.slice is inside a.slice.
 *
 * Annotations "org.systemd.property.NAME" set properties of the scope, in the text form of
 * GVariant ("'inactive-or-failed'", "uint64 5000000", "['a.service']"); NAMESec takes seconds for
 * NAMEUSec.
 *
 * Trust boundary: annotations of a pod may come from somebody who may not touch the host (the class
 * of CVE-2024-3154). Only what concerns the scope alone is on the list: how it ends, how it is
 * ordered, how it is described. Not what starts, stops or binds other units, what moves processes
 * into it, what runs programs, nor what its specification limits.
 */
#include "cgroup/unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

#define ANNOTATION    "org.systemd.property."
#define PREFIX        "dhow"
#define UNIT_NAME_MAX 255
#define MAX_SET       8192
#define US_PER_S      1000000u

void unit_properties_done(struct unit_properties *p)
{
    VEC_FOREACH (x, &p->list) {
        free(x->name);
        free(x->text);
        strv_free(x->list);
    }
    vec_done(&p->list);
}

static struct sys_unit_property *add(struct unit_properties *p, const char *name,
                                     enum sys_unit_type type)
{
    struct sys_unit_property x = {.name = alloc_strdup(name), .type = type};

    vec_push(&p->list, x);
    return &p->list.items[p->list.len - 1];
}

void unit_add_bool(struct unit_properties *p, const char *name, bool value)
{
    add(p, name, SYS_UNIT_BOOL)->number = value;
}

void unit_add_number(struct unit_properties *p, const char *name, uint64_t value)
{
    add(p, name, SYS_UNIT_U64)->number = value;
}

void unit_add_string(struct unit_properties *p, const char *name, const char *value)
{
    add(p, name, SYS_UNIT_STRING)->text = alloc_strdup(value);
}

/* Names */

char *unit_expand_slice(const char *slice, struct err *e)
{
    size_t n = strlen(slice);
    auto_strv parts = NULL;
    auto_str path = STR_INIT(4096), prefix = STR_INIT(UNIT_NAME_MAX + 1);
    auto_free char *stem = NULL;

    if (strcmp(slice, "-.slice") == 0)
        return alloc_strdup("");
    if (n <= strlen(".slice") || !str_ends_with(slice, ".slice") || strchr(slice, '/') ||
        n > UNIT_NAME_MAX)
        goto bad;
    stem = alloc_strndup(slice, n - strlen(".slice"));
    parts = strv_split(stem, '-');
    STRV_FOREACH (part, parts) {
        if (!**part)
            goto bad;
        str_addf(&prefix, "%s%s", prefix.len ? "-" : "", *part);
        str_addf(&path, "%s%s.slice", path.len ? "/" : "", str_text(&prefix));
    }
    if (!path.too_big && !prefix.too_big)
        return str_take(&path);
bad:
    err_set(e, ERR_INVALID, "invalid slice name: %s", slice);
    return NULL;
}

/* unit_name_is_valid() of systemd, without templates. */
static bool is_unit_name(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(":_.\\-@", *p))
            return false;
    return *s && strlen(s) <= UNIT_NAME_MAX;
}

int unit_parse_path(const char *path, const char *id, bool is_user, char **ret_slice,
                    char **ret_unit, struct err *e)
{
    auto_strv parts = path ? strv_split(path, ':') : NULL;
    const char *slice, *prefix, *name;
    auto_free char *unit = NULL;

    if (path && strv_len(parts) != 3)
        return err_set(e, ERR_INVALID,
                       "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
                       "cgroups, got \"%s\" instead",
                       path);
    slice = path && *parts[0] ? parts[0] : is_user ? "user.slice" : "system.slice";
    prefix = path ? parts[1] : PREFIX;
    name = path ? parts[2] : id ? id : "";
    if (!*name || str_ends_with(name, ".slice"))
        return err_set(e, ERR_INVALID, "a container's unit cannot be '%s'", name);
    unit = alloc_printf("%s%s%s.scope", prefix, *prefix ? "-" : "", name);
    if (!is_unit_name(unit))
        return err_set(e, ERR_INVALID, "invalid unit name: %s", unit);
    *ret_slice = alloc_strdup(slice);
    *ret_unit = take_ptr(&unit);
    return 0;
}

/* Annotations */

static const struct {
    const char *name;
    enum sys_unit_type type;
} allowed[] = {
    {"After", SYS_UNIT_STRINGS},
    {"Before", SYS_UNIT_STRINGS},
    {"CollectMode", SYS_UNIT_STRING},
    {"DefaultDependencies", SYS_UNIT_BOOL},
    {"Description", SYS_UNIT_STRING},
    {"Documentation", SYS_UNIT_STRINGS},
    {"FinalKillSignal", SYS_UNIT_I32},
    {"IgnoreOnIsolate", SYS_UNIT_BOOL},
    {"KillMode", SYS_UNIT_STRING},
    {"KillSignal", SYS_UNIT_I32},
    {"ManagedOOMMemoryPressure", SYS_UNIT_STRING},
    {"ManagedOOMSwap", SYS_UNIT_STRING},
    {"OOMPolicy", SYS_UNIT_STRING},
    {"RuntimeMaxUSec", SYS_UNIT_U64},
    {"SendSIGHUP", SYS_UNIT_BOOL},
    {"SendSIGKILL", SYS_UNIT_BOOL},
    {"TimeoutStopUSec", SYS_UNIT_U64},
};

/* What GVariant's text may put before a number; none says anything that the table does not. */
static const char *skip_number_type(const char *s)
{
    static const char *const types[] = {"byte ",  "int16 ",  "uint16 ", "int32 ", "uint32 ",
                                        "int64 ", "uint64 ", "@y ",     "@n ",    "@q ",
                                        "@i ",    "@u ",     "@x ",     "@t "};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_starts_with(s, types[i]))
            return s + strlen(types[i]);
    return s;
}

/* Seconds, with a fraction if need be, as microseconds. */
static int parse_seconds(const char *text, uint64_t *ret)
{
    const char *s =
        str_starts_with(text, "double ") ? text + strlen("double ") : skip_number_type(text);
    size_t whole = strcspn(s, "."), digits = s[whole] ? strlen(s + whole + 1) : 0;
    auto_free char *seconds = alloc_strndup(s, whole);
    uint64_t n, fraction = 0;

    if (str_to_u64(seconds, UINT64_MAX / US_PER_S - 1, &n) < 0)
        return -EINVAL;
    if (s[whole]) {
        if (digits == 0 || digits > 6 || str_to_u64(s + whole + 1, US_PER_S, &fraction) < 0)
            return -EINVAL;
        for (; digits < 6; digits++)
            fraction *= 10;
    }
    *ret = n * US_PER_S + fraction;
    return 0;
}

/* 'text' or "text", the rest behind it. */
static int parse_string(const char **inout, char **ret)
{
    const char *s = *inout;
    char quote = *s;
    auto_str text = STR_INIT(4096);

    if (quote != '\'' && quote != '"')
        return -EINVAL;
    for (s++; *s != quote; s++) {
        if (*s == '\\' && s[1] && strchr("\\'\"", s[1]))
            s++;
        else if (*s == '\\' || !isprint((unsigned char)*s)) /* the end, too */
            return -EINVAL;
        str_add_char(&text, *s);
    }
    if (text.too_big)
        return -EINVAL;
    *inout = s + 1;
    *ret = str_take(&text);
    return 0;
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " ");
}

static int parse_strings(const char *s, char ***ret)
{
    if (str_starts_with(s, "@as "))
        s += strlen("@as ");
    if (*s++ != '[')
        return -EINVAL;
    for (s = skip_blanks(s); *s != ']'; s = skip_blanks(s)) {
        char *one = NULL;

        if (parse_string(&s, &one) < 0)
            return -EINVAL;
        strv_take(ret, one);
        s = skip_blanks(s);
        if (*s == ',')
            s++;
        else if (*s != ']')
            return -EINVAL;
    }
    return *skip_blanks(s + 1) ? -EINVAL : 0;
}

static int parse_value(const char *s, bool is_seconds, struct sys_unit_property *ret)
{
    int64_t number = 0;

    switch (ret->type) {
    case SYS_UNIT_BOOL:
        ret->number = strcmp(s, "true") == 0;
        return ret->number || strcmp(s, "false") == 0 ? 0 : -EINVAL;
    case SYS_UNIT_I32:
        if (str_to_i64(skip_number_type(s), INT32_MIN, INT32_MAX, &number) < 0)
            return -EINVAL;
        ret->number = (uint64_t)number;
        return 0;
    case SYS_UNIT_U64:
        return is_seconds ? parse_seconds(s, &ret->number)
                          : str_to_u64(skip_number_type(s), UINT64_MAX, &ret->number);
    case SYS_UNIT_STRING:
        return parse_string(&s, &ret->text) < 0 || *skip_blanks(s) ? -EINVAL : 0;
    case SYS_UNIT_STRINGS:
        return parse_strings(s, &ret->list);
    case SYS_UNIT_PAIRS:
    case SYS_UNIT_BYTES:
    case SYS_UNIT_PIDS:
        break; /* not in the table */
    }
    return -EINVAL;
}

/* "TimeoutStopSec" is "TimeoutStopUSec" in seconds; "USec" itself is not. */
static bool is_in_seconds(const char *name)
{
    size_t n = strlen(name);

    return n > 3 && strcmp(name + n - 3, "Sec") == 0 && islower((unsigned char)name[n - 4]);
}

static int parse_annotation(const char *name, const char *value, struct unit_properties *ret,
                            struct err *e)
{
    bool is_seconds = is_in_seconds(name);
    auto_free char *full =
        is_seconds ? alloc_printf("%.*sUSec", (int)strlen(name) - 3, name) : alloc_strdup(name);

    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        if (strcmp(allowed[i].name, full) != 0)
            continue;
        if (parse_value(skip_blanks(value), is_seconds, add(ret, full, allowed[i].type)) < 0)
            return err_set(e, ERR_INVALID, "annotation " ANNOTATION "%s=%s value parse error", name,
                           value);
        return 0;
    }
    return err_set(e, ERR_DENIED,
                   "annotation " ANNOTATION "%s: not a property that a container may set", name);
}

int unit_parse_annotations(char *const *annotations, struct unit_properties *ret, struct err *e)
{
    STRV_FOREACH (entry, annotations) {
        const char *equals = strchr(*entry, '=');
        auto_free char *name = NULL;

        if (!equals || !str_starts_with(*entry, ANNOTATION))
            continue;
        name = alloc_strndup(*entry + strlen(ANNOTATION),
                             (size_t)(equals - *entry) - strlen(ANNOTATION));
        if (parse_annotation(name, equals + 1, ret, e) < 0)
            return -1;
    }
    return 0;
}

/* Sets */

static int parse_range(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
    size_t first = strcspn(text, "-");
    auto_free char *from = alloc_strndup(text, first);

    if (str_to_u64(from, MAX_SET - 1, ret_first) < 0)
        return -EINVAL;
    *ret_last = *ret_first;
    if (text[first] && str_to_u64(text + first + 1, MAX_SET - 1, ret_last) < 0)
        return -EINVAL;
    return *ret_first > *ret_last ? -EINVAL : 0;
}

int unit_parse_set(const char *text, char **ret, size_t *ret_n)
{
    auto_strv parts = strv_split(text, ',');
    auto_free char *bits = alloc_zero(1, MAX_SET / 8);
    size_t n = 0;

    STRV_FOREACH (part, parts) {
        const char *begin = *part + strspn(*part, " \n");
        auto_free char *range = alloc_strndup(begin, strcspn(begin, " \n"));
        uint64_t first, last;

        if (!*range)
            continue;
        if (parse_range(range, &first, &last) < 0)
            return -EINVAL;
        for (uint64_t i = first; i <= last; i++)
            bits[i / 8] = (char)(bits[i / 8] | 1 << i % 8);
        n = MAX(n, (size_t)(last / 8 + 1));
    }
    if (n == 0)
        return -EINVAL;
    *ret = take_ptr(&bits);
    *ret_n = n;
    return 0;
}
