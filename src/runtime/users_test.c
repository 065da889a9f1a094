/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "runtime/users.h"

#define PASSWD                                                                                     \
    "root:x:0:0:root:/root:/bin/sh\nnocolons\nbad:x:-1:0::/:\nbig:x:4294967296:0::/:\n"            \
    "ann:x:1000:1001::/home/ann:/bin/sh\nann:x:0:0::/:/bin/sh\ntwin:x:1000:5::/twin:\n"            \
    "4294967296:x:0:0::/:\n0x0:x:0:0::/:\nodd:x:7:7::/a\tb:/bin/sh\nmore:x:8:8::/h:/bin/"          \
    "sh:extra\n"
#define GROUP                                                                                      \
    "root:x:0:\nann:x:1001:\nwheel:x:10:ann,bob\nvideo:x:44:bob\naudio:x:29:ann\nbroken:x\n"

static struct users_text text(const char *s)
{
    return (struct users_text){s, s ? strlen(s) : 0};
}

static int resolve(const struct users_request *q, struct sync_ids *ret, struct err *e)
{
    return users_resolve(q, text(PASSWD), text(GROUP), ret, e);
}

static void resolves_names_and_numbers(void **state)
{
    static const struct {
        const char *user;
        uint32_t uid, gid, n_groups;
        const char *home;
    } cases[] = {
        {"root", 0, 0, 0, "/root"},
        {"0", 0, 0, 0, "/root"},
        {"ann", 1000, 1001, 2, "/home/ann"},
        {"1000", 1000, 1001, 2, "/home/ann"},
        {"ann:video", 1000, 44, 0, "/home/ann"},
        {"ann:5", 1000, 5, 0, "/home/ann"},
        {"twin", 1000, 5, 0, "/twin"},
        {"4242", 4242, 0, 0, "/"},
        {"4242:wheel", 4242, 10, 0, "/"},
        {"2147483647:2147483647", 2147483647, 2147483647, 0, "/"},
        {"odd", 7, 7, 0, "/"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sync_ids ids;
        struct err e = {0};

        if (resolve(&(struct users_request){.user = cases[i].user, .want_home = true}, &ids, &e) <
            0)
            fail_msg("%s: %s", cases[i].user, e.msg);
        assert_int_equal(ids.uid, cases[i].uid);
        assert_int_equal(ids.gid, cases[i].gid);
        assert_int_equal(ids.n_groups, cases[i].n_groups);
        assert_string_equal(ids.home, cases[i].home);
    }
}

static void t_40635_46680_30892_refuses_what_is_no_exact_number_or_name(void **state)
{
    static const char *const bad[] = {
        "4294967296",
        "2147483648",
        "99999999999999999999",
        "-1",
        "+1",
        "0x0",
        "0X1",
        "",
        "1:",
        ":1",
        ":",
        "00",
        "01",
        "1:-1",
        "1:4294967296",
        "ann:",
        "ann:0x0",
        "a b",
        "a/b",
        "a\nb",
        "1 ",
        " 1",
        "root:root:root",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct users_request q = {.user = bad[i]};
        struct sync_ids ids = {.uid = 12345};
        struct err e = {0};

        if (users_check(&q, &e) == 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(e.kind, ERR_INVALID);
        assert_int_equal(resolve(&q, &ids, &e), -1);
        assert_int_equal(ids.uid, 12345);
    }
}

static void tells_unknown_names(void **state)
{
    struct sync_ids ids;
    struct err e;

    (void)state;
    assert_int_equal(resolve(&(struct users_request){.user = "nobody"}, &ids, &e), -1);
    assert_string_equal(e.msg, "unable to find user nobody: no matching entries in passwd file");
    assert_int_equal(resolve(&(struct users_request){.user = "bad"}, &ids, &e), -1);
    assert_int_equal(resolve(&(struct users_request){.user = "big"}, &ids, &e), -1);
    assert_int_equal(resolve(&(struct users_request){.user = "more"}, &ids, &e), -1);
    assert_int_equal(resolve(&(struct users_request){.user = "0:nogroup"}, &ids, &e), -1);
    assert_string_equal(e.msg, "unable to find group nogroup: no matching entries in group file");
    assert_int_equal(users_resolve(&(struct users_request){.user = "ann"}, text(NULL), text(NULL),
                                   &ids, &e),
                     -1);
    assert_int_equal(users_resolve(&(struct users_request){.user = "5:6"}, text(NULL), text(NULL),
                                   &ids, &e),
                     0);
    assert_int_equal(ids.gid, 6);
}

static void t_9676_survives_hostile_files(void **state)
{
    static char big[200000];
    static const char nul[] = "root:x:0:0::/:\0evil:x:0:0::/:\nann:x:3:3::/home/ann:/bin/sh";
    const char *inject = "x:x:5:5::/x:root2::0:0:/:\nroot2::0:0::/\r:\n";
    struct sync_ids ids;
    struct err e;

    (void)state;
    memset(big, 'a', sizeof(big)); /* one line without an end */
    assert_int_equal(users_resolve(&(struct users_request){.user = "a"},
                                   (struct users_text){big, sizeof(big)}, text(NULL), &ids, &e),
                     -1);
    assert_int_equal(users_resolve(&(struct users_request){.user = "evil"},
                                   (struct users_text){nul, sizeof(nul) - 1}, text(NULL), &ids, &e),
                     -1);
    assert_int_equal(users_resolve(&(struct users_request){.user = "ann"},
                                   (struct users_text){nul, sizeof(nul) - 1}, text(NULL), &ids, &e),
                     0);
    assert_int_equal(ids.uid, 3);
    assert_int_equal(users_resolve(&(struct users_request){.user = "root2", .want_home = true},
                                   text(inject), text(NULL), &ids, &e),
                     0);
    assert_string_equal(ids.home, "/root"); /* "/\r" is no directory that we pass on */
    assert_int_equal(users_resolve(&(struct users_request){.user = "x", .want_home = true},
                                   text(inject), text(NULL), &ids, &e),
                     -1);
}

static void adds_groups_once(void **state)
{
    static const uint32_t gids[] = {10, 77};
    char *const names[] = {(char *)(uintptr_t) "wheel", (char *)(uintptr_t) "video",
                           (char *)(uintptr_t) "78", NULL};
    char *const unknown[] = {(char *)(uintptr_t) "nogroup", NULL};
    struct users_request q = {.user = "ann",
                              .groups = names,
                              .additional_gids = gids,
                              .n_additional_gids = 2};
    struct sync_ids ids;
    struct err e;

    (void)state;
    assert_int_equal(resolve(&q, &ids, &e), 0);
    assert_int_equal(ids.n_groups, 5); /* wheel audio 77 video 78 */
    q.groups = unknown;
    assert_int_equal(resolve(&q, &ids, &e), -1);
}

static void asks_for_files_only_when_they_are_needed(void **state)
{
    char *const number[] = {(char *)(uintptr_t) "5", NULL}, *const name[] =
                                                                {(char *)(uintptr_t) "wheel", NULL};

    (void)state;
    assert_false(users_needs_files(&(struct users_request){.uid = 5, .groups = number}));
    assert_false(users_needs_files(&(struct users_request){.user = "5:6"}));
    assert_true(users_needs_files(&(struct users_request){.user = "5"}));
    assert_true(users_needs_files(&(struct users_request){.user = "ann:6"}));
    assert_true(users_needs_files(&(struct users_request){.groups = name}));
    assert_true(users_needs_files(&(struct users_request){.want_home = true}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_names_and_numbers),
        cmocka_unit_test(t_40635_46680_30892_refuses_what_is_no_exact_number_or_name),
        cmocka_unit_test(tells_unknown_names),
        cmocka_unit_test(t_9676_survives_hostile_files),
        cmocka_unit_test(adds_groups_once),
        cmocka_unit_test(asks_for_files_only_when_they_are_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
