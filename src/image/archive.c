/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: the file that says what is in an archive (manifest.json, index.json) may be its last one,
 * so a tar is read once for an index of names and places, and its files are then read in place. A
 * pipe or a compressed archive goes to an unlinked file first.
 *
 * Paths come from the archive's own JSON: hostile. In a tar they are only compared with names; in a
 * directory they are opened beneath it, without links, and only regular files count.
 */
#include "image/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "image/decompress.h"
#include "sys/file.h"

#define ENTRIES_MAX     100000u
#define NAMES_MAX_BYTES (16u << 20)
#define LINKS_MAX       8u
#define READ_BYTES      (64u << 10)

struct member {
    char *path;
    char *target; /* of a link: cleaned, from the archive's root */
    uint64_t offset;
    uint64_t size;
};

struct archive {
    int fd;       /* borrowed: the directory, or the tar */
    int spool_fd; /* owned, or FD_NONE */
    bool is_directory;
    VEC(struct member) members;
};

/* ---- reading a file in place ---- */

struct file_reader {
    int fd;
    uint64_t at;
    uint64_t size;
    unsigned char buf[READ_BYTES];
};

static int fill_from_file(void *arg, const unsigned char **ret, size_t *ret_len, struct err *e)
{
    struct file_reader *f = arg;
    ssize_t n = pread(f->fd, f->buf, sizeof(f->buf), (off_t)f->at);

    if (n < 0)
        return err_sys(e, -errno, "read the archive");
    if (n == 0 && f->at > f->size)
        return err_set(e, ERR_INVALID, "the archive is truncated");
    f->at += (size_t)n;
    *ret = f->buf;
    *ret_len = (size_t)n;
    return 0;
}

static int skip_in_file(void *arg, uint64_t n, struct err *e)
{
    struct file_reader *f = arg;

    if (__builtin_add_overflow(f->at, n, &f->at) || f->at > INT64_MAX)
        return err_set(e, ERR_INVALID, "the archive is truncated");
    return 0;
}

/* A link's target from the archive's root: "a/b/../c" becomes "a/c"; NULL when it leads out. */
static char *resolve_link(const char *from, const char *link, bool is_relative)
{
    const char *slash = strrchr(from, '/');
    auto_free char *joined =
        alloc_printf("%.*s/%s", is_relative && slash ? (int)(slash - from) : 0, from, link);
    char *out = alloc_zero(strlen(joined) + 2, 1), *end = out;

    for (const char *p = joined; *p;) {
        size_t n = strcspn(p, "/");

        if (n == 2 && memcmp(p, "..", 2) == 0) {
            char *cut = strrchr(out, '/');

            if (end == out) {
                free(out);
                return NULL;
            }
            end = cut ? cut : out;
            *end = 0;
        } else if (n && !(n == 1 && *p == '.')) {
            if (end != out)
                *end++ = '/';
            end = mempcpy(end, p, n);
            *end = 0;
        }
        p += n + (p[n] == '/');
    }
    return out;
}

static int add_member(struct archive *a, const struct tar_entry *t, uint64_t offset,
                      size_t *names_left, struct err *e)
{
    char path[TAR_PATH_MAX_BYTES + 1];
    struct member m = {.offset = offset, .size = t->size};

    if (t->kind != TAR_FILE && t->kind != TAR_SYMLINK && t->kind != TAR_HARDLINK)
        return 0;
    if (unpack_clean_path(t->path, path, e) < 0)
        return -1;
    if (a->members.len >= ENTRIES_MAX || strlen(path) + 64 > *names_left)
        return err_set(e, ERR_LIMIT, "the archive has too many files");
    *names_left -= strlen(path) + 64;
    if (t->link) {
        m.target = resolve_link(path, t->link, t->kind == TAR_SYMLINK);
        if (!m.target)
            return err_set(e, ERR_DENIED, "the archive has a link that leads out of it");
        *names_left -= MIN(*names_left, strlen(m.target));
    }
    m.path = alloc_strdup(path);
    vec_push(&a->members, m);
    return 0;
}

static int index_tar(struct archive *a, struct err *e)
{
    struct file_reader *f = alloc_new(struct file_reader);
    struct tar_input input = {.fill = fill_from_file, .skip = skip_in_file, .arg = f};
    struct tar_reader *tar = tar_reader_new(&input);
    const struct tar_entry *t;
    size_t names_left = NAMES_MAX_BYTES;
    struct stat st;
    int r;

    f->fd = a->spool_fd >= 0 ? a->spool_fd : a->fd;
    r = sys_stat(f->fd, "", &st);
    if (r < 0)
        err_sys(e, r, "look at the archive");
    else
        f->size = (uint64_t)st.st_size;
    while (r >= 0 && (r = tar_next(tar, &t, e)) > 0)
        r = add_member(a, t, tar_position(tar), &names_left, e);
    tar_reader_free(tar);
    free(f);
    return r < 0 ? err_wrap(e, "the file is not an image archive") : 0;
}

/* ---- opening ---- */

static int read_stream(void *arg, uint64_t offset, void *buf, size_t n, size_t *ret_n,
                       struct err *e)
{
    ssize_t got;

    (void)offset; /* a stream is read in order */
    do
        got = read(*(const int *)arg, buf, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_sys(e, -errno, "read the archive");
    *ret_n = (size_t)got;
    return 0;
}

static int spool(struct archive *a, int scratch_fd, uint64_t max_bytes, struct err *e)
{
    struct layer_source source = {.read = read_stream, .arg = &a->fd};
    int r;

    a->spool_fd = sys_open(scratch_fd, "archive", O_RDWR | O_CREAT | O_EXCL, 0600);
    r = a->spool_fd < 0 ? a->spool_fd : sys_unlink(scratch_fd, "archive");
    if (r < 0)
        return err_sys(e, r, "create a file for the archive");
    return layer_expand(&source, a->spool_fd, max_bytes, e);
}

static bool is_plain_file(int fd, const struct stat *st)
{
    unsigned char magic[DECOMPRESS_MAGIC_BYTES];

    if (!S_ISREG(st->st_mode))
        return false;
    return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
           decompress_detect(magic, sizeof(magic)) == DECOMPRESS_PLAIN;
}

int archive_open(int fd, int scratch_fd, uint64_t max_bytes, struct archive **ret, struct err *e)
{
    struct archive *a = alloc_new(struct archive);
    struct stat st;
    int r = sys_stat(fd, "", &st);

    a->fd = fd;
    a->spool_fd = FD_NONE;
    if (r < 0) {
        err_sys(e, r, "look at the archive");
    } else if (S_ISDIR(st.st_mode)) {
        a->is_directory = true;
    } else {
        if (!is_plain_file(fd, &st))
            r = spool(a, scratch_fd, max_bytes, e);
        if (r == 0)
            r = index_tar(a, e);
    }
    if (r < 0) {
        archive_free(a);
        return -1;
    }
    *ret = a;
    return 0;
}

void archive_free(struct archive *a)
{
    if (!a)
        return;
    VEC_FOREACH (m, &a->members) {
        free(m->path);
        free(m->target);
    }
    vec_done(&a->members);
    fd_close(a->spool_fd);
    free(a);
}

/* ---- files ---- */

void archive_file_done(struct archive_file *f)
{
    if (f->is_owned)
        fd_close(f->fd);
    *f = (struct archive_file){.fd = FD_NONE};
}

/* The last one of a name counts. */
static const struct member *find_member(const struct archive *a, const char *path)
{
    for (unsigned links = 0; links <= LINKS_MAX; links++) {
        const struct member *found = NULL;

        for (size_t i = a->members.len; i > 0 && !found; i--)
            if (strcmp(a->members.items[i - 1].path, path) == 0)
                found = &a->members.items[i - 1];
        if (!found || !found->target)
            return found;
        path = found->target;
    }
    return NULL;
}

static int open_in_directory(const struct archive *a, const char *path, struct archive_file *ret,
                             struct err *e)
{
    auto_fd int fd = sys_open_beneath(a->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    struct stat st;
    char shown[TAR_SHOWN_SIZE];
    int r = fd < 0 ? fd : sys_stat(fd, "", &st);

    if (r < 0)
        return err_sys(e, r, "open '%s' of the archive", tar_show(path, shown));
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "'%s' of the archive is not a file", tar_show(path, shown));
    *ret =
        (struct archive_file){.fd = take_fd(&fd), .is_owned = true, .size = (uint64_t)st.st_size};
    return 0;
}

int archive_open_file(struct archive *a, const char *path, struct archive_file *ret, struct err *e)
{
    char cleaned[TAR_PATH_MAX_BYTES + 1], shown[TAR_SHOWN_SIZE];
    const struct member *m;

    if (unpack_clean_path(path, cleaned, e) < 0)
        return err_wrap(e, "'%s'", tar_show(path, shown));
    if (a->is_directory)
        return open_in_directory(a, cleaned, ret, e);
    m = find_member(a, cleaned);
    if (!m)
        return err_set(e, ERR_NOT_FOUND, "the archive has no file '%s'", tar_show(path, shown));
    *ret = (struct archive_file){.fd = a->spool_fd >= 0 ? a->spool_fd : a->fd,
                                 .offset = m->offset,
                                 .size = m->size};
    return 0;
}

bool archive_has(struct archive *a, const char *path)
{
    struct archive_file f = {.fd = FD_NONE};
    int r = archive_open_file(a, path, &f, NULL);

    archive_file_done(&f);
    return r == 0;
}

static int read_file(void *arg, uint64_t offset, void *buf, size_t n, size_t *ret_n, struct err *e)
{
    const struct archive_file *f = arg;
    uint64_t left = offset < f->size ? f->size - offset : 0;
    size_t most = (size_t)MIN((uint64_t)n, left);
    ssize_t got = most ? pread(f->fd, buf, most, (off_t)(f->offset + offset)) : 0;

    if (got < 0)
        return err_sys(e, -errno, "read the archive");
    if (most && !got)
        return err_set(e, ERR_INVALID, "the archive is truncated");
    *ret_n = (size_t)got;
    return 0;
}

struct layer_source archive_file_source(struct archive_file *f)
{
    return (struct layer_source){.read = read_file, .arg = f};
}

int archive_read_text(struct archive *a, const char *path, size_t max, char **ret, size_t *ret_len,
                      struct err *e)
{
    struct archive_file f = {.fd = FD_NONE};
    auto_free char *text = NULL;
    char shown[TAR_SHOWN_SIZE];
    size_t len = 0, n = 0;
    int r = archive_open_file(a, path, &f, e);

    if (r == 0 && f.size > max)
        r = err_set(e, ERR_LIMIT, "'%s' of the archive is larger than %zu bytes",
                    tar_show(path, shown), max);
    if (r == 0)
        text = alloc_zero((size_t)f.size + 1, 1);
    while (r == 0 && len < f.size) {
        r = read_file(&f, len, text + len, (size_t)f.size - len, &n, e);
        len += n;
    }
    archive_file_done(&f);
    if (r < 0)
        return -1;
    *ret = take_ptr(&text);
    *ret_len = len;
    return 0;
}
