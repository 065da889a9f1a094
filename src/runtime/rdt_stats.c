/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a group of resctrl uses, in the form of runc's events. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/rdt_private.h"
#include "sys/file.h"

static void add_text(struct json_object *o, const char *key, const char *text)
{
    if (text && *text)
        json_object_object_add(o, key, json_object_new_string(text));
}

/* A number as it stands in a file; left out where there is none. */
static void add_number(struct json_object *o, const char *key, const char *directory)
{
    auto_free char *text = rdt_read(directory, key);
    uint64_t n;

    if (text && str_to_u64(text, INT64_MAX, &n) == 0)
        json_object_object_add(o, key, json_object_new_int64((int64_t)n));
}

static void add_line(struct json_object *o, const char *key, const char *schemata,
                     const char *resource)
{
    auto_strv lines = strv_split(schemata ? schemata : "", '\n');

    STRV_FOREACH (line, lines) {
        rdt_trim(*line);
        if (rdt_is_resource(*line, resource))
            add_text(o, key, *line);
    }
}

static void add_resource(struct json_object *o, const struct rdt *r, const char *key,
                         const char *directory, const char *const *numbers)
{
    auto_free char *path = alloc_printf("%s/info/%s", r->root, directory);
    struct json_object *info;

    if (!rdt_is_directory(path))
        return;
    info = json_object_new_object();
    if (str_equal(directory, "L3")) {
        auto_free char *mask = rdt_read(path, "cbm_mask");

        add_text(info, "cbm_mask", mask);
    }
    for (; *numbers; numbers++)
        add_number(info, *numbers, path);
    json_object_object_add(o, key, info);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One object a domain ("mon_L3_00"), in the order of their names. */
static void add_monitoring(struct json_object *o, const struct rdt *r)
{
    auto_free char *path = alloc_printf("%s/mon_data", r->monitor ? r->monitor : r->group);
    auto_strv domains = NULL;
    struct json_object *bandwidth, *cache;

    if (sys_list_dir(AT_FDCWD, path, &domains) < 0 || !domains)
        return;
    qsort(domains, strv_len(domains), sizeof(char *), by_name);
    bandwidth = json_object_new_array();
    cache = json_object_new_array();
    STRV_FOREACH (domain, domains) {
        auto_free char *directory = alloc_printf("%s/%s", path, *domain);
        struct json_object *b = json_object_new_object(), *c = json_object_new_object();

        add_number(b, "mbm_total_bytes", directory);
        add_number(b, "mbm_local_bytes", directory);
        add_number(c, "llc_occupancy", directory);
        json_object_array_add(bandwidth, b);
        json_object_array_add(cache, c);
    }
    json_object_object_add(o, "mbm_stats", bandwidth);
    json_object_object_add(o, "cmt_stats", cache);
}

int rdt_stats(const struct rdt *r, struct json_object **ret, struct err *e)
{
    static const char *const cache_numbers[] = {"min_cbm_bits", "num_closids", NULL};
    static const char *const bandwidth_numbers[] = {"bandwidth_gran", "delay_linear",
                                                    "min_bandwidth", "num_closids", NULL};
    auto_free char *of_root = rdt_read(r->root, "schemata");
    auto_free char *of_group = rdt_read(r->group, "schemata");
    auto_strv lines = strv_split(of_group ? of_group : "", '\n');
    struct json_object *o, *list;

    if (!of_group)
        return err_set(e, ERR_IO, "linux.intelRdt: read the schemata of group '%s'", r->group);
    o = json_object_new_object();
    add_resource(o, r, "l3_cache_info", "L3", cache_numbers);
    add_line(o, "l3_cache_schema_root", of_root, "L3:");
    add_line(o, "l3_cache_schema", of_group, "L3:");
    add_resource(o, r, "mem_bw_info", "MB", bandwidth_numbers);
    add_line(o, "mem_bw_schema_root", of_root, "MB:");
    add_line(o, "mem_bw_schema", of_group, "MB:");
    list = json_object_new_array();
    STRV_FOREACH (line, lines)
        json_object_array_add(list, json_object_new_string(*line));
    json_object_object_add(o, "schemata", list);
    add_monitoring(o, r);
    *ret = o;
    return 0;
}
