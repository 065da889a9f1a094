/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * T-unpack, the outer half: what a blob may do before its tar is even read. Each row is a blob and
 * what layer_unpack() must say; a failed layer leaves nothing in the staging directory.
 */
#include "image/layer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/strv.h"
#include "image/decompress.h"
#include "image/tar_builder.h"
#include "oci/image.h"
#include "sys/file.h"

#define BLOB_MAX (96u << 20)

static void make_tar(struct str *t)
{
    struct tar_builder_entry x = {.type = '0', .uid = geteuid(), .gid = getegid()};

    x.name = "hello";
    x.data = "hello world\n";
    tar_builder_add(t, &x);
    x.name = "dir/other";
    x.data = "other\n";
    tar_builder_add(t, &x);
    tar_builder_end(t);
}

static void gzip(const char *data, size_t n, struct str *ret)
{
    z_stream z = {0};
    unsigned char buf[65536];
    int r;

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)n;
    do {
        z.next_out = buf;
        z.avail_out = sizeof(buf);
        r = deflate(&z, Z_FINISH);
        str_add_bytes(ret, buf, sizeof(buf) - z.avail_out);
    } while (r == Z_OK);
    assert_int_equal(r, Z_STREAM_END);
    deflateEnd(&z);
}

static void zstd(const char *data, size_t n, int window_log, struct str *ret)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t max = ZSTD_compressBound(n), got;
    char *buf = malloc(max);
    ZSTD_inBuffer in = {data, n, 0};
    ZSTD_outBuffer out = {buf, max, 0};

    if (window_log) {
        ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
        ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, 1);
    }
    got = ZSTD_compressStream2(c, &out, &in, ZSTD_e_flush); /* the size is not known: a window */
    assert_false(ZSTD_isError(got));
    do
        got = ZSTD_compressStream2(c, &out, &in, ZSTD_e_end);
    while (got && !ZSTD_isError(got));
    assert_false(ZSTD_isError(got));
    str_add_bytes(ret, buf, out.pos);
    free(buf);
    ZSTD_freeCCtx(c);
}

/* ---- blobs ---- */

static void plain(const struct str *tar, struct str *blob)
{
    str_add_bytes(blob, tar->s, tar->len);
}
static void gzipped(const struct str *tar, struct str *blob)
{
    gzip(tar->s, tar->len, blob);
}
static void zstd_packed(const struct str *tar, struct str *blob)
{
    zstd(tar->s, tar->len, 0, blob);
}
static void gzip_members(const struct str *tar, struct str *blob)
{
    gzip(tar->s, 700, blob);
    gzip(tar->s + 700, 1, blob);
    gzip(tar->s + 701, tar->len - 701, blob);
}
static void zstd_frames(const struct str *tar, struct str *blob)
{
    zstd(tar->s, 700, 0, blob);
    str_add_bytes(blob, "\x50\x2a\x4d\x18\x04\0\0\0skip", 12);
    zstd(tar->s + 700, tar->len - 700, 0, blob);
}
static void gzip_padded(const struct str *tar, struct str *blob)
{
    gzip(tar->s, tar->len, blob);
    str_add_bytes(blob, "\0\0\0\0\0\0\0", 7);
}
static void gzip_garbage(const struct str *tar, struct str *blob)
{
    gzip(tar->s, tar->len, blob);
    str_add(blob, "garbage");
}
static void gzip_padded_garbage(const struct str *tar, struct str *blob)
{
    gzip_padded(tar, blob);
    gzip(tar->s, tar->len, blob);
}
static void gzip_truncated(const struct str *tar, struct str *blob)
{
    gzip(tar->s, tar->len, blob);
    str_truncate(blob, blob->len - 5);
}
static void gzip_wrong_checksum(const struct str *tar, struct str *blob)
{
    gzip(tar->s, tar->len, blob);
    blob->s[blob->len - 6] ^= 1;
}
static void gzip_corrupt(const struct str *tar, struct str *blob)
{
    gzip(tar->s, tar->len, blob);
    memset(blob->s + 12, 0xff, 20);
}
static void zstd_truncated(const struct str *tar, struct str *blob)
{
    zstd(tar->s, tar->len, 0, blob);
    str_truncate(blob, blob->len - 5);
}
static void zstd_corrupt(const struct str *tar, struct str *blob)
{
    zstd(tar->s, tar->len, 0, blob);
    memset(blob->s + 6, 0xff, 20);
}
static void zstd_wide(const struct str *tar, struct str *blob)
{
    zstd(tar->s, tar->len, 31, blob);
}
static void zstd_allowed_window(const struct str *tar, struct str *blob)
{
    zstd(tar->s, tar->len, 27, blob);
}
static void xz(const struct str *tar, struct str *blob)
{
    (void)tar;
    str_add_bytes(blob,
                  "\xfd"
                  "7zXZ\0something",
                  15);
}
static void tar_garbage(const struct str *tar, struct str *blob)
{
    str_add_bytes(blob, tar->s, tar->len);
    str_add(blob, "garbage");
}
static void tar_padded(const struct str *tar, struct str *blob)
{
    static const char zeros[9000];

    str_add_bytes(blob, tar->s, tar->len);
    str_add_bytes(blob, zeros, sizeof(zeros));
}
static void tar_truncated(const struct str *tar, struct str *blob)
{
    str_add_bytes(blob, tar->s, 600);
}
static void gzip_bomb(const struct str *tar, struct str *blob)
{
    char *zeros = calloc(16u << 20, 1);
    auto_str member = STR_INIT(BLOB_MAX);

    gzip(tar->s, 1024, blob); /* a file, then zeros: they would be the end's padding */
    gzip(zeros, 16u << 20, &member);
    for (int i = 0; i < 20; i++)
        str_add_bytes(blob, member.s, member.len);
    free(zeros);
}
static void empty(const struct str *tar, struct str *blob)
{
    (void)tar;
    (void)blob;
}

enum promise { TRUE_PROMISE, NO_PROMISE, WRONG_DIGEST, WRONG_DIFF_ID, TOO_SHORT, TOO_LONG };
static const struct row {
    const char *name;
    void (*make)(const struct str *tar, struct str *blob);
    enum promise promise;
    const char *error;
    enum err_kind kind;
    void (*unpacked)(const struct str *tar, struct str *ret); /* NULL: the tar itself */
} rows[] = {
    {"plain", plain, TRUE_PROMISE, NULL, 0, NULL},
    {"gzip", gzipped, TRUE_PROMISE, NULL, 0, NULL},
    {"gzip, nothing known", gzipped, NO_PROMISE, NULL, 0, NULL},
    {"zstd", zstd_packed, TRUE_PROMISE, NULL, 0, NULL},
    {"gzip members", gzip_members, TRUE_PROMISE, NULL, 0, NULL},
    {"zstd frames", zstd_frames, TRUE_PROMISE, NULL, 0, NULL},
    {"gzip and zeros", gzip_padded, TRUE_PROMISE, NULL, 0, NULL},
    {"tar and zeros", tar_padded, TRUE_PROMISE, NULL, 0, tar_padded},
    {"zstd, 128 MiB window", zstd_allowed_window, TRUE_PROMISE, NULL, 0, NULL},
    {"gzip and garbage", gzip_garbage, TRUE_PROMISE, "garbage", ERR_INVALID, NULL},
    {"gzip, zeros, gzip", gzip_padded_garbage, TRUE_PROMISE, "garbage", ERR_INVALID, NULL},
    {"tar and garbage", tar_garbage, TRUE_PROMISE, "garbage behind the archive", ERR_INVALID,
     tar_garbage},
    {"gzip truncated", gzip_truncated, TRUE_PROMISE, "truncated", ERR_INVALID, NULL},
    {"gzip checksum", gzip_wrong_checksum, TRUE_PROMISE, "corrupt", ERR_INVALID, NULL},
    {"gzip corrupt", gzip_corrupt, TRUE_PROMISE, "corrupt", ERR_INVALID, NULL},
    {"zstd truncated", zstd_truncated, TRUE_PROMISE, "truncated", ERR_INVALID, NULL},
    {"zstd corrupt", zstd_corrupt, TRUE_PROMISE, "corrupt", ERR_INVALID, NULL},
    {"zstd, 2 GiB window", zstd_wide, TRUE_PROMISE, "window larger", ERR_LIMIT, NULL},
    {"xz", xz, TRUE_PROMISE, "neither gzip nor zstd", ERR_UNSUPPORTED, NULL},
    {"tar truncated", tar_truncated, TRUE_PROMISE, "truncated", ERR_INVALID, tar_truncated},
    {"bomb", gzip_bomb, TRUE_PROMISE, "expands more than 1000 times", ERR_LIMIT, NULL},
    {"wrong digest", gzipped, WRONG_DIGEST, "the blob's digest is", ERR_INVALID, NULL},
    {"wrong diffID", gzipped, WRONG_DIFF_ID, "unpacked data's digest", ERR_INVALID, NULL},
    {"shorter than promised", gzipped, TOO_SHORT, "bytes instead of", ERR_INVALID, NULL},
    {"longer than promised", gzipped, TOO_LONG, "longer than", ERR_INVALID, NULL},
    {"empty", empty, TRUE_PROMISE, NULL, 0, empty},
};

struct source {
    const struct str *blob;
    size_t piece;
};

static int read_blob(void *arg, uint64_t offset, void *buf, size_t n, size_t *ret_n, struct err *e)
{
    const struct source *s = arg;

    (void)e;
    n = MIN(n, s->piece);
    n = MIN(n, s->blob->len - offset);
    if (n)
        memcpy(buf, s->blob->s + offset, n);
    *ret_n = n;
    return 0;
}

static void check_tree(int staging, const struct row *row, const char *diff_id)
{
    auto_free char *path = NULL;
    auto_free char *text = NULL;
    size_t n;

    if (row->make == empty)
        return;
    path = alloc_printf("layers/%s/dir/other", oci_digest_hex(diff_id));
    if (sys_read_file(staging, path, 100, &text, &n) < 0)
        fail_msg("%s: the layer is not there", row->name);
    assert_string_equal(text, "other\n");
}

static void check_nothing(int staging, const struct row *row)
{
    auto_strv names = NULL;

    assert_int_equal(sys_list_dir(staging, "layers", &names), 0);
    if (strv_len(names))
        fail_msg("%s: '%s' was left", row->name, names[0]);
}

static void run_row(int staging, const struct row *row, size_t piece)
{
    auto_str tar = STR_INIT(BLOB_MAX);
    auto_str blob = STR_INIT(BLOB_MAX);
    auto_str unpacked = STR_INIT(BLOB_MAX);
    char digest[DIGEST_TEXT_SIZE], diff_id[DIGEST_TEXT_SIZE];
    struct source source = {.blob = &blob, .piece = piece};
    struct session session = {.control_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct session_item item = {.name = "layer"};
    struct unpack_budget budget = {.entries = 100, .bytes = 1u << 20};
    struct layer_result result;
    struct err e = {0};
    int r;

    make_tar(&tar);
    row->make(&tar, &blob);
    (row->unpacked ? row->unpacked : plain)(&tar, &unpacked);
    digest_text_of(str_text(&blob), blob.len, digest);
    digest_text_of(str_text(&unpacked), unpacked.len, diff_id);
    if (row->promise == WRONG_DIGEST)
        digest[70] = digest[70] == '0' ? '1' : '0';
    if (row->promise == WRONG_DIFF_ID)
        diff_id[70] = diff_id[70] == '0' ? '1' : '0';
    r = layer_unpack(
        &(struct layer_request){
            .staging_fd = staging,
            .source = {.read = read_blob, .arg = &source},
            .digest = row->promise == NO_PROMISE ? NULL : digest,
            .size = row->promise == NO_PROMISE  ? -1
                    : row->promise == TOO_SHORT ? (int64_t)blob.len + 1
                    : row->promise == TOO_LONG  ? (int64_t)blob.len - 1
                                                : (int64_t)blob.len,
            .diff_id = diff_id,
            .budget = &budget,
            .session = &session,
            .item = &item,
        },
        &result, &e);
    if ((r < 0) != (row->error != NULL))
        fail_msg("%s: %s", row->name, r < 0 ? e.msg : "was accepted");
    if (row->error && (!strstr(e.msg, row->error) || e.kind != row->kind))
        fail_msg("%s: %s: %s", row->name, err_kind_name(e.kind), e.msg);
    if (r == 0)
        check_tree(staging, row, diff_id);
    else
        check_nothing(staging, row);
    assert_int_equal(sys_remove_tree(staging, "layers"), 0);
}

static void blobs_are_checked_and_unpacked(void **state)
{
    static const size_t pieces[] = {1u << 20, 100, 1};
    char path[] = "/tmp/dhow-layer.XXXXXX";
    int staging;

    (void)state;
    assert_non_null(mkdtemp(path));
    staging = open(path, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t p = 0; p < ARRAY_LEN(pieces); p++)
            run_row(staging, &rows[i], pieces[p]);
    close(staging);
    assert_int_equal(rmdir(path), 0);
}

/* The row of the other gzip library, beside the one that is used. */
static void both_gzip_decoders_agree(void **state)
{
    static const enum decompress_format formats[] = {DECOMPRESS_GZIP, DECOMPRESS_GZIP_ZLIB};
    auto_str tar = STR_INIT(BLOB_MAX);
    auto_str blob = STR_INIT(BLOB_MAX);

    (void)state;
    make_tar(&tar);
    gzip_members(&tar, &blob);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct decompress *d = decompress_new(formats[i], NULL);
        auto_str out = STR_INIT(BLOB_MAX);
        const unsigned char *in = (unsigned char *)blob.s;
        size_t left = blob.len, n;
        unsigned char buf[100];

        assert_non_null(d);
        do {
            size_t piece = MIN(left, (size_t)33), rest = piece;

            assert_int_equal(decompress_step(d, &in, &rest, buf, sizeof(buf), &n, NULL), 0);
            str_add_bytes(&out, buf, n);
            left -= piece - rest;
        } while (left || n == sizeof(buf));
        assert_int_equal(decompress_finish(d, NULL), 0);
        assert_int_equal(out.len, tar.len);
        assert_memory_equal(out.s, tar.s, tar.len);
        decompress_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_are_checked_and_unpacked),
        cmocka_unit_test(both_gzip_decoders_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
