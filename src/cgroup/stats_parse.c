/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the kernel's texts (Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst). They grow
 * lines and words from one kernel to the next, so that what is not known is skipped, never an
 * error. Numbers are found with strtoull and strtod, which begin at a digit only here.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/stats_private.h"

#define MAX_SET 65536 /* CPUs or nodes */

bool stats_parse_number(const char *text, uint64_t *ret)
{
    auto_free char *word = alloc_strndup(text, strcspn(text, " \t\n"));

    if (strcmp(word, "max") == 0) {
        *ret = UINT64_MAX;
        return true;
    }
    return str_to_u64(word, UINT64_MAX, ret) == 0;
}

void stats_parse_keys(const char *text, stats_take *take, void *to)
{
    auto_strv lines = strv_split(text, '\n');

    STRV_FOREACH (line, lines) {
        char *space = strchr(*line, ' ');
        uint64_t value;

        if (!space)
            continue;
        *space = 0;
        if (stats_parse_number(space + 1, &value))
            take(to, *line, value);
    }
}

void stats_parse_numbers(const char *text, struct cgroup_u64s *ret)
{
    for (const char *p = text; *p; p += strcspn(p, " \n"), p += strspn(p, " \n")) {
        uint64_t value;

        if (stats_parse_number(p, &value))
            vec_push(ret, value);
    }
}

void stats_parse_set(const char *text, struct cgroup_u64s *ret)
{
    for (const char *p = text; isdigit((unsigned char)*p);) {
        char *end;
        uint64_t first = strtoull(p, &end, 10), last = first;

        if (*end == '-' && isdigit((unsigned char)end[1]))
            last = strtoull(end + 1, &end, 10);
        for (uint64_t i = first; i <= last && i < MAX_SET; i++)
            vec_push(ret, i);
        p = *end == ',' ? end + 1 : end;
    }
}

void stats_parse_usage_all(const char *text, struct cgroup_cpu_stats *ret)
{
    auto_strv lines = strv_split(text, '\n');

    STRV_FOREACH (line, lines) {
        struct cgroup_u64s row = {0};

        stats_parse_numbers(*line, &row);
        if (row.len == 3) {
            vec_push(&ret->percpu_user_ns, row.items[1]);
            vec_push(&ret->percpu_kernel_ns, row.items[2]);
        }
        vec_done(&row);
    }
}

/* "8:16 ..." gives the rest, or NULL. */
static const char *parse_device(const char *line, uint64_t *ret_major, uint64_t *ret_minor)
{
    char *end;

    if (!isdigit((unsigned char)*line))
        return NULL;
    *ret_major = strtoull(line, &end, 10);
    if (*end != ':' || !isdigit((unsigned char)end[1]))
        return NULL;
    *ret_minor = strtoull(end + 1, &end, 10);
    return *end == ' ' ? end + 1 : NULL;
}

static void add_entry(struct cgroup_io_list *list, uint64_t major, uint64_t minor, const char *op,
                      uint64_t value)
{
    struct cgroup_io_entry entry = {major, minor, alloc_strdup(op), value};

    vec_push(list, entry);
}

void stats_parse_io_v1(const char *text, struct cgroup_io_list *ret)
{
    auto_strv lines = strv_split(text, '\n');

    STRV_FOREACH (line, lines) {
        uint64_t major, minor, value;
        const char *rest = parse_device(*line, &major, &minor);
        const char *space = rest ? strchr(rest, ' ') : NULL;
        auto_free char *op = NULL;

        if (!rest)
            continue;
        op = alloc_strndup(rest, space ? (size_t)(space - rest) : 0);
        if (stats_parse_number(space ? space + 1 : rest, &value))
            add_entry(ret, major, minor, op, value);
    }
}

void stats_parse_io_v2(const char *text, struct cgroup_io_stats *ret)
{
    static const struct {
        const char *key;
        enum cgroup_io_kind kind;
        const char *op;
    } keys[] = {{"rbytes=", CGROUP_IO_SERVICE_BYTES, "Read"},
                {"wbytes=", CGROUP_IO_SERVICE_BYTES, "Write"},
                {"rios=", CGROUP_IO_SERVICED, "Read"},
                {"wios=", CGROUP_IO_SERVICED, "Write"}};
    auto_strv lines = strv_split(text, '\n');

    STRV_FOREACH (line, lines) {
        uint64_t major, minor, value;
        const char *rest = parse_device(*line, &major, &minor);
        auto_strv words = strv_split(rest ? rest : "", ' ');

        STRV_FOREACH (word, words)
            for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (str_starts_with(*word, keys[i].key) &&
                    stats_parse_number(*word + strlen(keys[i].key), &value))
                    add_entry(&ret->lists[keys[i].kind], major, minor, keys[i].op, value);
    }
}

void stats_parse_rdma(const char *text, struct cgroup_rdma_list *ret)
{
    auto_strv lines = strv_split(text, '\n');

    STRV_FOREACH (line, lines) {
        auto_strv words = strv_split(*line, ' ');
        struct cgroup_rdma_entry entry = {0};
        bool is_known = false;

        if (strv_len(words) < 2)
            continue;
        STRV_FOREACH (word, words + 1) {
            const char *value = strchr(*word, '=');
            uint64_t n;

            if (!value || !stats_parse_number(value + 1, &n))
                continue;
            n = MIN(n, (uint64_t)UINT32_MAX);
            is_known = true;
            if (str_starts_with(*word, "hca_handle="))
                entry.hca_handles = n;
            else if (str_starts_with(*word, "hca_object="))
                entry.hca_objects = n;
        }
        if (!is_known)
            continue;
        entry.device = alloc_strdup(words[0]);
        vec_push(ret, entry);
    }
}

static void parse_pressure_word(const char *word, struct cgroup_pressure_line *ret)
{
    const char *value = strchr(word, '=');

    if (!value || !isdigit((unsigned char)value[1]))
        return;
    if (str_starts_with(word, "avg10="))
        ret->avg10 = strtod(value + 1, NULL);
    else if (str_starts_with(word, "avg60="))
        ret->avg60 = strtod(value + 1, NULL);
    else if (str_starts_with(word, "avg300="))
        ret->avg300 = strtod(value + 1, NULL);
    else if (str_starts_with(word, "total="))
        ret->total_us = strtoull(value + 1, NULL, 10);
}

void stats_parse_pressure(const char *text, struct cgroup_pressure *ret)
{
    auto_strv lines = strv_split(text, '\n');

    STRV_FOREACH (line, lines) {
        auto_strv words = strv_split(*line, ' ');
        struct cgroup_pressure_line *to = str_starts_with(*line, "some ")   ? &ret->some
                                          : str_starts_with(*line, "full ") ? &ret->full
                                                                            : NULL;

        if (!to)
            continue;
        ret->is_set = true;
        STRV_FOREACH (word, words)
            parse_pressure_word(*word, to);
    }
}

char *stats_page_size(const char *name)
{
    static const char *const units[] = {"KB", "MB", "GB"};
    size_t unit = 0;
    uint64_t size;
    char *end;

    if (!str_starts_with(name, "hugepages-") || !isdigit((unsigned char)name[10]))
        return NULL;
    size = strtoull(name + 10, &end, 10);
    if (strcmp(end, "kB") != 0)
        return NULL;
    for (; size >= 1024 && unit + 1 < ARRAY_LEN(units); size /= 1024)
        unit++;
    return alloc_printf("%" PRIu64 "%s", size, units[unit]);
}
