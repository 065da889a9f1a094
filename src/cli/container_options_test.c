/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/container_options.h"

static const struct option *const sets[] = {container_option_rows,
                                            pull_option_rows,
                                            container_unsupported_rows,
                                            container_unsupported_run_rows,
                                            pull_unsupported_rows,
                                            NULL};
static const struct command command = {.name = "run",
                                       .args = "IMAGE",
                                       .min_args = 1,
                                       .max_args = -1,
                                       .flags = COMMAND_STOP_AT_ARG,
                                       .option_sets = sets};
static char home[] = "HOME=/root";
static char lang[] = "LANG=C";
static char *const host_env[] = {home, lang, NULL};

/* The line, split at blanks, as engine options. */
static int resolve(const char *line, struct engine_options *ret, struct err *e)
{
    struct container_flags f = {0};
    bool help;
    auto_strv args = NULL;
    auto_strv words = strv_split(line, ' ');
    int r = command_parse(&command, (int)strv_len(words), words, &f, &args, &help, e);
    if (r == 0)
        r = container_options_resolve(&f, args, host_env, ret, e);
    command_options_done(&command, &f);
    return r;
}

static const struct {
    const char *line;
    enum err_kind kind;
    const char *msg; /* a part of it */
} refused[] = {
    {"--network bridge x", ERR_UNSUPPORTED, "--network bridge is not supported yet"},
    {"--network none --net host x", ERR_INVALID, "exclude each other"},
    {"--pid container:a x", ERR_UNSUPPORTED, "--pid container:a is not supported yet"},
    {"--ipc shareable x", ERR_UNSUPPORTED, "--ipc shareable"},
    {"--userns auto x", ERR_UNSUPPORTED, "--userns auto"},
    {"--uts host --hostname a x", ERR_INVALID, "--hostname cannot be set"},
    {"-m 1m x", ERR_INVALID, "the minimum memory limit is 4 MiB"},
    {"--memory-swap 64m x", ERR_INVALID, "--memory-swap needs --memory"},
    {"-m 64m --memory-swap 32m x", ERR_INVALID, "--memory-swap must not be less"},
    {"-m 64m --memory-reservation 65m x", ERR_INVALID, "--memory-reservation must not be more"},
    {"--cpus 1 --cpu-quota 5000 x", ERR_INVALID, "--cpus excludes"},
    {"--cpus x x", ERR_INVALID, "--cpus 'x' is not a number of CPUs"},
    {"--cpu-period 999 x", ERR_INVALID, "--cpu-period must be from 1000 to 1000000"},
    {"--cpu-quota 999 x", ERR_INVALID, "--cpu-quota must be at least 1000"},
    {"--cpu-shares 1 x", ERR_INVALID, "--cpu-shares must be at least 2"},
    {"--cpuset-cpus 3-1 x", ERR_INVALID, "--cpuset-cpus '3-1' is not a list"},
    {"--cpuset-mems a x", ERR_INVALID, "--cpuset-mems 'a' is not a list"},
    {"--pids-limit -2 x", ERR_INVALID, "--pids-limit must be -1 or more"},
    {"--oom-score-adj 1001 x", ERR_INVALID, "--oom-score-adj must be from"},
    {"--shm-size 0 x", ERR_INVALID, "--shm-size must be more than 0"},
    {"--workdir a x", ERR_INVALID, "working directory 'a' is not an absolute path"},
    {"--stop-signal NOPE x", ERR_INVALID, "invalid signal 'NOPE'"},
    {"--log-driver journald x", ERR_UNSUPPORTED, "--log-driver journald is not supported yet"},
    {"--restart always x", ERR_UNSUPPORTED, "--restart always is not supported yet"},
    {"-e =a x", ERR_INVALID, "environment variable '=a' has no name"},
    {"--annotation a x", ERR_INVALID, "annotation 'a' is not KEY=VALUE"},
    {"--label =a x", ERR_INVALID, "label '=a' is not KEY=VALUE"},
    {"--sysctl kernel.panic=1 x", ERR_INVALID, "sysctl 'kernel.panic' is not of a namespace"},
    {"--network host --sysctl net.a=1 x", ERR_INVALID, "cannot be set with --network host"},
    {"--ipc host --sysctl fs.mqueue.a=1 x", ERR_INVALID, "cannot be set with --ipc host"},
    {"--group-add keep-groups x", ERR_UNSUPPORTED, "--group-add keep-groups"},
    {"-v /a:/b --tmpfs /b x", ERR_INVALID, "duplicate mount destination '/b'"},
    {"--env-file /nowhere/at/all x", ERR_NOT_FOUND, "--env-file: open '/nowhere/at/all'"},
    {"--gpus all x", ERR_UNSUPPORTED, "--gpus is not supported yet"},
    {"-P x", ERR_UNSUPPORTED, "--publish-all is not supported yet"},
};

static void refuses_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err e = {0};
        struct engine_options o;
        if (resolve(refused[i].line, &o, &e) == 0)
            fail_msg("'%s' was accepted", refused[i].line);
        if (!strstr(e.msg, refused[i].msg))
            fail_msg("'%s': '%s'", refused[i].line, e.msg);
        assert_int_equal(e.kind, refused[i].kind);
    }
}

static void resolves_the_process(void **state)
{
    struct err e = {0};
    struct engine_options o;
    (void)state;
    assert_int_equal(resolve("-it --rm -e A=1 -e HOME -e NOT_THERE -e A=2 -w /w -u 1:2 --name n "
                             "--label k --label k=v --stop-signal INT --stop-timeout 3 img sh -c x",
                             &o, &e),
                     0);
    auto_free char *env = strv_join(o.env, "|");
    auto_free char *command_text = strv_join(o.command, "|");
    auto_free char *labels = strv_join(o.labels, "|");
    assert_string_equal(env, "A=2|HOME=/root");
    assert_string_equal(command_text, "sh|-c|x");
    assert_string_equal(labels, "k=v");
    assert_string_equal(o.image, "img");
    assert_string_equal(o.workdir, "/w");
    assert_string_equal(o.user, "1:2");
    assert_true(o.interactive && o.tty && o.auto_remove);
    assert_false(o.has_entrypoint || o.privileged || o.read_only);
    assert_int_equal(o.stop_timeout.value, 3);
    engine_options_done(&o);
}

static void resolves_resources_and_namespaces(void **state)
{
    struct err e = {0};
    struct engine_options o;
    (void)state;
    assert_int_equal(resolve("-m 64m --memory-swap -1 --cpus 1.5 --pids-limit 0 --shm-size 1m "
                             "--net host --pid host --ipc none --uts private --userns host "
                             "--security-opt no-new-privileges --security-opt label=disable "
                             "--ulimit nofile=1:2 --ulimit nofile=3 --cap-add a,b --restart no img",
                             &o, &e),
                     0);
    assert_int_equal(o.memory.value, 64 << 20);
    assert_int_equal(o.memory_swap.value, -1);
    assert_int_equal(o.nano_cpus.value, 1500000000);
    assert_int_equal(o.pids_limit.value, -1);
    assert_int_equal(o.shm_size.value, 1 << 20);
    assert_int_equal(o.network, ENGINE_NETWORK_HOST);
    assert_string_equal(o.pid, "host");
    assert_string_equal(o.ipc, "none");
    assert_null(o.uts);
    assert_null(o.userns);
    assert_true(o.no_new_privileges);
    assert_int_equal(o.ulimits.len, 1);
    assert_int_equal(o.ulimits.items[0].soft, 3);
    assert_int_equal(strv_len(o.cap_add), 2);
    assert_false(o.cpu_quota.is_set || o.cpu_shares.is_set);
    engine_options_done(&o);
}

static void parses_volumes(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* NULL: refused */
    } rows[] = {
        {"/a:/b", "/a /b "},
        {"/a:/b:ro,z,rslave", "/a /b ro,z,rslave"},
        {"/a:/b:ro,rw", NULL},
        {"/a:/b:z,Z", NULL},
        {"/a:/b:shared,rprivate", NULL},
        {"/a:/b:what", NULL},
        {"/a:/b:U", NULL},
        {"/a:/b:ro:x", NULL},
        {"/a:b", NULL},
        {"/a:/", NULL},
        {"./a:/b", NULL},
        {"data:/b", NULL},
        {"/a", NULL},
        {":/b", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        struct engine_volume v = {0};
        int r = container_volume_parse(rows[i].text, &v, &e);
        if ((r == 0) != !!rows[i].expected)
            fail_msg("'%s': %d %s", rows[i].text, r, e.msg);
        if (r < 0)
            continue;
        auto_free char *options = strv_join(v.options, ",");
        auto_free char *text = alloc_printf("%s %s %s", v.source, v.destination, options);
        assert_string_equal(text, rows[i].expected);
        container_volume_done(&v);
    }
}

static void parses_mounts(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* NULL: refused */
    } rows[] = {
        {"type=bind,source=/a,target=/b", "/a:/b:"},
        {"type=bind,src=/a,dst=/b,readonly", "/a:/b:ro"},
        {"type=bind,src=/a,destination=/b,ro=false,bind-propagation=rshared", "/a:/b:rw,rshared"},
        {"type=bind,src=/a,target=/b,bind-nonrecursive", "/a:/b:bind"},
        {"type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=755", "tmpfs /t:size=1m,mode=755"},
        {"type=tmpfs,target=/t", "tmpfs /t"},
        {"type=tmpfs,target=/t,source=/a", NULL},
        {"type=bind,target=/b", NULL},
        {"type=bind,source=/a", NULL},
        {"type=bind,source=/a,target=", NULL},
        {"type=volume,source=a,target=/b", NULL},
        {"source=a,target=/b", NULL},
        {"type=bind,source=/a,target=/b,nope", NULL},
        {"type=bind,source=/a,target=/b,ro=maybe", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        struct engine_options o = {0};
        int r = container_mount_parse(rows[i].text, &o, &e);
        if ((r == 0) != !!rows[i].expected)
            fail_msg("'%s': %d %s", rows[i].text, r, e.msg);
        if (r == 0 && o.volumes.len == 1) {
            const struct engine_volume *v = o.volumes.items;
            auto_free char *options = strv_join(v->options, ",");
            auto_free char *text = alloc_printf("%s:%s:%s", v->source, v->destination, options);
            assert_string_equal(text, rows[i].expected);
        } else if (r == 0) {
            auto_free char *text = alloc_printf("tmpfs %s", o.tmpfs[0]);
            assert_string_equal(text, rows[i].expected);
        }
        engine_options_done(&o);
    }
}

static void parses_entrypoints(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* NULL: refused */
    } rows[] = {
        {"/bin/sh", "/bin/sh"},
        {"a b", "a b"},
        {"[\"a\",\"b c\"]", "a|b c"},
        {"[]", ""},
        {"", ""},
        {"[1]", NULL},
        {"[\"a\"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        auto_strv words = NULL;
        int r = container_entrypoint_parse(rows[i].text, &words, &e);
        if ((r == 0) != !!rows[i].expected)
            fail_msg("'%s': %d %s", rows[i].text, r, e.msg);
        auto_free char *text = strv_join(words, "|");
        if (r == 0)
            assert_string_equal(text, rows[i].expected);
    }
}

static void parses_ulimits(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
        uint64_t soft;
        uint64_t hard;
    } rows[] = {
        {"nofile=10", true, 10, 10},
        {"nofile=10:20", true, 10, 20},
        {"core=-1", true, UINT64_MAX, UINT64_MAX},
        {"core=0:unlimited", true, 0, UINT64_MAX},
        {"nofile=20:10", false, 0, 0},
        {"nofile=-1:10", false, 0, 0},
        {"nofile", false, 0, 0},
        {"nofile=", false, 0, 0},
        {"nofile=1:2:3", false, 0, 0},
        {"files=1", false, 0, 0},
        {"host", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        struct engine_ulimit u = {0};
        int r = container_ulimit_parse(rows[i].text, &u, &e);
        if ((r == 0) != rows[i].is_good)
            fail_msg("'%s': %d %s", rows[i].text, r, e.msg);
        assert_int_equal(u.soft, rows[i].soft);
        assert_int_equal(u.hard, rows[i].hard);
        free(u.name);
    }
}

static void parses_cpus(void **state)
{
    static const struct {
        const char *text;
        int64_t nano; /* -1: refused */
    } rows[] = {
        {"1", 1000000000},  {"0.5", 500000000},   {".25", 250000000},
        {"2.", 2000000000}, {"0.000", 0},         {"1.123456789", 1123456789},
        {"-1", -1},         {"1e3", -1},          {"", -1},
        {".", -1},          {"1.1234567890", -1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t nano = -1;
        int r = container_cpus_parse(rows[i].text, &nano, NULL);
        if ((r == 0) != (rows[i].nano >= 0))
            fail_msg("'%s': %d", rows[i].text, r);
        assert_int_equal(nano, rows[i].nano);
    }
}

static void checks_devices(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        {"/dev/fuse", true},
        {"/dev/fuse:/dev/x", true},
        {"/dev/fuse:rw", true},
        {"/dev/fuse:/dev/x:rwm", true},
        {"/dev/fuse:rr", false},
        {"/dev/fuse:/dev/x:q", false},
        {"fuse", false},
        {"/a:/b:r:w", false},
        {"nvidia.com/gpu=all", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((container_device_check(rows[i].text, NULL) == 0) != rows[i].is_good)
            fail_msg("'%s'", rows[i].text);
    }
}

static void takes_security_options(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind; /* ERR_NONE: accepted */
    } rows[] = {
        {"no-new-privileges", ERR_NONE},
        {"no-new-privileges:true", ERR_NONE},
        {"no-new-privileges=x", ERR_INVALID},
        {"seccomp=unconfined", ERR_NONE},
        {"seccomp=/nowhere/p.json", ERR_NOT_FOUND},
        {"seccomp=", ERR_INVALID},
        {"label=disable", ERR_NONE},
        {"label=type:x", ERR_UNSUPPORTED},
        {"apparmor=unconfined", ERR_NONE},
        {"apparmor=p", ERR_UNSUPPORTED},
        {"unmask=all", ERR_UNSUPPORTED},
        {"nope", ERR_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        struct engine_options o = {0};
        (void)container_security_opt(rows[i].text, &o, &e);
        if (e.kind != rows[i].kind)
            fail_msg("'%s': %s", rows[i].text, e.msg);
        engine_options_done(&o);
    }
}

static void reads_env_files(void **state)
{
    char path[] = "/tmp/dhow-env-XXXXXX";
    static const char text[] = "# comment\n  A=1\n\nHOME\r\nB=x y\n";
    auto_strv env = NULL;
    struct err e = {0};
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    int r = container_env_file(path, host_env, &env, &e);
    unlink(path);
    auto_free char *joined = strv_join(env, "|");
    assert_int_equal(r, 0);
    assert_string_equal(joined, "A=1|HOME=/root|B=x y");
}

/* Each row's name and letter is once in the tables of a command: a second would never be reached.
 */
static void has_no_name_twice(void **state)
{
    auto_strv seen = NULL;
    (void)state;
    for (const struct option *const *s = sets; *s; s++) {
        for (const struct option *o = *s; o->name; o++) {
            auto_free char *letter = alloc_printf("-%c", o->letter);
            if (strv_has(seen, o->name) || (o->letter && strv_has(seen, letter)))
                fail_msg("--%s or its letter is there twice", o->name);
            strv_add(&seen, o->name);
            if (o->letter)
                strv_add(&seen, letter);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_a_reason),
        cmocka_unit_test(resolves_the_process),
        cmocka_unit_test(resolves_resources_and_namespaces),
        cmocka_unit_test(parses_volumes),
        cmocka_unit_test(parses_mounts),
        cmocka_unit_test(parses_entrypoints),
        cmocka_unit_test(parses_ulimits),
        cmocka_unit_test(parses_cpus),
        cmocka_unit_test(checks_devices),
        cmocka_unit_test(takes_security_options),
        cmocka_unit_test(reads_env_files),
        cmocka_unit_test(has_no_name_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
