/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/names.h"
#include "base/vec.h"

enum fruit { FRUIT_APPLE, FRUIT_GAP, FRUIT_PEAR };
static const char *const fruit_names[] = {[FRUIT_APPLE] = "apple", [FRUIT_PEAR] = "pear"};
DECLARE_NAMES(fruit);
DEFINE_NAMES(fruit, fruit_names)

static void vectors_keep_their_items(void **state)
{
    VEC(int) v = {0};
    int sum = 0;

    (void)state;
    for (int i = 1; i <= 100; i++)
        vec_push(&v, i);
    VEC_FOREACH (it, &v)
        sum += *it;
    assert_int_equal(sum, 5050);
    assert_true(v.len == 100 && v.cap >= v.len);
    vec_done(&v);
    assert_int_equal(v.len + v.cap, 0);
    vec_done(&v);
}

static void names_go_both_ways(void **state)
{
    enum fruit f = FRUIT_APPLE;

    (void)state;
    assert_string_equal(fruit_name(FRUIT_PEAR), "pear");
    assert_null(fruit_name(FRUIT_GAP));
    assert_null(fruit_name((enum fruit)77));
    assert_int_equal(fruit_parse("pear", &f), 0);
    assert_int_equal(f, FRUIT_PEAR);
    assert_int_equal(fruit_parse("plum", &f), -EINVAL);
    assert_int_equal(f, FRUIT_PEAR);
}

static void owned_fds_close_and_move(void **state)
{
    int number, moved;

    (void)state;
    {
        auto_fd int fd = dup(STDERR_FILENO);
        auto_fd int none = FD_NONE;
        number = fd;
        assert_true(none < 0);
    }
    assert_int_equal(dup2(number, number), -1); /* EBADF: it was closed */
    {
        auto_fd int fd = dup(STDERR_FILENO);

        moved = take_fd(&fd);
        assert_int_equal(fd, FD_NONE);
    }
    errno = EIO;
    assert_int_equal(fd_close(moved), FD_NONE);
    assert_int_equal(fd_close(FD_NONE), FD_NONE);
    assert_int_equal(errno, EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_keep_their_items),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(owned_fds_close_and_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
