/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/strv.h"
#include "base/vec.h"

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN };

struct limit {
    char *name;
    uint64_t soft;
};

struct part {
    char *path;
    bool readonly;
};

struct device {
    char *key;
    uint64_t rate;
    char *note;
};

struct sample {
    char *name;
    bool tty;
    int32_t i32;
    int64_t i64;
    uint32_t u32;
    uint64_t u64;
    double ratio;
    char **args;
    char **labels;
    enum colour colour;
    struct part root;
    struct part *extra;
    VEC(struct limit) limits;
    VEC(struct device) devices;
    VEC(uint32_t) gids;
    struct json_opt_i64 opt_i;
    struct json_opt_u64 opt_u;
    struct json_object *raw;
    char *kept;
};

static const char *const colours[] =
    {[COLOUR_NONE] = "none", [COLOUR_RED] = "red", [COLOUR_GREEN] = "green"};
static const struct json_field limit_fields[] = {
    {"name", JSON_STRING, offsetof(struct limit, name), JSON_REQUIRED},
    {"soft", JSON_UINT64, offsetof(struct limit, soft)},
};
static const struct json_struct limit_json = JSON_STRUCT("limit", struct limit, limit_fields);
static const struct json_field part_fields[] = {
    {"path", JSON_STRING, offsetof(struct part, path)},
    {"readonly", JSON_BOOL, offsetof(struct part, readonly)},
};
static const struct json_struct part_json = {.name = "part",
                                             .size = sizeof(struct part),
                                             .fields = part_fields,
                                             .n_fields = ARRAY_LEN(part_fields),
                                             .strict = true};
static const struct json_field device_fields[] = {
    {"rate", JSON_UINT64, offsetof(struct device, rate)},
    {"note", JSON_STRING, offsetof(struct device, note)},
};
static const struct json_struct device_json = JSON_STRUCT("device", struct device, device_fields);
static const struct json_field fields[] = {
    {"name", JSON_STRING, offsetof(struct sample, name)},
    {"tty", JSON_BOOL, offsetof(struct sample, tty)},
    {"i32", JSON_INT32, offsetof(struct sample, i32)},
    {"i64", JSON_INT64, offsetof(struct sample, i64)},
    {"u32", JSON_UINT32, offsetof(struct sample, u32)},
    {"u64", JSON_UINT64, offsetof(struct sample, u64)},
    {"ratio", JSON_DOUBLE, offsetof(struct sample, ratio)},
    {"args", JSON_STRV, offsetof(struct sample, args)},
    {"labels", JSON_STRMAP, offsetof(struct sample, labels)},
    {"colour", JSON_ENUM, offsetof(struct sample, colour), .names = colours,
     .n_names = ARRAY_LEN(colours)},
    {"root", JSON_OBJECT, offsetof(struct sample, root), .nested = &part_json},
    {"extra", JSON_OBJECT_PTR, offsetof(struct sample, extra), .nested = &part_json},
    {"limits", JSON_ARRAY, offsetof(struct sample, limits), .nested = &limit_json},
    {"devices", JSON_MAP, offsetof(struct sample, devices), .nested = &device_json},
    {"gids", JSON_U32_ARRAY, offsetof(struct sample, gids)},
    {"optI", JSON_OPT_INT64, offsetof(struct sample, opt_i)},
    {"optU", JSON_OPT_UINT64, offsetof(struct sample, opt_u)},
    {"raw", JSON_RAW, offsetof(struct sample, raw)},
    {"kept", JSON_STRING, offsetof(struct sample, kept), JSON_KEEP_EMPTY},
    {"vm", JSON_RAW, 0, JSON_UNSUPPORTED},
};
static const struct json_struct sample_json = JSON_STRUCT("sample", struct sample, fields);

static const char full[] =
    "{\"name\":\"a/b\",\"tty\":true,\"i32\":-2147483648,\"i64\":-9223372036854775808,"
    "\"u32\":4294967295,\"u64\":18446744073709551615,\"ratio\":0.1,\"args\":[\"x\",\"\"],"
    "\"labels\":{\"k\":\"v=w\",\"e\":\"\"},\"colour\":\"green\",\"root\":{\"path\":\"/r\","
    "\"readonly\":true},\"extra\":{\"path\":\"\xc3\xa9\"},\"limits\":[{\"name\":\"n\",\"soft\":1},"
    "{\"name\":\"m\"}],\"devices\":{\"eth0=\":{\"rate\":1,\"note\":\"x\"},\"\":{}},"
    "\"gids\":[1,4294967295],\"optI\":0,\"optU\":18446744073709551615,"
    "\"raw\":{\"any\":[null,1.5,false]},\"kept\":\"\"}";

static void everything_survives_a_round_trip(void **state)
{
    struct sample s = {0};
    struct err e = {0};
    auto_free char *text = NULL;

    (void)state;
    if (json_decode_text(full, strlen(full), 4096, &sample_json, &s, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(s.name, "a/b");
    assert_true(s.tty);
    assert_int_equal(s.i32, INT32_MIN);
    assert_true(s.i64 == INT64_MIN);
    assert_true(s.u32 == UINT32_MAX);
    assert_true(s.u64 == UINT64_MAX);
    assert_true(s.ratio == 0.1);
    assert_int_equal(strv_len(s.args), 2);
    assert_string_equal(strv_env_get(s.labels, "k"), "v=w");
    assert_int_equal(s.colour, COLOUR_GREEN);
    assert_true(s.root.readonly);
    assert_string_equal(s.extra->path, "\xc3\xa9");
    assert_int_equal(s.limits.len, 2);
    assert_string_equal(s.limits.items[1].name, "m");
    assert_int_equal(s.devices.len, 2);
    assert_string_equal(s.devices.items[0].key, "eth0=");
    assert_string_equal(s.devices.items[0].note, "x");
    assert_string_equal(s.devices.items[1].key, "");
    assert_true(s.gids.items[1] == UINT32_MAX);
    assert_true(s.opt_i.is_set && s.opt_i.value == 0);
    assert_true(s.opt_u.is_set && s.opt_u.value == UINT64_MAX);
    text = json_encode_text(&sample_json, &s);
    assert_string_equal(text, full);
    json_free_struct(&sample_json, &s);
    assert_null(s.name);
    assert_int_equal(s.limits.len, 0);
}

static void fields_are_found_by_their_path(void **state)
{
    struct part inner = {.path = (char[]){"/x"}};
    struct sample s = {.extra = &inner};
    const struct sample none = {0};
    const void *at = NULL;

    (void)state;
    assert_ptr_equal(json_find_field(&sample_json, &s, "extra.path", &at), &part_fields[0]);
    assert_ptr_equal(at, &inner.path);
    assert_ptr_equal(json_find_field(&sample_json, &s, "root.readonly", &at), &part_fields[1]);
    assert_ptr_equal(at, &s.root.readonly);
    assert_ptr_equal(json_find_field(&sample_json, &none, "extra.path", &at), &part_fields[0]);
    assert_null(at);
    at = &s;
    assert_null(json_find_field(&sample_json, &s, "extra.pat", &at));
    assert_null(json_find_field(&sample_json, &s, "extra.", &at));
    assert_null(json_find_field(&sample_json, &s, "name.path", &at));
    assert_null(json_find_field(&sample_json, &s, "limits.name", &at));
    assert_null(json_find_field(&sample_json, &s, "", &at));
    assert_ptr_equal(at, &s);
}

static void empty_values_are_left_out_unless_kept(void **state)
{
    struct sample s = {0};
    auto_free char *text = json_encode_text(&sample_json, &s);
    auto_free char *limit = json_encode_text(&limit_json, &(struct limit){0});

    (void)state;
    assert_string_equal(text, "{\"kept\":\"\"}");
    assert_string_equal(limit, "{\"name\":\"\"}");
}

static void null_is_absent_and_defaults_are_replaced(void **state)
{
    static const char text[] = "{\"name\":null,\"kept\":\"new\",\"limits\":null,\"vm\":null}";
    struct sample s = {.name = alloc_strdup("default"), .kept = alloc_strdup("old")};

    (void)state;
    assert_int_equal(json_decode_text(text, strlen(text), 4096, &sample_json, &s, NULL), 0);
    assert_string_equal(s.name, "default");
    assert_string_equal(s.kept, "new");
    assert_null(s.args);
    json_free_struct(&sample_json, &s);
    /* an empty list of strings is not absent */
    assert_int_equal(json_decode_text("{\"args\":[]}", 11, 4096, &sample_json, &s, NULL), 0);
    assert_non_null(s.args);
    assert_int_equal(strv_len(s.args), 0);
    strv_add(&s.args, "one");
    assert_string_equal(s.args[0], "one");
    json_free_struct(&sample_json, &s);
}

static void bad_values_are_refused_with_their_path(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
        const char *msg;
    } cases[] = {
        {"[]", ERR_INVALID, "sample: expected object, got array"},
        {"{\"name\":1}", ERR_INVALID, "name: expected string, got integer"},
        {"{\"tty\":\"true\"}", ERR_INVALID, "tty: expected boolean, got string"},
        {"{\"i32\":2147483648}", ERR_INVALID, "i32: 2147483648 is out of range"},
        {"{\"i32\":1.0}", ERR_INVALID, "i32: expected integer, got number"},
        {"{\"i64\":9223372036854775808}", ERR_INVALID, "i64: 9223372036854775808 is out of range"},
        {"{\"u32\":-1}", ERR_INVALID, "u32: -1 is out of range"},
        {"{\"u64\":-1}", ERR_INVALID, "u64: -1 is out of range"},
        {"{\"optU\":-1}", ERR_INVALID, "optU: -1 is out of range"},
        {"{\"ratio\":\"1\"}", ERR_INVALID, "ratio: expected number, got string"},
        {"{\"ratio\":1e999}", ERR_INVALID, "ratio: the number is out of range"},
        {"{\"args\":[\"a\",null]}", ERR_INVALID, "args[1]: expected string, got null"},
        {"{\"labels\":{\"k\":1}}", ERR_INVALID, "labels.k: expected string, got integer"},
        {"{\"labels\":{\"k=\":\"\"}}", ERR_INVALID, "labels.k=: the key has a '=' in it"},
        {"{\"colour\":\"blue\"}", ERR_INVALID, "colour: unknown value 'blue'"},
        {"{\"root\":{\"pth\":\"/\"}}", ERR_INVALID, "root.pth: unknown field"},
        {"{\"extra\":[]}", ERR_INVALID, "extra: expected object, got array"},
        {"{\"limits\":[{\"name\":\"a\"},{\"soft\":1}]}", ERR_INVALID, "limits[1].name: missing"},
        {"{\"limits\":[{\"name\":null}]}", ERR_INVALID, "limits[0].name: missing"},
        {"{\"limits\":[{\"name\":\"a\",\"soft\":\"x\"}]}", ERR_INVALID,
         "limits[0].soft: expected integer, got string"},
        {"{\"limits\":[null]}", ERR_INVALID, "limits[0]: expected object, got null"},
        {"{\"devices\":[]}", ERR_INVALID, "devices: expected object, got array"},
        {"{\"devices\":{\"a\":{\"note\":\"x\"},\"b\":{\"note\":\"y\",\"rate\":-1}}}", ERR_INVALID,
         "devices.b.rate: -1 is out of range"},
        {"{\"devices\":{\"a\":{},\"b\":null}}", ERR_INVALID,
         "devices.b: expected object, got null"},
        {"{\"gids\":[0,4294967296]}", ERR_INVALID, "gids[1]: 4294967296 is out of range"},
        {"{\"vm\":{}}", ERR_UNSUPPORTED, "vm: not supported"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sample s = {0}, zero = {0};
        struct err e = {0};

        assert_int_equal(json_decode_text(cases[i].text, strlen(cases[i].text), 4096, &sample_json,
                                          &s, &e),
                         -1);
        assert_string_equal(e.msg, cases[i].msg);
        assert_int_equal(e.kind, cases[i].kind);
        assert_memory_equal(&s, &zero, sizeof(s));
    }
}

static void a_part_is_refused_with_the_path_of_the_whole(void **state)
{
    static const char text[] = "{\"limits\":[{\"name\":1}]}";
    struct sample s = {0};
    struct err e = {0};
    auto_json *o = NULL;

    (void)state;
    assert_int_equal(json_parse(text, strlen(text), 4096, &o, NULL), 0);
    assert_int_equal(json_decode_at(o, &sample_json, "a.b", &s, &e), -1);
    assert_string_equal(e.msg, "a.b.limits[0].name: expected string, got integer");
}

static void texts_outside_the_standard_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        enum err_kind kind;
    } cases[] = {
#define TEXT(s, kind) {s, sizeof(s) - 1, kind}
        TEXT("", ERR_INVALID),
        TEXT("{", ERR_INVALID),
        TEXT("{}x", ERR_INVALID),
        TEXT("{} {}", ERR_INVALID),
        TEXT("{}\0", ERR_INVALID),
        TEXT("\0{}", ERR_INVALID),
        TEXT("[\"a\0b\"]", ERR_INVALID),
        TEXT("[\"\\u0000\"]", ERR_INVALID),
        TEXT("{\"\\u0000\":1}", ERR_INVALID),
        TEXT("[1] // c", ERR_INVALID),
        TEXT("[1,/* c */2]", ERR_INVALID),
        TEXT("['a']", ERR_INVALID),
        TEXT("[1,]", ERR_INVALID),
        TEXT("{\"a\":1,}", ERR_INVALID),
        TEXT("[NaN]", ERR_INVALID),
        TEXT("[-Infinity]", ERR_INVALID),
        TEXT("[01]", ERR_INVALID),
        TEXT("[+1]", ERR_INVALID),
        TEXT("[1.]", ERR_INVALID),
        TEXT("[.5]", ERR_INVALID),
        TEXT("[-]", ERR_INVALID),
        TEXT("[-01]", ERR_INVALID),
        TEXT("[1e]", ERR_INVALID),
        TEXT("[True]", ERR_INVALID),
        TEXT("[tru]", ERR_INVALID),
        TEXT("[18446744073709551616]", ERR_INVALID),
        TEXT("[-9223372036854775809]", ERR_INVALID),
        TEXT("[\"\xff\"]", ERR_INVALID),
        TEXT("[\"\xc0\xaf\"]", ERR_INVALID),
        TEXT("[\"\xed\xa0\x80\"]", ERR_INVALID),
        TEXT("[\"a\nb\"]", ERR_INVALID),
        TEXT("[\"a\\x\"]", ERR_INVALID),
        TEXT("[\"a\\u12g4\"]", ERR_INVALID),
        TEXT("[\"a", ERR_INVALID),
        TEXT("[\"a\\", ERR_INVALID),
        TEXT("{\"a\":1,\"a\":2}", ERR_INVALID),
        TEXT("{\"b\":[{\"a\":1,\"a\":{}}]}", ERR_INVALID),
        TEXT("{\"a\":{\"b\":1},\"a\":{\"b\":1}}", ERR_INVALID),
        TEXT("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", ERR_LIMIT),
        TEXT("[\"0123456789012345678901234567890123456789012345678901234567890123456789\"]",
             ERR_LIMIT),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *o = NULL;
        struct err e = {0};

        if (json_parse(cases[i].text, cases[i].len, 70, &o, &e) == 0)
            fail_msg("accepted: %s", cases[i].text);
        assert_null(o);
        assert_int_equal(e.kind, cases[i].kind);
    }
}

static void standard_texts_parse_and_print_back(void **state)
{
    static const struct {
        const char *text;
        const char *printed;
    } cases[] = {
        {" { } \n", "{}"},
        {"[]", "[]"},
        {"7", "7"},
        {"\"s\"", "\"s\""},
        {"null", "null"},
        {"false ", "false"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"[1.50, 1e2, -3E-2]", "[1.5,100,-0.03]"},
        {"18446744073709551615", "18446744073709551615"},
        {"{\"a:\\\":b\": \"{[:\", \"c\":{}}", "{\"a:\\\":b\":\"{[:\",\"c\":{}}"},
        {"\"\\u001b[31m/\\n\\u0041\xc2\x9b\x7f\"", "\"\\u001b[31m/\\nA\\u009b\\u007f\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_json *o = NULL;
        auto_free char *printed = NULL;
        struct err e = {0};

        if (json_parse(cases[i].text, strlen(cases[i].text), 4096, &o, &e) < 0)
            fail_msg("%s: %s", cases[i].text, e.msg);
        printed = json_print(o, false);
        assert_string_equal(printed, cases[i].printed);
    }
}

static void the_text_needs_no_nul_at_its_end(void **state)
{
    char *exact = alloc_memdup("[12]", 4);
    auto_json *o = NULL;

    (void)state;
    assert_int_equal(json_parse(exact, 4, 4, &o, NULL), 0);
    assert_int_equal(json_object_get_int(json_object_array_get_idx(o, 0)), 12);
    free(exact);
}

static void pretty_text_has_four_spaces(void **state)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\"}],\"c\":[],\"d\":{}}";
    auto_json *o = NULL;
    auto_free char *pretty = NULL;

    (void)state;
    assert_int_equal(json_parse(text, strlen(text), 4096, &o, NULL), 0);
    pretty = json_print(o, true);
    assert_string_equal(pretty, "{\n    \"a\": [\n        1,\n        {\n            \"b\": \"\"\n"
                                "        }\n    ],\n    \"c\": [],\n    \"d\": {}\n}");
}

static void invalid_bytes_in_values_print_as_replacement(void **state)
{
    struct part p = {.path = (char[]){"a\xff"
                                      "b"}};
    auto_free char *text = json_encode_text(&part_json, &p);

    (void)state;
    assert_string_equal(text, "{\"path\":\"a\xef\xbf\xbd"
                              "b\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_survives_a_round_trip),
        cmocka_unit_test(fields_are_found_by_their_path),
        cmocka_unit_test(empty_values_are_left_out_unless_kept),
        cmocka_unit_test(null_is_absent_and_defaults_are_replaced),
        cmocka_unit_test(bad_values_are_refused_with_their_path),
        cmocka_unit_test(a_part_is_refused_with_the_path_of_the_whole),
        cmocka_unit_test(texts_outside_the_standard_are_refused),
        cmocka_unit_test(standard_texts_parse_and_print_back),
        cmocka_unit_test(the_text_needs_no_nul_at_its_end),
        cmocka_unit_test(pretty_text_has_four_spaces),
        cmocka_unit_test(invalid_bytes_in_values_print_as_replacement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
