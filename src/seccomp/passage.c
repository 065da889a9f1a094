/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that pass before the profile is asked: instructions in front of the program. A call that
 * the profile allows anyway needs none, which is the rule: docker's and podman's allow them all.
 */
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "seccomp/seccomp.h"
#include "seccomp/syscalls.h"

/* Number, six arguments of two words each, the return. */
#define PASSAGE_MAX_INSNS (2 + 6 * 2 * 2 + 1)
#define HEAD_INSNS        2

/* What emit.c writes; anything else is not allowed. */
static uint32_t decide(const struct seccomp_program *p, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t pc = 0; pc < p->n; pc++) {
        const struct sock_filter *i = &p->insns[pc];
        bool yes = false;

        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + MIN((size_t)i->k, sizeof(*data) - 4), 4);
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
            return SECCOMP_RET_KILL_PROCESS;
        }
        pc += yes ? i->jt : i->jf;
    }
    return SECCOMP_RET_KILL_PROCESS;
}

static bool is_allowed(const struct seccomp_program *p, uint32_t nr,
                       const struct seccomp_passage *passage)
{
    struct seccomp_data data = {.nr = (int)nr, .arch = syscalls_native()->audit};

    memcpy(data.args, passage->args, sizeof(passage->args));
    return decide(p, &data) == SECCOMP_RET_ALLOW;
}

static size_t load(struct sock_filter *at, size_t offset)
{
    *at = (struct sock_filter){.code = BPF_LD | BPF_W | BPF_ABS, .k = (uint32_t)offset};
    return 1;
}

/* The word at `offset` is this, or on behind the passage. */
static size_t want(struct sock_filter *at, size_t offset, uint32_t value)
{
    load(at, offset);
    at[1] = (struct sock_filter){.code = BPF_JMP | BPF_JEQ | BPF_K, .k = value};
    return 2;
}

/* Returns how many instructions. */
static size_t write_passage(struct sock_filter *at, uint32_t nr,
                            const struct seccomp_passage *passage)
{
    size_t n = want(at, offsetof(struct seccomp_data, nr), nr);

    for (size_t i = 0; i < ARRAY_LEN(passage->args); i++) {
        size_t offset = offsetof(struct seccomp_data, args) + i * sizeof(uint64_t);
        uint32_t words[2];

        if (!(passage->compared & 1u << i))
            continue;
        memcpy(words, &passage->args[i], sizeof(words)); /* the order of the machine, as there */
        n += want(at + n, offset, words[0]);
        n += want(at + n, offset + sizeof(uint32_t), words[1]);
    }
    at[n++] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
    for (size_t i = 0; i < n; i++)
        if (at[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
            at[i].jf = (uint8_t)(n - i - 1);
    return n;
}

int seccomp_program_let_pass(struct seccomp_program *p, const struct seccomp_passage *passages,
                             size_t n, struct err *e)
{
    struct sock_filter head[HEAD_INSNS + SECCOMP_MAX_PASSAGES * PASSAGE_MAX_INSNS];
    struct sock_filter *all;
    size_t at = HEAD_INSNS;

    if (n > SECCOMP_MAX_PASSAGES)
        return err_set(e, ERR_INTERNAL, "seccomp: too many passages");
    for (size_t i = 0; i < n; i++) {
        int64_t nr = syscalls_number(syscalls_native(), syscalls_find(passages[i].name));

        if (nr >= 0 && !is_allowed(p, (uint32_t)nr, &passages[i]))
            at += write_passage(head + at, (uint32_t)nr, &passages[i]);
    }
    if (at == HEAD_INSNS)
        return 0;
    if (at + p->n > BPF_MAXINSNS)
        return err_set(e, ERR_LIMIT,
                       "seccomp: the profile needs %zu instructions, the kernel takes "
                       "%d",
                       at + p->n, BPF_MAXINSNS);
    want(head, offsetof(struct seccomp_data, arch), syscalls_native()->audit);
    head[1].jf = (uint8_t)(at - HEAD_INSNS);
    all = alloc_zero(at + p->n, sizeof(*all));
    memcpy(all, head, at * sizeof(*all));
    memcpy(all + at, p->insns, p->n * sizeof(*all));
    free(p->insns);
    p->insns = all;
    p->n = (unsigned short)(p->n + at);
    return 0;
}
