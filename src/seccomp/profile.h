/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Seccomp profiles: the default one, with the semantics of docker's (moby), and the reader of files
 * in docker's format for --security-opt seccomp=FILE. Both resolve the rules that depend on
 * capabilities, architecture and kernel, and yield what goes into linux.seccomp of a spec.
 *
 * `caps`: the container's bounding set as in capabilities(7) ("CAP_SYS_ADMIN"), or NULL for none.
 * The result is owned: profile_done() (or json_free_struct(&oci_seccomp_json, ...)).
 */
#include "base/err.h"
#include "oci/spec.h"

#define PROFILE_MAX_BYTES (1u << 20)

void profile_default(char *const *caps, struct oci_seccomp *ret);
/* A text of docker's format (defaultAction, archMap or architectures, syscalls[] with names,
 * includes, excludes), which includes plain linux.seccomp of the runtime specification. */
int profile_parse(const char *text, size_t len, char *const *caps, struct oci_seccomp *ret,
                  struct err *e);
void profile_done(struct oci_seccomp *s);

/* This machine as docker's profiles name it ("amd64"; borrowed), and the architectures whose
 * programs it runs (SCMP_ARCH_X86_64, ...; native first; owned). */
const char *profile_native_arch(void);
char **profile_native_architectures(void);
