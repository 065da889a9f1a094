/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening the engine: the store, the run directory, the place of the helper programs. A read open
 * makes nothing: what is not there is empty. A write open heals first what killed processes left
 * (heal.c).
 */
#include "engine/engine.h"

#include <fcntl.h>
#include <limits.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/trace.h"
#include "engine/engine_internal.h"
#include "sys/file.h"

#define DEFAULT_ROOT    "/var/lib/dhow"
#define DEFAULT_RUNROOT "/run/dhow"

/* Our other programs, and the folder of a build tree that each is in. */
static const struct {
    const char *name, *folder;
} helpers[] = {{"dhow-monitor", "monitor"}, {"dhow-image", "image"}};

static bool is_there(const char *path)
{
    struct stat st;

    return sys_stat(AT_FDCWD, path, &st) == 0;
}

/* DIR/NAME, or in a build tree DIR/../FOLDER/NAME; NULL when there is neither. */
static char *helper_near(const char *dir, const char *name)
{
    auto_free char *path = alloc_printf("%s/%s", dir, name);

    if (is_there(path))
        return take_ptr(&path);
    for (size_t i = 0; i < ARRAY_LEN(helpers); i++) {
        auto_free char *in_tree = alloc_printf("%s/../%s/%s", dir, helpers[i].folder, name);

        if (str_equal(name, helpers[i].name) && is_there(in_tree))
            return take_ptr(&in_tree);
    }
    return NULL;
}

/* Where the program itself lies, if its helpers lie near it; else where `make install` puts them.
 */
static char *find_libexec(void)
{
    auto_free char *monitor = NULL;
    char self[PATH_MAX];
    char *slash = NULL;

    if (sys_readlink(AT_FDCWD, "/proc/self/exe", self, sizeof(self)) > 0)
        slash = strrchr(self, '/');
    if (slash) {
        *slash = 0;
        monitor = helper_near(self, helpers[0].name);
    }
    return alloc_strdup(monitor ? self : DHOW_LIBEXECDIR);
}

char *engine_helper(const struct engine *en, const char *name)
{
    char *path = helper_near(en->libexec, name);

    return path ? path : alloc_printf("%s/%s", en->libexec, name);
}

static int open_dirs(struct engine *en, struct err *e)
{
    bool may_make = en->mode == STORE_WRITE;
    int r;

    r = may_make ? sys_mkdir_p(AT_FDCWD, en->runroot, 0700) : 0;
    if (r < 0)
        return err_sys(e, r, "make run directory '%s'", en->runroot);
    en->run_fd = sys_open(AT_FDCWD, en->runroot, O_RDONLY | O_DIRECTORY, 0);
    if (en->run_fd == -ENOENT && !may_make)
        return 0;
    if (en->run_fd < 0)
        return err_sys(e, en->run_fd, "open run directory '%s'", en->runroot);
    en->containers_fd = sys_open(en->run_fd, "containers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (en->containers_fd == -ENOENT && may_make) {
        r = sys_mkdir(en->run_fd, "containers", 0700);
        if (r < 0 && r != -EEXIST)
            return err_sys(e, r, "make '%s/containers'", en->runroot);
        en->containers_fd =
            sys_open(en->run_fd, "containers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    }
    if (en->containers_fd < 0 && en->containers_fd != -ENOENT)
        return err_sys(e, en->containers_fd, "open '%s/containers'", en->runroot);
    return 0;
}

int engine_open(const struct engine_config *config, enum store_mode mode, struct engine **ret,
                struct err *e)
{
    struct engine *en = alloc_new(struct engine);

    TRACE_SPAN("open the engine");
    *en = (struct engine){
        .mode = mode,
        .root = alloc_strdup(config->root ? config->root : DEFAULT_ROOT),
        .runroot = alloc_strdup(config->runroot ? config->runroot : DEFAULT_RUNROOT),
        .libexec = config->libexec ? alloc_strdup(config->libexec) : find_libexec(),
        .run_fd = FD_NONE,
        .containers_fd = FD_NONE,
    };
    if (en->root[0] != '/' || en->runroot[0] != '/') {
        err_set(e, ERR_INVALID, "the root '%s' and the run root '%s' must be absolute paths",
                en->root, en->runroot);
        goto fail;
    }
    if (open_dirs(en, e) < 0 || store_open(en->root, mode, &en->store, e) < 0)
        goto fail;
    if (mode == STORE_WRITE)
        heal(en);
    *ret = en;
    return 0;
fail:
    engine_close(en);
    return -1;
}

bool engine_exists(const struct engine_config *config)
{
    auto_free char *database =
        alloc_printf("%s/state.db", config->root ? config->root : DEFAULT_ROOT);

    return is_there(database);
}

void engine_close(struct engine *en)
{
    if (!en)
        return;
    if (en->store)
        store_close(en->store);
    fd_close(en->containers_fd);
    fd_close(en->run_fd);
    free(en->libexec);
    free(en->runroot);
    free(en->root);
    free(en);
}

struct store *engine_store(struct engine *en)
{
    return en->store;
}
