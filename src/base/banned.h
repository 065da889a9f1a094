/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Included before everything else (-include): functions that cannot be used safely are compile
 * errors.
 */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#undef alloca
#undef strtok
#undef sprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets alloca system popen mktemp tmpnam    \
    tempnam atoi atol atoll strncpy strncat asctime ctime
