/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: compiling asks libseccomp for a thousand numbers; the result depends on the profile, the
 * library, the kernel and the compiler only. So it is kept in a file named by the SHA-256 over all
 * of these, and a start costs a hash and the reading of one file.
 *
 * Trust: whoever can write the file decides what containers may call. It is believed when the
 * directory and it belong to us (or root) and nobody else may write to them; the checksum in it
 * finds what a crash or a disk did, not an attacker. The files are small, and on a miss a directory
 * with too many of them is emptied.
 */
#include "seccomp/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "seccomp/compile.h"
#include "sys/bpf.h"
#include "sys/file.h"

#define CACHE_MAX_FILES 256
#define HEX_LEN         (2 * SHA256_DIGEST_SIZE)

struct cache_header {
    char magic[8];
    uint32_t n;
    uint32_t flags;
    uint8_t checksum[SHA256_DIGEST_SIZE]; /* of key, n, flags, instructions */
};
static const char cache_magic[8] = "dhowbpf1";

struct key {
    uint8_t digest[SHA256_DIGEST_SIZE];
    char hex[HEX_LEN + 1];
};

/* Canonical serialisation: every value is fixed-size or closed by its NUL, every list begins with
 * its length, absent strings differ from empty ones. */

static void hash_number(struct sha256_ctx *h, uint64_t v)
{
    sha256_update(h, sizeof(v), (const uint8_t *)&v);
}

static void hash_text(struct sha256_ctx *h, const char *s)
{
    sha256_update(h, 1, (const uint8_t *)(s ? "+" : "-"));
    if (s)
        sha256_update(h, strlen(s) + 1, (const uint8_t *)s);
}

static void hash_texts(struct sha256_ctx *h, char *const *v)
{
    hash_number(h, strv_len(v));
    STRV_FOREACH (s, v)
        hash_text(h, *s);
}

static void hash_optional(struct sha256_ctx *h, const struct json_opt_u64 *v)
{
    hash_number(h, v->is_set);
    hash_number(h, v->is_set ? v->value : 0);
}

static void hash_rule(struct sha256_ctx *h, const struct oci_seccomp_rule *r)
{
    hash_texts(h, r->names);
    hash_text(h, r->action);
    hash_optional(h, &r->errno_ret);
    hash_number(h, r->args.len);
    VEC_FOREACH (a, &r->args) {
        hash_number(h, a->index);
        hash_number(h, a->value);
        hash_number(h, a->value_two);
        hash_text(h, a->op);
    }
}

static void hash_world(struct sha256_ctx *h)
{
    const struct scmp_version *v = seccomp_version();
    struct utsname u = {0};

    (void)uname(&u); /* fails never with a valid pointer */
    hash_number(h, SECCOMP_COMPILER_VERSION);
    hash_number(h, (uint64_t)v->major << 32 | (uint64_t)v->minor << 16 | v->micro);
    hash_number(h, seccomp_arch_ours());
    hash_text(h, u.release);
}

static void make_key(const struct oci_seccomp *s, struct key *ret)
{
    static const char digits[] = "0123456789abcdef";
    struct sha256_ctx h;

    sha256_init(&h);
    hash_world(&h);
    hash_text(&h, s->default_action);
    hash_optional(&h, &s->default_errno_ret);
    hash_texts(&h, s->architectures);
    hash_texts(&h, s->flags);
    hash_number(&h, s->syscalls.len);
    VEC_FOREACH (rule, &s->syscalls)
        hash_rule(&h, rule);
    sha256_digest(&h, sizeof(ret->digest), ret->digest);
    for (size_t i = 0; i < sizeof(ret->digest); i++) {
        ret->hex[2 * i] = digits[ret->digest[i] >> 4];
        ret->hex[2 * i + 1] = digits[ret->digest[i] & 15];
    }
    ret->hex[HEX_LEN] = 0;
}

static void make_checksum(const struct key *key, uint32_t n, uint32_t flags,
                          const struct sock_filter *insns, uint8_t ret[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx h;

    sha256_init(&h);
    sha256_update(&h, sizeof(key->digest), key->digest);
    hash_number(&h, n);
    hash_number(&h, flags);
    sha256_update(&h, n * sizeof(*insns), (const uint8_t *)insns);
    sha256_digest(&h, SHA256_DIGEST_SIZE, ret);
}

/* Nobody but us and root can have changed it. */
static bool is_ours(int fd, mode_t type)
{
    struct stat st;

    return sys_stat(fd, "", &st) == 0 && (st.st_mode & S_IFMT) == type &&
           (st.st_uid == geteuid() || st.st_uid == 0) && (st.st_mode & 022) == 0;
}

static int open_cache(const char *cache_dir)
{
    auto_fd int fd = sys_open(AT_FDCWD, cache_dir, O_DIRECTORY | O_NOFOLLOW | O_RDONLY, 0);

    return fd >= 0 && is_ours(fd, S_IFDIR) ? take_fd(&fd) : FD_NONE;
}

static bool read_cache(int dirfd, const struct key *key, struct seccomp_program *ret)
{
    auto_fd int fd = sys_open(dirfd, key->hex, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    struct cache_header header;
    uint8_t checksum[SHA256_DIGEST_SIZE];
    auto_free struct sock_filter *insns = NULL;
    char beyond;

    if (fd < 0 || !is_ours(fd, S_IFREG) ||
        sys_read_full(fd, &header, sizeof(header)) != (ssize_t)sizeof(header) ||
        memcmp(header.magic, cache_magic, sizeof(cache_magic)) != 0 || header.n == 0 ||
        header.n > BPF_MAXINSNS)
        return false;
    insns = alloc_zero(header.n, sizeof(*insns));
    if (sys_read_full(fd, insns, header.n * sizeof(*insns)) !=
            (ssize_t)(header.n * sizeof(*insns)) ||
        sys_read_full(fd, &beyond, 1) != 0)
        return false;
    make_checksum(key, header.n, header.flags, insns, checksum);
    if (memcmp(checksum, header.checksum, sizeof(checksum)) != 0)
        return false;
    *ret = (struct seccomp_program){.insns = take_ptr(&insns),
                                    .n = (unsigned short)header.n,
                                    .flags = header.flags,
                                    .is_from_cache = true};
    return true;
}

static void empty_when_full(int dirfd)
{
    auto_strv names = NULL;

    if (sys_list_dir(dirfd, ".", &names) < 0 || strv_len(names) < CACHE_MAX_FILES)
        return;
    STRV_FOREACH (name, names)
        (void)sys_unlink(dirfd, *name); /* tried again at the next miss */
}

static void write_cache(int dirfd, const struct key *key, const struct seccomp_program *p)
{
    struct cache_header header = {.n = p->n, .flags = p->flags};
    size_t insns_bytes = p->n * sizeof(*p->insns), n = sizeof(header) + insns_bytes;
    auto_free char *bytes = alloc_zero(1, n);

    memcpy(header.magic, cache_magic, sizeof(cache_magic));
    make_checksum(key, p->n, p->flags, p->insns, header.checksum);
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + sizeof(header), p->insns, insns_bytes);
    empty_when_full(dirfd);
    /* Without the file the next start compiles again; with half of it, too. */
    (void)sys_write_file_atomic(dirfd, key->hex, bytes, n, 0600, 0);
}

int seccomp_program_get(const struct oci_seccomp *s, const char *cache_dir,
                        struct seccomp_program *ret, struct err *e)
{
    auto_fd int dirfd = FD_NONE;
    struct key key;

    if (cache_dir) {
        make_key(s, &key);
        dirfd = open_cache(cache_dir);
        if (dirfd >= 0 && read_cache(dirfd, &key, ret))
            return 0;
    }
    if (seccomp_compile(s, ret, e) < 0)
        return -1;
    if (cache_dir && dirfd < 0 && sys_mkdir(AT_FDCWD, cache_dir, 0700) == 0)
        dirfd = open_cache(cache_dir);
    if (dirfd >= 0)
        write_cache(dirfd, &key, ret);
    return 0;
}

void seccomp_program_done(struct seccomp_program *p)
{
    free(p->insns);
    *p = (struct seccomp_program){0};
}

int seccomp_program_load(const struct seccomp_program *p)
{
    return sys_seccomp_load(p->insns, p->n, p->flags);
}
