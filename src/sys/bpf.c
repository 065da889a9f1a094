/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/bpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"

static int seccomp(unsigned operation, unsigned flags, void *arg)
{
    long r = syscall(SYS_seccomp, operation, flags, arg);

    return r < 0 ? -errno : (int)r;
}

int sys_seccomp_load(const struct sock_filter *insns, unsigned short n, unsigned flags)
{
    struct sock_fprog program = {.len = n, .filter = (struct sock_filter *)insns};

    FAULT_POINT("seccomp");
    return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

int sys_seccomp_knows_action(uint32_t action)
{
    int r;

    FAULT_POINT("seccomp_knows_action");
    r = seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action);
    if (r == -EOPNOTSUPP)
        return 0;
    return r < 0 ? r : 1;
}

int sys_seccomp_knows_flags(unsigned flags)
{
    int r;

    FAULT_POINT("seccomp_knows_flags");
    /* The flags are looked at before the program, which is nowhere. */
    r = seccomp(SECCOMP_SET_MODE_FILTER, flags, NULL);
    if (r == -EFAULT)
        return 1;
    return r == -EINVAL ? 0 : r;
}

int sys_seccomp_is_listener(int fd)
{
    uint64_t no_such_id = 0;

    FAULT_POINT("seccomp_is_listener");
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &no_such_id) == 0 || errno == ENOENT)
        return 1;
    return errno == ENOTTY || errno == EINVAL ? 0 : -errno;
}

static int bpf(int command, union bpf_attr *attr)
{
    long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

    return r < 0 ? -errno : (int)r;
}

static int load(const struct bpf_insn *insns, size_t n, const char *name)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uint64_t)(uintptr_t)insns;
    attr.insn_cnt = (uint32_t)n;
    attr.license = (uint64_t)(uintptr_t) "GPL";
    snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
    return bpf(BPF_PROG_LOAD, &attr);
}

/* Before Linux 5.11 a program counts as locked memory of the user, who may have little of it. The
 * limit is for the load only: a container inherits limits. */
static int load_without_limit(const struct bpf_insn *insns, size_t n, const char *name)
{
    struct rlimit old, none = {RLIM_INFINITY, RLIM_INFINITY};
    int r;

    if (getrlimit(RLIMIT_MEMLOCK, &old) < 0 || setrlimit(RLIMIT_MEMLOCK, &none) < 0)
        return -EPERM;
    r = load(insns, n, name);
    (void)setrlimit(RLIMIT_MEMLOCK, &old); /* lowering always works */
    return r;
}

int sys_bpf_load_device(const struct bpf_insn *insns, size_t n, const char *name)
{
    int r;

    FAULT_POINT("bpf_load_device");
    r = load(insns, n, name);
    return r == -EPERM || r == -ENOMEM ? load_without_limit(insns, n, name) : r;
}

int sys_bpf_attach_device(int cgroup_fd, int prog_fd, int replaced_fd)
{
    union bpf_attr attr;

    FAULT_POINT("bpf_attach_device");
    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)cgroup_fd;
    attr.attach_bpf_fd = (uint32_t)prog_fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    if (replaced_fd >= 0) {
        attr.attach_flags |= BPF_F_REPLACE;
        attr.replace_bpf_fd = (uint32_t)replaced_fd;
    }
    return bpf(BPF_PROG_ATTACH, &attr);
}

int sys_bpf_detach_device(int cgroup_fd, int prog_fd)
{
    union bpf_attr attr;

    FAULT_POINT("bpf_detach_device");
    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)cgroup_fd;
    attr.attach_bpf_fd = (uint32_t)prog_fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    return bpf(BPF_PROG_DETACH, &attr);
}

static int open_if_named(uint32_t id, const char *name)
{
    struct bpf_prog_info info;
    auto_fd int fd = FD_NONE;
    union bpf_attr attr;
    int r;

    memset(&attr, 0, sizeof(attr));
    attr.prog_id = id;
    fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
    if (fd < 0)
        return fd;
    memset(&info, 0, sizeof(info));
    memset(&attr, 0, sizeof(attr));
    attr.info.bpf_fd = (uint32_t)fd;
    attr.info.info_len = sizeof(info);
    attr.info.info = (uint64_t)(uintptr_t)&info;
    r = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
    if (r < 0)
        return r;
    return strncmp(info.name, name, sizeof(info.name)) == 0 ? take_fd(&fd) : -ENOENT;
}

int sys_bpf_find_device(int cgroup_fd, const char *name)
{
    uint32_t ids[64];
    union bpf_attr attr;
    int r;

    FAULT_POINT("bpf_find_device");
    memset(&attr, 0, sizeof(attr));
    attr.query.target_fd = (uint32_t)cgroup_fd;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
    attr.query.prog_cnt = sizeof(ids) / sizeof(*ids);
    r = bpf(BPF_PROG_QUERY, &attr);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < attr.query.prog_cnt; i++) {
        r = open_if_named(ids[i], name);
        if (r != -ENOENT)
            return r;
    }
    return -ENOENT;
}
