/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: two threads and a ring of buffers between them (memory is bounded by the ring, whatever
 * the layer is):
 *
 *     inflate thread                                calling thread
 *     read blob -> sha256 -> decompress -> [ring] -> sha256 -> tar -> files
 *
 * Two are right for two cores and ISA-L; a third gained nothing when it was measured. The tree is
 * made under the name "layers/new" and gets its real name after both digests were found right: what
 * is called layers/<diffid> is that layer, after any crash.
 *
 * Trust: the blob is hostile until its digest is known, and its digest is known only at its end.
 * So everything before it (decompression, tar, file names) holds for hostile data.
 */
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "image/decompress.h"
#include "oci/image.h"
#include "sys/file.h"

#define RING_SLOTS     8
#define SLOT_BYTES     (256u << 10)
#define READ_BYTES     (128u << 10)
#define RATIO_MAX      1000u
#define RATIO_FLOOR    (64ull << 20)
#define TEMPORARY_NAME "layers/new"

/* The inflating half, usable alone. */
struct inflate {
    const struct layer_source *source;
    const char *digest; /* expected, or NULL */
    int64_t size;       /* expected, or -1 */
    uint64_t in_bytes;
    uint64_t out_bytes;
    char found_digest[DIGEST_TEXT_SIZE];
    /* Gives room for output and takes it away again. NULL room: the other side stopped. */
    unsigned char *(*room)(void *arg);
    int (*give)(void *arg, size_t n, struct err *e);
    void (*progress)(void *arg, uint64_t in_bytes);
    void *arg;
};

static int check_ratio(const struct inflate *f, struct err *e)
{
    if (f->out_bytes > RATIO_FLOOR && f->out_bytes / RATIO_MAX > f->in_bytes)
        return err_set(e, ERR_LIMIT, "the data expands more than %u times", RATIO_MAX);
    return 0;
}

/* One piece of input through the decoder. `out`, `filled`: the slot that is being filled. */
static int expand_piece(struct inflate *f, struct decompress *d, const unsigned char *in, size_t n,
                        unsigned char **out, size_t *filled, struct err *e)
{
    for (;;) {
        size_t got = 0;

        if (!*out && !(*out = f->room(f->arg)))
            return err_set(e, ERR_IO, "stopped");
        if (decompress_step(d, &in, &n, *out + *filled, SLOT_BYTES - *filled, &got, e) < 0)
            return -1;
        *filled += got;
        f->out_bytes += got;
        if (check_ratio(f, e) < 0)
            return -1;
        if (*filled == SLOT_BYTES) {
            if (f->give(f->arg, *filled, e) < 0)
                return -1;
            *filled = 0;
            *out = NULL;
        } else if (!n) {
            return 0;
        }
    }
}

static int check_blob(struct inflate *f, struct digest *sum, struct err *e)
{
    digest_finish(sum, f->found_digest);
    if (f->size >= 0 && f->in_bytes != (uint64_t)f->size)
        return err_set(e, ERR_INVALID, "the blob has %llu bytes instead of %lld",
                       (unsigned long long)f->in_bytes, (long long)f->size);
    if (f->digest && strcmp(f->digest, f->found_digest) != 0)
        return err_set(e, ERR_INVALID, "the blob's digest is %s", f->found_digest);
    return 0;
}

/* At least DECOMPRESS_MAGIC_BYTES, or all there is. */
static int read_piece(struct inflate *f, unsigned char *buf, size_t least, size_t *ret_n,
                      struct err *e)
{
    size_t n = 0, got;

    do {
        if (f->source->read(f->source->arg, f->in_bytes + n, buf + n, READ_BYTES - n, &got, e) < 0)
            return -1;
        n += got;
    } while (got && n < least);
    *ret_n = n;
    return 0;
}

static int inflate_pieces(struct inflate *f, struct digest *sum, struct err *e)
{
    auto_free unsigned char *buf = alloc_zero(READ_BYTES, 1);
    struct decompress *d = NULL;
    unsigned char *out = NULL;
    size_t filled = 0, n;
    int r;

    while ((r = read_piece(f, buf, d ? 1 : DECOMPRESS_MAGIC_BYTES, &n, e)) == 0 && n) {
        digest_add(sum, buf, n);
        f->in_bytes += n;
        if (f->size >= 0 && f->in_bytes > (uint64_t)f->size) {
            r = err_set(e, ERR_INVALID, "the blob is longer than the %lld bytes promised",
                        (long long)f->size);
            break;
        }
        if (!d)
            d = decompress_new(decompress_detect(buf, n), e);
        r = d ? expand_piece(f, d, buf, n, &out, &filled, e) : -1;
        if (r < 0)
            break;
        if (f->progress)
            f->progress(f->arg, f->in_bytes);
    }
    if (r == 0 && d)
        r = decompress_finish(d, e);
    if (r == 0 && filled)
        r = f->give(f->arg, filled, e);
    decompress_free(d);
    return r;
}

static int inflate_run(struct inflate *f, struct err *e)
{
    struct digest sum;
    int r;

    digest_init(&sum);
    r = inflate_pieces(f, &sum, e);
    if (r == 0)
        return check_blob(f, &sum, e);
    digest_done(&sum);
    return r;
}

/* ---- the ring ---- */

struct pipeline {
    struct inflate inflate;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned char *slots[RING_SLOTS];
    size_t lens[RING_SLOTS];
    unsigned first, used; /* slots that are full; one more is in the reader's hand */
    bool is_ended;        /* the inflate thread is done: `result` and `err` count */
    bool is_stopped;      /* the caller gave up */
    int result;
    struct err err;
    /* caller's side */
    bool has_slot;
    struct digest diff;
    uint64_t out_bytes;
    uint64_t nonzero_end; /* behind the last byte that is not zero */
    const struct layer_request *request;
};

static unsigned char *ring_room(void *arg)
{
    struct pipeline *p = arg;
    unsigned char *room = NULL;

    pthread_mutex_lock(&p->lock);
    while (p->used == RING_SLOTS && !p->is_stopped)
        pthread_cond_wait(&p->changed, &p->lock);
    if (!p->is_stopped)
        room = p->slots[(p->first + p->used) % RING_SLOTS];
    pthread_mutex_unlock(&p->lock);
    return room;
}

static int ring_give(void *arg, size_t n, struct err *e)
{
    struct pipeline *p = arg;

    (void)e;
    pthread_mutex_lock(&p->lock);
    p->lens[(p->first + p->used) % RING_SLOTS] = n;
    p->used++;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

static void show_progress(void *arg, uint64_t in_bytes)
{
    const struct layer_request *q = ((struct pipeline *)arg)->request;

    session_progress(q->session, q->item, "unpacking", (int64_t)in_bytes, q->size);
}

static void *inflate_thread(void *arg)
{
    struct pipeline *p = arg;
    int r = inflate_run(&p->inflate, &p->err);

    pthread_mutex_lock(&p->lock);
    p->result = r;
    p->is_ended = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static size_t trailing_zeros(const unsigned char *b, size_t n)
{
    size_t zeros = 0;

    while (zeros < n && b[n - 1 - zeros] == 0)
        zeros++;
    return zeros;
}

/* tar_input.fill: gives the last slot back, takes the next. */
static int ring_fill(void *arg, const unsigned char **ret, size_t *ret_len, struct err *e)
{
    struct pipeline *p = arg;
    size_t n = 0;
    unsigned char *b;
    int r = 0;

    pthread_mutex_lock(&p->lock);
    if (p->has_slot) {
        p->first = (p->first + 1) % RING_SLOTS;
        p->used--;
        p->has_slot = false;
        pthread_cond_broadcast(&p->changed);
    }
    while (!p->used && !p->is_ended)
        pthread_cond_wait(&p->changed, &p->lock);
    b = p->slots[p->first];
    if (p->used) {
        n = p->lens[p->first];
        p->has_slot = true;
    } else {
        r = p->result;
    }
    pthread_mutex_unlock(&p->lock);
    if (r < 0) {
        *e = p->err;
        return -1;
    }
    *ret_len = n;
    if (!n)
        return 0;
    digest_add(&p->diff, b, n);
    p->out_bytes += n;
    if (trailing_zeros(b, n) < n)
        p->nonzero_end = p->out_bytes - trailing_zeros(b, n);
    *ret = b;
    return 0;
}

/* Behind the archive's end mark there may be zeros only; they count for the diffID. */
static int drain(struct pipeline *p, uint64_t archive_end, struct err *e)
{
    const unsigned char *data;
    size_t n;

    do {
        if (ring_fill(p, &data, &n, e) < 0)
            return -1;
    } while (n);
    if (p->nonzero_end > archive_end)
        return err_set(e, ERR_INVALID, "there is garbage behind the archive's end");
    return 0;
}

static int wrong_diff_id(const char *found, const char *diff_id, struct err *e)
{
    return err_set(e, ERR_INVALID, "the unpacked data's digest is %s instead of %s", found,
                   diff_id);
}

static int check_diff_id(struct pipeline *p, struct err *e)
{
    char found[DIGEST_TEXT_SIZE];

    digest_finish(&p->diff, found);
    return strcmp(found, p->request->diff_id) == 0 ? 0
                                                   : wrong_diff_id(found, p->request->diff_id, e);
}

static int consume_tar(struct pipeline *p, int layer_fd, struct layer_result *ret, struct err *e)
{
    struct tar_input input = {.fill = ring_fill, .arg = p};
    struct tar_reader *tar = tar_reader_new(&input);
    uint64_t bytes = 0;
    int r = unpack_layer(layer_fd, p->request->staging_fd, tar, p->request->budget, &bytes, e);

    if (r == 0)
        r = drain(p, tar_position(tar), e);
    if (r == 0)
        r = check_diff_id(p, e);
    ret->unpacked_bytes = (int64_t)bytes;
    tar_reader_free(tar);
    return r;
}

static int run_pipeline(const struct layer_request *q, int layer_fd, struct layer_result *ret,
                        struct err *e)
{
    struct pipeline p = {
        .inflate = {.source = &q->source,
                    .digest = q->digest,
                    .size = q->size,
                    .room = ring_room,
                    .give = ring_give,
                    .progress = show_progress},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .request = q,
    };
    auto_free unsigned char *memory = alloc_grow(NULL, RING_SLOTS, SLOT_BYTES);
    pthread_t thread;
    int r;

    p.inflate.arg = &p;
    for (unsigned i = 0; i < RING_SLOTS; i++)
        p.slots[i] = memory + (size_t)i * SLOT_BYTES;
    r = pthread_create(&thread, NULL, inflate_thread, &p);
    if (r != 0)
        return err_sys(e, -r, "start a thread");
    digest_init(&p.diff);
    r = consume_tar(&p, layer_fd, ret, e);
    digest_done(&p.diff);
    pthread_mutex_lock(&p.lock);
    p.is_stopped = true;
    pthread_cond_broadcast(&p.changed);
    pthread_mutex_unlock(&p.lock);
    if (r < 0 && q->source.cancel)
        q->source.cancel(q->source.arg);
    pthread_join(thread, NULL);
    ret->blob_bytes = (int64_t)p.inflate.in_bytes;
    memcpy(ret->digest, p.inflate.found_digest, sizeof(ret->digest));
    return r;
}

static int make_layer_directory(int staging_fd, struct err *e)
{
    int fd, r = sys_mkdir_p(staging_fd, "layers", 0700);

    if (r == 0)
        r = sys_mkdir(staging_fd, TEMPORARY_NAME, 0755);
    if (r < 0)
        return err_sys(e, r, "create the layer's directory");
    fd = sys_open(staging_fd, TEMPORARY_NAME, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_sys(e, fd, "open the layer's directory");
    r = sys_chmod(fd, 0755);
    if (r < 0) {
        fd_close(fd);
        return err_sys(e, r, "set the mode of the layer's directory");
    }
    return fd;
}

int layer_unpack(const struct layer_request *q, struct layer_result *ret, struct err *e)
{
    auto_free char *name = alloc_printf("layers/%s", oci_digest_hex(q->diff_id));
    auto_fd int fd = make_layer_directory(q->staging_fd, e);
    int r;

    *ret = (struct layer_result){0};
    if (fd < 0)
        return -1;
    r = run_pipeline(q, fd, ret, e);
    if (r == 0) {
        r = sys_rename(q->staging_fd, TEMPORARY_NAME, q->staging_fd, name);
        if (r < 0)
            err_sys(e, r, "name the layer");
    }
    if (r < 0) {
        (void)sys_remove_tree(q->staging_fd, TEMPORARY_NAME); /* staging is swept anyway */
        return err_wrap(e, "layer %.19s", q->digest ? q->digest : q->diff_id);
    }
    return 0;
}

/* ---- expanding an archive ---- */

struct expansion {
    unsigned char *buf;
    int fd;             /* FD_NONE: only counted */
    struct digest *sum; /* optional */
    uint64_t left;
};

static unsigned char *expansion_room(void *arg)
{
    return ((struct expansion *)arg)->buf;
}

static int expansion_give(void *arg, size_t n, struct err *e)
{
    struct expansion *x = arg;
    int r;

    if (n > x->left)
        return err_set(e, ERR_LIMIT, "the archive is larger than allowed");
    x->left -= n;
    if (x->sum)
        digest_add(x->sum, x->buf, n);
    r = x->fd < 0 ? 0 : sys_write_all(x->fd, x->buf, n);
    return r < 0 ? err_sys(e, r, "spool the archive") : 0;
}

static int expand(const struct layer_source *source, int fd, uint64_t max_bytes,
                  uint64_t *ret_bytes, struct err *e)
{
    auto_free unsigned char *buf = alloc_zero(SLOT_BYTES, 1);
    struct expansion x = {.buf = buf, .fd = fd, .left = max_bytes};
    struct inflate f = {.source = source,
                        .size = -1,
                        .room = expansion_room,
                        .give = expansion_give,
                        .arg = &x};
    int r = inflate_run(&f, e);

    *ret_bytes = f.out_bytes;
    return r;
}

int layer_expand(const struct layer_source *source, int fd, uint64_t max_bytes, struct err *e)
{
    uint64_t bytes;

    return expand(source, fd, max_bytes, &bytes, e);
}

int layer_measure(const struct layer_source *source, uint64_t max_bytes, uint64_t *ret_bytes,
                  struct err *e)
{
    return expand(source, FD_NONE, max_bytes, ret_bytes, e);
}

int layer_verify(const struct layer_source *source, const char *digest, int64_t size,
                 const char *diff_id, uint64_t max_bytes, struct err *e)
{
    auto_free unsigned char *buf = alloc_zero(SLOT_BYTES, 1);
    struct digest sum;
    struct expansion x = {.buf = buf, .fd = FD_NONE, .sum = &sum, .left = max_bytes};
    struct inflate f = {.source = source,
                        .digest = digest,
                        .size = size,
                        .room = expansion_room,
                        .give = expansion_give,
                        .arg = &x};
    char found[DIGEST_TEXT_SIZE];
    int r;

    digest_init(&sum);
    r = inflate_run(&f, e);
    digest_finish(&sum, found);
    if (r == 0 && strcmp(found, diff_id) != 0)
        r = wrong_diff_id(found, diff_id, e);
    return r < 0 ? err_wrap(e, "layer %.19s", digest ? digest : diff_id) : 0;
}
