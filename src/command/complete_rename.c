/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The completion scripts are written for "dhow". For another program its name takes the place of
 * the word, and, with underscores, of the word in the names of functions: two programs' scripts
 * live in one shell.
 */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "command/command.h"

#define WORD "dhow"

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

char *complete_rename(const char *text, const char *program, size_t max_bytes)
{
    auto_str out = STR_INIT(max_bytes);
    auto_free char *identifier = alloc_strdup(program);
    const char *from = text;

    for (char *p = identifier; *p; p++)
        *p = *p == '-' ? '_' : *p;
    for (const char *at = text; (at = strstr(at, WORD)); at += strlen(WORD)) {
        const char *end = at + strlen(WORD);
        char before = at == text ? ' ' : at[-1];

        if (before == '_' ? isalnum((unsigned char)*end)
                          : is_word_byte(before) || is_word_byte(*end))
            continue;
        str_add_bytes(&out, from, (size_t)(at - from));
        str_add(&out, before == '_' ? identifier : program);
        from = end;
    }
    str_add(&out, from);
    return str_take(&out);
}
