/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for zsh: one function of _arguments specifications a command.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "command/command.h"

#define COMPLETE_MAX_BYTES (1u << 20)

/* Text inside '...[TEXT]:TEXT:...': the quote, the bracket and the colon are special. */
static void add_escaped(struct str *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'') {
            str_add(out, "'\\''");
            continue;
        }
        if (strchr("[]:\\", *p))
            str_add_char(out, '\\');
        str_add_char(out, *p);
    }
}

static void add_action(struct str *out, enum option_complete complete, const char *words)
{
    static const char *const actions[] = {
        [COMPLETE_NONE] = " ",
        [COMPLETE_FILE] = "_files",
        [COMPLETE_DIR] = "_files -/",
        [COMPLETE_CONTAINER] = "__dhow_objects containers",
        [COMPLETE_CONTAINER_RUNNING] = "__dhow_objects running",
        [COMPLETE_IMAGE] = "__dhow_objects images",
        [COMPLETE_WORDS] = NULL,
    };
    if (complete == COMPLETE_WORDS && words)
        str_addf(out, "(%s)", words);
    else if (actions[complete])
        str_add(out, actions[complete]);
}

static void add_specification(struct str *out, const struct option *o, const char *dashed,
                              const char *joint)
{
    bool may_repeat = o->kind == OPT_STRV || o->kind == OPT_STRV_COMMAS;
    str_addf(out, "        '%s%s%s[", may_repeat ? "*" : "", dashed, joint);
    add_escaped(out, o->summary);
    str_add_char(out, ']');
    if (option_takes_value(o)) {
        str_add_char(out, ':');
        add_escaped(out, option_metavar(o));
        str_add_char(out, ':');
        add_action(out, o->complete, o->words);
    }
    str_add(out, "' \\\n");
}

static void add_options(struct str *out, const struct command *c)
{
    size_t n;
    auto_free const struct option **options = command_options_sorted(c, &n);
    for (size_t i = 0; i < n; i++) {
        const struct option *o = options[i];
        auto_free char *dashed = alloc_printf("--%s", o->name);
        add_specification(out, o, dashed, option_takes_value(o) ? "=" : "");
        char letter[3] = {'-', o->letter, '\0'};
        if (o->letter)
            add_specification(out, o, letter, option_takes_value(o) ? "+" : "");
    }
    str_add(out, "        '--help[Print a short help]' \\\n");
}

static void add_function_name(struct str *out, const char *command)
{
    str_add(out, "_dhow_command_");
    for (const char *p = command; *p; p++)
        str_add_char(out, *p == ' ' || *p == '-' ? '_' : *p);
}

static void add_command_function(struct str *out, const struct command *c)
{
    add_function_name(out, c->name);
    str_add(out, "()\n{\n    _arguments -s -S : \\\n");
    add_options(out, c);
    bool stops = c->flags & COMMAND_STOP_AT_ARG;
    if (c->max_args == 0) {
        str_add(out, "        && return\n}\n\n");
        return;
    }
    str_add(out, stops ? "        '1:" : "        '*:");
    add_escaped(out, c->args);
    str_add_char(out, ':');
    add_action(out, c->complete_args, NULL);
    str_add(out, stops ? "' \\\n        '*::command: _files'\n}\n\n" : "'\n}\n\n");
}

static void add_described(struct str *out, const char *word, const char *summary)
{
    str_addf(out, "        '%s:", word);
    add_escaped(out, summary);
    str_add(out, "'\n");
}

static void add_command_list(struct str *out, const struct command_set *set, const char *prefix)
{
    size_t len = strlen(prefix);
    for (const struct command *const *c = set->commands; *c; c++) {
        if ((*c)->flags & COMMAND_HIDDEN)
            continue;
        if (str_starts_with((*c)->name, prefix) && !strchr((*c)->name + len, ' '))
            add_described(out, (*c)->name + len, (*c)->summary);
        for (const char *const *a = (*c)->aliases; a && *a; a++) {
            if (str_starts_with(*a, prefix) && !strchr(*a + len, ' '))
                add_described(out, *a + len, (*c)->summary);
        }
    }
}

static void add_lists(struct str *out, const struct command_set *set)
{
    str_add(out, "__dhow_list()\n{\n    local -a commands\n    case \"$1\" in\n    '')\n"
                 "        commands=(\n");
    add_command_list(out, set, "");
    for (const struct command_word *g = set->groups; g->name; g++)
        add_described(out, g->name, g->summary);
    str_add(out, "        );;\n");
    for (const struct command_word *g = set->groups; g->name; g++) {
        auto_free char *prefix = alloc_printf("%s ", g->name);
        str_addf(out, "    %s)\n        commands=(\n", g->name);
        add_command_list(out, set, prefix);
        str_add(out, "        );;\n");
    }
    str_add(out, "    esac\n    _describe -t commands command commands\n}\n\n");
}

static void add_dispatch(struct str *out, const struct command_set *set)
{
    str_add(out, "__dhow_dispatch()\n{\n    case \"$1\" in\n");
    for (const struct command *const *c = set->commands; *c; c++) {
        str_addf(out, "    '%s'", (*c)->name);
        for (const char *const *a = (*c)->aliases; a && *a; a++)
            str_addf(out, "|'%s'", *a);
        str_add(out, ") ");
        add_function_name(out, (*c)->name);
        str_add(out, ";;\n");
    }
    str_add(out, "    esac\n}\n\n");
}

/* A group's name takes the next word. */
static void add_group_case(struct str *out, const struct command_set *set)
{
    if (!set->groups->name)
        return;
    str_add(out, "        case $name in\n        ");
    for (const struct command_word *g = set->groups; g->name; g++)
        str_addf(out, "%s%s", g == set->groups ? "" : "|", g->name);
    str_add(out, ")\n            if (( CURRENT == 2 )); then\n"
                 "                __dhow_list $name\n                return\n            fi\n"
                 "            name=\"$name $words[2]\"\n            shift words\n"
                 "            (( CURRENT-- ));;\n        esac\n");
}

static void add_main(struct str *out, const struct command_set *set)
{
    str_add(out, "_dhow()\n{\n    local curcontext=\"$curcontext\" state line\n"
                 "    _arguments -C -S : \\\n");
    add_options(out, set->root);
    str_add(out, "        '1: :->command' \\\n        '*:: :->rest' && return\n"
                 "    case $state in\n    command) __dhow_list '';;\n    rest)\n"
                 "        local name=$line[1]\n");
    add_group_case(out, set);
    str_add(out, "        __dhow_dispatch $name;;\n    esac\n}\n\n"
                 "if [[ $funcstack[1] == _dhow ]]; then\n    _dhow \"$@\"\nelse\n"
                 "    compdef _dhow dhow\nfi\n");
}

char *complete_zsh_text(const struct command_set *set)
{
    auto_str out = STR_INIT(COMPLETE_MAX_BYTES);
    str_add(&out, "#compdef dhow\n# zsh completion for dhow, generated from its option tables\n\n"
                  "__dhow_objects()\n{\n    local -a found globals line\n    local i\n"
                  "    line=(${(z)LBUFFER})\n"
                  "    for (( i = 2; i < ${#line}; i++ )); do\n"
                  "        case $line[i] in\n"
                  "        --root|--runroot) globals+=($line[i] ${(Q)line[i+1]});;\n"
                  "        --root=*|--runroot=*) globals+=(${(Q)line[i]});;\n"
                  "        esac\n"
                  "    done\n"
                  "    found=(${(f)\"$(dhow $globals __complete $1 2>/dev/null)\"})\n"
                  "    compadd -a found\n}\n\n");
    for (const struct command *const *c = set->commands; *c; c++)
        add_command_function(&out, *c);
    add_lists(&out, set);
    add_dispatch(&out, set);
    add_main(&out, set);
    return complete_rename(str_text(&out), set->program, COMPLETE_MAX_BYTES);
}
