/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Who a process in a container is: "NAME|UID[:GROUP|GID]" and group names, looked up in the text of
 * the image's own passwd(5) and group(5). Pure: no file is opened here, no libc database (nsswitch
 * would load code).
 *
 * Rules (T-40635, T-46680, T-30892): a number is an exact decimal from 0 to 2^31-1, without sign,
 * zeros in front, or blanks; a text of digits is never a name; what is neither a number nor a
 * possible name is refused. An unknown name is an error; an unknown number is itself.
 */
#include "base/err.h"
#include "runtime/sync.h"

#define USERS_FILE_MAX_BYTES (1u << 20)

struct users_request {
    const char *user;                /* NULL: uid and gid below */
    char *const *groups;             /* additional names or numbers, or NULL */
    uint32_t uid, gid;               /* without `user` */
    const uint32_t *additional_gids; /* always */
    size_t n_additional_gids;
    bool want_home;
};

/* Whether all of it is well formed; touches no file. */
int users_check(const struct users_request *q, struct err *e);
/* Whether passwd or group have to be read. If not, users_resolve() works without texts. */
bool users_needs_files(const struct users_request *q);

/* A text is NULL when the file is not there. Malformed lines are skipped. */
struct users_text {
    const char *s;
    size_t len;
};
int users_resolve(const struct users_request *q, struct users_text passwd, struct users_text group,
                  struct sync_ids *ret, struct err *e);
