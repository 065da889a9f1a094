/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/strv.h"
#include "sys/file.h"

int sys_list_dir(int dirfd, const char *path, char ***ret)
{
    char **names = NULL;
    struct dirent *d;
    DIR *dir;
    int fd;

    FAULT_POINT("list_dir");
    fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    dir = fdopendir(fd);
    if (!dir) {
        fd_close(fd);
        return -ENOMEM;
    }
    for (errno = 0; (d = readdir(dir));)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            strv_add(&names, d->d_name);
    closedir(dir);
    *ret = names;
    return 0;
}
