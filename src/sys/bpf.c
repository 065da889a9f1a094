/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/bpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

int sys_seccomp_load(const struct sock_filter *insns, unsigned short n, unsigned flags)
{
    struct sock_fprog program = {.len = n, .filter = (struct sock_filter *)insns};
    long r;

    FAULT_POINT("seccomp");
    r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (r < 0)
        return -errno;
    /* With TSYNC it names the thread that could not follow. */
    return r > 0 ? -ESRCH : 0;
}

static int bpf(int command, union bpf_attr *attr)
{
    long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

    return r < 0 ? -errno : (int)r;
}

int sys_bpf_load_device(const struct bpf_insn *insns, size_t n)
{
    union bpf_attr attr;

    FAULT_POINT("bpf_load_device");
    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uint64_t)(uintptr_t)insns;
    attr.insn_cnt = (uint32_t)n;
    attr.license = (uint64_t)(uintptr_t) "GPL";
    return bpf(BPF_PROG_LOAD, &attr);
}

int sys_bpf_attach_device(int cgroup_fd, int prog_fd)
{
    union bpf_attr attr;

    FAULT_POINT("bpf_attach_device");
    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)cgroup_fd;
    attr.attach_bpf_fd = (uint32_t)prog_fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    return bpf(BPF_PROG_ATTACH, &attr);
}
