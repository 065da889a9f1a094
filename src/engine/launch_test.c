/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/engine_internal.h"

/* The last two are NULL when the call must fail. */
static void capabilities_are_added_and_dropped(void **state)
{
    static const struct {
        const char *add, *drop, *has, *has_not;
    } rows[] = {
        {"", "", "CAP_CHOWN", "CAP_SYS_ADMIN"},
        {"net_admin", "", "CAP_NET_ADMIN", "CAP_SYS_ADMIN"},
        {"CAP_SYS_PTRACE", "", "CAP_SYS_PTRACE", "CAP_NET_ADMIN"},
        {"", "chown", "CAP_KILL", "CAP_CHOWN"},
        {"kill", "all", "CAP_KILL", "CAP_CHOWN"},
        {"", "ALL", NULL, "CAP_CHOWN"},
        {"all", "sys_module", "CAP_CHOWN", "CAP_SYS_MODULE"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct engine_options o = {.cap_add = strv_split(rows[i].add, ','),
                                   .cap_drop = strv_split(rows[i].drop, ',')};
        auto_strv caps = NULL;
        struct err e = {0};

        assert_int_equal(launch_capabilities(&o, &caps, &e), 0);
        if (rows[i].has)
            assert_true(strv_has(caps, rows[i].has));
        assert_false(strv_has(caps, rows[i].has_not));
        strv_free(o.cap_add);
        strv_free(o.cap_drop);
    }
}

static void an_unknown_capability_is_refused_by_name(void **state)
{
    char *add[] = {(char *)"CAP_NOPE", NULL};
    struct engine_options o = {.cap_add = add};
    auto_strv caps = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(launch_capabilities(&o, &caps, &e), -1);
    assert_int_equal(e.kind, ERR_INVALID);
    assert_string_equal(e.msg, "unknown capability to add: 'CAP_NOPE'");
    assert_null(caps);
}

static void cgroup_paths_are_beneath_their_parent(void **state)
{
    static const struct {
        const char *parent, *path;
    } rows[] = {{NULL, "/dhow/x"},
                {"", "/dhow/x"},
                {"/a", "/a/x"},
                {"a/b/", "/a/b/x"},
                {"/a//", "/a/x"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct engine_options o = {.cgroup_parent = (char *)(uintptr_t)rows[i].parent};
        auto_free char *path = launch_cgroup_path(&o, "x");

        assert_string_equal(path, rows[i].path);
    }
}

static const struct oci_mount *mount_at(const struct oci_spec *spec, const char *destination,
                                        size_t *ret_n)
{
    const struct oci_mount *found = NULL;

    *ret_n = 0;
    VEC_FOREACH (m, &spec->mounts) {
        if (str_equal(m->destination, destination)) {
            found = m;
            ++*ret_n;
        }
    }
    return found;
}

static void a_volume_replaces_the_base_mount_and_parents_come_first(void **state)
{
    struct launch l = {0};
    struct err e = {0};
    size_t n, deep = 0, shallow = 0;

    (void)state;
    vec_push(&l.options.volumes,
             ((struct engine_volume){alloc_strdup("/etc"), alloc_strdup("/a/b/c"),
                                     strv_split("ro,z", ',')}));
    vec_push(&l.options.volumes,
             ((struct engine_volume){alloc_strdup("/etc"), alloc_strdup("/a"), NULL}));
    vec_push(&l.options.volumes,
             ((struct engine_volume){alloc_strdup("/etc"), alloc_strdup("/dev/shm"), NULL}));
    assert_int_equal(launch_add_mounts(&l, &e), 0);
    assert_string_equal(mount_at(&l.spec, "/dev/shm", &n)->type, "bind");
    assert_int_equal(n, 1);
    assert_true(strv_has(mount_at(&l.spec, "/a/b/c", &n)->options, "ro"));
    assert_false(strv_has(mount_at(&l.spec, "/a/b/c", &n)->options, "z"));
    for (size_t i = 0; i < l.spec.mounts.len; i++) {
        deep = str_equal(l.spec.mounts.items[i].destination, "/a/b/c") ? i : deep;
        shallow = str_equal(l.spec.mounts.items[i].destination, "/a") ? i : shallow;
    }
    assert_true(shallow < deep);
    launch_done(&l);
}

static void options_survive_their_storage(void **state)
{
    struct engine_options o = {.has_entrypoint = true,
                               .network = ENGINE_NETWORK_HOST,
                               .memory = {true, 64 << 20}};
    struct store_container row = {.id = alloc_strdup("x")};
    struct engine_options back = {0};
    struct err e = {0};

    (void)state;
    o.name = alloc_strdup("n\"\n");
    strv_add(&o.env, "A=b=c");
    vec_push(&o.ulimits, ((struct engine_ulimit){alloc_strdup("nofile"), 1, UINT64_MAX}));
    row.options = json_encode_text(&engine_options_json, &o);
    assert_int_equal(options_load(&row, &back, &e), 0);
    assert_string_equal(back.name, "n\"\n");
    assert_string_equal(back.env[0], "A=b=c");
    assert_true(back.has_entrypoint);
    assert_int_equal(back.network, ENGINE_NETWORK_HOST);
    assert_int_equal(back.memory.value, 64 << 20);
    assert_true(back.ulimits.items[0].hard == UINT64_MAX);
    engine_options_done(&o);
    engine_options_done(&back);
    store_container_done(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities_are_added_and_dropped),
        cmocka_unit_test(an_unknown_capability_is_refused_by_name),
        cmocka_unit_test(cgroup_paths_are_beneath_their_parent),
        cmocka_unit_test(a_volume_replaces_the_base_mount_and_parents_come_first),
        cmocka_unit_test(options_survive_their_storage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
