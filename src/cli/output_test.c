/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static const struct {
    const char *json;
    const char *yaml;
} rows[] = {
    {"{\"b\": 1, \"a\": \"x\"}", "a: x\nb: 1\n"},
    {"{\"a\": {\"b\": [1, 2], \"c\": {}}, \"d\": []}", "a:\n  b:\n  - 1\n  - 2\n  c: {}\nd: []\n"},
    {"{\"a\": \"\", \"b\": \"12\", \"c\": \"true\", \"d\": \"x: y\"}",
     "a: \"\"\nb: \"12\"\nc: \"true\"\nd: \"x: y\"\n"},
    {"{\"a\": \"line\\nfeed\"}", "a: \"line\\nfeed\"\n"},
    {"{\"a\": null, \"b\": false}", "a: null\nb: false\n"},
    {"[{\"a\": 1}]", "-\n  a: 1\n"},
};

static void yaml_can_be_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_json *o = json_tokener_parse(rows[i].json);
        auto_free char *text = output_yaml(o);
        assert_string_equal(text, rows[i].yaml);
    }
}

/* Every command has what help, completion and manual need, and no name or letter twice. */
static void commands_are_complete(void **state)
{
    (void)state;
    for (const struct command *const *c = cli_commands.commands; *c; c++) {
        assert_non_null((*c)->summary);
        assert_non_null((*c)->run);
        assert_true((*c)->max_args == 0 || ((*c)->args && *(*c)->args));
        for (const struct option *const *set = (*c)->option_sets; set && *set; set++) {
            for (const struct option *o = *set; o->name; o++) {
                if (command_option_named(*c, o->name, strlen(o->name)) != o)
                    fail_msg("%s --%s is there twice", (*c)->name, o->name);
                if (o->letter && command_option_lettered(*c, o->letter) != o)
                    fail_msg("%s -%c is there twice", (*c)->name, o->letter);
                if (option_is_supported(o) && !o->summary)
                    fail_msg("%s --%s has no summary", (*c)->name, o->name);
                if (o->complete == COMPLETE_WORDS && !o->words)
                    fail_msg("%s --%s has no words", (*c)->name, o->name);
                if (option_is_supported(o) && o->offset >= (*c)->options_size)
                    fail_msg("%s --%s is outside of its struct", (*c)->name, o->name);
            }
        }
    }
}

/* What is told to be missing must not be there. */
static void missing_commands_are_missing(void **state)
{
    (void)state;
    for (const struct command_word *m = cli_commands.missing; m->name; m++) {
        for (const struct command *const *c = cli_commands.commands; *c; c++) {
            assert_string_not_equal((*c)->name, m->name);
            for (const char *const *a = (*c)->aliases; a && *a; a++)
                assert_string_not_equal(*a, m->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_can_be_read_back),
        cmocka_unit_test(commands_are_complete),
        cmocka_unit_test(missing_commands_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
