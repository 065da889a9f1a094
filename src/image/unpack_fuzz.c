/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a tar, unpacked with low limits into a tmpfs directory. Nothing may appear beside
 * it. The header checksum is repaired first, so that mutations get past it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "image/unpack.h"
#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    const unsigned char *data;
    size_t left;
};

static int fill(void *arg, const unsigned char **ret, size_t *ret_len, struct err *e)
{
    struct memory *m = arg;

    (void)e;
    *ret = m->data;
    *ret_len = MIN(m->left, (size_t)600);
    m->data += *ret_len;
    m->left -= *ret_len;
    return 0;
}

static void repair_checksums(unsigned char *b, size_t size)
{
    for (; size >= 512; b += 512, size -= 512) {
        char text[8];
        unsigned sum = 0;

        if (memcmp(b + 257, "ustar", 5) != 0)
            continue;
        memset(b + 148, ' ', 8);
        for (size_t i = 0; i < 512; i++)
            sum += b[i];
        snprintf(text, sizeof(text), "%06o", sum & 0777777);
        memcpy(b + 148, text, 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char top[] = "/dev/shm/dhow-fuzz.XXXXXX";
    auto_free unsigned char *copy = alloc_memdup(data, size);
    struct memory m = {.data = copy, .left = size};
    struct tar_input input = {.fill = fill, .arg = &m};
    struct unpack_budget budget = {.entries = 50, .bytes = 1u << 16};
    struct tar_reader *tar;
    struct err e = {0};
    auto_strv names = NULL;
    uint64_t bytes = 0;
    int top_fd, fd;

    if (!mkdtemp(top))
        abort();
    top_fd = open(top, O_RDONLY | O_DIRECTORY);
    mkdirat(top_fd, "layer", 0755);
    fd = openat(top_fd, "layer", O_RDONLY | O_DIRECTORY);
    repair_checksums(copy, size);
    tar = tar_reader_new(&input);
    (void)unpack_layer(fd, top_fd, tar, &budget, &bytes, &e); /* most inputs are refused */
    tar_reader_free(tar);
    close(fd);
    if (sys_list_dir(top_fd, ".", &names) < 0 || strv_len(names) != 1 ||
        sys_remove_tree(top_fd, "layer") < 0)
        abort();
    close(top_fd);
    if (rmdir(top) < 0)
        abort();
    return 0;
}
