/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_setns(int fd, int flags)
{
    FAULT_POINT("setns");
    return result(setns(fd, flags));
}

int sys_unshare(int flags)
{
    FAULT_POINT("unshare");
    return result(unshare(flags));
}

static void namespace_path(char *ret, size_t size, pid_t pid, const char *name)
{
    if (pid)
        snprintf(ret, size, "/proc/%d/ns/%s", (int)pid, name);
    else
        snprintf(ret, size, "/proc/self/ns/%s", name);
}

int sys_namespace_open(pid_t pid, const char *name)
{
    char path[64];

    FAULT_POINT("namespace_open");
    namespace_path(path, sizeof(path), pid, name);
    return result(open(path, O_RDONLY | O_CLOEXEC));
}

int sys_namespace_type(int fd)
{
    FAULT_POINT("namespace_type");
    return result(ioctl(fd, NS_GET_NSTYPE));
}

int sys_namespace_id(pid_t pid, const char *name, uint64_t ret[static 2])
{
    char path[64];
    struct stat st;

    FAULT_POINT("namespace_id");
    namespace_path(path, sizeof(path), pid, name);
    if (stat(path, &st) < 0)
        return -errno;
    ret[0] = st.st_dev;
    ret[1] = st.st_ino;
    return 0;
}

int sys_sethostname(const char *name)
{
    FAULT_POINT("sethostname");
    return result(sethostname(name, strlen(name)));
}

int sys_setdomainname(const char *name)
{
    FAULT_POINT("setdomainname");
    return result(setdomainname(name, strlen(name)));
}

int sys_loopback_up(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    auto_fd int fd = FD_NONE;

    FAULT_POINT("loopback_up");
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    return result(ioctl(fd, SIOCSIFFLAGS, &r));
}

int sys_write_id_map(pid_t pid, const char *file, const char *text)
{
    char path[64];
    auto_fd int fd = FD_NONE;
    ssize_t n;

    FAULT_POINT("write_id_map");
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = write(fd, text, strlen(text));
    if (n < 0)
        return -errno;
    return (size_t)n == strlen(text) ? 0 : -EIO;
}
