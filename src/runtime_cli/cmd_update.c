/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * update: the options are rows of the specification's resources, so that they and a file of the
 * same form (--resources) are one path.
 */
#include <fcntl.h>

#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/file.h"

struct update_options {
    char *resources;
    struct oci_memory memory;
    struct oci_cpu cpu;
    struct oci_pids pids;
    struct oci_block_io block_io;
};

#define AT(field) offsetof(struct update_options, field)
static const char *const cpu_shares[] = {"cpu-shares", NULL};
static const struct option update_rows[] = {
    {"resources", 'r', OPT_STRING, AT(resources), "FILE",
     "The resources as JSON, as in the specification's linux.resources; - is stdin", COMPLETE_FILE},
    {"memory", 0, OPT_SIZE, AT(memory.limit), NULL, "Memory limit; -1 is none"},
    {"memory-reservation", 0, OPT_SIZE, AT(memory.reservation), NULL, "Soft memory limit"},
    {"memory-swap", 0, OPT_SIZE, AT(memory.swap), NULL, "Limit of memory and swap together"},
    {"kernel-memory", 0, OPT_SIZE, AT(memory.kernel), NULL, "Accepted, without effect: deprecated"},
    {"kernel-memory-tcp", 0, OPT_SIZE, AT(memory.kernel_tcp), NULL,
     "Accepted, without effect: deprecated"},
    {"cpu-share", 0, OPT_UINT64, AT(cpu.shares), NULL, "CPU shares, against other containers",
     .aliases = cpu_shares},
    {"cpu-quota", 0, OPT_INT64, AT(cpu.quota), "US", "CPU time in a period; -1 is no limit"},
    {"cpu-period", 0, OPT_UINT64, AT(cpu.period), "US", "Length of a period"},
    {"cpu-burst", 0, OPT_UINT64, AT(cpu.burst), "US", "CPU time that may be saved for a burst"},
    {"cpu-rt-runtime", 0, OPT_INT64, AT(cpu.realtime_runtime), "US",
     "Realtime CPU time in a period"},
    {"cpu-rt-period", 0, OPT_UINT64, AT(cpu.realtime_period), "US", "Length of a realtime period"},
    {"cpu-idle", 0, OPT_INT64, AT(cpu.idle), "0|1", "1: run only when nothing else does"},
    {"cpuset-cpus", 0, OPT_STRING, AT(cpu.cpus), "LIST", "CPUs to run on"},
    {"cpuset-mems", 0, OPT_STRING, AT(cpu.mems), "LIST", "Memory nodes to use"},
    {"pids-limit", 0, OPT_INT64, AT(pids.limit), "N", "Most processes; -1 is no limit"},
    {"blkio-weight", 0, OPT_UINT64, AT(block_io.weight), "N", "Block I/O weight, 10 to 1000"},
    {"l3-cache-schema", 0, OPT_UNSUPPORTED, 0, NULL, NULL},
    {"mem-bw-schema", 0, OPT_UNSUPPORTED, 0, NULL, NULL},
    {NULL},
};
static const struct option *const update_sets[] = {update_rows, NULL};

static int read_resources(const char *path, struct oci_resources *ret, struct err *e)
{
    auto_fd int opened = FD_NONE;
    auto_free char *text = NULL;
    size_t n;
    int fd = 0, r;

    if (!str_equal(path, "-"))
        fd = opened = sys_open(AT_FDCWD, path, O_RDONLY, 0);
    r = fd < 0 ? fd : sys_read_fd(fd, OCI_SPEC_MAX_BYTES, &text, &n);
    if (r < 0)
        return err_sys(e, r, "read the resources '%s'", path);
    return oci_resources_parse(text, n, ret, e);
}

static int update_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct update_options *o = options;
    struct oci_resources resources = {0};
    auto_strv warnings = NULL;
    bool has_file = o->resources && *o->resources;
    int r;
    (void)argc;

    if (has_file && read_resources(o->resources, &resources, e) < 0)
        return -1;
    if (!has_file)
        resources = (struct oci_resources){.memory = &o->memory,
                                           .cpu = &o->cpu,
                                           .pids = &o->pids,
                                           .block_io = &o->block_io};
    r = lifecycle_update(&cli->config->lifecycle, argv[0], &resources, &warnings, e);
    if (has_file)
        oci_resources_done(&resources);
    STRV_FOREACH (w, warnings)
        log_warn("%s", *w);
    return r;
}

static const char *const update_examples[] = {"update --memory 256m web",
                                              "update --resources - web <resources.json", NULL};

const struct command cmd_update = {
    .name = "update",
    .summary = "Change the limits of a container",
    .option_sets = update_sets,
    .options_size = sizeof(struct update_options),
    .examples = update_examples,
    .run = update_run,
    ONE_CONTAINER,
};
