/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: a header is a list of challenges, each a scheme and parameters; both lists are separated
 * by commas, so only what follows a word tells what it was: "=" after it makes it a parameter of
 * the challenge at hand, anything else a new scheme.
 */
#include "image/auth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

#define WORDS_MAX 64 /* schemes and parameters in one header */

struct scanner {
    const char *at;
};

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_blanks(struct scanner *s)
{
    s->at += strspn(s->at, " \t");
}

static char *take_word(struct scanner *s)
{
    size_t n = 0;

    while (is_token_char(s->at[n]))
        n++;
    s->at += n;
    return n ? alloc_strndup(s->at - n, n) : NULL;
}

/* A quoted string with its escapes undone, or NULL when it is malformed. */
static char *take_quoted(struct scanner *s)
{
    auto_str out = STR_INIT(AUTH_HEADER_MAX_BYTES);

    for (s->at++; *s->at != '"'; s->at++) {
        if (*s->at == '\\')
            s->at++;
        if ((unsigned char)*s->at < 0x20 || *s->at == 0x7f)
            return NULL; /* the end too */
        str_add_char(&out, *s->at);
    }
    s->at++;
    return str_take(&out);
}

static char *take_value(struct scanner *s)
{
    return *s->at == '"' ? take_quoted(s) : take_word(s);
}

static enum auth_scheme scheme_of(const char *word)
{
    if (strcasecmp(word, "bearer") == 0)
        return AUTH_BEARER;
    return strcasecmp(word, "basic") == 0 ? AUTH_BASIC : AUTH_NONE;
}

static void set_parameter(struct auth_challenge *c, const char *name, char **value)
{
    char **field = strcasecmp(name, "realm") == 0     ? &c->realm
                   : strcasecmp(name, "service") == 0 ? &c->service
                   : strcasecmp(name, "scope") == 0   ? &c->scope
                                                      : NULL;

    if (field && !*field)
        *field = take_ptr(value);
}

static bool is_answerable(const struct auth_challenge *c)
{
    return c->scheme == AUTH_BASIC || (c->scheme == AUTH_BEARER && c->realm);
}

/* The challenge at hand is complete: it stays when it is better than the best so far. */
static void close_challenge(struct auth_challenge *c, struct auth_challenge *best)
{
    if (is_answerable(c) && c->scheme > best->scheme) {
        auth_challenge_done(best);
        *best = *c;
        *c = (struct auth_challenge){0};
    }
    auth_challenge_done(c);
}

/* One word: a parameter of `c`, or the beginning of a challenge. 0, -1 malformed. */
static int take_item(struct scanner *s, struct auth_challenge *c, struct auth_challenge *best)
{
    auto_free char *word = take_word(s), *value = NULL;
    bool is_blank_behind;

    if (!word)
        return -1;
    is_blank_behind = *s->at == ' ' || *s->at == '\t';
    skip_blanks(s);
    if (*s->at != '=') {
        if (!is_blank_behind && *s->at && *s->at != ',')
            return -1;
        close_challenge(c, best);
        c->scheme = scheme_of(word);
        return 0;
    }
    s->at++;
    skip_blanks(s);
    value = take_value(s);
    if (!value)
        return -1;
    set_parameter(c, word, &value);
    return 0;
}

int auth_parse_challenge(const char *header, struct auth_challenge *ret, struct err *e)
{
    struct scanner s = {header};
    struct auth_challenge c = {0}, best = {0};
    int r = strlen(header) > AUTH_HEADER_MAX_BYTES ? -1 : 0;

    for (unsigned words = 0; r == 0; words++) {
        s.at += strspn(s.at, " \t,");
        if (!*s.at)
            break;
        r = words < WORDS_MAX ? take_item(&s, &c, &best) : -1;
    }
    close_challenge(&c, &best);
    if (r < 0) {
        auth_challenge_done(&best);
        return err_set(e, ERR_INVALID, "the registry asks for authentication in a malformed way");
    }
    if (best.scheme == AUTH_NONE)
        return err_set(e, ERR_UNSUPPORTED,
                       "the registry asks for an authentication other than basic or bearer");
    *ret = best;
    return 0;
}

void auth_challenge_done(struct auth_challenge *c)
{
    free(c->realm);
    free(c->service);
    free(c->scope);
    *c = (struct auth_challenge){0};
}

bool auth_token_is_valid(const char *token)
{
    size_t n = strlen(token);

    if (!n || n > AUTH_TOKEN_MAX_BYTES)
        return false;
    for (; *token; token++)
        if (*token <= 0x20 || *token >= 0x7f)
            return false;
    return true;
}

bool auth_realm_is_acceptable(const char *realm, bool is_plain_http)
{
    for (const char *p = realm; *p; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return false;
    return strncasecmp(realm, "https://", strlen("https://")) == 0 ||
           (is_plain_http && strncasecmp(realm, "http://", strlen("http://")) == 0);
}
