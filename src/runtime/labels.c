/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Security labels of the command: AppArmor's profile and SELinux's context.
 *
 * A label is written to a file of /proc/self/attr by the process itself, and counts from its next
 * execve. The next but one is the command's (stub.c), and an AppArmor profile says what may be
 * executed from within it: so the stub writes the label, and the command is the first program that
 * runs under it, as with every other runtime. Since Linux 5.12 such a file can only be written by
 * the program that opened it; the stub opens it itself.
 *
 * Trust boundary (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881): the container's /proc may be
 * anything, and a label that is written elsewhere leaves the command without one. The procfs here
 * is made by us, for the container's pid namespace, and never attached anywhere. It is open in the
 * stub, which the container's processes may look into: it has pids only (subset=pid), which they
 * see in their own.
 *
 * What the host's kernel cannot do is refused before there is a child; a label that the kernel does
 * not know, before READY.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/str.h"
#include "runtime/features_private.h"
#include "runtime/launch.h"
#include "runtime/mounts.h"
#include "sys/file.h"

#define APPARMOR_EXEC    "self/attr/apparmor/exec"
#define APPARMOR_CURRENT "self/attr/apparmor/current"
#define SELINUX_EXEC     "self/attr/exec"
#define SELINUX_KEYS     "/proc/self/attr/keycreate" /* before anything is joined: the host's */

static const char *or_null(const char *s)
{
    return s && *s ? s : NULL;
}

bool labels_has_apparmor(void)
{
    auto_free char *text = NULL;
    size_t n;

    return sys_read_file(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16, &text, &n) == 0 &&
           text[0] == 'Y';
}

bool labels_has_selinux(void)
{
    struct stat st;

    return sys_stat(AT_FDCWD, "/sys/fs/selinux/enforce", &st) == 0;
}

int labels_check_host(const struct runtime_plan *p, struct err *e)
{
    const struct oci_process *process = p->process.process;

    /* The words are runc's. */
    if (or_null(process->apparmor_profile) && !labels_has_apparmor())
        return err_set(e, ERR_UNSUPPORTED,
                       "process.apparmorProfile: config provided but apparmor not supported");
    if (or_null(process->selinux_label) && !labels_has_selinux())
        return err_set(e, ERR_UNSUPPORTED,
                       "process.selinuxLabel: selinux label is specified in config, but selinux is "
                       "disabled or not supported");
    return 0;
}

void labels_set_keys(const struct init *init, enum labels_when when)
{
    const char *label = or_null(init->process->process->selinux_label);

    if (label)
        (void)sys_write_existing(AT_FDCWD, SELINUX_KEYS, when == LABELS_BEGIN ? label : "\n");
}

/* "permprofile" asks whether the profile could be changed to, and changes nothing. */
static int check_apparmor(int proc, const char *profile, struct err *e)
{
    auto_free char *question = alloc_printf("permprofile %s", profile);
    int r = sys_write_existing(proc, APPARMOR_CURRENT, question);

    if (r == -ENOENT)
        return err_set(e, ERR_NOT_FOUND,
                       "process.apparmorProfile: apparmor has no profile '%s' loaded", profile);
    return r < 0 ? err_sys(e, r, "process.apparmorProfile: apparmor refuses profile '%s'", profile)
                 : 0;
}

static int check_selinux(int proc, const char *label, struct err *e)
{
    int r = sys_write_existing(proc, SELINUX_EXEC, label);

    if (r < 0)
        return err_sys(e, r, "process.selinuxLabel: selinux refuses '%s'", label);
    r = sys_write_existing(proc, SELINUX_EXEC, "\n");
    return r < 0 ? err_sys(e, r, "process.selinuxLabel: take '%s' back", label) : 0;
}

static int step_labels(struct init *init, const void *arg, struct err *e)
{
    char key[] = "subset", value[] = "pid";
    const struct mountopt_param only_pids = {.key = key, .value = value};
    const struct oci_process *process = init->process->process;

    (void)arg;
    init->labels_fd = mounts_make("proc", "proc", &only_pids, 1, 0, e);
    if (init->labels_fd < 0)
        return -1;
    if (or_null(process->apparmor_profile) &&
        check_apparmor(init->labels_fd, process->apparmor_profile, e) < 0)
        return -1;
    if (or_null(process->selinux_label) &&
        check_selinux(init->labels_fd, process->selinux_label, e) < 0)
        return -1;
    return 0;
}

static int add(struct runtime_plan *p, const char *file, const char *prefix, const char *label,
               const char *field, struct err *e)
{
    struct plan_process *pp = &p->process;

    if (!or_null(label))
        return 0;
    if (strlen(label) > STUB_LABEL_MAX - 16)
        return err_set(e, ERR_INVALID, "%s: longer than %d bytes", field, STUB_LABEL_MAX - 16);
    pp->labels[pp->n_labels++] =
        (struct stub_label){.file = file,
                            .text = plan_own_string(p, alloc_printf("%s%s", prefix, label))};
    return 0;
}

int labels_plan(struct runtime_plan *p, struct err *e)
{
    const struct oci_process *process = p->process.process;
    const char *profile = or_null(process->apparmor_profile), *context;

    context = or_null(process->selinux_label);
    if (add(p, APPARMOR_EXEC, "exec ", profile, "process.apparmorProfile", e) < 0 ||
        add(p, SELINUX_EXEC, "", context, "process.selinuxLabel", e) < 0)
        return -1;
    if (p->process.n_labels > 0)
        plan_add(p, "labels", step_labels, NULL, "%s%s%s", profile ? profile : "",
                 profile && context ? ", " : "", context ? context : "");
    return 0;
}
