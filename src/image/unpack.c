/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: each entry's name is cleaned lexically (no "..", no empty part), split into parent and
 * last component; the parent is opened beneath the layer's directory without following any link
 * (openat2) and kept for the next entry, which usually has the same one.
 *
 * A directory's owner, mode and time are set when all is unpacked, since making files in it changes
 * its time, and since a setgid directory would hand its group down. An image may have two million
 * of them: they wait in an unlinked file, not in memory.
 */
#include "image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/unpack_entry.h"
#include "sys/file.h"

#define COMPONENT_MAX 255
#define WHITEOUT      ".wh."
#define WHITEOUT_META ".wh..wh."
#define OPAQUE        ".wh..wh..opq"

struct unpacker {
    int root;
    struct tar_reader *tar;
    struct unpack_budget *budget;
    uint64_t bytes;
    FILE *directories;
    char path[TAR_PATH_MAX_BYTES + 1];   /* of the entry, cleaned; then cut to its parent's */
    const char *name;                    /* its last component; "" is the root */
    char parent[TAR_PATH_MAX_BYTES + 1]; /* path of parent_fd */
    int parent_fd;
};

struct directory_record {
    struct directory_attributes attributes;
    size_t path_len;
};

int unpack_clean_path(const char *name, char *ret, struct err *e)
{
    char *out = ret;
    unsigned depth = 0;

    if (strlen(name) > TAR_PATH_MAX_BYTES)
        return err_set(e, ERR_INVALID, "the name is too long");
    for (;;) {
        size_t n;

        name += strspn(name, "/");
        n = strcspn(name, "/");
        if (!n)
            break;
        if (n == 2 && memcmp(name, "..", 2) == 0)
            return err_set(e, ERR_DENIED, "'..' in a name");
        if (n > COMPONENT_MAX)
            return err_set(e, ERR_INVALID, "a part of the name is too long");
        if (n != 1 || *name != '.') {
            if (++depth > UNPACK_DEPTH_MAX)
                return err_set(e, ERR_LIMIT, "the name is deeper than %u directories",
                               UNPACK_DEPTH_MAX);
            if (out != ret)
                *out++ = '/';
            out = mempcpy(out, name, n);
        }
        name += n;
    }
    *out = 0;
    return 0;
}

/* "a/b/c" becomes "a/b" and returns "c"; "c" becomes "" */
static const char *split_name(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash) {
        *slash = 0;
        return slash + 1;
    }
    return NULL;
}

static int open_parent(int root, const char *path)
{
    return sys_open_beneath(root, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* Makes what is missing of a parent path, part by part. */
static int make_parents(int root, const char *path, struct err *e)
{
    auto_fd int at = open_parent(root, "");
    char part[COMPONENT_MAX + 1];

    while (at >= 0 && *path) {
        size_t n = strcspn(path, "/");
        int next;

        memcpy(part, path, n); /* cleaned: n <= COMPONENT_MAX */
        part[n] = 0;
        next = open_parent(at, part);
        if (next == -ENOENT || next == -ENOTDIR || next == -ELOOP) {
            if (entry_make_implied_directory(at, part, e) < 0)
                return -1;
            next = open_parent(at, part);
        }
        fd_close(at);
        at = next;
        path += n + (path[n] == '/');
    }
    return at < 0 ? err_sys(e, at, "open its parent") : 0;
}

static int enter_parent(struct unpacker *u, const char *path, struct err *e)
{
    int fd;

    if (u->parent_fd >= 0 && strcmp(u->parent, path) == 0)
        return 0;
    fd = open_parent(u->root, path);
    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP) {
        if (make_parents(u->root, path, e) < 0)
            return -1;
        fd = open_parent(u->root, path);
    }
    if (fd < 0)
        return err_sys(e, fd, "open its parent");
    fd_close(u->parent_fd);
    u->parent_fd = fd;
    snprintf(u->parent, sizeof(u->parent), "%s", path);
    return 0;
}

/* ---- directories that wait for their attributes ---- */

static int remember_directory(struct unpacker *u, const char *path, const struct tar_entry *t,
                              struct err *e)
{
    struct directory_record d = {
        .attributes = {.mode = t->mode,
                       .uid = t->uid,
                       .gid = t->gid,
                       .mtime = {.tv_sec = t->mtime_s, .tv_nsec = t->mtime_ns}},
        .path_len = strlen(path),
    };

    if (fwrite(&d, sizeof(d), 1, u->directories) != 1 ||
        fwrite(path, 1, d.path_len, u->directories) != d.path_len)
        return err_sys(e, -errno, "remember a directory");
    return 0;
}

static int dress_directories(struct unpacker *u, struct err *e)
{
    struct directory_record d;
    char path[TAR_PATH_MAX_BYTES + 1];

    if (fseek(u->directories, 0, SEEK_SET) < 0)
        return err_sys(e, -errno, "read the list of directories");
    while (fread(&d, sizeof(d), 1, u->directories) == 1) {
        auto_fd int fd = FD_NONE;
        char shown[TAR_SHOWN_SIZE];

        if (fread(path, 1, d.path_len, u->directories) != d.path_len)
            return err_set(e, ERR_IO, "the list of directories is cut short");
        path[d.path_len] = 0;
        fd = sys_open_beneath(u->root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue; /* a later entry replaced it */
        if (fd < 0)
            return err_sys(e, fd, "entry '%s': open the directory", tar_show(path, shown));
        if (entry_dress_directory(fd, &d.attributes, e) < 0)
            return err_wrap(e, "entry '%s'", tar_show(path, shown));
    }
    return ferror(u->directories) ? err_sys(e, -EIO, "read the list of directories") : 0;
}

static int open_scratch(struct unpacker *u, int scratch_fd, struct err *e)
{
    auto_fd int fd = sys_open(scratch_fd, "directories", O_RDWR | O_CREAT | O_EXCL, 0600);
    int r = fd < 0 ? fd : sys_unlink(scratch_fd, "directories");

    if (r < 0)
        return err_sys(e, r, "create the list of directories");
    u->directories = fdopen(fd, "w+");
    if (!u->directories)
        return err_sys(e, -errno, "create the list of directories");
    take_fd(&fd);
    return 0;
}

/* ---- entries ---- */

static int link_target(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
    char path[TAR_PATH_MAX_BYTES + 1];
    auto_fd int fd = FD_NONE;
    const char *name;

    if (unpack_clean_path(t->link, path, e) < 0)
        return err_wrap(e, "the hardlink's target");
    if (!*path)
        return err_set(e, ERR_DENIED, "the hardlink's target is the root directory");
    name = split_name(path);
    fd = open_parent(u->root, name ? path : "");
    if (fd < 0)
        return err_sys(e, fd, "open the parent of the hardlink's target");
    return entry_make_hardlink(u->parent_fd, u->name, fd, name ? name : path, e);
}

static int make_file(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
    if (t->size > u->budget->bytes)
        return err_set(e, ERR_LIMIT, "the image is larger than allowed when it is unpacked");
    u->budget->bytes -= t->size;
    u->bytes += t->size;
    return entry_make_file(u->parent_fd, u->name, t, u->tar, e);
}

static int make_directory(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
    char path[TAR_PATH_MAX_BYTES + COMPONENT_MAX + 2];

    if (entry_make_directory(u->parent_fd, u->name, t, e) < 0)
        return -1;
    snprintf(path, sizeof(path), "%s%s%s", u->parent, *u->parent ? "/" : "", u->name);
    return remember_directory(u, path, t, e);
}

static int make_whiteout(struct unpacker *u, struct err *e)
{
    const char *hidden = u->name + strlen(WHITEOUT);

    if (strcmp(u->name, OPAQUE) == 0)
        return entry_make_opaque(u->parent_fd, e);
    if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
        return err_set(e, ERR_DENIED, "the whiteout names a directory itself or its parent");
    return entry_make_whiteout(u->parent_fd, hidden, e);
}

static int make_entry(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
    if (!*u->name && t->kind != TAR_DIRECTORY)
        return err_set(e, ERR_DENIED, "the root must be a directory");
    if (str_starts_with(u->name, WHITEOUT))
        return make_whiteout(u, e);
    switch (t->kind) {
    case TAR_FILE:
        return make_file(u, t, e);
    case TAR_HARDLINK:
        return link_target(u, t, e);
    case TAR_SYMLINK:
        return entry_make_symlink(u->parent_fd, u->name, t, e);
    case TAR_DIRECTORY:
        return make_directory(u, t, e);
    case TAR_CHAR_DEVICE:
    case TAR_BLOCK_DEVICE:
    case TAR_FIFO:
        return entry_make_node(u->parent_fd, u->name, t, e);
    }
    return err_set(e, ERR_INTERNAL, "unknown kind of entry");
}

/* aufs kept its books under such names (".wh..wh.plnk/..."). */
static bool is_ignored(const char *path)
{
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (str_starts_with(p, WHITEOUT_META) && strcmp(p, OPAQUE) != 0)
            return true;
    }
    return false;
}

static int unpack_entry(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
    if (!u->budget->entries)
        return err_set(e, ERR_LIMIT, "the image has more than %u entries", UNPACK_ENTRIES_MAX);
    u->budget->entries--;
    if (unpack_clean_path(t->path, u->path, e) < 0)
        return -1;
    if (is_ignored(u->path))
        return 0;
    u->name = split_name(u->path);
    if (!u->name) {
        u->name = u->path;
        return enter_parent(u, "", e) < 0 ? -1 : make_entry(u, t, e);
    }
    return enter_parent(u, u->path, e) < 0 ? -1 : make_entry(u, t, e);
}

int unpack_layer(int layer_fd, int scratch_fd, struct tar_reader *tar, struct unpack_budget *budget,
                 uint64_t *ret_bytes, struct err *e)
{
    struct unpacker *u = alloc_new(struct unpacker);
    const struct tar_entry *t;
    char shown[TAR_SHOWN_SIZE];
    int r;

    u->root = layer_fd;
    u->tar = tar;
    u->budget = budget;
    u->parent_fd = FD_NONE;
    r = open_scratch(u, scratch_fd, e);
    while (r == 0 && (r = tar_next(tar, &t, e)) > 0) {
        r = unpack_entry(u, t, e);
        if (r < 0)
            err_wrap(e, "entry '%s'", tar_show(t->path, shown));
    }
    if (r == 0)
        r = dress_directories(u, e);
    if (r == 0)
        *ret_bytes = u->bytes;
    if (u->directories)
        fclose(u->directories);
    fd_close(u->parent_fd);
    free(u);
    return r;
}
