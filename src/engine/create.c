/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Creating a container: everything that the user may have got wrong is found here, by building the
 * spec once; then one row is added, and the container exists. Nothing else is made before its first
 * start.
 */
#include <fcntl.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/signals.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "base/units.h"
#include "engine/engine_internal.h"
#include "runtime/runtime.h"
#include "sys/file.h"
#include "sys/process.h"

#define NAME_TRIES 32

static int random_id(char ret[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[32];
    int r = sys_random(raw, sizeof(raw));

    if (r < 0)
        return r;
    /* A short id that is all digits could be taken for a number: the first one is a letter. */
    raw[0] = (unsigned char)(0xa0 | (raw[0] % 6) << 4 | (raw[0] & 15));
    for (size_t i = 0; i < sizeof(raw); i++) {
        ret[2 * i] = digits[raw[i] >> 4];
        ret[2 * i + 1] = digits[raw[i] & 15];
    }
    ret[64] = 0;
    return 0;
}

static int check_volumes(const struct engine_options *o, struct err *e)
{
    VEC_FOREACH (v, &o->volumes) {
        struct stat st;
        int r;

        if (v->source[0] != '/' || v->destination[0] != '/')
            return err_set(e, ERR_INVALID, "volume '%s:%s': both paths must be absolute", v->source,
                           v->destination);
        r = sys_stat(AT_FDCWD, v->source, &st);
        if (r < 0)
            return err_sys(e, r, "volume source '%s'", v->source);
    }
    return 0;
}

int engine_options_check(const struct engine_options *o, struct err *e)
{
    int sig;

    if (o->name && !names_is_valid(o->name))
        return err_set(e, ERR_INVALID,
                       "the name '%s' is not valid: it must match [a-zA-Z0-9][a-zA-Z0-9_.-]*",
                       o->name);
    if (o->stop_signal && signals_parse(o->stop_signal, &sig) < 0)
        return err_set(e, ERR_INVALID, "invalid signal: '%s'", o->stop_signal);
    if (str_equal(o->uts, "host") && o->hostname)
        return err_set(e, ERR_INVALID,
                       "cannot set a hostname: the container has the host's UTS namespace");
    return check_volumes(o, e);
}

/* What the plan of a start would be, as text; an error of the options shows here. A plan only asks
 * whether there are an upper directory and a mount point: any directory stands for those to be
 * made. */
static int plan_text(struct engine *en, const struct store_container *c, const struct launch *l,
                     char **ret_text, struct err *e)
{
    int stand_in = store_root_fd(en->store), r;
    store_fd_list layers = {0};
    struct runtime_plan *plan = NULL;

    if (c->image_id && store_image_open_layers(en->store, c->image_id, &layers, e) < 0)
        return -1;
    struct runtime_config config = {
        .id = c->id,
        .spec = &l->spec,
        .rootfs = {layers.items, layers.len, stand_in, stand_in, stand_in},
        .stdio = {FD_NONE, FD_NONE, FD_NONE},
        .user = l->user,
        .user_groups = l->options.group_add,
        .set_home = true,
        .create_cwd = true,
        .etc_dirfd = stand_in,
        .start_listener = FD_NONE,
    };
    r = runtime_plan(&config, &plan, e);
    if (r == 0 && ret_text)
        *ret_text = runtime_plan_text(plan);
    runtime_plan_free(plan);
    store_fd_list_done(&layers);
    return r;
}

/* Builds all that a start would build, so that errors belong to `create`; what stays of it is the
 * command that it comes down to. */
static int check_launch(struct engine *en, struct store_container *c, struct err *e)
{
    struct launch l;

    if (launch_build(en, c, &l, e) < 0)
        return -1;
    if (plan_text(en, c, &l, NULL, e) < 0) {
        launch_done(&l);
        return -1;
    }
    strv_free(l.options.args);
    l.options.args = strv_dup(l.process->args);
    free(c->options);
    c->options = json_encode_text(&engine_options_json, &l.options);
    launch_done(&l);
    return 0;
}

/* Adds the row; a random name that is taken is drawn again. */
static int add_row(struct engine *en, struct store_container *c, bool is_random, struct err *e)
{
    for (int i = 0;; i++) {
        if (is_random) {
            free(c->name);
            c->name = names_random();
            if (!c->name)
                return err_set(e, ERR_IO, "no random numbers for the container's name");
        }
        if (store_container_add(en->store, c, e) == 0)
            return 0;
        if (!is_random || i >= NAME_TRIES || !e || e->kind != ERR_CONFLICT)
            return -1;
    }
}

static int fill_image(struct engine *en, const struct engine_options *o, struct store_container *c,
                      struct err *e)
{
    struct store_image image = {0};

    if (!o->image || !*o->image)
        return err_set(e, ERR_INVALID, "an image name or id is required");
    if (store_image_find(en->store, o->image, &image, e) < 0)
        return -1;
    c->image_id = take_ptr(&image.id);
    c->image_name =
        image.names && image.names[0] ? alloc_strdup(image.names[0]) : alloc_strdup(o->image);
    store_image_done(&image);
    return 0;
}

/* All of a container but its row. */
static int new_container(struct engine *en, const struct engine_options *o,
                         struct store_container *c, struct err *e)
{
    char id[65];
    int r = random_id(id);

    if (r < 0)
        return err_sys(e, r, "draw an id");
    if (engine_options_check(o, e) < 0)
        return -1;
    c->id = alloc_strdup(id);
    c->name = alloc_strdup(o->name ? o->name : "");
    c->options = json_encode_text(&engine_options_json, o);
    c->created_ns = units_now_ns();
    c->auto_remove = o->auto_remove;
    return fill_image(en, o, c, e);
}

int engine_container_create(struct engine *en, const struct engine_options *o, char **ret_id,
                            struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};

    TRACE_SPAN("create");
    if (new_container(en, o, &c, e) < 0 || check_launch(en, &c, e) < 0 ||
        add_row(en, &c, !o->name, e) < 0)
        return -1;
    *ret_id = take_ptr(&c.id);
    return 0;
}

int engine_container_plan(struct engine *en, const struct engine_options *o, char **ret_text,
                          struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    DHOW_CLEANUP(launch_done) struct launch l = {0};

    if (new_container(en, o, &c, e) < 0 || launch_build(en, &c, &l, e) < 0)
        return -1;
    return plan_text(en, &c, &l, ret_text, e);
}

int engine_container_rename(struct engine *en, const char *name, const char *new_name,
                            struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};

    if (!names_is_valid(new_name))
        return err_set(e, ERR_INVALID,
                       "the name '%s' is not valid: it must match [a-zA-Z0-9][a-zA-Z0-9_.-]*",
                       new_name);
    if (store_container_find(en->store, name, &c, e) < 0)
        return -1;
    return store_container_rename(en->store, c.id, new_name, e);
}
