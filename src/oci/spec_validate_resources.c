/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of linux.resources. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/spec_private.h"

#define MAX_DEVICES      1024
#define MIN_BLOCK_WEIGHT 10
#define MAX_BLOCK_WEIGHT 1000
#define R                "linux.resources."

static const char *const rule_types[] = {"", "a", "b", "c"};

static int check_device_rules(const struct oci_resources *r, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    if (r->devices.len > MAX_DEVICES)
        return err_set(e, ERR_LIMIT, R "devices: more than %d", MAX_DEVICES);
    for (size_t i = 0; i < r->devices.len; i++) {
        const struct oci_device_rule *d = &r->devices.items[i];

        snprintf(field, sizeof(field), R "devices[%zu].type", i);
        if (d->type && SPEC_CHECK_WORD(rule_types, d->type, field, e) < 0)
            return -1;
        /* "a" means nothing here, but runc takes it, and its users write it. */
        if (d->access && d->access[strspn(d->access, "rwma")])
            return err_set(e, ERR_INVALID, R "devices[%zu].access: '%.60s' is not of rwm", i,
                           d->access);
        snprintf(field, sizeof(field), R "devices[%zu].major", i);
        if (spec_check_signed(&d->major, -1, 4095, field, e) < 0)
            return -1;
        snprintf(field, sizeof(field), R "devices[%zu].minor", i);
        if (spec_check_signed(&d->minor, -1, 1048575, field, e) < 0)
            return -1;
    }
    return 0;
}

static int check_memory(const struct oci_memory *m, struct err *e)
{
    const struct {
        const char *field;
        const struct json_opt_i64 *v;
    } sizes[] = {
        {R "memory.limit", &m->limit},
        {R "memory.reservation", &m->reservation},
        {R "memory.swap", &m->swap},
        {R "memory.kernel", &m->kernel},
        {R "memory.kernelTCP", &m->kernel_tcp},
    };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (spec_check_signed(sizes[i].v, -1, INT64_MAX, sizes[i].field, e) < 0)
            return -1;
    if (spec_check_unsigned(&m->swappiness, 100, R "memory.swappiness", e) < 0)
        return -1;
    if (!m->swap.is_set || m->swap.value <= 0)
        return 0;
    if (!m->limit.is_set || m->limit.value == 0)
        return err_set(e, ERR_INVALID, R "memory.swap: needs a memory limit beside it");
    if (m->limit.value == -1 || m->swap.value < m->limit.value)
        return err_set(e, ERR_INVALID, R "memory.swap: is below the memory limit");
    return 0;
}

/* 0 is unset in all of them. */
static int check_cpu(const struct oci_cpu *c, struct err *e)
{
    if (c->period.is_set && c->period.value &&
        (c->period.value < 1000 || c->period.value > 1000000))
        return err_set(e, ERR_INVALID, R "cpu.period: not within 1000..1000000");
    if (c->quota.is_set && c->quota.value > 0 && c->quota.value < 1000)
        return err_set(e, ERR_INVALID, R "cpu.quota: below 1000");
    if (c->burst.is_set && c->quota.is_set && c->quota.value > 0 &&
        c->burst.value > (uint64_t)c->quota.value)
        return err_set(e, ERR_INVALID, R "cpu.burst: is above the quota");
    if (spec_check_signed(&c->realtime_runtime, -1, INT64_MAX, R "cpu.realtimeRuntime", e) < 0 ||
        spec_check_unsigned(&c->realtime_period, INT64_MAX, R "cpu.realtimePeriod", e) < 0 ||
        spec_check_signed(&c->idle, 0, 1, R "cpu.idle", e) < 0 ||
        spec_check_list(c->cpus, R "cpu.cpus", e) < 0)
        return -1;
    return spec_check_list(c->mems, R "cpu.mems", e);
}

static int check_weight(const struct json_opt_u64 *w, const char *field, struct err *e)
{
    if (w->is_set && w->value && (w->value < MIN_BLOCK_WEIGHT || w->value > MAX_BLOCK_WEIGHT))
        return err_set(e, ERR_INVALID, "%s: not within %d..%d", field, MIN_BLOCK_WEIGHT,
                       MAX_BLOCK_WEIGHT);
    return 0;
}

static int check_weight_device(const struct oci_weight_device *d, size_t i, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    snprintf(field, sizeof(field), R "blockIO.weightDevice[%zu]", i);
    if (spec_check_device_number(d->major, d->minor, field, e) < 0)
        return -1;
    if (!d->weight.is_set && !d->leaf_weight.is_set)
        return err_set(e, ERR_INVALID, "%s.weight: missing, and leafWeight too", field);
    snprintf(field, sizeof(field), R "blockIO.weightDevice[%zu].weight", i);
    if (check_weight(&d->weight, field, e) < 0)
        return -1;
    snprintf(field, sizeof(field), R "blockIO.weightDevice[%zu].leafWeight", i);
    return check_weight(&d->leaf_weight, field, e);
}

static int check_throttles(const struct oci_throttle_list *l, const char *name, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    if (l->len > MAX_DEVICES)
        return err_set(e, ERR_LIMIT, R "blockIO.%s: more than %d", name, MAX_DEVICES);
    for (size_t i = 0; i < l->len; i++) {
        snprintf(field, sizeof(field), R "blockIO.%s[%zu]", name, i);
        if (spec_check_device_number(l->items[i].major, l->items[i].minor, field, e) < 0)
            return -1;
    }
    return 0;
}

static int check_block_io(const struct oci_block_io *b, struct err *e)
{
    if (check_weight(&b->weight, R "blockIO.weight", e) < 0 ||
        check_weight(&b->leaf_weight, R "blockIO.leafWeight", e) < 0)
        return -1;
    if (b->weight_device.len > MAX_DEVICES)
        return err_set(e, ERR_LIMIT, R "blockIO.weightDevice: more than %d", MAX_DEVICES);
    for (size_t i = 0; i < b->weight_device.len; i++)
        if (check_weight_device(&b->weight_device.items[i], i, e) < 0)
            return -1;
    if (check_throttles(&b->throttle_read_bps_device, "throttleReadBpsDevice", e) < 0 ||
        check_throttles(&b->throttle_write_bps_device, "throttleWriteBpsDevice", e) < 0 ||
        check_throttles(&b->throttle_read_iops_device, "throttleReadIOPSDevice", e) < 0)
        return -1;
    return check_throttles(&b->throttle_write_iops_device, "throttleWriteIOPSDevice", e);
}

/* As the kernel writes it in the names of the controller's files: "2MB". */
static bool is_page_size(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n > 0 && n < 8 && s[0] != '0' && s[n] && strchr("KMG", s[n]) &&
           strcmp(s + n + 1, "B") == 0;
}

static int check_hugepages(const struct oci_resources *r, struct err *e)
{
    for (size_t i = 0; i < r->hugepage_limits.len; i++) {
        const char *size = r->hugepage_limits.items[i].page_size;

        if (!is_page_size(size))
            return err_set(e, ERR_INVALID,
                           R "hugepageLimits[%zu].pageSize: '%.60s' is not a size like '2MB'", i,
                           size);
    }
    return 0;
}

static int check_network(const struct oci_network *n, struct err *e)
{
    if (spec_check_unsigned(&n->class_id, UINT32_MAX, R "network.classID", e) < 0)
        return -1;
    for (size_t i = 0; i < n->priorities.len; i++) {
        char field[SPEC_FIELD_MAX];

        snprintf(field, sizeof(field), R "network.priorities[%zu].name", i);
        if (spec_check_interface(n->priorities.items[i].name, field, e) < 0)
            return -1;
    }
    return 0;
}

static int check_rdma(const struct oci_rdma *d, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    if (!*d->device || d->device[strcspn(d->device, " /\t\n")])
        return err_set(e, ERR_INVALID, R "rdma.%.60s: not a name of a device", d->device);
    if (!d->hca_handles.is_set && !d->hca_objects.is_set)
        return err_set(e, ERR_INVALID, R "rdma.%.60s.hcaHandles: missing, and hcaObjects too",
                       d->device);
    snprintf(field, sizeof(field), R "rdma.%.60s.hcaHandles", d->device);
    if (spec_check_unsigned(&d->hca_handles, UINT32_MAX, field, e) < 0)
        return -1;
    snprintf(field, sizeof(field), R "rdma.%.60s.hcaObjects", d->device);
    return spec_check_unsigned(&d->hca_objects, UINT32_MAX, field, e);
}

/* The key is a file's name, "memory.high". */
static int check_unified(char *const *unified, struct err *e)
{
    STRV_FOREACH (entry, unified) {
        size_t key = strcspn(*entry, "=");

        if (key == 0 || !isalpha((unsigned char)(*entry)[0]) || memchr(*entry, '/', key) ||
            !memchr(*entry, '.', key))
            return err_set(e, ERR_INVALID, R "unified.%.*s: not a file name",
                           (int)MIN(key, (size_t)60), *entry);
    }
    return 0;
}

int spec_check_resources(const struct oci_resources *r, struct err *e)
{
    if (check_device_rules(r, e) < 0 || (r->memory && check_memory(r->memory, e) < 0) ||
        (r->cpu && check_cpu(r->cpu, e) < 0) ||
        (r->pids && spec_check_signed(&r->pids->limit, -1, INT64_MAX, R "pids.limit", e) < 0) ||
        (r->block_io && check_block_io(r->block_io, e) < 0) || check_hugepages(r, e) < 0 ||
        (r->network && check_network(r->network, e) < 0))
        return -1;
    VEC_FOREACH (d, &r->rdma)
        if (check_rdma(d, e) < 0)
            return -1;
    return check_unified(r->unified, e);
}
