/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's side of worker.h, alone: image_driver WORKER STAGING OP [NAME=VALUE...] [ARCHIVE]
 * starts the worker, prints each message as one line of JSON, answers "have" with the diffIDs given
 * as have=SHA256. Exit code 0 after "done", 1 after "error", 2 when the worker died.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "image/worker.h"
#include "sys/socket.h"

static int set_option(struct image_worker_request *q, char ***have, const char *arg)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        {"reference=", offsetof(struct image_worker_request, reference)},
        {"platform=", offsetof(struct image_worker_request, platform)},
        {"username=", offsetof(struct image_worker_request, username)},
        {"password=", offsetof(struct image_worker_request, password)},
        {"cert_dir=", offsetof(struct image_worker_request, cert_dir)},
    };
    uint64_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_starts_with(arg, rows[i].name)) {
            *(const char **)((char *)q + rows[i].offset) = arg + strlen(rows[i].name);
            return 0;
        }
    }
    if (str_starts_with(arg, "have="))
        strv_add(have, arg + strlen("have="));
    else if (strcmp(arg, "plain_http_allowed") == 0)
        q->plain_http_allowed = true;
    else if (str_starts_with(arg, "max_image_bytes=") &&
             str_to_u64(strchr(arg, '=') + 1, INT64_MAX, &n) == 0)
        q->max_image_bytes = (int64_t)n;
    else
        return -1;
    return 0;
}

static int start_worker(const char *path)
{
    int pair[2], error = errno;

    if (sys_socketpair_seqpacket(pair) < 0)
        return -1;
    switch (fork()) {
    case -1:
        return -1;
    case 0:
        if (pair[1] == 3)
            fcntl(3, F_SETFD, 0);
        else
            dup2(pair[1], 3);
        execl(path, path, (char *)NULL);
        error = errno;
        fprintf(stderr, "%s: %s\n", path, strerror(error));
        _exit(127);
    default:
        close(pair[1]);
        return pair[0];
    }
}

static int answer_have(int fd, const struct image_worker_message *m, char **have)
{
    auto_strv both = NULL;
    struct image_worker_message reply = {.type = (char *)(uintptr_t) "have-reply"};
    auto_free char *text = NULL;

    STRV_FOREACH (id, m->diff_ids) {
        if (strv_has(have, *id))
            strv_add(&both, *id);
    }
    reply.diff_ids = both;
    text = json_encode_text(&image_worker_message_json, &reply);
    return sys_send_msg(fd, text, strlen(text), NULL, 0);
}

/* Until the last message: the exit code. */
static int converse(int fd, char **have)
{
    auto_free char *buf = alloc_zero(IMAGE_WORKER_MSG_MAX + 1, 1);

    for (;;) {
        struct image_worker_message m = {0};
        struct err e = {0};
        size_t no_fds = 0;
        ssize_t n = sys_recv_msg(fd, buf, IMAGE_WORKER_MSG_MAX, NULL, &no_fds);
        int code = -1;

        if (n <= 0)
            return 2;
        buf[n] = 0;
        puts(buf);
        if (json_decode_text(buf, (size_t)n, IMAGE_WORKER_MSG_MAX, &image_worker_message_json, &m,
                             &e) < 0) {
            fprintf(stderr, "%s\n", e.msg);
            return 2;
        }
        if (str_equal(m.type, "have") && answer_have(fd, &m, have) < 0)
            code = 2;
        else if (str_equal(m.type, "done"))
            code = 0;
        else if (str_equal(m.type, "error"))
            code = 1;
        json_free_struct(&image_worker_message_json, &m);
        if (code >= 0)
            return code;
    }
}

int main(int argc, char **argv)
{
    struct image_worker_request q = {.platform = (char *)(uintptr_t) "linux/amd64"};
    auto_free char *text = NULL;
    char **have = NULL;
    int fds[2] = {-1, -1}, n_fds = 1, control, code, status = 0;

    if (argc < 4) {
        fprintf(stderr, "usage: image_driver WORKER STAGING OP [NAME=VALUE...] [ARCHIVE]\n");
        return 125;
    }
    q.op = argv[3];
    fds[0] = open(argv[2], O_RDONLY | O_DIRECTORY);
    for (int i = 4; i < argc; i++) {
        if (set_option(&q, &have, argv[i]) == 0)
            continue;
        fds[1] = strcmp(argv[i], "-") == 0 ? 0 : open(argv[i], O_RDONLY);
        n_fds = 2;
    }
    if (fds[0] < 0 || (n_fds == 2 && fds[1] < 0)) {
        perror("open");
        return 125;
    }
    control = start_worker(argv[1]);
    text = json_encode_text(&image_worker_request_json, &q);
    if (control < 0 || sys_send_msg(control, text, strlen(text), fds, (size_t)n_fds) < 0)
        return 125;
    code = converse(control, have);
    close(control);
    wait(&status);
    if (WIFSIGNALED(status))
        fprintf(stderr, "the worker died of signal %d\n", WTERMSIG(status));
    strv_free(have);
    return WIFSIGNALED(status) ? 2 : code;
}
