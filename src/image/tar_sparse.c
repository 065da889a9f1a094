/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps of sparse files. Four forms (old GNU header, PAX 0.0, 0.1, 1.0) become one list of extents,
 * which is bounded (TAR_EXTENTS_MAX: a map that claims 10^12 extents is refused, not allocated),
 * ascending, without overlaps, inside the file, and exactly as long as the stored data.
 */
#include <string.h>

#include "base/str.h"
#include "image/tar_private.h"

enum { AT_OLD_MAP = 386, AT_OLD_EXTENDED = 482, AT_OLD_REAL_SIZE = 483, OLD_IN_HEADER = 4 };
enum { AT_EXTENSION_EXTENDED = 504, OLD_IN_EXTENSION = 21 };

static int invalid(struct err *e)
{
    return err_set(e, ERR_INVALID, "the map of the sparse file is invalid");
}

static int too_many(struct err *e)
{
    return err_set(e, ERR_LIMIT, "the sparse file has more than %u extents", TAR_EXTENTS_MAX);
}

int tar_sparse_add(struct tar_overrides *o, uint64_t offset, uint64_t len, struct err *e)
{
    struct tar_extent x = {.offset = offset, .len = len};

    o->has_extents = true;
    if (o->extents.len >= TAR_EXTENTS_MAX)
        return too_many(e);
    vec_push(&o->extents, x);
    return 0;
}

/* 0.1: "offset,length,offset,length" */
int tar_sparse_add_map(struct tar_overrides *o, const char *map, struct err *e)
{
    uint64_t number[2];
    unsigned n = 0;

    o->has_extents = true;
    while (*map) {
        size_t len = strcspn(map, ",");
        char text[24];

        if (len >= sizeof(text))
            return invalid(e);
        memcpy(text, map, len);
        text[len] = 0;
        if (str_to_u64(text, INT64_MAX / 2, &number[n]) < 0)
            return invalid(e);
        if (n++ && tar_sparse_add(o, number[0], number[1], e) < 0)
            return -1;
        n &= 1;
        map += len + (map[len] == ',');
    }
    return n ? invalid(e) : 0;
}

static int add_old_rows(struct tar_overrides *o, const unsigned char *rows, unsigned n,
                        struct err *e)
{
    for (unsigned i = 0; i < n; i++, rows += 24) {
        int64_t offset, len;

        if (!rows[0])
            return 0;
        if (tar_parse_number(rows, 12, &offset) < 0 || offset < 0 ||
            tar_parse_number(rows + 12, 12, &len) < 0 || len < 0)
            return invalid(e);
        if (tar_sparse_add(o, (uint64_t)offset, (uint64_t)len, e) < 0)
            return -1;
    }
    return 0;
}

int tar_sparse_read_old(struct tar_reader *r, const unsigned char *header, struct err *e)
{
    unsigned char b[TAR_BLOCK];
    int64_t real_size;
    bool is_extended = header[AT_OLD_EXTENDED];

    if (tar_parse_number(header + AT_OLD_REAL_SIZE, 12, &real_size) < 0 || real_size < 0)
        return invalid(e);
    r->over.real_size = (uint64_t)real_size;
    r->over.has_real_size = r->over.has_extents = true;
    if (add_old_rows(&r->over, header + AT_OLD_MAP, OLD_IN_HEADER, e) < 0)
        return -1;
    for (unsigned n = 0; is_extended; n++) {
        if (n > TAR_EXTENTS_MAX / OLD_IN_EXTENSION)
            return too_many(e);
        if (tar_read_exact(r, b, sizeof(b), e) < 0 ||
            add_old_rows(&r->over, b, OLD_IN_EXTENSION, e) < 0)
            return -1;
        is_extended = b[AT_EXTENSION_EXTENDED];
    }
    return 0;
}

/* One decimal line of a 1.0 map; blocks are taken from the entry's data as they are needed. */
static int read_map_number(struct tar_reader *r, char b[static TAR_BLOCK], size_t *at,
                           uint64_t *ret, struct err *e)
{
    char text[24];

    for (size_t n = 0; n < sizeof(text); n++) {
        if (*at == TAR_BLOCK) {
            if (r->data_left < TAR_BLOCK)
                return invalid(e);
            if (tar_read_exact(r, b, TAR_BLOCK, e) < 0)
                return -1;
            r->data_left -= TAR_BLOCK;
            *at = 0;
        }
        text[n] = b[(*at)++];
        if (text[n] == '\n') {
            text[n] = 0;
            return str_to_u64(text, INT64_MAX / 2, ret) < 0 ? invalid(e) : 0;
        }
    }
    return invalid(e);
}

int tar_sparse_read_map(struct tar_reader *r, struct err *e)
{
    char b[TAR_BLOCK];
    size_t at = TAR_BLOCK;
    uint64_t count;

    vec_done(&r->over.extents);
    r->over.has_extents = true;
    if (read_map_number(r, b, &at, &count, e) < 0)
        return -1;
    if (count > TAR_EXTENTS_MAX)
        return too_many(e);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t offset, len;

        if (read_map_number(r, b, &at, &offset, e) < 0 || read_map_number(r, b, &at, &len, e) < 0 ||
            tar_sparse_add(&r->over, offset, len, e) < 0)
            return -1;
    }
    return 0;
}

int tar_sparse_check(const struct tar_reader *r, uint64_t real_size, struct err *e)
{
    uint64_t end = 0, stored = 0;

    if (r->over.has_pending_offset)
        return invalid(e);
    for (size_t i = 0; i < r->over.extents.len; i++) {
        const struct tar_extent *x = &r->over.extents.items[i];

        if (x->offset < end || x->offset > real_size || x->len > real_size - x->offset)
            return invalid(e);
        end = x->offset + x->len;
        stored += x->len;
    }
    return stored == r->data_left ? 0 : invalid(e);
}
