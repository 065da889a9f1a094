/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The tree of a template and the state of one run; shared by tmpl*.c only.
 *
 * Values are json objects, NULL is nil. While a template runs nobody counts references by hand: a
 * value is borrowed from the input, or was made by a function and put into the run's pool
 * (tmpl_keep), which an action empties when it ends. Variables hold references of their own.
 */
#include "base/json.h"
#include "base/str.h"
#include "base/tmpl.h"
#include "base/vec.h"

#define TMPL_MAX_DEPTH 64 /* of nested actions and parentheses */

enum tmpl_operand_type {
    TMPL_DOT,
    TMPL_VARIABLE, /* `name` without its '$' */
    TMPL_LITERAL,
    TMPL_FUNCTION,
    TMPL_PIPE, /* in parentheses */
};

struct tmpl_pipe;
struct tmpl_operand {
    enum tmpl_operand_type type;
    char *name;
    struct json_object *literal;
    struct tmpl_pipe *pipe;
    char **fields; /* .A.B behind it */
};
struct tmpl_command {
    VEC(struct tmpl_operand) operands; /* at least one */
};
struct tmpl_pipe {
    char **variables; /* at most 2 */
    bool is_assignment;
    VEC(struct tmpl_command) commands; /* at least one */
};

enum tmpl_node_type { TMPL_TEXT, TMPL_ACTION, TMPL_IF, TMPL_WITH, TMPL_RANGE };

struct tmpl_node;
struct tmpl_list {
    struct tmpl_node *items;
    size_t len;
    size_t cap;
};
struct tmpl_node {
    enum tmpl_node_type type;
    char *text;
    struct tmpl_pipe pipe;
    struct tmpl_list body;
    struct tmpl_list otherwise;
};
struct tmpl {
    bool is_table;
    struct tmpl_list root;
};

struct tmpl_variable {
    const char *name;
    struct json_object *value; /* referenced */
};
struct tmpl_run {
    struct str out;
    struct err *e;
    VEC(struct tmpl_variable) variables;
    VEC(struct json_object *) pool; /* referenced */
    size_t steps_left;
    size_t bytes_left; /* that functions may still make */
};

struct tmpl_call {
    struct tmpl_run *run;
    const char *name;
    struct json_object **args; /* borrowed */
    size_t n;
};
struct tmpl_function {
    const char *name;
    size_t min_args;
    size_t max_args;
    int (*call)(const struct tmpl_call *c, struct json_object **ret); /* NULL: and, or */
};

const struct tmpl_function *tmpl_function_find(const char *name, size_t len);
int tmpl_fail(struct tmpl_run *run, const char *fmt, ...) DHOW_PRINTF(2, 3);
int tmpl_keep(struct tmpl_run *run, struct json_object *o, struct json_object **ret);
/* A new string value of the run; fails when the run has made too much. */
int tmpl_keep_text(struct tmpl_run *run, const struct str *text, struct json_object **ret);
struct str tmpl_buffer(const struct tmpl_run *run); /* empty; bounded by what the run may make */
bool tmpl_is_true(struct json_object *o);
const char *tmpl_type_name(struct json_object *o);
/* As Go's %v; at the top nil is "<no value>", inside "<nil>". */
void tmpl_add_value(struct str *out, struct json_object *o);
/* The keys in order; the vector is owned, the keys are borrowed. */
const char **tmpl_sorted_keys(struct json_object *o, size_t *ret_n);
int tmpl_printf(const struct tmpl_call *c, struct json_object **ret);
