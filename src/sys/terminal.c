/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fault.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41) /* Linux 4.13; musl has no name for it */
#endif

static int result(int r)
{
    return r < 0 ? -errno : r;
}

bool sys_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int sys_terminal_set_raw(int fd, struct termios *ret_saved)
{
    struct termios saved, raw;

    FAULT_POINT("terminal_set_raw");
    if (tcgetattr(fd, &saved) < 0)
        return -errno;
    raw = saved;
    cfmakeraw(&raw);
    if (tcsetattr(fd, TCSANOW, &raw) < 0)
        return -errno;
    *ret_saved = saved;
    return 0;
}

int sys_terminal_restore(int fd, const struct termios *saved)
{
    FAULT_POINT("terminal_restore");
    /* Not TCSADRAIN: that waits for ever behind a stopped (ctrl-s) terminal. */
    return result(tcsetattr(fd, TCSANOW, saved));
}

int sys_terminal_size(int fd, uint16_t *ret_rows, uint16_t *ret_cols)
{
    struct winsize w;

    FAULT_POINT("terminal_size");
    if (ioctl(fd, TIOCGWINSZ, &w) < 0)
        return -errno;
    *ret_rows = w.ws_row;
    *ret_cols = w.ws_col;
    return 0;
}

int sys_terminal_set_size(int fd, uint16_t rows, uint16_t cols)
{
    struct winsize w = {.ws_row = rows, .ws_col = cols};

    FAULT_POINT("terminal_set_size");
    return result(ioctl(fd, TIOCSWINSZ, &w));
}

int sys_terminal_keep_newlines(int fd)
{
    struct termios t;

    FAULT_POINT("terminal_keep_newlines");
    if (tcgetattr(fd, &t) < 0)
        return -errno;
    t.c_oflag &= ~(tcflag_t)ONLCR;
    return result(tcsetattr(fd, TCSANOW, &t));
}

int sys_terminal_open_peer(int master)
{
    FAULT_POINT("terminal_open_peer");
    return result(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
}
