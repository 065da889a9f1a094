/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * --filter key=value of ps and images. Values of the same key: any of them fits (labels: all);
 * different keys: all fit.
 */
#include "base/err.h"
#include "base/vec.h"

struct filter {
    char *key;
    char *value;
};
typedef VEC(struct filter) filter_list;

/* ERR_INVALID: "filter input must be in the form of filter=value", "'X' is an invalid filter".
 * `known` is NULL-closed; `later` are podman's that we have not yet (ERR_UNSUPPORTED). */
int filters_parse(char *const *words, const char *const *known, const char *const *later,
                  filter_list *ret, struct err *e);
void filters_done(filter_list *l);
bool filters_have(const filter_list *l, const char *key);
/* 1 when `fits` says so as described above, 0 when not, -1 with e when it fails. */
typedef int filter_fits_fn(void *arg, const struct filter *f, struct err *e);
int filters_fit(const filter_list *l, filter_fits_fn *fits, void *arg, struct err *e);
/* "k" or "k=v" against "k=v" entries. */
bool filter_label_fits(const char *wanted, char *const *labels);
