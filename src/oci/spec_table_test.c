/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every row of every table, by walking them: the fuzzer's seed has a value for it, a value of each
 * wrong type is refused with its path, docs/spec.md has its line.
 */
#include "base/strv.h"
#include "oci/spec.h"
#include "oci/testing.h"

/* A value of the seed and the row that it is decoded by. */
struct place {
    const struct json_field *row;
    struct json_object *parent;
    char *path; /* "process.rlimits[0].soft" */
};

struct places {
    VEC(struct place) found;
    VEC(const struct json_field *) absent;
};

static void walk(struct places *p, const struct json_struct *t, struct json_object *o,
                 const char *prefix);

static void walk_nested(struct places *p, const struct json_field *f, struct json_object *o,
                        const char *path)
{
    if (f->type == JSON_ARRAY) {
        for (size_t i = 0; i < json_object_array_length(o); i++) {
            auto_free char *element = alloc_printf("%s[%zu].", path, i);

            walk(p, f->nested, json_object_array_get_idx(o, i), element);
        }
    } else if (f->type == JSON_MAP) {
        json_object_object_foreach(o, key, value)
        {
            auto_free char *element = alloc_printf("%s.%s.", path, key);

            walk(p, f->nested, value, element);
        }
    } else {
        auto_free char *inside = alloc_printf("%s.", path);

        walk(p, f->nested, o, inside);
    }
}

static void walk(struct places *p, const struct json_struct *t, struct json_object *o,
                 const char *prefix)
{
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct json_field *f = &t->fields[i];
        struct place place = {f, o, NULL};
        struct json_object *value;

        if (f->flags & JSON_UNSUPPORTED)
            continue;
        if (!json_object_object_get_ex(o, f->key, &value)) {
            vec_push(&p->absent, f);
            continue;
        }
        place.path = alloc_printf("%s%s", prefix, f->key);
        vec_push(&p->found, place);
        if (f->nested)
            walk_nested(p, f, value, place.path);
    }
}

static struct json_object *read_seed(struct places *ret)
{
    auto_str text = STR_INIT(1 << 20);
    struct json_object *o = NULL;
    struct err e = {0};

    testing_read(TESTING_SEED, &text);
    if (json_parse(text.s, text.len, text.len, &o, &e) < 0)
        fail_msg("%s", e.msg);
    walk(ret, &oci_spec_json, o, "");
    return o;
}

static void places_done(struct places *p)
{
    VEC_FOREACH (place, &p->found)
        free(place->path);
    vec_done(&p->found);
    vec_done(&p->absent);
}

static void the_seed_has_a_value_for_every_row(void **state)
{
    DHOW_CLEANUP(places_done) struct places p = {0};
    auto_json *seed = read_seed(&p);

    (void)state;
    assert_true(seed && p.found.len > 200);
    VEC_FOREACH (f, &p.absent) {
        bool is_elsewhere = false;

        VEC_FOREACH (place, &p.found)
            is_elsewhere |= place->row == *f;
        if (!is_elsewhere)
            fail_msg("%s has no '%s'", TESTING_SEED, (*f)->key);
    }
}

static json_type right_type(enum json_kind kind)
{
    switch (kind) {
    case JSON_STRING:
    case JSON_ENUM:
        return json_type_string;
    case JSON_BOOL:
        return json_type_boolean;
    case JSON_INT32:
    case JSON_INT64:
    case JSON_UINT32:
    case JSON_UINT64:
    case JSON_OPT_INT64:
    case JSON_OPT_UINT64:
        return json_type_int;
    case JSON_STRV:
    case JSON_ARRAY:
    case JSON_U32_ARRAY:
        return json_type_array;
    case JSON_STRMAP:
    case JSON_OBJECT:
    case JSON_OBJECT_PTR:
    case JSON_MAP:
        return json_type_object;
    case JSON_DOUBLE:
    case JSON_RAW:
        break;
    }
    fail_msg("a kind of row that this test does not know");
    return json_type_null;
}

/* With `text` as its value (NULL: without it) the seed is refused with a message that begins so. */
static void assert_refused(struct json_object *seed, const struct place *p, const char *text,
                           const char *suffix)
{
    struct json_object *right = json_object_get(json_object_object_get(p->parent, p->row->key));
    auto_free char *message = alloc_printf("%s%s", p->path, suffix);
    struct json_object *wrong = NULL;
    struct oci_spec s = {0};
    struct err e = {0};

    if (text)
        assert_int_equal(json_parse(text, strlen(text), 100, &wrong, NULL), 0);
    json_object_object_add(p->parent, p->row->key, wrong);
    if (json_decode(seed, &oci_spec_json, &s, &e) == 0)
        fail_msg("%s: taken with %s", p->path, text ? text : "null");
    if (e.kind != ERR_INVALID || !str_starts_with(e.msg, message))
        fail_msg("%s with %s: %s", message, text ? text : "null", e.msg);
    json_object_object_add(p->parent, p->row->key, right);
}

static void wrong_types_are_refused_with_their_path(void **state)
{
    static const struct {
        json_type type;
        const char *text;
    } values[] = {
        {json_type_boolean, "true"}, {json_type_double, "1.5"}, {json_type_int, "1"},
        {json_type_object, "{}"},    {json_type_array, "[]"},   {json_type_string, "\"x\""},
    };
    DHOW_CLEANUP(places_done) struct places p = {0};
    auto_json *seed = read_seed(&p);

    (void)state;
    VEC_FOREACH (place, &p.found) {
        for (size_t i = 0; i < ARRAY_LEN(values); i++)
            if (values[i].type != right_type(place->row->type))
                assert_refused(seed, place, values[i].text, ": expected ");
        if (place->row->flags & JSON_REQUIRED)
            assert_refused(seed, place, NULL, ": missing");
    }
}

static void wrong_elements_and_numbers_are_refused_with_their_path(void **state)
{
    static const struct {
        enum json_kind kind;
        const char *text;
        const char *suffix;
    } values[] = {
        {JSON_STRV, "[\"x\",1]", "[1]: expected string"},
        {JSON_STRMAP, "{\"k\":\"v\",\"l\":[]}", ".l: expected string"},
        {JSON_ARRAY, "[true]", "[0]: expected object"},
        {JSON_MAP, "{\"k\":\"v\"}", ".k: expected object"},
        {JSON_U32_ARRAY, "[1,\"x\"]", "[1]: expected integer"},
        {JSON_U32_ARRAY, "[4294967296]", "[0]: 4294967296 is out of range"},
        {JSON_INT32, "2147483648", ": 2147483648 is out of range"},
        {JSON_INT32, "-2147483649", ": -2147483649 is out of range"},
        {JSON_UINT32, "4294967296", ": 4294967296 is out of range"},
        {JSON_UINT32, "-1", ": -1 is out of range"},
        {JSON_UINT64, "-1", ": -1 is out of range"},
        {JSON_OPT_UINT64, "-1", ": -1 is out of range"},
        {JSON_INT64, "9223372036854775808", ": 9223372036854775808 is out of range"},
        {JSON_OPT_INT64, "9223372036854775808", ": 9223372036854775808 is out of range"},
    };
    DHOW_CLEANUP(places_done) struct places p = {0};
    auto_json *seed = read_seed(&p);

    (void)state;
    VEC_FOREACH (place, &p.found)
        for (size_t i = 0; i < ARRAY_LEN(values); i++)
            if (values[i].kind == place->row->type)
                assert_refused(seed, place, values[i].text, values[i].suffix);
}

/* docs/spec.md names a field "a.b", an element of a list "a[].b", one of a map "a.*.b". */
static void add_fields(const struct json_struct *t, const char *prefix, char ***inout_paths)
{
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct json_field *f = &t->fields[i];
        auto_free char *inside = alloc_printf("%s%s%s.", prefix, f->key,
                                              f->type == JSON_ARRAY ? "[]"
                                              : f->type == JSON_MAP ? ".*"
                                                                    : "");

        if (f->nested)
            add_fields(f->nested, inside, inout_paths);
        else
            strv_addf(inout_paths, "%s%s", prefix, f->key);
    }
}

static void every_field_has_its_line_in_the_docs(void **state)
{
    auto_str text = STR_INIT(1 << 20);
    auto_strv lines = NULL;
    auto_strv fields = NULL;
    auto_strv documented = NULL;

    (void)state;
    testing_read("docs/spec.md", &text);
    lines = strv_split(str_text(&text), '\n');
    add_fields(&oci_spec_json, "", &fields);
    STRV_FOREACH (line, lines) {
        auto_free char *path = NULL;

        if (!str_starts_with(*line, "| `"))
            continue;
        path = alloc_strndup(*line + 3, strcspn(*line + 3, "`"));
        if (!strv_has(fields, path))
            fail_msg("docs/spec.md has a line for '%s', which is no field", path);
        if (strv_has(documented, path))
            fail_msg("docs/spec.md has two lines for '%s'", path);
        strv_add(&documented, path);
    }
    STRV_FOREACH (field, fields)
        if (!strv_has(documented, *field))
            fail_msg("docs/spec.md has no line for '%s'", *field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seed_has_a_value_for_every_row),
        cmocka_unit_test(wrong_types_are_refused_with_their_path),
        cmocka_unit_test(every_field_has_its_line_in_the_docs),
        cmocka_unit_test(wrong_elements_and_numbers_are_refused_with_their_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
