/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * WWW-Authenticate (RFC 9110 11.6.1), as registries use it. Pure; fuzzed.
 */
#include "base/err.h"

#define AUTH_HEADER_MAX_BYTES (16u << 10)
#define AUTH_TOKEN_MAX_BYTES  (64u << 10)

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };
struct auth_challenge {
    enum auth_scheme scheme;
    char *realm; /* bearer: the URL of the token server */
    char *service;
    char *scope;
};

/* The challenge of one or several header values (joined by ", ") that we answer best: bearer, else
 * basic. ERR_UNSUPPORTED when there is neither. */
int auth_parse_challenge(const char *header, struct auth_challenge *ret, struct err *e);
void auth_challenge_done(struct auth_challenge *c);
/* A token that can stand in a header: printable, no blanks, bounded. */
bool auth_token_is_valid(const char *token);
/* May credentials go to the token server at `realm`, which the registry named? Only over https, or
 * when the registry itself is spoken to in plain http. */
bool auth_realm_is_acceptable(const char *realm, bool is_plain_http);
