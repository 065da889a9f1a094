/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *check(void *p)
{
    static const char text[] = "dhow: out of memory\n";

    if (!p) {
        (void)!write(STDERR_FILENO, text,
                     sizeof(text) - 1); /* nothing is left to do when this fails */
        abort();
    }
    return p;
}

void def_free_pointer(void *p)
{
    free(*(void **)p);
}

void *alloc_zero(size_t n, size_t size)
{
    return check(calloc(n ? n : 1, size ? size : 1));
}

void *alloc_grow(void *p, size_t n, size_t size)
{
    return check(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *alloc_strdup(const char *s)
{
    return s ? check(strdup(s)) : NULL;
}

char *alloc_strndup(const char *s, size_t n)
{
    return check(strndup(s, n));
}

void *alloc_memdup(const void *p, size_t n)
{
    return memcpy(check(malloc(n ? n : 1)), p, n);
}

char *alloc_printf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        s = NULL;
    va_end(ap);
    return check(s);
}
