/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The Go text/template subset that `--format` means, over JSON values:
 *   {{.Field.Sub}} {{.}} {{json .X}} {{range .L}}..{{else}}..{{end}} {{if ..}}..{{else
 * if}}..{{else}}..{{end}} {{with ..}}
 *   {{index .M "k"}} {{len .L}} {{$v := ..}} pipes, string/number/bool literals, {{- -}} trimming,
 * {{/ * * /}} comments, functions: json split join title lower upper pad truncate index len print
 * printf println slice eq ne lt le gt ge and or not html-less. A field that does not exist is an
 * error that names it (as Go's). `table ` in front: the caller prints a header; tmpl_header() makes
 * it from the template with the same columns.
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
/* The heading row: {{.ID}} becomes headings' text for "ID", else the field's name split at camel
 * case, upper-cased. */
struct tmpl_heading {
    const char *field;
    const char *heading;
};
char *tmpl_header(const struct tmpl *t, const struct tmpl_heading *headings,
                  size_t n) DHOW_MUST_USE;
void tmpl_free(struct tmpl *t);
