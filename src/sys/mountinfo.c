/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/mountinfo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/strv.h"
#include "base/vec.h"
#include "sys/file.h"

#define TEXT_MAX (16u << 20)

/* "\040" is a blank. */
static void unescape(char *s)
{
    char *to = s;

    for (; *s; s++) {
        if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3) {
            *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 3;
        } else {
            *to++ = *s;
        }
    }
    *to = 0;
}

/* Field 5, and the first one after " - ". */
static void parse_line(const char *line, struct sys_mountinfo *ret)
{
    auto_strv fields = strv_split(line, ' ');
    const char *rest = strstr(line, " - ");
    struct sys_mountinfo_line l;

    if (strv_len(fields) < 6 || !rest)
        return;
    rest += 3;
    l.point = alloc_strdup(fields[4]);
    l.type = alloc_strndup(rest, strcspn(rest, " "));
    unescape(l.point);
    vec_push(ret, l);
}

void sys_mountinfo_parse(const char *text, struct sys_mountinfo *ret)
{
    auto_strv lines = strv_split(text, '\n');

    STRV_FOREACH (line, lines)
        parse_line(*line, ret);
}

int sys_mountinfo_read(struct sys_mountinfo *ret)
{
    auto_free char *text = NULL;
    size_t n;
    int r;

    FAULT_POINT("mountinfo");
    r = sys_read_file(AT_FDCWD, "/proc/self/mountinfo", TEXT_MAX, &text, &n);
    if (r == 0)
        sys_mountinfo_parse(text, ret);
    return r;
}

void sys_mountinfo_done(struct sys_mountinfo *m)
{
    VEC_FOREACH (l, m) {
        free(l->point);
        free(l->type);
    }
    vec_done(m);
}
