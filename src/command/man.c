/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Manual pages in mdoc(7), from the tables. An option's text is its summary, then its prose
 * (docs/options/NAME.md) when there is one: paragraphs, "- " lists, indented examples, `code` and
 * **bold**; nothing else of Markdown is known here.
 */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "command/command.h"

#define MAN_MAX_BYTES (512u << 10)

struct man {
    struct str out;
    man_prose_fn *prose;
    void *arg;
};

/* ---- roff text ---- */

static void add_char(struct str *out, char c)
{
    if (c == '\\')
        str_add(out, "\\e");
    else if (c == '-')
        str_add(out, "\\-");
    else if ((unsigned char)c >= ' ')
        str_add_char(out, c);
}

/* roff wants a new sentence on a new line. */
static bool ends_sentence(const char *p)
{
    return strchr(".?!", *p) && p[1] == ' ' && isupper((unsigned char)p[2]);
}

/* A line of text, guarded where roff would read a request; with markup when it is prose. */
static void add_text_line(struct str *out, const char *text, bool has_markup)
{
    bool is_code = false;
    bool is_bold = false;
    if (*text == '.' || *text == '\'')
        str_add(out, "\\&");
    for (const char *p = text; *p; p++) {
        if (has_markup && *p == '`') {
            str_add(out, is_code ? "\\fR" : "\\fB");
            is_code = !is_code;
        } else if (has_markup && !is_code && p[0] == '*' && p[1] == '*') {
            str_add(out, is_bold ? "\\fR" : "\\fB");
            is_bold = !is_bold;
            p++;
        } else if (ends_sentence(p)) {
            add_char(out, *p);
            str_add_char(out, '\n');
            p++;
        } else {
            add_char(out, *p);
        }
    }
    str_add_char(out, '\n');
}

/* A macro's argument: in quotes, so that blanks stay and short words are not taken for macros. */
static void add_quoted(struct str *out, const char *text)
{
    str_add(out, " \"\\&");
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            str_add(out, "\\(dq");
        else
            add_char(out, *p);
    }
    str_add_char(out, '"');
}

static void add_macro(struct str *out, const char *macro, const char *text)
{
    str_add(out, macro);
    add_quoted(out, text);
    str_add_char(out, '\n');
}

/* ---- prose ---- */

enum prose_block { BLOCK_NONE, BLOCK_PARAGRAPH, BLOCK_LIST };

static void end_block(struct str *out, enum prose_block *block)
{
    if (*block == BLOCK_LIST)
        str_add(out, ".El\n");
    *block = BLOCK_NONE;
}

static void add_prose_line(struct str *out, const char *line, enum prose_block *block)
{
    if (*line == '\0') {
        end_block(out, block);
    } else if (str_starts_with(line, "- ")) {
        if (*block != BLOCK_LIST)
            str_add(out, ".Bl -bullet -compact\n");
        *block = BLOCK_LIST;
        str_add(out, ".It\n");
        add_text_line(out, line + 2, true);
    } else if (str_starts_with(line, "    ")) {
        end_block(out, block);
        add_macro(out, ".Dl", line + 4);
    } else {
        if (*block == BLOCK_NONE) {
            str_add(out, ".Pp\n");
            *block = BLOCK_PARAGRAPH;
        }
        while (isblank((unsigned char)*line))
            line++;
        add_text_line(out, line, true);
    }
}

static void add_prose(struct str *out, const char *text)
{
    auto_strv lines = strv_split(text, '\n');
    enum prose_block block = BLOCK_NONE;
    STRV_FOREACH (line, lines)
        add_prose_line(out, *line, &block);
    end_block(out, &block);
}

/* ---- sections ---- */

static void add_head(struct str *out, const char *title, const char *name, const char *summary)
{
    str_add(out, ".\\\" Generated from the option tables of dhow.\n.Dd $Mdocdate$\n.Dt ");
    for (const char *p = title; *p; p++)
        str_add_char(out, (char)toupper((unsigned char)*p));
    str_addf(out, " 1\n.Os dhow %s\n.Sh NAME\n.Nm %s\n.Nd ", DHOW_VERSION, name);
    add_text_line(out, summary, false);
}

static void add_option_head(struct str *out, const struct option *o)
{
    str_add(out, ".It");
    if (o->letter)
        str_addf(out, " Fl %c ,", o->letter);
    str_addf(out, " Fl \\-%s", o->name);
    for (const char *const *a = o->aliases; a && *a; a++)
        str_addf(out, " , Fl \\-%s", *a);
    if (option_takes_value(o)) {
        str_add(out, " Ar");
        add_quoted(out, option_metavar(o));
    }
    str_add_char(out, '\n');
}

static void add_option(struct man *m, const struct option *o)
{
    add_option_head(&m->out, o);
    auto_free char *line = o->initial ? alloc_printf("%s (default %s).", o->summary, o->initial)
                                      : alloc_printf("%s.", o->summary);
    add_text_line(&m->out, line, false);
    auto_free char *prose = m->prose ? m->prose(m->arg, o->name) : NULL;
    if (prose)
        add_prose(&m->out, prose);
}

static void add_options(struct man *m, const struct command *c)
{
    size_t n;
    auto_free const struct option **options = command_options_sorted(c, &n);
    str_add(&m->out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < n; i++)
        add_option(m, options[i]);
    bool h_is_free = command_option_lettered(c, 'h') == command_option_named(c, "help", 4);
    str_addf(&m->out, ".It %sFl \\-help\nPrint a short help and exit.\n.El\n",
             h_is_free ? "Fl h , " : "");
}

static void add_exit_status(struct str *out, const struct command_set *set)
{
    str_add(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n");
    for (const struct command_exit *x = set->exits; x && x->code; x++) {
        str_addf(out, ".It %s\n", x->code);
        add_text_line(out, x->meaning, false);
    }
    str_add(out, ".El\n");
}

static void add_examples(struct str *out, const char *program, const struct command *c)
{
    if (!c->examples)
        return;
    str_add(out, ".Sh EXAMPLES\n");
    for (const char *const *x = c->examples; *x; x++) {
        auto_free char *line = alloc_printf("$ %s %s", program, *x);
        add_macro(out, ".Dl", line);
    }
}

static void add_synopsis(struct str *out, const char *program, const struct command *c)
{
    str_addf(out, ".Sh SYNOPSIS\n.Nm %s\n", program);
    add_macro(out, ".Cm", c->name);
    str_add(out, ".Op Ar options\n");
    if (c->args && *c->args)
        add_macro(out, ".Ar", c->args);
    for (const char *const *a = c->aliases; a && *a; a++) {
        if (a == c->aliases)
            str_add(out, ".Pp\nAlso\n");
        auto_free char *alias = alloc_printf("%s %s", program, *a);
        add_macro(out, ".Ql", alias);
    }
}

static char *finish(struct man *m)
{
    return str_take(&m->out);
}

char *man_command_text(const struct command_set *set, const struct command *c, man_prose_fn *prose,
                       void *arg)
{
    struct man m = {.out = STR_INIT(MAN_MAX_BYTES), .prose = prose, .arg = arg};
    auto_free char *page = alloc_printf("%s-%s", set->program, c->name);
    for (char *p = page; *p; p++)
        *p = *p == ' ' ? '-' : *p;
    add_head(&m.out, page, page, c->summary);
    add_synopsis(&m.out, set->program, c);
    str_add(&m.out, ".Sh DESCRIPTION\n");
    add_text_line(&m.out, c->description ? c->description : c->summary, false);
    add_options(&m, c);
    add_exit_status(&m.out, set);
    add_examples(&m.out, set->program, c);
    str_addf(&m.out, ".Sh SEE ALSO\n.Xr %s 1\n", set->program);
    return finish(&m);
}

char *man_program_text(const struct command_set *set, man_prose_fn *prose, void *arg)
{
    struct man m = {.out = STR_INIT(MAN_MAX_BYTES), .prose = prose, .arg = arg};
    add_head(&m.out, set->program, set->program, set->root->summary);
    str_add(&m.out, ".Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n.Op Ar argument ...\n");
    str_add(&m.out, ".Sh DESCRIPTION\n");
    add_text_line(&m.out, set->root->description, false);
    str_add(&m.out, ".Sh COMMANDS\n.Bl -tag -width Ds -compact\n");
    for (const struct command *const *c = set->commands; *c; c++) {
        if ((*c)->flags & COMMAND_HIDDEN)
            continue;
        add_macro(&m.out, ".It Cm", (*c)->name);
        add_text_line(&m.out, (*c)->summary, false);
    }
    str_add(&m.out, ".El\n");
    add_options(&m, set->root);
    add_exit_status(&m.out, set);
    str_addf(&m.out, ".Sh SEE ALSO\n%s\n", set->see_also);
    return finish(&m);
}
