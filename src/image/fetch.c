/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: one thread drives up to FETCH_PARALLEL transfers with curl's multi interface, bottom
 * layer first. Bytes go to an unlinked file per blob, so that memory does not grow and a transfer
 * that broke off is continued where it ended (Range); a server that sends everything again has the
 * known part passed over. The unpacking side waits on `changed` for bytes it has not seen.
 *
 * Nothing here decides whether a blob is right: layer.c hashes what it reads, first byte to last.
 * Only its length is enforced at once, so that a server cannot fill the disk.
 */
#include "image/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/units.h"
#include "sys/file.h"

#define TRIES_MAX      4
#define FIRST_WAIT_NS  250000000ull
#define POLL_MS        100
#define OTHER_BODY_MAX (1u << 20) /* of an answer that is not the blob */

struct transfer {
    struct fetch *fetch;
    struct fetch_blob blob;
    int fd;
    uint64_t written;  /* guarded by fetch->lock; only the thread changes it */
    uint64_t position; /* in the blob, of the next byte of this answer */
    uint64_t other_bytes;
    bool is_answer_checked;
    bool is_done; /* guarded */
    CURL *easy;   /* while it runs */
    struct http_response answer;
    unsigned failures;
    bool has_authenticated;
    uint64_t not_before_ns;
    struct err err; /* of a callback */
};

struct fetch {
    struct registry *registry;
    struct session *session;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_cancelled; /* guarded */
    bool has_failed;   /* guarded; then err is final */
    struct err err;
    struct transfer *transfers;
    size_t n;
};

static bool is_cancelled(struct fetch *f)
{
    bool is;

    pthread_mutex_lock(&f->lock);
    is = f->is_cancelled;
    pthread_mutex_unlock(&f->lock);
    return is;
}

/* ---- bytes ---- */

/* The first byte of an answer: does it carry the part that is wanted? */
static int check_answer(struct transfer *t)
{
    long status = 0;

    if (t->is_answer_checked)
        return 0;
    t->is_answer_checked = true;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->answer.status = status;
    t->position = status == 206 ? t->answer.range_start : 0;
    if (t->position > t->written)
        return err_set(&t->err, ERR_INVALID, "the registry continues '%s' at a wrong place",
                       t->blob.digest);
    return 0;
}

static int store_bytes(struct transfer *t, const char *data, size_t n)
{
    struct fetch *f = t->fetch;
    uint64_t known = MIN(t->written - t->position, (uint64_t)n);
    int r;

    if (t->position + n > (uint64_t)t->blob.size)
        return err_set(&t->err, ERR_INVALID, "the blob %s is longer than the %lld bytes promised",
                       t->blob.digest, (long long)t->blob.size);
    t->position += n;
    data += known;
    n -= known;
    r = sys_write_all(t->fd, data, n);
    if (r < 0)
        return err_sys(&t->err, r, "write the blob %s", t->blob.digest);
    pthread_mutex_lock(&f->lock);
    t->written += n;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    session_progress(f->session, t->blob.item, "downloading", (int64_t)t->written, t->blob.size);
    return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;

    (void)size;
    if (is_cancelled(t->fetch) || check_answer(t) < 0)
        return 0;
    if (t->answer.status != 200 && t->answer.status != 206) {
        t->other_bytes += n;
        return t->other_bytes > OTHER_BODY_MAX ? 0 : n;
    }
    return store_bytes(t, data, n) < 0 ? 0 : n;
}

/* ---- one transfer ---- */

static int begin(struct fetch *f, struct transfer *t, struct err *e)
{
    auto_free char *url = registry_blob_url(f->registry, t->blob.digest);
    struct http_credentials c = registry_credentials(f->registry);

    t->easy = curl_easy_init();
    if (!t->easy)
        return err_set(e, ERR_LIMIT, "no memory for a request");
    http_response_done(&t->answer);
    t->is_answer_checked = false;
    t->position = t->other_bytes = 0;
    if (http_setup(t->easy, registry_trust(f->registry), url, &c, &t->answer, e) < 0)
        return -1;
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    if (t->written) {
        char range[32];

        snprintf(range, sizeof(range), "%llu-", (unsigned long long)t->written);
        curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
    }
    if (curl_multi_add_handle(f->multi, t->easy) != CURLM_OK)
        return err_set(e, ERR_INTERNAL, "start a transfer");
    return 0;
}

static void end(struct fetch *f, struct transfer *t)
{
    if (!t->easy)
        return;
    curl_multi_remove_handle(f->multi, t->easy);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
}

static void try_again(struct transfer *t)
{
    t->not_before_ns = units_monotonic_ns() + (FIRST_WAIT_NS << (2 * t->failures));
    t->failures++;
}

/* A transfer came to its end. Returns -1 when the whole fetch failed. */
static int judge(struct fetch *f, struct transfer *t, CURLcode code, struct err *e)
{
    long redirects = 0;
    auto_free char *url = registry_blob_url(f->registry, t->blob.digest);

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->answer.status);
    curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    end(f, t);
    if (t->err.kind != ERR_NONE) {
        *e = t->err;
        return -1;
    }
    if (code == CURLE_OK && (t->answer.status == 200 || t->answer.status == 206)) {
        if (t->written == (uint64_t)t->blob.size) {
            pthread_mutex_lock(&f->lock);
            t->is_done = true;
            pthread_cond_broadcast(&f->changed);
            pthread_mutex_unlock(&f->lock);
            return 0;
        }
        code = CURLE_PARTIAL_FILE;
    }
    if (code == CURLE_OK && t->answer.status == 401 && !redirects && !t->has_authenticated &&
        t->answer.challenges.len) {
        t->has_authenticated = true;
        return registry_authenticate(f->registry, str_text(&t->answer.challenges), e);
    }
    if (t->failures + 1 < TRIES_MAX &&
        (code == CURLE_OK ? http_status_is_transient(t->answer.status)
                          : http_code_is_transient(code) || code == CURLE_COULDNT_CONNECT)) {
        try_again(t);
        return 0;
    }
    return code == CURLE_OK ? registry_status_error(t->answer.status, t->blob.digest, e)
                            : http_error(code, url, e);
}

/* ---- the thread ---- */

/* Starts what may start; returns how many transfers are not done. */
static int start_more(struct fetch *f, size_t *ret_open, struct err *e)
{
    size_t active = 0, open = 0;
    uint64_t now = units_monotonic_ns();

    for (size_t i = 0; i < f->n; i++)
        active += f->transfers[i].easy != NULL;
    for (size_t i = 0; i < f->n; i++) {
        struct transfer *t = &f->transfers[i];

        open += !t->is_done;
        if (t->is_done || t->easy || active >= FETCH_PARALLEL || t->not_before_ns > now)
            continue;
        if (begin(f, t, e) < 0)
            return -1;
        active++;
    }
    *ret_open = open;
    return 0;
}

static int reap(struct fetch *f, struct err *e)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(f->multi, &left))) {
        struct transfer *t = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (judge(f, t, m->data.result, e) < 0)
            return -1;
    }
    return 0;
}

static int fetch_all(struct fetch *f, struct err *e)
{
    size_t open = 1;
    int running;

    while (!is_cancelled(f)) {
        if (start_more(f, &open, e) < 0)
            return -1;
        if (!open)
            return 0;
        if (curl_multi_perform(f->multi, &running) != CURLM_OK)
            return err_set(e, ERR_INTERNAL, "drive the transfers");
        if (reap(f, e) < 0)
            return -1;
        if (curl_multi_poll(f->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
            return err_set(e, ERR_INTERNAL, "wait for the transfers");
    }
    return err_set(e, ERR_IO, "stopped");
}

static void *fetch_thread(void *arg)
{
    struct fetch *f = arg;
    struct err e = {0};
    int r = fetch_all(f, &e);

    for (size_t i = 0; i < f->n; i++)
        end(f, &f->transfers[i]);
    if (r == 0)
        return NULL;
    pthread_mutex_lock(&f->lock);
    f->err = e;
    f->has_failed = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- the reading side ---- */

static int read_source(void *arg, uint64_t offset, void *buf, size_t n, size_t *ret_n,
                       struct err *e)
{
    struct transfer *t = arg;
    struct fetch *f = t->fetch;
    uint64_t there;
    bool has_failed;
    ssize_t got;

    pthread_mutex_lock(&f->lock);
    while (t->written <= offset && !t->is_done && !f->has_failed && !f->is_cancelled)
        pthread_cond_wait(&f->changed, &f->lock);
    there = t->written;
    has_failed = f->is_cancelled || f->has_failed;
    pthread_mutex_unlock(&f->lock);
    if (has_failed) {
        *e = f->err;
        return e->kind ? -1 : err_set(e, ERR_IO, "stopped");
    }
    *ret_n = 0;
    if (there <= offset)
        return 0;
    got = pread(t->fd, buf, MIN(n, there - offset), (off_t)offset);
    if (got <= 0)
        return err_sys(e, got < 0 ? -errno : -EIO, "read the blob %s", t->blob.digest);
    *ret_n = (size_t)got;
    return 0;
}

static void cancel(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    f->is_cancelled = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
}

static void cancel_source(void *arg)
{
    cancel(((struct transfer *)arg)->fetch);
}

struct layer_source fetch_source(struct fetch *f, size_t i)
{
    return (
        struct layer_source){.read = read_source, .cancel = cancel_source, .arg = &f->transfers[i]};
}

void fetch_forget(struct fetch *f, size_t i)
{
    f->transfers[i].fd = fd_close(f->transfers[i].fd);
}

static int open_spool(struct transfer *t, int staging_fd, struct err *e)
{
    auto_fd int fd = sys_open(staging_fd, "spool", O_RDWR | O_CREAT | O_EXCL, 0600);
    int r = fd < 0 ? fd : sys_unlink(staging_fd, "spool");

    if (r < 0)
        return err_sys(e, r, "create a file for a download");
    t->fd = take_fd(&fd);
    return 0;
}

int fetch_start(struct registry *r, struct session *s, int staging_fd,
                const struct fetch_blob *blobs, size_t n, struct fetch **ret, struct err *e)
{
    struct fetch *f = alloc_new(struct fetch);
    int result = 0;

    f->registry = r;
    f->session = s;
    f->transfers = alloc_zero(n ? n : 1, sizeof(*f->transfers));
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    for (size_t i = 0; i < n && result == 0; i++) {
        struct transfer *t = &f->transfers[i];

        *t = (struct transfer){.fetch = f, .blob = blobs[i], .fd = FD_NONE};
        f->n++;
        t->is_done = blobs[i].size == 0;
        if (open_spool(t, staging_fd, e) < 0)
            result = -1;
    }
    f->multi = curl_multi_init();
    if (result == 0)
        result = pthread_create(&f->thread, NULL, fetch_thread, f);
    if (result == 0) {
        *ret = f;
        return 0;
    }
    if (result > 0)
        err_sys(e, -result, "start a thread");
    f->thread = 0;
    fetch_free(f);
    return -1;
}

void fetch_free(struct fetch *f)
{
    if (!f)
        return;
    if (f->thread) {
        cancel(f);
        pthread_join(f->thread, NULL);
    }
    for (size_t i = 0; i < f->n; i++) {
        fd_close(f->transfers[i].fd);
        http_response_done(&f->transfers[i].answer);
    }
    curl_multi_cleanup(f->multi);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    free(f->transfers);
    free(f);
}
