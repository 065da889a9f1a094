/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results in the forms that podman knows: aligned tables, Go templates, JSON, YAML. A table is a
 * template with "table " in front, so the default listing and the user's are one path.
 */
#include <string.h>

#include "base/columns.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/tmpl.h"
#include "command/front.h"

#define OUTPUT_MAX_BYTES (64u << 20)
#define YAML_DEPTH_MAX   32

DEFINE_AUTO_PTR(struct tmpl, tmpl, tmpl_free);
DEFINE_AUTO_PTR(struct columns, columns, columns_free);

bool output_is_json(const char *format)
{
    return format && strcmp(format, "json") == 0;
}

void output_json(struct json_object *o)
{
    auto_free char *text = json_print(o, true);
    cli_print_line(text);
}

int output_template(const char *format, struct json_object *o, struct err *e)
{
    DHOW_CLEANUP(tmpl_auto) struct tmpl *t = tmpl_parse(format, e);
    if (!t)
        return -1;
    auto_free char *text = tmpl_run(t, o, e);
    if (!text)
        return -1;
    cli_print_line(text);
    return 0;
}

static int print_lines(const struct tmpl *t, struct json_object *rows, struct err *e)
{
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        auto_free char *line = tmpl_run(t, json_object_array_get_idx(rows, i), e);
        if (!line)
            return -1;
        cli_print_line(line);
    }
    return 0;
}

static int print_table(const struct output_view *view, const struct tmpl *t,
                       struct json_object *rows, struct err *e)
{
    DHOW_CLEANUP(columns_auto) struct columns *columns = columns_new();
    if (!view->no_heading) {
        auto_free char *header = tmpl_header(t, view->headings, view->n_headings);
        columns_add_row(columns, header);
    }
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        auto_free char *row = tmpl_run(t, json_object_array_get_idx(rows, i), e);
        if (!row)
            return -1;
        columns_add_row(columns, row);
    }
    auto_free char *text = columns_print(columns);
    cli_print(text);
    return 0;
}

int output_rows(const struct output_view *view, const char *format, struct json_object *rows,
                struct json_object *rows_json, struct err *e)
{
    if (output_is_json(format)) {
        output_json(rows_json);
        return 0;
    }
    DHOW_CLEANUP(tmpl_auto) struct tmpl *t = tmpl_parse(format ? format : view->table, e);
    if (!t)
        return -1;
    return tmpl_is_table(t) ? print_table(view, t, rows, e) : print_lines(t, rows, e);
}

/* ---- YAML: what `info` prints ---- */

static void yaml_value(struct str *out, struct json_object *o, int depth);

/* Would the plain word be read as something else than this string? */
static bool yaml_needs_quotes(const char *s)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "~"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(s, words[i]) == 0)
            return true;
    }
    char *end;
    (void)strtod(s, &end);
    bool is_number = *s && !*end;
    return !*s || is_number || strchr("-?:,[]{}#&*!|>'\"%@` ", s[0]) || strstr(s, ": ") ||
           strstr(s, " #") || str_ends_with(s, ":") || str_ends_with(s, " ");
}

static void yaml_string(struct str *out, const char *s)
{
    for (const char *p = s; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            auto_json *quoted = json_object_new_string(s);
            str_add(out, json_object_to_json_string_ext(quoted, JSON_C_TO_STRING_PLAIN));
            return;
        }
    }
    if (!yaml_needs_quotes(s)) {
        str_add(out, s);
        return;
    }
    str_add_char(out, '"');
    for (const char *p = s; *p; p++) {
        if (*p == '"' || *p == '\\')
            str_add_char(out, '\\');
        str_add_char(out, *p);
    }
    str_add_char(out, '"');
}

static void yaml_indent(struct str *out, int depth)
{
    for (int i = 0; i < depth; i++)
        str_add(out, "  ");
}

static bool yaml_is_block(struct json_object *o)
{
    return (json_object_is_type(o, json_type_object) && json_object_object_length(o) > 0) ||
           (json_object_is_type(o, json_type_array) && json_object_array_length(o) > 0);
}

/* Key order of podman's info: alphabetic. */
static int key_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void yaml_object(struct str *out, struct json_object *o, int depth)
{
    auto_strv keys = NULL;
    json_object_object_foreach(o, name, unused)
    {
        (void)unused;
        strv_add(&keys, name);
    }
    qsort(keys, strv_len(keys), sizeof(char *), key_order);
    STRV_FOREACH (key, keys) {
        struct json_object *value = json_object_object_get(o, *key);
        yaml_indent(out, depth);
        yaml_string(out, *key);
        str_add(out, yaml_is_block(value) ? ":\n" : ": ");
        yaml_value(out, value, json_object_is_type(value, json_type_array) ? depth : depth + 1);
    }
}

static void yaml_array(struct str *out, struct json_object *o, int depth)
{
    for (size_t i = 0; i < json_object_array_length(o); i++) {
        struct json_object *value = json_object_array_get_idx(o, i);
        yaml_indent(out, depth);
        str_add(out, yaml_is_block(value) ? "-\n" : "- ");
        yaml_value(out, value, depth + 1);
    }
}

static void yaml_value(struct str *out, struct json_object *o, int depth)
{
    if (yaml_is_block(o) && depth > YAML_DEPTH_MAX) {
        str_add(out, "...\n");
    } else if (yaml_is_block(o) && json_object_is_type(o, json_type_object)) {
        yaml_object(out, o, depth);
    } else if (yaml_is_block(o)) {
        yaml_array(out, o, depth);
    } else if (json_object_is_type(o, json_type_string)) {
        yaml_string(out, json_object_get_string(o));
        str_add_char(out, '\n');
    } else {
        str_addf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
    }
}

char *output_yaml(struct json_object *o)
{
    auto_str out = STR_INIT(OUTPUT_MAX_BYTES);
    yaml_value(&out, o, 0);
    return str_take(&out);
}
