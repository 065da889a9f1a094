/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: an archive is a row of 512-byte blocks: a header, its data, padding. An entry may be
 * preceded by headers that describe it: PAX records ('x'), GNU long name ('L') and long link ('K').
 * They are gathered in `over` (bounded together by TAR_HEADERS_MAX_BYTES), then the entry's own
 * header is read and overridden by them.
 *
 * Trust: nothing in the archive is trusted. Each number is checked against its range before it is
 * added to another; sizes are only counters here, never allocation sizes, except for the bounded
 * ones. What a name may be is unpack.c's matter.
 *
 * The archive ends at its first zero block, or where the input ends between two entries. Whoever
 * owns the input decides about bytes behind it (tar_position() tells where they begin).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "image/tar_private.h"

/* The header's fields (POSIX ustar; GNU and v7 agree up to `link`). */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_CHECKSUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    AT_DEV_MAJOR = 329,
    AT_DEV_MINOR = 337,
    AT_PREFIX = 345,
};

static const struct {
    char type;
    enum tar_kind kind;
} kinds[] = {
    {'0', TAR_FILE},      {'\0', TAR_FILE},   {'7', TAR_FILE},        {'S', TAR_FILE},
    {'1', TAR_HARDLINK},  {'2', TAR_SYMLINK}, {'3', TAR_CHAR_DEVICE}, {'4', TAR_BLOCK_DEVICE},
    {'5', TAR_DIRECTORY}, {'6', TAR_FIFO},
};

const char *tar_show(const char *name, char buf[static TAR_SHOWN_SIZE])
{
    size_t n = 0;

    for (; *name && n + 8 < TAR_SHOWN_SIZE; name++) {
        unsigned char c = (unsigned char)*name;

        if (c > 0x20 && c < 0x7f && c != '\'' && c != '\\')
            buf[n++] = (char)c;
        else
            n += (size_t)snprintf(buf + n, TAR_SHOWN_SIZE - n, "\\x%02x", c);
    }
    snprintf(buf + n, TAR_SHOWN_SIZE - n, "%s", *name ? "..." : "");
    return buf;
}

/* Makes bytes available: 1, 0 at the end of the input, -1. */
static int refill(struct tar_reader *r, struct err *e)
{
    if (r->left)
        return 1;
    if (r->input.fill(r->input.arg, &r->at, &r->left, e) < 0)
        return -1;
    return r->left > 0;
}

static void consume(struct tar_reader *r, size_t n)
{
    r->at += n;
    r->left -= n;
    r->position += n;
}

static int truncated(struct err *e)
{
    return err_set(e, ERR_INVALID, "the archive is truncated");
}

int tar_read_exact(struct tar_reader *r, void *buf, size_t n, struct err *e)
{
    unsigned char *out = buf;

    while (n) {
        int got = refill(r, e);
        size_t piece = MIN(n, r->left);

        if (got < 0)
            return -1;
        if (got == 0)
            return truncated(e);
        memcpy(out, r->at, piece);
        consume(r, piece);
        out += piece;
        n -= piece;
    }
    return 0;
}

static int pass_over(struct tar_reader *r, uint64_t n, struct err *e)
{
    while (n) {
        int got;
        size_t piece;

        if (!r->left && r->input.skip) {
            if (r->input.skip(r->input.arg, n, e) < 0)
                return -1;
            r->position += n;
            return 0;
        }
        got = refill(r, e);
        if (got < 0)
            return -1;
        if (got == 0)
            return truncated(e);
        piece = (size_t)MIN(n, (uint64_t)r->left);
        consume(r, piece);
        n -= piece;
    }
    return 0;
}

/* Octal text, or base 256 when the first bit is set (GNU, star). */
int tar_parse_number(const unsigned char *field, size_t n, int64_t *ret)
{
    uint64_t v = 0;
    size_t i = 0;

    if (field[0] & 0x80) {
        bool negative = field[0] & 0x40;

        for (; i < n; i++) {
            unsigned char c = negative ? (unsigned char)~field[i] : field[i];

            if (i == 0)
                c &= 0x7f;
            if (v >> 55)
                return -EINVAL;
            v = v << 8 | c;
        }
        *ret = negative ? -(int64_t)v - 1 : (int64_t)v;
        return 0;
    }
    while (i < n && (field[i] == ' ' || field[i] == 0))
        i++;
    for (; i < n && field[i] >= '0' && field[i] <= '7'; i++) {
        if (v >> 59)
            return -EINVAL;
        v = v << 3 | (unsigned)(field[i] - '0');
    }
    for (; i < n; i++)
        if (field[i] != ' ' && field[i] != 0)
            return -EINVAL;
    *ret = (int64_t)v;
    return 0;
}

static bool is_zero_block(const unsigned char *b)
{
    return b[0] == 0 && memcmp(b, b + 1, TAR_BLOCK - 1) == 0;
}

static int check_header(const unsigned char *b, struct err *e)
{
    int64_t wanted, sum = 0, signed_sum = 0;

    for (size_t i = 0; i < TAR_BLOCK; i++) {
        unsigned char c = i >= AT_CHECKSUM && i < AT_CHECKSUM + 8 ? ' ' : b[i];

        sum += c;
        signed_sum += (signed char)c;
    }
    if (tar_parse_number(b + AT_CHECKSUM, 8, &wanted) < 0 ||
        (wanted != sum && wanted != signed_sum))
        return err_set(e, ERR_INVALID, "the archive has a header with a wrong checksum");
    return 0;
}

/* 1 with a header, 0 at the end. */
static int read_header(struct tar_reader *r, unsigned char b[static TAR_BLOCK], struct err *e)
{
    int got = refill(r, e);

    if (got <= 0)
        return got;
    if (tar_read_exact(r, b, TAR_BLOCK, e) < 0)
        return -1;
    if (is_zero_block(b))
        return 0;
    return check_header(b, e) < 0 ? -1 : 1;
}

static int read_number(const unsigned char *b, size_t at, size_t n, int64_t min, int64_t max,
                       const char *what, int64_t *ret, struct err *e)
{
    if (tar_parse_number(b + at, n, ret) < 0 || *ret < min || *ret > max)
        return err_set(e, ERR_INVALID, "the archive has a header with an invalid %s", what);
    return 0;
}

static uint64_t padding_of(uint64_t size)
{
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* The body of a header that describes the next one, as owned text. `budget` shrinks. */
static int read_body(struct tar_reader *r, int64_t size, size_t *budget, char **ret, struct err *e)
{
    auto_free char *text = NULL;

    if ((uint64_t)size > *budget)
        return err_set(e, ERR_LIMIT, "the extended headers of an entry are longer than %u bytes",
                       TAR_HEADERS_MAX_BYTES);
    *budget -= (size_t)size;
    text = alloc_zero((size_t)size + 1, 1);
    if (tar_read_exact(r, text, (size_t)size, e) < 0 ||
        pass_over(r, padding_of((uint64_t)size), e) < 0)
        return -1;
    *ret = take_ptr(&text);
    return 0;
}

/* Takes a describing header in: 1 when it was one, 0 when `b` is an entry's own header. */
static int take_description(struct tar_reader *r, const unsigned char *b, size_t *budget,
                            struct err *e)
{
    auto_free char *text = NULL;
    char type = (char)b[AT_TYPE];
    int64_t size;

    if (!memchr("xXgLK", type, 5))
        return 0;
    if (read_number(b, AT_SIZE, 12, 0, INT64_MAX / 2, "size", &size, e) < 0 ||
        read_body(r, size, budget, &text, e) < 0)
        return -1;
    switch (type) {
    case 'L':
        free(r->over.path);
        r->over.path = take_ptr(&text);
        break;
    case 'K':
        free(r->over.link);
        r->over.link = take_ptr(&text);
        break;
    case 'g': /* defaults for the whole archive: as Go and docker do, not applied */
        break;
    default:
        if (tar_pax_parse(&r->over, text, (size_t)size, e) < 0)
            return -1;
    }
    return 1;
}

static void entry_done(struct tar_entry *t)
{
    free(t->path);
    free(t->link);
    VEC_FOREACH (x, &t->xattrs) {
        free(x->name);
        free(x->value);
    }
    vec_done(&t->xattrs);
    *t = (struct tar_entry){0};
}

static char *header_name(const unsigned char *b)
{
    const char *name = (const char *)b + AT_NAME, *prefix = (const char *)b + AT_PREFIX;

    if (memcmp(b + AT_MAGIC, "ustar\0", 6) != 0 || !*prefix)
        return alloc_strndup(name, 100);
    return alloc_printf("%.155s/%.100s", prefix, name);
}

static int set_names(struct tar_reader *r, const unsigned char *b, struct err *e)
{
    struct tar_entry *t = &r->entry;
    struct tar_overrides *o = &r->over;

    if (o->sparse_name) {
        free(o->path);
        o->path = take_ptr(&o->sparse_name);
    }
    t->path = o->path ? take_ptr(&o->path) : header_name(b);
    if (!*t->path || strlen(t->path) > TAR_PATH_MAX_BYTES)
        return err_set(e, ERR_INVALID, "the archive has an entry whose name is %s",
                       *t->path ? "too long" : "empty");
    if (t->kind == TAR_HARDLINK || t->kind == TAR_SYMLINK) {
        char shown[TAR_SHOWN_SIZE];

        t->link = o->link ? take_ptr(&o->link) : alloc_strndup((const char *)b + AT_LINK, 100);
        if (!*t->link || strlen(t->link) > TAR_PATH_MAX_BYTES)
            return err_set(e, ERR_INVALID, "entry '%s': the link's target is %s",
                           tar_show(t->path, shown), *t->link ? "too long" : "empty");
    }
    return 0;
}

/* Numbers of the header where no extended header said otherwise. Ids end below -1 of 32 bits,
 * which chown(2) would take for "unchanged" (CVE-2024-40635's class). */
static int set_numbers(struct tar_reader *r, const unsigned char *b, struct err *e)
{
    struct tar_entry *t = &r->entry;
    struct tar_overrides *o = &r->over;
    int64_t mode, uid = 0, gid = 0, size = 0, mtime = 0, major = 0, minor = 0;

    if (read_number(b, AT_MODE, 8, 0, INT64_MAX, "mode", &mode, e) < 0 ||
        (!o->has_uid && read_number(b, AT_UID, 8, 0, UINT32_MAX - 1, "uid", &uid, e) < 0) ||
        (!o->has_gid && read_number(b, AT_GID, 8, 0, UINT32_MAX - 1, "gid", &gid, e) < 0) ||
        (!o->has_size && read_number(b, AT_SIZE, 12, 0, INT64_MAX / 2, "size", &size, e) < 0) ||
        (!o->has_mtime &&
         read_number(b, AT_MTIME, 12, INT64_MIN, INT64_MAX, "mtime", &mtime, e) < 0))
        return -1;
    if ((t->kind == TAR_CHAR_DEVICE || t->kind == TAR_BLOCK_DEVICE) &&
        (read_number(b, AT_DEV_MAJOR, 8, 0, 4095, "device number", &major, e) < 0 ||
         read_number(b, AT_DEV_MINOR, 8, 0, 0xfffff, "device number", &minor, e) < 0))
        return -1;
    t->mode = (mode_t)(mode & 07777);
    t->uid = o->has_uid ? (uid_t)o->uid : (uid_t)uid;
    t->gid = o->has_gid ? (gid_t)o->gid : (gid_t)gid;
    t->size = o->has_size ? o->size : (uint64_t)size;
    t->mtime_s = o->has_mtime ? o->mtime_s : mtime;
    t->mtime_ns = o->has_mtime ? o->mtime_ns : 0;
    t->dev_major = (unsigned)major;
    t->dev_minor = (unsigned)minor;
    return 0;
}

static int set_kind(struct tar_reader *r, const unsigned char *b, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].type == (char)b[AT_TYPE]) {
            r->entry.kind = kinds[i].kind;
            return 0;
        }
    }
    return err_set(e, ERR_UNSUPPORTED, "the archive has an entry of the unknown type 0x%02x",
                   b[AT_TYPE]);
}

static int begin_sparse(struct tar_reader *r, const unsigned char *b, struct err *e)
{
    struct tar_overrides *o = &r->over;

    if (b[AT_TYPE] == 'S') {
        if (tar_sparse_read_old(r, b, e) < 0)
            return -1;
    } else if (o->has_sparse_major && o->sparse_major == 1 && o->sparse_minor == 0) {
        if (tar_sparse_read_map(r, e) < 0)
            return -1;
    } else if (o->has_sparse_major && o->sparse_major != 0) {
        return err_set(e, ERR_UNSUPPORTED, "the archive has a sparse file of an unknown version");
    } else if (!o->has_extents) {
        return 0;
    }
    r->is_sparse = true;
    if (!o->has_real_size)
        return err_set(e, ERR_INVALID, "the archive has a sparse file without a size");
    if (tar_sparse_check(r, o->real_size, e) < 0)
        return -1;
    r->entry.size = o->real_size;
    return 0;
}

/* The entry's own header: what follows it in the archive is set up for tar_data(). */
static int begin_entry(struct tar_reader *r, const unsigned char *b, struct err *e)
{
    struct tar_entry *t = &r->entry;
    char shown[TAR_SHOWN_SIZE];

    if (set_kind(r, b, e) < 0 || set_names(r, b, e) < 0)
        return -1;
    if (set_numbers(r, b, e) < 0)
        return err_wrap(e, "entry '%s'", tar_show(t->path, shown));
    if (t->kind == TAR_FILE && b[AT_TYPE] != 'S' && str_ends_with(t->path, "/"))
        t->kind = TAR_DIRECTORY; /* v7 */
    if (t->kind != TAR_FILE)
        t->size = 0; /* Go: only files have data, whatever the header says */
    memcpy(&t->xattrs, &r->over.xattrs, sizeof(t->xattrs));
    memset(&r->over.xattrs, 0, sizeof(r->over.xattrs));
    r->data_left = t->size;
    r->pad_left = padding_of(t->size);
    if (t->kind == TAR_FILE && begin_sparse(r, b, e) < 0)
        return err_wrap(e, "entry '%s'", tar_show(t->path, shown));
    return 1;
}

int tar_next(struct tar_reader *r, const struct tar_entry **ret, struct err *e)
{
    unsigned char b[TAR_BLOCK];
    size_t budget = TAR_HEADERS_MAX_BYTES;
    int got;

    if (r->is_at_end)
        return 0;
    if (pass_over(r, r->data_left + r->pad_left, e) < 0)
        return -1;
    entry_done(&r->entry);
    tar_overrides_done(&r->over);
    r->data_left = r->pad_left = r->file_offset = r->extent_given = 0;
    r->extent = 0;
    r->is_sparse = false;
    for (;;) { /* bounded: each turn takes its block from the budget */
        got = read_header(r, b, e);
        if (got <= 0)
            break;
        if (budget < TAR_BLOCK)
            return err_set(e, ERR_LIMIT, "an entry has too many extended headers");
        budget -= TAR_BLOCK;
        got = take_description(r, b, &budget, e);
        if (got < 0)
            return -1;
        if (got == 0) {
            *ret = &r->entry;
            return begin_entry(r, b, e);
        }
    }
    r->is_at_end = got == 0;
    return got;
}

/* How much of the stored data may be handed out in one piece, and where it belongs. */
static uint64_t next_place(struct tar_reader *r, uint64_t *ret_offset)
{
    const struct tar_extent *x;

    if (!r->is_sparse) {
        *ret_offset = r->file_offset;
        return r->data_left;
    }
    while (r->extent < r->over.extents.len &&
           r->extent_given == r->over.extents.items[r->extent].len) {
        r->extent++;
        r->extent_given = 0;
    }
    if (r->extent == r->over.extents.len)
        return 0;
    x = &r->over.extents.items[r->extent];
    *ret_offset = x->offset + r->extent_given;
    return MIN(x->len - r->extent_given, r->data_left);
}

int tar_data(struct tar_reader *r, const unsigned char **ret, size_t *ret_len, uint64_t *ret_offset,
             struct err *e)
{
    uint64_t most = next_place(r, ret_offset);
    size_t piece;
    int got;

    *ret_len = 0;
    if (!most)
        return 0;
    got = refill(r, e);
    if (got < 0)
        return -1;
    if (got == 0)
        return truncated(e);
    piece = (size_t)MIN(most, (uint64_t)r->left);
    *ret = r->at;
    *ret_len = piece;
    consume(r, piece);
    r->data_left -= piece;
    r->file_offset += piece;
    r->extent_given += piece;
    return 0;
}

uint64_t tar_position(const struct tar_reader *r)
{
    return r->position;
}

struct tar_reader *tar_reader_new(const struct tar_input *input)
{
    struct tar_reader *r = alloc_new(struct tar_reader);

    r->input = *input;
    return r;
}

void tar_reader_free(struct tar_reader *r)
{
    if (!r)
        return;
    entry_done(&r->entry);
    tar_overrides_done(&r->over);
    free(r);
}
