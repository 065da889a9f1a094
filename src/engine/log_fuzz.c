/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: a container's log. A tail that is long enough is the whole log, from the same bytes;
 * a shorter one is no longer. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "engine/log_file.h"
#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int collect(void *arg, enum engine_log_stream stream, const char *timestamp,
                   bool is_line_start, const char *text, size_t n)
{
    struct str *s = arg;

    (void)is_line_start;
    if (strlen(timestamp) >= LOG_FILE_TIMESTAMP_MAX)
        abort();
    str_add_char(&s[stream], '|');
    str_add_bytes(&s[stream], text, n);
    return 0;
}

static void read_all(int dir, int64_t tail, struct str *ret)
{
    struct engine_logs how = {.tail = tail};

    if (log_file_read(dir, "log", &how, NULL, NULL, collect, ret, NULL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int dir = FD_NONE;
    size_t half = size / 2;

    if (dir < 0) {
        char path[] = "/dev/shm/dhow-log-fuzz.XXXXXX";

        if (!mkdtemp(path))
            abort();
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (size > 0 && data[0] % 2)
        half = 0;
    if (sys_write_file_atomic(dir, "log.1", data, half, 0600, 0) < 0 ||
        sys_write_file_atomic(dir, "log", data + half, size - half, 0600, 0) < 0)
        abort();
    {
        struct str all[2] = {STR_INIT(1 << 20), STR_INIT(1 << 20)};
        struct str same[2] = {STR_INIT(1 << 20), STR_INIT(1 << 20)};
        struct str some[2] = {STR_INIT(1 << 20), STR_INIT(1 << 20)};

        read_all(dir, -1, all);
        read_all(dir, 1 << 20, same);
        read_all(dir, size > 1 ? data[1] : 0, some);
        for (int i = 0; i < 2; i++) {
            size_t n = some[i].len;

            if (all[i].len != same[i].len || n > all[i].len ||
                memcmp(str_text(&all[i]), str_text(&same[i]), same[i].len) != 0 ||
                memcmp(str_text(&all[i]) + all[i].len - n, str_text(&some[i]), n) != 0)
                abort();
            str_done(&all[i]);
            str_done(&same[i]);
            str_done(&some[i]);
        }
    }
    return 0;
}
