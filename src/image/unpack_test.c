/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * T-unpack: hostile archives. Each case is a function that builds a tar, what must come out (an
 * error's words, or a tree), and after each the world outside must be as it was.
 */
#include "image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/strv.h"
#include "image/tar_builder.h"
#include "sys/file.h"

#define A16  "aaaaaaaaaaaaaaaa"
#define A256 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16

struct world {
    char path[64];
    int top;
    int layer;
};

static void enter_world(struct world *w)
{
    snprintf(w->path, sizeof(w->path), "/tmp/dhow-unpack.XXXXXX");
    assert_non_null(mkdtemp(w->path));
    w->top = open(w->path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(sys_mkdir(w->top, "layer", 0755), 0);
    assert_int_equal(sys_mkdir(w->top, "outside", 0755), 0);
    assert_int_equal(sys_write_file_atomic(w->top, "outside/canary", "alive", 5, 0644, 0), 0);
    w->layer = sys_open(w->top, "layer", O_RDONLY | O_DIRECTORY, 0);
    assert_true(w->layer >= 0);
}

/* Nothing may be beside the layer but what was there, unchanged. */
static void leave_world(struct world *w)
{
    auto_strv names = NULL;
    auto_strv outside = NULL;
    auto_free char *text = NULL;
    size_t n;
    struct stat st;

    assert_int_equal(sys_list_dir(w->top, ".", &names), 0);
    assert_int_equal(strv_len(names), 2);
    assert_int_equal(sys_list_dir(w->top, "outside", &outside), 0);
    assert_int_equal(strv_len(outside), 1);
    assert_int_equal(sys_read_file(w->top, "outside/canary", 100, &text, &n), 0);
    assert_string_equal(text, "alive");
    assert_int_equal(sys_lstat(w->top, "outside/canary", &st), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(st.st_mode & 07777, 0644);
    close(w->layer);
    assert_int_equal(sys_remove_tree(w->top, "layer"), 0);
    assert_int_equal(sys_remove_tree(w->top, "outside"), 0);
    close(w->top);
    rmdir(w->path);
}

struct memory {
    const struct str *tar;
    size_t at;
    size_t piece;
};

static int fill_from_memory(void *arg, const unsigned char **ret, size_t *ret_len, struct err *e)
{
    struct memory *m = arg;

    (void)e;
    *ret = (const unsigned char *)str_text(m->tar) + m->at;
    *ret_len = MIN(m->piece, m->tar->len - m->at);
    m->at += *ret_len;
    return 0;
}

static int unpack(struct world *w, const struct str *tar, size_t piece, struct unpack_budget budget,
                  struct err *e)
{
    struct memory m = {.tar = tar, .piece = piece};
    struct tar_input input = {.fill = fill_from_memory, .arg = &m};
    struct tar_reader *r = tar_reader_new(&input);
    uint64_t bytes = 0;
    int result = unpack_layer(w->layer, w->top, r, &budget, &bytes, e);

    tar_reader_free(r);
    return result;
}

/* ---- archives ---- */

#define ADD(...)                                                                                   \
    tar_builder_add(t, &(struct tar_builder_entry){.uid = geteuid(), .gid = getegid(), __VA_ARGS__})
#define FILE_(n, d)    ADD(.type = '0', .name = (n), .data = (d))
#define DIR_(n)        ADD(.type = '5', .name = (n))
#define SYMLINK_(n, l) ADD(.type = '2', .name = (n), .link = (l))
#define LINK_(n, l)    ADD(.type = '1', .name = (n), .link = (l))

static void build_plain(struct str *t)
{
    DIR_("./");
    DIR_("./a");
    FILE_("./a/b", "hello");
    FILE_("/abs//x", "x");
    SYMLINK_("a/link", "/etc/passwd");
    LINK_("a/hard", "./a/b");
    FILE_("implied/deep/f", "f");
}

static void build_dotdot(struct str *t)
{
    FILE_("../outside/canary", "dead");
}
static void build_inner_dotdot(struct str *t)
{
    FILE_("a/../../outside/new", "x");
}
static void build_symlink_parent(struct str *t)
{
    SYMLINK_("link", "../outside");
    FILE_("link/new", "x");
}
static void build_symlink_grandparent(struct str *t)
{
    SYMLINK_("link", "..");
    DIR_("link/outside/new");
}
static void build_symlink_overwritten(struct str *t)
{
    SYMLINK_("f", "../outside/canary");
    FILE_("f", "mine");
}
static void build_hardlink_dotdot(struct str *t)
{
    LINK_("h", "../outside/canary");
}
static void build_hardlink_by_symlink(struct str *t)
{
    SYMLINK_("s", "../outside");
    LINK_("h", "s/canary");
}
static void build_hardlink_to_symlink(struct str *t)
{
    SYMLINK_("s", "../outside/canary");
    LINK_("h", "s");
}
static void build_hardlink_to_directory(struct str *t)
{
    DIR_("d");
    LINK_("h", "d");
}
static void build_hardlink_missing(struct str *t)
{
    LINK_("h", "nowhere/f");
}
static void build_hardlink_setuid(struct str *t)
{
    FILE_("f", "x");
    ADD(.type = '1', .name = "h", .link = "f", .mode = 04755);
}
static void build_hardlink_to_itself(struct str *t)
{
    FILE_("f", "same");
    LINK_("f", "f");
}
static void build_duplicates(struct str *t)
{
    FILE_("f", "first");
    FILE_("f", "second");
    DIR_("d");
    FILE_("d/inner", "x");
    FILE_("d", "now a file");
    SYMLINK_("s", "../outside");
    DIR_("s");
    FILE_("s/new", "inside");
}
static void build_file_as_parent(struct str *t)
{
    FILE_("f", "x");
    FILE_("f/g", "x");
}
static void build_root_as_file(struct str *t)
{
    FILE_("./.", "x");
}
static void build_whiteouts(struct str *t)
{
    FILE_(".wh.gone", "");
    FILE_("a/.wh.gone", "");
    FILE_("kept", "x");
    FILE_(".wh.kept", "");
    FILE_(".wh..wh.aufs", "x");
    FILE_(".wh..wh.plnk/1", "x");
}
static void build_whiteout_of_parent(struct str *t)
{
    FILE_("a/.wh...", "");
}
static void build_whiteout_of_self(struct str *t)
{
    FILE_("a/.wh..", "");
}
static void build_whiteout_of_nothing(struct str *t)
{
    FILE_("a/.wh.", "");
}
static void build_opaque_on_file(struct str *t)
{
    FILE_("f", "x");
    FILE_("f/.wh..wh..opq", "");
}
static void build_opaque(struct str *t)
{
    DIR_("d");
    FILE_("d/.wh..wh..opq", "");
    FILE_(".wh.e", "");
    FILE_("e/f", "behind a whiteout");
    DIR_("g");
    FILE_(".wh.g", "");
}
static void build_pax_names(struct str *t)
{
    tar_builder_pax(t, "path", "long/" A16 A16 A16 A16 A16 A16 A16 "/f", 5 + 7 * 16 + 2);
    FILE_("short", "pax");
    ADD(.type = 'L', .name = "././@LongLink", .data = "gnu/" A16 A16 A16 A16 A16 A16 A16 "/f");
    FILE_("short", "gnu");
    tar_builder_pax(t, "mtime", "1600000000.123456789", 20);
    FILE_("timed", "x");
}
static void build_pax_nul(struct str *t)
{
    tar_builder_pax(t, "path", "a\0b", 3);
    FILE_("f", "x");
}
static void build_pax_bad_length(struct str *t)
{
    ADD(.type = 'x', .name = "p", .data = "99 path=a\n");
    FILE_("f", "x");
}
static void build_negative_size(struct str *t)
{
    ADD(.type = '0', .name = "f", .raw_size = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}
static void build_pax_negative_size(struct str *t)
{
    tar_builder_pax(t, "size", "-1", 2);
    FILE_("f", "x");
}
static void build_huge_size(struct str *t)
{
    ADD(.type = '0', .name = "f", .raw_size = "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
}
static void build_uid_overflow(struct str *t)
{
    tar_builder_pax(t, "uid", "4294967296", 10);
    FILE_("f", "x");
}
static void build_uid_unchanged(struct str *t)
{
    tar_builder_pax(t, "uid", "4294967295", 10);
    FILE_("f", "x");
}
static void sparse_1_0(struct str *t, const char *map, const char *real_size)
{
    struct str records = STR_INIT(TAR_BUILDER_MAX), body = STR_INIT(TAR_BUILDER_MAX);
    struct tar_builder_entry x = {.type = 'x', .name = "p"};

    tar_builder_record(&records, "GNU.sparse.major", "1", 1);
    tar_builder_record(&records, "GNU.sparse.minor", "0", 1);
    tar_builder_record(&records, "GNU.sparse.name", "sparse", 6);
    tar_builder_record(&records, "GNU.sparse.realsize", real_size, strlen(real_size));
    x.data = records.s;
    tar_builder_add_n(t, &x, records.len);
    str_add(&body, map);
    tar_builder_pad(&body);
    str_add(&body, "data");
    x = (struct tar_builder_entry){.type = '0',
                                   .name = "GNUSparseFile/x",
                                   .mode = 0644,
                                   .uid = geteuid(),
                                   .gid = getegid(),
                                   .data = body.s};
    tar_builder_add_n(t, &x, body.len);
    str_done(&records);
    str_done(&body);
}
static void build_sparse(struct str *t)
{
    sparse_1_0(t, "1\n8192\n4\n", "20000");
}
static void build_sparse_many(struct str *t)
{
    sparse_1_0(t, "1000000000000\n0\n4\n", "20000");
}
static void build_sparse_overlap(struct str *t)
{
    sparse_1_0(t, "2\n10\n2\n5\n2\n", "20000");
}
static void build_sparse_outside(struct str *t)
{
    sparse_1_0(t, "1\n19999\n4\n", "20000");
}
static void build_sparse_long(struct str *t)
{
    sparse_1_0(t, "1\n0\n4\n", "4000000000000000000");
}
static void build_sparse_map_without_end(struct str *t)
{
    sparse_1_0(t, "5\n0\n", "20000");
}
static void build_xattr(struct str *t)
{
    tar_builder_pax(t, "SCHILY.xattr.security.selinux", "label", 5);
    FILE_("f", "x");
}
static void build_xattr_overlay(struct str *t)
{
    tar_builder_pax(t, "SCHILY.xattr.trusted.overlay.opaque", "y", 1);
    DIR_("d");
}
static void build_xattr_user_overlay(struct str *t)
{
    tar_builder_pax(t, "SCHILY.xattr.user.overlay.redirect", "/x", 2);
    SYMLINK_("s", "x");
}
static void build_xattr_many(struct str *t)
{
    auto_free char *big = calloc(64u << 10, 1);

    memset(big, 'x', 64u << 10);
    for (int i = 0; i < 5; i++)
        tar_builder_pax(t, "SCHILY.xattr.user.x", big, 64u << 10);
    FILE_("f", "x");
}
static void build_headers_without_end(struct str *t)
{
    for (int i = 0; i < 1000; i++)
        tar_builder_pax(t, "comment", "x", 1);
    FILE_("f", "x");
}
static void build_four_files(struct str *t)
{
    char name[2] = "a";

    for (; name[0] < 'e'; name[0]++)
        FILE_(name, "");
}
static void build_hundred_bytes(struct str *t)
{
    FILE_("a", A16 A16 A16);
    FILE_("b", A16 A16 A16 A16);
}
static void build_deep(struct str *t)
{
    auto_str name = STR_INIT(4096);

    for (int i = 0; i < 129; i++)
        str_add(&name, "d/");
    tar_builder_pax(t, "path", name.s, name.len);
    DIR_("d");
}
static void build_long_component(struct str *t)
{
    tar_builder_pax(t, "path", A256, 256);
    FILE_("f", "x");
}
static void build_long_path(struct str *t)
{
    auto_str name = STR_INIT(8192);

    for (int i = 0; i < 2100; i++)
        str_add(&name, "./");
    tar_builder_pax(t, "path", name.s, name.len);
    DIR_("d");
}
static void build_wrong_checksum(struct str *t)
{
    ADD(.type = '0', .name = "f", .wrong_checksum = true);
}
static void build_unknown_type(struct str *t)
{
    ADD(.type = 'Z', .name = "f");
}
static void build_truncated(struct str *t)
{
    FILE_("f", A256);
    str_truncate(t, t->len - 400);
}
static void build_device(struct str *t)
{
    ADD(.type = '3', .name = "null", .mode = 0666, .major = 1, .minor = 3);
    ADD(.type = '4', .name = "disk", .mode = 0640, .major = 8, .minor = 1);
}
static void build_modes(struct str *t)
{
    ADD(.type = '6', .name = "fifo", .mode = 0620);
    ADD(.type = '0', .name = "suid", .data = "x", .mode = 06711);
    ADD(.type = '5', .name = "dir", .mode = 03770, .mtime = 1000000000);
    FILE_("dir/f", "x");
}

/* ---- what must be there ---- */

static void expect_text(const struct world *w, const char *path, const char *text)
{
    auto_free char *found = NULL;
    size_t n;

    if (sys_read_file(w->layer, path, 1u << 20, &found, &n) < 0)
        fail_msg("'%s' cannot be read", path);
    assert_string_equal(found, text);
}

static struct stat expect_stat(const struct world *w, const char *path)
{
    struct stat st;

    if (sys_lstat(w->layer, path, &st) < 0)
        fail_msg("'%s' is not there", path);
    return st;
}

static void expect_nothing(const struct world *w, const char *path)
{
    struct stat st;

    assert_int_equal(sys_lstat(w->layer, path, &st), -ENOENT);
}

static void check_plain(const struct world *w)
{
    char target[64];

    expect_text(w, "a/b", "hello");
    expect_text(w, "abs/x", "x");
    expect_text(w, "implied/deep/f", "f");
    assert_int_equal(expect_stat(w, "implied/deep").st_mode, S_IFDIR | 0755);
    assert_int_equal(expect_stat(w, "a/b").st_nlink, 2);
    assert_int_equal(expect_stat(w, "a/b").st_mode, S_IFREG | 0644);
    assert_true(sys_readlink(w->layer, "a/link", target, sizeof(target)) > 0);
    assert_string_equal(target, "/etc/passwd");
}
static void check_overwritten(const struct world *w)
{
    expect_text(w, "f", "mine");
}
static void check_hardlink_setuid(const struct world *w)
{
    assert_int_equal(expect_stat(w, "h").st_mode & 07777, 0644);
}
static void check_same(const struct world *w)
{
    expect_text(w, "f", "same");
}
static void check_duplicates(const struct world *w)
{
    expect_text(w, "f", "second");
    expect_text(w, "d", "now a file");
    expect_text(w, "s/new", "inside");
    assert_true(S_ISDIR(expect_stat(w, "s").st_mode));
}
static void expect_whiteout(const struct world *w, const char *path)
{
    struct stat st = expect_stat(w, path);

    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(st.st_rdev, 0);
}
static void check_whiteouts(const struct world *w)
{
    expect_whiteout(w, "gone");
    expect_whiteout(w, "a/gone");
    expect_text(w, "kept", "x");
    expect_nothing(w, ".wh..wh.aufs");
    expect_nothing(w, ".wh..wh.plnk");
}
static void check_opaque(const struct world *w)
{
    static const char *const names[] = {"d", "e", "g"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_fd int fd = openat(w->layer, names[i], O_RDONLY | O_DIRECTORY);
        char value[4] = "";

        assert_true(fd >= 0);
        assert_int_equal(fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)), 1);
        assert_int_equal(value[0], 'y');
    }
}
static void check_pax_names(const struct world *w)
{
    expect_text(w, "long/" A16 A16 A16 A16 A16 A16 A16 "/f", "pax");
    expect_text(w, "gnu/" A16 A16 A16 A16 A16 A16 A16 "/f", "gnu");
    assert_int_equal(expect_stat(w, "timed").st_mtim.tv_sec, 1600000000);
    assert_int_equal(expect_stat(w, "timed").st_mtim.tv_nsec, 123456789);
}
static void check_sparse(const struct world *w)
{
    auto_fd int fd = openat(w->layer, "sparse", O_RDONLY);
    char buf[6] = "";

    assert_int_equal(expect_stat(w, "sparse").st_size, 20000);
    assert_int_equal(pread(fd, buf, 6, 8191), 6);
    assert_memory_equal(buf, "\0data\0", 6);
}
static void check_xattr(const struct world *w)
{
    auto_fd int fd = openat(w->layer, "f", O_RDONLY);

    assert_true(fgetxattr(fd, "security.selinux", NULL, 0) < 0);
}
static void check_device(const struct world *w)
{
    struct stat st = expect_stat(w, "null");

    assert_int_equal(st.st_mode, S_IFCHR | 0666);
    assert_int_equal(st.st_rdev, makedev(1, 3));
    st = expect_stat(w, "disk");
    assert_int_equal(st.st_mode, S_IFBLK | 0640);
    assert_int_equal(st.st_rdev, makedev(8, 1));
}
static void check_modes(const struct world *w)
{
    assert_int_equal(expect_stat(w, "fifo").st_mode, S_IFIFO | 0620);
    assert_int_equal(expect_stat(w, "suid").st_mode, S_IFREG | 06711);
    assert_int_equal(expect_stat(w, "dir").st_mode, S_IFDIR | 03770);
    assert_int_equal(expect_stat(w, "dir").st_mtim.tv_sec, 1000000000);
}

#define FREE_BUDGET                                                                                \
    {                                                                                              \
        .entries = 10000, .bytes = 1u << 20                                                        \
    }
static const struct test_case {
    const char *name;
    void (*build)(struct str *t);
    const char *error; /* part of the message; NULL: it succeeds */
    enum err_kind kind;
    void (*check)(const struct world *w);
    bool needs_root;
    struct unpack_budget budget;
} cases[] = {
    {"plain tree", build_plain, NULL, 0, check_plain},
    {"dotdot", build_dotdot, "'..' in a name", ERR_DENIED, NULL},
    {"inner dotdot", build_inner_dotdot, "'..' in a name", ERR_DENIED, NULL},
    {"symlink as parent", build_symlink_parent, "is a symlink", ERR_DENIED, NULL},
    {"symlink as grandparent", build_symlink_grandparent, "is a symlink", ERR_DENIED, NULL},
    {"symlink overwritten", build_symlink_overwritten, NULL, 0, check_overwritten},
    {"hardlink to ..", build_hardlink_dotdot, "'..' in a name", ERR_DENIED, NULL},
    {"hardlink by symlink", build_hardlink_by_symlink, "hardlink's target", 0, NULL},
    {"hardlink to symlink", build_hardlink_to_symlink, "not a regular file", ERR_DENIED, NULL},
    {"hardlink to directory", build_hardlink_to_directory, "not a regular file", ERR_DENIED, NULL},
    {"hardlink to nothing", build_hardlink_missing, "hardlink's target", ERR_NOT_FOUND, NULL},
    {"hardlink with setuid", build_hardlink_setuid, NULL, 0, check_hardlink_setuid},
    {"hardlink to itself", build_hardlink_to_itself, NULL, 0, check_same},
    {"duplicates", build_duplicates, NULL, 0, check_duplicates},
    {"file as parent", build_file_as_parent, "not a directory", ERR_DENIED, NULL},
    {"root as a file", build_root_as_file, "root must be a directory", ERR_DENIED, NULL},
    {"whiteouts", build_whiteouts, NULL, 0, check_whiteouts},
    {"whiteout of ..", build_whiteout_of_parent, "the whiteout names", ERR_DENIED, NULL},
    {"whiteout of .", build_whiteout_of_self, "the whiteout names", ERR_DENIED, NULL},
    {"whiteout of nothing", build_whiteout_of_nothing, "the whiteout names", ERR_DENIED, NULL},
    {"opaque on a file", build_opaque_on_file, "not a directory", ERR_DENIED, NULL},
    {"opaque", build_opaque, NULL, 0, check_opaque, .needs_root = true},
    {"pax and gnu names", build_pax_names, NULL, 0, check_pax_names},
    {"pax name with NUL", build_pax_nul, "invalid PAX record 'path'", ERR_INVALID, NULL},
    {"pax length", build_pax_bad_length, "invalid PAX record", ERR_INVALID, NULL},
    {"negative size", build_negative_size, "invalid size", ERR_INVALID, NULL},
    {"negative pax size", build_pax_negative_size, "invalid PAX record 'size'", ERR_INVALID, NULL},
    {"huge size", build_huge_size, "invalid size", ERR_INVALID, NULL},
    {"uid of 33 bits", build_uid_overflow, "invalid PAX record 'uid'", ERR_INVALID, NULL},
    {"uid -1", build_uid_unchanged, "invalid PAX record 'uid'", ERR_INVALID, NULL},
    {"sparse", build_sparse, NULL, 0, check_sparse},
    {"sparse, 10^12 extents", build_sparse_many, "extents", ERR_LIMIT, NULL},
    {"sparse, overlapping", build_sparse_overlap, "map of the sparse file", ERR_INVALID, NULL},
    {"sparse, outside", build_sparse_outside, "map of the sparse file", ERR_INVALID, NULL},
    {"sparse, 4 EB", build_sparse_long, "larger than allowed", ERR_LIMIT, NULL},
    {"sparse, map cut", build_sparse_map_without_end, "map of the sparse", ERR_INVALID, NULL},
    {"foreign label", build_xattr, NULL, 0, check_xattr},
    {"overlay attribute", build_xattr_overlay, "overlay's own", ERR_DENIED, NULL},
    {"user overlay attribute", build_xattr_user_overlay, "overlay's own", ERR_DENIED, NULL},
    {"xattrs of 320 KiB", build_xattr_many, "extended headers", ERR_LIMIT, NULL},
    {"1000 pax headers", build_headers_without_end, "extended headers", ERR_LIMIT, NULL},
    {"entries", build_four_files, "entries", ERR_LIMIT, NULL, .budget = {3, 100}},
    {"bytes", build_hundred_bytes, "larger than allowed", ERR_LIMIT, NULL, .budget = {9, 100}},
    {"depth", build_deep, "deeper than", ERR_LIMIT, NULL},
    {"long component", build_long_component, "part of the name is too long", ERR_INVALID, NULL},
    {"long path", build_long_path, "name is too long", ERR_INVALID, NULL},
    {"checksum", build_wrong_checksum, "checksum", ERR_INVALID, NULL},
    {"unknown type", build_unknown_type, "unknown type", ERR_UNSUPPORTED, NULL},
    {"truncated", build_truncated, "truncated", ERR_INVALID, NULL},
    {"devices", build_device, NULL, 0, check_device, .needs_root = true},
    {"modes and times", build_modes, NULL, 0, check_modes},
};

static void run_case(const struct test_case *c, size_t piece)
{
    static const struct unpack_budget free_budget = FREE_BUDGET;
    struct world w;
    struct err e = {0};
    auto_str tar = STR_INIT(TAR_BUILDER_MAX);
    int r;

    c->build(&tar);
    if (!c->error || !strstr(c->error, "truncated"))
        tar_builder_end(&tar);
    enter_world(&w);
    r = unpack(&w, &tar, piece, c->budget.entries ? c->budget : free_budget, &e);
    if (c->error && r == 0)
        fail_msg("%s: was accepted", c->name);
    if (c->error && !strstr(e.msg, c->error))
        fail_msg("%s: '%s' instead of '%s'", c->name, e.msg, c->error);
    if (c->error && c->kind && e.kind != c->kind)
        fail_msg("%s: kind %s: %s", c->name, err_kind_name(e.kind), e.msg);
    if (!c->error && r < 0)
        fail_msg("%s: %s", c->name, e.msg);
    if (c->check)
        c->check(&w);
    leave_world(&w);
}

static void hostile_archives_do_no_harm(void **state)
{
    static const size_t pieces[] = {1u << 20, 512, 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].needs_root && geteuid() != 0) {
            print_message("skip '%s': needs root\n", cases[i].name);
            continue;
        }
        for (size_t p = 0; p < ARRAY_LEN(pieces); p++)
            run_case(&cases[i], pieces[p]);
    }
}

static void names_are_cleaned(void **state)
{
    static const struct {
        const char *name, *cleaned;
    } rows[] = {
        {"a", "a"},      {"./a/b/", "a/b"}, {"/", ""},        {".", ""},      {"//a//./b", "a/b"},
        {"..", NULL},    {"a/..", NULL},    {"a/../b", NULL}, {"...", "..."}, {"..a", "..a"},
        {"/../x", NULL}, {A256, NULL},      {"a\nb", "a\nb"},
    };
    char out[TAR_PATH_MAX_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int r = unpack_clean_path(rows[i].name, out, NULL);

        assert_int_equal(r, rows[i].cleaned ? 0 : -1);
        if (rows[i].cleaned)
            assert_string_equal(out, rows[i].cleaned);
    }
}

static void shown_names_cannot_drive_a_terminal(void **state)
{
    char shown[TAR_SHOWN_SIZE];

    (void)state;
    assert_string_equal(tar_show("a\x1b[2J'\n\x80", shown), "a\\x1b[2J\\x27\\x0a\\x80");
    assert_true(strlen(tar_show(A256, shown)) < TAR_SHOWN_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_archives_do_no_harm),
        cmocka_unit_test(names_are_cleaned),
        cmocka_unit_test(shown_names_cannot_drive_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
