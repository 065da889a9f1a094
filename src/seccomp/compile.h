/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * linux.seccomp to classic BPF, without a cache: the work behind seccomp_program_get().
 * libseccomp's tables turn names into numbers; the program is our own (seccomp_compile.c says why).
 */
#include "seccomp/seccomp.h"

/* Part of the cache's key: raise it whenever the same profile compiles to another program. */
#define SECCOMP_COMPILER_VERSION 1

int seccomp_compile(const struct oci_seccomp *s, struct seccomp_program *ret, struct err *e);

/* seccomp_names.c: the number of a system call on an architecture (SCMP_ARCH_* token), or -1 when
 * there is none that a program could use directly. */
int seccomp_number(uint32_t arch, const char *name);
/* The token of "SCMP_ARCH_X86_64", or 0. */
uint32_t seccomp_arch(const char *name);
uint32_t seccomp_arch_ours(void);
