/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

char *const strv_none[] = {NULL};

size_t strv_len(char *const *v)
{
    size_t n = 0;

    while (v && v[n])
        n++;
    return n;
}

void strv_take(char ***v, char *s)
{
    size_t n = strv_len(*v);

    /* Grows by powers of two: a push is amortised constant, but for the count. */
    if ((n & (n + 1)) == 0)
        *v = alloc_grow(*v, (n + 1) * 2, sizeof(char *));
    (*v)[n] = s;
    (*v)[n + 1] = NULL;
}

void strv_add(char ***v, const char *s)
{
    strv_take(v, alloc_strdup(s));
}

void strv_addf(char ***v, const char *fmt, ...)
{
    auto_str s = STR_INIT(SIZE_MAX / 4); /* as much as the arguments, which are in memory already */
    va_list ap;

    va_start(ap, fmt);
    str_vaddf(&s, fmt, ap);
    va_end(ap);
    strv_take(v, str_take(&s));
}

void strv_extend(char ***v, char *const *more)
{
    STRV_FOREACH (s, more)
        strv_add(v, *s);
}

char **strv_dup(char *const *v)
{
    char **copy = NULL;

    strv_extend(&copy, v);
    return copy;
}

char **strv_split(const char *s, char separator)
{
    char **v = NULL;

    while (*s) {
        const char *end = strchrnul(s, separator);

        strv_take(&v, alloc_strndup(s, (size_t)(end - s)));
        if (!*end)
            return v;
        s = end + 1;
        if (!*s)
            strv_add(&v, "");
    }
    return v;
}

char *strv_join(char *const *v, const char *separator)
{
    auto_str s = STR_INIT(SIZE_MAX / 4); /* as much as the items, which are in memory already */

    STRV_FOREACH (item, v) {
        if (item != v)
            str_add(&s, separator);
        str_add(&s, *item);
    }
    return str_take(&s);
}

bool strv_has(char *const *v, const char *s)
{
    STRV_FOREACH (item, v)
        if (strcmp(*item, s) == 0)
            return true;
    return false;
}

static size_t name_len(const char *assignment)
{
    return (size_t)(strchrnul(assignment, '=') - assignment);
}

void strv_env_set(char ***v, const char *assignment)
{
    size_t n = name_len(assignment);

    for (size_t i = 0; *v && (*v)[i]; i++) {
        if (name_len((*v)[i]) == n && strncmp((*v)[i], assignment, n) == 0) {
            free((*v)[i]);
            (*v)[i] = alloc_strdup(assignment);
            return;
        }
    }
    strv_add(v, assignment);
}

const char *strv_env_get(char *const *v, const char *name)
{
    size_t n = strlen(name);

    STRV_FOREACH (item, v)
        if (strncmp(*item, name, n) == 0 && (*item)[n] == '=')
            return *item + n + 1;
    return NULL;
}

void strv_free(char **v)
{
    for (size_t i = 0; v && v[i]; i++)
        free(v[i]);
    free(v);
}

void strv_auto(char ***v)
{
    strv_free(*v);
}
