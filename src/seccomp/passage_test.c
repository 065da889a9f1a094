/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls that pass, and that nothing else does. */
#include "seccomp/testing.h"

static const struct seccomp_passage passages[] = {
    {"execveat",
     {5, 0, 0x7f0012345678, 0xffffffff00000001, 0x1000},
     1 << 0 | 1 << 2 | 1 << 3 | 1 << 4},
    {"fcntl", {3, 2, 1}, 1 << 0 | 1 << 1 | 1 << 2},
};

static uint32_t ask_call(const struct seccomp_program *p, const char *arch, const char *name,
                         const uint64_t *args)
{
    struct seccomp_data data = {.nr = (int)number_of(arch, name), .arch = arch_of(arch)->audit};

    memcpy(data.args, args, sizeof(data.args));
    return ask_data(p, &data);
}

static void exactly_these_calls_pass(void **state)
{
    const char *native = syscalls_native()->name;
    auto_program p = {0};

    (void)state;
    compile_rules("KILL_PROCESS", "execve mseal ALLOW", &p);
    assert_int_equal(seccomp_program_let_pass(&p, passages, ARRAY_LEN(passages), NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(passages); i++) {
        assert_int_equal(ask_call(&p, native, passages[i].name, passages[i].args), ALLOWED);
        for (size_t k = 0; k < 6; k++) {
            for (unsigned bit = 0; bit < 64; bit += 31) {
                uint64_t args[6];
                bool is_compared = passages[i].compared & 1u << k;

                memcpy(args, passages[i].args, sizeof(args));
                args[k] ^= 1ull << bit;
                assert_int_equal(ask_call(&p, native, passages[i].name, args),
                                 is_compared ? SECCOMP_RET_KILL_PROCESS : ALLOWED);
            }
        }
        if (str_equal(native, "SCMP_ARCH_X86_64"))
            assert_int_equal(ask_call(&p, "SCMP_ARCH_X86", passages[i].name, passages[i].args),
                             SECCOMP_RET_KILL_PROCESS);
    }
    assert_int_equal(ask_call(&p, native, "execve", passages[0].args), ALLOWED);
    assert_int_equal(ask_call(&p, native, "read", passages[0].args), SECCOMP_RET_KILL_PROCESS);
}

static void everything_else_is_decided_as_before(void **state)
{
    auto_seccomp s = {0};
    auto_program before = {0}, after = {0};

    (void)state;
    profile_default(NULL, &s);
    strv_free(s.syscalls.items[0].names);
    s.syscalls.items[0].names = strv_split("open", ' ');
    shorthand_rule("execveat KILL a4==0x1000", &s);
    compile(&s, &before);
    compile(&s, &after);
    assert_int_equal(seccomp_program_let_pass(&after, passages, ARRAY_LEN(passages), NULL), 0);
    for (size_t k = 0; k < syscalls_n_archs; k++) {
        for (uint32_t nr = 0; nr < 600; nr++) {
            struct seccomp_data data = {.nr = (int)(syscalls_archs[k].base + nr),
                                        .arch = syscalls_archs[k].audit,
                                        .args = {nr % 64, 0, nr, 1, nr % 2}};

            assert_int_equal(ask_data(&after, &data), ask_data(&before, &data));
        }
    }
}

static void what_the_profile_allows_needs_no_passage(void **state)
{
    auto_seccomp s = {0};
    auto_program p = {0};
    unsigned short n;

    (void)state;
    profile_default(NULL, &s);
    compile(&s, &p);
    n = p.n;
    assert_int_equal(seccomp_program_let_pass(&p, passages, ARRAY_LEN(passages), NULL), 0);
    assert_int_equal(p.n, n);
}

static void a_program_that_grows_too_long_is_refused(void **state)
{
    auto_program p = {.n = BPF_MAXINSNS - 10,
                      .insns = alloc_zero(BPF_MAXINSNS, sizeof(struct sock_filter))};
    struct err e = {0};

    (void)state;
    p.insns[0] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = SECCOMP_RET_TRAP};
    assert_int_equal(seccomp_program_let_pass(&p, passages, ARRAY_LEN(passages), &e), -1);
    assert_int_equal(e.kind, ERR_LIMIT);
    assert_int_equal(p.n, BPF_MAXINSNS - 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_these_calls_pass),
        cmocka_unit_test(everything_else_is_decided_as_before),
        cmocka_unit_test(what_the_profile_allows_needs_no_passage),
        cmocka_unit_test(a_program_that_grows_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
