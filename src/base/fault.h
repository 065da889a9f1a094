/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Fault points: the door to the kernel (sys/) passes one at each call, named after the call. A test
 * build (-Dfault=true) reads the environment variable DHOW_FAULT at each process's first point:
 *
 *   log:FILE              append "ROLE N NAME" for each point passed
 *   kill:ROLE:N           SIGKILL this process at the Nth point that it passes in that role
 *   fail:ROLE:N[:ERRNO]   the Nth point fails (ERRNO is a number, default 5, EIO)
 *
 * A role is what the process is: "cli" from its start, "monitor" and "init" after a fork, "exec",
 * "image" (the worker), ... fault_role() begins a role and restarts its count. In a normal build
 * all of it costs nothing.
 */
#include "base/def.h"

#ifdef DHOW_FAULT
int fault_point(const char *name); /* 0, or -errno when the call is to fail */
void fault_role(const char *role);
#else
static inline int fault_point(const char *name)
{
    (void)name;
    return 0;
}
static inline void fault_role(const char *role)
{
    (void)role;
}
#endif

/* First line of a sys/ wrapper. */
#define FAULT_POINT(name)                                                                          \
    do {                                                                                           \
        int fault_result = fault_point(name);                                                      \
        if (fault_result < 0)                                                                      \
            return fault_result;                                                                   \
    } while (0)
