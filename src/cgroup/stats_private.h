/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the stats*.c files share: parsers, pure; lines that they do not know are skipped. */
#include "cgroup/cgroup_private.h"
#include "cgroup/stats.h"

/* "key value" lines: each is given to `take`. */
typedef void stats_take(void *to, const char *key, uint64_t value);
void stats_parse_keys(const char *text, stats_take *take, void *to);
/* A number, or "max" as UINT64_MAX. */
bool stats_parse_number(const char *text, uint64_t *ret);
void stats_parse_numbers(const char *text, struct cgroup_u64s *ret); /* between blanks */
void stats_parse_set(const char *text, struct cgroup_u64s *ret);     /* "0-2,7" */
/* cpuacct.usage_all: "cpu user system" and a line a CPU */
void stats_parse_usage_all(const char *text, struct cgroup_cpu_stats *ret);
void stats_parse_io_v1(const char *text, struct cgroup_io_list *ret);  /* "8:0 Read 5" */
void stats_parse_io_v2(const char *text, struct cgroup_io_stats *ret); /* "8:0 rbytes=5 ..." */
void stats_parse_rdma(const char *text, struct cgroup_rdma_list *ret);
void stats_parse_pressure(const char *text, struct cgroup_pressure *ret);
/* "hugepages-2048kB" gives "2MB"; owned, NULL for other names. */
char *stats_page_size(const char *name);

/* stats_v1.c */
void stats_cpu_v1(const struct cgroup *g, struct cgroup_cpu_stats *ret);
void stats_cpuset_v1(int dirfd, struct cgroup_cpuset_stats *ret);
void stats_memory_v1(int dirfd, struct cgroup_memory_stats *ret);
void stats_io_v1(int dirfd, struct cgroup_io_stats *ret);

/* stats.c */
char *stats_read(int dirfd, const char *file);           /* owned; NULL when it cannot be read */
uint64_t stats_read_number(int dirfd, const char *file); /* 0 when it cannot be read */
