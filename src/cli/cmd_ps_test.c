/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"
#include "base/tmpl.h"
#include "cli/cmd_images.h"
#include "cli/cmd_ps.h"

#define S   INT64_C(1000000000)
#define NOW (INT64_C(1700000000) * S)
#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct engine_summary summary(void)
{
    struct engine_summary s = {
        .id = strdup(ID),
        .name = strdup("web"),
        .image = strdup("localhost/busybox:latest"),
        .image_id = strdup(ID),
        .created_ns = NOW - 180 * S,
        .status = {.state = ENGINE_RUNNING, .pid = 42, .started_ns = NOW - 120 * S},
        .status_text = strdup("Up 2 minutes"),
        .auto_remove = true,
    };
    strv_add(&s.command, "sh");
    strv_add(&s.command, "-c");
    strv_add(&s.command, "echo a longer line");
    strv_add(&s.labels, "k=v=w");
    strv_add(&s.mounts, "/data");
    return s;
}

static void summary_done(struct engine_summary *s)
{
    engine_summary_list l = {0};
    vec_push(&l, *s);
    engine_summary_list_done(&l);
}

static char *render(const char *text, struct json_object *o)
{
    struct err e = {0};
    struct tmpl *t = tmpl_parse(text, &e);
    assert_non_null(t);
    char *out = tmpl_run(t, o, &e);
    tmpl_free(t);
    return out;
}

static void ps_fields_have_podmans_and_dockers_names(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        {"{{.ID}}", "0123456789ab"},
        {"{{.Names}} {{.Image}} {{.State}}", "web localhost/busybox:latest running"},
        {"{{.Command}}", "sh -c echo a long..."},
        {"{{.RunningFor}}|{{.Created}}|{{.Status}}", "3 minutes ago|3 minutes ago|Up 2 minutes"},
        {"{{.CreatedAt}}", "2023-11-14 22:10:20 +0000 UTC"},
        {"{{.Labels.k}}{{.Ports}}", "v=w"},
        {"{{.Pid}} {{.PID}} {{.ExitCode}} {{.Exited}} {{.AutoRemove}}", "42 42 0 false true"},
        {"{{index .Mounts 0}}", "/data"},
        {"{{.Nope}}", NULL},
    };
    struct engine_summary s = summary();
    (void)state;
    auto_json *o = ps_row(&s, NOW, false);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *text = render(rows[i].text, o);
        if (rows[i].expected)
            assert_string_equal(text, rows[i].expected);
        else
            assert_null(text);
    }
    auto_json *whole = ps_row(&s, NOW, true);
    auto_free char *text = render("{{.ID}} {{.Command}}", whole);
    assert_string_equal(text, ID " sh -c echo a longer line");
    summary_done(&s);
}

/* The default table must be made of fields that are there. */
static void ps_table_renders(void **state)
{
    struct engine_summary s = summary();
    (void)state;
    auto_json *o = ps_row(&s, NOW, false);
    auto_free char *text = render(ps_table, o);
    assert_string_equal(text, "0123456789ab\tlocalhost/busybox:latest\tsh -c echo a long...\t"
                              "3 minutes ago\tUp 2 minutes\t\tweb");
    summary_done(&s);
}

static void ps_json_has_podmans_keys(void **state)
{
    static const char *const keys[] = {
        "AutoRemove", "Command", "CreatedAt", "Exited", "ExitedAt", "ExitCode", "Id",  "Image",
        "ImageID",    "IsInfra", "Labels",    "Mounts", "Names",    "Networks", "Pid", "Pod",
        "PodName",    "Ports",   "StartedAt", "State",  "Status",   "Created",
    };
    struct engine_summary s = summary();
    struct json_object *value;
    (void)state;
    auto_json *o = ps_json(&s, NOW);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!json_object_object_get_ex(o, keys[i], &value))
            fail_msg("%s is not there", keys[i]);
    }
    auto_free char *text = render("{{.Id}} {{len .Command}} {{index .Names 0}} {{.Created}} "
                                  "{{.StartedAt}} {{.ExitedAt}}",
                                  o);
    assert_string_equal(text, ID " 3 web 1699999820 1699999880 -62135596800");
    summary_done(&s);
}

static void image_names_fit_from_their_end(void **state)
{
    static const struct {
        const char *wanted;
        const char *name;
        bool fits;
    } rows[] = {
        {"busybox", "docker.io/library/busybox:latest", true},
        {"library/busybox", "docker.io/library/busybox:1", true},
        {"busybox:1", "docker.io/library/busybox:1", true},
        {"busybox:2", "docker.io/library/busybox:1", false},
        {"box", "docker.io/library/busybox:1", false},
        {"docker.io/library/busybox", "docker.io/library/busybox:1", true},
        {"localhost:5000/a", "localhost:5000/a:1", true},
        {"a", "localhost:5000/a:1", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (images_name_fits(rows[i].wanted, rows[i].name) != rows[i].fits)
            fail_msg("'%s' and '%s'", rows[i].wanted, rows[i].name);
    }
    assert_true(images_reference_fits("busy*", "docker.io/library/busybox:1"));
    assert_true(images_reference_fits("*:1", "docker.io/library/busybox:1"));
    assert_true(images_reference_fits("busybox", "docker.io/library/busybox:1"));
    assert_false(images_reference_fits("busybox:2", "docker.io/library/busybox:1"));
    assert_false(images_reference_fits("usy*", "docker.io/library/busybox:1"));
}

static void image_rows_have_dockers_names(void **state)
{
    char id[] = ID;
    char digest[] = "sha256:" ID;
    struct store_image i = {.id = id,
                            .manifest_digest = digest,
                            .created_ns = NOW - 86400 * 21 * S,
                            .size_bytes = 4261550};
    (void)state;
    strv_add(&i.names, "localhost:5000/a/b:1");
    auto_json *named = images_row(&i, i.names[0], NOW, false);
    auto_json *nameless = images_row(&i, NULL, NOW, true);
    auto_json *json = images_json(&i, NULL, 2);
    auto_free char *a =
        render("{{.Repository}} {{.Tag}} {{.ID}} {{.CreatedSince}} {{.Size}}", named);
    auto_free char *b = render("{{.Repository}} {{.Tag}} {{.ID}} {{.Digest}}", nameless);
    auto_free char *c = render("{{index .RepoTags 0}} {{index .RepoDigests 0}} {{.Size}} "
                               "{{.Containers}} {{.Created}}",
                               json);
    assert_string_equal(a, "localhost:5000/a/b 1 0123456789ab 3 weeks ago 4.26 MB");
    assert_string_equal(b, "<none> <none> sha256:" ID " sha256:" ID);
    assert_string_equal(c, "localhost:5000/a/b:1 localhost:5000/a/b@sha256:" ID
                           " 4261550 2 1698185600");
    strv_free(i.names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ps_fields_have_podmans_and_dockers_names),
        cmocka_unit_test(ps_table_renders),
        cmocka_unit_test(ps_json_has_podmans_keys),
        cmocka_unit_test(image_names_fit_from_their_end),
        cmocka_unit_test(image_rows_have_dockers_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
