/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: both versions mean the same: rules in order, the last that speaks of an access decides
 * it. v1 takes them as text, one write a rule, after a write that denies everything. v2 takes a
 * program: it walks the rules from the last to the first with the set of accesses still undecided;
 * a denying rule that meets one of them refuses, an allowing rule decides its share, an empty set
 * grants; what is left at the end is refused.
 *
 * Trust: the program runs at each open and mknod of a device by the container, which cannot reach
 * it; the rules are of the spec's author.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cgroup/cgroup_private.h"

#define ALL_ACCESS (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

/* What every container has: mknod of all (without opening), and the devices of its own /dev. */
static const struct device_rule defaults[] = {
    {'c', true, -1, -1, BPF_DEVCG_ACC_MKNOD},
    {'b', true, -1, -1, BPF_DEVCG_ACC_MKNOD},
    {'c', true, 1, 3, ALL_ACCESS},    /* null */
    {'c', true, 1, 5, ALL_ACCESS},    /* zero */
    {'c', true, 1, 7, ALL_ACCESS},    /* full */
    {'c', true, 1, 8, ALL_ACCESS},    /* random */
    {'c', true, 1, 9, ALL_ACCESS},    /* urandom */
    {'c', true, 5, 0, ALL_ACCESS},    /* tty */
    {'c', true, 5, 1, ALL_ACCESS},    /* console */
    {'c', true, 5, 2, ALL_ACCESS},    /* ptmx */
    {'c', true, 136, -1, ALL_ACCESS}, /* pts */
};

static const struct {
    char letter;
    unsigned bit;
} accesses[] = {{'r', BPF_DEVCG_ACC_READ}, {'w', BPF_DEVCG_ACC_WRITE}, {'m', BPF_DEVCG_ACC_MKNOD}};

static unsigned parse_access(const char *s)
{
    unsigned bits = 0;

    if (!s || !*s)
        return ALL_ACCESS;
    for (size_t i = 0; i < ARRAY_LEN(accesses); i++)
        if (strchr(s, accesses[i].letter))
            bits |= accesses[i].bit;
    return bits;
}

static bool is_everything(const struct device_rule *r)
{
    return r->type == 'a' && r->major < 0 && r->minor < 0 && r->access == ALL_ACCESS;
}

void device_rules_make(const struct oci_resources *r, struct device_rules *ret)
{
    *ret = (struct device_rules){0};
    for (size_t i = 0; r && i < r->devices.len; i++) {
        const struct oci_device_rule *d = &r->devices.items[i];
        struct device_rule rule = {d->type && *d->type ? *d->type : 'a', d->allow,
                                   d->major.is_set ? d->major.value : -1,
                                   d->minor.is_set ? d->minor.value : -1, parse_access(d->access)};

        /* Nothing before it matters. */
        if (is_everything(&rule)) {
            ret->list.len = 0;
            ret->allows_all = rule.is_allowed;
            continue;
        }
        /* To v1 "a" means all devices and all accesses, whatever follows it. */
        if (rule.type == 'a') {
            rule.type = 'b';
            vec_push(&ret->list, rule);
            rule.type = 'c';
        }
        vec_push(&ret->list, rule);
    }
    if (ret->allows_all && ret->list.len == 0)
        return;
    if (ret->allows_all) {
        struct device_rule all = {'a', true, -1, -1, ALL_ACCESS};

        /* first of the list: everything, then the exceptions */
        vec_push(&ret->list, all);
        memmove(ret->list.items + 1, ret->list.items, (ret->list.len - 1) * sizeof(all));
        ret->list.items[0] = all;
        ret->allows_all = false;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        vec_push(&ret->list, defaults[i]);
}

void device_rules_done(struct device_rules *d)
{
    vec_done(&d->list);
}

static void add_number(struct str *s, int64_t v)
{
    if (v < 0)
        str_add_char(s, '*');
    else
        str_addf(s, "%lld", (long long)v);
}

char *device_rule_text(const struct device_rule *r)
{
    struct str s = STR_INIT(64);

    str_addf(&s, "%c ", r->type);
    add_number(&s, r->major);
    str_add_char(&s, ':');
    add_number(&s, r->minor);
    str_add_char(&s, ' ');
    for (size_t i = 0; i < ARRAY_LEN(accesses); i++)
        if (r->access & accesses[i].bit)
            str_add_char(&s, accesses[i].letter);
    return str_take(&s);
}

/* Registers: r1 context, then scratch; r2 type, r3 accesses undecided, r4 major, r5 minor. */
enum { R0, R1, R2, R3, R4, R5 };

struct program {
    VEC(struct bpf_insn) code;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off,
                 int32_t imm)
{
    struct bpf_insn insn = {.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};

    vec_push(&p->code, insn);
}

static void emit_return(struct program *p, int value)
{
    emit(p, BPF_ALU64 | BPF_MOV | BPF_K, R0, 0, 0, value);
    emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_head(struct program *p)
{
    size_t access_type = offsetof(struct bpf_cgroup_dev_ctx, access_type);

    emit(p, BPF_LDX | BPF_MEM | BPF_W, R2, R1, (int16_t)access_type, 0);
    emit(p, BPF_ALU | BPF_MOV | BPF_X, R3, R2, 0, 0);
    emit(p, BPF_ALU | BPF_AND | BPF_K, R2, 0, 0, 0xffff);
    emit(p, BPF_ALU | BPF_RSH | BPF_K, R3, 0, 0, 16);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, R4, R1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, R5, R1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

/* Jumps past the rule when a register differs; aimed by emit_rule(). */
static void emit_guard(struct program *p, uint8_t reg, int64_t value)
{
    emit(p, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, (int32_t)value);
}

static void emit_rule(struct program *p, const struct device_rule *r)
{
    size_t begin = p->code.len, body;

    if (r->type != 'a')
        emit_guard(p, R2, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (r->major >= 0)
        emit_guard(p, R4, r->major);
    if (r->minor >= 0)
        emit_guard(p, R5, r->minor);
    body = p->code.len;
    if (r->is_allowed) {
        emit(p, BPF_ALU | BPF_AND | BPF_K, R3, 0, 0, (int32_t)(~r->access & 0xffff));
        emit(p, BPF_JMP | BPF_JNE | BPF_K, R3, 0, 2, 0);
    } else {
        emit(p, BPF_ALU | BPF_MOV | BPF_X, R1, R3, 0, 0);
        emit(p, BPF_ALU | BPF_AND | BPF_K, R1, 0, 0, (int32_t)r->access);
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, R1, 0, 2, 0);
    }
    emit_return(p, r->is_allowed);
    for (size_t i = begin; i < body; i++)
        p->code.items[i].off = (int16_t)(p->code.len - i - 1);
}

struct bpf_insn *device_rules_program(const struct device_rules *d, size_t *ret_n)
{
    struct program p = {0};

    emit_head(&p);
    for (size_t i = d->list.len; i-- > 0;)
        emit_rule(&p, &d->list.items[i]);
    emit_return(&p, d->allows_all);
    *ret_n = p.code.len;
    return p.code.items;
}
