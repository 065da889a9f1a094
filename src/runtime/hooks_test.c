/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "base/strv.h"
#include "runtime/hooks.h"
#include "sys/file.h"

struct place {
    char path[64];
    int dir;
    struct oci_hooks hooks;
    struct oci_spec spec;
    struct hooks_container c;
};

static void place_open(struct place *p)
{
    *p = (struct place){.path = "/tmp/dhow-hooks-XXXXXX"};
    assert_non_null(mkdtemp(p->path));
    p->dir = sys_open(AT_FDCWD, p->path, O_RDONLY | O_DIRECTORY, 0);
    assert_true(p->dir >= 0);
    p->spec = (struct oci_spec){.oci_version = alloc_strdup("1.3.0"),
                                .hooks = alloc_new(struct oci_hooks)};
    strv_add(&p->spec.annotations, "key=value");
    p->c = (struct hooks_container){.spec = &p->spec, .id = "box", .bundle = p->path, .pid = 77};
}

static void place_close(struct place *p)
{
    oci_spec_done(&p->spec);
    fd_close(p->dir);
    assert_int_equal(sys_remove_tree(AT_FDCWD, p->path), 0);
}

static struct oci_hook *add(struct oci_hook_list *list, const char *script)
{
    struct oci_hook h = {.path = alloc_strdup("/bin/sh")};

    strv_add(&h.args, "sh");
    strv_add(&h.args, "-c");
    strv_add(&h.args, script);
    vec_push(list, h);
    return &list->items[list->len - 1];
}

static char *file_text(struct place *p, const char *name)
{
    char *text = NULL;
    size_t n;

    if (sys_read_file(p->dir, name, 1u << 20, &text, &n) < 0)
        fail_msg("no file '%s'", name);
    return text;
}

static void gives_the_state_and_the_bundle_in_order(void **state)
{
    auto_free char *order = NULL;
    auto_free char *seen = NULL;
    auto_free char *directory = NULL;
    auto_free char *real = NULL;
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    add(&p.spec.hooks->create_runtime, "cat >state; echo 1 >>order");
    add(&p.spec.hooks->create_runtime, "pwd -P >directory; echo 2 >>order");
    if (hooks_run_here(&p.c, HOOKS_CREATE_RUNTIME, &e) < 0)
        fail_msg("%s", e.msg);
    seen = file_text(&p, "state");
    order = file_text(&p, "order");
    directory = file_text(&p, "directory");
    real = alloc_printf("%s\n", p.path);
    assert_string_equal(order, "1\n2\n");
    assert_string_equal(directory, real);
    assert_non_null(strstr(seen, "\"ociVersion\":\"1.3.0\",\"id\":\"box\",\"status\":\"creating\","
                                 "\"pid\":77,\"bundle\":\"/tmp/dhow-hooks-"));
    assert_non_null(strstr(seen, "\"annotations\":{\"key\":\"value\"}"));
    place_close(&p);
}

static void says_in_each_stage_what_the_container_is(void **state)
{
    static const struct {
        enum hooks_stage stage;
        const char *part;
    } cases[] = {
        {HOOKS_PRESTART, "\"status\":\"created\",\"pid\":77"},
        {HOOKS_CREATE_RUNTIME, "\"status\":\"creating\",\"pid\":77"},
        {HOOKS_CREATE_CONTAINER, "\"status\":\"creating\",\"pid\":77"},
        {HOOKS_START_CONTAINER, "\"status\":\"created\",\"pid\":77"},
        {HOOKS_POSTSTART, "\"status\":\"running\",\"pid\":77"},
        {HOOKS_POSTSTOP, "\"status\":\"stopped\",\"bundle\""},
    };
    struct place p;

    (void)state;
    place_open(&p);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *text = hooks_state_text(&p.c, cases[i].stage);

        assert_false(hooks_has(&p.spec, cases[i].stage));
        if (!strstr(text, cases[i].part))
            fail_msg("no '%s' in '%s'", cases[i].part, text);
    }
    place_close(&p);
}

static void gives_no_environment_but_the_hooks_own(void **state)
{
    auto_free char *none = NULL;
    auto_free char *some = NULL;
    struct err e = {0};
    struct place p;
    struct oci_hook *h;

    (void)state;
    place_open(&p);
    setenv("DHOW_SECRET", "of ours", 1);
    h = add(&p.spec.hooks->prestart, "tr '\\0' '\\n' </proc/$$/environ >none");
    assert_null(h->env);
    h = add(&p.spec.hooks->prestart, "tr '\\0' '\\n' </proc/$$/environ >some");
    strv_add(&h->env, "A=b c");
    strv_add(&h->env, "PATH=/bin:/usr/bin");
    if (hooks_run_here(&p.c, HOOKS_PRESTART, &e) < 0)
        fail_msg("%s", e.msg);
    none = file_text(&p, "none");
    some = file_text(&p, "some");
    assert_string_equal(none, "");
    assert_string_equal(some, "A=b c\nPATH=/bin:/usr/bin\n");
    place_close(&p);
}

/* Not even what was left open for us by our caller. */
static void gives_no_descriptor_but_three(void **state)
{
    auto_free char *seen = NULL;
    struct err e = {0};
    struct place p;
    int left_open[2];

    (void)state;
    place_open(&p);
    assert_int_equal(pipe(left_open), 0);
    add(&p.spec.hooks->prestart, "for f in /proc/$$/fd/*; do printf '%s ' ${f##*/}; done >fds");
    if (hooks_run_here(&p.c, HOOKS_PRESTART, &e) < 0)
        fail_msg("%s", e.msg);
    seen = file_text(&p, "fds");
    /* The shell has a copy of its stdout, 10, while it writes to the file. */
    assert_true(str_starts_with(seen, "0 1 "));
    for (int i = 0; i < 2; i++) {
        auto_free char *number = alloc_printf(" %d ", left_open[i]);

        assert_null(strstr(seen, number));
        fd_close(left_open[i]);
    }
    place_close(&p);
}

static void tells_what_became_of_a_hook(void **state)
{
    static const struct {
        const char *script;
        enum err_kind kind;
        const char *msg;
    } cases[] = {
        {"exit 3", ERR_IO, "error running hook #1 of poststart: '/bin/sh': exit status 3"},
        {"echo first >&2; printf 'the\\033 last\\n\\n' >&2; exit 4", ERR_IO,
         "error running hook #1 of poststart: '/bin/sh': exit status 4, stderr: the\\x1b last"},
        {"echo only this; exit 5", ERR_IO,
         "error running hook #1 of poststart: '/bin/sh': exit status 5, stdout: only this"},
        {"kill -9 $$", ERR_IO, "error running hook #1 of poststart: '/bin/sh': signal 9 (killed)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct place p;

        place_open(&p);
        add(&p.spec.hooks->poststart, "true");
        add(&p.spec.hooks->poststart, cases[i].script);
        add(&p.spec.hooks->poststart, "echo >after");
        assert_int_equal(hooks_run_here(&p.c, HOOKS_POSTSTART, &e), -1);
        assert_string_equal(e.msg, cases[i].msg);
        assert_int_equal(e.kind, cases[i].kind);
        assert_int_equal(faccessat(p.dir, "after", F_OK, 0), -1);
        place_close(&p);
    }
}

static void tells_of_a_program_that_cannot_be_started(void **state)
{
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    add(&p.spec.hooks->prestart, "true");
    free(p.spec.hooks->prestart.items[0].path);
    p.spec.hooks->prestart.items[0].path = alloc_strdup("/nowhere/hook");
    assert_int_equal(hooks_run_here(&p.c, HOOKS_PRESTART, &e), -1);
    assert_string_equal(e.msg,
                        "error running hook #0 of prestart: '/nowhere/hook': No such file or "
                        "directory");
    place_close(&p);
}

static bool is_locked(struct place *p)
{
    auto_fd int fd = sys_open(p->dir, "lock", O_RDWR, 0);

    return sys_is_locked(fd) == 1;
}

/* The hook's children hold a lock: it is free when all of them are dead. */
static void kills_a_hook_and_its_group_at_the_timeout(void **state)
{
    struct err e = {0};
    struct place p;
    struct oci_hook *h;

    (void)state;
    place_open(&p);
    h = add(&p.spec.hooks->create_runtime,
            "python3 -c 'import fcntl, os, time; f = open(\"lock\", \"w\"); fcntl.lockf(f, "
            "fcntl.LOCK_EX); open(\"held\", \"w\"); time.sleep(1000)' & wait");
    h->timeout = (struct json_opt_i64){true, 1};
    strv_add(&h->env, "PATH=/usr/local/bin:/usr/bin:/bin");
    assert_int_equal(hooks_run_here(&p.c, HOOKS_CREATE_RUNTIME, &e), -1);
    assert_string_equal(e.msg, "error running hook #0 of createRuntime: '/bin/sh': hook ran past "
                               "specified timeout of 1.0s");
    assert_int_equal(e.kind, ERR_TIMEOUT);
    for (int i = 0; i < 1000 && is_locked(&p); i++)
        usleep(10000);
    assert_false(is_locked(&p));
    place_close(&p);
}

static void does_not_wait_for_what_a_hook_leaves_behind(void **state)
{
    auto_free char *pid = NULL;
    struct err e = {0};
    uint64_t number = 0;
    struct place p;

    (void)state;
    place_open(&p);
    add(&p.spec.hooks->prestart, "sleep 1000 & echo -n $! >pid");
    if (hooks_run_here(&p.c, HOOKS_PRESTART, &e) < 0)
        fail_msg("%s", e.msg);
    pid = file_text(&p, "pid");
    assert_int_equal(str_to_u64(pid, INT32_MAX, &number), 0);
    assert_int_equal(kill((pid_t)number, SIGKILL), 0);
    place_close(&p);
}

static void copes_with_much_that_is_written_and_never_read(void **state)
{
    auto_free char *value = alloc_zero(1, 300001);
    auto_free char *annotation = NULL;
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    memset(value, 'x', 300000);
    annotation = alloc_printf("big=%s", value);
    strv_add(&p.spec.annotations, annotation);
    add(&p.spec.hooks->prestart, "head -c 3000000 /dev/zero | tr '\\0' y; echo; echo end; exit 9");
    assert_int_equal(hooks_run_here(&p.c, HOOKS_PRESTART, &e), -1);
    assert_string_equal(e.msg,
                        "error running hook #0 of prestart: '/bin/sh': exit status 9, stdout: "
                        "end");
    place_close(&p);
}

static void goes_on_after_a_poststop_hook_that_fails(void **state)
{
    auto_free char *seen = NULL;
    auto_strv warnings = NULL;
    struct place p;

    (void)state;
    place_open(&p);
    add(&p.spec.hooks->poststop, "exit 1");
    add(&p.spec.hooks->poststop, "echo -n ran >second");
    hooks_run_all(&p.c, HOOKS_POSTSTOP, &warnings);
    assert_int_equal(strv_len(warnings), 1);
    assert_string_equal(warnings[0], "error running hook #0 of poststop: '/bin/sh': exit status 1");
    seen = file_text(&p, "second");
    assert_string_equal(seen, "ran");
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_state_and_the_bundle_in_order),
        cmocka_unit_test(says_in_each_stage_what_the_container_is),
        cmocka_unit_test(gives_no_environment_but_the_hooks_own),
        cmocka_unit_test(gives_no_descriptor_but_three),
        cmocka_unit_test(tells_what_became_of_a_hook),
        cmocka_unit_test(tells_of_a_program_that_cannot_be_started),
        cmocka_unit_test(kills_a_hook_and_its_group_at_the_timeout),
        cmocka_unit_test(does_not_wait_for_what_a_hook_leaves_behind),
        cmocka_unit_test(copes_with_much_that_is_written_and_never_read),
        cmocka_unit_test(goes_on_after_a_poststop_hook_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
