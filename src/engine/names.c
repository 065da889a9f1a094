/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of containers (random adjective_surname, as users of docker and podman know them) and of
 * signals.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/str.h"
#include "engine/engine_internal.h"
#include "sys/process.h"

#define NAME_MAX_BYTES 255

static const char *const adjectives[] = {
    "able",   "agile",  "amber",   "ardent", "bold",   "brave",  "bright",   "brisk", "calm",
    "candid", "civil",  "clever",  "coral",  "crisp",  "deft",   "eager",    "early", "fair",
    "fleet",  "fluent", "frank",   "gentle", "glad",   "golden", "grand",    "happy", "hardy",
    "jolly",  "keen",   "kind",    "lively", "loyal",  "lucid",  "merry",    "mild",  "modest",
    "neat",   "noble",  "patient", "placid", "plucky", "polite", "proud",    "quick", "quiet",
    "rapid",  "ready",  "serene",  "sharp",  "silver", "smart",  "snug",     "sober", "spry",
    "steady", "stoic",  "sturdy",  "sunny",  "swift",  "tidy",   "tranquil", "trim",  "upbeat",
    "vivid",  "warm",   "wise",
};

/* Navigators, shipwrights, and people of computing and science. */
static const char *const surnames[] = {
    "amundsen",  "anning",     "babbage",  "backus",   "barents",   "battuta",      "bering",
    "bohr",      "bonny",      "bose",     "cabot",    "cook",      "curie",        "darwin",
    "dijkstra",  "drake",      "easley",   "elcano",   "engelbart", "euler",        "faraday",
    "fibonacci", "gama",       "goldberg", "hamilton", "hanno",     "harrison",     "hedy",
    "hopper",    "hudson",     "hypatia",  "kepler",   "knuth",     "kovalevskaya", "lamport",
    "leavitt",   "lovelace",   "magellan", "majid",    "mercator",  "minsky",       "nansen",
    "newton",    "noether",    "perlman",  "polo",     "ptolemy",   "pytheas",      "ritchie",
    "ross",      "shackleton", "shannon",  "slocum",   "tasman",    "tesla",        "thompson",
    "turing",    "vespucci",   "wilkes",   "zheng",
};

bool names_is_valid(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > NAME_MAX_BYTES || !isalnum((unsigned char)name[0]))
        return false;
    for (const char *s = name; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_.-", *s))
            return false;
    return true;
}

char *names_random(void)
{
    uint32_t r[3];

    if (sys_random(r, sizeof(r)) < 0)
        return NULL;
    return alloc_printf("%s_%s%u", adjectives[r[0] % ARRAY_LEN(adjectives)],
                        surnames[r[1] % ARRAY_LEN(surnames)], r[2] % 100);
}

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

int names_signal(const char *s, int *ret)
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
