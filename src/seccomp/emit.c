/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the kernel translates and compiles a filter when it is loaded, and runs it once for every
 * number to fill its cache of what is always allowed. So the count of instructions and the depth
 * are what loading costs: 750 instructions take 100 us, 350 take 50.
 *
 * The code is written backwards. Jumps of classic BPF only go forwards: whatever one can lead to is
 * there already, its distance is known, and when it is too far for the 8 bits of a conditional jump
 * the way there is made on the spot: a return is repeated, anything else gets an unconditional
 * jump.
 *
 * A list of ranges becomes a binary search by `jge`. A number that stands alone between two ranges
 * of one action (a refused call among allowed ones; a call with clauses) would cost that search two
 * boundaries; it costs one `jeq` in a leaf instead.
 *
 * Only instructions that the kernel's cache understands are used before a call's arguments are
 * looked at (seccomp_is_const_allow(): loads of number and architecture, AND, jumps, returns).
 */
#include "seccomp/emit.h"

#include <linux/seccomp.h>

/* A conditional jump reaches 255 instructions; some are kept for what two labels of one jump may
 * need on the way. */
#define REACH     250
#define MAX_ALONE 3

static size_t emit(struct emitter *em, uint16_t code, uint32_t k, size_t jt, size_t jf)
{
    struct sock_filter insn = {code, (uint8_t)jt, (uint8_t)jf, k};

    vec_push(&em->code, insn);
    return em->code.len - 1;
}

static bool is_near(const struct emitter *em, size_t label)
{
    return em->code.len - label - 1 <= REACH;
}

size_t emit_return(struct emitter *em, uint32_t action)
{
    VEC_FOREACH (label, &em->returns) {
        if (em->code.items[*label].k != action)
            continue;
        if (!is_near(em, *label))
            *label = emit(em, BPF_RET | BPF_K, action, 0, 0);
        return *label;
    }
    vec_push(&em->returns, emit(em, BPF_RET | BPF_K, action, 0, 0));
    return em->code.len - 1;
}

/* The same as the next instruction: loads go on there. */
static size_t repeat(struct emitter *em, size_t label)
{
    struct sock_filter insn = em->code.items[label];
    size_t distance = em->code.len - label - 1;

    if (distance == 0)
        return label;
    return insn.code == (BPF_RET | BPF_K) ? emit(em, insn.code, insn.k, 0, 0)
                                          : emit(em, BPF_JMP | BPF_JA, (uint32_t)distance, 0, 0);
}

/* The same within reach of the next instruction. */
static size_t near(struct emitter *em, size_t label)
{
    struct sock_filter insn = em->code.items[label];

    if (is_near(em, label))
        return label;
    return insn.code == (BPF_RET | BPF_K) ? emit_return(em, insn.k) : repeat(em, label);
}

/* Both labels are within reach of the next instruction, or it is not needed. */
static size_t jump(struct emitter *em, uint16_t test, uint32_t k, size_t yes, size_t no)
{
    size_t at;

    if (yes == no)
        return yes;
    yes = near(em, yes);
    no = near(em, no);
    at = em->code.len;
    return emit(em, BPF_JMP | test | BPF_K, k, at - yes - 1, at - no - 1);
}

size_t emit_if_equal(struct emitter *em, uint32_t value, size_t then, size_t otherwise)
{
    return jump(em, BPF_JEQ, value, then, otherwise);
}

size_t emit_load(struct emitter *em, size_t offset, size_t next)
{
    repeat(em, next);
    return emit(em, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static size_t load_word(struct emitter *em, unsigned arg, bool is_high, uint32_t mask, size_t next)
{
    bool is_second = is_high == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

    repeat(em, next);
    if (mask != UINT32_MAX)
        next = emit(em, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    return emit_load(em, offsetof(struct seccomp_data, args) + arg * 8 + (is_second ? 4 : 0),
                     em->code.len - 1);
}

/* Both words are equal, each as far as its mask goes. */
static size_t emit_equal(struct emitter *em, const struct condition *c, bool is_64bit, size_t yes,
                         size_t no)
{
    uint64_t mask = c->op == CMP_MASKED_EQ ? c->mask : UINT64_MAX;
    uint32_t high = (uint32_t)(mask >> 32), low = (uint32_t)mask;

    if (low || (uint32_t)c->value)
        yes = load_word(em, c->arg, false, low, jump(em, BPF_JEQ, (uint32_t)c->value, yes, no));
    if (is_64bit && (high || c->value >> 32))
        yes = load_word(em, c->arg, true, high,
                        jump(em, BPF_JEQ, (uint32_t)(c->value >> 32), yes, no));
    return yes;
}

/* The high words decide unless they are equal. */
static size_t emit_greater(struct emitter *em, const struct condition *c, bool is_64bit,
                           uint16_t test, size_t yes, size_t no)
{
    uint32_t high = (uint32_t)(c->value >> 32), low = (uint32_t)c->value;
    size_t equal = load_word(em, c->arg, false, UINT32_MAX, jump(em, test, low, yes, no));

    if (!is_64bit)
        return equal;
    equal = jump(em, BPF_JEQ, high, equal, no);
    return load_word(em, c->arg, true, UINT32_MAX, jump(em, BPF_JGT, high, yes, equal));
}

static size_t emit_condition(struct emitter *em, const struct condition *c, bool is_64bit,
                             size_t yes, size_t no)
{
    switch (c->op) {
    case CMP_EQ:
    case CMP_MASKED_EQ:
        return emit_equal(em, c, is_64bit, yes, no);
    case CMP_NE:
        return emit_equal(em, c, is_64bit, no, yes);
    case CMP_GT:
        return emit_greater(em, c, is_64bit, BPF_JGT, yes, no);
    case CMP_GE:
        return emit_greater(em, c, is_64bit, BPF_JGE, yes, no);
    case CMP_LT:
        return emit_greater(em, c, is_64bit, BPF_JGE, no, yes);
    case CMP_LE:
        return emit_greater(em, c, is_64bit, BPF_JGT, no, yes);
    }
    return no;
}

/* The clauses of one call in turn. */
static size_t emit_decision(struct emitter *em, const struct range *r)
{
    size_t next = emit_return(em, r->action);

    for (uint32_t i = r->last_link; i; i = em->links[i].before) {
        const struct clause *clause = &em->clauses[em->links[i].clause];
        size_t yes = emit_return(em, clause->action);

        for (unsigned k = clause->n; k > 0; k--)
            yes = emit_condition(em, &clause->conditions[k - 1], r->is_64bit, yes, next);
        next = yes;
    }
    return next;
}

static bool is_alone(const struct range *r, size_t left)
{
    return left >= 3 && !r[0].last_link && !r[2].last_link && r[0].action == r[2].action &&
           r[2].start - r[1].start == 1;
}

/* How many ranges the leaf that begins with this one takes: one, and two more for each number that
 * stands alone. */
static size_t leaf_size(const struct range *r, size_t left)
{
    size_t n = 1;

    while (n <= 2 * MAX_ALONE && is_alone(r + n - 1, left - n + 1))
        n += 2;
    return n;
}

static size_t emit_leaf(struct emitter *em, const struct range *r, size_t n)
{
    size_t label = emit_decision(em, r);

    for (size_t i = n - 1; i > 0; i -= 2)
        label = emit_if_equal(em, r[i - 1].start, emit_decision(em, &r[i - 1]), label);
    return label;
}

/* leaves[i] is the first range of leaf i; leaves[n] their end. */
static size_t emit_tree(struct emitter *em, const struct range *ranges, const size_t *leaves,
                        size_t n)
{
    size_t half = n / 2, above, below;

    if (n == 1)
        return emit_leaf(em, ranges + leaves[0], leaves[1] - leaves[0]);
    above = emit_tree(em, ranges, leaves + half, n - half);
    below = emit_tree(em, ranges, leaves, half);
    return jump(em, BPF_JGE, ranges[leaves[half]].start, above, below);
}

size_t emit_ranges(struct emitter *em, const struct range *ranges, size_t n)
{
    VEC(size_t) leaves = {0};
    size_t tree, i;

    for (i = 0; i < n; i += leaf_size(ranges + i, n - i))
        vec_push(&leaves, i);
    vec_push(&leaves, i);
    tree = emit_tree(em, ranges, leaves.items, leaves.len - 1);
    vec_done(&leaves);
    return emit_load(em, offsetof(struct seccomp_data, nr), tree);
}

void emit_done(struct emitter *em)
{
    vec_done(&em->code);
    vec_done(&em->returns);
}

struct sock_filter *emit_take(struct emitter *em, size_t *ret_n)
{
    struct sock_filter *code = em->code.items;
    size_t n = em->code.len;

    for (size_t i = 0; i < n / 2; i++) {
        struct sock_filter insn = code[i];

        code[i] = code[n - 1 - i];
        code[n - 1 - i] = insn;
    }
    em->code.items = NULL;
    emit_done(em);
    *ret_n = n;
    return code;
}
