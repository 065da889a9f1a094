/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a recursive descent over the bytes; there is no separate lexer, since what a byte means
 * depends only on where the parser stands: in text, or in an action between {{ and }}. Nodes are
 * pushed zeroed and filled in place, so that tmpl_free() can take a tree at any moment: a failed
 * parse frees what it has. Depth is bounded; length is bounded by the caller's argument.
 *
 * As in Go, unknown functions and variables are errors here, not when they are reached.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "base/tmpl_private.h"
#include "base/utf8.h"

struct parser {
    const char *start;
    const char *s; /* the next byte */
    struct err *e;
    bool is_table;
    bool trim_next; /* the last action ended with -}} */
    unsigned depth;
    VEC(const char *) variables; /* names in scope, borrowed from the tree */
};

enum list_end { END_OF_TEXT, END_ACTION, END_ELSE };

static int DHOW_PRINTF(2, 3) fail(struct parser *p, const char *fmt, ...)
{
    auto_str text = STR_INIT(300);
    va_list ap;

    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    return err_set(p->e, ERR_INVALID, "template: %s at byte %zu", str_text(&text),
                   (size_t)(p->s - p->start));
}

static int enter(struct parser *p)
{
    if (++p->depth > TMPL_MAX_DEPTH)
        return fail(p, "nested deeper than %d", TMPL_MAX_DEPTH);
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct parser *p)
{
    while (is_blank(*p->s))
        p->s++;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t word_len(const char *s)
{
    size_t n = 0;

    if (isdigit((unsigned char)*s))
        return 0;
    while (is_word(s[n]))
        n++;
    return n;
}

/* "}}" and " -}}" end an action. */
static bool at_close(const struct parser *p)
{
    return str_starts_with(p->s, "}}") ||
           (p->s > p->start && is_blank(p->s[-1]) && str_starts_with(p->s, "-}}"));
}

static int close_action(struct parser *p)
{
    skip_blanks(p);
    if (!*p->s)
        return fail(p, "unclosed action");
    if (!at_close(p))
        return fail(p, "unexpected '%.1s' in an action", p->s);
    p->trim_next = *p->s == '-';
    p->s += p->trim_next ? 3 : 2;
    return 0;
}

/* Literals */

static int hex_escape(struct parser *p, size_t digits, uint32_t *ret)
{
    uint32_t n = 0;

    for (size_t i = 0; i < digits; i++, p->s++) {
        if (!isxdigit((unsigned char)*p->s))
            return fail(p, "bad escape in a string");
        n = n * 16 +
            (uint32_t)(isdigit((unsigned char)*p->s) ? *p->s - '0' : (*p->s | 0x20) - 'a' + 10);
    }
    *ret = n;
    return 0;
}

static int add_rune(struct parser *p, uint32_t rune, struct str *out)
{
    char bytes[4];
    size_t n = utf8_put(rune, bytes);

    str_add_bytes(out, bytes, n);
    return n > 0 ? 0 : fail(p, "bad escape in a string");
}

/* Behind a backslash. */
static int parse_escape(struct parser *p, struct str *out)
{
    static const char from[] = "ntrabfv\\\"'", to[] = "\n\t\r\a\b\f\v\\\"'";
    char c = *p->s;
    const char *found = c ? strchr(from, c) : NULL;
    uint32_t rune;

    if (found) {
        p->s++;
        str_add_char(out, to[found - from]);
        return 0;
    }
    if (c != 'x' && c != 'u' && c != 'U')
        return fail(p, "bad escape in a string");
    p->s++;
    if (hex_escape(p, c == 'x' ? 2 : c == 'u' ? 4 : 8, &rune) < 0)
        return -1;
    if (c != 'x')
        return add_rune(p, rune, out);
    str_add_char(out, (char)rune);
    return 0;
}

static int parse_quoted(struct parser *p, char quote, struct str *out)
{
    p->s++;
    while (*p->s && *p->s != quote && (*p->s != '\n' || quote == '`')) {
        if (*p->s == '\\' && quote != '`') {
            p->s++;
            if (parse_escape(p, out) < 0)
                return -1;
        } else {
            str_add_char(out, *p->s++);
        }
    }
    if (*p->s != quote)
        return fail(p, "unterminated string");
    p->s++;
    return 0;
}

static int parse_string(struct parser *p, struct json_object **ret)
{
    auto_str text = STR_INIT(strlen(p->s));
    char quote = *p->s;
    uint32_t rune;

    if (parse_quoted(p, quote, &text) < 0)
        return -1;
    if (quote != '\'') {
        *ret = json_object_new_string_len(str_text(&text), (int)text.len);
        return 0;
    }
    if (text.len == 0 || utf8_next(str_text(&text), text.len, &rune) != text.len)
        return fail(p, "malformed character constant");
    *ret = json_object_new_int64(rune);
    return 0;
}

static int parse_number(struct parser *p, struct json_object **ret)
{
    const char *s = p->s;
    size_t n = strchr("+-", *s) ? 1 : 0;
    auto_free char *text = NULL;
    char *end;
    long long integer;
    double real;

    while (isalnum((unsigned char)s[n]) || s[n] == '.' || s[n] == '_' ||
           (strchr("+-", s[n]) && s[n] && strchr("eEpP", s[n - 1]) && n > 1))
        n++;
    text = alloc_strndup(s, n);
    errno = 0;
    integer = strtoll(text, &end, 0);
    if (!*end && errno == 0) {
        p->s += n;
        *ret = json_object_new_int64(integer);
        return 0;
    }
    real = strtod(text, &end);
    if (*end || !isfinite(real))
        return fail(p, "bad number '%.32s'", text);
    p->s += n;
    *ret = json_object_new_double(real);
    return 0;
}

/* Operands, commands, pipes */

static int parse_pipe(struct parser *p, size_t max_variables, struct tmpl_pipe *ret);

static int parse_parentheses(struct parser *p, struct tmpl_operand *ret)
{
    ret->type = TMPL_PIPE;
    ret->pipe = alloc_new(struct tmpl_pipe);
    p->s++;
    if (enter(p) < 0 || parse_pipe(p, 0, ret->pipe) < 0)
        return -1;
    p->depth--;
    if (*p->s != ')')
        return fail(p, "unclosed parenthesis");
    p->s++;
    return 0;
}

static int parse_variable(struct parser *p, struct tmpl_operand *ret)
{
    size_t n = word_len(p->s + 1);

    ret->type = TMPL_VARIABLE;
    ret->name = alloc_strndup(p->s + 1, n);
    for (size_t i = 0; n > 0; i++) {
        if (i == p->variables.len)
            return fail(p, "undefined variable '$%.64s'", ret->name);
        if (strcmp(p->variables.items[i], ret->name) == 0)
            break;
    }
    p->s += n + 1;
    return 0;
}

static int parse_word(struct parser *p, struct tmpl_operand *ret)
{
    size_t n = word_len(p->s);
    auto_free char *word = alloc_strndup(p->s, n);
    bool is_true = str_equal(word, "true");

    ret->type = TMPL_LITERAL;
    if (is_true || str_equal(word, "false")) {
        ret->literal = json_object_new_boolean(is_true);
    } else if (!str_equal(word, "nil")) {
        if (!tmpl_function_find(p->s, n))
            return fail(p, "function '%.64s' not defined", word);
        ret->type = TMPL_FUNCTION;
        ret->name = take_ptr(&word);
    }
    p->s += n;
    return 0;
}

static int parse_fields(struct parser *p, struct tmpl_operand *ret)
{
    while (*p->s == '.') {
        size_t n = word_len(p->s + 1);

        if (n == 0)
            return fail(p, "expected a field after '.'");
        if (ret->type == TMPL_LITERAL || ret->type == TMPL_FUNCTION)
            return fail(p, "unexpected '.' behind a constant or function");
        strv_take(&ret->fields, alloc_strndup(p->s + 1, n));
        p->s += n + 1;
    }
    return 0;
}

static int parse_operand_start(struct parser *p, struct tmpl_operand *ret)
{
    char c = *p->s, next = c ? p->s[1] : 0;

    if (isdigit((unsigned char)c) ||
        (c && strchr("+-.", c) && (isdigit((unsigned char)next) || (c != '.' && next == '.')))) {
        ret->type = TMPL_LITERAL;
        return parse_number(p, &ret->literal);
    }
    if (c && strchr("\"`'", c)) {
        ret->type = TMPL_LITERAL;
        return parse_string(p, &ret->literal);
    }
    if (c == '.') {
        ret->type = TMPL_DOT;
        if (word_len(p->s + 1) > 0)
            return 0; /* a field's own dot is read with it */
        p->s++;
        return *p->s == '.' ? fail(p, "unexpected '.' in an action") : 0;
    }
    if (c == '$')
        return parse_variable(p, ret);
    if (c == '(')
        return parse_parentheses(p, ret);
    if (is_word(c))
        return parse_word(p, ret);
    return c ? fail(p, "unexpected '%.1s' in an action", p->s) : fail(p, "unclosed action");
}

static int parse_command(struct parser *p, struct tmpl_command *ret)
{
    for (;;) {
        skip_blanks(p);
        if (!*p->s)
            return fail(p, "unclosed action");
        if (at_close(p) || *p->s == '|' || *p->s == ')')
            break;
        vec_push(&ret->operands, (struct tmpl_operand){0});
        if (parse_operand_start(p, &ret->operands.items[ret->operands.len - 1]) < 0 ||
            parse_fields(p, &ret->operands.items[ret->operands.len - 1]) < 0)
            return -1;
        if (*p->s && !is_blank(*p->s) && !at_close(p) && !strchr("|)", *p->s))
            return fail(p, "unexpected '%.1s' in an action", p->s);
    }
    return ret->operands.len > 0 ? 0 : fail(p, "missing value for a command");
}

/* "$v :=", "$v =", "$i, $v :=" in front of a pipe; when it is none of these, nothing is read. */
static int parse_declaration(struct parser *p, size_t max_variables, struct tmpl_pipe *ret)
{
    const char *s = p->s;
    auto_strv names = NULL;

    for (;;) {
        size_t n = *s == '$' ? word_len(s + 1) : 0;

        if (n == 0)
            return 0;
        strv_take(&names, alloc_strndup(s + 1, n));
        s += n + 1;
        s += strspn(s, " \t\r\n");
        if (*s != ',')
            break;
        s++;
        s += strspn(s, " \t\r\n");
    }
    ret->is_assignment = *s == '=';
    if (*s != '=' && !str_starts_with(s, ":="))
        return 0;
    if (strv_len(names) > max_variables)
        return fail(p, "too many variables");
    p->s = s + (ret->is_assignment ? 1 : 2);
    ret->variables = take_ptr(&names);
    return 0;
}

static int check_assigned(struct parser *p, const char *name)
{
    for (size_t i = 0; i < p->variables.len; i++)
        if (strcmp(p->variables.items[i], name) == 0)
            return 0;
    return fail(p, "undefined variable '$%.64s'", name);
}

static int parse_pipe(struct parser *p, size_t max_variables, struct tmpl_pipe *ret)
{
    skip_blanks(p);
    if (parse_declaration(p, max_variables, ret) < 0)
        return -1;
    for (;;) {
        struct tmpl_command *command;

        vec_push(&ret->commands, (struct tmpl_command){0});
        if (parse_command(p, &ret->commands.items[ret->commands.len - 1]) < 0)
            return -1;
        command = &ret->commands.items[ret->commands.len - 1];
        if (ret->commands.len > 1 && command->operands.items[0].type != TMPL_FUNCTION)
            return fail(p, "what stands behind '|' must be a function");
        if (*p->s != '|')
            break;
        p->s++;
    }
    STRV_FOREACH (name, ret->variables) {
        if (ret->is_assignment && check_assigned(p, *name) < 0)
            return -1;
        if (!ret->is_assignment)
            vec_push(&p->variables, (const char *)*name);
    }
    return 0;
}

/* Text and actions */

/* Takes the text before the next action (or the end), expands and trims it. */
static void parse_text(struct parser *p, struct tmpl_list *list)
{
    const char *end = strstr(p->s, "{{");
    size_t n = end ? (size_t)(end - p->s) : strlen(p->s);
    bool trims_end = end && end[2] == '-' && is_blank(end[3]);
    auto_str text = STR_INIT(n);
    size_t from = 0;

    for (size_t i = 0; i < n; i++) {
        char c = p->s[i];

        if (c == '\\' && i + 1 < n && (p->s[i + 1] == 't' || p->s[i + 1] == 'n'))
            c = p->s[++i] == 't' ? '\t' : '\n';
        else if (c == ' ' && p->is_table)
            c = '\t';
        str_add_char(&text, c);
    }
    while (trims_end && text.len > 0 && is_blank(text.s[text.len - 1]))
        str_truncate(&text, text.len - 1);
    while (p->trim_next && from < text.len && is_blank(text.s[from]))
        from++;
    p->s += n;
    p->trim_next = false;
    if (from < text.len)
        vec_push(list,
                 ((struct tmpl_node){.type = TMPL_TEXT, .text = alloc_strdup(text.s + from)}));
}

static int skip_comment(struct parser *p)
{
    const char *end = strstr(p->s + 2, "*/");

    if (!end)
        return fail(p, "unclosed comment");
    p->s = end + 2;
    return close_action(p);
}

static bool take_keyword(struct parser *p, const char *word)
{
    size_t n = strlen(word);

    if (word_len(p->s) != n || strncmp(p->s, word, n) != 0)
        return false;
    p->s += n;
    return true;
}

static int parse_list(struct parser *p, struct tmpl_list *list, enum list_end *ret);

/* Behind its keyword, up to its {{end}}. */
static int parse_control(struct parser *p, enum tmpl_node_type type, struct tmpl_list *list)
{
    size_t mark = p->variables.len, i = list->len;
    enum list_end end;
    struct tmpl_node *node;

    vec_push(list, (struct tmpl_node){.type = type});
    node = &list->items[i]; /* stays: only the node's own lists grow until its end */
    if (enter(p) < 0 || parse_pipe(p, type == TMPL_RANGE ? 2 : 1, &node->pipe) < 0 ||
        close_action(p) < 0 || parse_list(p, &node->body, &end) < 0)
        return -1;
    if (end == END_ELSE) {
        skip_blanks(p);
        if (type != TMPL_RANGE && take_keyword(p, "if")) {
            if (parse_control(p, TMPL_IF, &node->otherwise) < 0)
                return -1;
            end = END_ACTION;
        } else if (type == TMPL_WITH && take_keyword(p, "with")) {
            if (parse_control(p, TMPL_WITH, &node->otherwise) < 0)
                return -1;
            end = END_ACTION;
        } else if (close_action(p) < 0 || parse_list(p, &node->otherwise, &end) < 0) {
            return -1;
        }
    }
    if (end != END_ACTION)
        return fail(p, end == END_ELSE ? "a second else" : "missing {{end}}");
    p->depth--;
    p->variables.len = mark;
    return 0;
}

static int parse_action(struct parser *p, struct tmpl_list *list)
{
    static const struct {
        const char *word;
        enum tmpl_node_type type;
    } controls[] = {{"if", TMPL_IF}, {"with", TMPL_WITH}, {"range", TMPL_RANGE}};
    static const char *const unsupported[] = {"block",  "break",    "continue",
                                              "define", "template", NULL};

    for (size_t i = 0; i < ARRAY_LEN(controls); i++)
        if (take_keyword(p, controls[i].word))
            return parse_control(p, controls[i].type, list);
    for (size_t i = 0; unsupported[i]; i++)
        if (take_keyword(p, unsupported[i]))
            return err_set(p->e, ERR_UNSUPPORTED, "template: '%s' is not supported",
                           unsupported[i]);
    vec_push(list, (struct tmpl_node){.type = TMPL_ACTION});
    if (parse_pipe(p, 1, &list->items[list->len - 1].pipe) < 0)
        return -1;
    return close_action(p);
}

static int parse_list(struct parser *p, struct tmpl_list *list, enum list_end *ret)
{
    size_t mark = p->variables.len;

    for (;;) {
        parse_text(p, list);
        if (!*p->s) {
            *ret = END_OF_TEXT;
            break;
        }
        p->s += 2;
        if (*p->s == '-' && is_blank(p->s[1]))
            p->s++;
        skip_blanks(p);
        if (str_starts_with(p->s, "/*")) {
            if (skip_comment(p) < 0)
                return -1;
        } else if (take_keyword(p, "end")) {
            *ret = END_ACTION;
            if (close_action(p) < 0)
                return -1;
            break;
        } else if (take_keyword(p, "else")) {
            *ret = END_ELSE;
            break;
        } else if (parse_action(p, list) < 0) {
            return -1;
        }
    }
    p->variables.len = mark;
    return 0;
}

struct tmpl *tmpl_parse(const char *text, struct err *e)
{
    struct tmpl *t = alloc_new(struct tmpl);
    struct parser p = {.start = text, .s = text, .e = e};
    enum list_end end = END_OF_TEXT;
    int result;

    t->is_table = p.is_table = str_starts_with(text, "table ");
    if (t->is_table)
        p.s += strlen("table ");
    result = parse_list(&p, &t->root, &end);
    if (result == 0 && end != END_OF_TEXT)
        result = fail(&p, "unexpected {{%s}}", end == END_ELSE ? "else" : "end");
    vec_done(&p.variables);
    if (result == 0)
        return t;
    tmpl_free(t);
    return NULL;
}
