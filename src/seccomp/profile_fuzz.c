/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: profiles. What compiles is a program that the kernel takes: of a few kinds of
 * instructions, every jump within it, a return behind each way; and so it is with passages before
 * it.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "seccomp/profile.h"
#include "seccomp/seccomp.h"

static bool is_valid(const struct seccomp_program *p)
{
    if (p->n == 0 || p->n > BPF_MAXINSNS || p->insns[p->n - 1].code != (BPF_RET | BPF_K))
        return false;
    for (size_t i = 0; i < p->n; i++) {
        const struct sock_filter *insn = &p->insns[i];
        size_t left = p->n - i - 1;

        switch (insn->code) {
        case BPF_RET | BPF_K:
        case BPF_ALU | BPF_AND | BPF_K:
            continue;
        case BPF_LD | BPF_W | BPF_ABS:
            if (insn->k % 4 || insn->k + 4 > sizeof(struct seccomp_data))
                return false;
            continue;
        case BPF_JMP | BPF_JA:
            if (insn->k >= left)
                return false;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
        case BPF_JMP | BPF_JGT | BPF_K:
        case BPF_JMP | BPF_JGE | BPF_K:
            if (insn->jt >= left || insn->jf >= left)
                return false;
            continue;
        default:
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct seccomp_passage passages[] = {{"execveat", {1, 2, 3, 4, 5}, 0x1f},
                                                      {"fcntl", {3, 2, 1}, 7}};
    struct oci_seccomp s = {0};
    struct seccomp_program p = {0};

    if (profile_parse((const char *)data, size, NULL, &s, NULL) < 0)
        return 0;
    if (seccomp_compile(&s, &p, NULL) == 0) {
        if (!is_valid(&p))
            abort();
        if (seccomp_program_let_pass(&p, passages, 2, NULL) == 0 && !is_valid(&p))
            abort();
    }
    seccomp_program_done(&p);
    profile_done(&s);
    return 0;
}
