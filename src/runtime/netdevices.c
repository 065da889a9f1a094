/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A network device is in one network namespace at a time. It is moved and renamed in one request to
 * the kernel, which takes it down and its addresses away; the permanent ones with global scope are
 * given back to it, and it is brought up (config-linux.md, "Network Devices"). Everything else of a
 * device (MTU, link address, queues) stays with it.
 *
 * The parent does it while the child waits (PREPARED): it has the rights over the host's namespace,
 * and from there asks by a socket that was made inside. It never is inside itself.
 *
 * A name that is taken inside is found out before the move: the kernel would move first and then
 * not rename. When the creation fails later, devices go back: a virtual one would end with the
 * container's namespace.
 */
#include "runtime/netdevices.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/trace.h"
#include "sys/namespace.h"

static bool is_template(const char *name)
{
    return strchr(name, '%') != NULL;
}

static bool is_kept(const struct sys_address *a)
{
    return a->flags & IFA_F_PERMANENT && a->scope == RT_SCOPE_UNIVERSE;
}

static bool has_index(const struct sys_links *links, int index)
{
    for (size_t i = 0; i < links->len; i++)
        if (links->items[i].index == index)
            return true;
    return false;
}

/* The one that is there now and was not before: its name is the kernel's choice. */
static int find_new(int nl, const struct sys_links *before, struct sys_link *ret)
{
    struct sys_links now = {0};
    int r = sys_link_list(nl, &now);

    for (size_t i = 0; r == 0 && i < now.len; i++) {
        if (!has_index(before, now.items[i].index)) {
            *ret = now.items[i];
            r = 1;
        }
    }
    vec_done(&now);
    return r < 0 ? r : r == 1 ? 0 : -ENODEV;
}

static int set_up(int nl, int index, const struct sys_addresses *addresses)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < addresses->len; i++)
        if (is_kept(&addresses->items[i]))
            r = sys_address_add(nl, index, &addresses->items[i]);
    return r == 0 ? sys_link_up(nl, index) : r;
}

/* From host to inside; its index there. */
static int move(struct netdevices *n, const struct sys_link *link, const char *name)
{
    struct sys_links before = {0};
    struct sys_link now = {0};
    int r = is_template(name) ? sys_link_list(n->inside, &before) : 0;

    if (r == 0)
        r = sys_link_move(n->host, link->index, n->inside_ns, name);
    if (r == 0)
        r = is_template(name) ? find_new(n->inside, &before, &now)
                              : sys_link_find(n->inside, name, &now);
    vec_done(&before);
    return r < 0 ? r : now.index;
}

static int move_one(struct netdevices *n, const struct oci_net_device *d, struct err *e)
{
    const char *name = d->name && *d->name ? d->name : d->host_name;
    struct netdevices_moved moved = {0};
    struct sys_link taken;
    int r = sys_link_find(n->host, d->host_name, &moved.was);

    if (r == -ENODEV)
        return err_set(e, ERR_NOT_FOUND, "linux.netDevices.%s: the host has no such device",
                       d->host_name);
    if (r == 0 && !is_template(name) && sys_link_find(n->inside, name, &taken) == 0)
        return err_set(e, ERR_CONFLICT, "linux.netDevices.%s: the container has a device '%s'",
                       d->host_name, name);
    if (r == 0)
        r = sys_address_list(n->host, moved.was.index, &moved.addresses);
    if (r == 0)
        r = move(n, &moved.was, name);
    if (r < 0) {
        vec_done(&moved.addresses);
        return err_sys(e, r, "linux.netDevices.%s: move to the container as '%s'", d->host_name,
                       name);
    }
    moved.index = r;
    vec_push(&n->moved, moved);
    r = set_up(n->inside, moved.index, &moved.addresses);
    return r < 0 ? err_sys(e, r, "linux.netDevices.%s: set up in the container", d->host_name) : 0;
}

static int open_all(struct netdevices *n, pid_t pid, struct err *e)
{
    int r = n->host_ns = sys_namespace_open(0, "net");

    if (r >= 0)
        r = n->inside_ns = sys_namespace_open(pid, "net");
    if (r >= 0)
        r = n->host = sys_netlink_open(FD_NONE);
    if (r >= 0)
        r = n->inside = sys_netlink_open(n->inside_ns);
    return r < 0 ? err_sys(e, r, "linux.netDevices: reach the container's network namespace") : 0;
}

int netdevices_move(struct netdevices *n, const struct runtime_plan *p, pid_t pid, struct err *e)
{
    TRACE_SPAN("network devices");
    if (open_all(n, pid, e) < 0)
        return -1;
    VEC_FOREACH (d, &p->linux->net_devices)
        if (move_one(n, d, e) < 0)
            return -1;
    return 0;
}

/* The failure that led here is told; what fails here leaves a device inside. */
void netdevices_undo(struct netdevices *n)
{
    for (size_t i = n->moved.len; i-- > 0;) {
        const struct netdevices_moved *m = &n->moved.items[i];
        struct sys_link back;

        if (sys_link_move(n->inside, m->index, n->host_ns, m->was.name) < 0 ||
            sys_link_find(n->host, m->was.name, &back) < 0)
            continue;
        for (size_t k = 0; k < m->addresses.len; k++)
            if (is_kept(&m->addresses.items[k]))
                (void)sys_address_add(n->host, back.index, &m->addresses.items[k]);
        if (m->was.flags & IFF_UP)
            (void)sys_link_up(n->host, back.index);
    }
}

void netdevices_done(struct netdevices *n)
{
    VEC_FOREACH (m, &n->moved)
        vec_done(&m->addresses);
    vec_done(&n->moved);
    fd_close(n->host);
    fd_close(n->inside);
    fd_close(n->host_ns);
    fd_close(n->inside_ns);
    *n = (struct netdevices)NETDEVICES_NONE;
}
