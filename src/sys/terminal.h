/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Terminals. Every function but sys_is_terminal() returns >= 0 or -errno and passes a fault point.
 */
#include <termios.h>

#include "base/def.h"

bool sys_is_terminal(int fd);
/* Bytes pass as they are, no echo, no signals from keys. `ret_saved` is for
 * sys_terminal_restore(). */
int sys_terminal_set_raw(int fd, struct termios *ret_saved);
int sys_terminal_restore(int fd, const struct termios *saved);
int sys_terminal_size(int fd, uint16_t *ret_rows, uint16_t *ret_cols);
int sys_terminal_set_size(int fd, uint16_t rows, uint16_t cols);
/* Newlines of the output stay as they are: no "\r" before them. */
int sys_terminal_keep_newlines(int fd);
/* The other side of a pty master, whatever /dev/pts is mounted here; it does not become the
 * controlling terminal. */
int sys_terminal_open_peer(int master);
