/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * JSON by tables: one row a field drives decode, encode, free and the documentation. Parsing itself
 * is json-c's.
 *
 *     static const struct json_field root_fields[] = {
 *         {"path", JSON_STRING, offsetof(struct oci_root, path), JSON_REQUIRED, .summary = "the
 * root directory"},
 *         {"readonly", JSON_BOOL, offsetof(struct oci_root, readonly)},
 *     };
 *     const struct json_struct oci_root_json = JSON_STRUCT("root", struct oci_root, root_fields);
 *
 * Memory: a decoded struct owns all its strings, vectors and pointers; json_free_struct() frees
 * what its table names (not the struct itself) and zeroes it. Every struct begins zeroed. Errors
 * carry the path: "process.rlimits[2].soft: ...".
 */
#include <json-c/json.h>

#include "base/def.h"
#include "base/err.h"

enum json_kind {
    JSON_STRING, /* char *                           */
    JSON_BOOL,   /* bool                             */
    JSON_INT32,  /* int32_t                          */
    JSON_INT64,  /* int64_t                          */
    JSON_UINT32, /* uint32_t                         */
    JSON_UINT64, /* uint64_t                         */
    JSON_DOUBLE, /* double                           */
    JSON_STRV,   /* char **, array of strings; [] is not NULL, but empty */
    JSON_STRMAP, /* char **, object of strings kept as "KEY=value" entries; a key with '=' in it is
                    refused */
    JSON_ENUM,   /* int-sized enum, by `names`       */
    JSON_OBJECT, /* struct inline, by `nested`       */
    JSON_OBJECT_PTR, /* struct *, NULL when absent, by `nested` */
    JSON_ARRAY,      /* VEC(struct nested)               */
    JSON_MAP,        /* VEC(struct nested), object: the struct's first member is the key, a char *
                        that has no row of its own */
    JSON_U32_ARRAY,  /* VEC(uint32_t)                    */
    JSON_OPT_INT64,  /* struct json_opt_i64              */
    JSON_OPT_UINT64, /* struct json_opt_u64              */
    JSON_RAW,        /* struct json_object *, referenced */
};

enum json_flags {
    JSON_REQUIRED = 1 << 0, /* decode fails without it */
    JSON_KEEP_EMPTY =
        1 << 1, /* encode even when zero, empty or NULL (NULL string as "", NULL vector as [], NULL
                   pointer, unset option and NULL raw as null); JSON_REQUIRED does so too */
    JSON_UNSUPPORTED = 1 << 2 /* known, but refused with ERR_UNSUPPORTED when present */
};

struct json_opt_i64 {
    bool is_set;
    int64_t value;
};
struct json_opt_u64 {
    bool is_set;
    uint64_t value;
};

struct json_struct;
struct json_field {
    const char *key;
    enum json_kind type;
    size_t offset;
    unsigned flags;
    const struct json_struct *nested;
    const char *const *names; /* JSON_ENUM: indexed by value, closed by n_names */
    size_t n_names;
    const char *summary;
};
struct json_struct {
    const char *name;
    size_t size;
    const struct json_field *fields;
    size_t n_fields;
    bool strict; /* unknown keys are an error; else they are ignored */
};
#define JSON_STRUCT(label, type, table)                                                            \
    {                                                                                              \
        .name = (label), .size = sizeof(type), .fields = (table), .n_fields = ARRAY_LEN(table)     \
    }

/* Limits on what is parsed: hostile texts are refused before they cost. RFC 8259 and no more: depth
 * 32, valid UTF-8, no NUL (raw or \u0000), no duplicate keys, no integer beyond 64 bits, nothing
 * behind the value. The text needs no NUL at its end. Returns an owned object (NULL for null). */
int json_parse(const char *text, size_t len, size_t max_len, struct json_object **ret,
               struct err *e);
/* null is absent. A value that the struct held (a default) stays when the text has none, else it is
 * freed. Integers must be written as integers (1, not 1.0). On failure the struct is freed and
 * zeroed: ERR_INVALID, or ERR_UNSUPPORTED for a row that says so. */
int json_decode(struct json_object *o, const struct json_struct *t, void *ret, struct err *e);
/* The same for a part of a greater whole: errors put its path ("linux.resources") first. */
int json_decode_at(struct json_object *o, const struct json_struct *t, const char *path, void *ret,
                   struct err *e);
struct json_object *json_encode(const struct json_struct *t,
                                const void *value); /* owned: json_object_put */
/* Text with 4 spaces of indentation (pretty) or none; owned string, with no newline at its end. It
 * is safe for a terminal (control characters as \u00xx) and valid UTF-8 whatever the values are. */
char *json_print(struct json_object *o, bool pretty) DHOW_MUST_USE;
/* The row of a dotted path through objects ("linux.resources.cpu"), and where in the decoded struct
 * its value is: NULL when an object on the way is absent (or `value` is NULL). NULL: no such row.
 */
const struct json_field *json_find_field(const struct json_struct *t, const void *value,
                                         const char *path, const void **ret_at);
void json_free_struct(const struct json_struct *t, void *value);

/* decode(parse()) and print(encode()) in one. */
int json_decode_text(const char *text, size_t len, size_t max_len, const struct json_struct *t,
                     void *ret, struct err *e);
char *json_encode_text(const struct json_struct *t, const void *value) DHOW_MUST_USE;

void json_object_auto(struct json_object **o);
#define auto_json DHOW_CLEANUP(json_object_auto) struct json_object
