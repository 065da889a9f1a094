/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info and version.
 */
#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "oci/image.h"

struct info_options {
    char *format;
};
static const struct option format_rows[] = {
    {"format", 'f', OPT_STRING, offsetof(struct info_options, format), "TEMPLATE",
     "Print by a Go template, or \"json\""},
    {NULL},
};
static const struct option info_unsupported_rows[] = {
    {"debug", 'D', OPT_UNSUPPORTED_BOOL},
    {NULL},
};

static int print_object(const char *format, struct json_object *o, struct err *e)
{
    if (!output_is_json(format))
        return output_template(format, o, e);
    output_json(o);
    return 0;
}

static int info_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct info_options *o = options;
    auto_engine *en = NULL;
    auto_json *info = NULL;
    (void)argc;
    (void)argv;
    if (cli_open(cli, STORE_READ, &en, e) < 0 || engine_info(en, &info, e) < 0)
        return -1;
    if (o->format)
        return print_object(o->format, info, e);
    auto_free char *text = output_yaml(info);
    cli_print(text);
    return 0;
}

/* One program: the client and the server of docker's and podman's clients are the same. */
static struct json_object *version_object(void)
{
    struct json_object *o = json_object_new_object();
    auto_free char *os_arch = alloc_printf("linux/%s", oci_host_architecture());
    json_object_object_add(o, "APIVersion", json_object_new_string(DHOW_VERSION));
    json_object_object_add(o, "Version", json_object_new_string(DHOW_VERSION));
    json_object_object_add(o, "Os", json_object_new_string("linux"));
    json_object_object_add(o, "Arch", json_object_new_string(oci_host_architecture()));
    json_object_object_add(o, "OsArch", json_object_new_string(os_arch));
    return o;
}

static int version_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct info_options *o = options;
    auto_json *both = json_object_new_object();
    struct json_object *client = version_object();
    (void)cli;
    (void)argc;
    (void)argv;
    json_object_object_add(both, "Client", client);
    json_object_object_add(both, "Server", json_object_get(client));
    if (o->format)
        return print_object(o->format, both, e);
    printf("%-15s%s\n%-15s%s\n%-15slinux/%s\n", "Client:", "dhow", "Version:", DHOW_VERSION,
           "OS/Arch:", oci_host_architecture());
    return 0;
}

static const struct option *const info_sets[] = {format_rows, info_unsupported_rows, NULL};
static const struct option *const version_sets[] = {format_rows, NULL};
static const char *const info_examples[] = {"info", "info --format '{{.store.graphRoot}}'", NULL};
static const char *const version_examples[] = {"version --format '{{.Client.Version}}'", NULL};

const struct command cmd_info = {
    .name = "info",
    .summary = "Print what the host and the store are",
    .option_sets = info_sets,
    .options_size = sizeof(struct info_options),
    .examples = info_examples,
    .run = info_run,
};
const struct command cmd_version = {
    .name = "version",
    .summary = "Print the version",
    .option_sets = version_sets,
    .options_size = sizeof(struct info_options),
    .examples = version_examples,
    .run = version_run,
};
