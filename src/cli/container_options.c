/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option table of `run` and `create`. Rows in the order of what they are about; help sorts
 * them.
 */
#include "cli/container_options.h"

#define AT(field) offsetof(struct container_flags, field)

static const char *const network_aliases[] = {"net", NULL};
static const char *const dns_option_aliases[] = {"dns-opt", NULL};

const struct option container_option_rows[] = {
    /* what it is called */
    {"name", 0, OPT_STRING, AT(name), "NAME", "Assign a name to the container"},
    {"hostname", 'h', OPT_STRING, AT(hostname), "NAME", "Set the container's host name"},
    {"label", 'l', OPT_STRV, AT(labels), "KEY=VALUE", "Set metadata on the container"},
    {"label-file", 0, OPT_STRV, AT(label_files), "FILE", "Read labels from a file, one a line",
     COMPLETE_FILE},
    {"annotation", 0, OPT_STRV, AT(annotations), "KEY=VALUE", "Add an annotation to the container"},
    {"cidfile", 0, OPT_STRING, AT(cidfile), "FILE", "Write the container's id to a new file",
     COMPLETE_FILE},
    {"replace", 0, OPT_BOOL, AT(replace), NULL,
     "Remove a container of the same name first, running or not"},
    {"rm", 0, OPT_BOOL, AT(rm), NULL, "Remove the container after its end"},
    {"restart", 0, OPT_STRING, AT(restart), "POLICY",
     "What to do when the container ends (only \"no\" is supported yet)", COMPLETE_WORDS, "no"},
    /* the process */
    {"interactive", 'i', OPT_BOOL, AT(interactive), NULL, "Keep the standard input open"},
    {"tty", 't', OPT_BOOL, AT(tty), NULL, "Give the container a terminal"},
    {"entrypoint", 0, OPT_STRING, AT(entrypoint), "COMMAND",
     "Replace the image's entrypoint: a word, or a JSON array of words"},
    {"env", 'e', OPT_STRV, AT(env), "NAME[=VALUE]",
     "Set an environment variable; without a value, the caller's"},
    {"env-file", 0, OPT_STRV, AT(env_files), "FILE", "Read environment variables from a file",
     COMPLETE_FILE},
    {"env-host", 0, OPT_BOOL, AT(env_host), NULL, "Pass the caller's whole environment"},
    {"workdir", 'w', OPT_STRING, AT(workdir), "DIR", "Working directory in the container"},
    {"user", 'u', OPT_STRING, AT(user), "NAME|UID[:GROUP|GID]", "User and group to run as"},
    {"group-add", 0, OPT_STRV_COMMAS, AT(group_add), "GROUP", "Additional groups of the process"},
    {"stop-signal", 0, OPT_STRING, AT(stop_signal), "SIGNAL",
     "Signal that stops the container (the image's, else SIGTERM)"},
    {"stop-timeout", 0, OPT_UINT64, AT(stop_timeout), "SECONDS",
     "Seconds from the stop signal to SIGKILL (10)"},
    {"log-driver", 0, OPT_STRING, AT(log_driver), "DRIVER", "Where the output is kept",
     COMPLETE_WORDS, "k8s-file none"},
    /* files */
    {"volume", 'v', OPT_STRV, AT(volumes), "SOURCE:DESTINATION[:OPTIONS]",
     "Bind a directory or file of the host into the container", COMPLETE_FILE},
    {"mount", 0, OPT_STRV, AT(mounts), "type=TYPE,target=DIR[,...]",
     "Mount a bind or a tmpfs, in the key=value form"},
    {"tmpfs", 0, OPT_STRV, AT(tmpfs), "DIR[:OPTIONS]", "Mount a tmpfs in the container"},
    {"read-only", 0, OPT_BOOL, AT(read_only), NULL, "Mount the root filesystem read-only"},
    {"device", 0, OPT_STRV, AT(devices), "HOST[:CONTAINER][:rwm]",
     "Give the container a device of the host", COMPLETE_FILE},
    {"shm-size", 0, OPT_SIZE, AT(shm_size), "SIZE", "Size of /dev/shm (64m)"},
    /* rights */
    {"privileged", 0, OPT_BOOL, AT(privileged), NULL,
     "Give the container all capabilities and devices"},
    {"cap-add", 0, OPT_STRV_COMMAS, AT(cap_add), "CAPABILITY", "Add capabilities, or \"all\""},
    {"cap-drop", 0, OPT_STRV_COMMAS, AT(cap_drop), "CAPABILITY", "Drop capabilities, or \"all\""},
    {"security-opt", 0, OPT_STRV, AT(security_opts), "OPTION",
     "no-new-privileges, seccomp=FILE|unconfined, label=disable, apparmor=unconfined"},
    {"sysctl", 0, OPT_STRV_COMMAS, AT(sysctls), "NAME=VALUE",
     "Set a kernel parameter of the container's namespaces"},
    {"ulimit", 0, OPT_STRV_COMMAS, AT(ulimits), "NAME=SOFT[:HARD]", "Set a resource limit"},
    /* namespaces */
    {"network", 0, OPT_STRV, AT(networks), "MODE", "Network of the container", COMPLETE_WORDS,
     "none host", network_aliases},
    {"pid", 0, OPT_STRING, AT(pid), "MODE", "Process namespace", COMPLETE_WORDS, "private host"},
    {"ipc", 0, OPT_STRING, AT(ipc), "MODE", "IPC namespace", COMPLETE_WORDS, "private host none"},
    {"uts", 0, OPT_STRING, AT(uts), "MODE", "Host name namespace", COMPLETE_WORDS, "private host"},
    {"userns", 0, OPT_STRING, AT(userns), "MODE", "User namespace", COMPLETE_WORDS, "host"},
    /* resources */
    {"memory", 'm', OPT_SIZE, AT(memory), "SIZE", "Memory limit"},
    {"memory-swap", 0, OPT_SIZE, AT(memory_swap), "SIZE",
     "Limit of memory and swap together; -1 is unlimited swap"},
    {"memory-reservation", 0, OPT_SIZE, AT(memory_reservation), "SIZE", "Soft memory limit"},
    {"cpus", 0, OPT_STRING, AT(cpus), "NUMBER", "Number of CPUs, with a fraction; 0 is no limit"},
    {"cpu-shares", 'c', OPT_UINT64, AT(cpu_shares), "N", "Relative weight of CPU time (1024)"},
    {"cpu-quota", 0, OPT_INT64, AT(cpu_quota), "MICROSECONDS", "CPU time in each period"},
    {"cpu-period", 0, OPT_UINT64, AT(cpu_period), "MICROSECONDS", "Length of the CPU period"},
    {"cpuset-cpus", 0, OPT_STRING, AT(cpuset_cpus), "LIST", "CPUs to run on (0-3,5)"},
    {"cpuset-mems", 0, OPT_STRING, AT(cpuset_mems), "LIST", "Memory nodes to use (0-1)"},
    {"pids-limit", 0, OPT_INT64, AT(pids_limit), "N", "Limit of processes; -1 is unlimited"},
    {"oom-score-adj", 0, OPT_INT64, AT(oom_score_adj), "N",
     "Likelihood to be killed when memory is out (-1000 to 1000)"},
    {"cgroup-parent", 0, OPT_STRING, AT(cgroup_parent), "PATH", "Parent control group"},
    /* the image */
    {"pull", 0, OPT_STRING, AT(pull), "POLICY", "When to pull the image", COMPLETE_WORDS,
     "always missing never", NULL, "missing"},
    {NULL},
};

#define VALUE(name)                                                                                \
    {                                                                                              \
        name, 0, OPT_UNSUPPORTED                                                                   \
    }
#define LETTER(name, short)                                                                        \
    {                                                                                              \
        name, short, OPT_UNSUPPORTED                                                               \
    }
#define BOOL(name)                                                                                 \
    {                                                                                              \
        name, 0, OPT_UNSUPPORTED_BOOL                                                              \
    }

const struct option container_unsupported_rows[] = {
    VALUE("add-host"),
    VALUE("blkio-weight"),
    VALUE("blkio-weight-device"),
    VALUE("cgroup-conf"),
    VALUE("cgroupns"),
    VALUE("cgroups"),
    VALUE("chrootdirs"),
    VALUE("conmon-pidfile"),
    VALUE("cpu-count"),
    VALUE("cpu-percent"),
    VALUE("cpu-rt-period"),
    VALUE("cpu-rt-runtime"),
    VALUE("device-cgroup-rule"),
    VALUE("device-read-bps"),
    VALUE("device-read-iops"),
    VALUE("device-write-bps"),
    VALUE("device-write-iops"),
    VALUE("dns"),
    {"dns-option", 0, OPT_UNSUPPORTED, .aliases = dns_option_aliases},
    VALUE("dns-search"),
    VALUE("domainname"),
    VALUE("env-merge"),
    VALUE("expose"),
    VALUE("gidmap"),
    VALUE("gpus"),
    VALUE("group-entry"),
    VALUE("health-cmd"),
    VALUE("health-interval"),
    VALUE("health-log-destination"),
    VALUE("health-max-log-count"),
    VALUE("health-max-log-size"),
    VALUE("health-on-failure"),
    VALUE("health-retries"),
    VALUE("health-start-interval"),
    VALUE("health-start-period"),
    VALUE("health-startup-cmd"),
    VALUE("health-startup-interval"),
    VALUE("health-startup-retries"),
    VALUE("health-startup-success"),
    VALUE("health-startup-timeout"),
    VALUE("health-timeout"),
    VALUE("hosts-file"),
    VALUE("hostuser"),
    BOOL("http-proxy"),
    VALUE("image-volume"),
    BOOL("init"),
    VALUE("init-path"),
    VALUE("io-maxbandwidth"),
    VALUE("io-maxiops"),
    VALUE("ip"),
    VALUE("ip6"),
    VALUE("isolation"),
    VALUE("kernel-memory"),
    VALUE("link"),
    VALUE("link-local-ip"),
    VALUE("log-opt"),
    VALUE("mac-address"),
    VALUE("memory-swappiness"),
    VALUE("network-alias"),
    BOOL("no-healthcheck"),
    BOOL("no-hostname"),
    BOOL("no-hosts"),
    BOOL("oom-kill-disable"),
    VALUE("passwd-entry"),
    VALUE("personality"),
    VALUE("pidfile"),
    VALUE("pod"),
    VALUE("pod-id-file"),
    LETTER("publish", 'p'),
    {"publish-all", 'P', OPT_UNSUPPORTED_BOOL},
    VALUE("rdt-class"),
    BOOL("read-only-tmpfs"),
    VALUE("requires"),
    BOOL("rootfs"),
    VALUE("runtime"),
    VALUE("sdnotify"),
    VALUE("seccomp-policy"),
    VALUE("secret"),
    VALUE("shm-size-systemd"),
    VALUE("storage-opt"),
    VALUE("subgidname"),
    VALUE("subuidname"),
    VALUE("systemd"),
    VALUE("timeout"),
    VALUE("tz"),
    VALUE("uidmap"),
    VALUE("umask"),
    VALUE("unsetenv"),
    BOOL("unsetenv-all"),
    VALUE("volume-driver"),
    VALUE("volumes-from"),
    {NULL},
};

/* These of run only. */
const struct option container_unsupported_run_rows[] = {
    BOOL("passwd"), VALUE("preserve-fd"), VALUE("preserve-fds"), BOOL("rmi"), {NULL},
};
