/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a walk over the tree with a dot, a stack of variables, and a pool of the values that
 * functions made (tmpl_private.h says who owns what). A run is bounded in steps, in bytes that its
 * functions make and in its output: a template may come from a client of the service.
 *
 * Fields: the key itself, else the one key that is equal but for case ("ID" finds "Id"): podman's
 * templates name Go fields, the values here are what `inspect` prints. A missing one is an error.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "base/tmpl_private.h"

#define MAX_ARGS  32
#define MAX_STEPS (1 << 22)
#define MAX_BYTES (64 << 20)

int tmpl_fail(struct tmpl_run *run, const char *fmt, ...)
{
    auto_str text = STR_INIT(4096);
    va_list ap;

    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    return err_set(run->e, ERR_INVALID, "template: %s", str_text(&text));
}

static int too_much(struct tmpl_run *run, const char *what)
{
    return err_set(run->e, ERR_LIMIT, "template: %s", what);
}

int tmpl_keep(struct tmpl_run *run, struct json_object *o, struct json_object **ret)
{
    vec_push(&run->pool, o);
    *ret = o;
    return 0;
}

struct str tmpl_buffer(const struct tmpl_run *run)
{
    return STR_INIT(run->bytes_left);
}

int tmpl_keep_text(struct tmpl_run *run, const struct str *text, struct json_object **ret)
{
    if (text->too_big || text->len + 64 > run->bytes_left)
        return too_much(run, "it makes more than 64 MiB");
    run->bytes_left -= text->len + 64; /* an empty string costs, too */
    return tmpl_keep(run, json_object_new_string_len(str_text(text), (int)text->len), ret);
}

static void release_pool(struct tmpl_run *run, size_t mark)
{
    while (run->pool.len > mark)
        json_object_put(run->pool.items[--run->pool.len]);
}

static int step(struct tmpl_run *run)
{
    if (run->steps_left-- > 0)
        return 0;
    run->steps_left = 0;
    return too_much(run, "it takes too many steps");
}

/* Variables */

static void push_variable(struct tmpl_run *run, const char *name, struct json_object *value)
{
    vec_push(&run->variables, ((struct tmpl_variable){name, json_object_get(value)}));
}

static void pop_variables(struct tmpl_run *run, size_t mark)
{
    while (run->variables.len > mark)
        json_object_put(run->variables.items[--run->variables.len].value);
}

/* The parser has seen that it exists. */
static struct tmpl_variable *find_variable(struct tmpl_run *run, const char *name)
{
    size_t i = run->variables.len;

    while (i > 1 && strcmp(run->variables.items[i - 1].name, name) != 0)
        i--;
    return &run->variables.items[i - 1];
}

static void set_variable(struct tmpl_run *run, const struct tmpl_pipe *pipe, const char *name,
                         struct json_object *value)
{
    struct tmpl_variable *v;

    if (!pipe->is_assignment) {
        push_variable(run, name, value);
        return;
    }
    v = find_variable(run, name);
    json_object_get(value);
    json_object_put(v->value);
    v->value = value;
}

/* Operands */

static int get_field(struct tmpl_run *run, struct json_object *o, const char *name,
                     struct json_object **ret)
{
    if (!json_object_is_type(o, json_type_object))
        return tmpl_fail(run, "can't evaluate field %.64s in %s", name, tmpl_type_name(o));
    if (json_object_object_get_ex(o, name, ret))
        return 0;
    json_object_object_foreach(o, key, value)
    {
        if (strcasecmp(key, name) == 0) {
            *ret = value;
            return 0;
        }
    }
    return tmpl_fail(run, "can't evaluate field %.64s", name);
}

static int eval_pipe(struct tmpl_run *run, const struct tmpl_pipe *pipe, struct json_object *dot,
                     struct json_object **ret);

static int eval_operand(struct tmpl_run *run, const struct tmpl_operand *operand,
                        struct json_object *dot, struct json_object **ret)
{
    struct json_object *o = NULL;
    struct tmpl_call call = {.run = run, .name = operand->name};

    switch (operand->type) {
    case TMPL_DOT:
        o = dot;
        break;
    case TMPL_VARIABLE:
        o = find_variable(run, operand->name)->value;
        break;
    case TMPL_LITERAL:
        o = operand->literal;
        break;
    case TMPL_PIPE:
        if (eval_pipe(run, operand->pipe, dot, &o) < 0)
            return -1;
        break;
    case TMPL_FUNCTION: { /* as an argument: called without any of its own */
        const struct tmpl_function *f = tmpl_function_find(operand->name, strlen(operand->name));

        if (f->min_args > 0 || !f->call)
            return tmpl_fail(run, "wrong number of args for %s: got 0", operand->name);
        if (f->call(&call, &o) < 0)
            return -1;
        break;
    }
    }
    STRV_FOREACH (field, operand->fields)
        if (get_field(run, o, *field, &o) < 0)
            return -1;
    *ret = o;
    return 0;
}

/* and, or: the first argument that decides is the result; the rest is not evaluated. */
static int eval_logic(struct tmpl_run *run, const struct tmpl_command *command,
                      struct json_object *dot, struct json_object **final, struct json_object **ret)
{
    bool stops_at = str_equal(command->operands.items[0].name, "or");
    struct json_object *o = NULL;

    if (command->operands.len == 1 && !final)
        return tmpl_fail(run, "wrong number of args for %s: got 0",
                         command->operands.items[0].name);
    for (size_t i = 1; i < command->operands.len; i++) {
        if (eval_operand(run, &command->operands.items[i], dot, &o) < 0)
            return -1;
        *ret = o;
        if (tmpl_is_true(o) == stops_at)
            return 0;
    }
    if (final)
        *ret = *final;
    return 0;
}

/* `final` is what came through the pipe, or NULL when this command is the first. */
static int eval_function(struct tmpl_run *run, const struct tmpl_command *command,
                         struct json_object *dot, struct json_object **final,
                         struct json_object **ret)
{
    const char *name = command->operands.items[0].name;
    const struct tmpl_function *f = tmpl_function_find(name, strlen(name));
    struct json_object *args[MAX_ARGS];
    struct tmpl_call call = {.run = run, .name = name, .args = args};

    if (!f->call)
        return eval_logic(run, command, dot, final, ret);
    call.n = command->operands.len - 1 + (final != NULL);
    if (call.n < f->min_args || call.n > f->max_args || call.n > MAX_ARGS)
        return tmpl_fail(run, "wrong number of args for %s: got %zu", name, call.n);
    for (size_t i = 1; i < command->operands.len; i++)
        if (eval_operand(run, &command->operands.items[i], dot, &args[i - 1]) < 0)
            return -1;
    if (final)
        args[call.n - 1] = *final;
    return f->call(&call, ret);
}

static int eval_command(struct tmpl_run *run, const struct tmpl_command *command,
                        struct json_object *dot, struct json_object **final,
                        struct json_object **ret)
{
    const struct tmpl_operand *first = &command->operands.items[0];

    if (step(run) < 0)
        return -1;
    if (first->type == TMPL_FUNCTION)
        return eval_function(run, command, dot, final, ret);
    if (command->operands.len > 1)
        return tmpl_fail(run, "can't give an argument to what is no function");
    if (first->type == TMPL_LITERAL && !first->literal)
        return tmpl_fail(run, "nil is not a command");
    return eval_operand(run, first, dot, ret);
}

static int eval_pipe(struct tmpl_run *run, const struct tmpl_pipe *pipe, struct json_object *dot,
                     struct json_object **ret)
{
    struct json_object *o = NULL;

    for (size_t i = 0; i < pipe->commands.len; i++) {
        struct json_object *final = o;

        if (eval_command(run, &pipe->commands.items[i], dot, i > 0 ? &final : NULL, &o) < 0)
            return -1;
    }
    STRV_FOREACH (name, pipe->variables)
        set_variable(run, pipe, *name, o);
    *ret = o;
    return 0;
}

/* Nodes */

static int eval_list(struct tmpl_run *run, const struct tmpl_list *list, struct json_object *dot);

static int range_round(struct tmpl_run *run, const struct tmpl_node *node,
                       struct json_object *index, struct json_object *element)
{
    char **names = node->pipe.variables;
    size_t mark = run->variables.len;
    int result;

    if (step(run) < 0)
        return -1;
    if (strv_len(names) == 2)
        set_variable(run, &node->pipe, names[0], index);
    if (names)
        set_variable(run, &node->pipe, names[strv_len(names) - 1], element);
    result = eval_list(run, &node->body, element);
    pop_variables(run, mark);
    return result;
}

static int range_array(struct tmpl_run *run, const struct tmpl_node *node, struct json_object *o)
{
    size_t n = json_object_array_length(o);

    for (size_t i = 0; i < n; i++) {
        auto_json *index = json_object_new_int64((int64_t)i);

        if (range_round(run, node, index, json_object_array_get_idx(o, i)) < 0)
            return -1;
    }
    return 0;
}

static int range_object(struct tmpl_run *run, const struct tmpl_node *node, struct json_object *o)
{
    size_t n;
    auto_free const char **keys = tmpl_sorted_keys(o, &n);

    for (size_t i = 0; i < n; i++) {
        auto_json *key = json_object_new_string(keys[i]);

        if (range_round(run, node, key, json_object_object_get(o, keys[i])) < 0)
            return -1;
    }
    return 0;
}

/* The body may give another value to the variable that held what it goes through: both keep a
 * reference. */

static int eval_range(struct tmpl_run *run, const struct tmpl_node *node, struct json_object *dot)
{
    auto_json *held = NULL;
    struct json_object *o;

    if (eval_pipe(run, &node->pipe, dot, &o) < 0)
        return -1;
    held = json_object_get(o);
    if (o && !json_object_is_type(o, json_type_array) && !json_object_is_type(o, json_type_object))
        return tmpl_fail(run, "range can't iterate over %s", tmpl_type_name(o));
    if (!tmpl_is_true(o))
        return eval_list(run, &node->otherwise, dot);
    return json_object_is_type(o, json_type_array) ? range_array(run, node, o)
                                                   : range_object(run, node, o);
}

static int eval_condition(struct tmpl_run *run, const struct tmpl_node *node,
                          struct json_object *dot)
{
    auto_json *held = NULL;
    struct json_object *o;

    if (eval_pipe(run, &node->pipe, dot, &o) < 0)
        return -1;
    held = json_object_get(o);
    if (!tmpl_is_true(o))
        return eval_list(run, &node->otherwise, dot);
    return eval_list(run, &node->body, node->type == TMPL_WITH ? o : dot);
}

static int eval_node(struct tmpl_run *run, const struct tmpl_node *node, struct json_object *dot)
{
    struct json_object *o;
    size_t mark = run->variables.len;
    int result = 0;

    switch (node->type) {
    case TMPL_TEXT:
        str_add(&run->out, node->text);
        break;
    case TMPL_ACTION: /* its variable lives on to the end of the list */
        if (eval_pipe(run, &node->pipe, dot, &o) < 0)
            return -1;
        if (!node->pipe.variables)
            tmpl_add_value(&run->out, o);
        break;
    case TMPL_IF:
    case TMPL_WITH:
        result = eval_condition(run, node, dot);
        pop_variables(run, mark);
        break;
    case TMPL_RANGE:
        result = eval_range(run, node, dot);
        pop_variables(run, mark);
        break;
    }
    if (run->out.too_big)
        return too_much(run, "its output is larger than 64 MiB");
    return result;
}

static int eval_list(struct tmpl_run *run, const struct tmpl_list *list, struct json_object *dot)
{
    size_t variables = run->variables.len;
    int result = 0;

    for (size_t i = 0; i < list->len && result == 0; i++) {
        size_t pool = run->pool.len;

        result = eval_node(run, &list->items[i], dot);
        release_pool(run, pool);
    }
    pop_variables(run, variables);
    return result;
}

char *tmpl_run(const struct tmpl *t, struct json_object *value, struct err *e)
{
    struct tmpl_run run = {.out = STR_INIT(MAX_BYTES),
                           .e = e,
                           .steps_left = MAX_STEPS,
                           .bytes_left = MAX_BYTES};
    char *text = NULL;

    push_variable(&run, "", value); /* "$" */
    if (eval_list(&run, &t->root, value) == 0)
        text = str_take(&run.out);
    pop_variables(&run, 0);
    release_pool(&run, 0);
    vec_done(&run.variables);
    vec_done(&run.pool);
    str_done(&run.out);
    return text;
}
