/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for bash: tables become case statements, a fixed part walks the words of the line.
 * Names of containers and images are asked of `dhow __complete KIND` at the time of the key press.
 *
 * bash splits at '=', so "--network=host" arrives as three words: "=" is skipped when the value of
 * an option is looked for.
 */
#include <string.h>

#include "base/str.h"
#include "command/command.h"

#define COMPLETE_MAX_BYTES (1u << 20)

static const char *const kind_names[] = {
    [COMPLETE_NONE] = "none",
    [COMPLETE_FILE] = "file",
    [COMPLETE_DIR] = "dir",
    [COMPLETE_CONTAINER] = "containers",
    [COMPLETE_CONTAINER_RUNNING] = "running",
    [COMPLETE_IMAGE] = "images",
    [COMPLETE_WORDS] = "words",
};

/* "run"|"container run") */
static void add_command_pattern(struct str *out, const struct command *c)
{
    str_addf(out, "    \"%s\"", c->name);
    for (const char *const *a = c->aliases; a && *a; a++)
        str_addf(out, "|\"%s\"", *a);
    str_add(out, ") ");
}

static void add_flag_words(struct str *out, const struct command *c)
{
    size_t n;
    auto_free const struct option **options = command_options_sorted(c, &n);
    str_add(out, "REPLY='");
    for (size_t i = 0; i < n; i++)
        str_addf(out, "--%s ", options[i]->name);
    str_add(out, "--help';;\n");
}

static void add_value_rows(struct str *out, const struct command *c, const char *name)
{
    size_t n;
    auto_free const struct option **options = command_options_sorted(c, &n);
    for (size_t i = 0; i < n; i++) {
        const struct option *o = options[i];
        if (!option_takes_value(o))
            continue;
        str_addf(out, "    \"%s --%s\"", name, o->name);
        for (const char *const *a = o->aliases; a && *a; a++)
            str_addf(out, "|\"%s --%s\"", name, *a);
        if (o->letter)
            str_addf(out, "|\"%s -%c\"", name, o->letter);
        str_addf(out, ") REPLY='%s%s%s';;\n", kind_names[o->complete], o->words ? " " : "",
                 o->words ? o->words : "");
    }
}

static void add_command_names(struct str *out, const struct command_set *set, const char *prefix)
{
    size_t len = strlen(prefix);
    for (const struct command *const *c = set->commands; *c; c++) {
        if ((*c)->flags & COMMAND_HIDDEN)
            continue;
        if (str_starts_with((*c)->name, prefix) && !strchr((*c)->name + len, ' '))
            str_addf(out, "%s ", (*c)->name + len);
        for (const char *const *a = (*c)->aliases; a && *a; a++) {
            if (str_starts_with(*a, prefix) && !strchr(*a + len, ' '))
                str_addf(out, "%s ", *a + len);
        }
    }
}

static void add_commands_function(struct str *out, const struct command_set *set)
{
    str_add(out, "__dhow_commands()\n{\n    case \"$1\" in\n    '') REPLY='");
    add_command_names(out, set, "");
    for (const struct command_word *g = set->groups; g->name; g++)
        str_addf(out, "%s ", g->name);
    str_add(out, "';;\n");
    for (const struct command_word *g = set->groups; g->name; g++) {
        char prefix[64];
        snprintf(prefix, sizeof(prefix), "%s ", g->name);
        str_addf(out, "    %s) REPLY='", g->name);
        add_command_names(out, set, prefix);
        str_add(out, "';;\n");
    }
    str_add(out, "    *) return 1;;\n    esac\n}\n\n");
}

/* What the words of a command's line are: its table name, flags, kind of arguments, values. */
static void add_table_functions(struct str *out, const struct command_set *set)
{
    str_add(out, "__dhow_canonical()\n{\n    case \"$1\" in\n");
    for (const struct command *const *c = set->commands; *c; c++) {
        add_command_pattern(out, *c);
        str_addf(out, "REPLY='%s';;\n", (*c)->name);
    }
    str_add(out,
            "    *) return 1;;\n    esac\n}\n\n__dhow_flags()\n{\n    case \"$1\" in\n    '') ");
    add_flag_words(out, set->root);
    for (const struct command *const *c = set->commands; *c; c++) {
        str_addf(out, "    \"%s\") ", (*c)->name);
        add_flag_words(out, *c);
    }
    str_add(out, "    *) return 1;;\n    esac\n}\n\n__dhow_value()\n{\n    case \"$1 $2\" in\n");
    add_value_rows(out, set->root, "");
    for (const struct command *const *c = set->commands; *c; c++)
        add_value_rows(out, *c, (*c)->name);
    str_add(out, "    *) return 1;;\n    esac\n}\n\n__dhow_arguments()\n{\n    case \"$1\" in\n");
    for (const struct command *const *c = set->commands; *c; c++)
        str_addf(out, "    \"%s\") REPLY='%s%s';;\n", (*c)->name, kind_names[(*c)->complete_args],
                 (*c)->flags & COMMAND_STOP_AT_ARG ? " first" : "");
    str_add(out, "    *) return 1;;\n    esac\n}\n\n");
}

static const char bash_walker[] =
    "__dhow_reply()\n"
    "{\n"
    "    local kind=${1%% *} words= i\n"
    "    case \"$kind\" in\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); compopt -o filenames;;\n"
    "    dir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); compopt -o filenames;;\n"
    "    words) words=${1#words };;\n"
    "    containers|running|images)\n"
    "        words=$(\"${line[0]}\" \"${globals[@]}\" __complete \"$kind\" 2>/dev/null);;\n"
    "    esac\n"
    "    [[ -n $words ]] && mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "    # Readline replaces only what follows the last colon.\n"
    "    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
    "        for i in \"${!COMPREPLY[@]}\"; do\n"
    "            COMPREPLY[i]=${COMPREPLY[i]#\"${cur%\"${cur##*:}\"}\"}\n"
    "        done\n"
    "    fi\n"
    "    return 0\n"
    "}\n"
    "\n"
    "# The words of the line with those joined that were split at colons and are no options.\n"
    "__dhow_join()\n"
    "{\n"
    "    local i\n"
    "    line=()\n"
    "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "        if ((i > 1)) && [[ ${COMP_WORDS[i]} == :* || ${COMP_WORDS[i - 1]} == *: ]]; then\n"
    "            line[${#line[@]} - 1]+=${COMP_WORDS[i]}\n"
    "        else\n"
    "            line+=(\"${COMP_WORDS[i]}\")\n"
    "        fi\n"
    "    done\n"
    "}\n"
    "\n"
    "_dhow()\n"
    "{\n"
    "    local group= command= pending= option= REPLY= word i arguments=0 cur\n"
    "    local -a line globals=()\n"
    "    COMPREPLY=()\n"
    "    __dhow_join\n"
    "    cur=${line[-1]}\n"
    "    [[ $cur == = ]] && cur=\n"
    "    for ((i = 1; i < ${#line[@]} - 1; i++)); do\n"
    "        word=${line[i]}\n"
    "        if [[ $word == = ]]; then\n"
    "            continue\n"
    "        elif [[ -n $pending ]]; then\n"
    "            pending=\n"
    "            [[ $option == --root || $option == --runroot ]] && globals+=(\"$option\" "
    "\"$word\")\n"
    "        elif [[ $word == -* ]]; then\n"
    "            option=$word\n"
    "            __dhow_value \"$command\" \"$word\" && pending=$REPLY\n"
    "        elif [[ -n $command ]]; then\n"
    "            arguments=$((arguments + 1))\n"
    "        elif [[ -z $group ]] && __dhow_commands \"$word\"; then\n"
    "            group=$word\n"
    "        else\n"
    "            __dhow_canonical \"${group:+$group }$word\" || return 0\n"
    "            command=$REPLY\n"
    "        fi\n"
    "    done\n"
    "    if [[ -n $pending ]]; then\n"
    "        __dhow_reply \"$pending\"\n"
    "    elif [[ -n $command ]] && __dhow_arguments \"$command\" && [[ $REPLY == *' first' ]] &&\n"
    "        ((arguments > 0)); then\n"
    "        __dhow_reply file\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        __dhow_flags \"$command\" && __dhow_reply \"words $REPLY\"\n"
    "    elif [[ -z $command ]]; then\n"
    "        __dhow_commands \"$group\" && __dhow_reply \"words $REPLY\"\n"
    "    else\n"
    "        __dhow_arguments \"$command\" && __dhow_reply \"$REPLY\"\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _dhow dhow\n";

char *complete_bash_text(const struct command_set *set)
{
    auto_str out = STR_INIT(COMPLETE_MAX_BYTES);
    str_add(&out, "# bash completion for dhow, generated from its option tables\n\n");
    add_commands_function(&out, set);
    add_table_functions(&out, set);
    str_add(&out, bash_walker);
    return complete_rename(str_text(&out), set->program, COMPLETE_MAX_BYTES);
}
