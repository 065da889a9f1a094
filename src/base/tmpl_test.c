/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/tmpl.h"

static const char sample[] =
    "{\"Id\":\"0123456789ab\",\"Name\":\"web\",\"State\":{\"Running\":true,\"Pid\":42,\"Error\":"
    "\"\"},"
    "\"Labels\":{\"b\":\"2\",\"a\":\"1\"},\"Ports\":[80,443],\"Empty\":[],\"Null\":null,"
    "\"Ratio\":1.5,\"Big\":18446744073709551615,\"Large\":2500000.5,"
    "\"Mounts\":[{\"Src\":\"/a\",\"Dst\":\"/b\"},{\"Src\":\"/c\",\"Dst\":\"/d\"}],"
    "\"Mixed\":{\"x\":1,\"y\":[null,\"s\"]},\"None\":{}}";

/* The text that the template makes, or "ERROR: message". Owned. */
static char *run(const char *template)
{
    auto_json *value = NULL;
    struct err e = {0};
    struct tmpl *t;
    char *text = NULL;

    assert_int_equal(json_parse(sample, strlen(sample), 4096, &value, NULL), 0);
    t = tmpl_parse(template, &e);
    if (t)
        text = tmpl_run(t, value, &e);
    tmpl_free(t);
    if (text)
        return text;
    assert_true(e.kind == ERR_INVALID || e.kind == ERR_UNSUPPORTED || e.kind == ERR_LIMIT);
    text = malloc(sizeof(e.msg) + 10);
    snprintf(text, sizeof(e.msg) + 10, "ERROR: %s", e.msg);
    return text;
}

struct row {
    const char *template;
    const char *text;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        auto_free char *text = run(rows[i].template);

        if (strcmp(text, rows[i].text) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s", rows[i].template, text, rows[i].text);
    }
}

static void values_print_as_in_go(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"plain } text }}", "plain } text }}"},
        {"{{.Name}}", "web"},
        {"{{ .State.Pid }}-{{.State.Running}}", "42-true"},
        {"{{.Ports}}", "[80 443]"},
        {"{{.Labels}}", "map[a:1 b:2]"},
        {"{{.Mixed}}", "map[x:1 y:[<nil> s]]"},
        {"{{.Null}}", "<no value>"},
        {"{{.Empty}}{{.None}}", "[]map[]"},
        {"{{.Ratio}} {{.Big}} {{.Large}}", "1.5 18446744073709551615 2.5000005e+06"},
        {"{{$.Name}}{{(.State).Pid}}", "web42"},
        {"{{.ID}}", "0123456789ab"},
        {"{{1}}{{-2}}{{0x1f}}{{1.50}}{{1e-7}}{{100000.0}}{{.5}}", "1-2311.51e-071000000.5"},
        {"{{true}}{{\"a\\tb\\x41\\u00e9\"}}{{`r\\n`}}{{'A'}}", "truea\tbA\xc3\xa9r\\n65"},
        {"a\\tb\\nc\\d", "a\tb\nc\\d"},
        {"x  {{- 1 -}}  y", "x1y"},
        {"x {{/* a }} comment */}} y{{- /* */ -}} z", "x  yz"},
        {"{{\n\t.Name\n}}", "web"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void control_structures_work(void **state)
{
    static const struct row rows[] = {
        {"{{if .State.Running}}up{{else}}down{{end}}", "up"},
        {"{{if .Null}}a{{else if .Empty}}b{{else if .Name}}c{{else}}d{{end}}", "c"},
        {"{{if 0}}a{{end}}{{if \"\"}}b{{end}}{{if .None}}c{{end}}{{if .Ratio}}d{{end}}", "d"},
        {"{{with .State}}{{.Pid}}{{$.Name}}{{end}}", "42web"},
        {"{{with .Null}}a{{else}}{{.Name}}{{end}}", "web"},
        {"{{with .Null}}a{{else with .State}}{{.Pid}}{{end}}", "42"},
        {"{{with $x := .State}}{{$x.Pid}}{{end}}", "42"},
        {"{{range .Ports}}[{{.}}]{{end}}", "[80][443]"},
        {"{{range .Empty}}a{{else}}none {{.Name}}{{end}}", "none web"},
        {"{{range .Null}}a{{else}}none{{end}}", "none"},
        {"{{range $i, $p := .Ports}}{{$i}}={{$p}} {{end}}", "0=80 1=443 "},
        {"{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"},
        {"{{range $p := .Ports}}{{$p}},{{end}}", "80,443,"},
        {"{{range .Mounts}}{{.Src}}:{{.Dst}} {{end}}", "/a:/b /c:/d "},
        {"{{range $i, $m := .Mounts}}{{range $j, $p := $.Ports}}{{$i}}{{$j}}{{$m.Src}} "
         "{{end}}{{end}}",
         "00/a 01/a 10/c 11/c "},
        {"{{range $i, $e := .Empty}}{{else}}{{$i}}{{end}}", "[]"},
        {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
        {"{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"},
        {"{{$x := .Mounts}}{{range $x}}{{$x = 1}}{{.Src}}{{end}}{{$x}}", "/a/c1"},
        {"{{$x := split \"a,b\" \",\"}}{{range $x}}{{$x = \"\"}}{{.}}{{end}}", "ab"},
        {"{{$x := split \"a,b\" \",\"}}{{with $x}}{{$x = 0}}{{len .}}{{end}}{{$x}}", "20"},
        {"{{$x := json .Ports}}{{$y := $x}}{{$x = \"\"}}{{$y}}", "[80,443]"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void functions_work(void **state)
{
    static const struct row rows[] = {
        {"{{json .}}", NULL}, /* filled below */
        {"{{json .State}}", "{\"Running\":true,\"Pid\":42,\"Error\":\"\"}"},
        {"{{json .Null}}{{json \"a<b>/\\n\"}}", "null\"a<b>/\\n\""},
        {"{{.Ports | json}}", "[80,443]"},
        {"{{join (split \"a,b,,c\" \",\") \"-\"}}", "a-b--c"},
        {"{{len (split \"\" \",\")}}{{split \"h\xc3\xa9y\" \"\"}}{{len (split \"\" \"\")}}",
         "1[h \xc3\xa9 y]0"},
        {"{{join .Ports \"/\"}}{{join .Null \"/\"}}", "80/443"},
        {"{{upper .Name}}{{lower \"ABC\"}}{{title \"hello big-world x_y\"}}",
         "WEBabcHello Big-World X_y"},
        {"[{{pad .Name 1 2}}][{{pad \"\" 1 2}}]", "[ web  ][]"},
        {"{{truncate .Id 4}}{{truncate \"h\xc3\xa9y\" 2}}{{truncate \"a\" 9}}", "0123h\xc3\xa9"
                                                                                "a"},
        {"{{.Id | printf \"%.3s\" | upper}}", "012"},
        {"{{index .Labels \"b\"}}[{{index .Labels \"zz\"}}]{{index .Mixed \"zz\"}}",
         "2[]<no value>"},
        {"{{index .Ports 1}}{{index .Mounts 0 \"Src\"}}{{(index .Mounts 1).Dst}}", "443/a/d"},
        {"{{index \"AB\" 1}}", "66"},
        {"{{len .Ports}}{{len .Labels}}{{len .Name}}{{len .Null}}", "2230"},
        {"{{slice .Id 2 4}}{{slice .Id 10}}{{slice .Ports 1}}{{slice .Name}}", "23ab[443]web"},
        {"{{print 1 2 \"a\" \"b\" 3 nil}}", "1 2ab3 <nil>"},
        {"{{println 1 \"a\"}}", "1 a\n"},
        {"{{eq .Name \"web\"}}{{eq 1 2 3 1}}{{eq 1 1.0}}{{eq .Null nil}}{{eq \"a\" nil}}",
         "truetruetruetruefalse"},
        {"{{ne 1 2}}{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge 2 1.5}}{{lt \"a\" \"b\"}}",
         "truetruetruefalsetruetrue"},
        {"{{lt -1 .Big}}{{gt .Big 9223372036854775807}}{{eq .Big .Big}}{{eq -1 -2}}",
         "truetruetruefalse"},
        {"{{and 1 0 .Nope}}{{or 0 \"x\" .Nope}}{{not 1}}{{and 1 2}}{{or 0 \"\"}}", "0xfalse2"},
        {"{{1 | and 2}}{{0 | or \"\"}}", "10"},
    };

    (void)state;
    check(rows + 1, ARRAY_LEN(rows) - 1);
    {
        auto_free char *text = run(rows[0].template);

        assert_string_equal(text, sample);
    }
}

static void printf_is_gos(void **state)
{
    static const struct row rows[] = {
        {"{{printf \"%s|%5s|%-5s|%.2s\" .Name .Name .Name .Name}}", "web|  web|web  |we"},
        {"{{printf \"%d|%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%#x\" 42 42 42 42 42 42 42 42 5 255}}",
         "42|   42|42   |00042|+42|2a|2A|52|101|0xff"},
        {"{{printf \"%06d|%6d|% d\" -42 -42 7}}", "-00042|   -42| 7"},
        {"{{printf \"%d\" .Big}}", "18446744073709551615"},
        {"{{printf \"%v %v %v %v %v\" .Name 1 1.5 .Ports .Null}}", "web 1 1.5 [80 443] <nil>"},
        {"{{printf \"%q %q\" \"a\\\"\\n\\x01\" \"\\x1b\"}}", "\"a\\\"\\n\\x01\" \"\\x1b\""},
        {"{{printf \"%f|%.2f|%8.3f|%e|%g|%.1f\" 1.5 1.005 3.14159 12345.678 0.5 2}}",
         "1.500000|1.00|   3.142|1.234568e+04|0.5|2.0"},
        {"{{printf \"%t %c%c %x %%\" true 'A' 233 \"hi\"}}", "true A\xc3\xa9 6869 %"},
        {"{{printf \"%5s|\" \"\xc3\xa9\"}}", "    \xc3\xa9|"},
        {"{{printf \"%d\" \"hi\"}}{{printf \"%s\" 5}}", "%!d(string=hi)%!s(int=5)"},
        {"{{printf \"%d\" 1.5}}{{printf \"%t\" nil}}", "%!d(float64=1.5)%!t(<nil>)"},
        {"{{printf \"%d %d\" 1}}", "1 %!d(MISSING)"},
        {"{{printf \"a\" 1 \"b\"}}", "a%!(EXTRA int=1, string=b)"},
        {"{{printf \"a%\"}}", "a%!(NOVERB)"},
        {"{{printf \"%99999d\" 1}}", "%!(BADWIDTH)d%!(EXTRA int=1)"},
        {"{{printf \"%s %s\" .Labels .Ports}}", "map[a:1 b:2] [80 443]"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void mistakes_are_named(void **state)
{
    static const struct row rows[] = {
        {"{{.Foo}}", "ERROR: template: can't evaluate field Foo"},
        {"{{.State.Foo}}", "ERROR: template: can't evaluate field Foo"},
        {"{{.Name.Foo}}", "ERROR: template: can't evaluate field Foo in a string"},
        {"{{.Null.Foo}}", "ERROR: template: can't evaluate field Foo in nil"},
        {"{{range .Ports}}{{.Src}}{{end}}",
         "ERROR: template: can't evaluate field Src in a number"},
        {"{{range 5}}{{end}}", "ERROR: template: range can't iterate over a number"},
        {"{{index .Ports 2}}", "ERROR: template: index: 2 is out of range"},
        {"{{index .Ports -1}}", "ERROR: template: index: -1 is out of range"},
        {"{{index .Empty 0}}", "ERROR: template: index: 0 is out of range"},
        {"{{index .Ports \"a\"}}", "ERROR: template: index: expected an integer, got a string"},
        {"{{index .Labels 1}}", "ERROR: template: index: expected a string, got a number"},
        {"{{index nil 1}}", "ERROR: template: index: can't index nil"},
        {"{{len 5}}", "ERROR: template: len of a number"},
        {"{{len}}", "ERROR: template: wrong number of args for len: got 0"},
        {"{{and}}", "ERROR: template: wrong number of args for and: got 0"},
        {"{{print len}}", "ERROR: template: wrong number of args for len: got 0"},
        {"{{lt 1 \"a\"}}", "ERROR: template: lt: can't compare a number with a string"},
        {"{{lt true false}}", "ERROR: template: lt: can't compare a bool with a bool"},
        {"{{eq .Ports .Ports}}", "ERROR: template: eq: can't compare a list with a list"},
        {"{{slice .Id 3 2}}", "ERROR: template: slice: 3 is out of range"},
        {"{{slice .Id 0 99}}", "ERROR: template: slice: 99 is out of range"},
        {"{{pad .Name 1 99999}}", "ERROR: template: pad: 99999 is out of range"},
        {"{{upper 1}}", "ERROR: template: upper: expected a string, got a number"},
        {"{{.Name 1}}", "ERROR: template: can't give an argument to what is no function"},
        {"{{nil}}", "ERROR: template: nil is not a command"},
        {"{{.Name", "ERROR: template: unclosed action at byte 7"},
        {"{{", "ERROR: template: unclosed action at byte 2"},
        {"{{}}", "ERROR: template: missing value for a command at byte 2"},
        {"{{.Name | }}", "ERROR: template: missing value for a command at byte 10"},
        {"{{.Name | .Id}}",
         "ERROR: template: what stands behind '|' must be a function at byte 13"},
        {"{{html .Name}}", "ERROR: template: function 'html' not defined at byte 2"},
        {"{{$x}}", "ERROR: template: undefined variable '$x' at byte 2"},
        {"{{$x = 1}}", "ERROR: template: undefined variable '$x' at byte 8"},
        {"{{if 1}}{{$x := 1}}{{end}}{{$x}}", "ERROR: template: undefined variable '$x' at byte 28"},
        {"{{$a, $b := .Ports}}", "ERROR: template: too many variables at byte 2"},
        {"{{($a := 1)}}", "ERROR: template: too many variables at byte 3"},
        {"{{if .Name}}", "ERROR: template: missing {{end}} at byte 12"},
        {"{{if}}x{{end}}", "ERROR: template: missing value for a command at byte 4"},
        {"{{if 1}}a{{else}}b{{else}}c{{end}}", "ERROR: template: a second else at byte 24"},
        {"{{end}}", "ERROR: template: unexpected {{end}} at byte 7"},
        {"{{else}}", "ERROR: template: unexpected {{else}} at byte 6"},
        {"{{(1}}", "ERROR: template: unclosed parenthesis at byte 4"},
        {"{{1)}}", "ERROR: template: unexpected ')' in an action at byte 3"},
        {"{{..Name}}", "ERROR: template: unexpected '.' in an action at byte 3"},
        {"{{.Name.}}", "ERROR: template: expected a field after '.' at byte 7"},
        {"{{1a}}", "ERROR: template: bad number '1a' at byte 2"},
        {"{{1e999}}", "ERROR: template: bad number '1e999' at byte 2"},
        {"{{\"a}}", "ERROR: template: unterminated string at byte 6"},
        {"{{\"\\q\"}}", "ERROR: template: bad escape in a string at byte 4"},
        {"{{\"\\ud800\"}}", "ERROR: template: bad escape in a string at byte 9"},
        {"{{'ab'}}", "ERROR: template: malformed character constant at byte 6"},
        {"{{\"a\".Name}}",
         "ERROR: template: unexpected '.' behind a constant or function at byte 5"},
        {"{{.Name\"a\"}}", "ERROR: template: unexpected '\"' in an action at byte 7"},
        {"{{/* }}", "ERROR: template: unclosed comment at byte 2"},
        {"{{template \"x\"}}", "ERROR: template: 'template' is not supported"},
        {"{{break}}", "ERROR: template: 'break' is not supported"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void costly_templates_are_stopped(void **state)
{
    char deep[1000] = "";
    auto_free char *loops = NULL, *doubling = NULL, *nested = NULL;

    (void)state;
    for (size_t i = 0; i < 90; i++)
        memcpy(deep + i * 8, "{{if 1}}", 9);
    nested = run(deep);
    assert_string_equal(nested, "ERROR: template: nested deeper than 64 at byte 516");
    memset(deep, 0, sizeof(deep));
    /* 2^22 rounds of 22 nested lists of 2 */
    for (size_t i = 0; i < 23; i++)
        memcpy(deep + strlen(deep), "{{range $.Ports}}", 18);
    for (size_t i = 0; i < 23; i++)
        memcpy(deep + strlen(deep), "{{end}}", 8);
    loops = run(deep);
    assert_string_equal(loops, "ERROR: template: it takes too many steps");
    doubling =
        run("{{$x := \"0123456789abcdef\"}}{{range split \"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,"
            "16,17,18,19,20,21,22,23,24,25,26,27\" \",\"}}{{$x = print $x $x}}{{end}}");
    assert_string_equal(doubling, "ERROR: template: it makes more than 64 MiB");
}

static void tables_have_a_heading_and_tabs(void **state)
{
    static const struct tmpl_heading headings[] = {{"ID", "CONTAINER ID"},
                                                   {"CPUPerc", "CPU %"},
                                                   {"State.Pid", "PROCESS"}};
    static const struct {
        const char *template;
        bool is_table;
        const char *header;
    } cases[] = {
        {"table {{.ID}}\\t{{.CreatedAt}}", true, "CONTAINER ID\tCREATED AT"},
        {"table {{.ID}} {{.CPUPerc}}", true, "CONTAINER ID\tCPU %"},
        {"table {{json .State.Pid}} {{.State.Status}}", true, "PROCESS\tSTATUS"},
        {"table {{.Id | upper | printf \"%s\"}}{{\"\\t\"}}{{.IPAddress}}", true, "ID\tIP ADDRESS"},
        {"table {{if .Name}}{{.Name}}{{else}}-{{end}} {{range .Mounts}}{{.Src}}{{end}}", true,
         "NAME\tMOUNTS"},
        {"table {{$x := .ID}}{{upper (printf \"%s\" $x)}}{{.RepoTags_all}}", true, "REPO TAGS ALL"},
        {"{{.ID}} {{.Image}}", false, "CONTAINER ID IMAGE"},
        {"tablet", false, "tablet"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tmpl *t = tmpl_parse(cases[i].template, NULL);
        auto_free char *header = NULL;

        assert_non_null(t);
        assert_int_equal(tmpl_is_table(t), cases[i].is_table);
        header = tmpl_header(t, headings, ARRAY_LEN(headings));
        assert_string_equal(header, cases[i].header);
        tmpl_free(t);
    }
    {
        auto_free char *text = run("table {{.Name}} {{printf \"%s x\" .ID}}\\n");

        assert_string_equal(text, "web\t0123456789ab x\n");
    }
}

static void the_value_may_be_anything(void **state)
{
    static const struct {
        const char *json;
        const char *template;
        const char *text;
    } cases[] = {
        {"null", "{{.}}", "<no value>"},
        {"[1,[2]]", "{{.}}{{range .}}{{.}};{{end}}", "[1 [2]]1;[2];"},
        {"\"s\"", "{{.}}", "s"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_json *value = NULL;
        struct tmpl *t = tmpl_parse(cases[i].template, NULL);
        auto_free char *text = NULL;

        assert_int_equal(json_parse(cases[i].json, strlen(cases[i].json), 100, &value, NULL), 0);
        text = tmpl_run(t, value, NULL);
        assert_string_equal(text, cases[i].text);
        tmpl_free(t);
    }
    tmpl_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_print_as_in_go),
        cmocka_unit_test(control_structures_work),
        cmocka_unit_test(functions_work),
        cmocka_unit_test(printf_is_gos),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(costly_templates_are_stopped),
        cmocka_unit_test(tables_have_a_heading_and_tabs),
        cmocka_unit_test(the_value_may_be_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
