/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Detach keys: a sequence of bytes that a user types on a raw terminal. Keys of a sequence that was
 * begun are held back until it is known whether they are the user's; a key that breaks it off lets
 * all of them through, as far as they cannot be the begin of another one.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "attach/attach.h"

/* One key of the comma-separated text; its byte, or -EINVAL. */
static int parse_key(const char *s, size_t n)
{
    if (n == 1 && (unsigned char)*s > ' ' && (unsigned char)*s < 0x7f)
        return (unsigned char)*s;
    if (n == 3 && strncasecmp(s, "DEL", 3) == 0)
        return 0x7f;
    if (n != 6 || strncasecmp(s, "ctrl-", 5) != 0)
        return -EINVAL;
    if (s[5] >= 'a' && s[5] <= 'z')
        return s[5] - 'a' + 1;
    if (s[5] >= '@' && s[5] <= '_') /* ctrl-@ A..Z [ \ ] ^ _ are 0 to 31 */
        return s[5] - '@';
    return -EINVAL;
}

int attach_keys_parse(const char *text, struct attach_keys *ret)
{
    struct attach_keys keys = {.n = 0};

    for (const char *s = text; *text;) {
        size_t n = strcspn(s, ",");
        int key = parse_key(s, n);

        if (key < 0 || keys.n == ATTACH_KEYS_MAX)
            return -EINVAL;
        keys.key[keys.n++] = (unsigned char)key;
        if (!s[n])
            break;
        s += n + 1;
    }
    *ret = keys;
    return 0;
}

/* How many of the last bytes of keys[0..matched) + c are a begin of the sequence. */
static size_t next_match(const struct attach_keys *keys, size_t matched, unsigned char c)
{
    unsigned char typed[ATTACH_KEYS_MAX + 1];
    size_t n = matched + 1;

    memcpy(typed, keys->key, matched);
    typed[matched] = c;
    for (size_t k = n; k > 0; k--)
        if (k <= keys->n && memcmp(typed + n - k, keys->key, k) == 0)
            return k;
    return 0;
}

size_t attach_keys_scan(const struct attach_keys *keys, struct attach_key_scan *scan,
                        const unsigned char *in, size_t n, unsigned char *out, bool *ret_detach)
{
    size_t put = 0;

    *ret_detach = false;
    for (size_t i = 0; i < n; i++) {
        size_t now = next_match(keys, scan->matched, in[i]);
        size_t released = scan->matched + 1 - now;

        /* The first `released` of what was held back and in[i] are the user's. */
        for (size_t k = 0; k < released; k++)
            out[put++] = k < scan->matched ? keys->key[k] : in[i];
        scan->matched = now;
        if (keys->n > 0 && now == keys->n) {
            *ret_detach = true;
            break;
        }
    }
    return put;
}
