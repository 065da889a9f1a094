/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The mounts of the caller's mount namespace: proc_pid_mountinfo(5). */
#include "base/def.h"

struct sys_mountinfo_line {
    char *point; /* as the caller's root has it, unescaped */
    char *type;
};
struct sys_mountinfo {
    struct sys_mountinfo_line *items; /* the oldest first */
    size_t len;
    size_t cap;
};

/* 0 or -errno; passes a fault point. Owned: sys_mountinfo_done(). */
int sys_mountinfo_read(struct sys_mountinfo *ret);
/* The same of a text; what is no line of it is left out. */
void sys_mountinfo_parse(const char *text, struct sys_mountinfo *ret);
void sys_mountinfo_done(struct sys_mountinfo *m);
#define auto_mountinfo DHOW_CLEANUP(sys_mountinfo_done) struct sys_mountinfo
