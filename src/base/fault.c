/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: see fault.h. The plan is parsed once a process; a forked child inherits it and restarts
 * its count with its role. Raw kernel calls appear here on purpose: a fault point cannot pass a
 * fault point.
 */
#include "base/fault.h"

#ifdef DHOW_FAULT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum fault_mode { FAULT_UNREAD, FAULT_OFF, FAULT_LOG, FAULT_KILL, FAULT_FAIL };

static struct {
    enum fault_mode mode;
    char log[256];
    char role[32];
    unsigned at;
    int errno_value;
} plan;
static char current_role[32] = "cli";
static unsigned count; /* the image worker has threads: changed atomically */

static void read_plan(void)
{
    const char *s = getenv("DHOW_FAULT");

    plan.mode = FAULT_OFF;
    plan.errno_value = EIO;
    if (!s)
        return;
    if (sscanf(s, "log:%255s", plan.log) == 1)
        plan.mode = FAULT_LOG;
    else if (sscanf(s, "kill:%31[^:]:%u", plan.role, &plan.at) == 2)
        plan.mode = FAULT_KILL;
    else if (sscanf(s, "fail:%31[^:]:%u:%d", plan.role, &plan.at, &plan.errno_value) >= 2)
        plan.mode = FAULT_FAIL;
}

static void log_point(unsigned at, const char *name)
{
    char line[128];
    int n = snprintf(line, sizeof(line), "%s %u %s\n", current_role, at, name);
    int fd = open(plan.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (fd < 0)
        return;
    (void)!write(fd, line, (size_t)n); /* the log is a help for tests */
    close(fd);
}

void fault_role(const char *role)
{
    snprintf(current_role, sizeof(current_role), "%s", role);
    __atomic_store_n(&count, 0, __ATOMIC_RELAXED);
}

int fault_point(const char *name)
{
    int saved = errno;
    unsigned at;

    if (plan.mode == FAULT_UNREAD)
        read_plan();
    if (plan.mode == FAULT_OFF)
        return 0;
    at = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    if (plan.mode == FAULT_LOG) {
        log_point(at, name);
        errno = saved;
        return 0;
    }
    if (at != plan.at || strcmp(plan.role, current_role) != 0)
        return 0;
    if (plan.mode == FAULT_KILL) {
        kill(getpid(), SIGKILL);
        _exit(128 +
              SIGKILL); /* the first process of a pid namespace does not hear its own SIGKILL */
    }
    return -plan.errno_value;
}
#else
typedef int fault_is_off;
#endif
