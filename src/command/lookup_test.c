/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"
#include "command/command.h"

static const char *const ps_aliases[] = {"container ls", "container ps", NULL};
static const struct command run = {.name = "run", .summary = "Run"};
static const struct command ps = {.name = "ps", .aliases = ps_aliases, .summary = "List"};
static const struct command inspect = {.name = "container inspect", .summary = "Inspect"};
static const struct command hidden = {.name = "container cleanup",
                                      .summary = "Clean",
                                      .flags = COMMAND_HIDDEN};
static const struct command *const commands[] = {&run, &ps, &inspect, &hidden, NULL};
static const struct command_word groups[] = {{"container", "Manage"}, {NULL}};
static const struct command_word missing[] = {{"build"}, {"container prune"}, {NULL}};
static const struct command root = {.name = "", .summary = "Boat", .description = "A boat."};
static const struct command_set set = {"dhow", commands, groups, missing, &root, NULL, ""};

static const struct {
    const char *line;
    const struct command *command;
    int words;
    const char *group;
    const char *msg;
} cases[] = {
    {"run x", &run, 1, NULL, NULL},
    {"ps", &ps, 1, NULL, NULL},
    {"container ls -a", &ps, 2, NULL, NULL},
    {"container inspect x", &inspect, 2, NULL, NULL},
    {"container cleanup x", &hidden, 2, NULL, NULL},
    {"container", NULL, 2, "container", NULL},
    {"container --help", NULL, 2, "container", NULL},
    {"rnu", NULL, 1, NULL, "'rnu' is not a podman command: did you mean 'run'?"},
    {"contianer", NULL, 1, NULL, "'contianer' is not a podman command: did you mean 'container'?"},
    {"zzz", NULL, 1, NULL, "'zzz' is not a podman command"},
    {"build", NULL, 1, NULL, "'build' is not supported yet"},
    {"container prune", NULL, 2, NULL, "'container prune' is not supported yet"},
    {"container sl", NULL, 2, NULL,
     "'container sl' is not a podman command: did you mean 'container ls'?"},
    {"container run", NULL, 2, NULL, "'container run' is not a podman command"},
    {"inspect", NULL, 1, NULL, "'inspect' is not a podman command"},
    {"container clean", NULL, 2, NULL, "'container clean' is not a podman command"},
};

static void finds_commands_by_one_or_two_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        int words = 0;
        const struct command_word *group = NULL;
        auto_strv argv = strv_split(cases[i].line, ' ');
        const struct command *c =
            command_find(&set, "podman", (int)strv_len(argv), argv, &words, &group, &e);
        assert_ptr_equal(c, cases[i].command);
        assert_int_equal(words, cases[i].words);
        assert_string_equal(group ? group->name : "", cases[i].group ? cases[i].group : "");
        assert_string_equal(e.msg, cases[i].msg ? cases[i].msg : "");
    }
}

static void suggests_only_what_is_near(void **state)
{
    static const struct {
        const char *word;
        const char *candidate;
        bool is_near;
    } rows[] = {
        {"netwrok", "network", true}, {"memry", "memory", true},   {"mem", "memory-swap", true},
        {"ps", "rm", false},          {"sp", "ps", true},          {"x", "run", false},
        {"volumes", "volume", true},  {"abcdef", "uvwxyz", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct suggestion s = suggestion_for(rows[i].word);
        suggestion_offer(&s, rows[i].candidate);
        if (!!s.nearest != rows[i].is_near)
            fail_msg("'%s' and '%s'", rows[i].word, rows[i].candidate);
    }
}

static void help_lists_groups_and_hides_hidden_commands(void **state)
{
    (void)state;
    auto_free char *all = help_program_text("dhow", &set);
    auto_free char *group = help_group_text("dhow", &set, &groups[0]);
    assert_non_null(strstr(all, "  ps          List\n"));
    assert_non_null(strstr(all, "  container   Manage\n"));
    assert_null(strstr(all, "inspect"));
    assert_non_null(strstr(group, "  ls          List\n"));
    assert_non_null(strstr(group, "  inspect     Inspect\n"));
    assert_null(strstr(group, "cleanup"));
}

static void help_begins_with_the_name_when_there_is_a_title(void **state)
{
    struct command_set titled = set;
    (void)state;
    titled.title = "Open Container Initiative runtime";
    auto_free char *text = help_program_text("runc", &titled);
    assert_ptr_equal(strstr(text, "NAME:\n   runc - Open Container Initiative runtime\n\nUsage:\n"),
                     text);
}

static void completions_offer_commands_of_a_group(void **state)
{
    (void)state;
    auto_free char *bash = complete_bash_text(&set);
    auto_free char *zsh = complete_zsh_text(&set);
    auto_free char *fish = complete_fish_text(&set);
    assert_non_null(strstr(bash, "container) REPLY='ls ps inspect ';;"));
    assert_non_null(strstr(zsh, "'inspect:Inspect'"));
    assert_non_null(strstr(fish, "-n '__dhow_is \"container \"' -a inspect -d 'Inspect'"));
    assert_null(strstr(fish, "-a cleanup"));
}

static char *prose(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "size") == 0
               ? strdup("First `code`.\n\n- one\n- two\n\n.not a request\n    an example\n")
               : NULL;
}

static void manual_has_prose_and_guards_roff(void **state)
{
    static const struct option rows[] = {{"size", 's', OPT_STRING, 0, "SIZE", "How big"},
                                         {"later", 0, OPT_UNSUPPORTED},
                                         {NULL}};
    static const struct option *const sets[] = {rows, NULL};
    static const struct command c = {.name = "x y",
                                     .summary = "Do \\x",
                                     .args = "ARG",
                                     .max_args = 1,
                                     .option_sets = sets};
    (void)state;
    auto_free char *text = man_command_text(&set, &c, prose, NULL);
    assert_non_null(strstr(text, ".Nm dhow-x-y\n.Nd Do \\ex\n"));
    assert_non_null(strstr(text, ".It Fl s , Fl \\-size Ar \"\\&SIZE\"\nHow big.\n"));
    assert_non_null(strstr(text, "First \\fBcode\\fR.\n"));
    assert_non_null(strstr(text, ".Bl -bullet -compact\n.It\none\n.It\ntwo\n.El\n"));
    assert_non_null(strstr(text, "\n\\&.not a request\n"));
    assert_non_null(strstr(text, ".Dl \"\\&an example\"\n"));
    assert_null(strstr(text, "later"));
}

static void introspection_names_everything(void **state)
{
    (void)state;
    auto_json *j = introspect_json(&set);
    struct json_object *list;
    assert_true(json_object_object_get_ex(j, "commands", &list));
    assert_int_equal(json_object_array_length(list), 4);
    assert_true(json_object_object_get_ex(j, "missing", &list));
    assert_int_equal(json_object_array_length(list), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_commands_by_one_or_two_words),
        cmocka_unit_test(suggests_only_what_is_near),
        cmocka_unit_test(help_lists_groups_and_hides_hidden_commands),
        cmocka_unit_test(help_begins_with_the_name_when_there_is_a_title),
        cmocka_unit_test(completions_offer_commands_of_a_group),
        cmocka_unit_test(manual_has_prose_and_guards_roff),
        cmocka_unit_test(introspection_names_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
