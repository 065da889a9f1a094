/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/err.h"

static void setting_keeps_kind_and_text(void **state)
{
    struct err e = {.errno_value = 5};

    (void)state;
    assert_int_equal(err_set(&e, ERR_CONFLICT, "name '%s' is in use", "web"), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_int_equal(e.errno_value, 0);
    assert_string_equal(e.msg, "name 'web' is in use");
    assert_int_equal(err_wrap(&e, "container %d", 7), -1);
    assert_string_equal(e.msg, "container 7: name 'web' is in use");
    assert_int_equal(e.kind, ERR_CONFLICT);
    err_clear(&e);
    assert_int_equal(e.kind, ERR_NONE);
    assert_string_equal(e.msg, "");
}

static void a_null_error_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_INVALID, "x"), -1);
    assert_int_equal(err_sys(NULL, -EIO, "x"), -1);
    assert_int_equal(err_wrap(NULL, "x"), -1);
    err_clear(NULL);
}

static void control_bytes_never_stay(void **state)
{
    struct err e = {0};

    (void)state;
    err_set(&e, ERR_INVALID, "image '%s'", "a\x1b[31m\nb\x7f\xc3\xa9");
    assert_string_equal(e.msg, "image 'a?[31m?b?\xc3\xa9'");
    memcpy(e.msg, "\x1b[0m", 5);
    err_wrap(&e, "peer\t");
    assert_string_equal(e.msg, "peer?: ?[0m");
}

static void long_texts_are_cut(void **state)
{
    struct err e = {0};
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    err_set(&e, ERR_INVALID, "%s", text);
    assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
    err_wrap(&e, "context");
    assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
    assert_memory_equal(e.msg, "context: xxx", 12);
    err_sys(&e, -ENOENT, "%s", text);
    assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

static void kernel_errors_map_to_kinds(void **state)
{
    static const struct {
        int errno_value;
        enum err_kind kind;
        const char *name;
    } cases[] = {
        {ENOENT, ERR_NOT_FOUND, "not-found"},
        {EEXIST, ERR_CONFLICT, "conflict"},
        {EPERM, ERR_DENIED, "denied"},
        {EINVAL, ERR_INVALID, "invalid"},
        {ENOSPC, ERR_LIMIT, "limit"},
        {ENOSYS, ERR_UNSUPPORTED, "unsupported"},
        {ETIMEDOUT, ERR_TIMEOUT, "timeout"},
        {EIO, ERR_IO, "io"},
        {EPIPE, ERR_IO, "io"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        const char *text = strerror(cases[i].errno_value);

        assert_int_equal(err_sys(&e, -cases[i].errno_value, "open '%s'", "x"), -1);
        assert_int_equal(e.kind, cases[i].kind);
        assert_int_equal(e.errno_value, cases[i].errno_value);
        assert_memory_equal(e.msg, "open 'x': ", 10);
        assert_string_equal(e.msg + 10, text);
        assert_string_equal(err_kind_name(e.kind), cases[i].name);
    }
}

static void kinds_map_to_exit_codes_and_http(void **state)
{
    static const struct {
        enum err_kind kind;
        int exit_code;
        int http;
    } cases[] = {
        {ERR_NONE, 0, 200},          {ERR_NOT_FOUND, 125, 404},
        {ERR_CMD_INVOKE, 126, 400},  {ERR_CMD_NOT_FOUND, 127, 400},
        {ERR_INTERNAL, 125, 500},    {(enum err_kind)99, 125, 500},
        {ERR_UNSUPPORTED, 125, 501},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {.kind = cases[i].kind};

        assert_int_equal(err_exit_code(&e), cases[i].exit_code);
        assert_int_equal(err_http_status(&e), cases[i].http);
    }
    assert_string_equal(err_kind_name((enum err_kind)99), "internal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_keeps_kind_and_text),
        cmocka_unit_test(a_null_error_is_accepted),
        cmocka_unit_test(control_bytes_never_stay),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(kernel_errors_map_to_kinds),
        cmocka_unit_test(kinds_map_to_exit_codes_and_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
