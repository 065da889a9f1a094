/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: systemd writes the limits of its units to their groups again whenever it reloads, so that
 * it must be told those that it knows (systemd.resource-control(5)); what it does not know it
 * leaves as the group's files have it. Its names differ between v1 and v2, its CPU quota is
 * microseconds a second, in whole percents: it is rounded up, and the file gets the exact one.
 *
 * Devices: on v2 the group has a program of ours that systemd does not touch, and a second one of
 * systemd's could only take more away; on v1 it rewrites devices.allow, so that it must know the
 * rules as far as its language goes.
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/unit.h"

#define DEFAULT_PERIOD   100000
#define US_PER_S         1000000u
#define PERCENT_US_PER_S 10000u

unsigned unit_parse_version(const char *text)
{
    const char *digits = text + strcspn(text, "0123456789");
    auto_free char *word = alloc_strndup(digits, strspn(digits, "0123456789"));
    uint64_t n;

    return str_to_u64(word, 100000, &n) < 0 ? 0 : (unsigned)n;
}

static bool has_cpu_max(const struct oci_cpu *c)
{
    return c && ((c->quota.is_set && c->quota.value) || (c->period.is_set && c->period.value));
}

static bool has_cpuset(const struct oci_cpu *c)
{
    return c && ((c->cpus && *c->cpus) || (c->mems && *c->mems));
}

bool unit_limits_need_version(const struct oci_resources *r)
{
    return r && (has_cpu_max(r->cpu) || has_cpuset(r->cpu) || (r->unified && r->unified[0]));
}

/* Negative is unlimited, as the type's largest number. */
static void add_size(struct unit_properties *p, const char *name, const struct json_opt_i64 *v)
{
    if (v->is_set && v->value)
        unit_add_number(p, name, v->value < 0 ? UINT64_MAX : (uint64_t)v->value);
}

static void memory(const struct oci_memory *m, bool is_v1, const struct cgroup_now *now,
                   struct unit_properties *p)
{
    int64_t limit = m->limit.is_set && m->limit.value ? m->limit.value
                    : now->memory_limit.is_set        ? now->memory_limit.value
                                                      : -1;
    struct json_opt_i64 swap = m->swap;

    add_size(p, is_v1 ? "MemoryLimit" : "MemoryMax", &m->limit);
    if (is_v1)
        return;
    add_size(p, "MemoryLow", &m->reservation);
    if (!swap.is_set && limit < 0 && m->limit.is_set)
        swap = (struct json_opt_i64){true, -1};
    if (swap.is_set && swap.value < 0)
        unit_add_number(p, "MemorySwapMax", UINT64_MAX);
    else if (swap.is_set && swap.value > 0 && limit >= 0 && swap.value >= limit)
        unit_add_number(p, "MemorySwapMax", (uint64_t)(swap.value - limit));
}

static void cpu_max(int64_t quota, uint64_t period, unsigned version, struct unit_properties *p)
{
    unsigned __int128 per_second = quota > 0 ? (unsigned __int128)quota * US_PER_S / period : 0;

    if (version >= UNIT_QUOTA_PERIOD)
        unit_add_number(p, "CPUQuotaPeriodUSec", period);
    if (quota <= 0)
        unit_add_number(p, "CPUQuotaPerSecUSec", UINT64_MAX);
    else
        unit_add_number(p, "CPUQuotaPerSecUSec",
                        (uint64_t)((per_second + PERCENT_US_PER_S - 1) / PERCENT_US_PER_S *
                                   PERCENT_US_PER_S));
}

static int cpuset(const char *name, const char *value, unsigned version, struct unit_properties *p,
                  struct err *e)
{
    char *bytes = NULL;
    size_t n;

    if (!value || !*value || version < UNIT_CPUSET)
        return 0;
    if (unit_parse_set(value, &bytes, &n) < 0)
        return err_set(e, ERR_INVALID, "cpuset '%s': not a list of numbers and ranges", value);
    vec_push(&p->list, ((struct sys_unit_property){.name = alloc_strdup(name),
                                                   .type = SYS_UNIT_BYTES,
                                                   .number = n,
                                                   .text = bytes}));
    return 0;
}

static int cpu(const struct oci_cpu *c, bool is_v1, const struct cgroup_now *now, unsigned version,
               struct unit_properties *p, struct err *e)
{
    if (c->shares.is_set && c->shares.value)
        unit_add_number(p, is_v1 ? "CPUShares" : "CPUWeight",
                        is_v1 ? c->shares.value : cgroup_weight_of_shares(c->shares.value));
    if (has_cpu_max(c))
        cpu_max(c->quota.is_set && c->quota.value ? c->quota.value
                : now->cpu_quota.is_set           ? now->cpu_quota.value
                                                  : -1,
                c->period.is_set && c->period.value ? c->period.value
                : now->cpu_period.is_set            ? now->cpu_period.value
                                                    : DEFAULT_PERIOD,
                version, p);
    if (cpuset("AllowedCPUs", c->cpus, version, p, e) < 0)
        return -1;
    return cpuset("AllowedMemoryNodes", c->mems, version, p, e);
}

/* "QUOTA PERIOD", "max PERIOD", "max" */
static int unified_cpu_max(const char *value, unsigned version, struct unit_properties *p,
                           struct err *e)
{
    auto_strv words = strv_split(value, ' ');
    uint64_t period = DEFAULT_PERIOD;
    int64_t quota = -1;
    size_t n = strv_len(words);

    if (n < 1 || n > 2 ||
        (strcmp(words[0], "max") != 0 && str_to_i64(words[0], 0, INT64_MAX, &quota) < 0) ||
        (n == 2 && (str_to_u64(words[1], UINT32_MAX, &period) < 0 || period == 0)))
        return err_set(e, ERR_INVALID, "unified resource \"cpu.max\" value invalid: \"%s\"", value);
    cpu_max(quota, period, version, p);
    return 0;
}

static int unified(const char *entry, unsigned version, struct unit_properties *p, struct err *e)
{
    static const struct {
        const char *file, *name;
    } numbers[] = {{"cpu.weight", "CPUWeight"}, {"memory.high", "MemoryHigh"},
                   {"memory.low", "MemoryLow"}, {"memory.min", "MemoryMin"},
                   {"memory.max", "MemoryMax"}, {"memory.swap.max", "MemorySwapMax"},
                   {"pids.max", "TasksMax"}};
    size_t key = strcspn(entry, "=");
    auto_free char *file = alloc_strndup(entry, key);
    const char *begin = entry[key] ? entry + key + 1 : "";
    auto_free char *value = NULL;
    uint64_t n = UINT64_MAX;

    begin += strspn(begin, " \n");
    value = alloc_strndup(begin, strcspn(begin, "\n"));
    if (strcmp(file, "cpu.max") == 0)
        return unified_cpu_max(value, version, p, e);
    if (strcmp(file, "cpuset.cpus") == 0)
        return cpuset("AllowedCPUs", value, version, p, e);
    if (strcmp(file, "cpuset.mems") == 0)
        return cpuset("AllowedMemoryNodes", value, version, p, e);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (strcmp(file, numbers[i].file) != 0)
            continue;
        if (strcmp(value, "max") != 0 && str_to_u64(value, UINT64_MAX, &n) < 0)
            return err_set(e, ERR_INVALID, "unified resource \"%s\" value conversion error: \"%s\"",
                           file, value);
        unit_add_number(p, numbers[i].name, n);
    }
    return 0;
}

int unit_limits(const struct oci_resources *r, bool is_v1, const struct cgroup_now *now,
                unsigned version, struct unit_properties *ret, struct err *e)
{
    if (!r)
        return 0;
    if (r->memory)
        memory(r->memory, is_v1, now, ret);
    if (r->cpu && cpu(r->cpu, is_v1, now, version, ret, e) < 0)
        return -1;
    if (r->pids)
        add_size(ret, "TasksMax", &r->pids->limit);
    if (is_v1 && r->block_io && r->block_io->weight.is_set && r->block_io->weight.value)
        unit_add_number(ret, "BlockIOWeight", r->block_io->weight.value);
    STRV_FOREACH (entry, is_v1 ? NULL : r->unified)
        if (unified(*entry, version, ret, e) < 0)
            return -1;
    return 0;
}

/* Devices */

/* The group's name of a major number in /proc/devices: "char-pts"; NULL for none. */
static char *find_group(const char *proc_devices, char type, int64_t major)
{
    auto_strv lines = strv_split(proc_devices, '\n');
    bool is_ours = false;

    STRV_FOREACH (line, lines) {
        const char *number = *line + strspn(*line, " ");
        char *name = strchr(number, ' ');
        int64_t n;

        if (str_ends_with(*line, ":"))
            is_ours = str_starts_with(*line, type == 'b' ? "Block" : "Character");
        if (!is_ours || !name)
            continue;
        *name++ = 0;
        if (str_to_i64(number, 0, INT32_MAX, &n) == 0 && n == major)
            return alloc_printf("%s-%s", type == 'b' ? "block" : "char", name);
    }
    return NULL;
}

/* What systemd calls the devices of a rule; NULL for what it cannot say. */
static char *device_name(const struct device_rule *r, const char *proc_devices)
{
    const char *type = r->type == 'b' ? "block" : "char";

    if (r->major < 0)
        return r->minor < 0 ? alloc_printf("%s-*", type) : NULL;
    if (r->minor < 0)
        return find_group(proc_devices, r->type, r->major);
    return alloc_printf("/dev/%s/%" PRId64 ":%" PRId64, type, r->major, r->minor);
}

int unit_devices(const struct device_rules *rules, const char *proc_devices,
                 struct unit_properties *ret, struct err *e)
{
    DHOW_CLEANUP(device_state_done) struct device_state state = {0};
    struct sys_unit_property list = {.type = SYS_UNIT_PAIRS}, none = {.type = SYS_UNIT_PAIRS};

    if (device_state_of(rules, &state, e) < 0)
        return -1;
    unit_add_string(ret, "DevicePolicy", state.is_allowed ? "auto" : "strict");
    /* An empty list is what clears it. */
    none.name = alloc_strdup("DeviceAllow");
    vec_push(&ret->list, none);
    if (state.is_allowed)
        return 0;
    list.name = alloc_strdup("DeviceAllow");
    VEC_FOREACH (r, &state.exceptions) {
        auto_free char *rule = device_rule_text(r);
        char *name = device_name(r, proc_devices);

        if (!name)
            continue;
        strv_take(&list.list, name);
        strv_add(&list.list, strrchr(rule, ' ') + 1);
    }
    vec_push(&ret->list, list);
    return 0;
}
