/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * systemd's manager over D-Bus (org.freedesktop.systemd1(5)): transient scopes. libsystemd is
 * loaded when it is first needed and never linked: it costs start-up time, and most hosts of a
 * container never ask for it. Every function returns >= 0 or -errno and passes a fault point;
 * `ret_why` (not NULL) is then the text of a D-Bus error, owned, or NULL.
 */
#include <sys/types.h>

#include "base/def.h"

enum sys_unit_type {
    SYS_UNIT_BOOL,    /* "b", number */
    SYS_UNIT_I32,     /* "i", number */
    SYS_UNIT_U64,     /* "t", number */
    SYS_UNIT_STRING,  /* "s", text */
    SYS_UNIT_STRINGS, /* "as", list */
    SYS_UNIT_PAIRS,   /* "a(ss)", list: first second first second ... */
    SYS_UNIT_BYTES,   /* "ay", text of `number` bytes */
    SYS_UNIT_PIDS,    /* "au" of one, number */
};
struct sys_unit_property {
    char *name;
    enum sys_unit_type type;
    uint64_t number;
    char *text;
    char **list; /* base/strv.h */
};

bool sys_systemd_is_running(void); /* as the init of this machine: sd_booted(3) */

enum sys_systemd_manager { SYS_SYSTEMD_SYSTEM, SYS_SYSTEMD_USER };
struct sys_systemd; /* opaque: a connection */
/* -ELIBACC: no libsystemd. The system's manager is asked directly where there is no bus and the
 * caller is root. */
int sys_systemd_open(enum sys_systemd_manager which, struct sys_systemd **ret);
void sys_systemd_close(struct sys_systemd *s);

/* These wait for the job's end, at most 30 s: -ETIMEDOUT; -EIO when it failed. */
int sys_systemd_start_scope(struct sys_systemd *s, const char *unit,
                            const struct sys_unit_property *properties, size_t n, char **ret_why);
int sys_systemd_stop_unit(struct sys_systemd *s, const char *unit, char **ret_why);

int sys_systemd_reset_failed(struct sys_systemd *s, const char *unit, char **ret_why);
int sys_systemd_set_properties(struct sys_systemd *s, const char *unit,
                               const struct sys_unit_property *properties, size_t n,
                               char **ret_why); /* until the next boot */
/* Moves a process of the caller's into a unit that is delegated, in the group `below` that of the
 * unit
 * ("" or "/x"). The user's manager may where the user may not: it asks the system's. */
int sys_systemd_attach(struct sys_systemd *s, const char *unit, const char *below, pid_t pid,
                       char **ret_why);
/* A string property of the manager, owned: "Version", "ControlGroup". */
int sys_systemd_get(struct sys_systemd *s, const char *name, char **ret, char **ret_why);
