/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/testing.h"

static void a_container_is_found_by_id_name_and_prefix(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    struct store_container c = test_container(0, 0), found = {0};
    auto_free char *prefix = NULL;
    struct err e = {0};

    (void)state;
    memcpy(c.id, "abc1", 4);
    test_ok(store_container_add(s, &c, &e));
    memcpy(c.id, "abc2", 4);
    free(c.name);
    c.name = alloc_strdup("abc1f"); /* a name that is nobody's prefix */
    test_ok(store_container_add(s, &c, &e));
    memcpy(c.id, "def3", 4);
    free(c.name);
    c.name = alloc_strdup("abc1"); /* a name that is another's prefix */
    test_ok(store_container_add(s, &c, &e));
    free(c.name);
    c.name = alloc_strdup(c.id); /* a name that is another's id */
    memcpy(c.id, "fff4", 4);
    test_ok(store_container_add(s, &c, &e));

    static const struct {
        const char *typed;
        const char *id; /* its begin; NULL: an error */
        enum err_kind kind;
    } rows[] = {
        {"abc1", "def3", ERR_NONE},     {"abc1f", "abc2", ERR_NONE},  {"abc10", "abc1", ERR_NONE},
        {"abc2", "abc2", ERR_NONE},     {"d", "def3", ERR_NONE},      {"abc", NULL, ERR_INVALID},
        {"", NULL, ERR_INVALID},        {"xyz", NULL, ERR_NOT_FOUND}, {"ABC2", NULL, ERR_NOT_FOUND},
        {"abc2%", NULL, ERR_NOT_FOUND}, {"e", NULL, ERR_NOT_FOUND},   {"fff4", "fff4", ERR_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int r = store_container_find(s, rows[i].typed, &found, &e);

        if (rows[i].id ? r < 0 || strncmp(found.id, rows[i].id, 4) != 0
                       : r == 0 || e.kind != rows[i].kind)
            fail_msg("'%s' gave %s", rows[i].typed, r < 0 ? e.msg : found.id);
        store_container_done(&found);
    }
    test_ok(store_container_find(s, c.name, &found, &e)); /* the id goes before the name */
    assert_memory_equal(found.id, "def3", 4);
    store_container_done(&found);
    store_container_done(&c);
    store_close(s);
    test_root_free(root);
}

static void every_field_is_kept(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    struct store_container c = test_container(1, 0), found = {0};
    struct err e = {0};

    (void)state;
    c.started_ns = 5;
    c.finished_ns = INT64_MAX;
    c.exit_code = -1;
    c.oom_killed = c.auto_remove = true;
    c.error = alloc_strdup("it's \"odd\"\n");
    test_ok(store_container_add(s, &c, &e));
    store_close(s);
    s = test_open(root, STORE_READ);
    test_ok(store_container_find(s, "name1", &found, &e));
    assert_string_equal(found.id, c.id);
    assert_string_equal(found.name, c.name);
    assert_null(found.image_id);
    assert_string_equal(found.image_name, c.image_name);
    assert_string_equal(found.options, c.options);
    assert_int_equal(found.created_ns, 1);
    assert_int_equal(found.started_ns, 5);
    assert_int_equal(found.finished_ns, INT64_MAX);
    assert_int_equal(found.exit_code, -1);
    assert_true(found.oom_killed && found.auto_remove);
    assert_string_equal(found.error, c.error);
    store_container_done(&found);
    store_container_done(&c);
    store_close(s);
    test_root_free(root);
}

static void start_and_end_are_recorded(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    const char *id = alloc_strdup(test_hex(1).text);
    struct store_container c = {0};
    struct err e = {0};

    (void)state;
    test_ok(test_create(s, 1, 0, &e));
    test_ok(store_container_set_started(s, id, 100, &e));
    test_ok(store_container_set_finished(s, id, 200, 137, true, "out of memory", &e));
    test_ok(store_container_find(s, id, &c, &e));
    assert_int_equal(c.started_ns, 100);
    assert_int_equal(c.finished_ns, 200);
    assert_int_equal(c.exit_code, 137);
    assert_true(c.oom_killed);
    assert_string_equal(c.error, "out of memory");
    store_container_done(&c);
    test_ok(store_container_set_started(s, id, 300, &e)); /* forgets the run before */
    test_ok(store_container_find(s, id, &c, &e));
    assert_int_equal(c.started_ns, 300);
    assert_int_equal(c.finished_ns, 0);
    assert_int_equal(c.exit_code, 0);
    assert_false(c.oom_killed);
    assert_null(c.error);
    store_container_done(&c);
    free((void *)id);
    store_close(s);
    test_root_free(root);
}

static void conflicts_and_missing_rows_are_named(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    struct test_id one = test_hex(1), two = test_hex(2), none = test_hex(3);
    struct store_container twin = test_container(3, 0);
    struct err e = {0};

    (void)state;
    test_ok(test_create(s, 1, 0, &e));
    test_ok(test_create(s, 2, 0, &e));
    free(twin.name);
    twin.name = alloc_strdup("name1");
    assert_int_equal(store_container_add(s, &twin, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "'name1' is already in use"));
    assert_non_null(strstr(e.msg, one.text));
    assert_int_equal(store_container_rename(s, two.text, "name1", &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_int_equal(store_container_rename(s, none.text, "name9", &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    test_ok(store_container_rename(s, two.text, "name2", &e)); /* its own name */
    test_ok(store_container_rename(s, two.text, "other", &e));
    assert_int_equal(store_container_set_started(s, none.text, 1, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(store_container_set_finished(s, none.text, 1, 0, false, NULL, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    twin.image_id = alloc_strdup(test_hex(77).text);
    free(twin.name);
    twin.name = alloc_strdup("name3");
    assert_int_equal(store_container_add(s, &twin, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND); /* its image went meanwhile */
    test_consistent(s);
    store_container_done(&twin);
    store_close(s);
    test_root_free(root);
}

static void lists_are_newest_first_and_removal_is_whole(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    store_container_list l = {0};
    struct err e = {0};

    (void)state;
    for (unsigned i = 1; i <= 3; i++)
        test_ok(test_create(s, i, 0, &e));
    test_ok(store_container_list_all(s, &l, &e));
    assert_int_equal(l.len, 3);
    assert_string_equal(l.items[0].name, "name3");
    assert_string_equal(l.items[2].name, "name1");
    store_container_list_done(&l);
    test_ok(store_container_remove(s, test_hex(2).text, &e));
    assert_int_equal(test_entries(s, "containers"), 2);
    test_ok(store_container_remove(s, test_hex(2).text, &e)); /* nothing is left to do */
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

static void ids_are_no_paths(void **state)
{
    static const char *const ids[] = {"", ".", "..", "../layers", "/etc", "abc"};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct store_container c = test_container(1, 0);
        struct err e = {0};
        int fd;

        free(c.id);
        c.id = alloc_strdup(ids[i]);
        assert_int_equal(store_container_dir(s, ids[i], true, &fd, &e), -1);
        assert_int_equal(e.kind, ERR_INVALID);
        assert_int_equal(store_container_remove(s, ids[i], &e), -1);
        assert_int_equal(e.kind, ERR_INVALID);
        assert_int_equal(store_container_add(s, &c, &e), -1);
        assert_int_equal(e.kind, ERR_INVALID);
        store_container_done(&c);
    }
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_is_found_by_id_name_and_prefix),
        cmocka_unit_test(every_field_is_kept),
        cmocka_unit_test(start_and_end_are_recorded),
        cmocka_unit_test(conflicts_and_missing_rows_are_named),
        cmocka_unit_test(lists_are_newest_first_and_removal_is_whole),
        cmocka_unit_test(ids_are_no_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
