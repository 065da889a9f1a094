/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mount.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/mountopt.h"

#define RO         MOUNT_ATTR_RDONLY
#define ALL        (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define ATIME      MOUNT_ATTR__ATIME
#define NO_FOLLOW  MOUNT_ATTR_NOSYMFOLLOW
#define NO_DIRTIME MOUNT_ATTR_NODIRATIME

/* Each word of config.md, runc and crun is in one of these. */
static void reads_attributes(void **state)
{
    static const struct {
        const char *options;
        uint64_t set, clear, recursive_set, recursive_clear;
    } cases[] = {
        {"ro,nosuid,nodev,noexec", ALL, 0, 0, 0},
        {"ro,nosuid,nodev,noexec,rw,suid,dev,exec", 0, ALL, 0, 0},
        {"ro,rw", 0, RO, 0, 0},
        {"rw,ro", RO, 0, 0, 0},
        {"nosymfollow,nodiratime", NO_FOLLOW | NO_DIRTIME, 0, 0, 0},
        {"symfollow,diratime", 0, NO_FOLLOW | NO_DIRTIME, 0, 0},
        {"noatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0},
        {"strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0},
        {"norelatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0},
        {"noatime,atime", MOUNT_ATTR_RELATIME, ATIME, 0, 0},
        {"noatime,relatime", MOUNT_ATTR_RELATIME, ATIME, 0, 0},
        {"noatime,nostrictatime", MOUNT_ATTR_RELATIME, ATIME, 0, 0},
        {"rro,rnosuid,rnodev,rnoexec", 0, 0, ALL, 0},
        {"rro,rrw,rsuid,rdev,rexec", 0, 0, 0, ALL},
        {"rnosymfollow,rnodiratime", 0, 0, NO_FOLLOW | NO_DIRTIME, 0},
        {"rsymfollow,rdiratime", 0, 0, 0, NO_FOLLOW | NO_DIRTIME},
        {"rnoatime", 0, 0, MOUNT_ATTR_NOATIME, ATIME},
        {"rstrictatime", 0, 0, MOUNT_ATTR_STRICTATIME, ATIME},
        {"rnorelatime", 0, 0, MOUNT_ATTR_STRICTATIME, ATIME},
        {"rnoatime,ratime", 0, 0, MOUNT_ATTR_RELATIME, ATIME},
        {"rnoatime,rrelatime", 0, 0, MOUNT_ATTR_RELATIME, ATIME},
        {"rnoatime,rnostrictatime", 0, 0, MOUNT_ATTR_RELATIME, ATIME},
        {"defaults,silent,loud,acl,noacl,iversion,noiversion", 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_strv options = strv_split(cases[i].options, ',');
        struct mountopt o = {0};

        print_message("%s\n", cases[i].options);
        assert_int_equal(mountopt_parse(options, "options", &o, NULL), 0);
        assert_int_equal(o.set, cases[i].set);
        assert_int_equal(o.clear, cases[i].clear);
        assert_int_equal(o.recursive_set, cases[i].recursive_set);
        assert_int_equal(o.recursive_clear, cases[i].recursive_clear);
        assert_int_equal(o.params.len, 0);
        assert_int_equal(o.flags, 0);
        mountopt_done(&o);
    }
}

static void reads_propagation_and_binds(void **state)
{
    static const struct {
        const char *option;
        uint64_t propagation;
        bool is_recursive, is_bind, is_recursive_bind;
        unsigned flags;
    } cases[] = {
        {"private", MS_PRIVATE, .is_recursive = false},
        {"rprivate", MS_PRIVATE, .is_recursive = true},
        {"slave", MS_SLAVE, .is_recursive = false},
        {"rslave", MS_SLAVE, .is_recursive = true},
        {"shared", MS_SHARED, .is_recursive = false},
        {"rshared", MS_SHARED, .is_recursive = true},
        {"unbindable", MS_UNBINDABLE, .is_recursive = false},
        {"runbindable", MS_UNBINDABLE, .is_recursive = true},
        {"bind", .is_bind = true},
        {"rbind", .is_bind = true, .is_recursive_bind = true},
        {"remount", .flags = MOUNTOPT_REMOUNT},
        {"tmpcopyup", .flags = MOUNTOPT_COPY_UP},
        {"src-nofollow", .flags = MOUNTOPT_SOURCE_NOFOLLOW},
        {"dest-nofollow", .flags = MOUNTOPT_TARGET_NOFOLLOW},
        {"idmap", .flags = MOUNTOPT_IDMAP},
        {"ridmap", .flags = MOUNTOPT_IDMAP | MOUNTOPT_IDMAP_RECURSIVE},
        {"idmap=uids=0-1-2", .flags = MOUNTOPT_IDMAP},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_strv options = strv_split(cases[i].option, ',');
        struct mountopt o = {0};

        print_message("%s\n", cases[i].option);
        assert_int_equal(mountopt_parse(options, "options", &o, NULL), 0);
        assert_int_equal(o.propagation, cases[i].propagation);
        assert_int_equal(o.propagation_is_recursive, cases[i].is_recursive);
        assert_int_equal(o.is_bind, cases[i].is_bind);
        assert_int_equal(o.is_recursive_bind, cases[i].is_recursive_bind);
        assert_int_equal(o.flags, cases[i].flags);
        assert_int_equal(o.set | o.clear | o.recursive_set | o.recursive_clear, 0);
        mountopt_done(&o);
    }
}

static void leaves_the_rest_to_the_file_system(void **state)
{
    auto_strv options = strv_split("size=64k,mode=755,inode64,rooted,lazytime,a=b=c,robind", ',');
    auto_strv empty = strv_split("ro,", ',');
    struct mountopt o = {0};
    struct err e = {0};

    (void)state;
    assert_int_equal(mountopt_parse(options, "options", &o, &e), 0);
    assert_int_equal(o.params.len, 7);
    assert_string_equal(o.params.items[0].key, "size");
    assert_string_equal(o.params.items[0].value, "64k");
    assert_null(o.params.items[2].value);
    assert_true(o.params.items[4].is_superblock);
    assert_false(o.params.items[0].is_superblock);
    assert_string_equal(o.params.items[5].value, "b=c");
    mountopt_done(&o);
    o = (struct mountopt){0};
    strv_add(&empty, "");
    assert_int_equal(mountopt_parse(empty, "mounts[0].options", &o, &e), -1);
    assert_non_null(strstr(e.msg, "mounts[0].options[1]: '' is empty or too long"));
    mountopt_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_attributes),
        cmocka_unit_test(reads_propagation_and_binds),
        cmocka_unit_test(leaves_the_rest_to_the_file_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
