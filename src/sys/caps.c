/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/caps.h"

#include <errno.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

static const char *const names[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};
_Static_assert(ARRAY_LEN(names) == CAP_LAST_CAP + 1, "a name for each capability, in order");

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_cap_parse(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(names[i], name) == 0)
            return (int)i;
    return -EINVAL;
}

const char *sys_cap_name(unsigned number)
{
    return number < ARRAY_LEN(names) ? names[number] : NULL;
}

int sys_caps_get(struct sys_caps *ret)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2];

    FAULT_POINT("capget");
    if (syscall(SYS_capget, &h, d) < 0)
        return -errno;
    ret->effective = d[0].effective | (uint64_t)d[1].effective << 32;
    ret->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
    ret->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
    return 0;
}

int sys_caps_set(const struct sys_caps *caps)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2];

    FAULT_POINT("capset");
    for (int i = 0; i < 2; i++) {
        d[i].effective = (uint32_t)(caps->effective >> (32 * i));
        d[i].permitted = (uint32_t)(caps->permitted >> (32 * i));
        d[i].inheritable = (uint32_t)(caps->inheritable >> (32 * i));
    }
    return result(syscall(SYS_capset, &h, d));
}

int sys_caps_limit_bounding(uint64_t keep)
{
    FAULT_POINT("limit_bounding");
    for (int i = 0; i < 64; i++) {
        int has = prctl(PR_CAPBSET_READ, i);

        if (has < 0)
            break; /* above the last capability of this kernel, which may know more than our table
                    */
        if (has && !(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i) < 0)
            return -errno;
    }
    return 0;
}

int sys_caps_get_bounding(uint64_t *ret)
{
    uint64_t mask = 0;

    FAULT_POINT("get_bounding");
    for (int i = 0; i < 64; i++) {
        int has = prctl(PR_CAPBSET_READ, i);

        if (has < 0)
            break;
        mask |= (uint64_t)has << i;
    }
    *ret = mask;
    return 0;
}

int sys_caps_set_ambient(uint64_t caps)
{
    FAULT_POINT("set_ambient");
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    for (unsigned long i = 0; i < 64; i++)
        if ((caps >> i & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
            return -errno;
    return 0;
}

int sys_set_keep_caps(void)
{
    FAULT_POINT("set_keep_caps");
    return result(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
}

int sys_set_no_new_privs(void)
{
    FAULT_POINT("set_no_new_privs");
    return result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}
