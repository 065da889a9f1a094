/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: v2's device rules as a program: it walks the rules from the last to the first with the
 * set of accesses still undecided; a denying rule that meets one of them refuses, an allowing rule
 * decides its share, an empty set grants; what is left at the end is refused.
 *
 * Trust: the program runs at each open and mknod of a device by the container, which cannot reach
 * it; the rules are of the spec's author.
 */
#include <linux/bpf.h>
#include <stdlib.h>

#include "cgroup/cgroup_private.h"

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
