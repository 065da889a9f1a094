/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/signals.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/def.h"
#include "base/str.h"

static const struct {
    const char *name;
    int signal;
} signals[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"ILL", SIGILL},
    {"TRAP", SIGTRAP},     {"ABRT", SIGABRT},   {"IOT", SIGIOT},   {"BUS", SIGBUS},
    {"FPE", SIGFPE},       {"KILL", SIGKILL},   {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},
    {"USR2", SIGUSR2},     {"PIPE", SIGPIPE},   {"ALRM", SIGALRM}, {"TERM", SIGTERM},
    {"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD},   {"CLD", SIGCHLD},  {"CONT", SIGCONT},
    {"STOP", SIGSTOP},     {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},
    {"URG", SIGURG},       {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF},     {"WINCH", SIGWINCH}, {"IO", SIGIO},     {"POLL", SIGPOLL},
    {"PWR", SIGPWR},       {"SYS", SIGSYS},
};

/* The kernel's real-time signals are 34 to 64 for a program: libc keeps 32 and 33. */
static int realtime_signal(const char *s, int *ret)
{
    bool is_min = str_starts_with(s, "RTMIN"), is_max = str_starts_with(s, "RTMAX");
    uint64_t n = 0;

    if (!is_min && !is_max)
        return -EINVAL;
    s += 5;
    if (*s && (*s++ != (is_min ? '+' : '-') || str_to_u64(s, 30, &n) < 0))
        return -EINVAL;
    *ret = is_min ? 34 + (int)n : 64 - (int)n;
    return 0;
}

int signals_parse(const char *s, int *ret)
{
    char upper[16];
    uint64_t n;
    size_t i = 0;

    if (str_to_u64(s, 64, &n) == 0) {
        if (n == 0)
            return -EINVAL;
        *ret = (int)n;
        return 0;
    }
    for (; s[i] && i < sizeof(upper) - 1; i++)
        upper[i] = (char)toupper((unsigned char)s[i]);
    upper[i] = 0;
    s = upper + (str_starts_with(upper, "SIG") ? 3 : 0);
    for (i = 0; i < ARRAY_LEN(signals); i++) {
        if (strcmp(signals[i].name, s) == 0) {
            *ret = signals[i].signal;
            return 0;
        }
    }
    return realtime_signal(s, ret);
}
