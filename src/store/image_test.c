/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/testing.h"

#include "base/str.h"

static void a_pulled_image_is_found_read_and_opened(void **state)
{
    static const struct test_image t = {.config = 7,
                                        .layers = {1, 2, 1},
                                        .names = {"docker.io/library/busybox:latest",
                                                  "docker.io/library/busybox:1.36"}};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    struct store_image i = {0};
    store_fd_list layers = {0};
    struct stat top, bottom;
    struct err e = {0};

    (void)state;
    test_ok(test_pull(s, &t, &e));
    test_ok(store_image_find(s, "busybox", &i, &e));
    assert_string_equal(i.id, test_hex(7).text);
    assert_string_equal(i.manifest_digest, test_digest(1007).text);
    assert_string_equal(i.architecture, "amd64");
    assert_string_equal(i.os, "linux");
    assert_int_equal(i.created_ns, 7);
    assert_true(i.added_ns > 0);
    assert_int_equal(i.size_bytes, 300);
    assert_int_equal(strv_len(i.names), 2);
    assert_string_equal(i.names[0], "docker.io/library/busybox:1.36");
    assert_int_equal(strv_len(i.diff_ids), 3);
    assert_string_equal(i.diff_ids[1], test_digest(2).text);
    test_ok(store_image_open_layers(s, i.id, &layers, &e));
    assert_int_equal(sys_stat(layers.items[1], "", &top), 0);
    assert_int_equal(sys_stat(layers.items[2], "", &bottom), 0);
    assert_true(top.st_ino != bottom.st_ino);
    store_fd_list_done(&layers);
    test_consistent(s);
    store_image_done(&i);
    store_close(s);
    test_root_free(root);
}

/* Each on an image of its own, numbered from 1. */
static const char *const stored_names[] = {
    "docker.io/library/busybox:latest",
    "docker.io/library/busybox:1.36",
    "localhost/mine:latest",
    "localhost:5000/team/app:v1",
    "quay.io/team/app:v2",
    "docker.io/library/twice:latest",
    "localhost/twice:latest",
    "quay.io/deep/path/tool:latest",
    "docker.io/tool:latest",
    "localhost/cafe:latest",
    "docker.io/foo/lone:latest",
};
static const struct {
    const char *typed;
    unsigned image; /* 0: not found */
    enum err_kind kind;
} typed_names[] = {
    {"busybox", 1, ERR_NONE},
    {"busybox:latest", 1, ERR_NONE},
    {"library/busybox", 1, ERR_NONE},
    {"docker.io/busybox", 1, ERR_NONE},
    {"docker.io/library/busybox", 1, ERR_NONE},
    {"docker.io/library/busybox:latest", 1, ERR_NONE},
    {"busybox:1.36", 2, ERR_NONE},
    {"busybox:1.3", 0, ERR_NOT_FOUND},
    {"box", 0, ERR_NOT_FOUND},
    {"y/busybox", 0, ERR_NOT_FOUND},
    {"quay.io/busybox", 0, ERR_NOT_FOUND},
    {"localhost/busybox", 0, ERR_NOT_FOUND},
    {"index.docker.io/busybox", 1, ERR_NONE},
    {"docker.io/foo/lone", 11, ERR_NONE},
    {"mine", 3, ERR_NONE},
    {"localhost/mine", 3, ERR_NONE},
    {"docker.io/mine", 0, ERR_NOT_FOUND},
    {"app", 0, ERR_NOT_FOUND}, /* there is no latest */
    {"app:v1", 4, ERR_NONE},
    {"team/app:v2", 5, ERR_NONE},
    {"localhost:5000/team/app:v1", 4, ERR_NONE},
    {"localhost:5000/team/app", 0, ERR_NOT_FOUND},
    {"localhost:5001/team/app:v1", 0, ERR_NOT_FOUND},
    {"twice", 0, ERR_INVALID},
    {"localhost/twice", 7, ERR_NONE},
    {"tool", 9, ERR_NONE}, /* the host's own goes before a deeper path */
    {"path/tool", 8, ERR_NONE},
    {"lone", 11, ERR_NONE},
    {"cafe", 10, ERR_NONE}, /* a name goes before the id that begins with it */
    {"cafe1", 0xcafe1, ERR_NONE},
    {"cafe2", 0xcafe2, ERR_NONE},
    {"caf", 0, ERR_INVALID},
    {"sha256:cafe2", 0xcafe2, ERR_NONE},
    {"sha256:", 0, ERR_NOT_FOUND},
    {"sha256:CAFE2", 0, ERR_NOT_FOUND},
    {"CAFE2", 0, ERR_NOT_FOUND},
    {"", 0, ERR_INVALID},
    {"@", 0, ERR_NOT_FOUND},
    {":", 0, ERR_NOT_FOUND},
    {"/", 0, ERR_NOT_FOUND},
    {"/busybox", 0, ERR_NOT_FOUND},
    {"%", 0, ERR_NOT_FOUND},
};

static void names_are_found_as_users_type_them(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    struct err e = {0};

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(stored_names); i++) {
        struct test_image t = {.config = i + 1, .layers = {1}, .names = {stored_names[i]}};

        test_ok(test_pull(s, &t, &e));
    }
    for (unsigned i = 1; i <= 2; i++) { /* ids that begin with "cafe1" and "cafe2" */
        struct test_id id = test_hex(0), manifest = test_digest(2000 + i);
        char *layers[] = {NULL};
        struct store_image image = {.id = id.text,
                                    .manifest_digest = manifest.text,
                                    .diff_ids = layers};
        auto_fd int staging = FD_NONE;
        auto_free char *name = NULL, *blob = NULL, *manifest_blob = NULL;

        memcpy(id.text, i == 1 ? "cafe1" : "cafe2", 5);
        blob = alloc_printf("blobs/%s", id.text);
        manifest_blob = alloc_printf("blobs/%s", test_hex(2000 + i).text);
        test_ok(store_staging_open(s, "pull", &staging, &name, &e));
        assert_int_equal(sys_mkdir_p(staging, "blobs", 0700), 0);
        test_write(staging, blob, "{}");
        test_write(staging, manifest_blob, "{}");
        test_ok(store_image_commit(s, staging, &image, NULL, 0, &e));
        test_ok(store_staging_remove(s, name, &e));
    }
    for (size_t i = 0; i < ARRAY_LEN(typed_names); i++) {
        struct store_image found = {0};
        int r = store_image_find(s, typed_names[i].typed, &found, &e);
        struct test_id want = test_hex(typed_names[i].image);

        if (typed_names[i].image >= 0xcafe0) {
            want = test_hex(0);
            memcpy(want.text, typed_names[i].image == 0xcafe1 ? "cafe1" : "cafe2", 5);
        }
        if (typed_names[i].image == 0 ? r == 0 || e.kind != typed_names[i].kind
                                      : r < 0 || strcmp(found.id, want.text) != 0)
            fail_msg("'%s' gave %s", typed_names[i].typed, r < 0 ? e.msg : found.id);
        store_image_done(&found);
    }
    assert_int_equal(store_image_find(s, "twice", &(struct store_image){0}, &e), -1);
    assert_non_null(strstr(e.msg, "docker.io/library/twice:latest"));
    assert_non_null(strstr(e.msg, "localhost/twice:latest"));
    store_close(s);
    test_root_free(root);
}

static void ids_digests_and_full_ids_are_found(void **state)
{
    static const struct test_image t = {.config = 7,
                                        .layers = {1},
                                        .names = {"docker.io/library/busybox:latest"}};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    char *const typed[] = {
        alloc_strdup(test_hex(7).text),
        alloc_strdup(test_digest(7).text),
        alloc_printf("busybox@%s", test_digest(1007).text),
        alloc_printf("busybox:other@%s", test_digest(1007).text),
        alloc_printf("docker.io/library/busybox@%s", test_digest(1007).text),
    };
    char *const missing[] = {
        alloc_printf("busybox@%s", test_digest(1008).text),
        alloc_printf("quay.io/busybox@%s", test_digest(1007).text),
        alloc_strdup(test_hex(8).text),
    };
    struct store_image i = {0};
    struct err e = {0};

    (void)state;
    test_ok(test_pull(s, &t, &e));
    for (size_t n = 0; n < ARRAY_LEN(typed); n++) {
        test_ok(store_image_find(s, typed[n], &i, &e));
        assert_string_equal(i.id, test_hex(7).text);
        store_image_done(&i);
        free(typed[n]);
    }
    for (size_t n = 0; n < ARRAY_LEN(missing); n++) {
        assert_int_equal(store_image_find(s, missing[n], &i, &e), -1);
        assert_int_equal(e.kind, ERR_NOT_FOUND);
        free(missing[n]);
    }
    store_close(s);
    test_root_free(root);
}

static void names_move_and_images_stay(void **state)
{
    static const struct test_image a = {.config = 1, .layers = {1}, .names = {"h.x/a:1"}},
                                   b = {.config = 2, .layers = {1}, .names = {"h.x/a:1"}};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    store_image_list images = {0};
    struct store_image i = {0};
    struct err e = {0};

    (void)state;
    test_ok(test_pull(s, &a, &e));
    test_ok(test_pull(s, &b, &e));
    test_ok(store_image_list_all(s, &images, &e));
    assert_int_equal(images.len, 2);
    assert_string_equal(images.items[0].id, test_hex(2).text); /* newest first */
    assert_int_equal(strv_len(images.items[0].names), 1);
    assert_int_equal(strv_len(images.items[1].names), 0);
    store_image_list_done(&images);

    test_ok(store_image_tag(s, test_hex(1).text, "h.x/a:1", &e));
    test_ok(store_image_find(s, "h.x/a:1", &i, &e));
    assert_string_equal(i.id, test_hex(1).text);
    store_image_done(&i);
    test_ok(store_image_untag(s, "h.x/a:1", &e));
    assert_int_equal(store_image_untag(s, "h.x/a:1", &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(store_image_tag(s, test_hex(3).text, "h.x/a:1", &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

static void removal_keeps_what_others_use(void **state)
{
    static const struct test_image a = {.config = 1, .layers = {1, 2}, .names = {"h.x/a:1"}},
                                   b = {.config = 2, .layers = {1, 3}, .present = {1}};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    auto_strv present = NULL;
    char *const ids[] = {test_digest(1).text, test_digest(2).text, test_digest(3).text, NULL};
    struct err e = {0};

    (void)state;
    test_ok(test_pull(s, &a, &e));
    test_ok(test_pull(s, &b, &e));
    test_ok(test_create(s, 9, 1, &e));
    assert_int_equal(store_image_remove(s, test_hex(1).text, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_non_null(strstr(e.msg, test_hex(9).text));
    test_ok(store_container_remove(s, test_hex(9).text, &e));
    test_ok(store_image_remove(s, test_hex(1).text, &e));
    assert_int_equal(store_image_remove(s, test_hex(1).text, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    test_ok(store_layers_present(s, ids, &present, &e));
    assert_int_equal(strv_len(present), 2);
    assert_false(strv_has(present, test_digest(2).text));
    assert_int_equal(test_entries(s, "layers"), 2); /* gone at once, not at the next sweep */
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

/* Two pulls of one image, each in its own process's place, commit one after the other. */
static void two_pulls_of_the_same_image_both_succeed(void **state)
{
    static const struct test_image t = {.config = 1, .layers = {1, 2}, .names = {"h.x/a:1"}};
    char *root = test_root();
    struct store *s[2] = {test_open(root, STORE_WRITE), test_open(root, STORE_WRITE)};
    int staging[2];
    char *names[2];
    struct err e = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        test_ok(store_staging_open(s[i], "pull", &staging[i], &names[i], &e));
        test_fill_staging(staging[i], &t);
    }
    for (int i = 0; i < 2; i++) {
        test_ok(test_commit(s[i], staging[i], &t, &e));
        test_ok(store_staging_remove(s[i], names[i], &e));
        fd_close(staging[i]);
        free(names[i]);
    }
    store_close(s[0]);
    test_consistent(s[1]);
    store_close(s[1]);
    test_root_free(root);
}

/* The pull was told that layer 1 is present; then its last image goes, before the commit. */
static void a_layer_promised_to_a_pull_survives_its_removal(void **state)
{
    static const struct test_image a = {.config = 1, .layers = {1}},
                                   b = {.config = 2, .layers = {1, 2}, .present = {1}};
    char *root = test_root();
    struct store *puller = test_open(root, STORE_WRITE), *remover = test_open(root, STORE_WRITE);
    auto_strv present = NULL;
    char *const ids[] = {test_digest(1).text, NULL};
    int staging;
    auto_free char *name = NULL;
    struct err e = {0};

    (void)state;
    test_ok(test_pull(puller, &a, &e));
    test_ok(store_staging_open(puller, "pull", &staging, &name, &e));
    test_ok(store_layers_present(puller, ids, &present, &e));
    assert_int_equal(strv_len(present), 1);
    test_ok(store_image_remove(remover, test_hex(1).text, &e));
    test_ok(store_sweep(remover, &e));
    test_fill_staging(staging, &b);
    test_ok(test_commit(puller, staging, &b, &e));
    test_ok(store_staging_remove(puller, name, &e));
    fd_close(staging);
    test_consistent(puller);
    assert_int_equal(test_entries(puller, "layers"), 2);
    store_close(puller);
    store_close(remover);
    test_root_free(root);
}

static void bad_commits_are_refused_and_leave_nothing(void **state)
{
    static const struct {
        const char *id, *manifest, *diff_id, *new_layer;
        int64_t bytes;
        const char *plant; /* in the staging directory, a link or file instead of the layer */
        enum err_kind kind;
    } rows[] = {
        {"../../../etc", NULL, NULL, NULL, 1, NULL, ERR_INVALID},
        {"", NULL, NULL, NULL, 1, NULL, ERR_INVALID},
        {NULL, "sha256:../x", NULL, NULL, 1, NULL, ERR_INVALID},
        {NULL, "sha512:00", NULL, NULL, 1, NULL, ERR_INVALID},
        {NULL, NULL, "sha256:../../containers", NULL, 1, NULL, ERR_INVALID},
        {NULL, NULL, NULL, "sha256:..", 1, NULL, ERR_INVALID},
        {NULL, NULL, NULL, NULL, -5, NULL, ERR_INVALID},
        {NULL, NULL, NULL, NULL, 1, "nothing", ERR_IO},
        {NULL, NULL, NULL, NULL, 1, "link", ERR_INVALID},
        {NULL, NULL, NULL, NULL, 1, "file", ERR_INVALID},
        {NULL, NULL, NULL, NULL, 1, "layers-link", ERR_IO},
        {NULL, NULL, NULL, NULL, 1, "blob-link", ERR_INVALID},
        {NULL, NULL, NULL, NULL, 1, "no-blob", ERR_IO},
    };
    static const struct test_image t = {.config = 1, .layers = {1}};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct test_id id = test_hex(1), manifest = test_digest(1001), layer = test_digest(1);
        auto_free char *path = alloc_printf("layers/%s", test_hex(1).text);
        auto_free char *blob = alloc_printf("blobs/%s", id.text);
        const char *plant = rows[i].plant ? rows[i].plant : "";
        char *diff_ids[] = {rows[i].diff_id ? (char *)rows[i].diff_id : layer.text, NULL};
        struct store_image image = {.id = rows[i].id ? (char *)rows[i].id : id.text,
                                    .manifest_digest =
                                        rows[i].manifest ? (char *)rows[i].manifest : manifest.text,
                                    .diff_ids = diff_ids};
        struct store_new_layer fresh = {rows[i].new_layer ? rows[i].new_layer : diff_ids[0],
                                        rows[i].bytes};
        auto_fd int staging = FD_NONE;
        auto_free char *name = NULL;
        struct err e = {0};

        test_ok(store_staging_open(s, "pull", &staging, &name, &e));
        test_fill_staging(staging, &t);
        if (str_equal(plant, "link") || str_equal(plant, "file") || str_equal(plant, "nothing"))
            assert_int_equal(sys_remove_tree(staging, path), 0);
        if (str_equal(plant, "link"))
            assert_int_equal(sys_symlink("/etc", staging, path), 0);
        if (str_equal(plant, "file"))
            test_write(staging, path, "x");
        if (str_equal(plant, "layers-link")) {
            assert_int_equal(sys_rename(staging, "layers", staging, "elsewhere"), 0);
            assert_int_equal(sys_symlink("elsewhere", staging, "layers"), 0);
        }
        if (str_equal(plant, "blob-link") || str_equal(plant, "no-blob"))
            assert_int_equal(sys_unlink(staging, blob), 0);
        if (str_equal(plant, "blob-link"))
            assert_int_equal(sys_symlink("/etc/passwd", staging, blob), 0);
        if (store_image_commit(s, staging, &image, &fresh, 1, &e) == 0)
            fail_msg("row %zu was committed", i);
        if (e.kind != rows[i].kind)
            fail_msg("row %zu: %s", i, e.msg);
        test_ok(store_staging_remove(s, name, &e));
        test_consistent(s);
        assert_int_equal(test_entries(s, "layers") + test_entries(s, "blobs/sha256"), 0);
    }
    store_close(s);
    test_root_free(root);
}

static void damage_is_named_and_healed_by_a_new_pull(void **state)
{
    static const struct test_image t = {.config = 1, .layers = {1, 2}, .names = {"h.x/a:1"}};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    auto_free char *layer = alloc_printf("layers/%s", test_hex(1).text);
    auto_free char *blob = alloc_printf("blobs/sha256/%s", test_hex(1).text);
    auto_strv present = NULL;
    char *const ids[] = {test_digest(1).text, NULL};
    store_fd_list fds = {0};
    char *text;
    size_t len;
    struct err e = {0};

    (void)state;
    test_ok(test_pull(s, &t, &e));
    assert_int_equal(sys_remove_tree(store_root_fd(s), layer), 0);
    assert_int_equal(sys_unlink(store_root_fd(s), blob), 0);
    assert_int_equal(store_image_open_layers(s, test_hex(1).text, &fds, &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    assert_non_null(strstr(e.msg, test_digest(1).text));
    assert_int_equal(store_image_read_config(s, test_hex(1).text, &text, &len, &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    test_ok(store_layers_present(s, ids, &present, &e));
    assert_null(present);
    test_ok(test_pull(s, &t, &e));
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pulled_image_is_found_read_and_opened),
        cmocka_unit_test(names_are_found_as_users_type_them),
        cmocka_unit_test(ids_digests_and_full_ids_are_found),
        cmocka_unit_test(names_move_and_images_stay),
        cmocka_unit_test(removal_keeps_what_others_use),
        cmocka_unit_test(two_pulls_of_the_same_image_both_succeed),
        cmocka_unit_test(a_layer_promised_to_a_pull_survives_its_removal),
        cmocka_unit_test(bad_commits_are_refused_and_leave_nothing),
        cmocka_unit_test(damage_is_named_and_healed_by_a_new_pull),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
