/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs are run three ways: by an interpreter of classic BPF here (any architecture, any
 * number), beside the program that libseccomp makes of the same rules, and by the kernel in a child
 * (T-seccomp).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "seccomp/compile.h"
#include "seccomp/profile.h"
#include "seccomp/seccomp.h"
#include "sys/file.h"

#define ALLOWED  SECCOMP_RET_ALLOW
#define EPERMED  (SECCOMP_RET_ERRNO | EPERM)
#define ENOSYSED (SECCOMP_RET_ERRNO | ENOSYS)

/* An interpreter of the instructions that both compilers use; -1 is a bad program. */
static int64_t run(const struct sock_filter *p, size_t n, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t pc = 0; pc < n; pc++) {
        const struct sock_filter *i = &p[pc];
        bool yes;

        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (i->k + 4 > sizeof(*data) || i->k % 4)
                return -1;
            memcpy(&a, (const char *)data + i->k, 4);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            continue;
        case BPF_RET | BPF_K:
            return i->k;
        case BPF_JMP | BPF_JA:
            pc += i->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            yes = a == i->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            yes = a > i->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            yes = a >= i->k;
            break;
        default:
            return -1;
        }
        pc += yes ? i->jt : i->jf;
    }
    return -1;
}

static uint32_t ask(const struct seccomp_program *p, uint32_t arch, uint32_t nr, uint64_t arg0)
{
    struct seccomp_data data = {.nr = (int)nr, .arch = arch, .args = {arg0}};
    int64_t r = run(p->insns, p->n, &data);

    if (r < 0)
        fail_msg("bad program for %x %u", arch, nr);
    return (uint32_t)r;
}

static void compile_text(const char *text, struct seccomp_program *ret)
{
    DHOW_CLEANUP(profile_done) struct oci_seccomp s = {0};
    struct err e = {0};

    if (profile_parse(text, strlen(text), NULL, &s, &e) < 0 || seccomp_compile(&s, ret, &e) < 0)
        fail_msg("%s: %s", text, e.msg);
}

static void compile_default(char *const *caps, struct seccomp_program *ret)
{
    DHOW_CLEANUP(profile_done) struct oci_seccomp s = {0};

    profile_default(caps, &s);
    assert_int_equal(seccomp_compile(&s, ret, NULL), 0);
}

/* libseccomp's program of the same rules, for one architecture. */
static struct sock_filter *reference(const struct oci_seccomp *s, uint32_t arch, size_t *ret_n)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    auto_fd int fd = memfd_create("bpf", MFD_CLOEXEC);
    struct sock_filter *insns;
    struct stat st;

    seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
    assert_int_equal(seccomp_arch_add(ctx, arch), 0);
    VEC_FOREACH (r, &s->syscalls) {
        uint32_t action = str_equal(r->action, "SCMP_ACT_ALLOW")
                              ? SCMP_ACT_ALLOW
                              : SCMP_ACT_ERRNO((uint32_t)r->errno_ret.value);

        STRV_FOREACH (name, r->names) {
            struct scmp_arg_cmp cmp[6];
            /* One architecture in the filter: numbers are its own. */
            int nr = seccomp_number(arch, *name);

            if (nr < 0)
                continue;
            for (size_t i = 0; i < r->args.len; i++) {
                const struct oci_seccomp_arg *a = &r->args.items[i];

                cmp[i] = str_equal(a->op, "SCMP_CMP_EQ")
                             ? (struct scmp_arg_cmp){a->index, SCMP_CMP_EQ, a->value, 0}
                             : (struct scmp_arg_cmp){a->index, SCMP_CMP_MASKED_EQ, a->value,
                                                     a->value_two};
            }
            nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, *name);
            if (nr != __NR_SCMP_ERROR)
                (void)seccomp_rule_add_array(ctx, action, nr, (unsigned)r->args.len, cmp);
        }
    }
    assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
    seccomp_release(ctx);
    assert_int_equal(fstat(fd, &st), 0);
    insns = alloc_zero(1, (size_t)st.st_size);
    assert_int_equal(pread(fd, insns, (size_t)st.st_size, 0), st.st_size);
    *ret_n = (size_t)st.st_size / sizeof(*insns);
    return insns;
}

static void the_program_equals_libseccomps(void **state)
{
    static const uint64_t values[] = {0,           1,          8,          16,         17,
                                      31,          32,         37,         38,         39,
                                      40,          41,         43,         45,         46,
                                      63,          64,         0x20000,    0x20008,    0x50f00,
                                      0x100,       0x7e020000, 0x10000000, 0x40000000, 0xffffffff,
                                      0x100000026, UINT64_MAX};
    static const char *const cap_sets[] = {"", "CAP_SYS_ADMIN", "CAP_SYS_CHROOT CAP_SYS_PTRACE"};
    unsigned compared = 0;

    (void)state;
#if defined(__x86_64__)
    for (size_t k = 0; k < ARRAY_LEN(cap_sets); k++) {
        auto_strv caps = strv_split(cap_sets[k], ' ');
        DHOW_CLEANUP(profile_done) struct oci_seccomp s = {0};
        DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0};
        auto_free struct sock_filter *theirs = NULL;
        size_t n;

        profile_default(caps, &s);
        assert_int_equal(seccomp_compile(&s, &p, NULL), 0);
        theirs = reference(&s, SCMP_ARCH_X86_64, &n);
        /* 450 is the last number that every libseccomp of interest knows by name */
        for (uint32_t nr = 0; nr <= 450; nr++) {
            for (size_t i = 0; i < ARRAY_LEN(values); i++) {
                struct seccomp_data data = {.nr = (int)nr,
                                            .arch = SCMP_ARCH_X86_64,
                                            .args = {values[i]}};
                int64_t want = run(theirs, n, &data);

                if (nr == 335) /* uretprobe: newer than libseccomp's tables */
                    continue;
                if (ask(&p, SCMP_ARCH_X86_64, nr, values[i]) != want)
                    fail_msg("caps '%s', call %u(%#llx): %#x, libseccomp %#llx", cap_sets[k], nr,
                             (unsigned long long)values[i],
                             ask(&p, SCMP_ARCH_X86_64, nr, values[i]), (long long)want);
                compared++;
            }
        }
    }
    assert_true(compared > 10000);
#else
    (void)values;
    (void)cap_sets;
    (void)compared;
    skip();
#endif
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
    static const uint32_t abis[][2] = {/* audit arch, table */
                                       {SCMP_ARCH_X86_64, SCMP_ARCH_X86_64},
                                       {SCMP_ARCH_X86, SCMP_ARCH_X86},
                                       {SCMP_ARCH_X86_64, SCMP_ARCH_X32}};
    DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0};

    (void)state;
#if !defined(__x86_64__)
    skip();
#endif
    compile_default(NULL, &p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < ARRAY_LEN(abis); k++) {
            int nr = seccomp_number(abis[k][1], rows[i].name);
            uint32_t got;

            assert_true(nr >= 0);
            got = ask(&p, abis[k][0], (uint32_t)nr, rows[i].arg0);
            if (got != rows[i].want)
                fail_msg("abi %zu: %s(%#llx): %#x", k, rows[i].name,
                         (unsigned long long)rows[i].arg0, got);
        }
    }
    assert_int_equal(ask(&p, SCMP_ARCH_X86, 102, 1), EPERMED); /* socketcall(SYS_SOCKET) */
    /* newer than the profile: open_tree_attr(2) and beyond; x32 has numbers of its own up to 547 */
    assert_int_equal(ask(&p, SCMP_ARCH_X86_64, 467, 0), ENOSYSED);
    assert_int_equal(ask(&p, SCMP_ARCH_X86, 467, 0), ENOSYSED);
    assert_int_equal(ask(&p, SCMP_ARCH_X86_64, 9999, 0), ENOSYSED);
    assert_int_equal(ask(&p, SCMP_ARCH_X86_64, 0x40000000 + 9999, 0), ENOSYSED);
    assert_int_equal(ask(&p, SCMP_ARCH_AARCH64, 0, 0), SECCOMP_RET_KILL_PROCESS);
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
        DHOW_CLEANUP(seccomp_program_done) struct seccomp_program without = {0}, with = {0};
        int nr = seccomp_number(seccomp_arch_ours(), rows[i].name);

        if (nr < 0)
            continue; /* iopl is x86's */
        compile_default(NULL, &without);
        strv_add(&caps, rows[i].cap);
        compile_default(caps, &with);
        if (ask(&without, seccomp_arch_ours(), (uint32_t)nr, 0) == ALLOWED ||
            ask(&with, seccomp_arch_ours(), (uint32_t)nr, 0) != ALLOWED)
            fail_msg("%s does not decide about %s", rows[i].cap, rows[i].name);
    }
}

static void comparisons_are_of_64_bits(void **state)
{
    static const struct {
        const char *op;
        bool below, equal, above; /* is it allowed with these */
    } rows[] = {
        {"SCMP_CMP_NE", true, false, true}, {"SCMP_CMP_LT", true, false, false},
        {"SCMP_CMP_LE", true, true, false}, {"SCMP_CMP_EQ", false, true, false},
        {"SCMP_CMP_GE", false, true, true}, {"SCMP_CMP_GT", false, false, true},
    };
    static const uint64_t limits[] = {0x500000005, 0x500000000, 0x5ffffffff, 7};
    uint32_t read_nr = (uint32_t)seccomp_number(seccomp_arch_ours(), "read");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
            uint64_t v = limits[k];
            auto_free char *text = alloc_printf(
                "{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":[{\"names\":[\"read\"],"
                "\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":%llu,\"op\":\"%s\"}"
                "]}]}",
                (unsigned long long)v, rows[i].op);
            const struct {
                uint64_t arg;
                bool is_allowed;
            } asks[] = {{v, rows[i].equal},
                        {v - 1, rows[i].below},
                        {v + 1, rows[i].above},
                        {v + 0x100000000, rows[i].above},
                        {v >> 32 ? v - 0x100000000 : v - 1, rows[i].below},
                        {0, rows[i].below},
                        {UINT64_MAX, rows[i].above}};
            DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0};

            compile_text(text, &p);
            for (size_t m = 0; m < ARRAY_LEN(asks); m++) {
                uint32_t got = ask(&p, seccomp_arch_ours(), read_nr, asks[m].arg);

                if ((got == ALLOWED) != asks[m].is_allowed)
                    fail_msg("%#llx %s %#llx: %#x", (unsigned long long)asks[m].arg, rows[i].op,
                             (unsigned long long)v, got);
            }
        }
    }
}

static void rules_combine_as_documented(void **state)
{
    static const struct {
        const char *syscalls;
        uint64_t arg0;
        uint32_t want;
    } rows[] = {
        /* the one with arguments first, whatever the order */
        {"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"},{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_ERRNO\",\"errnoRet\":7,\"args\":[{\"index\":0,\"value\":5,\"op\":"
         "\"SCMP_CMP_EQ\"}]}",
         5, SECCOMP_RET_ERRNO | 7},
        {"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"},{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_ERRNO\",\"errnoRet\":7,\"args\":[{\"index\":0,\"value\":5,\"op\":"
         "\"SCMP_CMP_EQ\"}]}",
         6, ALLOWED},
        /* two comparisons of one argument: either */
        {"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":5,"
         "\"op\":\"SCMP_CMP_EQ\"},{\"index\":0,\"value\":9,\"op\":\"SCMP_CMP_EQ\"}]}",
         9, ALLOWED},
        /* of two arguments: both */
        {"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":5,"
         "\"op\":\"SCMP_CMP_EQ\"},{\"index\":1,\"value\":9,\"op\":\"SCMP_CMP_EQ\"}]}",
         5, EPERMED},
        {"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":5,"
         "\"op\":\"SCMP_CMP_EQ\"},{\"index\":1,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}",
         5, ALLOWED},
        /* the first of two without arguments */
        {"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"},{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_KILL_PROCESS\"}",
         0, ALLOWED},
        {"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":3}", 0,
         SECCOMP_RET_TRACE | 3},
        {"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\"}", 0, EPERMED},
        {"{\"name\":\"read\",\"action\":\"SCMP_ACT_LOG\"}", 0, SECCOMP_RET_LOG},
    };
    uint32_t nr = (uint32_t)seccomp_number(seccomp_arch_ours(), "read");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *text =
            alloc_printf("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[%s]}",
                         rows[i].syscalls);
        DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0};

        compile_text(text, &p);
        if (ask(&p, seccomp_arch_ours(), nr, rows[i].arg0) != rows[i].want)
            fail_msg("row %zu: %#x", i, ask(&p, seccomp_arch_ours(), nr, rows[i].arg0));
    }
}

static void unknown_names_are_counted(void **state)
{
    DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0};

    (void)state;
    compile_text("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\","
                 "\"nosuch\",\"neither\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
                 &p);
    assert_int_equal(p.unknown_names, 2);
    /* the default allows: so it does what is newer */
    assert_int_equal(ask(&p, seccomp_arch_ours(), 5000, 0), ALLOWED);
}

static void a_wide_profile_takes_long_jumps(void **state)
{
    auto_str text = STR_INIT(1 << 20);
    DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0};

    (void)state;
    str_add(&text, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
    for (int i = 0; i < 120; i++)
        for (size_t k = 0; k < 3; k++)
            str_addf(&text,
                     "%s{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{"
                     "\"index\":0,\"value\":%d,\"op\":\"SCMP_CMP_EQ\"}]}",
                     i || k ? "," : "", ((const char *const[]){"read", "kill", "ioctl"})[k], i * 3);
    str_add(&text, "]}");
    compile_text(str_text(&text), &p);
    for (uint64_t v = 0; v < 400; v++)
        for (size_t k = 0; k < 4; k++) {
            const char *name = ((const char *const[]){"read", "kill", "ioctl", "openat"})[k];
            uint32_t nr = (uint32_t)seccomp_number(seccomp_arch_ours(), name);
            uint32_t want = k < 3 && v < 360 && v % 3 == 0 ? ALLOWED : EPERMED;

            /* openat lies below the newest of the three only on some architectures */
            if (k == 3 && ask(&p, seccomp_arch_ours(), nr, v) == ENOSYSED)
                continue;
            assert_int_equal(ask(&p, seccomp_arch_ours(), nr, v), want);
        }
}

static void bad_profiles_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
    } rows[] = {
        {"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", ERR_UNSUPPORTED},
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
        DHOW_CLEANUP(profile_done) struct oci_seccomp s = {0};
        struct err e = {0};

        if (profile_parse(text, strlen(text), caps, &s, &e) < 0)
            fail_msg("%s: %s", text, e.msg);
        if (s.syscalls.len != rows[i].counts)
            fail_msg("row %zu", i);
        assert_int_equal(strv_len(s.architectures), 2);
        assert_string_equal(s.architectures[1], "SCMP_ARCH_MIPS");
    }
}

/* The cache */

static void get(const char *dir, const struct oci_seccomp *s, bool is_from_cache)
{
    DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0}, fresh = {0};

    assert_int_equal(seccomp_program_get(s, dir, &p, NULL), 0);
    assert_int_equal(p.is_from_cache, is_from_cache);
    assert_int_equal(seccomp_compile(s, &fresh, NULL), 0);
    assert_int_equal(p.n, fresh.n);
    assert_int_equal(p.flags, fresh.flags);
    assert_memory_equal(p.insns, fresh.insns, p.n * sizeof(*p.insns));
}

static void damage(const char *dir, const char *name, int how)
{
    auto_free char *path = alloc_printf("%s/%s", dir, name);
    auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    switch (how) {
    case 0: /* an instruction differs */
        assert_int_equal(pwrite(fd, "\xff", 1, st.st_size / 2), 1);
        break;
    case 1:
        assert_int_equal(ftruncate(fd, st.st_size - 8), 0);
        break;
    case 2:
        assert_int_equal(ftruncate(fd, 0), 0);
        break;
    case 3:
        assert_int_equal(pwrite(fd, "x", 1, st.st_size), 1);
        break;
    case 4:
        assert_int_equal(fchmod(fd, 0666), 0);
        break;
    default: /* the flags: 4 bytes after magic and n */
        assert_int_equal(pwrite(fd, "\xff", 1, 12), 1);
        break;
    }
}

static void a_cache_is_used_only_when_whole_and_ours(void **state)
{
    char top[] = "/tmp/dhow-seccomp-XXXXXX";
    auto_free char *dir = NULL;
    auto_strv names = NULL;
    DHOW_CLEANUP(profile_done) struct oci_seccomp s = {0}, other = {0};
    char *caps[] = {(char *)"CAP_SYS_CHROOT", NULL};

    (void)state;
    assert_non_null(mkdtemp(top));
    dir = alloc_printf("%s/cache", top);
    profile_default(NULL, &s);
    profile_default(caps, &other);
    get(NULL, &s, false);
    get(dir, &s, false);
    get(dir, &s, true);
    get(dir, &other, false);
    get(dir, &other, true);
    get(dir, &s, true);
    assert_int_equal(sys_list_dir(AT_FDCWD, dir, &names), 0);
    assert_int_equal(strv_len(names), 2);
    for (int how = 0; how <= 5; how++) {
        damage(dir, names[0], how);
        damage(dir, names[1], how);
        get(dir, &s, false);
        get(dir, &s, true);
        get(dir, &other, false);
    }
    assert_int_equal(chmod(dir, 0777), 0);
    get(dir, &s, false);
    get("/nonexistent/deep/cache", &s, false);
    assert_int_equal(sys_remove_tree(AT_FDCWD, top), 0);
}

/* T-seccomp: the kernel decides. Each question runs in one filtered child, whose exit status says
 * which question got another answer. */

struct question {
    long nr;
    unsigned long args[3];
    int want; /* errno, 0: success, -1: anything but EPERM */
};

static int ask_kernel(const struct question *q)
{
    long r = syscall(q->nr, q->args[0], q->args[1], q->args[2]);
    int got = r < 0 ? errno : 0;

    if (r == 0 && q->nr == SYS_clone)
        _exit(0);
    if (r > 2 && (q->nr == SYS_socket || q->nr == SYS_io_uring_setup))
        close((int)r);
    if (r > 0 && q->nr == SYS_clone)
        waitpid((pid_t)r, NULL, 0);
    return q->want < 0 ? got != EPERM : got == q->want;
}

static void kernel_answers(const struct question *q, size_t n, const struct seccomp_program *p)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_program_load(p) < 0)
            _exit(255);
        for (size_t i = 0; i < n; i++)
            if (!ask_kernel(&q[i]))
                _exit((int)i + 1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 255)
        fail_msg("the child could not load the filter or was killed: status %#x", status);
    if (WEXITSTATUS(status)) {
        const struct question *bad = &q[WEXITSTATUS(status) - 1];

        fail_msg("call %ld(%#lx): not %d", bad->nr, bad->args[0], bad->want);
    }
}

static void T_seccomp_the_kernel_enforces_the_default_profile(void **state)
{
    static const struct question fixed[] = {
        {SYS_getpid, {0}, -1},
        {SYS_clone, {SIGCHLD}, 0},
        {SYS_clone, {CLONE_NEWUSER | SIGCHLD}, EPERM},
        {SYS_clone, {CLONE_NEWNS | SIGCHLD}, EPERM},
        {SYS_clone, {CLONE_NEWNET | SIGCHLD}, EPERM},
        {SYS_clone3, {0}, ENOSYS},
        {SYS_unshare, {CLONE_NEWUSER}, EPERM},
        {SYS_unshare, {0}, EPERM},
        {SYS_setns, {0}, EPERM},
        {SYS_io_uring_setup, {1, 0}, EPERM},
        {323 /* userfaultfd */, {0}, EPERM},
        {SYS_bpf, {0}, EPERM},
        {SYS_keyctl, {0}, EPERM},
        {SYS_add_key, {0}, EPERM},
        {SYS_perf_event_open, {0}, EPERM},
        {SYS_mount, {0}, EPERM},
        {SYS_open_by_handle_at, {0}, EPERM},
        {SYS_personality, {0}, 0},
        {SYS_personality, {0xffffffff}, 0},
        {SYS_personality, {ADDR_NO_RANDOMIZE}, EPERM},
        {100000, {0}, ENOSYS},
        {SYS_socketpair, {1 /* AF_UNIX */, 1, 0}, EFAULT},
    };
    DHOW_CLEANUP(seccomp_program_done) struct seccomp_program p = {0};
    struct question families[64];

    (void)state;
#if !defined(__x86_64__)
    skip(); /* 323 above is x86_64's */
#endif
    compile_default(NULL, &p);
    kernel_answers(fixed, ARRAY_LEN(fixed), &p);
    for (unsigned i = 0; i < 64; i++)
        families[i] = (struct question){SYS_socket,
                                        {i, 0xff /* no such type */, 0},
                                        i == 38 || i == 40 ? EPERM : -1};
    kernel_answers(families, 64, &p);
    for (unsigned i = 0; i < 64; i++)
        families[i].args[0] |= 0x100000000;
    kernel_answers(families, 64, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_equals_libseccomps),
        cmocka_unit_test(T_seccomp_the_default_profile_decides_by_abi),
        cmocka_unit_test(capabilities_open_their_calls),
        cmocka_unit_test(comparisons_are_of_64_bits),
        cmocka_unit_test(rules_combine_as_documented),
        cmocka_unit_test(unknown_names_are_counted),
        cmocka_unit_test(a_wide_profile_takes_long_jumps),
        cmocka_unit_test(bad_profiles_are_refused),
        cmocka_unit_test(conditions_of_files_are_decided),
        cmocka_unit_test(a_cache_is_used_only_when_whole_and_ours),
        cmocka_unit_test(T_seccomp_the_kernel_enforces_the_default_profile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
