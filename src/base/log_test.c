/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

/* What log_at writes, by a pipe in the place of stderr. */
static void capture(enum log_level level, const char *text, char *ret, size_t size)
{
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    errno = ENOTTY;
    log_at(level, "%s", text);
    assert_int_equal(errno, ENOTTY);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    n = read(ends[0], ret, size - 1);
    ret[n > 0 ? n : 0] = 0;
    fd_close(ends[0]);
    fd_close(ends[1]);
    fd_close(saved);
}

static void lines_pass_from_their_level_up(void **state)
{
    static const struct {
        enum log_level minimum;
        enum log_level level;
        const char *rest;
    } cases[] = {
        {LOG_WARN_LEVEL, LOG_INFO_LEVEL, NULL},
        {LOG_WARN_LEVEL, LOG_WARN_LEVEL, " level=warning msg=\"m\"\n"},
        {LOG_WARN_LEVEL, LOG_ERROR_LEVEL, " level=error msg=\"m\"\n"},
        {LOG_DEBUG_LEVEL, LOG_DEBUG_LEVEL, " level=debug msg=\"m\"\n"},
        {LOG_INFO_LEVEL, LOG_INFO_LEVEL, " level=info msg=\"m\"\n"},
        {LOG_ERROR_LEVEL, LOG_WARN_LEVEL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[200];

        log_set_level(cases[i].minimum);
        capture(cases[i].level, "m", line, sizeof(line));
        if (!cases[i].rest) {
            assert_string_equal(line, "");
            continue;
        }
        assert_memory_equal(line, "time=\"2", 7);
        assert_string_equal(line + strlen("time=\"2026-01-01T00:00:00Z\""), cases[i].rest);
    }
    log_set_level(LOG_WARN_LEVEL);
}

static void messages_cannot_forge_lines(void **state)
{
    char line[200];

    (void)state;
    capture(LOG_ERROR_LEVEL, "a\"\nlevel=info\x1b[0m", line, sizeof(line));
    assert_string_equal(strstr(line, " msg="), " msg=\"a\\\"\\x0alevel=info\\x1b[0m\"\n");
}

static void level_names_parse(void **state)
{
    enum log_level level = LOG_INFO_LEVEL;

    (void)state;
    assert_int_equal(log_level_parse("loud", &level), -EINVAL);
    assert_int_equal(log_level_parse("", &level), -EINVAL);
    assert_int_equal(level, LOG_INFO_LEVEL);
    assert_int_equal(log_level_parse("DEBUG", &level), 0);
    assert_int_equal(level, LOG_DEBUG_LEVEL);
    assert_int_equal(log_level_parse("warn", &level), 0);
    assert_int_equal(level, LOG_WARN_LEVEL);
    assert_int_equal(log_level_parse("panic", &level), 0);
    assert_int_equal(level, LOG_ERROR_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_pass_from_their_level_up),
        cmocka_unit_test(messages_cannot_forge_lines),
        cmocka_unit_test(level_names_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
