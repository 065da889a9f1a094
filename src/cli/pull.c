/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetching an image. Progress goes to stderr, and only to a terminal: in a script the result, or
 * one line that says what is wrong, is all.
 */
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/pull.h"
#include "image/reference.h"
#include "sys/terminal.h"

static void announce(const char *reference)
{
    struct image_reference r = {0};
    if (image_reference_parse(reference, &r, NULL) < 0)
        return;
    image_reference_complete(&r, "docker.io");
    auto_free char *text = image_reference_text(&r);
    auto_free char *line = alloc_printf("%s...", text);
    image_reference_done(&r);
    cli_complain("Trying to pull ", line);
}

int pull_image(struct engine *en, const struct pull_flags *f, const char *reference, char **ret_id,
               struct err *e)
{
    auto_free char *platform = NULL;
    auto_free char *user = NULL;
    auto_free char *password = NULL;
    if (str_starts_with(reference, "docker://"))
        reference += strlen("docker://");
    if (pull_platform(f, &platform, e) < 0)
        return -1;
    if (f->creds && pull_creds(f->creds, &user, &password, e) < 0)
        return -1;
    if (!f->quiet && sys_is_terminal(STDERR_FILENO))
        announce(reference);
    struct progress *progress = progress_new(f->quiet);
    struct engine_pull p = {
        .reference = reference,
        .platform = platform,
        .username = user,
        .password = password,
        .cert_dir = f->cert_dir,
        .tls_verify = f->tls_verify,
        .progress = progress_update,
        .arg = progress,
    };
    int r = engine_image_pull(en, &p, ret_id, e);
    progress_free(progress);
    if (password)
        explicit_bzero(password, strlen(password));
    return r;
}
