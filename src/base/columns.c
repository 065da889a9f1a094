/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: as in Go's tabwriter, the last cell of a row does not widen its column: a long last cell
 * (a message, a command) moves nothing. A character counts as one column wide.
 */
#include "base/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "base/vec.h"

#define PADDING 3

struct columns {
    VEC(char **) rows;
    VEC(size_t) widths;
};

struct columns *columns_new(void)
{
    return alloc_new(struct columns);
}

void columns_add_row(struct columns *c, const char *tab_separated)
{
    char **row = NULL;
    const char *s = tab_separated;

    for (size_t i = 0;; i++) {
        const char *end = strchrnul(s, '\t');
        char *cell = escape_terminal(s, (size_t)(end - s));

        strv_take(&row, cell);
        if (!*end)
            break;
        if (i == c->widths.len)
            vec_push(&c->widths, 0);
        c->widths.items[i] = MAX(c->widths.items[i], utf8_count(cell));
        s = end + 1;
    }
    vec_push(&c->rows, row);
}

static void print_row(const struct columns *c, char **row, struct str *out)
{
    size_t blanks = 0;

    for (size_t i = 0; row[i]; i++) {
        if (*row[i]) {
            str_addf(out, "%*s%s", (int)blanks, "", row[i]);
            blanks = 0;
        }
        if (row[i + 1])
            blanks += c->widths.items[i] + PADDING - utf8_count(row[i]);
    }
    str_add_char(out, '\n');
}

char *columns_print(const struct columns *c)
{
    /* No smaller maximum: the rows are in memory already, and a cut table would lie. */
    auto_str out = STR_INIT(SIZE_MAX / 4);

    VEC_FOREACH (row, &c->rows)
        print_row(c, *row, &out);
    return str_take(&out);
}

void columns_free(struct columns *c)
{
    if (!c)
        return;
    VEC_FOREACH (row, &c->rows)
        strv_free(*row);
    vec_done(&c->rows);
    vec_done(&c->widths);
    free(c);
}
