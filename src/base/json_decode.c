/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the table's rows are looked up one by one in the tree; the path to the value at hand is a
 * chain of frames on the stack, made into text only for an error. null means absent. A value that
 * the struct held before (a default) is freed when the text has its own. On failure the whole
 * struct is freed and zeroed: nobody sees a half-decoded one.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_private.h"
#include "base/str.h"
#include "base/strv.h"

struct path {
    const struct path *parent;
    const char *key; /* NULL: an array element */
    size_t index;
};

static const char *const type_names[] =
    {[json_type_null] = "null",    [json_type_boolean] = "boolean", [json_type_double] = "number",
     [json_type_int] = "integer",  [json_type_object] = "object",   [json_type_array] = "array",
     [json_type_string] = "string"};

static void path_text(const struct path *p, struct str *out)
{
    if (p->parent)
        path_text(p->parent, out);
    if (!p->key)
        str_addf(out, "[%zu]", p->index);
    else
        str_addf(out, "%s%.64s", out->len ? "." : "", p->key);
}

static int DHOW_PRINTF(4, 5)
    fail(const struct path *p, struct err *e, enum err_kind kind, const char *fmt, ...)
{
    auto_str path = STR_INIT(4096);
    auto_str text = STR_INIT(4096);
    va_list ap;

    path_text(p, &path);
    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    return err_set(e, kind, "%s: %s", str_text(&path), str_text(&text));
}

static int expect(const struct path *p, struct json_object *o, json_type want, struct err *e)
{
    json_type got = json_object_get_type(o);

    if (got == want)
        return 0;
    return fail(p, e, ERR_INVALID, "expected %s, got %s", type_names[want], type_names[got]);
}

/* Scalars */

static int decode_i64(const struct path *p, struct json_object *o, int64_t min, int64_t max,
                      int64_t *ret, struct err *e)
{
    if (expect(p, o, json_type_int, e) < 0)
        return -1;
    if (json_object_get_uint64(o) > INT64_MAX || json_object_get_int64(o) < min ||
        json_object_get_int64(o) > max)
        return fail(p, e, ERR_INVALID, "%s is out of range", json_object_get_string(o));
    *ret = json_object_get_int64(o);
    return 0;
}

static int decode_u64(const struct path *p, struct json_object *o, uint64_t max, uint64_t *ret,
                      struct err *e)
{
    if (expect(p, o, json_type_int, e) < 0)
        return -1;
    /* A negative number reads as 0 by the unsigned getter. */
    if (json_object_get_int64(o) < 0 || json_object_get_uint64(o) > max)
        return fail(p, e, ERR_INVALID, "%s is out of range", json_object_get_string(o));
    *ret = json_object_get_uint64(o);
    return 0;
}

static int decode_double(const struct path *p, struct json_object *o, double *ret, struct err *e)
{
    if (!json_object_is_type(o, json_type_int) && expect(p, o, json_type_double, e) < 0)
        return -1;
    if (!isfinite(json_object_get_double(o)))
        return fail(p, e, ERR_INVALID, "the number is out of range");
    *ret = json_object_get_double(o);
    return 0;
}

/* Borrowed text. */
static int decode_string(const struct path *p, struct json_object *o, const char **ret,
                         struct err *e)
{
    const char *s;

    if (expect(p, o, json_type_string, e) < 0)
        return -1;
    s = json_object_get_string(o);
    if (strlen(s) != (size_t)json_object_get_string_len(o))
        return fail(p, e, ERR_INVALID, "the string has a NUL");
    *ret = s;
    return 0;
}

static int decode_enum(const struct path *p, struct json_object *o, const struct json_field *f,
                       void *ret, struct err *e)
{
    const char *s;

    if (decode_string(p, o, &s, e) < 0)
        return -1;
    for (unsigned i = 0; i < f->n_names; i++) {
        if (f->names[i] && strcmp(f->names[i], s) == 0) {
            memcpy(ret, &i, sizeof(i));
            return 0;
        }
    }
    return fail(p, e, ERR_INVALID, "unknown value '%.64s'", s);
}

static int decode_number(const struct path *p, struct json_object *o, const struct json_field *f,
                         void *ret, struct err *e)
{
    bool is_32 = f->type == JSON_INT32 || f->type == JSON_UINT32;
    bool is_signed = f->type == JSON_INT32 || f->type == JSON_INT64 || f->type == JSON_OPT_INT64;
    int64_t i = 0;
    uint64_t u = 0;

    if (is_signed &&
        decode_i64(p, o, is_32 ? INT32_MIN : INT64_MIN, is_32 ? INT32_MAX : INT64_MAX, &i, e) < 0)
        return -1;
    if (!is_signed && decode_u64(p, o, is_32 ? UINT32_MAX : UINT64_MAX, &u, e) < 0)
        return -1;
    if (f->type == JSON_INT32)
        *(int32_t *)ret = (int32_t)i;
    else if (f->type == JSON_INT64)
        *(int64_t *)ret = i;
    else if (f->type == JSON_UINT32)
        *(uint32_t *)ret = (uint32_t)u;
    else if (f->type == JSON_UINT64)
        *(uint64_t *)ret = u;
    else if (f->type == JSON_OPT_INT64)
        *(struct json_opt_i64 *)ret = (struct json_opt_i64){true, i};
    else
        *(struct json_opt_u64 *)ret = (struct json_opt_u64){true, u};
    return 0;
}

/* Compounds. They write into the zeroed field as they go: a failure frees the whole struct. */

/* Room for n strings and the end, in the steps in which strv_take() grows: pushing each one with
 * strv_add() counts them again, which a long hostile list makes quadratic. */
static char **new_strv(size_t n)
{
    size_t room = 1;

    if (n == 0)
        return NULL;
    while (room < n + 1)
        room *= 2;
    return alloc_zero(room, sizeof(char *));
}

static int decode_strv(const struct path *p, struct json_object *o, char ***ret, struct err *e)
{
    size_t n;

    if (expect(p, o, json_type_array, e) < 0)
        return -1;
    n = json_object_array_length(o);
    *ret = n ? new_strv(n) : alloc_zero(2, sizeof(char *)); /* an empty list is not none */
    for (size_t i = 0; i < n; i++) {
        struct path here = {.parent = p, .index = i};
        const char *s;

        if (decode_string(&here, json_object_array_get_idx(o, i), &s, e) < 0)
            return -1;
        (*ret)[i] = alloc_strdup(s);
    }
    return 0;
}

static int decode_strmap(const struct path *p, struct json_object *o, char ***ret, struct err *e)
{
    size_t i = 0;

    if (expect(p, o, json_type_object, e) < 0)
        return -1;
    *ret = new_strv((size_t)json_object_object_length(o));
    json_object_object_foreach(o, key, value)
    {
        struct path here = {.parent = p, .key = key};
        const char *s;

        if (strchr(key, '='))
            return fail(&here, e, ERR_INVALID, "the key has a '=' in it");
        if (decode_string(&here, value, &s, e) < 0)
            return -1;
        (*ret)[i++] = alloc_printf("%s=%s", key, s);
    }
    return 0;
}

static int decode_struct(const struct path *p, struct json_object *o, const struct json_struct *t,
                         void *ret, struct err *e);

static int decode_array(const struct path *p, struct json_object *o, const struct json_field *f,
                        void *ret, struct err *e)
{
    size_t size = f->type == JSON_ARRAY ? f->nested->size : sizeof(uint32_t);
    struct json_vec v = {0};
    int result = 0;

    if (expect(p, o, json_type_array, e) < 0)
        return -1;
    v.len = v.cap = json_object_array_length(o);
    if (v.len == 0)
        return 0;
    v.items = alloc_zero(v.len, size);
    for (size_t i = 0; i < v.len && result == 0; i++) {
        struct path here = {.parent = p, .index = i};
        struct json_object *element = json_object_array_get_idx(o, i);
        char *item = (char *)v.items + i * size;
        uint64_t number = 0;

        if (f->type == JSON_ARRAY) {
            result = decode_struct(&here, element, f->nested, item, e);
        } else {
            result = decode_u64(&here, element, UINT32_MAX, &number, e);
            *(uint32_t *)item = (uint32_t)number;
        }
    }
    memcpy(ret, &v, sizeof(v));
    return result;
}

static int decode_map(const struct path *p, struct json_object *o, const struct json_struct *t,
                      void *ret, struct err *e)
{
    struct json_vec v = {0};
    int result = 0;

    if (expect(p, o, json_type_object, e) < 0)
        return -1;
    v.cap = (size_t)json_object_object_length(o);
    if (v.cap == 0)
        return 0;
    v.items = alloc_zero(v.cap, t->size);
    json_object_object_foreach(o, key, value)
    {
        struct path here = {.parent = p, .key = key};
        char *item = (char *)v.items + v.len * t->size;

        *(char **)item = alloc_strdup(key);
        v.len++;
        result = decode_struct(&here, value, t, item, e);
        if (result < 0)
            break;
    }
    memcpy(ret, &v, sizeof(v));
    return result;
}

static int decode_object_ptr(const struct path *p, struct json_object *o,
                             const struct json_struct *t, void *ret, struct err *e)
{
    void *inner = alloc_zero(1, t->size);

    memcpy(ret, &inner, sizeof(inner));
    return decode_struct(p, o, t, inner, e);
}

static int decode_value(const struct path *p, struct json_object *o, const struct json_field *f,
                        void *ret, struct err *e)
{
    const char *s;

    switch (f->type) {
    case JSON_STRING:
        if (decode_string(p, o, &s, e) < 0)
            return -1;
        *(char **)ret = alloc_strdup(s);
        return 0;
    case JSON_BOOL:
        if (expect(p, o, json_type_boolean, e) < 0)
            return -1;
        *(bool *)ret = json_object_get_boolean(o);
        return 0;
    case JSON_INT32:
    case JSON_INT64:
    case JSON_UINT32:
    case JSON_UINT64:
    case JSON_OPT_INT64:
    case JSON_OPT_UINT64:
        return decode_number(p, o, f, ret, e);
    case JSON_DOUBLE:
        return decode_double(p, o, ret, e);
    case JSON_ENUM:
        return decode_enum(p, o, f, ret, e);
    case JSON_STRV:
        return decode_strv(p, o, ret, e);
    case JSON_STRMAP:
        return decode_strmap(p, o, ret, e);
    case JSON_OBJECT:
        return decode_struct(p, o, f->nested, ret, e);
    case JSON_OBJECT_PTR:
        return decode_object_ptr(p, o, f->nested, ret, e);
    case JSON_ARRAY:
    case JSON_U32_ARRAY:
        return decode_array(p, o, f, ret, e);
    case JSON_MAP:
        return decode_map(p, o, f->nested, ret, e);
    case JSON_RAW:
        *(struct json_object **)ret = json_object_get(o);
        return 0;
    }
    return fail(p, e, ERR_INTERNAL, "the table has an unknown type");
}

static int refuse_unknown(const struct path *p, struct json_object *o, const struct json_struct *t,
                          struct err *e)
{
    json_object_object_foreach(o, key, value)
    {
        struct path here = {.parent = p, .key = key};
        size_t i = 0;

        (void)value;
        while (i < t->n_fields && strcmp(t->fields[i].key, key) != 0)
            i++;
        if (i == t->n_fields)
            return fail(&here, e, ERR_INVALID, "unknown field");
    }
    return 0;
}

static int decode_struct(const struct path *p, struct json_object *o, const struct json_struct *t,
                         void *ret, struct err *e)
{
    struct path top = {.key = t->name}; /* only for an error about the top itself */

    if (expect(p ? p : &top, o, json_type_object, e) < 0)
        return -1;
    if (t->strict && refuse_unknown(p, o, t, e) < 0)
        return -1;
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct json_field *f = &t->fields[i];
        struct path here = {.parent = p, .key = f->key};
        struct json_object *member = json_object_object_get(o, f->key);
        char *at = (char *)ret + f->offset;

        if (!member && (f->flags & JSON_REQUIRED))
            return fail(&here, e, ERR_INVALID, "missing");
        if (!member)
            continue;
        if (f->flags & JSON_UNSUPPORTED)
            return fail(&here, e, ERR_UNSUPPORTED, "not supported");
        json_free_field(f, at);
        if (decode_value(&here, member, f, at, e) < 0)
            return -1;
    }
    return 0;
}

int json_decode_at(struct json_object *o, const struct json_struct *t, const char *path, void *ret,
                   struct err *e)
{
    struct path top = {.key = path};

    if (decode_struct(path ? &top : NULL, o, t, ret, e) == 0)
        return 0;
    json_free_struct(t, ret);
    return -1;
}

int json_decode(struct json_object *o, const struct json_struct *t, void *ret, struct err *e)
{
    return json_decode_at(o, t, NULL, ret, e);
}
