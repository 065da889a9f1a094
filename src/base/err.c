/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_code;
    int http_status;
} kinds[] = {
    [ERR_NONE] = {"none", 0, 200},
    [ERR_INVALID] = {"invalid", 125, 400},
    [ERR_NOT_FOUND] = {"not-found", 125, 404},
    [ERR_CONFLICT] = {"conflict", 125, 409},
    [ERR_BAD_STATE] = {"bad-state", 125, 409},
    [ERR_DENIED] = {"denied", 125, 403},
    [ERR_UNSUPPORTED] = {"unsupported", 125, 501},
    [ERR_LIMIT] = {"limit", 125, 507},
    [ERR_TIMEOUT] = {"timeout", 125, 504},
    [ERR_IO] = {"io", 125, 500},
    [ERR_INTERNAL] = {"internal", 125, 500},
    [ERR_CMD_INVOKE] = {"command-cannot-invoke", 126, 400},
    [ERR_CMD_NOT_FOUND] = {"command-not-found", 127, 400},
};
_Static_assert(ARRAY_LEN(kinds) == ERR_KIND_MAX, "a row for each kind");

static const struct {
    int errno_value;
    enum err_kind kind;
} errnos[] = {
    {ENOENT, ERR_NOT_FOUND},   {ESRCH, ERR_NOT_FOUND},
    {EEXIST, ERR_CONFLICT},    {EBUSY, ERR_CONFLICT},
    {EACCES, ERR_DENIED},      {EPERM, ERR_DENIED},
    {EINVAL, ERR_INVALID},     {ENAMETOOLONG, ERR_INVALID},
    {ENOSYS, ERR_UNSUPPORTED}, {EOPNOTSUPP, ERR_UNSUPPORTED},
    {ENOSPC, ERR_LIMIT},       {EDQUOT, ERR_LIMIT},
    {EMFILE, ERR_LIMIT},       {ENFILE, ERR_LIMIT},
    {E2BIG, ERR_LIMIT},        {EFBIG, ERR_LIMIT},
    {ENOMEM, ERR_LIMIT},       {ETIMEDOUT, ERR_TIMEOUT},
};

enum err_kind err_kind_of_errno(int positive_errno)
{
    for (size_t i = 0; i < ARRAY_LEN(errnos); i++)
        if (errnos[i].errno_value == positive_errno)
            return errnos[i].kind;
    return ERR_IO;
}

/* Messages carry what users and images wrote: no byte of theirs may drive a terminal or forge a
 * line of a log. */
static void make_safe(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

static void DHOW_PRINTF(2, 0) set_text(struct err *e, const char *fmt, va_list ap)
{
    int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);

    if (n < 0)
        e->msg[0] = 0;
    make_safe(e->msg);
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return -1;
    e->kind = kind;
    e->errno_value = 0;
    va_start(ap, fmt);
    set_text(e, fmt, ap);
    va_end(ap);
    return -1;
}

int err_sys(struct err *e, int negative_errno, const char *fmt, ...)
{
    size_t n;
    va_list ap;

    if (!e)
        return -1;
    e->errno_value = -negative_errno;
    e->kind = err_kind_of_errno(e->errno_value);
    va_start(ap, fmt);
    set_text(e, fmt, ap);
    va_end(ap);
    n = strlen(e->msg);
    snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(e->errno_value));
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char inner[sizeof(e->msg)];
    size_t n;
    va_list ap;

    if (!e)
        return -1;
    memcpy(inner, e->msg, sizeof(inner));
    va_start(ap, fmt);
    set_text(e, fmt, ap);
    va_end(ap);
    n = strlen(e->msg);
    snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", inner);
    make_safe(e->msg); /* the inner text may have come over a socket */
    return -1;
}

void err_clear(struct err *e)
{
    if (e)
        *e = (struct err){0};
}

const char *err_kind_name(enum err_kind kind)
{
    return (unsigned)kind < ERR_KIND_MAX ? kinds[kind].name : "internal";
}

int err_exit_code(const struct err *e)
{
    return (unsigned)e->kind < ERR_KIND_MAX ? kinds[e->kind].exit_code : 125;
}

int err_http_status(const struct err *e)
{
    return (unsigned)e->kind < ERR_KIND_MAX ? kinds[e->kind].http_status : 500;
}
