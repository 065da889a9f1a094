/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that act on several containers: which ones, each in turn, the worst result.
 */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "sys/file.h"

#define CIDFILE_MAX_BYTES 256

#define AT(field) offsetof(struct target_flags, field)
const struct option target_all_rows[] = {
    {"all", 'a', OPT_BOOL, AT(all), NULL, "Act on all containers that this can be done to"},
    {NULL},
};
const struct option target_latest_rows[] = {
    {"latest", 'l', OPT_BOOL, AT(latest), NULL, "Act on the container that was created last"},
    {NULL},
};
const struct option target_cidfile_rows[] = {
    {"cidfile", 0, OPT_STRV, AT(cidfiles), "FILE", "Act on the container whose id is in the file",
     COMPLETE_FILE},
    {NULL},
};

static unsigned state_bit(enum engine_state s)
{
    switch (s) {
    case ENGINE_RUNNING:
        return TARGET_RUNNING;
    case ENGINE_PAUSED:
        return TARGET_PAUSED;
    case ENGINE_CREATED:
    case ENGINE_EXITED:
    case ENGINE_UNKNOWN:
        return TARGET_IDLE;
    }
    return TARGET_IDLE;
}

static int collect_all(struct engine *en, unsigned states, char ***ret, struct err *e)
{
    engine_summary_list list = {0};
    if (engine_container_list(en, true, &list, e) < 0)
        return -1;
    VEC_FOREACH (s, &list) {
        if (state_bit(s->status.state) & states)
            strv_add(ret, s->id);
    }
    engine_summary_list_done(&list);
    return 0;
}

static int newest(struct engine *en, char **ret, struct err *e)
{
    engine_summary_list list = {0};
    if (engine_container_list(en, true, &list, e) < 0)
        return -1;
    char *id = list.len > 0 ? alloc_strdup(list.items[0].id) : NULL;
    engine_summary_list_done(&list);
    if (!id)
        return err_set(e, ERR_NOT_FOUND, "there is no container");
    *ret = id;
    return 0;
}

static int read_cidfile(const char *path, char ***ret, struct err *e)
{
    auto_free char *text = NULL;
    size_t len;
    auto_fd int fd = sys_open(AT_FDCWD, path, O_RDONLY, 0);
    int r = fd < 0 ? fd : sys_read_fd(fd, CIDFILE_MAX_BYTES, &text, &len);
    if (r < 0)
        return err_sys(e, r, "read cidfile '%s'", path);
    text[strcspn(text, "\r\n")] = '\0';
    if (!*text)
        return err_set(e, ERR_INVALID, "cidfile '%s' is empty", path);
    strv_add(ret, text);
    return 0;
}

static int collect_named(struct engine *en, const struct target_flags *f, char *const *args,
                         char ***ret, struct err *e)
{
    strv_extend(ret, args);
    STRV_FOREACH (path, f->cidfiles) {
        if (read_cidfile(*path, ret, e) < 0)
            return -1;
    }
    if (f->latest) {
        auto_free char *id = NULL;
        if (*ret)
            return err_set(e, ERR_INVALID, "--latest and containers exclude each other");
        if (newest(en, &id, e) < 0)
            return -1;
        strv_add(ret, id);
    }
    if (!*ret)
        return err_set(e, ERR_INVALID, "you must provide at least one container name or id");
    return 0;
}

int targets_collect(struct engine *en, const struct target_flags *f, char *const *args,
                    unsigned states, char ***ret, struct err *e)
{
    auto_strv names = NULL;
    if (f->all && (f->latest || f->cidfiles || strv_len(args) > 0))
        return err_set(e, ERR_INVALID, "no arguments are needed with --all");
    int r = f->all ? collect_all(en, states, &names, e) : collect_named(en, f, args, &names, e);
    if (r < 0)
        return -1;
    *ret = take_ptr(&names);
    return 0;
}

int targets_each(struct engine *en, char *const *names, target_fn *fn, void *options,
                 int (*exit_code)(const struct err *e))
{
    int worst = 0;
    STRV_FOREACH (name, names) {
        struct err e = {0};
        if (fn(en, options, *name, &e) < 0) {
            cli_print_error(&e);
            worst = MAX(worst, exit_code(&e));
        }
    }
    return worst;
}

int target_one(struct engine *en, bool latest, char *const *args, char **owned,
               const char **ret_name, struct err *e)
{
    if (latest) {
        if (newest(en, owned, e) < 0)
            return -1;
        *ret_name = *owned;
        return 0;
    }
    if (strv_len(args) == 0)
        return err_set(e, ERR_INVALID, "you must provide the name or id of a container");
    *ret_name = args[0];
    return 0;
}
