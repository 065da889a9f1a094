/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seccomp/seccomp.h"

#include <linux/seccomp.h>
#include <stdlib.h>

#include "sys/bpf.h"

void seccomp_program_done(struct seccomp_program *p)
{
    free(p->insns);
    *p = (struct seccomp_program){0};
}

bool seccomp_program_notifies(const struct seccomp_program *p)
{
    return (p->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
}

int seccomp_program_load(const struct seccomp_program *p)
{
    return sys_seccomp_load(p->insns, p->n, p->flags);
}
