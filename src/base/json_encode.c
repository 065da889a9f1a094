/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a field whose value is zero, empty or NULL is left out, unless its row says
 * JSON_KEEP_EMPTY or JSON_REQUIRED: what was encoded can always be decoded. Keys are the tables'
 * own constants, so json-c copies and hashes as little as it can.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json_private.h"
#include "base/strv.h"

static struct json_object *encode_strv(char *const *v)
{
    struct json_object *o = json_object_new_array_ext((int)strv_len(v));

    STRV_FOREACH (s, v)
        json_object_array_add(o, json_object_new_string(*s));
    return o;
}

static struct json_object *encode_strmap(char *const *v)
{
    struct json_object *o = json_object_new_object();

    STRV_FOREACH (s, v) {
        const char *equals = strchrnul(*s, '=');
        auto_free char *key = alloc_strndup(*s, (size_t)(equals - *s));

        json_object_object_add(o, key, json_object_new_string(*equals ? equals + 1 : ""));
    }
    return o;
}

static struct json_object *encode_array(const struct json_field *f, const void *p)
{
    struct json_vec v = json_vec_load(p);
    struct json_object *o = json_object_new_array_ext((int)v.len);

    for (size_t i = 0; i < v.len; i++) {
        if (f->type == JSON_ARRAY)
            json_object_array_add(o, json_encode(f->nested,
                                                 (const char *)v.items + i * f->nested->size));
        else
            json_object_array_add(o, json_object_new_int64(((const uint32_t *)v.items)[i]));
    }
    return o;
}

static struct json_object *encode_map(const struct json_struct *t, const void *p)
{
    struct json_vec v = json_vec_load(p);
    struct json_object *o = json_object_new_object();

    for (size_t i = 0; i < v.len; i++) {
        const char *item = (const char *)v.items + i * t->size;

        json_object_object_add(o, *(char *const *)item, json_encode(t, item));
    }
    return o;
}

static struct json_object *encode_unsigned(uint64_t n)
{
    return n <= INT64_MAX ? json_object_new_int64((int64_t)n) : json_object_new_uint64(n);
}

static struct json_object *encode_enum(const struct json_field *f, const void *p)
{
    unsigned n = *(const unsigned *)p;

    return n < f->n_names && f->names[n] ? json_object_new_string(f->names[n]) : NULL;
}

/* Reports whether the value counts as absent; makes it either way. */
static struct json_object *encode_scalar(const struct json_field *f, const void *p, bool *ret_empty)
{
    switch (f->type) {
    case JSON_STRING: {
        const char *s = *(char *const *)p;

        *ret_empty = !s || !*s;
        return json_object_new_string(s ? s : "");
    }
    case JSON_BOOL:
        *ret_empty = !*(const bool *)p;
        return json_object_new_boolean(*(const bool *)p);
    case JSON_INT32:
        *ret_empty = *(const int32_t *)p == 0;
        return json_object_new_int64(*(const int32_t *)p);
    case JSON_INT64:
        *ret_empty = *(const int64_t *)p == 0;
        return json_object_new_int64(*(const int64_t *)p);
    case JSON_UINT32:
        *ret_empty = *(const uint32_t *)p == 0;
        return json_object_new_int64(*(const uint32_t *)p);
    case JSON_UINT64:
        *ret_empty = *(const uint64_t *)p == 0;
        return encode_unsigned(*(const uint64_t *)p);
    case JSON_DOUBLE:
        *ret_empty = *(const double *)p == 0;
        return json_object_new_double(*(const double *)p);
    case JSON_ENUM:
        *ret_empty = *(const unsigned *)p == 0;
        return encode_enum(f, p);
    case JSON_OPT_INT64: {
        const struct json_opt_i64 *n = p;

        *ret_empty = !n->is_set;
        return n->is_set ? json_object_new_int64(n->value) : NULL;
    }
    case JSON_OPT_UINT64: {
        const struct json_opt_u64 *n = p;

        *ret_empty = !n->is_set;
        return n->is_set ? encode_unsigned(n->value) : NULL;
    }
    case JSON_STRV:
    case JSON_STRMAP:
    case JSON_OBJECT:
    case JSON_OBJECT_PTR:
    case JSON_ARRAY:
    case JSON_MAP:
    case JSON_U32_ARRAY:
    case JSON_RAW:
        break;
    }
    *ret_empty = true;
    return NULL;
}

static struct json_object *encode_field(const struct json_field *f, const void *p, bool *ret_empty)
{
    struct json_object *o;

    switch (f->type) {
    case JSON_STRV:
        *ret_empty = strv_len(*(char **const *)p) == 0;
        return encode_strv(*(char **const *)p);
    case JSON_STRMAP:
        *ret_empty = strv_len(*(char **const *)p) == 0;
        return encode_strmap(*(char **const *)p);
    case JSON_OBJECT:
        o = json_encode(f->nested, p);
        *ret_empty = json_object_object_length(o) == 0;
        return o;
    case JSON_OBJECT_PTR: {
        void *inner;

        memcpy(&inner, p, sizeof(inner));
        *ret_empty = !inner;
        return inner ? json_encode(f->nested, inner) : NULL;
    }
    case JSON_ARRAY:
    case JSON_U32_ARRAY:
        *ret_empty = json_vec_load(p).len == 0;
        return encode_array(f, p);
    case JSON_MAP:
        *ret_empty = json_vec_load(p).len == 0;
        return encode_map(f->nested, p);
    case JSON_RAW:
        o = *(struct json_object *const *)p;
        *ret_empty = !o;
        return json_object_get(o);
    case JSON_STRING:
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
    return encode_scalar(f, p, ret_empty);
}

struct json_object *json_encode(const struct json_struct *t, const void *value)
{
    struct json_object *o = json_object_new_object();

    for (size_t i = 0; i < t->n_fields; i++) {
        const struct json_field *f = &t->fields[i];
        struct json_object *member;
        bool is_empty;

        if (f->flags & JSON_UNSUPPORTED)
            continue;
        member = encode_field(f, (const char *)value + f->offset, &is_empty);
        if (is_empty && !(f->flags & (JSON_KEEP_EMPTY | JSON_REQUIRED))) {
            json_object_put(member);
            continue;
        }
        json_object_object_add_ex(o, f->key, member,
                                  JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
    }
    return o;
}
