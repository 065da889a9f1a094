/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The Go text/template subset that `--format` means, over JSON values:
 *   {{.Field.Sub}} {{.}} {{json .X}} {{range .L}}..{{else}}..{{end}} {{if ..}}..{{else
 * if}}..{{else}}..{{end}} {{with ..}}
 *   {{index .M "k"}} {{len .L}} {{$v := ..}} {{$v = ..}} {{range $i, $e := ..}} pipes, parentheses,
 *   string/char/number/bool/nil literals, {{- -}} trimming, {{/ * * /}} comments.
 *   Functions: and eq ge gt index join json le len lower lt ne not or pad print printf println
 * slice split title truncate upper. define, template, block, break, continue: ERR_UNSUPPORTED.
 *
 * As in Go a field that does not exist is an error that names it ("can't evaluate field X"); so the
 * tables of what templates see keep empty values (JSON_KEEP_EMPTY). Beyond Go: a field also finds
 * the key that is equal but for case ("ID" finds "Id"). `index` of a map of strings gives "" for a
 * missing key; null has len 0 and an empty range. A run is bounded (ERR_LIMIT): steps, output.
 *
 * `table ` in front: blanks between actions become tabs (for base/columns.h), and the caller prints
 * a header; tmpl_header() makes it from the template with the same columns.
 */
#include <json-c/json.h>

#include "base/def.h"
#include "base/err.h"

struct tmpl; /* opaque */
struct tmpl *
tmpl_parse(const char *text,
           struct err *e); /* owned, or NULL with e; "\t" and "\n" escapes are expanded */
char *tmpl_run(const struct tmpl *t, struct json_object *value,
               struct err *e) DHOW_MUST_USE; /* owned, or NULL with e */
bool tmpl_is_table(const struct tmpl *t);    /* it began with "table " */
/* The heading row, without a newline: {{.ID}} becomes headings' text for "ID" ({{.A.B}}: for "A.B",
 * then for "B"), else the field's name split at camel case, upper-cased. */
struct tmpl_heading {
    const char *field;
    const char *heading;
};
char *tmpl_header(const struct tmpl *t, const struct tmpl_heading *headings,
                  size_t n) DHOW_MUST_USE;
void tmpl_free(struct tmpl *t);
