/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"
#include "cli/filters.h"

static const char *const known[] = {"id", "label", "name", NULL};
static const char *const later[] = {"pod", NULL};

/* A filter fits when the text has its value. */
static int fits(void *arg, const struct filter *f, struct err *e)
{
    if (strcmp(f->value, "fail") == 0)
        return err_set(e, ERR_INVALID, "failed");
    return strstr(arg, f->value) != NULL;
}

static const struct {
    const char *words;
    int result; /* -1: an error */
    const char *msg;
} rows[] = {
    {"", 1, ""},
    {"id=a", 1, ""},
    {"id=x", 0, ""},
    {"id=a id=x", 1, ""},       /* any of one key */
    {"label=a label=x", 0, ""}, /* all labels */
    {"label=a label=b", 1, ""},
    {"id=a name=x", 0, ""}, /* all keys */
    {"id=x id=b name=c", 1, ""},
    {"id=fail", -1, "failed"},
    {"nope=1", -1, "'nope' is an invalid filter"},
    {"pod=1", -1, "filter 'pod' is not supported yet"},
    {"id", -1, "filter input must be in the form of filter=value, not 'id'"},
};

static void combines_filters(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        filter_list l = {0};
        char text[] = "abc";
        auto_strv words = strv_split(rows[i].words, ' ');
        int r = filters_parse(words, known, later, &l, &e);
        if (r == 0)
            r = filters_fit(&l, fits, text, &e);
        filters_done(&l);
        if (r != rows[i].result)
            fail_msg("'%s': %d", rows[i].words, r);
        assert_string_equal(e.msg, rows[i].msg);
    }
}

static void matches_labels(void **state)
{
    auto_strv labels = NULL;
    (void)state;
    strv_add(&labels, "a=1");
    strv_add(&labels, "b=");
    assert_true(filter_label_fits("a", labels));
    assert_true(filter_label_fits("a=1", labels));
    assert_true(filter_label_fits("b=", labels));
    assert_false(filter_label_fits("a=2", labels));
    assert_false(filter_label_fits("c", labels));
    assert_false(filter_label_fits("a", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combines_filters),
        cmocka_unit_test(matches_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
