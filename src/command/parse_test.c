/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "command/command.h"

struct values {
    bool tty;
    bool verify;
    char *name;
    char **env;
    char **caps;
    struct json_opt_i64 tail;
    struct json_opt_u64 time;
    struct json_opt_i64 memory;
};

#define AT(field) offsetof(struct values, field)
static const char *const name_aliases[] = {"nm", NULL};
static const struct option rows[] = {
    {"tty", 't', OPT_BOOL, AT(tty), NULL, "terminal"},
    {"tls-verify", 0, OPT_BOOL, AT(verify), NULL, "verify", COMPLETE_NONE, NULL, NULL, "true"},
    {"name", 'n', OPT_STRING, AT(name), "NAME", "name", COMPLETE_NONE, NULL, name_aliases},
    {"env", 'e', OPT_STRV, AT(env), "K=V", "environment"},
    {"cap-add", 0, OPT_STRV_COMMAS, AT(caps), "CAP", "capabilities"},
    {"tail", 0, OPT_INT64, AT(tail), "N", "tail"},
    {"time", 0, OPT_UINT64, AT(time), "N", "time"},
    {"memory", 'm', OPT_SIZE, AT(memory), "SIZE", "memory"},
    {"publish", 'p', OPT_UNSUPPORTED},
    {"init", 0, OPT_UNSUPPORTED_BOOL},
    {NULL},
};
static const struct option *const sets[] = {rows, NULL};
static const struct command free_order = {.name = "x",
                                          .args = "ARG",
                                          .max_args = -1,
                                          .option_sets = sets};
static const struct command stopping = {.name = "x",
                                        .args = "ARG",
                                        .max_args = -1,
                                        .flags = COMMAND_STOP_AT_ARG,
                                        .option_sets = sets};
static const struct command one_arg = {.name = "x",
                                       .args = "ARG",
                                       .min_args = 1,
                                       .max_args = 1,
                                       .option_sets = sets};
static const struct command no_arg = {.name = "x", .args = "", .option_sets = sets};

/* Parses a line split at blanks; all that was read as one text. */
static char *parse(const struct command *c, const char *line, struct err *e)
{
    struct values v = {0};
    bool help = false;
    auto_strv args = NULL;
    auto_strv words = strv_split(line, ' ');
    if (command_parse(c, (int)strv_len(words), words, &v, &args, &help, e) < 0) {
        command_options_done(c, &v);
        return NULL;
    }
    auto_free char *env = strv_join(v.env, "|");
    auto_free char *caps = strv_join(v.caps, "|");
    auto_free char *rest = strv_join(args, "|");
    char *text = alloc_printf("t%d v%d n=%s e=%s c=%s tail=%d:%ld time=%d:%lu m=%d:%ld args=%s h%d",
                              v.tty, v.verify, v.name ? v.name : "-", env, caps, v.tail.is_set,
                              (long)v.tail.value, v.time.is_set, (unsigned long)v.time.value,
                              v.memory.is_set, (long)v.memory.value, rest, help);
    command_options_done(c, &v);
    return text;
}

#define NOTHING "tail=0:0 time=0:0 m=0:0"
static const struct {
    const struct command *command;
    const char *line;
    const char *expected;
} good[] = {
    {&free_order, "", "t0 v1 n=- e= c= " NOTHING " args= h0"},
    {&free_order, "-t a", "t1 v1 n=- e= c= " NOTHING " args=a h0"},
    {&free_order, "a -t b", "t1 v1 n=- e= c= " NOTHING " args=a|b h0"},
    {&stopping, "a -t b", "t0 v1 n=- e= c= " NOTHING " args=a|-t|b h0"},
    {&free_order, "-t -- -n", "t1 v1 n=- e= c= " NOTHING " args=-n h0"},
    {&stopping, "-- -n", "t0 v1 n=- e= c= " NOTHING " args=-n h0"},
    {&free_order, "-", "t0 v1 n=- e= c= " NOTHING " args=- h0"},
    {&free_order, "--name x --name=y", "t0 v1 n=y e= c= " NOTHING " args= h0"},
    {&free_order, "--nm=x=y", "t0 v1 n=x=y e= c= " NOTHING " args= h0"},
    {&free_order, "-tnx", "t1 v1 n=x e= c= " NOTHING " args= h0"},
    {&free_order, "-tn x", "t1 v1 n=x e= c= " NOTHING " args= h0"},
    {&free_order, "-n=x", "t0 v1 n=x e= c= " NOTHING " args= h0"},
    {&free_order, "-t=false", "t0 v1 n=- e= c= " NOTHING " args= h0"},
    {&free_order, "--tls-verify=false", "t0 v0 n=- e= c= " NOTHING " args= h0"},
    {&free_order, "--tty=1 --tty=0", "t0 v1 n=- e= c= " NOTHING " args= h0"},
    {&free_order, "-e A=1,2 --env B", "t0 v1 n=- e=A=1,2|B c= " NOTHING " args= h0"},
    {&free_order, "--cap-add a,b --cap-add c", "t0 v1 n=- e= c=a|b|c " NOTHING " args= h0"},
    {&free_order, "--name -t", "t0 v1 n=-t e= c= " NOTHING " args= h0"},
    {&free_order, "--tail -1", "t0 v1 n=- e= c= tail=1:-1 time=0:0 m=0:0 args= h0"},
    {&free_order, "--time 9", "t0 v1 n=- e= c= tail=0:0 time=1:9 m=0:0 args= h0"},
    {&free_order, "-m64m", "t0 v1 n=- e= c= tail=0:0 time=0:0 m=1:67108864 args= h0"},
    {&free_order, "-m -1", "t0 v1 n=- e= c= tail=0:0 time=0:0 m=1:-1 args= h0"},
    {&one_arg, "--help", "t0 v1 n=- e= c= " NOTHING " args= h1"},
    {&one_arg, "-h", "t0 v1 n=- e= c= " NOTHING " args= h1"},
};

static void reads_podmans_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = {0};
        auto_free char *text = parse(good[i].command, good[i].line, &e);
        if (!text)
            fail_msg("'%s': %s", good[i].line, e.msg);
        assert_string_equal(text, good[i].expected);
    }
}

static const struct {
    const struct command *command;
    const char *line;
    enum err_kind kind;
    const char *msg;
} bad[] = {
    {&free_order, "--nmae x", ERR_INVALID, "unknown option '--nmae': did you mean '--name'?"},
    {&free_order, "--memroy=1", ERR_INVALID, "unknown option '--memroy': did you mean '--memory'?"},
    {&free_order, "--zzzzzz", ERR_INVALID, "unknown option '--zzzzzz'"},
    {&free_order, "-tz", ERR_INVALID, "unknown option '-z' in '-tz'"},
    {&free_order, "--name", ERR_INVALID, "option '--name' needs a value"},
    {&free_order, "-n", ERR_INVALID, "option '-n' needs a value"},
    {&free_order, "--tty=maybe", ERR_INVALID, "option '--tty': 'maybe' is not true or false"},
    {&free_order, "--tail x", ERR_INVALID, "option '--tail': 'x' is not a whole number"},
    {&free_order, "--time -1", ERR_INVALID,
     "option '--time': '-1' is not a whole number that is not negative"},
    {&free_order, "-m 1q", ERR_INVALID, "option '--memory': '1q' is not a size like 64m or 1g"},
    {&free_order, "--publish 80", ERR_UNSUPPORTED, "--publish is not supported yet"},
    {&free_order, "--publish", ERR_UNSUPPORTED, "--publish is not supported yet"},
    {&free_order, "-p80", ERR_UNSUPPORTED, "--publish is not supported yet"},
    {&free_order, "--init", ERR_UNSUPPORTED, "--init is not supported yet"},
    {&one_arg, "-t", ERR_INVALID, "needs at least 1 argument (ARG), got 0"},
    {&one_arg, "a b", ERR_INVALID, "takes at most 1 argument (ARG), got 2"},
    {&no_arg, "a", ERR_INVALID, "takes no arguments, got 1"},
};

static void tells_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        auto_free char *text = parse(bad[i].command, bad[i].line, &e);
        if (text)
            fail_msg("'%s' was accepted", bad[i].line);
        assert_string_equal(e.msg, bad[i].msg);
        assert_int_equal(e.kind, bad[i].kind);
    }
}

static void h_is_help_unless_a_row_has_it(void **state)
{
    static const struct option host[] = {{"hostname", 'h', OPT_STRING, AT(name), "N", "n"}, {NULL}};
    static const struct option *const host_sets[] = {host, NULL};
    static const struct command c = {.name = "x",
                                     .args = "ARG",
                                     .max_args = -1,
                                     .option_sets = host_sets};
    struct err e = {0};
    (void)state;
    auto_free char *text = parse(&c, "-h box", &e);
    assert_non_null(text);
    assert_non_null(strstr(text, "n=box"));
}

static void help_shows_supported_options_sorted(void **state)
{
    static const char *const examples[] = {"x -t", NULL};
    static const struct command c = {.name = "x",
                                     .summary = "Do x",
                                     .args = "ARG",
                                     .max_args = -1,
                                     .option_sets = sets,
                                     .examples = examples};
    static const struct command_set plain, titled = {.title = "A runtime"};
    (void)state;
    auto_free char *text = help_command_text("dhow", &plain, &c);
    auto_free char *named = help_command_text("dhow", &titled, &c);
    assert_ptr_equal(strstr(named, "NAME:\n   dhow x - Do x\n\nDescription:\n"), named);
    assert_string_equal(text, "Do x\n\nDescription:\n  Do x\n\nUsage:\n  dhow x [options] ARG\n"
                              "\nExamples:\n  dhow x -t\n\nOptions:\n"
                              "      --cap-add CAP   capabilities\n"
                              "  -e, --env K=V       environment\n"
                              "  -m, --memory SIZE   memory\n"
                              "  -n, --name NAME     name\n"
                              "      --tail N        tail\n"
                              "      --time N        time\n"
                              "      --tls-verify    verify (default true)\n"
                              "  -t, --tty           terminal\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_podmans_grammar),
        cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(h_is_help_unless_a_row_has_it),
        cmocka_unit_test(help_shows_supported_options_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
