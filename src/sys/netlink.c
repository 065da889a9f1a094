/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests are answered by one acknowledgement, or by a dump that ends with NLMSG_DONE. The kernel
 * is the only peer: a datagram from another sender is dropped.
 */
#include "sys/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "sys/netlink_message.h"

#define RECEIVE_BYTES (32u << 10)
#define DUMP_TRIES    5 /* of a dump that changed on the way */

/* ---- messages ---- */

static void add_bytes(struct netlink_message *m, const void *data, size_t n)
{
    size_t padded = NLMSG_ALIGN(n);

    if (padded < n || padded > sizeof(m->bytes) - m->len) {
        m->too_big = true;
        return;
    }
    if (n > 0)
        memcpy(m->bytes + m->len, data, n);
    memset(m->bytes + m->len + n, 0, padded - n);
    m->len += padded;
}

void netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags, const void *fixed,
                   size_t n)
{
    struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_flags = flags};

    m->len = 0;
    m->too_big = false;
    add_bytes(m, &h, sizeof(h));
    add_bytes(m, fixed, n);
}

void netlink_add(struct netlink_message *m, uint16_t type, const void *data, size_t n)
{
    struct nlattr a = {.nla_type = type};

    if (n > UINT16_MAX - NLA_HDRLEN ||
        NLMSG_ALIGN(n) + NLA_HDRLEN > sizeof(m->bytes) - MIN(m->len, sizeof(m->bytes))) {
        m->too_big = true;
        return;
    }
    a.nla_len = (uint16_t)(NLA_HDRLEN + n);
    add_bytes(m, &a, sizeof(a));
    add_bytes(m, data, n);
}

int netlink_end(struct netlink_message *m, uint32_t sequence)
{
    struct nlmsghdr *h = (struct nlmsghdr *)m->bytes;

    if (m->too_big)
        return -EMSGSIZE;
    h->nlmsg_len = (uint32_t)m->len;
    h->nlmsg_seq = sequence;
    return 0;
}

static void add_u32(struct netlink_message *m, uint16_t type, uint32_t value)
{
    netlink_add(m, type, &value, sizeof(value));
}

static void add_name(struct netlink_message *m, const char *name)
{
    netlink_add(m, IFLA_IFNAME, name, strlen(name) + 1);
}

/* ---- the conversation ---- */

struct answer {
    uint32_t sequence;
    void (*take)(const struct nlmsghdr *h, void *context); /* each message; may be NULL */
    void *context;
    bool is_inconsistent; /* a dump of what changed meanwhile */
};

static int error_of(const struct nlmsghdr *h)
{
    const struct nlmsgerr *e = NLMSG_DATA(h);

    return h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) ? -EIO : e->error;
}

/* 1: the answer is complete; 0: more comes. */
static int take_datagram(struct answer *a, const unsigned char *bytes, size_t n)
{
    const struct nlmsghdr *h = (const struct nlmsghdr *)bytes;
    unsigned left = (unsigned)n;

    for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
        if (h->nlmsg_seq != a->sequence)
            continue;
        a->is_inconsistent |= h->nlmsg_flags & NLM_F_DUMP_INTR;
        if (h->nlmsg_type == NLMSG_ERROR)
            return error_of(h) < 0 ? error_of(h) : 1;
        if (h->nlmsg_type == NLMSG_DONE)
            return a->is_inconsistent ? -EINTR : 1;
        if (a->take)
            a->take(h, a->context);
    }
    return 0;
}

static int receive(int nl, struct answer *a)
{
    _Alignas(struct nlmsghdr) unsigned char bytes[RECEIVE_BYTES];
    struct sockaddr_nl from;
    int r = 0;

    while (r == 0) {
        socklen_t from_len = sizeof(from);
        ssize_t n =
            recvfrom(nl, bytes, sizeof(bytes), MSG_TRUNC, (struct sockaddr *)&from, &from_len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if ((size_t)n > sizeof(bytes))
            return -EMSGSIZE;
        if (from_len == sizeof(from) && from.nl_pid == 0)
            r = take_datagram(a, bytes, (size_t)n);
    }
    return r < 0 ? r : 0;
}

static int ask(int nl, struct netlink_message *m,
               void (*take)(const struct nlmsghdr *h, void *context), void *context)
{
    struct answer a = {.take = take, .context = context};
    struct timespec now;
    int r;

    clock_gettime(CLOCK_MONOTONIC, &now);
    a.sequence = (uint32_t)now.tv_nsec; /* another than that of the question before */
    r = netlink_end(m, a.sequence);
    if (r < 0)
        return r;
    if (send(nl, m->bytes, m->len, 0) < 0)
        return -errno;
    return receive(nl, &a);
}

static int open_socket(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    return fd < 0 ? -errno : fd;
}

int sys_netlink_open(int netns_fd)
{
    auto_fd int own = FD_NONE, fd = FD_NONE;

    FAULT_POINT("netlink_open");
    if (netns_fd < 0)
        return open_socket();
    own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
        return -errno;
    fd = open_socket();
    if (setns(own, CLONE_NEWNET) < 0)
        return -errno;
    return take_fd(&fd);
}

/* ---- attributes ---- */

/* The attributes behind a fixed part of `fixed` bytes, by type; NULL: not there. */
static void parse_attributes(const struct nlmsghdr *h, size_t fixed, const struct nlattr **ret,
                             size_t n)
{
    size_t at = NLMSG_LENGTH(NLMSG_ALIGN(fixed));

    memset(ret, 0, n * sizeof(*ret));
    while (at + NLA_HDRLEN <= h->nlmsg_len) {
        const struct nlattr *a = (const struct nlattr *)((const unsigned char *)h + at);
        unsigned type = a->nla_type & NLA_TYPE_MASK;

        if (a->nla_len < NLA_HDRLEN || a->nla_len > h->nlmsg_len - at)
            return;
        if (type < n)
            ret[type] = a;
        at += NLA_ALIGN(a->nla_len);
    }
}

static const void *data_of(const struct nlattr *a)
{
    return (const unsigned char *)a + NLA_HDRLEN;
}

static size_t size_of(const struct nlattr *a)
{
    return a->nla_len - (size_t)NLA_HDRLEN;
}

static bool copy_exactly(const struct nlattr *a, void *to, size_t n)
{
    if (!a || size_of(a) != n)
        return false;
    memcpy(to, data_of(a), n);
    return true;
}

/* ---- links ---- */

static void take_link(const struct nlmsghdr *h, void *context)
{
    const struct ifinfomsg *i = NLMSG_DATA(h);
    const struct nlattr *a[IFLA_IFNAME + 1];
    struct sys_links *links = context;
    struct sys_link link = {0};

    if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
        return;
    parse_attributes(h, sizeof(*i), a, ARRAY_LEN(a));
    if (!a[IFLA_IFNAME] || size_of(a[IFLA_IFNAME]) > sizeof(link.name))
        return;
    memcpy(link.name, data_of(a[IFLA_IFNAME]), size_of(a[IFLA_IFNAME]));
    link.name[sizeof(link.name) - 1] = 0;
    link.index = i->ifi_index;
    link.flags = i->ifi_flags;
    vec_push(links, link);
}

int sys_link_find(int nl, const char *name, struct sys_link *ret)
{
    const struct ifinfomsg i = {.ifi_family = AF_UNSPEC};
    struct sys_links found = {0};
    struct netlink_message m;
    int r;

    FAULT_POINT("link_find");
    if (strlen(name) >= IFNAMSIZ)
        return -ENODEV;
    netlink_begin(&m, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, &i, sizeof(i));
    add_name(&m, name);
    r = ask(nl, &m, take_link, &found);
    if (r == 0 && found.len == 0)
        r = -ENODEV;
    if (r == 0)
        *ret = found.items[0];
    vec_done(&found);
    return r;
}

int sys_link_list(int nl, struct sys_links *ret)
{
    const struct ifinfomsg i = {.ifi_family = AF_UNSPEC};
    size_t before = ret->len;
    int r = -EINTR;

    FAULT_POINT("link_list");
    for (int try = 0; r == -EINTR && try < DUMP_TRIES; try++) {
        struct netlink_message m;

        ret->len = before;
        netlink_begin(&m, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, &i, sizeof(i));
        r = ask(nl, &m, take_link, ret);
    }
    return r;
}

int sys_link_move(int nl, int index, int netns_fd, const char *name)
{
    const struct ifinfomsg i = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    struct netlink_message m;

    FAULT_POINT("link_move");
    netlink_begin(&m, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, &i, sizeof(i));
    add_name(&m, name);
    add_u32(&m, IFLA_NET_NS_FD, (uint32_t)netns_fd);
    return ask(nl, &m, NULL, NULL);
}

int sys_link_up(int nl, int index)
{
    const struct ifinfomsg i = {.ifi_family = AF_UNSPEC,
                                .ifi_index = index,
                                .ifi_flags = IFF_UP,
                                .ifi_change = IFF_UP};
    struct netlink_message m;

    FAULT_POINT("link_up");
    netlink_begin(&m, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, &i, sizeof(i));
    return ask(nl, &m, NULL, NULL);
}

/* ---- addresses ---- */

struct address_list {
    int index;
    struct sys_addresses *to;
};

static void take_address(const struct nlmsghdr *h, void *context)
{
    const struct ifaddrmsg *i = NLMSG_DATA(h);
    const struct nlattr *a[IFA_RT_PRIORITY + 1];
    const struct address_list *list = context;
    struct sys_address s;

    if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)) ||
        (int)i->ifa_index != list->index || (i->ifa_family != AF_INET && i->ifa_family != AF_INET6))
        return;
    parse_attributes(h, sizeof(*i), a, ARRAY_LEN(a));
    s = (struct sys_address){.family = i->ifa_family,
                             .prefix_len = i->ifa_prefixlen,
                             .scope = i->ifa_scope,
                             .len = i->ifa_family == AF_INET ? 4 : 16,
                             .flags = i->ifa_flags};
    (void)copy_exactly(a[IFA_FLAGS], &s.flags, sizeof(s.flags)); /* 32 bits of them, if there */
    (void)copy_exactly(a[IFA_RT_PRIORITY], &s.priority, sizeof(s.priority));
    s.has_local = copy_exactly(a[IFA_LOCAL], s.local, s.len);
    s.has_address = copy_exactly(a[IFA_ADDRESS], s.address, s.len);
    s.has_broadcast = copy_exactly(a[IFA_BROADCAST], s.broadcast, s.len);
    if (s.has_local || s.has_address)
        vec_push(list->to, s);
}

int sys_address_list(int nl, int index, struct sys_addresses *ret)
{
    const struct ifaddrmsg i = {.ifa_family = AF_UNSPEC};
    struct address_list list = {.index = index, .to = ret};
    size_t before = ret->len;
    int r = -EINTR;

    FAULT_POINT("address_list");
    for (int try = 0; r == -EINTR && try < DUMP_TRIES; try++) {
        struct netlink_message m;

        ret->len = before;
        netlink_begin(&m, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &i, sizeof(i));
        r = ask(nl, &m, take_address, &list);
    }
    return r;
}

int sys_address_add(int nl, int index, const struct sys_address *a)
{
    const struct ifaddrmsg i = {.ifa_family = a->family,
                                .ifa_prefixlen = a->prefix_len,
                                .ifa_scope = a->scope,
                                .ifa_index = (unsigned)index};
    /* The others are the kernel's to set. */
    uint32_t flags = a->flags & (IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
                                 IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN);
    struct netlink_message m;

    FAULT_POINT("address_add");
    netlink_begin(&m, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &i,
                  sizeof(i));
    if (a->has_local)
        netlink_add(&m, IFA_LOCAL, a->local, a->len);
    if (a->has_address)
        netlink_add(&m, IFA_ADDRESS, a->address, a->len);
    if (a->has_broadcast)
        netlink_add(&m, IFA_BROADCAST, a->broadcast, a->len);
    add_u32(&m, IFA_FLAGS, flags);
    if (a->priority)
        add_u32(&m, IFA_RT_PRIORITY, a->priority);
    return ask(nl, &m, NULL, NULL);
}
