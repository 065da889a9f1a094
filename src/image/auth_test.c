/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static const struct {
    const char *header;
    enum auth_scheme scheme; /* AUTH_NONE: an error */
    const char *realm, *service, *scope;
} rows[] = {
    {"Bearer realm=\"https://auth.example/token\",service=\"reg\",scope=\"repository:a/b:pull\"",
     AUTH_BEARER, "https://auth.example/token", "reg", "repository:a/b:pull"},
    {"bearer realm=https, service=x", AUTH_BEARER, "https", "x", NULL},
    {"Basic realm=\"Registry Realm\"", AUTH_BASIC, "Registry Realm", NULL, NULL},
    {"Basic", AUTH_BASIC, NULL, NULL, NULL},
    {"Basic realm=\"a\", Bearer realm=\"b\",service=\"c\"", AUTH_BEARER, "b", "c", NULL},
    {"Bearer realm=\"b\" , Basic realm=\"a\"", AUTH_BEARER, "b", NULL, NULL},
    {"Negotiate, Basic realm=\"x\"", AUTH_BASIC, "x", NULL, NULL},
    {"Bearer REALM = \"spaced\"", AUTH_BEARER, "spaced", NULL, NULL},
    {"Bearer realm=\"a \\\"quoted\\\" one, two\"", AUTH_BEARER, "a \"quoted\" one, two", NULL,
     NULL},
    {"Bearer realm=\"first\",realm=\"second\"", AUTH_BEARER, "first", NULL, NULL},
    {"Bearer service=\"no realm\", Basic realm=\"x\"", AUTH_BASIC, "x", NULL, NULL},
    {",, Basic realm=\"x\",,", AUTH_BASIC, "x", NULL, NULL},
    {"", AUTH_NONE, NULL, NULL, NULL},
    {"Negotiate", AUTH_NONE, NULL, NULL, NULL},
    {"Bearer", AUTH_NONE, NULL, NULL, NULL},
    {"Bearer realm=\"unclosed", AUTH_NONE, NULL, NULL, NULL},
    {"Bearer realm=\"x\\", AUTH_NONE, NULL, NULL, NULL},
    {"Bearer realm=", AUTH_NONE, NULL, NULL, NULL},
    {"Bearer realm=\"a\nb\"", AUTH_NONE, NULL, NULL, NULL},
    {"Bearer {}", AUTH_NONE, NULL, NULL, NULL},
    {"realm=\"x\"", AUTH_NONE, NULL, NULL, NULL},
};

static void challenges_are_parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct auth_challenge c = {0};
        int r = auth_parse_challenge(rows[i].header, &c, NULL);

        if ((r == 0) != (rows[i].scheme != AUTH_NONE))
            fail_msg("'%s': %d", rows[i].header, r);
        if (c.scheme != rows[i].scheme || !str_equal(c.realm, rows[i].realm) ||
            !str_equal(c.service, rows[i].service) || !str_equal(c.scope, rows[i].scope))
            fail_msg("'%s': realm '%s'", rows[i].header, c.realm ? c.realm : "");
        auth_challenge_done(&c);
    }
}

static void endless_challenges_are_refused(void **state)
{
    auto_str many = STR_INIT(1u << 20);
    struct auth_challenge c = {0};

    (void)state;
    str_add(&many, "Bearer realm=\"x\"");
    for (int i = 0; i < 100; i++)
        str_add(&many, ",a=b");
    assert_int_equal(auth_parse_challenge(many.s, &c, NULL), -1);
    str_truncate(&many, 16);
    for (int i = 0; i < 20000; i++)
        str_add(&many, " ");
    assert_int_equal(auth_parse_challenge(many.s, &c, NULL), -1);
}

static void tokens_and_realms_are_checked(void **state)
{
    auto_str big = STR_INIT(1u << 20);

    (void)state;
    for (size_t i = 0; i <= AUTH_TOKEN_MAX_BYTES; i++)
        str_add_char(&big, 'x');
    assert_true(auth_token_is_valid("eyJhbGciOi.x-_~+/="));
    assert_false(auth_token_is_valid(""));
    assert_false(auth_token_is_valid("a b"));
    assert_false(auth_token_is_valid("a\r\nX-Evil: 1"));
    assert_false(auth_token_is_valid("a\x80"));
    assert_false(auth_token_is_valid(big.s));
    assert_true(auth_realm_is_acceptable("https://x/token?a=b", false));
    assert_true(auth_realm_is_acceptable("HTTPS://x", false));
    assert_false(auth_realm_is_acceptable("http://x", false));
    assert_true(auth_realm_is_acceptable("http://x", true));
    assert_false(auth_realm_is_acceptable("file:///etc/shadow", true));
    assert_false(auth_realm_is_acceptable("https://x /", false));
    assert_false(auth_realm_is_acceptable("token", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_are_parsed),
        cmocka_unit_test(endless_challenges_are_refused),
        cmocka_unit_test(tokens_and_realms_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
