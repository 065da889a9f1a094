/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the second half of limits.c: block devices, huge pages, network, RDMA, and the map of v2
 * files. Weights of block devices are BFQ's where the kernel has that scheduler (io.bfq.weight,
 * 1..1000), else io.weight (1..10000); v1 kernels before 5.0 call the first blkio.weight.
 *
 * Trust: names in a spec become names of files (a page size, a file of the unified map) and parts
 * of lines (an interface, an RDMA device); none may hold what would end its part.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"

/* io.weight for BFQ's 10..1000. */
static uint64_t io_weight(uint64_t weight)
{
    return weight <= 10 ? 1 : 1 + (weight - 10) * 9999 / 990;
}

static bool is_set(const struct json_opt_u64 *v)
{
    return v->is_set && v->value != 0;
}

static void weight(const struct json_opt_u64 *v, bool is_v1, struct cgroup_writes *w)
{
    struct cgroup_write *write;

    if (!is_set(v))
        return;
    write = cgroup_add_write(w, CGROUP_IO, is_v1 ? "blkio.weight" : "io.bfq.weight",
                             "block I/O weight", alloc_printf("%" PRIu64, v->value));
    write->other_file = alloc_strdup(is_v1 ? "blkio.bfq.weight" : "io.weight");
    if (!is_v1)
        write->other_text = alloc_printf("%" PRIu64, io_weight(v->value));
}

static void weight_device(const struct oci_weight_device *d, bool is_v1, struct cgroup_writes *w)
{
    struct cgroup_write *write;

    if (is_set(&d->weight)) {
        write = cgroup_add_write(w, CGROUP_IO, is_v1 ? "blkio.weight_device" : "io.bfq.weight",
                                 "block I/O weight of a device",
                                 alloc_printf("%" PRId64 ":%" PRId64 " %" PRIu64, d->major,
                                              d->minor, d->weight.value));
        write->other_file = alloc_strdup(is_v1 ? "blkio.bfq.weight_device" : "io.weight");
        if (!is_v1)
            write->other_text = alloc_printf("%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor,
                                             io_weight(d->weight.value));
    }
    if (is_set(&d->leaf_weight) && is_v1)
        cgroup_add_write(w, CGROUP_IO, "blkio.leaf_weight_device",
                         "block I/O leaf weight of a device",
                         alloc_printf("%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor,
                                      d->leaf_weight.value));
    else if (is_set(&d->leaf_weight))
        cgroup_add_missing(w, "block I/O leaf weight of a device");
}

/* 0 takes the limit away: in v1 as it is. */
static char *throttle_text(const struct oci_throttle_device *d, const char *v2_key)
{
    auto_free char *rate = alloc_printf("%" PRIu64, d->rate);

    return alloc_printf("%" PRId64 ":%" PRId64 " %s%s%s", d->major, d->minor, v2_key ? v2_key : "",
                        v2_key ? "=" : "", v2_key && d->rate == 0 ? "max" : rate);
}

void cgroup_plan_block_io(const struct oci_block_io *b, bool is_v1, struct cgroup_writes *w)
{
    const struct {
        const struct oci_throttle_list *list;
        const char *v1_file, *v2_key, *what;
    } throttles[] = {
        {&b->throttle_read_bps_device, "blkio.throttle.read_bps_device", "rbps",
         "block I/O read rate"},
        {&b->throttle_write_bps_device, "blkio.throttle.write_bps_device", "wbps",
         "block I/O write rate"},
        {&b->throttle_read_iops_device, "blkio.throttle.read_iops_device", "riops",
         "block I/O read operations"},
        {&b->throttle_write_iops_device, "blkio.throttle.write_iops_device", "wiops",
         "block I/O write operations"},
    };

    weight(&b->weight, is_v1, w);
    if (is_set(&b->leaf_weight) && is_v1)
        cgroup_add_write(w, CGROUP_IO, "blkio.leaf_weight", "block I/O leaf weight",
                         alloc_printf("%" PRIu64, b->leaf_weight.value));
    else if (is_set(&b->leaf_weight))
        cgroup_add_missing(w, "block I/O leaf weight");
    VEC_FOREACH (d, &b->weight_device)
        weight_device(d, is_v1, w);
    for (size_t i = 0; i < ARRAY_LEN(throttles); i++)
        VEC_FOREACH (d, throttles[i].list)
            cgroup_add_write(w, CGROUP_IO, is_v1 ? throttles[i].v1_file : "io.max",
                             throttles[i].what,
                             throttle_text(d, is_v1 ? NULL : throttles[i].v2_key));
}

/* "2MB": digits, then the unit in which the kernel names its files. */
static bool is_page_size(const char *s)
{
    size_t digits = strspn(s, "0123456789");

    return digits > 0 && (strcmp(s + digits, "KB") == 0 || strcmp(s + digits, "MB") == 0 ||
                          strcmp(s + digits, "GB") == 0);
}

int cgroup_plan_hugepages(const struct oci_resources *r, bool is_v1, struct cgroup_writes *w,
                          struct err *e)
{
    const char *end = is_v1 ? "limit_in_bytes" : "max";

    VEC_FOREACH (limit, &r->hugepage_limits) {
        auto_free char *file = NULL, *reserved = NULL;

        if (!is_page_size(limit->page_size))
            return err_set(e, ERR_INVALID, "hugepageLimits: '%s' is no page size",
                           limit->page_size);
        file = alloc_printf("hugetlb.%s.%s", limit->page_size, end);
        reserved = alloc_printf("hugetlb.%s.rsvd.%s", limit->page_size, end);
        cgroup_add_write(w, CGROUP_HUGETLB, file, "huge page limit",
                         alloc_printf("%" PRIu64, limit->limit));
        cgroup_add_write(w, CGROUP_HUGETLB, reserved, "huge page reservation limit",
                         alloc_printf("%" PRIu64, limit->limit))
            ->flags = CGROUP_WRITE_OPTIONAL; /* Linux 5.7 */
    }
    return 0;
}

static bool is_word(const char *s)
{
    for (const char *p = s; *p; p++)
        if (isspace((unsigned char)*p) || !isprint((unsigned char)*p))
            return false;
    return *s != 0;
}

int cgroup_plan_network(const struct oci_network *n, const struct cgroup_view *view,
                        struct cgroup_writes *w, struct err *e)
{
    if (is_set(&n->class_id) && cgroup_view_is_v1(view, CGROUP_NET_CLS))
        cgroup_add_write(w, CGROUP_NET_CLS, "net_cls.classid", "network class",
                         alloc_printf("%" PRIu64, n->class_id.value));
    else if (is_set(&n->class_id))
        cgroup_add_missing(w, "network class");
    VEC_FOREACH (p, &n->priorities) {
        if (!is_word(p->name))
            return err_set(e, ERR_INVALID, "network.priorities: '%s' is no interface", p->name);
        if (!cgroup_view_is_v1(view, CGROUP_NET_PRIO))
            cgroup_add_missing(w, "network priority");
        else
            cgroup_add_write(w, CGROUP_NET_PRIO, "net_prio.ifpriomap", "network priority",
                             alloc_printf("%s %u", p->name, p->priority));
    }
    return 0;
}

int cgroup_plan_rdma(const struct oci_resources *r, struct cgroup_writes *w, struct err *e)
{
    VEC_FOREACH (d, &r->rdma) {
        auto_str text = STR_INIT(1024);

        if (!is_word(d->device))
            return err_set(e, ERR_INVALID, "rdma: '%s' is no device", d->device);
        str_add(&text, d->device);
        if (d->hca_handles.is_set)
            str_addf(&text, " hca_handle=%" PRIu64, d->hca_handles.value);
        if (d->hca_objects.is_set)
            str_addf(&text, " hca_object=%" PRIu64, d->hca_objects.value);
        cgroup_add_write(w, CGROUP_RDMA, "rdma.max", "RDMA limit", str_take(&text));
    }
    return 0;
}

/* "memory.high": the controller is the file's first word; "cgroup." files need none. */
static enum cgroup_controller controller_of(const char *file)
{
    size_t n = strcspn(file, ".");

    for (unsigned i = 0; i < CGROUP_CONTROLLER_MAX; i++) {
        const char *name = cgroup_controller_name_v2((enum cgroup_controller)i);

        if (name && strlen(name) == n && memcmp(name, file, n) == 0)
            return (enum cgroup_controller)i;
    }
    return CGROUP_SYSTEMD;
}

int cgroup_plan_unified(const struct oci_resources *r, const struct cgroup_view *view,
                        struct cgroup_writes *w, struct err *e)
{
    STRV_FOREACH (entry, r->unified) {
        size_t key = strcspn(*entry, "=");
        auto_free char *file = alloc_strndup(*entry, key);
        enum cgroup_controller c = controller_of(file);

        if (strchr(file, '/'))
            return err_set(e, ERR_INVALID,
                           "unified resource \"%s\" must be a file name (no slashes)", file);
        if (!strchr(file, '.') || file[0] == '.')
            return err_set(e, ERR_INVALID,
                           "unified resource \"%s\" must be in the form CONTROLLER.PARAMETER",
                           file);
        if (!view->has_v2 || cgroup_view_is_v1(view, c))
            cgroup_add_missing(w, "unified (cgroup v2)");
        else
            cgroup_add_write(w, c, file, "unified (cgroup v2)",
                             alloc_strdup((*entry)[key] ? *entry + key + 1 : ""));
    }
    return 0;
}
