/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of the heading row (podman's way, without its second run of the template over words): what
 * an action shows is named by the first field in it, whatever functions it passes through.
 */
#include "base/tmpl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "base/tmpl_private.h"

static void pipe_done(struct tmpl_pipe *pipe)
{
    VEC_FOREACH (command, &pipe->commands) {
        VEC_FOREACH (operand, &command->operands) {
            free(operand->name);
            json_object_put(operand->literal);
            strv_free(operand->fields);
            if (operand->pipe)
                pipe_done(operand->pipe);
            free(operand->pipe);
        }
        vec_done(&command->operands);
    }
    vec_done(&pipe->commands);
    strv_free(pipe->variables);
}

static void list_done(struct tmpl_list *list)
{
    VEC_FOREACH (node, list) {
        free(node->text);
        pipe_done(&node->pipe);
        list_done(&node->body);
        list_done(&node->otherwise);
    }
    vec_done(list);
}

void tmpl_free(struct tmpl *t)
{
    if (!t)
        return;
    list_done(&t->root);
    free(t);
}

bool tmpl_is_table(const struct tmpl *t)
{
    return t->is_table;
}

/* "CreatedAt" -> "CREATED AT", "ImageID" -> "IMAGE ID", "IPAddress" -> "IP ADDRESS". */
static void add_split(struct str *out, const char *s)
{
    for (size_t i = 0; s[i]; i++) {
        bool begins_word = i > 0 && isupper((unsigned char)s[i]) &&
                           (!isupper((unsigned char)s[i - 1]) || islower((unsigned char)s[i + 1]));

        if (begins_word && s[i - 1] != '_')
            str_add_char(out, ' ');
        str_add_char(out, s[i] == '_' ? ' ' : (char)toupper((unsigned char)s[i]));
    }
}

static const char *find_heading(const struct tmpl_heading *headings, size_t n, const char *field)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(headings[i].field, field) == 0)
            return headings[i].heading;
    return NULL;
}

static const struct tmpl_operand *first_field(const struct tmpl_pipe *pipe)
{
    VEC_FOREACH (command, &pipe->commands) {
        VEC_FOREACH (operand, &command->operands) {
            const struct tmpl_operand *found = operand->fields ? operand : NULL;

            if (!found && operand->pipe)
                found = first_field(operand->pipe);
            if (found)
                return found;
        }
    }
    return NULL;
}

static void add_pipe_heading(const struct tmpl_pipe *pipe, const struct tmpl_heading *headings,
                             size_t n, struct str *out)
{
    const struct tmpl_operand *field = first_field(pipe);
    const struct tmpl_operand *only = &pipe->commands.items[0].operands.items[0];
    auto_free char *path = NULL;
    const char *last, *heading;

    if (pipe->variables)
        return;
    if (!field) { /* {{"\t"}} stands for itself */
        if (json_object_is_type(only->literal, json_type_string))
            str_add(out, json_object_get_string(only->literal));
        return;
    }
    path = strv_join(field->fields, ".");
    last = field->fields[strv_len(field->fields) - 1];
    heading = find_heading(headings, n, path);
    if (!heading)
        heading = find_heading(headings, n, last);
    if (heading)
        str_add(out, heading);
    else
        add_split(out, last);
}

static void add_list_headings(const struct tmpl_list *list, const struct tmpl_heading *headings,
                              size_t n, struct str *out)
{
    VEC_FOREACH (node, list) {
        switch (node->type) {
        case TMPL_TEXT:
            str_add(out, node->text);
            break;
        case TMPL_IF:
            add_list_headings(&node->body, headings, n, out);
            break;
        case TMPL_ACTION:
        case TMPL_WITH:
        case TMPL_RANGE: /* one column, named after what is gone through */
            add_pipe_heading(&node->pipe, headings, n, out);
            break;
        }
    }
}

char *tmpl_header(const struct tmpl *t, const struct tmpl_heading *headings, size_t n)
{
    auto_str out = STR_INIT(1 << 20);

    add_list_headings(&t->root, headings, n, &out);
    return str_take(&out);
}
