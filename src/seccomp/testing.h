/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the tests of filters share: an interpreter of classic BPF, which runs programs of any
 * architecture, and libseccomp's program of the same profile, made as runc makes it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "seccomp/profile.h"
#include "seccomp/seccomp.h"
#include "seccomp/syscalls.h"

#define ALLOWED  SECCOMP_RET_ALLOW
#define EPERMED  (SECCOMP_RET_ERRNO | EPERM)
#define ENOSYSED (SECCOMP_RET_ERRNO | ENOSYS)

#define auto_seccomp DHOW_CLEANUP(profile_done) struct oci_seccomp
#define auto_program DHOW_CLEANUP(seccomp_program_done) struct seccomp_program

/* The instructions that both compilers use; -1 is a bad program. */
static inline int64_t run(const struct sock_filter *p, size_t n, const struct seccomp_data *data)
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

static inline uint32_t ask_data(const struct seccomp_program *p, const struct seccomp_data *data)
{
    int64_t r = run(p->insns, p->n, data);

    if (r < 0)
        fail_msg("bad program for %x %u", data->arch, (unsigned)data->nr);
    return (uint32_t)r;
}

static inline const struct syscalls_arch *arch_of(const char *name)
{
    const struct syscalls_arch *arch = syscalls_find_arch(name);

    if (!arch)
        fail_msg("no architecture %s", name);
    return arch;
}

/* The number of a call that is there. */
static inline uint32_t number_of(const char *arch, const char *name)
{
    int call = syscalls_find(name);
    int64_t n = call < 0 ? -1 : syscalls_number(arch_of(arch), call);

    if (n < 0)
        fail_msg("%s has no %s", arch, name);
    return (uint32_t)n;
}

static inline uint32_t ask(const struct seccomp_program *p, const char *arch, uint32_t nr,
                           uint64_t arg0)
{
    struct seccomp_data data = {.nr = (int)nr, .arch = arch_of(arch)->audit, .args = {arg0}};

    return ask_data(p, &data);
}

static inline void parse_text(const char *text, struct oci_seccomp *ret)
{
    struct err e = {0};

    if (json_decode_text(text, strlen(text), PROFILE_MAX_BYTES, &oci_seccomp_json, ret, &e) < 0)
        fail_msg("%s: %s", text, e.msg);
}

/* Profiles for tables: rules are separated by ';', a rule is names, action, conditions:
 * "read write ERRNO/22 a0==5 a1&0xff==8". The action may have its errno behind a '/'. */

static inline char *shorthand_action(const char *word, struct json_opt_u64 *ret)
{
    const char *slash = strchr(word, '/');

    if (slash)
        *ret = (struct json_opt_u64){true, strtoull(slash + 1, NULL, 0)};
    return alloc_printf("SCMP_ACT_%.*s", (int)(slash ? slash - word : (int)strlen(word)), word);
}

static inline struct oci_seccomp_arg shorthand_condition(const char *word)
{
    static const struct {
        const char *sign;
        const char *op;
    } ops[] = {{"==", "EQ"}, {"!=", "NE"}, {"<=", "LE"}, {">=", "GE"}, {"<", "LT"}, {">", "GT"}};
    struct oci_seccomp_arg a = {.index = (uint32_t)(word[1] - '0')};
    char *rest = (char *)(uintptr_t)word + 2;

    if (*rest == '&') {
        a.value = strtoull(rest + 1, &rest, 0);
        a.value_two = strtoull(rest + 2, NULL, 0); /* behind "==" */
        a.op = alloc_strdup("SCMP_CMP_MASKED_EQ");
        return a;
    }
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (!str_starts_with(rest, ops[i].sign))
            continue;
        a.op = alloc_printf("SCMP_CMP_%s", ops[i].op);
        a.value = strtoull(rest + strlen(ops[i].sign), NULL, 0);
        return a;
    }
    fail_msg("condition %s", word);
    return a;
}

static inline void shorthand_rule(const char *text, struct oci_seccomp *s)
{
    auto_strv words = strv_split(text, ' ');
    struct oci_seccomp_rule rule = {0};

    STRV_FOREACH (word, words) {
        if (!**word)
            continue;
        if (rule.action)
            vec_push(&rule.args, shorthand_condition(*word));
        else if (**word >= 'A' && **word <= 'Z')
            rule.action = shorthand_action(*word, &rule.errno_ret);
        else
            strv_add(&rule.names, *word);
    }
    vec_push(&s->syscalls, rule);
}

/* `archs`: "X86_64 X86", may be NULL. */
static inline void shorthand(const char *preset, const char *archs, const char *rules,
                             struct oci_seccomp *ret)
{
    auto_strv arch_words = strv_split(archs ? archs : "", ' ');
    auto_strv rule_texts = strv_split(rules, ';');

    *ret = (struct oci_seccomp){.listener_path = alloc_strdup("/nowhere")};
    ret->default_action = shorthand_action(preset, &ret->default_errno_ret);
    STRV_FOREACH (arch, arch_words)
        if (**arch)
            strv_addf(&ret->architectures, "SCMP_ARCH_%s", *arch);
    STRV_FOREACH (rule, rule_texts)
        if (**rule)
            shorthand_rule(*rule, ret);
}

static inline void compile(const struct oci_seccomp *s, struct seccomp_program *ret)
{
    struct err e = {0};

    if (seccomp_compile(s, ret, &e) < 0)
        fail_msg("%s", e.msg);
}

/* Of the rules on the architectures of an amd64 kernel. */
static inline void compile_rules(const char *preset, const char *rules, struct seccomp_program *ret)
{
    auto_seccomp s = {0};

    shorthand(preset, "X86_64 X86 X32", rules, &s);
    compile(&s, ret);
}

/* libseccomp */

static inline uint32_t reference_action(const char *name, const struct json_opt_u64 *value)
{
    uint32_t data = value->is_set ? (uint32_t)value->value : EPERM;

    if (str_equal(name, "SCMP_ACT_ALLOW"))
        return SCMP_ACT_ALLOW;
    if (str_equal(name, "SCMP_ACT_ERRNO"))
        return SCMP_ACT_ERRNO(data);
    if (str_equal(name, "SCMP_ACT_TRACE"))
        return SCMP_ACT_TRACE(data);
    if (str_equal(name, "SCMP_ACT_LOG"))
        return SCMP_ACT_LOG;
    if (str_equal(name, "SCMP_ACT_TRAP"))
        return SCMP_ACT_TRAP;
    if (str_equal(name, "SCMP_ACT_NOTIFY"))
        return SCMP_ACT_NOTIFY;
    return str_equal(name, "SCMP_ACT_KILL_PROCESS") ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_KILL_THREAD;
}

static inline uint32_t reference_arch(const char *name)
{
    char lower[32] = "";

    for (size_t i = 0; i + 1 < sizeof(lower) && name[10 + i]; i++)
        lower[i] = (char)(name[10 + i] | 0x20); /* behind "SCMP_ARCH_"; digits stay */
    return str_equal(name, "SCMP_ARCH_X86_64") ? SCMP_ARCH_X86_64
                                               : seccomp_arch_resolve_name(lower);
}

static inline struct scmp_arg_cmp reference_compare(const struct oci_seccomp_arg *a)
{
    static const struct {
        const char *name;
        enum scmp_compare op;
    } ops[] = {
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_LT", SCMP_CMP_LT},
        {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_GE", SCMP_CMP_GE},
        {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    };

    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (str_equal(ops[i].name, a->op))
            return (struct scmp_arg_cmp){a->index, ops[i].op, a->value, a->value_two};
    fail_msg("operator %s", a->op);
    return (struct scmp_arg_cmp){0};
}

static inline void reference_rule(scmp_filter_ctx ctx, uint32_t action,
                                  const struct oci_seccomp_rule *r, const char *name)
{
    int nr = seccomp_syscall_resolve_name(name);
    struct scmp_arg_cmp cmp[6];
    unsigned seen = 0;
    bool is_either = false;

    if (nr == __NR_SCMP_ERROR)
        return;
    for (size_t i = 0; i < r->args.len; i++) {
        cmp[i] = reference_compare(&r->args.items[i]);
        is_either |= (seen & 1u << cmp[i].arg) != 0;
        seen |= 1u << cmp[i].arg;
    }
    if (!is_either)
        (void)seccomp_rule_add_array(ctx, action, nr, (unsigned)r->args.len, cmp);
    for (size_t i = 0; is_either && i < r->args.len; i++)
        (void)seccomp_rule_add_array(ctx, action, nr, 1, &cmp[i]);
}

static inline struct sock_filter *reference(const struct oci_seccomp *s, size_t *ret_n)
{
    uint32_t preset = reference_action(s->default_action, &s->default_errno_ret);
    scmp_filter_ctx ctx = seccomp_init(preset);
    auto_fd int fd = memfd_create("bpf", MFD_CLOEXEC);
    struct sock_filter *insns;
    struct stat st;

    assert_non_null(ctx);
    STRV_FOREACH (arch, s->architectures) {
        int r = seccomp_arch_add(ctx, reference_arch(*arch));

        if (r != 0 && r != -EEXIST)
            fail_msg("%s: %s", *arch, strerror(-r));
    }
    VEC_FOREACH (r, &s->syscalls) {
        uint32_t action = reference_action(r->action, &r->errno_ret);

        STRV_FOREACH (name, r->names)
            if (action != preset)
                reference_rule(ctx, action, r, *name);
    }
    assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
    seccomp_release(ctx);
    assert_int_equal(fstat(fd, &st), 0);
    insns = alloc_zero(1, (size_t)st.st_size);
    assert_int_equal(pread(fd, insns, (size_t)st.st_size, 0), st.st_size);
    *ret_n = (size_t)st.st_size / sizeof(*insns);
    return insns;
}
