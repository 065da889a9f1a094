/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text, *host, *path, *tag, *digest, *completed;
} good[] = {
    {"busybox", NULL, "busybox", NULL, NULL, "docker.io/library/busybox:latest"},
    {"busybox:1.35", NULL, "busybox", "1.35", NULL, "docker.io/library/busybox:1.35"},
    {"user/app", NULL, "user/app", NULL, NULL, "docker.io/user/app:latest"},
    {"localhost/app", "localhost", "app", NULL, NULL, "localhost/app:latest"},
    {"localhost:5000/a/b:T_1.x-", "localhost:5000", "a/b", "T_1.x-", NULL,
     "localhost:5000/a/b:T_1.x-"},
    {"127.0.0.1:5000/app", "127.0.0.1:5000", "app", NULL, NULL, "127.0.0.1:5000/app:latest"},
    {"[::1]:5000/app", "[::1]:5000", "app", NULL, NULL, "[::1]:5000/app:latest"},
    {"index.docker.io/x", "index.docker.io", "x", NULL, NULL, "docker.io/library/x:latest"},
    {"quay.io/a__b/c-d.e@sha256:" HEX, "quay.io", "a__b/c-d.e", NULL, "sha256:" HEX,
     "quay.io/a__b/c-d.e@sha256:" HEX},
    {"x:1@sha256:" HEX, NULL, "x", "1", "sha256:" HEX, "docker.io/library/x:1@sha256:" HEX},
    {"HOST/app", "HOST", "app", NULL, NULL, "HOST/app:latest"},
    {"a---b", NULL, "a---b", NULL, NULL, "docker.io/library/a---b:latest"},
};

static const char *const bad[] = {
    "",
    ":",
    "@",
    "/",
    "a/",
    "/a",
    "a//b",
    "A",
    "a:",
    "a:b:c",
    "a:-x",
    "a@sha256:abc",
    "a@sha256:" HEX "0",
    "a@SHA256:" HEX,
    "../a",
    "a/../b",
    "a_.b",
    "a___b",
    "-a",
    "a-",
    "a..b",
    ".a",
    "a b",
    "a\nb",
    "host.:80/a",
    "host.io:/a",
    "host.io:123456/a",
    "-x.io/a",
    "x.-y/a",
    "[::1/a",
    "[]:1/a",
    "[g::1]/a",
    "localhost/",
    "a\x80",
    "a:" A50 A50 A50,
    A50 A50 A50 A50 A50 A50,
    "http://x/y",
    "x.io/A",
};

static void references_parse_complete_and_print(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct image_reference r = {0};
        struct err e = {0};
        char *text;

        if (image_reference_parse(good[i].text, &r, &e) < 0)
            fail_msg("%s: %s", good[i].text, e.msg);
        assert_true(str_equal(r.host, good[i].host));
        assert_true(str_equal(r.path, good[i].path));
        assert_true(str_equal(r.tag, good[i].tag));
        assert_true(str_equal(r.digest, good[i].digest));
        text = image_reference_text(&r);
        assert_string_equal(text, good[i].text);
        free(text);
        image_reference_complete(&r, "docker.io");
        text = image_reference_text(&r);
        assert_string_equal(text, good[i].completed);
        free(text);
        image_reference_done(&r);
    }
}

static void malformed_references_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct image_reference r = {0};
        struct err e = {0};

        if (image_reference_parse(bad[i], &r, &e) == 0)
            fail_msg("'%s' was accepted", bad[i]);
        assert_int_equal(e.kind, ERR_INVALID);
        assert_null(strchr(e.msg, '\n'));
        assert_null(r.path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_parse_complete_and_print),
        cmocka_unit_test(malformed_references_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
