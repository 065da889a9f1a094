/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sys/mountinfo.h"

static void reads_points_and_types(void **state)
{
    auto_mountinfo m = {0};

    (void)state;
    sys_mountinfo_parse(
        "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        "23 22 0:21 / /proc rw,nosuid - proc proc rw\n"
        "malformed\n"
        "1 2 3 4 5 6 without a separator\n"
        "24 22 0:22 /a /a\\040b\\134c\\011 rw master:2 propagate_from:1 - tmpfs x rw\n"
        "25 22 0:23 / /end\\04 ro - resctrl resctrl",
        &m);
    assert_int_equal(m.len, 4);
    assert_string_equal(m.items[0].point, "/");
    assert_string_equal(m.items[0].type, "ext4");
    assert_string_equal(m.items[1].type, "proc");
    assert_string_equal(m.items[2].point, "/a b\\c\t");
    assert_string_equal(m.items[2].type, "tmpfs");
    assert_string_equal(m.items[3].point, "/end\\04");
    assert_string_equal(m.items[3].type, "resctrl");
}

static void finds_our_own(void **state)
{
    auto_mountinfo m = {0};
    bool has_proc = false;

    (void)state;
    assert_int_equal(sys_mountinfo_read(&m), 0);
    for (size_t i = 0; i < m.len; i++)
        has_proc |= strcmp(m.items[i].point, "/proc") == 0 && strcmp(m.items[i].type, "proc") == 0;
    assert_true(has_proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_points_and_types),
        cmocka_unit_test(finds_our_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
