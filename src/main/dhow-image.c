/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dhow-image: the worker that downloads, verifies and unpacks images. The engine starts it with a
 * socket at fd 3; nobody else has a use for it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/fault.h"
#include "image/worker_private.h"
#include "sys/file.h"
#include "sys/self.h"

#define CONTROL_FD 3

#ifdef __SANITIZE_ADDRESS__
/* The leak checker wants to trace this process, which its sandbox forbids. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

/* The worker must not outlive its engine, wherever it waits: a lost engine ends it at once. What it
 * leaves is in a staging directory that the next writer of the store sweeps. */
static void *watch_engine(void *arg)
{
    struct pollfd p = {.fd = CONTROL_FD, .events = 0}; /* hang-up is always told */

    (void)arg;
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    _exit(125);
}

static void start_watcher(void)
{
    pthread_t watcher;

    if (pthread_create(&watcher, NULL, watch_engine, NULL) != 0)
        _exit(125);
    pthread_detach(watcher);
}

/* A socket at fd 3 is what the engine gives; a person who types the name has none. */
static bool is_socket(int fd)
{
    struct stat st;

    return sys_stat(fd, "", &st) == 0 && S_ISSOCK(st.st_mode);
}

int main(void)
{
    fault_role("image");
    if (!is_socket(CONTROL_FD)) {
        if (isatty(STDERR_FILENO)) /* a person; an engine has its own words */
            fprintf(stderr, "dhow-image is started by dhow: it has nothing to do by itself\n");
        return 125;
    }
    sys_umask(0022);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 125;
    return worker_run(CONTROL_FD, start_watcher) < 0 ? 125 : 0;
}
