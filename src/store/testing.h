/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the store's tests share: a fresh directory, small images in a staging directory, and the
 * proof that a store is consistent. Only test programs include this.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "oci/image.h"
#include "store/store.h"
#include "sys/file.h"
#include "sys/process.h"

struct test_id {
    char text[72];
};

static inline struct test_id test_hex(unsigned n)
{
    struct test_id id;

    snprintf(id.text, sizeof(id.text), "%064x", n);
    return id;
}

static inline struct test_id test_digest(unsigned n)
{
    struct test_id id;

    snprintf(id.text, sizeof(id.text), "sha256:%064x", n);
    return id;
}

/* Owned path of a directory that does not exist yet, in a fresh one: pass it to test_root_free().
 */
static inline char *test_root(void)
{
    struct stat st;
    const char *base = sys_stat(AT_FDCWD, "/dev/shm", &st) == 0 ? "/dev/shm" : "/tmp";
    auto_free char *parent = NULL;
    unsigned random;

    assert_int_equal(sys_random(&random, sizeof(random)), 0);
    parent = alloc_printf("%s/dhow-store.%d.%x", base, (int)getpid(), random);
    assert_int_equal(sys_mkdir(AT_FDCWD, parent, 0700), 0);
    return alloc_printf("%s/root", parent);
}

static inline void test_root_free(char *root)
{
    *strrchr(root, '/') = 0;
    assert_int_equal(sys_remove_tree(AT_FDCWD, root), 0);
    free(root);
}

static inline struct store *test_open(const char *root, enum store_mode mode)
{
    struct store *s = NULL;
    struct err e = {0};

    if (store_open(root, mode, &s, &e) < 0)
        fail_msg("%s", e.msg);
    return s;
}

#define test_ok(expression)                                                                        \
    do {                                                                                           \
        if ((expression) < 0)                                                                      \
            fail_msg("%s: %s", #expression, e.msg);                                                \
    } while (0)

static inline void test_write(int dir, const char *name, const char *text)
{
    assert_int_equal(sys_write_file_atomic(dir, name, text, strlen(text), 0644, 0), 0);
}

/* An image with configuration `config`, its manifest config + 1000, and these layers (closed by 0),
 * each with one file; those in `present` are not made. */
struct test_image {
    unsigned config;
    unsigned layers[8];
    unsigned present[8];
    const char *names[4];
};

static inline bool test_has(const unsigned *list, unsigned n)
{
    for (; *list; list++)
        if (*list == n)
            return true;
    return false;
}

static inline void test_fill_staging(int staging, const struct test_image *t)
{
    auto_free char *manifest = alloc_printf("blobs/%s", test_hex(t->config + 1000).text);
    auto_free char *config = alloc_printf("blobs/%s", test_hex(t->config).text);

    assert_int_equal(sys_mkdir_p(staging, "blobs", 0700), 0);
    assert_int_equal(sys_mkdir_p(staging, "layers", 0700), 0);
    test_write(staging, config, "{\"config\":1}");
    test_write(staging, manifest, "{\"manifest\":1}");
    for (const unsigned *l = t->layers; *l; l++) {
        auto_free char *dir = alloc_printf("layers/%s", test_hex(*l).text);
        auto_free char *file = alloc_printf("%s/file", dir);

        if (test_has(t->present, *l))
            continue;
        assert_int_equal(sys_mkdir_p(staging, dir, 0755), 0);
        test_write(staging, file, "content");
    }
}

static inline int test_commit(struct store *s, int staging, const struct test_image *t,
                              struct err *e)
{
    struct test_id id = test_hex(t->config), manifest = test_digest(t->config + 1000);
    struct store_image i = {.id = id.text,
                            .manifest_digest = manifest.text,
                            .created_ns = t->config,
                            .architecture = (char *)"amd64",
                            .os = (char *)"linux"};
    struct test_id digests[8];
    struct store_new_layer fresh[8];
    size_t n_fresh = 0;
    int r;

    for (size_t n = 0; n < 8 && t->layers[n]; n++) {
        digests[n] = test_digest(t->layers[n]);
        strv_add(&i.diff_ids, digests[n].text);
        if (!test_has(t->present, t->layers[n]))
            fresh[n_fresh++] = (struct store_new_layer){digests[n].text, 100};
    }
    for (size_t n = 0; n < 4 && t->names[n]; n++)
        strv_add(&i.names, t->names[n]);
    r = store_image_commit(s, staging, &i, fresh, n_fresh, e);
    strv_free(i.diff_ids);
    strv_free(i.names);
    return r;
}

/* A whole pull: staging, commit, removal of the staging directory. */
static inline int test_pull(struct store *s, const struct test_image *t, struct err *e)
{
    auto_fd int staging = FD_NONE;
    auto_free char *name = NULL;
    int r;

    if (store_staging_open(s, "pull", &staging, &name, e) < 0)
        return -1;
    test_fill_staging(staging, t);
    r = test_commit(s, staging, t, e);
    return store_staging_remove(s, name, r < 0 ? NULL : e) < 0 ? -1 : r;
}

static inline struct store_container test_container(unsigned n, unsigned image)
{
    return (struct store_container){.id = alloc_strdup(test_hex(n).text),
                                    .name = alloc_printf("name%u", n),
                                    .image_id = image ? alloc_strdup(test_hex(image).text) : NULL,
                                    .image_name = alloc_strdup("docker.io/library/x:latest"),
                                    .options = alloc_strdup("{\"a\":1}"),
                                    .created_ns = n};
}

/* Directory with an upper, then the row. */
static inline int test_create(struct store *s, unsigned n, unsigned image, struct err *e)
{
    struct store_container c = test_container(n, image);
    int dir = FD_NONE, r;

    r = store_container_dir(s, c.id, true, &dir, e);
    if (r == 0) {
        r = sys_mkdir_p(dir, "upper", 0755);
        if (r < 0)
            err_sys(e, r, "make upper");
    }
    if (r == 0)
        r = store_container_add(s, &c, e);
    fd_close(dir);
    store_container_done(&c);
    return r;
}

static inline size_t test_entries(struct store *s, const char *dir)
{
    auto_strv names = NULL;

    assert_int_equal(sys_list_dir(store_root_fd(s), dir, &names), 0);
    return strv_len(names);
}

/* Every row has its data, and after a sweep there is no other data. */
static inline void test_consistent(struct store *s)
{
    store_image_list images = {0};
    store_container_list containers = {0};
    struct store_usage n = {0};
    struct err e = {0};

    test_ok(store_sweep(s, &e));
    test_ok(store_image_list_all(s, &images, &e));
    VEC_FOREACH (i, &images) {
        store_fd_list layers = {0};
        auto_free char *config = NULL, *manifest = NULL;
        size_t len;

        test_ok(store_image_open_layers(s, i->id, &layers, &e));
        assert_int_equal(layers.len, strv_len(i->diff_ids));
        VEC_FOREACH (fd, &layers) {
            struct stat st;

            assert_int_equal(sys_lstat(*fd, "file", &st), 0);
        }
        store_fd_list_done(&layers);
        test_ok(store_image_read_config(s, i->id, &config, &len, &e));
        test_ok(store_image_read_manifest(s, i->id, &manifest, &len, &e));
    }
    test_ok(store_container_list_all(s, &containers, &e));
    VEC_FOREACH (c, &containers) {
        auto_fd int dir = FD_NONE;

        test_ok(store_container_dir(s, c->id, false, &dir, &e));
    }
    test_ok(store_count(s, &n, &e));
    assert_int_equal(n.n_images, images.len);
    assert_int_equal(n.n_containers, containers.len);
    assert_int_equal(test_entries(s, "layers"), n.n_layers);
    assert_int_equal(test_entries(s, "blobs/sha256"), 2 * n.n_images);
    assert_int_equal(test_entries(s, "containers"), n.n_containers);
    assert_int_equal(test_entries(s, "tmp"), 0);
    store_image_list_done(&images);
    store_container_list_done(&containers);
}
