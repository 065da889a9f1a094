/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes: what parses prints to a text that parses to the same text again, pretty or not; what
 * decodes by a table of every type encodes and decodes again.
 */
#include <string.h>

#include "base/json.h"
#include "base/vec.h"

struct inner {
    char *name;
    uint64_t soft;
};
struct entry {
    char *key;
    char *name;
};
struct outer {
    char *s;
    bool b;
    int32_t i32;
    int64_t i64;
    uint32_t u32;
    uint64_t u64;
    double d;
    char **v;
    char **m;
    unsigned e;
    struct inner o;
    struct inner *p;
    VEC(struct inner) a;
    VEC(struct entry) h;
    VEC(uint32_t) n;
    struct json_opt_i64 oi;
    struct json_opt_u64 ou;
    struct json_object *r;
};
static const char *const names[] = {"zero", NULL, "two"};
static const struct json_field inner_fields[] = {
    {"s", JSON_STRING, offsetof(struct inner, name), JSON_REQUIRED},
    {"u", JSON_UINT64, offsetof(struct inner, soft)},
};
static const struct json_struct inner_json = {"inner", sizeof(struct inner), inner_fields,
                                              ARRAY_LEN(inner_fields), .strict = true};
static const struct json_field entry_fields[] = {
    {"s", JSON_STRING, offsetof(struct entry, name)},
};
static const struct json_struct entry_json = JSON_STRUCT("entry", struct entry, entry_fields);
static const struct json_field outer_fields[] = {
    {"s", JSON_STRING, offsetof(struct outer, s)},
    {"b", JSON_BOOL, offsetof(struct outer, b)},
    {"i", JSON_INT32, offsetof(struct outer, i32)},
    {"I", JSON_INT64, offsetof(struct outer, i64)},
    {"u", JSON_UINT32, offsetof(struct outer, u32)},
    {"U", JSON_UINT64, offsetof(struct outer, u64)},
    {"d", JSON_DOUBLE, offsetof(struct outer, d)},
    {"v", JSON_STRV, offsetof(struct outer, v)},
    {"m", JSON_STRMAP, offsetof(struct outer, m)},
    {"e", JSON_ENUM, offsetof(struct outer, e), .names = names, .n_names = ARRAY_LEN(names)},
    {"o", JSON_OBJECT, offsetof(struct outer, o), .nested = &inner_json},
    {"p", JSON_OBJECT_PTR, offsetof(struct outer, p), .nested = &inner_json},
    {"a", JSON_ARRAY, offsetof(struct outer, a), .nested = &inner_json},
    {"h", JSON_MAP, offsetof(struct outer, h), .nested = &entry_json},
    {"n", JSON_U32_ARRAY, offsetof(struct outer, n)},
    {"x", JSON_OPT_INT64, offsetof(struct outer, oi)},
    {"X", JSON_OPT_UINT64, offsetof(struct outer, ou)},
    {"r", JSON_RAW, offsetof(struct outer, r)},
    {"k", JSON_RAW, 0, JSON_UNSUPPORTED},
};
static const struct json_struct outer_json = JSON_STRUCT("outer", struct outer, outer_fields);

static char *print_again(const char *text, bool pretty)
{
    auto_json *o = NULL;

    if (json_parse(text, strlen(text), SIZE_MAX, &o, NULL) < 0)
        abort();
    return json_print(o, pretty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_json *o = NULL;
    auto_free char *plain = NULL, *pretty = NULL, *again = NULL, *encoded = NULL;
    struct outer s = {0}, t = {0};

    if (json_parse((const char *)data, size, 1 << 20, &o, NULL) < 0)
        return 0;
    plain = json_print(o, false);
    pretty = print_again(plain, true);
    again = print_again(pretty, false);
    if (strcmp(plain, again) != 0)
        abort();
    if (json_decode(o, &outer_json, &s, NULL) < 0)
        return 0;
    encoded = json_encode_text(&outer_json, &s);
    /* An inline struct that was absent stays out of the text, so the text always decodes. */
    if (s.o.name && json_decode_text(encoded, strlen(encoded), SIZE_MAX, &outer_json, &t, NULL) < 0)
        abort();
    json_free_struct(&outer_json, &s);
    json_free_struct(&outer_json, &t);
    return 0;
}
