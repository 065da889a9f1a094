/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A NULL-terminated vector of owned strings. NULL is the empty vector; pass it to execve with
 * strv_or_empty().
 */
#include "base/def.h"

#define auto_strv DHOW_CLEANUP(strv_auto) char **
#define STRV_FOREACH(item, v)                                                                      \
    for (char *const *item = (v) ? (char *const *)(v) : strv_none; *item; item++)
extern char *const strv_none[]; /* {NULL} */

size_t strv_len(char *const *v);
void strv_add(char ***v, const char *s); /* copies s */
void strv_take(char ***v, char *s);      /* owns s */
void strv_addf(char ***v, const char *fmt, ...) DHOW_PRINTF(2, 3);
void strv_extend(char ***v, char *const *more); /* copies */
char **strv_dup(char *const *v);
char **strv_split(const char *s,
                  char separator); /* "a,,b" gives "a" "" "b"; "" gives the empty vector */
char *strv_join(char *const *v, const char *separator);
bool strv_has(char *const *v, const char *s);
/* The environment way: "NAME=value" entries. Set replaces an entry of the same name; get borrows
 * the value or NULL. */
void strv_env_set(char ***v, const char *assignment);
const char *strv_env_get(char *const *v, const char *name);
void strv_free(char **v);
void strv_auto(char ***v);
