/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "runtime/sync.h"
#include "sys/self.h"
#include "sys/socket.h"

static void carries_ids_and_fds(void **state)
{
    struct sync_ids ids = {.uid = 1, .gid = 2, .n_groups = 2, .home = "/h", .groups = {3, 4}};
    auto_sync_message m = {0};
    int pair[2], fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct err e;

    (void)state;
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    assert_int_equal(sync_send_ids(pair[0], &ids, &e), 0);
    assert_int_equal(sync_expect(pair[1], SYNC_IDS, &m, &e), 0);
    assert_int_equal(m.ids.groups[1], 4);
    assert_string_equal(m.ids.home, "/h");
    assert_int_equal(sync_send_users(pair[0], fd, FD_NONE, &e), 0);
    assert_int_equal(sync_expect(pair[1], SYNC_USERS, &m, &e), 0);
    assert_int_equal(m.n_fds, 1);
    assert_true(m.users.has_passwd && !m.users.has_group);
    fd_close(fd);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void names_both_messages_when_one_is_unexpected(void **state)
{
    auto_sync_message m = {0};
    struct err e = {0};
    int pair[2];

    (void)state;
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    assert_int_equal(sync_send_ready(pair[0], &e), 0);
    assert_int_equal(sync_expect(pair[1], SYNC_START, &m, &e), -1);
    assert_string_equal(e.msg, "unexpected message READY, expected START");
    fd_close(pair[0]);
    assert_int_equal(sync_expect(pair[1], SYNC_START, &m, &e), -1);
    assert_string_equal(e.msg, "the peer is gone, expected START");
    fd_close(pair[1]);
}

static void hands_the_peers_error_on_even_after_its_death(void **state)
{
    struct err sent = {.kind = ERR_DENIED, .errno_value = 13, .msg = "no way"}, e = {0};
    int pair[2];

    (void)state;
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    assert_int_equal(sync_send_start(pair[1], &e), 0); /* never read by the peer */
    assert_int_equal(sync_send_failed(pair[0], &sent), 0);
    fd_close(pair[0]);
    assert_int_equal(sync_expect_end(pair[1], &e), -1);
    assert_int_equal(e.kind, ERR_DENIED);
    assert_string_equal(e.msg, "no way");
    assert_int_equal(sync_expect_end(pair[1], &e), 0);
    fd_close(pair[1]);
}

static void refuses_malformed_messages(void **state)
{
    static const struct {
        uint32_t words[4];
        size_t n;
    } cases[] = {
        {{SYNC_NONE}, 4},     {{SYNC_TYPE_MAX}, 4},      {{77}, 4},          {{SYNC_READY}, 3},
        {{SYNC_READY, 1}, 8}, {{SYNC_IDS, 1, 2, 3}, 16}, {{SYNC_FAILED}, 4}, {{SYNC_TERMINAL}, 4},
        {{SYNC_USERS, 1}, 6}, {{SYNC_EXEC_FAILED}, 4},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_sync_message m = {0};
        struct err e = {0};
        int pair[2];

        assert_int_equal(sys_socketpair_seqpacket(pair), 0);
        assert_int_equal(sys_send_msg(pair[0], cases[i].words, cases[i].n, NULL, 0), 0);
        assert_int_equal(sync_receive(pair[1], &m, &e), -1);
        assert_int_equal(e.kind, ERR_IO);
        fd_close(pair[0]);
        fd_close(pair[1]);
    }
}

static void closes_fds_that_a_message_may_not_carry(void **state)
{
    uint32_t word = SYNC_READY;
    auto_sync_message m = {0};
    struct err e;
    int pair[2], lowest_before, lowest_after, fds[2];

    (void)state;
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    lowest_before = dup(0);
    fd_close(lowest_before);
    fds[0] = fds[1] = pair[0];
    assert_int_equal(sys_send_msg(pair[0], &word, sizeof(word), fds, 2), 0);
    assert_int_equal(sync_receive(pair[1], &m, &e), -1);
    lowest_after = dup(0);
    fd_close(lowest_after);
    assert_int_equal(lowest_before, lowest_after);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void times_out(void **state)
{
    auto_sync_message m = {0};
    struct err e = {0};
    int pair[2];

    (void)state;
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    assert_int_equal(sys_set_recv_timeout(pair[0], 10), 0);
    assert_int_equal(sync_receive(pair[0], &m, &e), -1);
    assert_int_equal(e.kind, ERR_TIMEOUT);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void a_listener_is_told_by_plain_reads_and_writes(void **state)
{
    auto_sync_message m = {0};
    struct err e = {0};
    int pair[2];

    (void)state;
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    assert_int_equal(sync_write_listener(pair[0], 7, &e), 0);
    assert_int_equal(sync_expect(pair[1], SYNC_LISTENER, &m, &e), 0);
    assert_int_equal(m.listener.fd, 7);
    assert_int_equal(sync_send_told(pair[1], &e), 0);
    assert_int_equal(sync_read_told(pair[0], &e), 0);
    assert_int_equal(sync_send_start(pair[1], &e), 0);
    assert_int_equal(sync_read_told(pair[0], &e), -1);
    fd_close(pair[1]);
    assert_int_equal(sync_read_told(pair[0], &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    fd_close(pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_is_told_by_plain_reads_and_writes),
        cmocka_unit_test(carries_ids_and_fds),
        cmocka_unit_test(names_both_messages_when_one_is_unexpected),
        cmocka_unit_test(hands_the_peers_error_on_even_after_its_death),
        cmocka_unit_test(refuses_malformed_messages),
        cmocka_unit_test(closes_fds_that_a_message_may_not_carry),
        cmocka_unit_test(times_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
