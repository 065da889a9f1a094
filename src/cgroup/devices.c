/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: both versions mean the same: rules in order, the last that speaks of an access decides
 * it. v2 takes a program (device_program.c). v1 holds a default and exceptions to it, so the rules
 * are reduced to those: a rule that says what the default says takes away the exceptions that it
 * covers, any other is one more exception. The kernel compares exceptions by their numbers only: a
 * part of a wildcard exception cannot be taken away (it would do nothing, and say nothing), which
 * is an error here.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"

#define ALL_ACCESS (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

/* What every container has: mknod of all (without opening), and the devices of its own /dev. */
static const struct device_rule defaults[] = {
    {'c', true, -1, -1, BPF_DEVCG_ACC_MKNOD},
    {'b', true, -1, -1, BPF_DEVCG_ACC_MKNOD},
    {'c', true, 1, 3, ALL_ACCESS},    /* null */
    {'c', true, 1, 5, ALL_ACCESS},    /* zero */
    {'c', true, 1, 7, ALL_ACCESS},    /* full */
    {'c', true, 1, 8, ALL_ACCESS},    /* random */
    {'c', true, 1, 9, ALL_ACCESS},    /* urandom */
    {'c', true, 5, 0, ALL_ACCESS},    /* tty */
    {'c', true, 5, 1, ALL_ACCESS},    /* console */
    {'c', true, 5, 2, ALL_ACCESS},    /* ptmx */
    {'c', true, 136, -1, ALL_ACCESS}, /* pts */
};
/* What the other OCI runtimes add. */
static const struct device_rule oci_default = {'c', true, 10, 200, ALL_ACCESS}; /* tun */

static const struct {
    char letter;
    unsigned bit;
} accesses[] = {{'r', BPF_DEVCG_ACC_READ}, {'w', BPF_DEVCG_ACC_WRITE}, {'m', BPF_DEVCG_ACC_MKNOD}};

static unsigned parse_access(const char *s)
{
    unsigned bits = 0;

    if (!s || !*s)
        return ALL_ACCESS;
    for (size_t i = 0; i < ARRAY_LEN(accesses); i++)
        if (strchr(s, accesses[i].letter))
            bits |= accesses[i].bit;
    return bits;
}

static bool is_everything(const struct device_rule *r)
{
    return r->type == 'a' && r->major < 0 && r->minor < 0 && r->access == ALL_ACCESS;
}

void device_rules_make(const struct oci_resources *r, unsigned flags, struct device_rules *ret)
{
    *ret = (struct device_rules){0};
    for (size_t i = 0; r && i < r->devices.len; i++) {
        const struct oci_device_rule *d = &r->devices.items[i];
        struct device_rule rule = {d->type && *d->type ? *d->type : 'a', d->allow,
                                   d->major.is_set ? d->major.value : -1,
                                   d->minor.is_set ? d->minor.value : -1, parse_access(d->access)};

        /* Nothing before it matters. */
        if (is_everything(&rule)) {
            ret->list.len = 0;
            ret->allows_all = rule.is_allowed;
            continue;
        }
        /* To v1 "a" means all devices and all accesses, whatever follows it. */
        if (rule.type == 'a') {
            rule.type = 'b';
            vec_push(&ret->list, rule);
            rule.type = 'c';
        }
        vec_push(&ret->list, rule);
    }
    if (ret->allows_all && ret->list.len == 0)
        return;
    if (ret->allows_all) {
        struct device_rule all = {'a', true, -1, -1, ALL_ACCESS};

        /* first of the list: everything, then the exceptions */
        vec_push(&ret->list, all);
        memmove(ret->list.items + 1, ret->list.items, (ret->list.len - 1) * sizeof(all));
        ret->list.items[0] = all;
        ret->allows_all = false;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        vec_push(&ret->list, defaults[i]);
    if (flags & CGROUP_OCI)
        vec_push(&ret->list, oci_default);
}

void device_rules_done(struct device_rules *d)
{
    vec_done(&d->list);
}

static void add_number(struct str *s, int64_t v)
{
    if (v < 0)
        str_add_char(s, '*');
    else
        str_addf(s, "%lld", (long long)v);
}

char *device_rule_text(const struct device_rule *r)
{
    struct str s = STR_INIT(64);

    str_addf(&s, "%c ", r->type);
    add_number(&s, r->major);
    str_add_char(&s, ':');
    add_number(&s, r->minor);
    str_add_char(&s, ' ');
    for (size_t i = 0; i < ARRAY_LEN(accesses); i++)
        if (r->access & accesses[i].bit)
            str_add_char(&s, accesses[i].letter);
    return str_take(&s);
}

/* v1: a default and its exceptions */

void device_state_done(struct device_state *s)
{
    vec_done(&s->exceptions);
}

static bool covers(int64_t a, int64_t b)
{
    return a < 0 || a == b;
}

static bool overlaps(int64_t a, int64_t b)
{
    return a < 0 || b < 0 || a == b;
}

void device_state_add(struct device_state *s, const struct device_rule *r)
{
    VEC_FOREACH (x, &s->exceptions) {
        if (x->type == r->type && x->major == r->major && x->minor == r->minor) {
            x->access |= r->access;
            return;
        }
    }
    vec_push(&s->exceptions, *r);
}

static int take_away(struct device_state *s, const struct device_rule *r, struct err *e)
{
    size_t n = 0;

    for (size_t i = 0; i < s->exceptions.len; i++) {
        struct device_rule *x = &s->exceptions.items[i];
        bool meets = x->type == r->type && x->access & r->access && overlaps(r->major, x->major) &&
                     overlaps(r->minor, x->minor);

        if (meets && (!covers(r->major, x->major) || !covers(r->minor, x->minor))) {
            auto_free char *rule = device_rule_text(r), *wildcard = device_rule_text(x);

            return err_set(e, ERR_UNSUPPORTED,
                           "device rule '%s' is not supported by devices cgroupv1 (cannot punch "
                           "hole in existing wildcard rule '%s')",
                           rule, wildcard);
        }
        if (meets)
            x->access &= ~r->access;
        if (x->access)
            s->exceptions.items[n++] = *x;
    }
    s->exceptions.len = n;
    return 0;
}

int device_state_of(const struct device_rules *d, struct device_state *ret, struct err *e)
{
    *ret = (struct device_state){.is_allowed = d->allows_all};
    VEC_FOREACH (r, &d->list) {
        if (is_everything(r)) {
            ret->exceptions.len = 0;
            ret->is_allowed = r->is_allowed;
        } else if (r->is_allowed != ret->is_allowed) {
            device_state_add(ret, r);
        } else if (take_away(ret, r, e) < 0) {
            device_state_done(ret);
            return -1;
        }
    }
    return 0;
}

/* "c 1:3 rwm", "a *:* rwm"; false for what the kernel would not write. */
static bool parse_rule(char *line, struct device_rule *ret)
{
    char *numbers = strchr(line, ' '), *minor = numbers ? strchr(numbers, ':') : NULL;
    char *access = minor ? strchr(minor, ' ') : NULL;

    if (!access || !strchr("abc", line[0]) || line[1] != ' ')
        return false;
    *minor++ = *access++ = 0;
    *ret = (struct device_rule){line[0], true, -1, -1, parse_access(access)};
    return (strcmp(numbers + 1, "*") == 0 ||
            str_to_i64(numbers + 1, 0, INT32_MAX, &ret->major) == 0) &&
           (strcmp(minor, "*") == 0 || str_to_i64(minor, 0, INT32_MAX, &ret->minor) == 0);
}

void device_state_parse(const char *devices_list, struct device_state *ret)
{
    auto_strv lines = strv_split(devices_list, '\n');

    *ret = (struct device_state){0};
    STRV_FOREACH (line, lines) {
        struct device_rule r;

        if (!parse_rule(*line, &r))
            continue;
        if (r.type == 'a')
            ret->is_allowed = true;
        else
            device_state_add(ret, &r);
    }
}

unsigned device_state_access(const struct device_state *s, const struct device_rule *r)
{
    VEC_FOREACH (x, &s->exceptions)
        if (x->type == r->type && x->major == r->major && x->minor == r->minor)
            return x->access;
    return 0;
}
