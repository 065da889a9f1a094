/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/filters.h"

static bool is_listed(const char *const *list, const char *word)
{
    for (; *list; list++) {
        if (strcmp(*list, word) == 0)
            return true;
    }
    return false;
}

static int parse_one(const char *word, const char *const *known, const char *const *later,
                     filter_list *ret, struct err *e)
{
    size_t len = strcspn(word, "=");
    auto_free char *key = alloc_strndup(word, len);
    if (word[len] != '=' || len == 0)
        return err_set(e, ERR_INVALID, "filter input must be in the form of filter=value, not '%s'",
                       word);
    if (is_listed(later, key))
        return err_set(e, ERR_UNSUPPORTED, "filter '%s' is not supported yet", key);
    if (!is_listed(known, key))
        return err_set(e, ERR_INVALID, "'%s' is an invalid filter", key);
    struct filter f = {.key = take_ptr(&key), .value = alloc_strdup(word + len + 1)};
    vec_push(ret, f);
    return 0;
}

int filters_parse(char *const *words, const char *const *known, const char *const *later,
                  filter_list *ret, struct err *e)
{
    filter_list l = {0};
    STRV_FOREACH (word, words) {
        if (parse_one(*word, known, later, &l, e) < 0) {
            filters_done(&l);
            return -1;
        }
    }
    *ret = l;
    return 0;
}

void filters_done(filter_list *l)
{
    VEC_FOREACH (f, l) {
        free(f->key);
        free(f->value);
    }
    vec_done(l);
}

bool filters_have(const filter_list *l, const char *key)
{
    VEC_FOREACH (f, l) {
        if (strcmp(f->key, key) == 0)
            return true;
    }
    return false;
}

/* Does any filter of this one's key fit? */
static int any_fits(const filter_list *l, const char *key, filter_fits_fn *fits, void *arg,
                    struct err *e)
{
    VEC_FOREACH (f, l) {
        int r = strcmp(f->key, key) == 0 ? fits(arg, f, e) : 0;
        if (r != 0)
            return r;
    }
    return 0;
}

int filters_fit(const filter_list *l, filter_fits_fn *fits, void *arg, struct err *e)
{
    VEC_FOREACH (f, l) {
        bool needs_all = strcmp(f->key, "label") == 0;
        int r = needs_all ? fits(arg, f, e) : any_fits(l, f->key, fits, arg, e);
        if (r <= 0)
            return r;
    }
    return 1;
}

bool filter_label_fits(const char *wanted, char *const *labels)
{
    size_t len = strcspn(wanted, "=");
    auto_free char *key = alloc_strndup(wanted, len);
    const char *value = strv_env_get(labels, key);
    return value && (wanted[len] == '\0' || strcmp(value, wanted + len + 1) == 0);
}
