/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "base/err.h"

/* Copies what is in the directory at the clean path of a root into a mount that is to cover it
 * ("tmpcopyup"). No directory there: nothing. */
int copy_up(int root_fd, const char *clean_path, int to_fd, struct err *e);
