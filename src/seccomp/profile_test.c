/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The default profile, and the reader of docker's format. */
#include "seccomp/testing.h"

#include <sched.h>
#include <signal.h>
#include <sys/personality.h>

static void compile_default(char *const *caps, struct seccomp_program *ret)
{
    auto_seccomp s = {0};

    profile_default(caps, &s);
    compile(&s, ret);
}

/* The three tables of an amd64 kernel; -1 for the number means by name. */
static void T_seccomp_the_default_profile_decides_by_abi(void **state)
{
    static const struct {
        const char *name;
        uint64_t arg0;
        uint32_t want; /* on all three */
    } rows[] = {
        {"read", 0, ALLOWED},
        {"openat2", 0, ALLOWED},
        {"mseal", 0, ALLOWED},
        {"futex_wait", 0, ALLOWED},
        {"socket", 1, ALLOWED},
        {"socket", 16, ALLOWED},
        {"socket", 37, ALLOWED},
        {"socket", 38, EPERMED},
        {"socket", 39, ALLOWED},
        {"socket", 40, EPERMED},
        {"socket", 41, ALLOWED},
        {"socket", 45, ALLOWED},
        {"socket", 64, EPERMED},
        {"socket", 0x100000026, EPERMED},
        {"socket", 0xffffffff00000028, EPERMED},
        {"socket", 0xffffffff, EPERMED},
        {"clone", 0x3d0f00, ALLOWED},
        {"clone", CLONE_NEWUSER, EPERMED},
        {"clone", CLONE_NEWNS | SIGCHLD, EPERMED},
        {"clone", CLONE_NEWCGROUP, EPERMED},
        {"clone3", 0, ENOSYSED},
        {"unshare", 0, EPERMED},
        {"setns", 0, EPERMED},
        {"mount", 0, EPERMED},
        {"io_uring_setup", 0, EPERMED},
        {"io_uring_enter", 0, EPERMED},
        {"io_uring_register", 0, EPERMED},
        {"userfaultfd", 0, EPERMED},
        {"bpf", 0, EPERMED},
        {"perf_event_open", 0, EPERMED},
        {"keyctl", 0, EPERMED},
        {"add_key", 0, EPERMED},
        {"request_key", 0, EPERMED},
        {"kexec_load", 0, EPERMED},
        {"init_module", 0, EPERMED},
        {"reboot", 0, EPERMED},
        {"chroot", 0, EPERMED},
        {"ptrace", 0, ALLOWED},
        {"personality", 0, ALLOWED},
        {"personality", ADDR_NO_RANDOMIZE, EPERMED},
        {"personality", 0xffffffff, ALLOWED},
        {"personality", 0x20008, ALLOWED},
    };
    static const char *const abis[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
    auto_program p = {0};

    (void)state;
    compile_default(NULL, &p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < ARRAY_LEN(abis); k++) {
            uint32_t got = ask(&p, abis[k], number_of(abis[k], rows[i].name), rows[i].arg0);

            if (got != rows[i].want)
                fail_msg("%s: %s(%#llx): %#x", abis[k], rows[i].name,
                         (unsigned long long)rows[i].arg0, got);
        }
    }
    for (uint64_t i = 0; i < 25; i++)
        assert_int_equal(ask(&p, "SCMP_ARCH_X86", number_of("SCMP_ARCH_X86", "socketcall"), i),
                         EPERMED);
    /* newer than the profile: open_tree_attr(2) and beyond; x32 has numbers of its own up to 547 */
    assert_int_equal(ask(&p, "SCMP_ARCH_X86_64", 467, 0), ENOSYSED);
    assert_int_equal(ask(&p, "SCMP_ARCH_X86", 467, 0), ENOSYSED);
    assert_int_equal(ask(&p, "SCMP_ARCH_X86_64", 9999, 0), ENOSYSED);
    assert_int_equal(ask(&p, "SCMP_ARCH_X86_64", 0x40000000 + 9999, 0), ENOSYSED);
    assert_int_equal(ask(&p, "SCMP_ARCH_AARCH64", 0, 0), SECCOMP_RET_KILL_PROCESS);
}

static void capabilities_open_their_calls(void **state)
{
    static const struct {
        const char *cap;
        const char *name;
    } rows[] = {
        {"CAP_SYS_ADMIN", "mount"},
        {"CAP_SYS_ADMIN", "unshare"},
        {"CAP_SYS_ADMIN", "clone3"},
        {"CAP_SYS_ADMIN", "bpf"},
        {"CAP_BPF", "bpf"},
        {"CAP_SYS_CHROOT", "chroot"},
        {"CAP_SYS_BOOT", "reboot"},
        {"CAP_SYS_MODULE", "finit_module"},
        {"CAP_SYS_PACCT", "acct"},
        {"CAP_SYS_PTRACE", "kcmp"},
        {"CAP_SYS_PTRACE", "pidfd_getfd"},
        {"CAP_SYS_RAWIO", "iopl"},
        {"CAP_SYS_TIME", "clock_settime"},
        {"CAP_SYS_TTY_CONFIG", "vhangup"},
        {"CAP_SYS_NICE", "mbind"},
        {"CAP_SYSLOG", "syslog"},
        {"CAP_PERFMON", "perf_event_open"},
        {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_strv caps = NULL;
        auto_program without = {0}, with = {0};
        int64_t nr = syscalls_number(syscalls_native(), syscalls_find(rows[i].name));

        if (nr < 0)
            continue; /* iopl is x86's */
        compile_default(NULL, &without);
        strv_add(&caps, rows[i].cap);
        compile_default(caps, &with);
        if (ask(&without, syscalls_native()->name, (uint32_t)nr, 0) == ALLOWED ||
            ask(&with, syscalls_native()->name, (uint32_t)nr, 0) != ALLOWED)
            fail_msg("%s does not decide about %s", rows[i].cap, rows[i].name);
    }
}

static void bad_profiles_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
    } rows[] = {
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"a\",\"action\":\"SCMP_"
         "ACT_NOTIFY\"}]}",
         ERR_INVALID},
        {"{\"defaultAction\":\"ALLOW\"}", ERR_INVALID},
        {"{\"syscalls\":[]}", ERR_INVALID},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_Z80\"]}",
         ERR_INVALID},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}", ERR_INVALID},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[],\"action\":"
         "\"SCMP_ACT_ALLOW\"}]}",
         ERR_INVALID},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"a\",\"names\":[\"b\"],"
         "\"action\":\"SCMP_ACT_ALLOW\"}]}",
         ERR_INVALID},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}",
         ERR_INVALID},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":0,\"op\":\"==\"}]}]}",
         ERR_INVALID},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}", ERR_UNSUPPORTED},
        {"not json", ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_seccomp s = {0};
        struct seccomp_program p = {0};
        struct err e = {0};
        int r = profile_parse(rows[i].text, strlen(rows[i].text), NULL, &s, &e);

        if (r == 0)
            r = seccomp_compile(&s, &p, &e);
        if (r == 0 || e.kind != rows[i].kind)
            fail_msg("%s: %d %s", rows[i].text, r, e.msg);
        profile_done(&s);
    }
}

/* Conditions of docker's format: ADMIN is in the container's set, CHROOT is not. */
static void conditions_of_files_are_decided(void **state)
{
    static const struct {
        const char *conditions;
        bool counts;
    } rows[] = {
        {"", true},
        {",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}", true},
        {",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\"]}", false},
        {",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_SYS_CHROOT\"]}", false},
        {",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}", false},
        {",\"excludes\":{\"caps\":[\"CAP_SYS_CHROOT\"]}", true},
        {",\"includes\":{\"arches\":[\"vax\"]}", false},
        {",\"excludes\":{\"arches\":[\"vax\"]}", true},
        {",\"includes\":{\"arches\":[]},\"excludes\":{}", true},
        {",\"includes\":{\"minKernel\":\"4.8\"}", true},
        {",\"includes\":{\"minKernel\":\"99.0\"}", false},
        {",\"excludes\":{\"minKernel\":\"4.8\"}", false},
        {",\"includes\":{\"minKernel\":\"soon\"}", false},
    };
    auto_strv native = profile_native_architectures();
    char *caps[] = {(char *)"CAP_SYS_ADMIN", NULL};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *text = alloc_printf(
            "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":[{\"architecture\":\"%s\","
            "\"subArchitectures\":[\"SCMP_ARCH_MIPS\"]},{\"architecture\":"
            "\"SCMP_ARCH_PARISC\"}],\"syscalls\":[{\"names\":[\"read\"],\"action\":"
            "\"SCMP_ACT_ALLOW\"%s}]}",
            native[0], rows[i].conditions);
        auto_seccomp s = {0};
        struct err e = {0};

        if (profile_parse(text, strlen(text), caps, &s, &e) < 0)
            fail_msg("%s: %s", text, e.msg);
        if (s.syscalls.len != rows[i].counts)
            fail_msg("row %zu", i);
        assert_int_equal(strv_len(s.architectures), 2);
        assert_string_equal(s.architectures[1], "SCMP_ARCH_MIPS");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T_seccomp_the_default_profile_decides_by_abi),
        cmocka_unit_test(capabilities_open_their_calls),
        cmocka_unit_test(bad_profiles_are_refused),
        cmocka_unit_test(conditions_of_files_are_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
