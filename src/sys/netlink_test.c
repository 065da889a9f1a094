/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/netlink.h"
#include "sys/netlink_message.h"

static void builds_attributes_with_their_lengths(void **state)
{
    struct netlink_message m;
    const struct nlmsghdr *h = (const struct nlmsghdr *)m.bytes;
    const struct nlattr *a;
    uint32_t fixed = 0x01020304;

    (void)state;
    netlink_begin(&m, RTM_GETLINK, NLM_F_REQUEST, &fixed, sizeof(fixed));
    netlink_add(&m, IFLA_IFNAME, "eth0", 5);
    netlink_add(&m, IFLA_MTU, &fixed, sizeof(fixed));
    assert_int_equal(netlink_end(&m, 7), 0);
    assert_int_equal(h->nlmsg_len, 16 + 4 + 4 + 8 + 4 + 4);
    assert_int_equal(h->nlmsg_seq, 7);
    a = (const struct nlattr *)(m.bytes + 20);
    assert_int_equal(a->nla_type, IFLA_IFNAME);
    assert_int_equal(a->nla_len, 4 + 5);
    assert_memory_equal(m.bytes + 24, "eth0\0\0\0\0", 8);
    a = (const struct nlattr *)(m.bytes + 32);
    assert_int_equal(a->nla_type, IFLA_MTU);
    assert_int_equal(a->nla_len, 8);
}

static void t_netlink_refuses_what_does_not_fit(void **state)
{
    static const size_t sizes[] = {NETLINK_MESSAGE_MAX - 16,
                                   NETLINK_MESSAGE_MAX,
                                   UINT16_MAX - NLA_HDRLEN,
                                   UINT16_MAX - NLA_HDRLEN + 1,
                                   UINT16_MAX,
                                   UINT16_MAX + 1,
                                   UINT16_MAX + 5, /* wraps to 8 with its header */
                                   1u << 20,
                                   SIZE_MAX - 3,
                                   SIZE_MAX};
    auto_free char *data = alloc_zero(1, 1u << 20);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct netlink_message m;
        size_t before;

        netlink_begin(&m, RTM_NEWLINK, 0, NULL, 0);
        before = m.len;
        netlink_add(&m, IFLA_IFALIAS, data, sizes[i]);
        assert_true(m.too_big);
        assert_int_equal(m.len, before);
        netlink_add(&m, IFLA_IFNAME, "x", 2);
        assert_int_equal(netlink_end(&m, 1), -EMSGSIZE);
    }
}

static void fills_a_message_to_its_end_and_no_further(void **state)
{
    struct netlink_message m;
    size_t n = 0;

    (void)state;
    netlink_begin(&m, RTM_NEWLINK, 0, NULL, 0);
    while (!m.too_big && n < NETLINK_MESSAGE_MAX) {
        netlink_add(&m, IFLA_IFNAME, "abc", 3);
        n++;
    }
    assert_int_equal(n - 1, (NETLINK_MESSAGE_MAX - 16) / 8);
    assert_int_equal(m.len, NETLINK_MESSAGE_MAX);
}

static void finds_no_device_by_a_name_that_none_can_have(void **state)
{
    auto_fd int nl = sys_netlink_open(FD_NONE);
    struct sys_link link;

    (void)state;
    assert_true(nl >= 0);
    assert_int_equal(sys_link_find(nl, "no-such-device", &link), -ENODEV);
    assert_int_equal(sys_link_find(nl, "a-name-that-is-too-long", &link), -ENODEV);
    assert_int_equal(sys_link_find(nl, "lo", &link), 0);
    assert_string_equal(link.name, "lo");
    assert_int_equal(link.index, 1);
}

static const struct sys_address *find(const struct sys_addresses *list, const struct sys_address *a)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->items[i].family == a->family &&
            memcmp(list->items[i].address, a->address, a->len) == 0)
            return &list->items[i];
    return NULL;
}

static void gives_a_device_its_addresses(void **state)
{
    const struct sys_address four = {.family = AF_INET,
                                     .prefix_len = 24,
                                     .len = 4,
                                     .local = {10, 1, 2, 3},
                                     .address = {10, 1, 2, 3},
                                     .broadcast = {10, 1, 2, 255},
                                     .has_local = true,
                                     .has_address = true,
                                     .has_broadcast = true};
    const struct sys_address six = {.family = AF_INET6,
                                    .prefix_len = 64,
                                    .len = 16,
                                    .address = {0x20, 1, 0xd, 0xb8, [15] = 1},
                                    .has_address = true};
    struct sys_addresses list = {0};
    struct sys_links links = {0};
    const struct sys_address *found;
    auto_fd int nl = FD_NONE;

    (void)state;
    if (geteuid() != 0) {
        print_message("needs root\n");
        skip();
    }
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    nl = sys_netlink_open(FD_NONE);
    assert_int_equal(sys_link_list(nl, &links), 0);
    assert_true(links.len >= 1);
    assert_false(links.items[0].flags & IFF_UP);
    assert_int_equal(sys_address_add(nl, 1, &four), 0);
    assert_int_equal(sys_address_add(nl, 1, &four), -EEXIST);
    if (access("/proc/sys/net/ipv6", F_OK) == 0)
        assert_int_equal(sys_address_add(nl, 1, &six), 0);
    assert_int_equal(sys_link_up(nl, 1), 0);
    assert_int_equal(sys_address_list(nl, 1, &list), 0);
    found = find(&list, &four);
    assert_non_null(found);
    assert_int_equal(found->prefix_len, 24);
    assert_memory_equal(found->broadcast, four.broadcast, 4);
    if (access("/proc/sys/net/ipv6", F_OK) == 0)
        assert_non_null(find(&list, &six));
    vec_done(&list);
    assert_int_equal(sys_address_list(nl, 99, &list), 0);
    assert_int_equal(list.len, 0);
    vec_done(&list);
    vec_done(&links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_attributes_with_their_lengths),
        cmocka_unit_test(t_netlink_refuses_what_does_not_fit),
        cmocka_unit_test(fills_a_message_to_its_end_and_no_further),
        cmocka_unit_test(finds_no_device_by_a_name_that_none_can_have),
        cmocka_unit_test(gives_a_device_its_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
