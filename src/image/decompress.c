/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: one row of `formats` a library. A row's step consumes and produces what it can, and says
 * when a member (gzip) ended; the common part decides what may follow: another member or zeros.
 */
#include "image/decompress.h"

#include <string.h>
#include <zlib.h>
#ifdef DHOW_ISAL
#include <isa-l/igzip_lib.h>
#endif
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"

struct decompress {
    const struct format *format;
    bool is_between; /* gzip: a member ended, none began */
    bool is_padding; /* gzip: zeros began behind the last member */
    union {
        z_stream z;
        ZSTD_DCtx *zstd;
        void *isal;
    };
    size_t zstd_wants; /* 0 between frames */
};

struct format {
    const char *name;
    int (*init)(struct decompress *d);
    /* *ret_end: a gzip member ended with this step. 0, -1 */
    int (*step)(struct decompress *d, const unsigned char **in, size_t *in_len, unsigned char *out,
                size_t out_size, size_t *ret_n, bool *ret_end, struct err *e);
    int (*reset)(struct decompress *d);
    void (*done)(struct decompress *d);
};

static int corrupt(const struct decompress *d, struct err *e)
{
    return err_set(e, ERR_INVALID, "the %s data is corrupt", d->format->name);
}

/* ---- plain ---- */

static int plain_init(struct decompress *d)
{
    d->is_between = false;
    return 0;
}

static int plain_step(struct decompress *d, const unsigned char **in, size_t *in_len,
                      unsigned char *out, size_t out_size, size_t *ret_n, bool *ret_end,
                      struct err *e)
{
    size_t n = MIN(*in_len, out_size);

    (void)d;
    (void)e;
    memcpy(out, *in, n);
    *in += n;
    *in_len -= n;
    *ret_n = n;
    *ret_end = false;
    return 0;
}

static void plain_done(struct decompress *d)
{
    (void)d;
}

/* ---- gzip by ISA-L: 2.3 times zlib's speed ---- */

#ifdef DHOW_ISAL
static int isal_reset(struct decompress *d)
{
    struct inflate_state *s = d->isal;

    isal_inflate_reset(s);
    s->crc_flag = ISAL_GZIP;
    return 0;
}

static int isal_begin(struct decompress *d)
{
    d->isal = alloc_new(struct inflate_state);
    isal_inflate_init(d->isal);
    return isal_reset(d);
}

static int isal_step(struct decompress *d, const unsigned char **in, size_t *in_len,
                     unsigned char *out, size_t out_size, size_t *ret_n, bool *ret_end,
                     struct err *e)
{
    struct inflate_state *s = d->isal;

    s->next_in = (unsigned char *)(uintptr_t)*in; /* read only */
    s->avail_in = (uint32_t)*in_len;
    s->next_out = out;
    s->avail_out = (uint32_t)out_size;
    if (isal_inflate(s) != ISAL_DECOMP_OK)
        return corrupt(d, e);
    *in = s->next_in;
    *in_len = s->avail_in;
    *ret_n = out_size - s->avail_out;
    *ret_end = s->block_state == ISAL_BLOCK_FINISH;
    return 0;
}

static void isal_done(struct decompress *d)
{
    free(d->isal);
}
#endif

/* ---- gzip by zlib ---- */

static int zlib_begin(struct decompress *d)
{
    return inflateInit2(&d->z, 15 + 16) == Z_OK ? 0 : -1;
}

static int zlib_reset(struct decompress *d)
{
    return inflateReset(&d->z) == Z_OK ? 0 : -1;
}

static int zlib_step(struct decompress *d, const unsigned char **in, size_t *in_len,
                     unsigned char *out, size_t out_size, size_t *ret_n, bool *ret_end,
                     struct err *e)
{
    int r;

    d->z.next_in = (unsigned char *)(uintptr_t)*in;
    d->z.avail_in = (unsigned)*in_len;
    d->z.next_out = out;
    d->z.avail_out = (unsigned)out_size;
    r = inflate(&d->z, Z_NO_FLUSH);
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
        return corrupt(d, e);
    *in = d->z.next_in;
    *in_len = d->z.avail_in;
    *ret_n = out_size - d->z.avail_out;
    *ret_end = r == Z_STREAM_END;
    return 0;
}

static void zlib_done(struct decompress *d)
{
    inflateEnd(&d->z);
}

/* ---- zstd ---- */

static int zstd_begin(struct decompress *d)
{
    d->is_between = false;
    d->zstd_wants = 1;
    d->zstd = ZSTD_createDCtx();
    if (!d->zstd)
        return -1;
    ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, DECOMPRESS_ZSTD_WINDOW_LOG);
    return 0;
}

static int zstd_step(struct decompress *d, const unsigned char **in, size_t *in_len,
                     unsigned char *out, size_t out_size, size_t *ret_n, bool *ret_end,
                     struct err *e)
{
    ZSTD_inBuffer i = {*in, *in_len, 0};
    ZSTD_outBuffer o = {out, out_size, 0};
    size_t r = ZSTD_decompressStream(d->zstd, &o, &i);

    if (ZSTD_isError(r)) {
        if (ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge)
            return err_set(e, ERR_LIMIT, "the zstd data needs a window larger than %u MiB",
                           1u << (DECOMPRESS_ZSTD_WINDOW_LOG - 20));
        return corrupt(d, e);
    }
    *in += i.pos;
    *in_len -= i.pos;
    *ret_n = o.pos;
    *ret_end = false;
    d->zstd_wants = r;
    return 0;
}

static void zstd_done(struct decompress *d)
{
    ZSTD_freeDCtx(d->zstd);
}

static const struct format formats[] = {
    [DECOMPRESS_PLAIN] = {"plain", plain_init, plain_step, NULL, plain_done},
#ifdef DHOW_ISAL
    [DECOMPRESS_GZIP] = {"gzip", isal_begin, isal_step, isal_reset, isal_done},
#else
    [DECOMPRESS_GZIP] = {"gzip", zlib_begin, zlib_step, zlib_reset, zlib_done},
#endif
    [DECOMPRESS_GZIP_ZLIB] = {"gzip", zlib_begin, zlib_step, zlib_reset, zlib_done},
    [DECOMPRESS_ZSTD] = {"zstd", zstd_begin, zstd_step, NULL, zstd_done},
};

static const struct {
    unsigned char bytes[DECOMPRESS_MAGIC_BYTES];
    size_t n;
    enum decompress_format format;
} magics[] = {
    {{0x1f, 0x8b}, 2, DECOMPRESS_GZIP},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, DECOMPRESS_ZSTD},
    {{0xfd, '7', 'z', 'X'}, 4, DECOMPRESS_UNKNOWN},
    {{'B', 'Z', 'h'}, 3, DECOMPRESS_UNKNOWN},
};

enum decompress_format decompress_detect(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if (n >= magics[i].n && memcmp(p, magics[i].bytes, magics[i].n) == 0)
            return magics[i].format;
    /* A skippable frame may come first. */
    if (n >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
        return DECOMPRESS_ZSTD;
    return DECOMPRESS_PLAIN;
}

struct decompress *decompress_new(enum decompress_format format, struct err *e)
{
    struct decompress *d;

    if ((size_t)format >= ARRAY_LEN(formats)) {
        err_set(e, ERR_UNSUPPORTED, "the data is compressed with neither gzip nor zstd");
        return NULL;
    }
    d = alloc_new(struct decompress);
    d->format = &formats[format];
    if (d->format->init(d) == 0)
        return d;
    err_set(e, ERR_LIMIT, "no memory for decompression");
    free(d);
    return NULL;
}

void decompress_free(struct decompress *d)
{
    if (!d)
        return;
    d->format->done(d);
    free(d);
}

/* Behind a gzip member: zeros to the end, or another member (its second magic byte is the
 * decoder's to check). 1: a member begins and the decoder was reset. */
static int between_members(struct decompress *d, const unsigned char **in, size_t *in_len,
                           struct err *e)
{
    while (*in_len && (d->is_padding || **in == 0)) {
        d->is_padding = true;
        if (**in != 0)
            return err_set(e, ERR_INVALID, "there is garbage behind the gzip data");
        (*in)++;
        (*in_len)--;
    }
    if (!*in_len)
        return 0;
    if (**in != 0x1f)
        return err_set(e, ERR_INVALID, "there is garbage behind the gzip data");
    d->is_between = false;
    return d->format->reset(d) < 0 ? corrupt(d, e) : 1;
}

int decompress_step(struct decompress *d, const unsigned char **in, size_t *in_len,
                    unsigned char *out, size_t out_size, size_t *ret_n, struct err *e)
{
    bool ended = false;

    *ret_n = 0;
    if (d->is_between) {
        int r = between_members(d, in, in_len, e);

        if (r <= 0)
            return r;
    }
    if (d->format->step(d, in, in_len, out, out_size, ret_n, &ended, e) < 0)
        return -1;
    if (ended)
        d->is_between = true;
    return 0;
}

int decompress_finish(struct decompress *d, struct err *e)
{
    bool is_complete = d->format->reset                         ? d->is_between
                       : d->format == &formats[DECOMPRESS_ZSTD] ? d->zstd_wants == 0
                                                                : true;

    return is_complete ? 0 : err_set(e, ERR_INVALID, "the %s data is truncated", d->format->name);
}
