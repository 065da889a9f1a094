/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs decide, by an interpreter: beside libseccomp's program of the same profile (many
 * small profiles and the great ones, on several architectures, call by call), beside a plain
 * reading of the rules (profiles by chance, where libseccomp's programs do not always do what the
 * rules say), and where the meaning is ours.
 */
#include "seccomp/testing.h"

#include <fcntl.h>
#include <linux/audit.h>

#include "seccomp/words.h"
#include "sys/file.h"

#define X32_BASE 0x40000000u

#define FAMILY "X86_64 X86 X32"

static const struct {
    const char *preset;
    const char *archs;
    const char *rules;
} profiles[] = {
    {"ALLOW", "", ""},
    {"ALLOW", FAMILY, ""},
    {"ERRNO", "", ""},
    {"ERRNO/38", "", "read ALLOW"},
    {"LOG", FAMILY, "read ERRNO/0"},
    {"TRACE/7", FAMILY, "read ALLOW"},
    {"TRAP", "", "read ALLOW"},
    {"KILL", FAMILY, "read write exit_group ALLOW"},
    {"KILL_PROCESS", "", "read write ALLOW"},
    {"KILL_THREAD", "", "read write LOG"},
    {"ALLOW", FAMILY, "mkdir ERRNO/100"},
    {"ALLOW", "X86 X32", "mkdir mkdirat KILL"},
    {"ALLOW", "X86", "mkdir TRAP"},
    {"ALLOW", "X32", "mkdir TRACE/5"},
    {"ALLOW", "", "mkdir NOTIFY; mkdir ERRNO"},
    {"ERRNO", "AARCH64 ARM RISCV64", "read openat mkdir mmap2 set_tls ALLOW"},
    {"ERRNO", "MIPSEL MIPSEL64 MIPSEL64N32", "read openat mkdir mmap2 ALLOW"},
    /* the same name in several rules, several names, names twice */
    {"ERRNO", FAMILY, "read read ALLOW; read ALLOW"},
    {"ERRNO", "", "read ALLOW; read KILL_PROCESS"},
    {"ERRNO", "", "read KILL_PROCESS; read ALLOW"},
    {"ERRNO", "", "nosuch read neither ALLOW"},
    /* the default's action is no rule */
    {"ERRNO", "", "read ERRNO; read ALLOW"},
    {"ERRNO", "", "read ERRNO/1 a0==5; read ALLOW"},
    {"ERRNO", "", "read ERRNO/2; read ALLOW"},
    /* without arguments decides, before and behind */
    {"ERRNO", "", "read ALLOW; read KILL_PROCESS a0==5"},
    {"ERRNO", "", "read KILL_PROCESS a0==5; read ALLOW"},
    {"ERRNO", "", "read LOG a0==5; read KILL; read ALLOW a0==5"},
    /* each comparison, in 64 and in 32 bits */
    {"ERRNO", FAMILY, "read ALLOW a0==5"},
    {"ERRNO", FAMILY, "read ALLOW a0==0"},
    {"ERRNO", FAMILY, "read ALLOW a0==0x100000005"},
    {"ERRNO", FAMILY, "read ALLOW a0==0xffffffff"},
    {"ERRNO", FAMILY, "read ALLOW a0==0xffffffffffffffff"},
    {"ERRNO", FAMILY, "read ALLOW a0!=5"},
    {"ERRNO", FAMILY, "read ALLOW a0!=0x100000005"},
    {"ERRNO", FAMILY, "read ALLOW a1<5"},
    {"ERRNO", FAMILY, "read ALLOW a1<0x100000005"},
    {"ERRNO", FAMILY, "read ALLOW a1<=5"},
    {"ERRNO", FAMILY, "read ALLOW a1<=0x100000005"},
    {"ERRNO", FAMILY, "read ALLOW a2>=5"},
    {"ERRNO", FAMILY, "read ALLOW a2>=0x100000005"},
    {"ERRNO", FAMILY, "read ALLOW a2>5"},
    {"ERRNO", FAMILY, "read ALLOW a2>0x100000005"},
    {"ERRNO", FAMILY, "read ALLOW a2>0xffffffffffffffff"},
    {"ERRNO", FAMILY, "read ALLOW a0&0x7e020000==0"},
    {"ERRNO", FAMILY, "read ALLOW a0&0xffffffff==5"},
    {"ERRNO", FAMILY, "read ALLOW a0&0x100000007==0x100000001"},
    {"ERRNO", FAMILY, "read ALLOW a0&4==4"},
    {"ERRNO", FAMILY, "read ALLOW a0&0==0"},
    /* both of two arguments, either of one, alternatives */
    {"ERRNO", FAMILY, "read ALLOW a0==5 a1==8"},
    {"ERRNO", FAMILY, "read ALLOW a2!=1 a1>=5"},
    {"ERRNO", FAMILY, "read ALLOW a0==5 a0==8"},
    {"ERRNO", FAMILY, "read ALLOW a0==5 a1==8 a0==255"},
    {"ERRNO", FAMILY, "read ALLOW a0==5; read LOG a0==8; read TRAP a0==255"},
    {"ALLOW", FAMILY, "read ERRNO/22 a0==5"},
    /* two "not equal" rules leave nothing out */
    {"ERRNO", "", "read ALLOW a0!=5; read ALLOW a0!=8"},
    /* podman's way to refuse an audit socket: in parts that do not overlap */
    {"ERRNO/38", FAMILY, "clone ERRNO/22 a0==5 a2==1; clone ALLOW a2!=1; clone ALLOW a0!=5"},
};

/* libseccomp's answer, and what runc and we make of it. */
struct beside {
    const struct oci_seccomp *s;
    struct sock_filter *insns;
    size_t n;
};

static bool is_listed(const struct oci_seccomp *s, const char *arch)
{
    return str_equal(arch, syscalls_native()->name) || strv_has(s->architectures, arch);
}

static bool is_permissive(const char *action)
{
    return str_equal(action, "SCMP_ACT_ALLOW") || str_equal(action, "SCMP_ACT_LOG") ||
           str_equal(action, "SCMP_ACT_TRACE");
}

/* The highest number that the profile names, or -1. */
static int64_t highest(const struct oci_seccomp *s, const struct syscalls_arch *arch)
{
    int64_t most = -1;

    VEC_FOREACH (r, &s->syscalls)
        STRV_FOREACH (name, r->names) {
            int call = syscalls_find(*name);
            int64_t n = call < 0 ? -1 : syscalls_number(arch, call);

            most = n > most ? n : most;
        }
    return most;
}

/* `most`: highest() of the architecture. */
static uint32_t expect(const struct beside *b, const struct syscalls_arch *arch, int64_t most,
                       const struct seccomp_data *data)
{
    int64_t theirs = run(b->insns, b->n, data);

    if (theirs < 0)
        fail_msg("libseccomp's program does what the interpreter does not know");
    if (!is_listed(b->s, arch->name)) {
        if (arch->base == X32_BASE && (uint32_t)data->nr == UINT32_MAX)
            return (uint32_t)theirs; /* a tracer's way to skip a call */
        return theirs == SCMP_ACT_KILL_THREAD ? SECCOMP_RET_KILL_PROCESS : (uint32_t)theirs;
    }
    if (most >= 0 && (uint32_t)data->nr > most && !is_permissive(b->s->default_action))
        return ENOSYSED;
    return (uint32_t)theirs;
}

/* libseccomp's tables may be older; numbers of multiplexed calls are small and negative. */
/* libseccomp's tables may be older; numbers of multiplexed calls are small and negative. */
static bool is_known_to_both(const struct syscalls_arch *arch, uint32_t nr)
{
    for (size_t i = 0; i < arch->n; i++) {
        int theirs = __NR_SCMP_ERROR;

        if (arch->numbers[i].number != nr)
            continue;
        theirs = seccomp_syscall_resolve_name_arch(reference_arch(arch->name),
                                                   syscalls_name(arch->numbers[i].call));
        return theirs > -1000 && theirs != __NR_SCMP_ERROR;
    }
    return true;
}

static const uint64_t values[] = {0,           1,           5,           8,           31,
                                  32,          38,          40,          41,          64,
                                  255,         0x20008,     0x7fffffff,  0x80000000,  0xffffffff,
                                  0x100000000, 0x100000001, 0x100000005, 0x1ffffffff, UINT64_MAX};

/* One call with many arguments; returns how many. */
static unsigned compare_call(const struct beside *b, const struct seccomp_program *p,
                             const char *what, const struct syscalls_arch *arch, uint32_t nr)
{
    static const size_t seconds[] = {0, 2, 3, 17}, thirds[] = {0, 1, 17, 19};
    int64_t most = highest(b->s, arch);
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_LEN(values) * 16; i++, n++) {
        struct seccomp_data data = {.nr = (int)nr,
                                    .arch = arch->audit,
                                    .args = {values[i / 16], values[seconds[i % 4]],
                                             values[thirds[i / 4 % 4]]}};
        uint32_t want = expect(b, arch, most, &data), got = ask_data(p, &data);

        if (got != want)
            fail_msg("%s\n%s: call %u(%#llx, %#llx, %#llx): %#x, libseccomp: %#x", what, arch->name,
                     nr, (unsigned long long)data.args[0], (unsigned long long)data.args[1],
                     (unsigned long long)data.args[2], got, want);
    }
    return n;
}

static const char *const compared_archs[] = {
    "SCMP_ARCH_X86_64",  "SCMP_ARCH_X86",      "SCMP_ARCH_X32",
    "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM",      "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_RISCV64", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
};

/* Around every number that the profile names, at the edges, and in the gaps. */
static unsigned compare_small(const struct beside *b, const struct seccomp_program *p,
                              const char *what)
{
    static const uint32_t edges[] = {0,          334,       335,           400,
                                     449,        450,       512,           9999,
                                     0x3fffffff, X32_BASE,  X32_BASE + 13, X32_BASE + 512,
                                     0x80000000, 0xffffffff};
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_LEN(compared_archs); i++) {
        const struct syscalls_arch *arch = arch_of(compared_archs[i]);

        VEC_FOREACH (r, &b->s->syscalls)
            STRV_FOREACH (name, r->names) {
                int call = syscalls_find(*name);
                int64_t nr = call < 0 ? -1 : syscalls_number(arch, call);

                for (int64_t near = nr - 1; nr > 0 && near <= nr + 1; near++)
                    if (near >= arch->base)
                        n += compare_call(b, p, what, arch, (uint32_t)near);
            }
        for (size_t k = 0; k < ARRAY_LEN(edges); k++)
            if (arch->audit != AUDIT_ARCH_X86_64 ||
                (edges[k] >= X32_BASE) == (arch->base == X32_BASE))
                n += compare_call(b, p, what, arch, edges[k]);
    }
    return n;
}

static void small_profiles_are_as_libseccomp_makes_them(void **state)
{
    unsigned compared = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        auto_seccomp s = {0};
        auto_program p = {0};
        struct beside b = {.s = &s};

        shorthand(profiles[i].preset, profiles[i].archs, profiles[i].rules, &s);
        compile(&s, &p);
        b.insns = reference(&s, &b.n);
        compared += compare_small(&b, &p, profiles[i].rules);
        free(b.insns);
    }
    assert_true(compared > 500000);
}

/* Every number of the three tables of an amd64 kernel. */
static void compare_great(const struct oci_seccomp *s, const char *what)
{
    auto_program p = {0};
    struct beside b = {.s = s};
    unsigned compared = 0;

    compile(s, &p);
    b.insns = reference(s, &b.n);
    for (size_t i = 0; i < 3; i++) {
        const struct syscalls_arch *arch = arch_of(compared_archs[i]);

        for (uint32_t nr = arch->base; nr <= arch->base + 600; nr++)
            if (is_known_to_both(arch, nr) && (i != 1 || (nr != 102 && nr != 117)))
                compared += compare_call(&b, &p, what, arch, nr);
    }
    free(b.insns);
    assert_true(compared > 100000);
}

static void the_default_profile_is_as_libseccomp_makes_it(void **state)
{
    static const char *const cap_sets[] = {"", "CAP_SYS_ADMIN", "CAP_SYS_CHROOT CAP_SYS_PTRACE"};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(cap_sets); k++) {
        auto_strv caps = strv_split(cap_sets[k], ' ');
        auto_seccomp s = {0};

        profile_default(caps, &s);
        compare_great(&s, cap_sets[k]);
    }
}

/* The profile that podman's package brings. */
static void podmans_profile_is_as_libseccomp_makes_it(void **state)
{
    auto_free char *text = NULL;
    auto_seccomp s = {0};
    size_t len;

    (void)state;
    if (sys_read_file(AT_FDCWD, "/usr/share/containers/seccomp.json", PROFILE_MAX_BYTES, &text,
                      &len) < 0) {
        print_message("needs golang-github-containers-common\n");
        skip();
    }
    assert_int_equal(profile_parse(text, len, NULL, &s, NULL), 0);
    compare_great(&s, "podman");
}

/* Profiles by chance beside a plain reading of their rules: for one call, with all operators. */

static uint64_t chance(uint64_t *state)
{
    *state ^= *state << 13; /* xorshift64 */
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool holds(const struct oci_seccomp_arg *c, uint64_t v, uint64_t bits)
{
    uint64_t value = c->value & bits;

    v &= bits;
    if (str_equal(c->op, "SCMP_CMP_EQ"))
        return v == value;
    if (str_equal(c->op, "SCMP_CMP_NE"))
        return v != value;
    if (str_equal(c->op, "SCMP_CMP_LT"))
        return v < value;
    if (str_equal(c->op, "SCMP_CMP_LE"))
        return v <= value;
    if (str_equal(c->op, "SCMP_CMP_GT"))
        return v > value;
    if (str_equal(c->op, "SCMP_CMP_GE"))
        return v >= value;
    return (v & value) == (c->value_two & bits);
}

static bool fits(const struct oci_seccomp_rule *r, const uint64_t *args, uint64_t bits)
{
    unsigned seen = 0, n_holding = 0;
    bool is_either = false;

    VEC_FOREACH (c, &r->args) {
        is_either |= (seen & 1u << c->index) != 0;
        seen |= 1u << c->index;
        n_holding += holds(c, args[c->index], bits);
    }
    return is_either ? n_holding > 0 : n_holding == r->args.len;
}

/* As compile.c says it at its top; the default is ERRNO, the call is read. */
static uint32_t read_plainly(const struct oci_seccomp *s, const uint64_t *args, uint64_t bits)
{
    VEC_FOREACH (r, &s->syscalls)
        if (r->args.len == 0 && !str_equal(r->action, s->default_action))
            return reference_action(r->action, &r->errno_ret);
    VEC_FOREACH (r, &s->syscalls)
        if (!str_equal(r->action, s->default_action) && fits(r, args, bits))
            return reference_action(r->action, &r->errno_ret);
    return EPERMED;
}

static void profile_by_chance(uint64_t *state, struct oci_seccomp *ret)
{
    static const char *const actions[] = {"ALLOW", "LOG", "TRAP", "ERRNO", "TRACE/3", "KILL"};
    static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">=", "&"};
    auto_str rules = STR_INIT(1 << 16);
    size_t n_rules = 1 + chance(state) % 6;

    for (size_t i = 0; i < n_rules; i++) {
        size_t n = chance(state) % 16 == 0 ? 0 : 1 + chance(state) % 4;

        str_addf(&rules, "read %s", actions[chance(state) % ARRAY_LEN(actions)]);
        for (size_t k = 0; k < n; k++) {
            const char *op = ops[chance(state) % ARRAY_LEN(ops)];

            str_addf(&rules, " a%u%s%#llx", (unsigned)(chance(state) % 4), op,
                     (unsigned long long)values[chance(state) % ARRAY_LEN(values)]);
            if (*op == '&')
                str_addf(&rules, "==%#llx",
                         (unsigned long long)values[chance(state) % ARRAY_LEN(values)]);
        }
        str_add(&rules, ";");
    }
    shorthand("ERRNO", "X86 X32", str_text(&rules), ret);
}

static void rules_that_overlap_are_tried_in_their_order(void **state)
{
    uint64_t random = 0x2545f4914f6cdd1d;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        auto_seccomp s = {0};
        auto_program p = {0};

        profile_by_chance(&random, &s);
        compile(&s, &p);
        for (unsigned k = 0; k < 120; k++) {
            const struct syscalls_arch *arch = arch_of(compared_archs[k % 3]);
            struct seccomp_data data = {.nr = (int)number_of(arch->name, "read"),
                                        .arch = arch->audit};
            uint64_t args[6] = {0};

            for (size_t m = 0; m < 4; m++)
                args[m] = data.args[m] = values[chance(&random) % ARRAY_LEN(values)];
            if (ask_data(&p, &data) != read_plainly(&s, args, k % 3 == 0 ? UINT64_MAX : UINT32_MAX))
                fail_msg("profile %u, %s: %#x", i, arch->name, ask_data(&p, &data));
        }
    }
}

/* What a rule for a call says about socketcall(2) and ipc(2) on i386. */
static void multiplexers_follow_their_calls_but_never_more_freely(void **state)
{
    static const struct {
        const char *preset;
        const char *rules;
        const char *call;
        uint64_t arg0;
        uint32_t want;
    } rows[] = {
        {"ERRNO", "socket connect ALLOW", "socketcall", 1, ALLOWED},
        {"ERRNO", "socket connect ALLOW", "socketcall", 3, ALLOWED},
        {"ERRNO", "socket connect ALLOW", "socketcall", 2, EPERMED},
        {"ERRNO", "socket connect ALLOW", "socketcall", 0, EPERMED},
        {"ERRNO", "socket connect ALLOW", "socketcall", 21, EPERMED},
        {"ERRNO", "sendmmsg ALLOW", "socketcall", 20, ALLOWED},
        {"ERRNO", "shmat ALLOW; semop TRACE/2", "ipc", 21, ALLOWED},
        {"ERRNO", "shmat ALLOW; semop TRACE/2", "ipc", 1, SECCOMP_RET_TRACE | 2},
        {"ERRNO", "shmat ALLOW; semop TRACE/2", "ipc", 22, EPERMED},
        /* families cannot be seen: what would allow some allows none, what refuses some refuses all
         */
        {"ERRNO", "socket ALLOW a0!=38", "socketcall", 1, EPERMED},
        {"ERRNO", "socket ALLOW a0==1; bind ALLOW", "socketcall", 2, ALLOWED},
        {"ALLOW", "socket ERRNO/97 a0==38", "socketcall", 1, SECCOMP_RET_ERRNO | 97},
        {"ALLOW", "socket ERRNO/97 a0==38", "socketcall", 2, ALLOWED},
        {"ALLOW", "socket LOG a0==1; socket KILL_PROCESS a0==38; socket ERRNO a0==40", "socketcall",
         1, SECCOMP_RET_KILL_PROCESS},
        {"ALLOW", "socket ERRNO/97", "socketcall", 1, SECCOMP_RET_ERRNO | 97},
        /* named: it is decided there */
        {"ERRNO", "socketcall ALLOW", "socketcall", 1, ALLOWED},
        {"ERRNO", "socket socketcall ALLOW", "socketcall", 2, ALLOWED},
        {"ERRNO", "socket ALLOW; socketcall ALLOW a0==2", "socketcall", 1, EPERMED},
        {"ERRNO", "socket ALLOW; socketcall ERRNO", "socketcall", 1, EPERMED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_program p = {0};
        uint32_t got;

        compile_rules(rows[i].preset, rows[i].rules, &p);
        got = ask(&p, "SCMP_ARCH_X86", number_of("SCMP_ARCH_X86", rows[i].call), rows[i].arg0);
        if (got != rows[i].want)
            fail_msg("%s, %s(%u): %#x", rows[i].rules, rows[i].call, (unsigned)rows[i].arg0, got);
    }
}

/* Where no argument is compared, libseccomp says the same. */
static void multiplexers_are_as_libseccomp_makes_them(void **state)
{
    static const char *const rules[] = {
        "socket ALLOW",
        "bind connect listen accept accept4 shutdown ALLOW; socketpair ERRNO/7",
        "send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg ALLOW",
        "getsockname getpeername setsockopt getsockopt LOG",
        "semop semget semctl semtimedop ALLOW",
        "msgsnd msgrcv msgget msgctl ALLOW; shmat shmdt shmget shmctl TRAP",
    };
    const struct syscalls_arch *arch = arch_of("SCMP_ARCH_X86");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        auto_seccomp s = {0};
        auto_program p = {0};
        struct beside b = {.s = &s};

        shorthand("ERRNO", "X86", rules[i], &s);
        compile(&s, &p);
        b.insns = reference(&s, &b.n);
        for (uint32_t nr = 102; nr <= 117; nr += 15) {
            for (uint64_t arg0 = 0; arg0 < 40; arg0++) {
                struct seccomp_data data = {.nr = (int)nr, .arch = arch->audit, .args = {arg0}};

                if (ask_data(&p, &data) != run(b.insns, b.n, &data))
                    fail_msg("%s: call %u(%u): %#x, libseccomp: %#x", rules[i], nr, (unsigned)arg0,
                             ask_data(&p, &data), (unsigned)run(b.insns, b.n, &data));
            }
        }
        free(b.insns);
    }
}

static void a_wide_profile_takes_long_jumps(void **state)
{
    static const char *const names[] = {"read", "kill", "ioctl", "openat"};
    auto_str rules = STR_INIT(1 << 20);
    auto_program p = {0};

    (void)state;
    for (int i = 0; i < 120; i++)
        for (size_t k = 0; k < 3; k++)
            str_addf(&rules, "%s %s a0==%d;", names[k], i % 2 ? "ALLOW" : "LOG", i * 3);
    compile_rules("ERRNO", str_text(&rules), &p);
    assert_true(p.n > 2000);
    for (uint64_t v = 0; v < 400; v++) {
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            uint32_t nr = number_of("SCMP_ARCH_X86_64", names[k]);
            uint32_t fitting = v % 2 ? ALLOWED : SECCOMP_RET_LOG;
            uint32_t want = v < 360 && v % 3 == 0 ? fitting : EPERMED;

            assert_int_equal(ask(&p, "SCMP_ARCH_X86_64", nr, v), k < 3 ? want : ENOSYSED);
        }
    }
}

/* On s390 a number that is too high arrives as 0. */
static void an_unknown_call_of_s390_is_no_denied_one(void **state)
{
    auto_seccomp s = {0};
    auto_program p = {0};

    (void)state;
    shorthand("ERRNO", "S390X S390", "read write ALLOW", &s);
    compile(&s, &p);
    assert_int_equal(ask(&p, "SCMP_ARCH_S390X", 0, 0), ENOSYSED);
    assert_int_equal(ask(&p, "SCMP_ARCH_S390", 0, 0), ENOSYSED);
    assert_int_equal(ask(&p, "SCMP_ARCH_S390X", 1, 0), EPERMED);
    assert_int_equal(ask(&p, "SCMP_ARCH_S390X", 3, 0), ALLOWED);
    assert_int_equal(ask(&p, "SCMP_ARCH_X86_64", 0, 0), ALLOWED);
}

static void flags_are_for_the_kernel(void **state)
{
    static const struct {
        const char *members;
        unsigned want;
    } rows[] = {
        {"", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
        {",\"flags\":null", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
        {",\"flags\":[]", 0},
        {",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\"]", 0},
        {",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]", SECCOMP_FILTER_FLAG_LOG},
        {",\"flags\":[\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\",\"SECCOMP_FILTER_FLAG_LOG\"]",
         SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_LOG},
        /* nothing without a listener */
        {",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]", 0},
        {",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"],\"listenerPath\":\"/x\","
         "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
         SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_NEW_LISTENER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *text =
            alloc_printf("{\"defaultAction\":\"SCMP_ACT_ALLOW\"%s}", rows[i].members);
        auto_seccomp s = {0};
        auto_program p = {0};

        parse_text(text, &s);
        compile(&s, &p);
        assert_int_equal(p.flags, rows[i].want);
        assert_int_equal(seccomp_program_notifies(&p),
                         (rows[i].want & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0);
    }
}

static void mistakes_name_their_field(void **state)
{
    static const struct {
        const char *members;
        const char *message;
    } rows[] = {
        {"\"defaultAction\":\"ALLOW\"", "linux.seccomp.defaultAction: unknown value 'ALLOW'"},
        {"\"defaultAction\":\"SCMP_ACT_NOTIFY\"",
         "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1",
         "linux.seccomp.defaultErrnoRet: 'SCMP_ACT_ALLOW' has none"},
        {"\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":65536",
         "linux.seccomp.defaultErrnoRet: 65536 is above 65535"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\","
         "\"SCMP_ARCH_Z80\"]",
         "linux.seccomp.architectures[1]: unknown value 'SCMP_ARCH_Z80'"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\",\"X\"]",
         "linux.seccomp.flags[1]: unknown value 'X'"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
         "\"SCMP_ACT_KILL\"},{\"names\":[\"a\"],\"action\":\"KILL\"}]",
         "linux.seccomp.syscalls[1].action: unknown value 'KILL'"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
         "\"SCMP_ACT_TRAP\",\"errnoRet\":3}]",
         "linux.seccomp.syscalls[0].errnoRet: 'SCMP_ACT_TRAP' has none"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]",
         "linux.seccomp.syscalls[0].args[0].index: 6 is above 5"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_KILL\",\"args\":[{\"index\":1,\"value\":0,\"op\":\"SCMP_CMP_EQ\"},{\"index\":"
         "0,\"value\":0,\"op\":\"==\"}]}]",
         "linux.seccomp.syscalls[0].args[1].op: unknown value '=='"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\",\"syscalls\":[{\"names\":["
         "\"mkdir\",\"write\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
         "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY cannot be used for the write syscall"},
        {"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"\",\"syscalls\":[{\"names\":["
         "\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
         "linux.seccomp.listenerPath: is not set, and SCMP_ACT_NOTIFY needs it"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *text = alloc_printf("{%s}", rows[i].members);
        auto_seccomp s = {0};
        auto_program p = {0};
        struct err e = {0};

        parse_text(text, &s);
        assert_int_equal(seccomp_compile(&s, &p, &e), -1);
        assert_string_equal(e.msg, rows[i].message);
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

static void a_profile_that_the_kernel_would_not_take_is_refused(void **state)
{
    auto_str rules = STR_INIT(1 << 20);
    auto_seccomp s = {0};
    auto_program p = {0};
    struct err e = {0};

    (void)state;
    for (int i = 0; i < 1500; i++)
        str_addf(&rules, "read %s a0==%d;", i % 2 ? "ALLOW" : "LOG", i);
    shorthand("ERRNO", "X86 X32", str_text(&rules), &s);
    assert_int_equal(seccomp_compile(&s, &p, &e), -1);
    assert_int_equal(e.kind, ERR_LIMIT);
}

static void unknown_names_are_ignored_and_told(void **state)
{
    auto_seccomp s = {0};
    auto_program p = {0};
    auto_strv names = NULL;

    (void)state;
    shorthand("ALLOW", "", "read nosuch ERRNO; neither mmap2 KILL", &s);
    compile(&s, &p);
    names = seccomp_unknown_names(&s);
    assert_int_equal(strv_len(names), 2);
    assert_string_equal(names[0], "nosuch");
    assert_string_equal(names[1], "neither");
    /* the default allows: so it does what is newer */
    assert_int_equal(ask(&p, "SCMP_ARCH_X86_64", 5000, 0), ALLOWED);
}

static void every_name_is_found_and_has_its_number(void **state)
{
    static const struct {
        const char *arch;
        const char *name;
        int64_t number;
    } rows[] = {
        {"SCMP_ARCH_X86_64", "read", 0},
        {"SCMP_ARCH_X86_64", "uretprobe", 335},
        {"SCMP_ARCH_X86_64", "mseal", 462},
        {"SCMP_ARCH_X86", "socket", 359},
        {"SCMP_ARCH_X86", "socketcall", 102},
        {"SCMP_ARCH_X32", "read", 0x40000000},
        {"SCMP_ARCH_X32", "execve", 0x40000208},
        {"SCMP_ARCH_AARCH64", "read", 63},
        {"SCMP_ARCH_ARM", "set_tls", 983045},
        {"SCMP_ARCH_MIPS", "read", 4003},
        {"SCMP_ARCH_PPC64LE", "socket", 326},
        {"SCMP_ARCH_S390X", "semtimedop", 392},
        {"SCMP_ARCH_RISCV64", "riscv_hwprobe", 258},
        {"SCMP_ARCH_AARCH64", "open", -1},
        {"SCMP_ARCH_X86_64", "socketcall", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (syscalls_number(arch_of(rows[i].arch), syscalls_find(rows[i].name)) != rows[i].number)
            fail_msg("%s of %s", rows[i].name, rows[i].arch);
    for (size_t i = 0; i < syscalls_n; i++)
        assert_int_equal(syscalls_find(syscalls_name((int)i)), i);
    assert_int_equal(syscalls_find(""), -1);
    assert_int_equal(syscalls_find("reads"), -1);
    for (size_t i = 0; i < syscalls_n_archs; i++)
        for (size_t k = 1; k < syscalls_archs[i].n; k++)
            assert_true(syscalls_archs[i].numbers[k - 1].number <
                        syscalls_archs[i].numbers[k].number);
}

/* Each word that `features` lists is one that a specification may use, and the other way round. */
static void features_are_what_a_specification_may_say(void **state)
{
    struct seccomp_features f;
    size_t n;

    (void)state;
    seccomp_features(&f);
    for (n = 0; f.actions[n]; n++) {
        auto_free char *text = alloc_printf(
            "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"/"
            "r\"},\"linux\":{\"seccomp\":{\"defaultAction\":"
            "\"%s\",\"architectures\":[\"%s\"],\"flags\":[\"%s\"],\"syscalls\":[{"
            "\"names\":[\"read\"],\"action\":\"%s\",\"args\":[{\"index\":0,\"value\":0,"
            "\"op\":\"%s\"}]}]}}}",
            f.actions[n], f.archs[n], f.known_flags[n % WORDS_N_FLAGS], f.actions[n],
            f.operators[n % WORDS_N_OPS]);
        struct oci_spec s = {0};
        struct err e = {0};

        if (oci_spec_parse(text, strlen(text), &s, &e) < 0)
            fail_msg("%s: %s", text, e.msg);
        oci_spec_done(&s);
    }
    assert_true(n >= 6);
    for (n = 0; f.archs[n]; n++)
        assert_true(n == 0 || strcmp(f.archs[n - 1], f.archs[n]) < 0);
    assert_int_equal(n, 23);
    /* every kernel that dhow runs on has these */
    assert_string_equal(f.supported_flags[0], "SECCOMP_FILTER_FLAG_LOG");
    assert_string_equal(f.supported_flags[1], "SECCOMP_FILTER_FLAG_SPEC_ALLOW");
    assert_string_equal(f.supported_flags[2], "SECCOMP_FILTER_FLAG_TSYNC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_profiles_are_as_libseccomp_makes_them),
        cmocka_unit_test(the_default_profile_is_as_libseccomp_makes_it),
        cmocka_unit_test(podmans_profile_is_as_libseccomp_makes_it),
        cmocka_unit_test(multiplexers_are_as_libseccomp_makes_them),
        cmocka_unit_test(multiplexers_follow_their_calls_but_never_more_freely),
        cmocka_unit_test(rules_that_overlap_are_tried_in_their_order),
        cmocka_unit_test(a_wide_profile_takes_long_jumps),
        cmocka_unit_test(an_unknown_call_of_s390_is_no_denied_one),
        cmocka_unit_test(flags_are_for_the_kernel),
        cmocka_unit_test(mistakes_name_their_field),
        cmocka_unit_test(a_profile_that_the_kernel_would_not_take_is_refused),
        cmocka_unit_test(unknown_names_are_ignored_and_told),
        cmocka_unit_test(every_name_is_found_and_has_its_number),
        cmocka_unit_test(features_are_what_a_specification_may_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
