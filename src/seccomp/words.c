/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seccomp/words.h"

#include <linux/seccomp.h>

#include "seccomp/emit.h"
#include "seccomp/seccomp.h"
#include "seccomp/syscalls.h"
#include "sys/bpf.h"

const struct words_action words_actions[WORDS_N_ACTIONS] = {
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false, true},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true, false},
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false, false},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false, false},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false, false},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG, false, true},
    {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, false, false},
    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true, true},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false, false},
};

const struct words_flag words_flags[WORDS_N_FLAGS] = {
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG, false},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW, false},
    /* The filter is loaded by a process of one thread: it counts for all its threads anyway. */
    {"SECCOMP_FILTER_FLAG_TSYNC", 0, false},
    /* Without a listener the kernel refuses it, and it would mean nothing. */
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, true},
};

const char *const words_ops[WORDS_N_OPS] = {
    [CMP_EQ] = "SCMP_CMP_EQ", [CMP_GE] = "SCMP_CMP_GE", [CMP_GT] = "SCMP_CMP_GT",
    [CMP_LE] = "SCMP_CMP_LE", [CMP_LT] = "SCMP_CMP_LT", [CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
    [CMP_NE] = "SCMP_CMP_NE",
};

static bool is_supported(const struct words_flag *f)
{
    unsigned flags = f->flag | (f->needs_listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);

    return sys_seccomp_knows_flags(flags) > 0;
}

void seccomp_features(struct seccomp_features *ret)
{
    struct seccomp_features f = {0};
    size_t n_actions = 0, n_supported = 0;

    for (size_t i = 0; i < WORDS_N_ACTIONS; i++)
        if (sys_seccomp_knows_action(words_actions[i].action) > 0)
            f.actions[n_actions++] = words_actions[i].name;
    for (size_t i = 0; i < WORDS_N_OPS; i++)
        f.operators[i] = words_ops[i];
    for (size_t i = 0; i < syscalls_n_archs; i++)
        f.archs[i] = syscalls_archs[i].name;
    for (size_t i = 0; i < WORDS_N_FLAGS; i++) {
        f.known_flags[i] = words_flags[i].name;
        if (is_supported(&words_flags[i]))
            f.supported_flags[n_supported++] = words_flags[i].name;
    }
    *ret = f;
}
