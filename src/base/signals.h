/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A signal as users name it: "TERM", "SIGTERM", "15", "RTMIN+3" (any case): 0 or -EINVAL. */
int signals_parse(const char *s, int *ret);
