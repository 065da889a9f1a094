/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inspect, container inspect, image inspect: an array of podman's objects, or a template for each.
 */
#include <string.h>

#include "base/strv.h"
#include "cli/cli.h"

struct inspect_options {
    struct target_flags targets; /* first */
    char *format;
    char *type;
};

#define AT(field) offsetof(struct inspect_options, field)
static const struct option inspect_rows[] = {
    {"format", 'f', OPT_STRING, AT(format), "TEMPLATE", "Print each by a Go template, or \"json\""},
    {NULL},
};
static const struct option inspect_type_rows[] = {
    {"type", 't', OPT_STRING, AT(type), "TYPE", "What the names are names of", COMPLETE_WORDS,
     "container image all", NULL, "all"},
    {NULL},
};
static const struct option inspect_unsupported_rows[] = {
    {"size", 's', OPT_UNSUPPORTED_BOOL},
    {NULL},
};

enum inspect_type { INSPECT_CONTAINER = 1 << 0, INSPECT_IMAGE = 1 << 1 };

static int parse_type(const char *s, unsigned *ret, struct err *e)
{
    static const char *const later[] = {"pod", "network", "volume"};
    static const struct {
        const char *name;
        unsigned types;
    } names[] = {{"all", INSPECT_CONTAINER | INSPECT_IMAGE},
                 {"container", INSPECT_CONTAINER},
                 {"image", INSPECT_IMAGE}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i].name, s) == 0) {
            *ret = names[i].types;
            return 0;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        if (strcmp(later[i], s) == 0)
            return err_set(e, ERR_UNSUPPORTED, "--type %s is not supported yet", s);
    }
    return err_set(e, ERR_INVALID,
                   "'%s' is not a type: the only recognized types are container, image and all", s);
}

static int inspect_one(struct engine *en, unsigned types, const char *name,
                       struct json_object **ret, struct err *e)
{
    if (types & INSPECT_CONTAINER) {
        int r = engine_container_inspect(en, name, ret, e);
        if (r == 0 || e->kind != ERR_NOT_FOUND || types == INSPECT_CONTAINER)
            return r;
    }
    int r = engine_image_inspect(en, name, ret, e);
    if (r < 0 && e->kind == ERR_NOT_FOUND && types & INSPECT_CONTAINER)
        return err_set(e, ERR_NOT_FOUND, "no such object: '%s'", name);
    return r;
}

static int print_found(const char *format, struct json_object *found, struct err *e)
{
    if (!format || output_is_json(format)) {
        output_json(found);
        return 0;
    }
    for (size_t i = 0; i < json_object_array_length(found); i++) {
        if (output_template(format, json_object_array_get_idx(found, i), e) < 0)
            return -1;
    }
    return 0;
}

static int inspect(struct cli *cli, const struct inspect_options *o, unsigned types,
                   char *const *args, struct err *e)
{
    auto_engine *en = NULL;
    auto_strv names = NULL;
    auto_json *found = json_object_new_array();
    int worst = 0;
    if (cli_open(cli, STORE_READ, &en, e) < 0)
        return -1;
    if (!o->targets.latest && strv_len(args) == 0)
        return err_set(e, ERR_INVALID, "container or image name must be specified");
    if (targets_collect(en, &o->targets, args, TARGET_ANY, &names, e) < 0)
        return -1;
    STRV_FOREACH (name, names) {
        struct err missing = {0};
        struct json_object *object = NULL;
        if (inspect_one(en, types, *name, &object, &missing) < 0) {
            cli_print_error(&missing);
            worst = MAX(worst, err_exit_code(&missing));
        } else {
            json_object_array_add(found, object);
        }
    }
    return print_found(o->format, found, e) < 0 ? -1 : worst;
}

static int inspect_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct inspect_options *o = options;
    unsigned types;
    (void)argc;
    if (parse_type(o->type, &types, e) < 0)
        return -1;
    return inspect(cli, o, types, argv, e);
}

static int container_inspect_run(struct cli *cli, void *options, int argc, char **argv,
                                 struct err *e)
{
    (void)argc;
    return inspect(cli, options, INSPECT_CONTAINER, argv, e);
}

static int image_inspect_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)argc;
    return inspect(cli, options, INSPECT_IMAGE, argv, e);
}

static const struct option *const inspect_sets[] = {inspect_rows, inspect_type_rows,
                                                    target_latest_rows, inspect_unsupported_rows,
                                                    NULL};
static const struct option *const container_sets[] = {inspect_rows, target_latest_rows,
                                                      inspect_unsupported_rows, NULL};
static const struct option *const image_sets[] = {inspect_rows, inspect_unsupported_rows, NULL};
static const char *const inspect_examples[] = {"inspect web",
                                               "inspect --format '{{.State.Status}}' web",
                                               "inspect --type image busybox", NULL};

const struct command cmd_inspect = {
    .name = "inspect",
    .summary = "Print all that is known of containers and images",
    .args = "CONTAINER|IMAGE [CONTAINER|IMAGE...]",
    .max_args = -1,
    .complete_args = COMPLETE_CONTAINER,
    .option_sets = inspect_sets,
    .options_size = sizeof(struct inspect_options),
    .examples = inspect_examples,
    .run = inspect_run,
};
const struct command cmd_container_inspect = {
    .name = "container inspect",
    .summary = "Print all that is known of containers",
    .args = "CONTAINER [CONTAINER...]",
    .max_args = -1,
    .complete_args = COMPLETE_CONTAINER,
    .option_sets = container_sets,
    .options_size = sizeof(struct inspect_options),
    .run = container_inspect_run,
};
const struct command cmd_image_inspect = {
    .name = "image inspect",
    .summary = "Print all that is known of images",
    .args = "IMAGE [IMAGE...]",
    .max_args = -1,
    .complete_args = COMPLETE_IMAGE,
    .option_sets = image_sets,
    .options_size = sizeof(struct inspect_options),
    .run = image_inspect_run,
};
