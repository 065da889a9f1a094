/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the rules of a profile become one decision a system call (an action, or clauses to be
 * tried first), the same for all architectures; for each architecture its table of numbers, which
 * is sorted already, turns the decisions into ranges; emit.c makes a program of those.
 *
 *   ld arch; jeq X86_64 -> ranges | jeq X86 -> ranges | ... | kill
 *
 * Compiling the default profile takes some 20 us, less than to look up a compiled one in a file:
 * there is no cache. seccomp_test.c proves the programs equal to libseccomp's.
 *
 * Meaning: what runc and crun make of a profile with libseccomp, for those who come from there.
 * - A rule with the default's action is skipped.
 * - A rule without arguments decides its call, wherever it stands; the first of several. Else the
 *   first rule whose arguments fit, then the default.
 * - A rule with two comparisons of one argument means either (it becomes several rules);
 *   comparisons of different arguments must all hold.
 * - 64 bits of an argument are compared on 64-bit architectures, 32 on others and on x32.
 * - A call that is newer than all that the profile names gets ENOSYS, as from a kernel that lacks
 *   it, unless the default allows: programs then fall back (runc has the same rule).
 * - The action for an architecture that is not listed is to kill: the process, not one thread of
 *   it. x32 calls on x86_64 count as such; but not -1, by which a tracer skips a call.
 *
 * Where libseccomp's programs do not do what the rules say (overlapping comparisons by order of one
 * argument, up to 2.5.5), these do. The other exception is multiplexers, socketcall(2) and ipc(2):
 * a rule for socket(2) counts for them too where an architecture has them, but what compares
 * arguments, which no filter can see there, may only make things stricter. (libseccomp drops the
 * comparisons: "socket, but not AF_ALG" becomes "any socketcall(SYS_SOCKET)".) A profile that
 * names the multiplexer decides about it itself.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "seccomp/emit.h"
#include "seccomp/seccomp.h"
#include "seccomp/syscalls.h"
#include "seccomp/words.h"

#define X32_BASE      0x40000000u
#define SKIPPED_CALL  0xffffffffu
#define MAX_CLAUSES   65536
#define MAX_ARCHS     32
#define ACTION_NO_SYS (SECCOMP_RET_ERRNO | ENOSYS)

struct decision {
    uint32_t action;
    uint32_t last_link; /* 0: no clauses */
    bool is_named;
    bool is_final; /* a rule without arguments decided */
};

struct compiler {
    struct decision *decisions; /* by call */
    VEC(struct clause) clauses;
    VEC(struct link) links; /* the first is no link */
    VEC(struct range) ranges;
    struct emitter emitter;
    const struct syscalls_arch *archs[MAX_ARCHS];
    size_t n_archs;
    uint32_t default_action;
    uint32_t newer_action; /* for calls that the profile cannot know */
};

static void compiler_done(struct compiler *c)
{
    free(c->decisions);
    vec_done(&c->clauses);
    vec_done(&c->links);
    vec_done(&c->ranges);
    emit_done(&c->emitter);
}

/* The profile: words to values. Errors name the field in full: a profile is a part of config.json.
 */

static const struct words_action *find_action(const char *name)
{
    for (size_t i = 0; name && i < WORDS_N_ACTIONS; i++)
        if (strcmp(words_actions[i].name, name) == 0)
            return &words_actions[i];
    return NULL;
}

bool seccomp_notifies(const struct oci_seccomp *s)
{
    VEC_FOREACH (r, &s->syscalls) {
        const struct words_action *a = find_action(r->action);

        if (a && a->action == SECCOMP_RET_USER_NOTIF)
            return true;
    }
    return false;
}

/* 0, or -1 when the action has no errno or it does not fit. */
static int add_errno(const struct words_action *a, const struct json_opt_u64 *value, uint32_t *ret)
{
    *ret = a->action;
    if (value->is_set && (!a->has_errno || value->value > SECCOMP_RET_DATA))
        return -1;
    if (a->has_errno)
        *ret |= value->is_set ? (uint32_t)value->value : EPERM;
    return 0;
}

static int errno_error(const char *field, const struct words_action *a,
                       const struct json_opt_u64 *value, struct err *e)
{
    if (!a->has_errno)
        return err_set(e, ERR_INVALID, "%s: '%s' has none", field, a->name);
    return err_set(e, ERR_INVALID, "%s: %llu is above %u", field, (unsigned long long)value->value,
                   SECCOMP_RET_DATA);
}

static int parse_default(struct compiler *c, const struct oci_seccomp *s, struct err *e)
{
    const struct words_action *a = find_action(s->default_action);

    if (!a)
        return err_set(e, ERR_INVALID, "linux.seccomp.defaultAction: unknown value '%.60s'",
                       s->default_action ? s->default_action : "");
    if (a->action == SECCOMP_RET_USER_NOTIF)
        return err_set(e, ERR_INVALID,
                       "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default "
                       "action");
    if (add_errno(a, &s->default_errno_ret, &c->default_action) < 0)
        return errno_error("linux.seccomp.defaultErrnoRet", a, &s->default_errno_ret, e);
    c->newer_action = a->is_permissive ? c->default_action : ACTION_NO_SYS;
    return 0;
}

static int parse_condition(const struct oci_seccomp_arg *a, struct condition *ret)
{
    *ret = (struct condition){.arg = a->index, .value = a->value};
    for (size_t i = 0; a->op && i < WORDS_N_OPS; i++) {
        if (strcmp(words_ops[i], a->op) != 0)
            continue;
        ret->op = (enum comparison)i;
        if (ret->op == CMP_MASKED_EQ) {
            ret->mask = a->value;
            ret->value = a->value_two;
        }
        return 0;
    }
    return -1;
}

static int check_args(const struct oci_seccomp_rule *r, size_t rule, bool *ret_is_either,
                      struct err *e)
{
    unsigned seen = 0;

    for (size_t i = 0; i < r->args.len; i++) {
        const struct oci_seccomp_arg *a = &r->args.items[i];
        struct condition c;

        if (a->index > 5)
            return err_set(e, ERR_INVALID,
                           "linux.seccomp.syscalls[%zu].args[%zu].index: %u is above 5", rule, i,
                           a->index);
        if (parse_condition(a, &c) < 0)
            return err_set(e, ERR_INVALID,
                           "linux.seccomp.syscalls[%zu].args[%zu].op: unknown value '%.60s'", rule,
                           i, a->op ? a->op : "");
        *ret_is_either |= (seen & 1u << a->index) != 0;
        seen |= 1u << a->index;
    }
    return 0;
}

/* Decisions */

static void add_link(struct compiler *c, struct decision *d, size_t clause)
{
    struct link link = {(uint32_t)clause, d->last_link};

    d->last_link = (uint32_t)c->links.len;
    vec_push(&c->links, link);
}

/* The clauses of a rule with arguments: one, or one an argument. */
static int add_clauses(struct compiler *c, const struct oci_seccomp_rule *r, size_t rule,
                       uint32_t action, struct err *e)
{
    struct clause clause = {.action = action};
    bool is_either = false;

    if (check_args(r, rule, &is_either, e) < 0)
        return -1;
    VEC_FOREACH (a, &r->args) {
        /* At most 6 when no argument is there twice; 1 when one is. */
        (void)parse_condition(a, &clause.conditions[clause.n++]); /* checked */
        if (is_either || clause.n == r->args.len) {
            vec_push(&c->clauses, clause);
            clause.n = 0;
        }
    }
    return c->clauses.len > MAX_CLAUSES ? err_set(e, ERR_LIMIT, "seccomp: too many rules") : 0;
}

static int add_call(struct compiler *c, const char *name, uint32_t action, size_t first_clause,
                    size_t rule, struct err *e)
{
    int call = syscalls_find(name);
    struct decision *d;

    if (action == SECCOMP_RET_USER_NOTIF && strcmp(name, "write") == 0)
        return err_set(e, ERR_INVALID,
                       "linux.seccomp.syscalls[%zu]: SCMP_ACT_NOTIFY cannot be used for the write "
                       "syscall",
                       rule);
    if (call < 0)
        return 0;
    d = &c->decisions[call];
    d->is_named = true;
    if (action == c->default_action || d->is_final)
        return 0;
    if (first_clause == c->clauses.len) {
        d->action = action;
        d->last_link = 0;
        d->is_final = true;
    }
    for (size_t i = first_clause; i < c->clauses.len; i++)
        add_link(c, d, i);
    return c->links.len > MAX_CLAUSES ? err_set(e, ERR_LIMIT, "seccomp: too many rules") : 0;
}

static int add_rule(struct compiler *c, const struct oci_seccomp_rule *r, size_t rule,
                    struct err *e)
{
    const struct words_action *a = find_action(r->action);
    size_t first = c->clauses.len;
    char field[64];
    uint32_t action;

    if (!a)
        return err_set(e, ERR_INVALID, "linux.seccomp.syscalls[%zu].action: unknown value '%.60s'",
                       rule, r->action ? r->action : "");
    if (add_errno(a, &r->errno_ret, &action) < 0) {
        snprintf(field, sizeof(field), "linux.seccomp.syscalls[%zu].errnoRet", rule);
        return errno_error(field, a, &r->errno_ret, e);
    }
    if (add_clauses(c, r, rule, action, e) < 0)
        return -1;
    STRV_FOREACH (name, r->names)
        if (add_call(c, *name, action, first, rule, e) < 0)
            return -1;
    return 0;
}

static const char *const socket_calls[] = {
    [1] = "socket",    [2] = "bind",        [3] = "connect",     [4] = "listen",
    [5] = "accept",    [6] = "getsockname", [7] = "getpeername", [8] = "socketpair",
    [9] = "send",      [10] = "recv",       [11] = "sendto",     [12] = "recvfrom",
    [13] = "shutdown", [14] = "setsockopt", [15] = "getsockopt", [16] = "sendmsg",
    [17] = "recvmsg",  [18] = "accept4",    [19] = "recvmmsg",   [20] = "sendmmsg",
};
static const char *const ipc_calls[] = {
    [1] = "semop",   [2] = "semget",  [3] = "semctl",  [4] = "semtimedop",
    [11] = "msgsnd", [12] = "msgrcv", [13] = "msgget", [14] = "msgctl",
    [21] = "shmat",  [22] = "shmdt",  [23] = "shmget", [24] = "shmctl",
};

/* In the order of severity that the kernel has (seccomp(2)). */
static bool is_stricter(uint32_t action, uint32_t than)
{
    return (int32_t)(action & SECCOMP_RET_ACTION_FULL) < (int32_t)(than & SECCOMP_RET_ACTION_FULL);
}

/* What a call's rules mean where its arguments cannot be seen. */
static uint32_t decide_blindly(const struct compiler *c, const struct decision *d)
{
    uint32_t action = d->is_final ? d->action : c->default_action;

    for (uint32_t i = d->last_link; i; i = c->links.items[i].before) {
        uint32_t other = c->clauses.items[c->links.items[i].clause].action;

        if (is_stricter(other, action))
            action = other;
    }
    return action;
}

/* socketcall(2), ipc(2): the first argument says which call it is. */
static void add_multiplexer(struct compiler *c, const char *name, const char *const *calls,
                            size_t n)
{
    struct decision *d = &c->decisions[syscalls_find(name)];

    if (d->is_named)
        return;
    for (size_t i = 0; i < n; i++) {
        struct clause clause = {.conditions = {{.op = CMP_EQ, .value = i}}, .n = 1};

        if (!calls[i])
            continue;
        clause.action = decide_blindly(c, &c->decisions[syscalls_find(calls[i])]);
        if (clause.action == c->default_action)
            continue;
        vec_push(&c->clauses, clause);
        add_link(c, d, c->clauses.len - 1);
        d->is_named = true;
    }
}

/* One architecture: ranges */

static void add_range(struct compiler *c, struct range r)
{
    struct range *before = c->ranges.len ? &c->ranges.items[c->ranges.len - 1] : NULL;

    if (before && before->start == r.start)
        c->ranges.len--, before = c->ranges.len ? before - 1 : NULL;
    if (before && !before->last_link && !r.last_link && before->action == r.action)
        return;
    vec_push(&c->ranges, r);
}

/* On s390 a number that the kernel does not know arrives as 0, which is no call there. */
static bool has_no_call_0(const struct syscalls_arch *arch)
{
    return arch->audit == AUDIT_ARCH_S390 || arch->audit == AUDIT_ARCH_S390X;
}

/* x32 and n32 are ABIs of 64-bit machines with arguments of 32. */
static bool has_64bit_arguments(const struct syscalls_arch *arch)
{
    return (arch->audit & __AUDIT_ARCH_64BIT) &&
           !(arch->audit & __AUDIT_ARCH_CONVENTION_MIPS64_N32) && arch->base != X32_BASE;
}

static void add_plain_range(struct compiler *c, uint32_t start, uint32_t action)
{
    add_range(c, (struct range){.start = start, .action = action});
}

static void add_ranges(struct compiler *c, const struct syscalls_arch *arch)
{
    bool is_64bit = has_64bit_arguments(arch);
    uint32_t next = 0;

    add_plain_range(c, arch->base == X32_BASE ? X32_BASE : 0, c->default_action);
    for (size_t i = 0; i < arch->n; i++) {
        const struct syscalls_number *n = &arch->numbers[i];
        const struct decision *d = &c->decisions[n->call];

        if (!d->is_named)
            continue;
        if (next == 0 && has_no_call_0(arch)) {
            add_plain_range(c, 0, c->newer_action);
            add_plain_range(c, 1, c->default_action);
        }
        next = n->number + 1;
        add_range(c, (struct range){n->number, d->is_final ? d->action : c->default_action,
                                    d->last_link, is_64bit});
        add_plain_range(c, next, c->default_action);
    }
    if (next > 0)
        add_plain_range(c, next, c->newer_action);
}

/* The profile as a whole */

static const struct syscalls_arch *find_arch(const struct compiler *c, const char *name)
{
    for (size_t i = 0; i < c->n_archs; i++)
        if (strcmp(c->archs[i]->name, name) == 0)
            return c->archs[i];
    return NULL;
}

/* Ours first; then those listed, once each. */
static int parse_archs(struct compiler *c, const struct oci_seccomp *s, struct err *e)
{
    c->archs[c->n_archs++] = syscalls_native();
    for (size_t i = 0; s->architectures && s->architectures[i]; i++) {
        const struct syscalls_arch *arch = syscalls_find_arch(s->architectures[i]);

        if (!arch)
            return err_set(e, ERR_INVALID,
                           "linux.seccomp.architectures[%zu]: unknown value '%.60s'", i,
                           s->architectures[i]);
        if (!find_arch(c, arch->name))
            c->archs[c->n_archs++] = arch; /* there are less than MAX_ARCHS */
    }
    return 0;
}

static const struct words_flag *find_flag(const char *name)
{
    for (size_t i = 0; i < WORDS_N_FLAGS; i++)
        if (strcmp(words_flags[i].name, name) == 0)
            return &words_flags[i];
    return NULL;
}

static int check_flags(const struct oci_seccomp *s, struct err *e)
{
    for (size_t i = 0; s->flags && s->flags[i]; i++)
        if (!find_flag(s->flags[i]))
            return err_set(e, ERR_INVALID, "linux.seccomp.flags[%zu]: unknown value '%.60s'", i,
                           s->flags[i]);
    return 0;
}

/* No list at all is the default of runc and crun; an empty one is none. */
unsigned seccomp_filter_flags(const struct oci_seccomp *s)
{
    unsigned all = s->flags ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    bool has_listener = seccomp_notifies(s);

    STRV_FOREACH (name, s->flags) {
        const struct words_flag *flag = find_flag(*name);

        if (flag && (!flag->needs_listener || has_listener))
            all |= flag->flag;
    }
    return all | (has_listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
}

static int parse_rules(struct compiler *c, const struct oci_seccomp *s, struct err *e)
{
    c->decisions = alloc_zero(syscalls_n, sizeof(*c->decisions));
    vec_push(&c->links, ((struct link){0, 0}));
    for (size_t i = 0; i < s->syscalls.len; i++)
        if (add_rule(c, &s->syscalls.items[i], i, e) < 0)
            return -1;
    if (seccomp_notifies(s) && !(s->listener_path && *s->listener_path))
        return err_set(e, ERR_INVALID,
                       "linux.seccomp.listenerPath: is not set, and SCMP_ACT_NOTIFY needs it");
    add_multiplexer(c, "socketcall", socket_calls, ARRAY_LEN(socket_calls));
    add_multiplexer(c, "ipc", ipc_calls, ARRAY_LEN(ipc_calls));
    return 0;
}

/* All of one architecture word: x32 is part of x86_64's. */
static size_t emit_arch(struct compiler *c, const struct syscalls_arch *arch)
{
    const struct syscalls_arch *x32 = find_arch(c, "SCMP_ARCH_X32");

    c->ranges.len = 0;
    add_ranges(c, arch);
    if (arch->audit == AUDIT_ARCH_X86_64 && x32) {
        add_ranges(c, x32);
    } else if (arch->audit == AUDIT_ARCH_X86_64) {
        add_plain_range(c, X32_BASE, SECCOMP_RET_KILL_PROCESS);
        add_plain_range(c, SKIPPED_CALL, c->default_action);
    }
    return emit_ranges(&c->emitter, c->ranges.items, c->ranges.len);
}

static int make_program(struct compiler *c, struct seccomp_program *ret, struct err *e)
{
    struct emitter *em = &c->emitter;
    size_t entry, n;

    em->clauses = c->clauses.items;
    em->links = c->links.items;
    entry = emit_return(em, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = c->n_archs; i > 0; i--)
        if (c->archs[i - 1]->base != X32_BASE)
            entry = emit_if_equal(em, c->archs[i - 1]->audit, emit_arch(c, c->archs[i - 1]), entry);
    emit_load(em, offsetof(struct seccomp_data, arch), entry);
    if (em->code.len > BPF_MAXINSNS)
        return err_set(e, ERR_LIMIT,
                       "seccomp: the profile needs %zu instructions, the kernel takes %d",
                       em->code.len, BPF_MAXINSNS);
    ret->insns = emit_take(em, &n);
    ret->n = (unsigned short)n;
    return 0;
}

int seccomp_compile(const struct oci_seccomp *s, struct seccomp_program *ret, struct err *e)
{
    DHOW_CLEANUP(compiler_done) struct compiler c = {0};
    struct seccomp_program p = {.flags = seccomp_filter_flags(s)};

    if (parse_archs(&c, s, e) < 0 || parse_default(&c, s, e) < 0 || parse_rules(&c, s, e) < 0 ||
        check_flags(s, e) < 0 || make_program(&c, &p, e) < 0)
        return -1;
    *ret = p;
    return 0;
}

char **seccomp_unknown_names(const struct oci_seccomp *s)
{
    char **names = NULL;

    VEC_FOREACH (rule, &s->syscalls)
        STRV_FOREACH (name, rule->names)
            if (syscalls_find(*name) < 0)
                strv_add(&names, *name);
    return names;
}
